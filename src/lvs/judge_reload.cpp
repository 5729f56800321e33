// Reload and stop. Unchanged servers and checks keep their state, their timers and the check that is running;
// keepalived restarts all of them.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "judge_text.hpp"
#include "mainstay/lvs/judge.hpp"
#include "questions.hpp"

namespace mainstay::lvs {

struct Judge::Previous {
    std::vector<config::VirtualServer> services;
    std::vector<ServiceState> states;
    std::map<ServiceIdentity, std::size_t> by_key;
};

namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

std::size_t find_server(const config::VirtualServer& service, const Endpoint& endpoint) {
    const auto found = std::ranges::find(service.real_servers, endpoint, &config::RealServer::endpoint);
    return found == service.real_servers.end() ? kNone : static_cast<std::size_t>(found - service.real_servers.begin());
}

// Which old checker each new one continues; kNone for those that are new. Exact twins first.
std::vector<std::size_t> match_checkers(const std::vector<config::Checker>& now,
                                        const std::vector<config::Checker>& before) {
    std::vector<std::size_t> match(now.size(), kNone);
    std::vector<bool> taken(before.size(), false);
    const auto pass = [&](auto&& equal) {
        for (std::size_t i = 0; i < now.size(); ++i) {
            for (std::size_t j = 0; match[i] == kNone && j < before.size(); ++j) {
                if (taken[j] || !equal(now[i], before[j])) continue;
                match[i] = j;
                taken[j] = true;
            }
        }
    };
    pass([](const config::Checker& left, const config::Checker& right) { return left == right; });
    pass(same_question);
    return match;
}

void carry_checker(const config::Checker& now, const config::Checker& before, const CheckerState& old,
                   CheckerState& out, Instant at) {
    out = old;
    if (now.type == config::Checker::Type::Misc && !now.misc_dynamic) out.dynamic_weight.reset();
    if (now != before && !old.running) out.due = std::min(old.due, at + now.delay_loop);
}

void tell_removed_server(const config::VirtualServer& service, const config::RealServer& server, bool alive,
                         bool drains, Intents& out) {
    const bool inhibited = !alive && inhibits(service, server);
    if ((alive || inhibited) && !drains) {
        out.push_back(
            say(LogLevel::Info, fmt::format("Removing {}service {} from VS {}", inhibited ? "(inhibited) " : "",
                                            text_of(service, server), config::service_name(service))));
    }
    if (alive) out.emplace_back(Announce{server_event(service, server, false, "Removing")});
}

void tell_removed_service(const config::VirtualServer& service, const ServiceState& state, Intents& out) {
    out.push_back(say(LogLevel::Info, fmt::format("Removing Virtual Server {}", config::service_name(service))));
    for (std::size_t s = 0; s < state.servers.size(); ++s) {
        tell_removed_server(service, service.real_servers[s], state.servers[s].alive, false, out);
    }
    if (!state.quorum_up) return;
    out.emplace_back(
        Announce{service_event(service, false, fmt::format("Lost quorum {}", lost_mail_text(quorum_of(service), 0)))});
}

}  // namespace

Intents Judge::reload(config::Config next, Moment at) {
    Intents out;
    Previous before{std::move(services_), std::move(states_), {}};
    for (std::size_t i = 0; i < before.services.size(); ++i) before.by_key.emplace(identity_of(before.services[i]), i);

    adopt_config(std::move(next), out);
    make_fresh_states(at, true);
    tell_removed(before, out);
    carry_over(before, at, out);
    for (std::size_t i = 0; i < services_.size(); ++i) tell_added(i, before, out);
    const CheckerId since = next_id_;
    resume_checks(before, at, out);
    for (std::size_t i = 0; i < services_.size(); ++i) {
        release_kept(i, at, out);
        const auto found = before.by_key.find(identity_of(services_[i]));
        if (found != before.by_key.end()) keep_again(i, before.services[found->second], at, out);
        evaluate_quorum(i, Mode::Reload, out);
    }
    tidy_queue();
    // keepalived restarts all of them and logs it; here the other checks continue.
    say_activations(out, since);
    return out;
}

void Judge::resume_checks(const Previous& before, Moment at, Intents& out) {
    arm_gradual(at.now);
    index_checkers();
    unlead_gone(at.now);
    enqueue_all(at.now);
    cancel_gone(before, out);
}

