// Thousands of servers that change within a second are thousands of lines, each a system call: beyond a limit one line
// stands for them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "mainstay/base/log.hpp"
#include "mainstay/base/time.hpp"

namespace mainstay::lvs {

// Lines of level Info in any second that begins with the first of them; what is more important is always told.
inline constexpr std::size_t kLinesPerSecondMax = 500;

class LineBudget {
public:
    // Ends a second that is over; what is to be told of it then.
    [[nodiscard]] std::vector<LogLine> look(Instant now);
    // Whether this line may be told; counts it either way. look() goes before.
    [[nodiscard]] bool allows(const LogLine& line, Instant now);
    void changed(bool up, Instant now);  // a server has

    // When look() has something to tell.
    [[nodiscard]] std::optional<Instant> deadline() const;
    [[nodiscard]] std::uint64_t left_out() const { return left_out_in_all_; }

private:
    std::optional<Instant> began_;
    std::size_t told_ = 0, left_out_ = 0, down_ = 0, up_ = 0;
    std::uint64_t left_out_in_all_ = 0;
};

}  // namespace mainstay::lvs
