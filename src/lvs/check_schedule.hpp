// When each checker runs next. A check starts delay_loop after the previous one was due, so lateness does not add up
// and the spread over the interval stays.
#pragma once

#include <optional>
#include <utility>

#include "check_queue.hpp"
#include "mainstay/lvs/judge.hpp"
#include "services.hpp"

namespace mainstay::lvs {

// Checks that run periodically; the others are driven by events, or cannot be run at all.
[[nodiscard]] bool is_polled(const config::Checker& checker);

// A run whose result has come.
struct CheckRun {
    bool first = false;
    Instant began;  // when it was due
};
[[nodiscard]] Instant next_due(const config::Checker& checker, Instant began, Instant now);
// After a failure that is tolerated, and after one of a checker that is down.
[[nodiscard]] Instant retry_due(const config::Checker& checker, const CheckRun& run, Instant now);
[[nodiscard]] Instant next_due_while_down(const config::Checker& checker, const CheckRun& run, Instant now);

class CheckSchedule {
public:
    explicit CheckSchedule(Random random) : random_{std::move(random)} {}

    // Of a checker that has never run: anywhere within its warmup.
    [[nodiscard]] Instant first_due(const config::Checker& checker, Instant now) const;
    // Lets all checkers that shall run wait for their next run, which is now or later.
    void rebuild(Services& services, Instant now);
    void set(Services& services, const CheckerRef& ref, Instant due);
    // All checks of a service run again, within the next second.
    void resume(Services& services, std::size_t service, Instant now);
    // The checker whose run is due first, if it is due; it waits no more.
    [[nodiscard]] std::optional<CheckerId> take_due(Services& services, Instant now);
    // After whatever may have given checkers another time: the deadline is that of a checker that waits.
    void tidy(const Services& services);
    [[nodiscard]] std::optional<Instant> deadline() const;

private:
    Random random_;
    CheckQueue queue_;  // of the checkers that wait for their next run
};

}  // namespace mainstay::lvs