bool Judge::takes(const std::vector<config::ServiceChange>& changes) const {
    return std::ranges::all_of(changes, [this](const config::ServiceChange& change) {
        if (change.at >= services_.size() || services_[change.at] != change.before) return false;
        if (identity_of(change.before) != identity_of(change.after)) return false;
        if (is_mapped(change.before) || is_mapped(change.after) || kernel_keys(change.after) != keys(change.at))
            return false;
        return suspends(change.before) == suspends(change.after);
    });
}

Intents Judge::change(std::vector<config::ServiceChange> changes, Moment at) {
    Intents out;
    Previous before;
    for (auto& change : changes) {
        before.by_key.emplace(identity_of(change.before), before.services.size());
        server_count_ += change.after.real_servers.size();
        server_count_ -= change.before.real_servers.size();
        before.services.push_back(std::exchange(services_[change.at], std::move(change.after)));
        before.states.push_back(std::exchange(states_[change.at], fresh_state(services_[change.at], at, true)));
        apply_overrides(change.at);
    }
    for (std::size_t i = 0; i < changes.size(); ++i) tell_removed_servers(before, i, changes[i].at, out);
    for (std::size_t i = 0; i < changes.size(); ++i) carry_service(changes[i].at, before, i, at, out);
    for (const auto& change : changes) tell_added(change.at, before, out);
    const CheckerId since = next_id_;
    resume_checks(before, at, out);
    for (std::size_t i = 0; i < changes.size(); ++i) {
        release_kept(changes[i].at, at, out);
        keep_again(changes[i].at, before.services[i], at, out);
        evaluate_quorum(changes[i].at, Mode::Reload, out);
    }
    tidy_queue();
    say_activations(out, since);
    return out;
}

void Judge::tell_removed(const Previous& before, Intents& out) const {
    std::map<ServiceIdentity, std::size_t> kept;
    for (std::size_t i = 0; i < services_.size(); ++i) kept.emplace(identity_of(services_[i]), i);
    for (std::size_t v = 0; v < before.services.size(); ++v) {
        const auto found = kept.find(identity_of(before.services[v]));
        if (found == kept.end())
            tell_removed_service(before.services[v], before.states[v], out);
        else
            tell_removed_servers(before, v, found->second, out);
    }
}

void Judge::tell_removed_servers(const Previous& before, std::size_t old, std::size_t service, Intents& out) const {
    const auto& was = before.services[old];
    for (std::size_t s = 0; s < was.real_servers.size(); ++s) {
        const auto& server = was.real_servers[s];
        if (find_server(services_[service], server.endpoint) != kNone) continue;
        out.push_back(say(LogLevel::Info, fmt::format("service {} no longer exist", text_of(was, server))));
        const auto& state = before.states[old].servers[s];
        tell_removed_server(was, server, state.alive, drains(was, server, before.states[old], state), out);
    }
}

void Judge::tell_added(std::size_t service, const Previous& before, Intents& out) const {
    if (!is_on(global_, "rs_init_notifies")) return;
    const auto found = before.by_key.find(identity_of(services_[service]));
    for (std::size_t s = 0; s < services_[service].real_servers.size(); ++s) {
        const auto& server = services_[service].real_servers[s];
        const bool is_new =
            found == before.by_key.end() || find_server(before.services[found->second], server.endpoint) == kNone;
        if (is_new) announce_initial(service, s, out);
    }
}

void Judge::carry_over(const Previous& before, Moment at, Intents& out) {
    for (std::size_t v = 0; v < services_.size(); ++v) {
        const auto found = before.by_key.find(identity_of(services_[v]));
        if (found != before.by_key.end()) carry_service(v, before, found->second, at, out);
    }
}

