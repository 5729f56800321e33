// Dispatches facts, starts the runs that are due, and brings each result to the checkers that it is for.

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <set>
#include <utility>

#include "carry_over.hpp"
#include "judge_impl.hpp"
#include "judge_text.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/config/validate/resolved.hpp"
#include "mainstay/lvs/followed.hpp"

namespace mainstay::lvs {

Intents Judge::Impl::step(const Fact& fact, Moment at) {
    Intents out;
    for (auto& line : budget_.look(at.now)) out.emplace_back(WriteLog{std::move(line)});
    if (const auto* finished = std::get_if<CheckFinished>(&fact))
        on_results(*finished, at, out);
    else if (const auto* counted = std::get_if<ConnectionsCounted>(&fact))
        draining_.on_counted(services_, *counted, out);
    else if (const auto* changed = std::get_if<AddressesChanged>(&fact)) {
        addresses_.set(changed->addresses);
        on_addresses(at, out);
    } else
        on_deadline(at, out);
    tidy();
    std::erase_if(out, [this, at](const Intent& intent) {
        const auto* written = std::get_if<WriteLog>(&intent);
        return written != nullptr && !budget_.allows(written->line, at.now);
    });
    return out;
}

std::optional<Instant> Judge::Impl::deadline() const {
    std::optional<Instant> first;
    for (const auto& one : {schedule_.deadline(), slow_start_.deadline(), draining_.deadline(), overrides_.deadline(),
                            budget_.deadline()})
        if (one) first = first ? std::min(*first, *one) : *one;
    return first;
}

void Judge::Impl::on_deadline(Moment at, Intents& out) {
    while (const auto id = schedule_.take_due(services_, at.now)) {
        services_.checker_state(services_.checkers.at(*id)).running = true;
        out.emplace_back(StartCheck{*id});
        shared_.lead(services_, *id);
    }
    slow_start_.on_deadline(services_, at.now, out);
    draining_.on_deadline(services_, at.now, out);
    end_overrides(at, out);
}

// One run may answer for several checks.
void Judge::Impl::on_results(const CheckFinished& fact, Moment at, Intents& out) {
    on_finished(fact, at, out);
    for (const CheckerId other : shared_.take_followers(fact.checker)) {
        CheckFinished same = fact;
        same.checker = other;
        on_finished(same, at, out);
    }
}

void Judge::Impl::on_finished(const CheckFinished& fact, Moment at, Intents& out) {
    const auto found = services_.checkers.find(fact.checker);
    if (!found) return;  // a reload removed it
    const CheckerRef ref = *found;
    const auto& checker = services_.checker_at(ref);
    auto& state = services_.checker_state(ref);
    if (!state.running && !is_followed(checker.type)) return;
    state.running = false;

    const bool repeated = state.last_result == fact.reason;
    if (!repeated) state.last_result = reasons_.of(fact.reason);
    state.last_run = at.wall;
    state.last_duration = short_time(fact.duration);
    const CheckRun run{.first = !state.has_run, .began = state.due};
    const bool was_run = fact.outcome != Outcome::NotRun;
    if (was_run) state.has_run = true;
    schedule_.set(services_, ref, next_due(checker, state.due, at.now));  // a tolerated failure moves it
    if (!was_run)
        not_run(ref, fact, repeated, out);
    else if (fact.outcome == Outcome::Passed)
        passed(ref, fact, run, at, out);
    else
        failed(ref, fact, run, at, out);
}

void Judge::Impl::not_run(const CheckerRef& ref, const CheckFinished& fact, bool repeated, Intents& out) const {
    if (repeated) return;
    const std::string name = services_.name(ref), parent = services_.name(ref.service);
    out.push_back(log_line(LogLevel::Warning, not_run_line({services_.checker_at(ref), name, parent}, fact)));
}

// Stops the checks of this server. Checks of other servers that share a cancelled probe then run by themselves.
void Judge::Impl::cancel_checks(ServerState& server, Instant now, Intents& out) {
    for (auto& checker : server.checkers) {
        checker.waits = false;
        if (!std::exchange(checker.running, false)) continue;
        out.emplace_back(CancelCheck{checker.id});
        shared_.release(checker.id, services_, schedule_, now);
    }
}

// Start: makes the states from the configuration and from an earlier incarnation, then the initial reports of each
// service. For thousands of services the reports take longer than the table, so the table is written first.

void Judge::Impl::start(config::Config config, const Memory& memory, Moment at, Overrides overrides,
                        const Opening& opening, HostFacts host) {
    Intents out;
    if (host.addresses) addresses_.set(std::move(*host.addresses));
    overrides_ = OperatorOverrides{std::move(overrides), at};
    marks_.recall(memory);
    services_.configure(std::move(config), marks_, out);
    make_fresh_states(at, false, host);
    recall(services_, memory, at);
    for (std::size_t v = 0; v < services_.size() && memory.empty(); ++v) {
        keep_failing(v, true, at, out);
        log_known_failures(v, out);
    }
    take_up_checks(at.now);
    const auto before = settle_quorums();
    if (opening.settled) opening.settled();
    report_opening(memory, before, std::move(out), opening.report);
}

void Judge::Impl::make_fresh_states(Moment at, bool first_run_retries, const HostFacts& host) {
    services_.states.clear();
    services_.states.reserve(services_.size());
    for (const auto& service : services_.configs)
        services_.states.push_back(fresh_state(service, at, first_run_retries, host));
}

ServiceState Judge::Impl::fresh_state(const config::VirtualServer& service, Moment at, bool first_run_retries,
                                      const HostFacts& host) {
    ServiceState state;
    state.suspended = addresses_.suspend(service);
    state.servers.reserve(service.real_servers.size());
    for (const auto& server : service.real_servers)
        state.servers.push_back(fresh_server(server, at, first_run_retries, host));
    overrides_.apply(service, state);
    return state;
}

ServerState Judge::Impl::fresh_server(const config::RealServer& server, Moment at, bool first_run_retries,
                                      const HostFacts& host) {
    ServerState fresh{.weight = server.weight, .since = at.wall, .between = {}, .checkers = {}};
    fresh.checkers.reserve(server.checkers.size());
    for (const auto& checker : server.checkers) {
        CheckerState one;
        // keepalived: alpha does not apply to a file, whose number is known immediately.
        one.up = !checker.alpha || checker.type == config::Checker::Type::File;
        one.first_run_retries = first_run_retries && !checker.alpha;
        one.due = schedule_.first_due(checker, at.now);
        if (const auto known = known_result(server, checker, host)) {
            one.up = known->outcome == Outcome::Passed;
            one.dynamic_weight = known->weight;
            one.last_result = reasons_.of(known->reason);
            one.last_run = at.wall;
            one.has_run = true;
        }
        fresh.checkers.push_back(std::move(one));
    }
    fresh.alive = all_up(fresh);
    fresh.weight = effective_weight(server, fresh);
    return fresh;
}

// Checks that were known to fail before their servers were there. Nothing has changed, so only the log tells of them.
// Before the new checks get their ids.
void Judge::Impl::log_known_failures(std::size_t service, Intents& out) const {
    std::size_t unnamed = 0;
    for (std::size_t s = 0; s < services_.states[service].servers.size(); ++s) {
        const ServerRef ref{service, s};
        const auto& checkers = services_.state_at(ref).checkers;
        const auto failing = std::ranges::find_if(
            checkers, [](const CheckerState& one) { return one.id == 0 && !one.up && one.has_run; });
        if (failing == checkers.end()) continue;
        if (!services_.names_servers())
            ++unnamed;
        else
            out.push_back(log_line(LogLevel::Info, fmt::format("{} of VS {} starts DOWN: {}", services_.name(ref),
                                                               services_.name(service), failing->last_result.view())));
    }
    if (unnamed != 0)
        out.push_back(log_line(LogLevel::Info, fmt::format("{} services of VS {} start DOWN by their tracked files",
                                                           unnamed, services_.name(service))));
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
    if (config::flag(services_.global.more->values, config::keyword::rs_init_notifies)) {
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

// Stop: the final log lines and events.

namespace {

Intent at_the_stop(Event event) {
    event.cause = Cause::Stop;
    return Announce{std::move(event)};
}

}  // namespace

Intents Judge::Impl::stop(bool keep) const {
    Intents out;
    if (keep) return out;  // keepalived: with -I the table serves on, and nothing is said
    const bool flushes = services_.global.lvs_flush_on_stop != config::Global::FlushOnStop::No;
    const bool names_services = services_.size() <= kServersNamedInLogMax;
    std::size_t of_unnamed = 0;
    for (std::size_t v = 0; v < services_.size(); ++v) {
        const auto& service = services_.configs[v];
        const std::size_t unnamed = shut_down_servers(v, flushes, out);
        if (!names_services) {
            of_unnamed += unnamed;
        } else if (unnamed != 0) {
            out.push_back(log_line(LogLevel::Info,
                                   fmt::format("Shutting down {} services from VS {}", unnamed, services_.name(v))));
        }
        // keepalived: quorum_down runs at the end even if it was down already.
        if (service.omega) out.push_back(at_the_stop(service_event(service, false, "Shutting down")));
    }
    if (of_unnamed != 0)
        out.push_back(log_line(LogLevel::Info, fmt::format("Shutting down {} services from {} virtual servers",
                                                           of_unnamed, services_.size())));
    return out;
}

// keepalived names those that are out of the table, too. Returns how many have no log line of their own.
std::size_t Judge::Impl::shut_down_servers(std::size_t number, bool flushes, Intents& out) const {
    const auto& service = services_.configs[number];
    std::size_t unnamed = 0;
    for (std::size_t s = 0; s < service.real_servers.size(); ++s) {
        const ServerRef ref{number, s};
        const bool alive = services_.state_at(ref).alive;
        const bool inhibited = !alive && service.real_servers[s].inhibit_on_failure;
        if (!flushes) {
            if (!services_.names_servers())
                ++unnamed;
            else
                out.push_back(log_line(LogLevel::Info, fmt::format("Shutting down {}service {} from VS {}",
                                                                   inhibited ? "(inhibited) " : "", services_.name(ref),
                                                                   services_.name(number))));
        }
        // keepalived: with lvs_flush_on_stop the servers' part is left out.
        if (service.omega && !flushes && alive && !services_.states[number].sorry_in_use)
            out.push_back(at_the_stop(server_event(service, service.real_servers[s], false, "Shutting down")));
    }
    return unnamed;
}

}  // namespace mainstay::lvs
