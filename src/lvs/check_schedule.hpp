// The schedule of all checkers. A check starts delay_loop after the previous run was due, so that lateness does not
// accumulate and checks stay spread over the interval.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "mainstay/base/time.hpp"
#include "mainstay/lvs/checker_index.hpp"
#include "mainstay/lvs/judge.hpp"
#include "services.hpp"

namespace mainstay::lvs {

// A priority queue of the next runs of checkers. When a checker is rescheduled or stops waiting, its old entry stays
// and is stale; the checker's state shows that. Stale entries are dropped at the front, and all at once when there are
// many.
class CheckQueue {
public:
    struct Entry {
        Instant due;
        CheckerId id = 0;
        auto operator<=>(const Entry&) const = default;
    };

    [[nodiscard]] bool empty() const { return heap_.empty(); }
    [[nodiscard]] std::size_t size() const { return heap_.size(); }
    [[nodiscard]] const Entry& front() const { return heap_.front(); }
    void clear() { heap_.clear(); }
    // Reserves memory for this many checkers and the stale entries that tidy() leaves.
    void reserve(std::size_t checkers) { heap_.reserve(most(checkers)); }
    void push(Instant due, CheckerId id) {
        heap_.push_back({due, id});
        std::ranges::push_heap(heap_, std::greater{});
    }
    Entry pop() {
        std::ranges::pop_heap(heap_, std::greater{});
        const Entry first = heap_.back();
        heap_.pop_back();
        return first;
    }
    // Drops stale entries at the front, so that front() is valid, and all of them when there are many compared with
    // `checkers`.
    template <class IsStale>
    void tidy(std::size_t checkers, IsStale&& is_stale) {
        if (heap_.size() >= most(checkers)) {
            std::erase_if(heap_, is_stale);
            std::ranges::make_heap(heap_, std::greater{});
        }
        while (!heap_.empty() && is_stale(heap_.front())) pop();
    }

private:
    // Chosen so that removing all stale entries costs no more than the pushes that made them.
    static std::size_t most(std::size_t checkers) {
        constexpr std::size_t kShare = 8, kLeast = 64;
        return checkers + checkers / kShare + kLeast;
    }

    template <class A>
    friend void fields(A& archive, CheckQueue& queue);  // judge_state.cpp

    std::vector<Entry> heap_;
};

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
