// When each checker that waits runs next, the earliest first. An entry is not taken out when its checker is given
// another time or waits no more: it is stale then, which only the checker's state tells, and is dropped when it comes
// to the front or when too many are.
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
    // Room for so many checkers, with the stale entries that tidy() leaves.
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
    // Drops stale entries: those in front, so that front() is due, and all when there are many beside `checkers`.
    template <class IsStale>
    void tidy(std::size_t checkers, IsStale&& is_stale) {
        if (heap_.size() >= most(checkers)) {
            std::erase_if(heap_, is_stale);
            std::ranges::make_heap(heap_, std::greater{});
        }
        while (!heap_.empty() && is_stale(heap_.front())) pop();
    }

private:
    // Going through all costs what so many pushes do.
    static std::size_t most(std::size_t checkers) {
        constexpr std::size_t kShare = 8, kLeast = 64;
        return checkers + checkers / kShare + kLeast;
    }

    std::vector<Entry> heap_;
};

}  // namespace mainstay::lvs
