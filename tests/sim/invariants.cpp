// What must hold after every step of every router, whatever the network does.
#include <fmt/format.h>

#include <algorithm>

#include "lan.hpp"
#include "mainstay/wire/vrrp.hpp"

namespace mainstay::sim {

using namespace std::chrono_literals;
using namespace vrrp;

void Lan::broken(const Host& host, const std::string& what) {
    if (violation_) return;
    violation_ = fmt::format("at {:.6f} s, host {}: {}",
                             std::chrono::duration<double>(now_.time_since_epoch()).count() - 1e6, host.index, what);
}

void Lan::check(Host& host, const Packet* heard) {
    check_addresses(host);
    check_transitions(host, heard);
    check_groups(host);
    if (heard != nullptr) note_heard(host, *heard);
}

// An address is held only by a master, and every address acquired is released or still a master's.
void Lan::check_addresses(const Host& host) {
    auto allowed = host.kernel;
    allowed.clear();
    const auto snapshot = host.router->snapshot();
    for (std::size_t n = 0; n < snapshot.instances.size(); ++n) {
        if (snapshot.instances[n].state != State::Master) continue;
        for (const auto& address : host.config.instances[n].addresses) allowed.insert({"eth0", address.prefix});
    }
    if (!std::ranges::includes(allowed, host.kernel)) broken(host, "holds an address without being its master");
}

void Lan::check_transitions(Host& host, const Packet* heard) {
    const auto snapshot = host.router->snapshot();
    std::optional<wire::VrrpPacket> advert;
    if (heard != nullptr) advert = wire::decode_vrrp(heard->payload, Family::V4).value();
    for (std::size_t n = 0; n < host.seen.size(); ++n) {
        const auto& instance = snapshot.instances[n];
        const State before = std::exchange(host.seen[n], instance.state);
        const bool awake = instance.state == State::Backup || instance.state == State::Master;
        if (awake && instance.deadline == Instant{}) broken(host, instance.name + " has no deadline");
        if (before == instance.state) continue;
        ++transitions_;
        if (before == State::Master && instance.state == State::Backup) {
            const auto& own =
                *std::ranges::find(snapshot.instances, advert ? advert->virtual_router_id : std::uint8_t{0},
                                   [](const InstanceSnapshot& s) { return s.virtual_router_id; });
            const bool ours = advert && (grouped_ || advert->virtual_router_id == instance.virtual_router_id);
            const bool better = ours && std::tuple{advert->priority, heard->source} >
                                            std::tuple{own.effective_priority, host.link.addresses.at(0)};
            if (!better) broken(host, instance.name + " yields to nobody better");
        }
        if (before == State::Backup && instance.state == State::Master && host.last_heard[n] &&
            now_ - *host.last_heard[n] < Nanos{interval_} * 3)
            broken(host, instance.name + " takes over from a master that it heard");
    }
}

// All members are MASTER, or none is.
void Lan::check_groups(const Host& host) {
    if (!grouped_) return;
    const auto masters = std::ranges::count(host.seen, State::Master);
    if (masters != 0 && masters != static_cast<std::ptrdiff_t>(host.seen.size()))
        broken(host, "the members of its sync group disagree");
}

// An advert stands for a master that must not be disturbed when it is good enough, or when any is (nopreempt).
void Lan::note_heard(Host& host, const Packet& packet) {
    const auto advert = wire::decode_vrrp(packet.payload, Family::V4).value();
    const auto snapshot = host.router->snapshot();
    for (std::size_t n = 0; n < host.seen.size(); ++n) {
        const auto& instance = snapshot.instances[n];
        if (instance.virtual_router_id != advert.virtual_router_id || instance.state != State::Backup) continue;
        if (advert.priority == 0)
            host.last_heard[n].reset();
        else if (nopreempt_ || advert.priority >= instance.effective_priority)
            host.last_heard[n] = now_;
    }
}

void Lan::check_settled() {
    if (violation_) return;
    const auto alive = std::ranges::find_if(hosts_, [](const Host& host) { return host.router.has_value(); });
    for (std::size_t n = 0; n < alive->seen.size() && !violation_; ++n) {
        const auto master = master_of(n);
        if (!master) return broken(*alive, fmt::format("VI_{} has no master, or several", n + 1));
        const Host& host = hosts_[*master];
        const auto own = host.router->snapshot().instances[n].effective_priority;
        for (const auto& address : host.config.instances[n].addresses)
            if (!host.kernel.contains({"eth0", address.prefix})) broken(host, "a master lacks one of its addresses");
        for (const Host& other : hosts_)
            if (!nopreempt_ && other.router && other.router->snapshot().instances[n].effective_priority > own)
                broken(host, fmt::format("is master of VI_{} though host {} is better", n + 1, other.index));
    }
}

}  // namespace mainstay::sim
