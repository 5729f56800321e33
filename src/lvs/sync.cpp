#include "mainstay/lvs/sync.hpp"

#include <algorithm>

#include "mainstay/config/keywords.hpp"

namespace mainstay::lvs {
namespace {

using netlink::IpvsDaemon;
using State = IpvsDaemon::State;

// The kernel's defaults for values that are not given, and its bounds for a requested length.
constexpr std::uint16_t kPort = 8848;
constexpr std::uint8_t kTtl = 1;
constexpr std::uint16_t kMaxlenOfBackup = 1024;
constexpr int kMaxlenSlack = 128;             // headers, which are more in IPv6
constexpr std::uint32_t kGroup = 0xe0000051;  // 224.0.0.81

bool same_length(const IpvsDaemon& wanted, const IpvsDaemon& actual) {
    if (wanted.maxlen == 0) return true;  // it depends on the interface
    const int asked = wanted.state == State::Backup ? std::max(wanted.maxlen, kMaxlenOfBackup) : wanted.maxlen;
    return actual.maxlen <= asked && asked - actual.maxlen <= kMaxlenSlack;
}

bool runs_as(const IpvsDaemon& wanted, const IpvsDaemon& actual) {
    const auto port = wanted.port != 0 ? wanted.port : kPort;
    const auto ttl = wanted.ttl != 0 ? wanted.ttl : kTtl;
    const auto group = wanted.group.empty() ? IpAddress::v4(kGroup) : wanted.group;
    // A kernel before 4.3 reports none of these.
    const bool is_known = actual.port != 0;
    return wanted.interface == actual.interface && wanted.sync_id == actual.sync_id &&
           (!is_known ||
            (port == actual.port && ttl == actual.ttl && group == actual.group && same_length(wanted, actual)));
}

}  // namespace

std::optional<std::vector<IpvsDaemon>> wanted_daemons(const config::SyncDaemon& settings, std::optional<bool> master) {
    const bool both = settings.instance.empty();
    if (!both && !master) return std::nullopt;
    std::vector<IpvsDaemon> daemons;
    for (const State state : {State::Master, State::Backup}) {
        if (!both && *master != (state == State::Master)) continue;
        daemons.push_back({.state = state,
                           .interface = settings.interface,
                           .sync_id = settings.id,
                           .maxlen = settings.maxlen,
                           .port = settings.port,
                           .ttl = settings.ttl,
                           .group = settings.group.value_or(IpAddress{})});
    }
    return daemons;
}

std::vector<DaemonStep> plan_daemons(std::span<const IpvsDaemon> wanted, std::span<const IpvsDaemon> actual,
                                     bool renew) {
    std::vector<DaemonStep> steps;
    const auto stays = [&](const IpvsDaemon& running) {
        return !renew && std::ranges::any_of(wanted, [&](const IpvsDaemon& one) {
            return one.state == running.state && runs_as(one, running);
        });
    };
    for (const IpvsDaemon& running : actual)
        if (!stays(running)) steps.push_back({DaemonStep::Kind::Stop, running});
    for (const IpvsDaemon& one : wanted) {
        const bool runs = std::ranges::any_of(
            actual, [&](const IpvsDaemon& running) { return running.state == one.state && stays(running); });
        if (!runs) steps.push_back({DaemonStep::Kind::Start, one});
    }
    return steps;
}

netlink::IpvsTimeouts wanted_timeouts(const config::Global& global) {
    netlink::IpvsTimeouts wanted;
    for (const config::Section& section : global.more->sections) {
        if (section.keyword != config::keyword::lvs_timeouts) continue;
        const auto take = [&](const config::Keyword<Micros>& word, std::uint32_t& value) {
            if (const auto given = config::value_of(section.values, word))
                value = static_cast<std::uint32_t>(std::chrono::duration_cast<Seconds>(*given).count());
        };
        take(config::keyword::tcp, wanted.tcp);
        take(config::keyword::tcpfin, wanted.tcp_fin);
        take(config::keyword::udp, wanted.udp);
    }
    return wanted;
}

netlink::IpvsTimeouts timeouts_to_set(const netlink::IpvsTimeouts& wanted, const netlink::IpvsTimeouts& original,
                                      const netlink::IpvsTimeouts& actual) {
    const auto one = [](std::uint32_t want, std::uint32_t was, std::uint32_t is) {
        const std::uint32_t target = want != 0 ? want : was;
        return target == is ? 0 : target;
    };
    return {.tcp = one(wanted.tcp, original.tcp, actual.tcp),
            .tcp_fin = one(wanted.tcp_fin, original.tcp_fin, actual.tcp_fin),
            .udp = one(wanted.udp, original.udp, actual.udp)};
}

}  // namespace mainstay::lvs
