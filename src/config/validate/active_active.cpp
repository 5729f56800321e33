#include "validate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

#include "config/schema/setters.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/config/validate/resolved.hpp"

namespace mainstay::config {
namespace {

constexpr std::string_view kScheduler = "mh";

class ActiveActiveCheck {
public:
    ActiveActiveCheck(Diagnoser& diag, ServiceDraft& draft) : diag_{diag}, s_{draft}, m_{draft.model} {}

    void run() {
        if (!works()) {
            m_.active_active = false;
            return;
        }
        resolve_scheduler();
        refuse_other_weights();
        compare_numbers();
    }

private:
    [[nodiscard]] std::string name() const { return service_name(m_); }

    bool works() {
        if (m_.persistent)
            return refuse(
                "does not work with persistence: only the director that had a client before knows its server",
                "remove persistence_timeout and persistence_granularity, or serve it with one director at a time");
        const auto nat = [](const auto& server) { return server.forwarding == Forwarding::Nat; };
        if (std::ranges::any_of(m_.real_servers, nat) || (m_.sorry_server && nat(*m_.sorry_server)))
            return refuse("does not work with NAT: answers go through the director that has the connection",
                          "use `lb_kind DR` or TUN for all servers");
        return true;
    }

    bool refuse(std::string_view why, std::string_view fix) {
        auto& d = diag_.error(Code::ActiveActiveRefused, s_.active_active_mark,
                              fmt::format("virtual server {}: active_active {}", name(), why));
        d.effect = "active_active is ignored";
        d.fix = fix;
        return false;
    }

    void resolve_scheduler() {
        if (s_.scheduler_given && m_.scheduler != kScheduler) {
            auto& d = diag_.error(Code::FlagIgnored, s_.active_active_mark,
                                  fmt::format("virtual server {}: active_active uses lb_algo mh, and {} is written",
                                              name(), m_.scheduler));
            d.effect = "mh is used, with mh-fallback and mh-port";
            d.fix = "write `lb_algo mh`, or nothing";
        }
        m_.scheduler = kScheduler;
        m_.scheduler_flags |= kHashFallback | kHashPort;
    }

    // Directors measure weights at different times; in between their tables would differ.
    void refuse_other_weights() {
        const auto grows = [](const auto& one) { return is_given(one.more->values, keyword::slow_start); };
        const bool slow = grows(m_) || std::ranges::any_of(m_.real_servers, grows);
        const bool dynamic = std::ranges::any_of(m_.real_servers, [](const RealServer& server) {
            return std::ranges::any_of(server.checkers, [](const Checker& one) {
                return one.misc_dynamic || one.type == Checker::Type::Agent;
            });
        });
        if (!slow && !dynamic) return;
        auto& d = diag_.advise(Code::FlagIgnored, s_.active_active_mark,
                               fmt::format("virtual server {}: active_active shares flows by the configured weights, "
                                           "not by those of {}",
                                           name(), slow ? "slow_start" : "checks"));
        d.effect = "only whether a weight is 0 counts";
    }

    // With DR and tunnels all servers have the port of the service, so that their addresses decide.
    void compare_numbers() {
        std::map<std::uint32_t, const IpAddress*> first;
        for (const RealServer& server : m_.real_servers) {
            if (is_template(server)) continue;  // what DNS will answer is not known
            const auto& address = server.endpoint.address;
            const auto [known, fresh] = first.emplace(mh_number({address, 0}), &address);
            if (fresh) continue;
            auto& d = diag_.warn(
                Code::EqualShares, s_.active_active_mark,
                fmt::format("virtual server {}: {} and {} are one number to mh: the sum of their parts is equal",
                            name(), known->second->to_string(), address.to_string()));
            d.effect = "mh lets them claim the same places, so that flows are shared less evenly";
            d.fix = "give one of them another address";
        }
    }

    Diagnoser& diag_;
    ServiceDraft& s_;
    VirtualServer& m_;
};

}  // namespace

std::uint32_t mh_number(const Endpoint& endpoint) {
    std::uint32_t sum = 0;
    const auto bytes = endpoint.address.bytes();
    for (std::size_t at = 0; at < bytes.size(); at += 4) {
        std::uint32_t word = 0;
        for (std::size_t n = 0; n < 4; ++n) word = word << 8 | std::to_integer<std::uint32_t>(bytes[at + n]);
        sum ^= word;
    }
    return sum + endpoint.port;
}

void resolve_active_active(Diagnoser& diag, ServiceDraft& draft) {
    if (draft.model.active_active) ActiveActiveCheck{diag, draft}.run();
}

void check_active_active(ParseContext& r, const Config& config) {
    if (!is_active_active(config)) return;
    if (const auto daemon = sync_daemon(config); daemon && !daemon->instance.empty()) {
        auto& d = r.diag.warn(
            Code::ActiveActiveSettings, r.active_active,
            fmt::format("lvs_sync_daemon follows vrrp_instance {}, and active_active has no master", daemon->instance));
        d.effect = "directors that serve at the same time do not know each other's connections";
        d.fix = fmt::format("write `lvs_sync_daemon {} id {}`: without an instance every director sends and receives",
                            daemon->interface, daemon->id);
    }
    if (!is_given(config.more->values, keyword::net_namespace_ipvs)) return;
    auto& d = r.diag.warn(Code::ActiveActiveSettings, r.active_active,
                          "net_namespace_ipvs: active_active needs settings of the kernel that cannot be set there");
    d.effect = "flows of another director are refused";
    d.fix = "set net.ipv4.vs.sloppy_tcp, schedule_icmp and expire_nodest_conn to 1 in that namespace";
}

}  // namespace mainstay::config
