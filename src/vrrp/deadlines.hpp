// Finds the earliest deadline of thousands of instances.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "mainstay/base/time.hpp"

namespace mainstay::vrrp {

// The minimum of n deadlines, each of which may change at any time: a tournament tree, in which a change costs log2(n)
// and reading the minimum is free. Positions are 0 .. size - 1.
class Deadlines {
public:
    // Forgets all deadlines.
    void resize(std::size_t size);
    void set(std::size_t position, std::optional<Instant> due);
    // Of equal deadlines, the one with the lowest position.
    struct Next {
        std::size_t position = 0;
        Instant due{};
    };
    [[nodiscard]] std::optional<Next> next() const;

private:
    template <class A>
    friend void fields(A& archive, Deadlines& deadlines);  // router_state.cpp
    static constexpr Instant kNever = Instant::max();
    std::vector<Instant> due_;          // the leaves; their number is a power of two
    std::vector<std::size_t> winners_;  // winners_[1] is the overall minimum; the children of node n are 2n and 2n + 1
};

}  // namespace mainstay::vrrp
