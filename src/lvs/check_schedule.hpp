// The schedule of all checkers. A check starts delay_loop after the previous run was due, so that lateness does not
// accumulate and checks stay spread over the interval.
#pragma once

#include <optional>
#include <utility>

#include "check_queue.hpp"
#include "mainstay/lvs/judge.hpp"
#include "services.hpp"

namespace mainstay::lvs {

// Checks that run periodically; the others are driven by events, or cannot be run at all.
[[nodiscard]] bool is_polled(const config::Checker& checker);

// A run that has ended.
struct CheckRun {
    bool first = false;
    Instant began;  // when it was due
};
[[nodiscard]] Instant next_due(const config::Checker& checker, Instant began, Instant now);
// The next run after a tolerated failure, or after a failure of a checker that is down.
[[nodiscard]] Instant retry_due(const config::Checker& checker, const CheckRun& run, Instant now);
[[nodiscard]] Instant next_due_while_down(const config::Checker& checker, const CheckRun& run, Instant now);

class CheckSchedule {
public:
    explicit CheckSchedule(Random random) : random_{std::move(random)} {}

    // The first run of a checker: at a random time within its warmup.
    [[nodiscard]] Instant first_due(const config::Checker& checker, Instant now) const;
    // Queues all checkers that should run, for now or later.
    void rebuild(Services& services, Instant now);
    void set(Services& services, const CheckerRef& ref, Instant due);
    // All checks of a service run again, within the next second.
    void resume(Services& services, std::size_t service, Instant now);
    // Removes and returns the checker with the earliest run, if it is due.
    [[nodiscard]] std::optional<CheckerId> take_due(Services& services, Instant now);
    // Call it after rescheduling: drops stale entries, so that the deadline is correct.
    void tidy(const Services& services);
    [[nodiscard]] std::optional<Instant> deadline() const;

private:
    template <class A>
    friend void fields(A& archive, CheckSchedule& schedule);  // judge_state.cpp

    Random random_;
    CheckQueue queue_;  // of the checkers that wait for their next run
};

}  // namespace mainstay::lvs
