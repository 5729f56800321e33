// ha_suspend: the checks of a service run only while one of its addresses is on this host, so that a backup does not
// check the servers. Their last results stay valid.
#include <fmt/format.h>

#include <algorithm>

#include "judge_text.hpp"
#include "mainstay/lvs/judge.hpp"

namespace mainstay::lvs {
namespace {

// After a takeover the servers are checked soon, but not all at the same moment.
constexpr Micros kResumeWithin{1'000'000};

}  // namespace

// A service of a firewall mark has no address whose presence could be tracked.
bool suspends(const config::VirtualServer& service) {
    if (config::find_value(service.more->values, "ha_suspend") == nullptr || service.fwmark != 0) return false;
    return service.group.empty() ||
           std::ranges::any_of(service.membership->entries, [](const config::GroupEntry& e) { return e.fwmark == 0; });
}

bool suspends(const config::Config& config) {
    return std::ranges::any_of(config.virtual_servers, [](const auto& service) { return suspends(service); });
}

bool Judge::suspended_now(const config::VirtualServer& service) const {
    if (!knows_addresses_ || !suspends(service)) return false;
    if (service.group.empty()) return !addresses_.contains(service.endpoint.address);
    return std::ranges::none_of(service.membership->entries, [&](const config::GroupEntry& entry) {
        if (entry.fwmark != 0) return false;
        const auto at = addresses_.lower_bound(entry.first);
        return at != addresses_.end() && *at <= entry.last;
    });
}

void Judge::on_addresses(Moment at, Intents& out) {
    for (std::size_t v = 0; v < services_.size(); ++v) {
        const bool suspended = suspended_now(services_[v]);
        if (suspended == states_[v].suspended) continue;
        states_[v].suspended = suspended;
        if (suspended)
            suspend(v, at.now, out);
        else
            resume(v, at.now, out);
    }
}

void Judge::suspend(std::size_t service, Instant now, Intents& out) {
    say_checks(service, "Suspending", out);
    for (auto& server : states_[service].servers) {
        for (auto& state : server.checkers) {
            state.waits = false;
            if (!std::exchange(state.running, false)) continue;
            out.emplace_back(CancelCheck{state.id});
            unlead(state.id, now);
        }
    }
}

void Judge::resume(std::size_t service, Instant now, Intents& out) {
    say_checks(service, "Activating", out);
    for (std::size_t s = 0; s < states_[service].servers.size(); ++s) {
        for (std::size_t c = 0; c < states_[service].servers[s].checkers.size(); ++c) {
            const Position where{service, s, c};
            const bool disabled = states_[service].servers[s].hold == Hold::Disabled;
            if (disabled || !is_polled(config_at(where))) continue;
            schedule(where, now + random_(std::min(config_at(where).warmup, kResumeWithin)));
        }
    }
}

void Judge::say_checks(std::size_t service, std::string_view verb, Intents& out, CheckerId since) const {
    std::size_t count = 0;
    for (std::size_t s = 0; s < states_[service].servers.size(); ++s) {
        for (std::size_t c = 0; c < states_[service].servers[s].checkers.size(); ++c) {
            const Position where{service, s, c};
            if (!is_polled(config_at(where)) || id_at(where) < since) continue;
            ++count;
            if (names_servers()) {
                out.push_back(say(LogLevel::Info, fmt::format("{} healthchecker for service {} for VS {}", verb,
                                                              server_text(service, s), service_text(service))));
            }
        }
    }
    if (!names_servers() && count != 0) {
        out.push_back(
            say(LogLevel::Info, fmt::format("{} {} healthcheckers for VS {}", verb, count, service_text(service))));
    }
}

}  // namespace mainstay::lvs
