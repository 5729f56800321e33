// Dispatches facts, starts the runs that are due, and brings each result to the checkers that it is for.
#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>

#include "judge_impl.hpp"
#include "judge_text.hpp"
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
    out.push_back(log_line(LogLevel::Warning,
                           fmt::format("{} on service {} could not be run: {}. Rescheduling.",
                                       keyword_of(services_.checker_at(ref).type), services_.name(ref), fact.reason)));
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

}  // namespace mainstay::lvs