void Judge::carry_service(std::size_t service, const Previous& before, std::size_t old, Moment at, Intents& out) {
    const auto& config = services_[service];
    const auto& old_config = before.services[old];
    auto& state = states_[service];
    state.quorum_up = before.states[old].quorum_up;
    state.sorry_in_use = before.states[old].sorry_in_use && config.sorry_server.has_value();

    for (std::size_t s = 0; s < config.real_servers.size(); ++s) {
        const std::size_t was = find_server(old_config, config.real_servers[s].endpoint);
        if (was == kNone) continue;
        const auto& old_server = before.states[old].servers[was];
        auto& server = state.servers[s];
        const auto& checkers = config.real_servers[s].checkers;
        const auto& old_checkers = old_config.real_servers[was].checkers;
        const auto match = match_checkers(checkers, old_checkers);
        for (std::size_t c = 0; c < checkers.size(); ++c) {
            if (match[c] != kNone) {
                carry_checker(checkers[c], old_checkers[match[c]], old_server.checkers[match[c]], server.checkers[c],
                              at.now);
            } else {
                // A new check does not take a server down that is up; a server that is down must pass an alpha check
                // first, and gets no retries.
                server.checkers[c].up =
                    old_server.alive || !checkers[c].alpha || checkers[c].type == config::Checker::Type::File;
                server.checkers[c].first_run_retries = old_server.alive && !checkers[c].alpha;
            }
        }
        server.kept = old_server.kept && !all_up(server);
        server.between.change([&old_server, held = server.between->held_weight](Between& between) {
            between = *old_server.between;
            between.held_weight = held;
        });
        const bool alive = may_live(server);
        server.alive = old_server.alive;
        server.since = old_server.since;
        server.weight = effective_weight(config.real_servers[s], server);
        if (old_server.weight != server.weight) {
            out.push_back(say(LogLevel::Info,
                              fmt::format("Changing weight from {} to {} for {} service {} of VS {}", old_server.weight,
                                          server.weight, old_server.alive ? "active" : "inactive",
                                          server_text(service, s), service_text(service))));
        }
        if (alive && !old_server.alive) {  // the check that it failed was removed
            set_alive({service, s, 0}, true, at, out);
            Event event = server_event(config, config.real_servers[s], true, "CHECK succeed on service");
            event.mail = false;
            out.emplace_back(Announce{std::move(event)});
        } else {
            server.alive = alive;
        }
    }
    leave_after_reload(service, old_config, before.states[old], at, out);
}

void Judge::cancel_gone(const Previous& before, Intents& out) const {
    for (const auto& service : before.states) {
        for (const auto& server : service.servers) {
            for (const auto& checker : server.checkers) {
                if (checker.running && !positions_.contains(checker.id)) out.emplace_back(CancelCheck{checker.id});
            }
        }
    }
}

Intents Judge::stop(bool keep, Moment at) {
    static_cast<void>(at);
    Intents out;
    const bool flushes = global_.lvs_flush_on_stop != config::Global::FlushOnStop::No;
    const bool names_services = services_.size() <= kServersNamedInLogMax;
    std::size_t of_unnamed = 0;
    for (std::size_t v = 0; v < services_.size(); ++v) {
        const auto& service = services_[v];
        std::size_t unnamed = 0;
        for (std::size_t s = 0; s < service.real_servers.size(); ++s) {
            const bool alive = states_[v].servers[s].alive;
            const bool inhibited = !alive && inhibits(service, service.real_servers[s]);
            if (!keep && !flushes && (alive || inhibited)) {
                if (!names_servers())
                    ++unnamed;
                else
                    out.push_back(say(LogLevel::Info, fmt::format("Shutting down {}service {} from VS {}",
                                                                  inhibited ? "(inhibited) " : "", server_text(v, s),
                                                                  service_text(v))));
            }
            // keepalived: with lvs_flush_on_stop the servers' part is left out.
            if (service.omega && !flushes && alive) {
                out.emplace_back(Announce{server_event(service, service.real_servers[s], false, "Shutting down")});
            }
        }
        if (!names_services) {
            of_unnamed += unnamed;
        } else if (unnamed != 0) {
            out.push_back(
                say(LogLevel::Info, fmt::format("Shutting down {} services from VS {}", unnamed, service_text(v))));
        }
        // keepalived: quorum_down runs at the end even if it was down already.
        if (service.omega) out.emplace_back(Announce{service_event(service, false, "Shutting down")});
    }
    if (of_unnamed != 0)
        out.push_back(say(LogLevel::Info, fmt::format("Shutting down {} services from {} virtual servers", of_unnamed,
                                                      services_.size())));
    return out;
}

}  // namespace mainstay::lvs
