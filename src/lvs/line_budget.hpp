// Limits the log lines per second: thousands of servers that change within a second would cause thousands of lines,
// each a system call. Beyond the limit one summary line is logged.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "mainstay/base/log.hpp"
#include "mainstay/base/time.hpp"

namespace mainstay::lvs {

// Lines of the levels Notice and Info per second, counted from the first one. More severe lines are always logged.
inline constexpr std::size_t kLinesPerSecondMax = 500;

class LineBudget {
public:
    // Ends the current second if it is over, and returns its summary.
    [[nodiscard]] std::vector<LogLine> look(Instant now);
    // Counts the line and returns whether it may be logged. Call look() before.
    [[nodiscard]] bool allows(const LogLine& line, Instant now);
    void changed(bool up, Instant now);  // a server went up or down

    // When look() returns a summary.
    [[nodiscard]] std::optional<Instant> deadline() const;
    [[nodiscard]] std::uint64_t left_out() const { return left_out_in_all_; }

private:
    template <class A>
    friend void fields(A& archive, LineBudget& budget);  // judge_state.cpp

    std::optional<Instant> began_;
    std::size_t logged_ = 0, left_out_ = 0, down_ = 0, up_ = 0;
    std::uint64_t left_out_in_all_ = 0;
};

}  // namespace mainstay::lvs
