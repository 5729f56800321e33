// Start: makes the states from the configuration and from an earlier incarnation, then the initial reports of each
// service. For thousands of services the reports take longer than the table, so the table is written first.
#include <set>
#include <utility>

#include "judge_impl.hpp"
#include "judge_text.hpp"
#include "mainstay/config/validate/unusable.hpp"
#include "recall.hpp"

namespace mainstay::lvs {

void Judge::Impl::start(config::Config config, const Memory& memory, Moment at, Overrides overrides,
                        const Opening& opening, HostAddresses host) {
    Intents out;
    if (host) addresses_.set(std::move(*host));
    overrides_ = OperatorOverrides{std::move(overrides), at};
    marks_.recall(memory);
    services_.configure(std::move(config), marks_, out);
    make_fresh_states(at, false);
    recall(services_, memory, at);
    take_up_checks(at.now);
    const auto before = settle_quorums();
    if (opening.settled) opening.settled();
    report_opening(memory, before, std::move(out), opening.report);
}

void Judge::Impl::make_fresh_states(Moment at, bool first_run_retries) {
    services_.states.clear();
    services_.states.reserve(services_.size());
    for (const auto& service : services_.configs)
        services_.states.push_back(fresh_state(service, at, first_run_retries));
}

ServiceState Judge::Impl::fresh_state(const config::VirtualServer& service, Moment at, bool first_run_retries) const {
    ServiceState state;
    state.suspended = addresses_.suspend(service);
    state.servers.reserve(service.real_servers.size());
    for (const auto& server : service.real_servers) {
        ServerState fresh{.weight = server.weight, .since = at.wall, .between = {}, .checkers = {}};
        fresh.checkers.reserve(server.checkers.size());
        for (const auto& checker : server.checkers) {
            CheckerState one;
            // keepalived: alpha does not apply to a file, whose number is known immediately.
            one.up = !checker.alpha || checker.type == config::Checker::Type::File;
            one.first_run_retries = first_run_retries && !checker.alpha;
            one.due = schedule_.first_due(checker, at.now);
            fresh.checkers.push_back(std::move(one));
        }
        fresh.alive = all_up(fresh);
        state.servers.push_back(std::move(fresh));
    }
    overrides_.apply(service, state);
    return state;
}

// After services were replaced: every part updates its references to them.
void Judge::Impl::take_up_checks(Instant now) {
    slow_start_.rearm(services_, now);
    draining_.rearm(services_, now);
    services_.index_checkers();
    shared_.group(services_);
    shared_.release_gone(services_, schedule_, now);
    note_unusable();
    schedule_.rebuild(services_, now);
}

void Judge::Impl::note_unusable() {
    for (std::size_t v = 0; v < services_.size(); ++v)
        for (std::size_t s = 0; s < services_.states[v].servers.size(); ++s) {
            const auto& checkers = services_.config_at({v, s}).checkers;
            for (std::size_t c = 0; c < checkers.size(); ++c)
                if (config::is_unusable(checkers[c]))
                    services_.checker_state({{v, s}, c}).last_result = reasons_.of("the script cannot be run");
        }
}

// Returns the former states of the services, with which the reports compare.
std::vector<Judge::Impl::Standing> Judge::Impl::settle_quorums() {
    std::vector<Standing> before;
    before.reserve(services_.size());
    for (std::size_t i = 0; i < services_.size(); ++i) {
        before.push_back({services_.states[i].quorum_up, services_.states[i].sorry_in_use});
        settle_quorum(services_, i);
    }
    return before;
}

void Judge::Impl::report_opening(const Memory& memory, const std::vector<Standing>& before, Intents out,
                                 const std::function<void(const Intents&)>& report) {
    const auto report_now = [&] {
        if (!out.empty()) report(out);
        out.clear();
    };
    report_now();
    if (is_on(services_.global, "rs_init_notifies")) {
        std::set<std::pair<ServiceIdentity, Endpoint>> known;
        for (const auto& service : memory)
            for (const auto& server : service.servers) known.emplace(service.identity, server.endpoint);
        for (std::size_t v = 0; v < services_.size(); ++v) {
            const auto identity = identity_of(services_.configs[v]);
            for (std::size_t s = 0; s < services_.configs[v].real_servers.size(); ++s)
                if (!known.contains({identity, services_.config_at({v, s}).endpoint})) announce_initial({v, s}, out);
            report_now();
        }
    }
    for (std::size_t v = 0; v < before.size(); ++v) {
        services_.states[v].quorum_up = before[v].quorum_up;
        services_.states[v].sorry_in_use = before[v].sorry_in_use;
        follow_quorum(services_, v, QuorumChange::Start, out);
        report_now();
    }
    for (std::size_t v = 0; v < services_.size(); ++v) {
        log_checks(v, services_.states[v].suspended ? "Deactivating" : "Activating", out);
        report_now();
    }
    log_sessions(out, 0);
    report_now();
}

// rs_init_notifies: servers that are added before any check are reported as if they had come up, without a mail.
void Judge::Impl::announce_initial(const ServerRef& ref, Intents& out) const {
    if (!services_.state_at(ref).alive) return;
    Event event = server_event(services_.configs[ref.service], services_.config_at(ref), true, "Starting");
    event.mail = false;
    out.emplace_back(Announce{std::move(event)});
}

}  // namespace mainstay::lvs
