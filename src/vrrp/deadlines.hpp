// Which of thousands of instances wants to be woken next.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "mainstay/base/time.hpp"

namespace mainstay::vrrp {

// The least of n deadlines, each of which may change at any time: a tournament, so that a change costs log2(n) and
// the least one nothing. Positions are 0 .. size - 1.
class Deadlines {
public:
    // Forgets all deadlines.
    void resize(std::size_t size);
    void set(std::size_t position, std::optional<Instant> due);
    // Of equal ones, that of the lowest position.
    struct Next {
        std::size_t position = 0;
        Instant due{};
    };
    [[nodiscard]] std::optional<Next> next() const;

private:
    static constexpr Instant kNever = Instant::max();
    std::vector<Instant> due_;          // a power of two of them: the tournament's first round
    std::vector<std::size_t> winners_;  // winners_[1] of all; the rounds below n stand at 2n and 2n + 1
};

}  // namespace mainstay::vrrp
