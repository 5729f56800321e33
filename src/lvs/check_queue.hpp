// A priority queue of the next runs of checkers. When a checker is rescheduled or stops waiting, its old entry stays
// and is stale; the checker's state shows that. Stale entries are dropped at the front, and all at once when there are
// many.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <vector>

#include "mainstay/base/time.hpp"
#include "mainstay/lvs/checker_index.hpp"

namespace mainstay::lvs {

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

}  // namespace mainstay::lvs
