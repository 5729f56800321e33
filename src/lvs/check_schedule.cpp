#include "check_schedule.hpp"

#include <algorithm>

#include "mainstay/config/validate/resolved.hpp"

namespace mainstay::lvs {
namespace {

constexpr Micros kFirstRunDelay{1'000'000};  // keepalived: warmup is counted from a second after the start
// After a takeover the servers are checked soon, but not all at the same moment.
constexpr Micros kResumeWithin{1'000'000};

bool is_stale(const Services& services, const CheckQueue::Entry& entry) {
    const auto where = services.checkers.find(entry.id);
    if (!where) return true;
    const auto& state = services.checker_state(*where);
    return !state.waits || state.due != entry.due;
}

bool may_run(const Services& services, const CheckerRef& ref) {
    return !services.states[ref.service].suspended && services.state_at(ref).hold != Hold::Disabled &&
           is_polled(services.checker_at(ref));
}

// After a pause of the process the missed runs are skipped; each check keeps its phase, so that checks stay spread over
// the interval.
Instant without_missed_slots(const config::Checker& checker, Instant due, Instant now) {
    const Nanos loop = std::max<Nanos>(checker.delay_loop, Micros{1});
    return due + (now - due) / loop * loop;
}

}  // namespace

bool is_polled(const config::Checker& checker) {
    return checker.type != config::Checker::Type::File && checker.type != config::Checker::Type::Bfd &&
           !config::is_unusable(checker);
}

Instant next_due(const config::Checker& checker, Instant began, Instant now) {
    return std::max(began + checker.delay_loop, now);
}

Instant retry_due(const config::Checker& checker, const CheckRun& run, Instant now) {
    // keepalived: a script's retry is counted from the start of the run that failed, a connection's from its end.
    const bool script = checker.type == config::Checker::Type::Misc;
    return std::max((script ? run.began : now) + checker.delay_before_retry, now);
}

Instant next_due_while_down(const config::Checker& checker, const CheckRun& run, Instant now) {
    const bool http = checker.type == config::Checker::Type::Http || checker.type == config::Checker::Type::Ssl;
    const Micros pause = http ? std::max(checker.delay_loop, checker.delay_before_retry) : checker.delay_loop;
    return std::max(run.began + pause, now);
}

Instant CheckSchedule::first_due(const config::Checker& checker, Instant now) const {
    return now + kFirstRunDelay + random_(checker.warmup);
}

void CheckSchedule::rebuild(Services& services, Instant now) {
    queue_.clear();
    queue_.reserve(services.checkers.size());
    for (std::size_t i = 0; i < services.checkers.size(); ++i) {
        const CheckerRef ref = services.checkers.place(i);
        auto& state = services.checker_state(ref);
        state.waits = !state.running && may_run(services, ref);
        if (!state.waits) continue;
        // A checker that was carried over may be due immediately, but never earlier than its own schedule.
        state.due = std::max(state.due, now);
        queue_.push(state.due, state.id);
    }
}

void CheckSchedule::set(Services& services, const CheckerRef& ref, Instant due) {
    if (!is_polled(services.checker_at(ref))) return;
    auto& state = services.checker_state(ref);
    state.due = due;
    state.waits = !services.states[ref.service].suspended;
    if (state.waits) queue_.push(due, state.id);
}

void CheckSchedule::resume(Services& services, std::size_t service, Instant now) {
    for (std::size_t s = 0; s < services.states[service].servers.size(); ++s) {
        for (std::size_t c = 0; c < services.states[service].servers[s].checkers.size(); ++c) {
            const CheckerRef ref{{service, s}, c};
            if (!may_run(services, ref)) continue;
            set(services, ref, now + random_(std::min(services.checker_at(ref).warmup, kResumeWithin)));
        }
    }
}

std::optional<CheckerId> CheckSchedule::take_due(Services& services, Instant now) {
    while (!queue_.empty() && queue_.front().due <= now) {
        const auto entry = queue_.pop();
        if (is_stale(services, entry)) continue;
        const CheckerRef ref = services.checkers.at(entry.id);
        auto& state = services.checker_state(ref);
        state.waits = false;
        state.due = without_missed_slots(services.checker_at(ref), state.due, now);
        return entry.id;
    }
    return std::nullopt;
}

void CheckSchedule::tidy(const Services& services) {
    queue_.tidy(services.checkers.size(),
                [&services](const CheckQueue::Entry& entry) { return is_stale(services, entry); });
}

std::optional<Instant> CheckSchedule::deadline() const {
    return queue_.empty() ? std::nullopt : std::optional{queue_.front().due};
}

}  // namespace mainstay::lvs
