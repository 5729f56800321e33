// Time is an argument. Nothing below the kernel module reads a clock.
#pragma once

#include <chrono>
#include <cstdint>

namespace mainstay {

using Micros = std::chrono::microseconds;
using Nanos = std::chrono::nanoseconds;
using Seconds = std::chrono::seconds;

// A point on CLOCK_MONOTONIC, which is system-wide: an Instant in a state block is still valid in the next incarnation
// of a role, but not after a reboot.
using Instant = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

// A point on the wall clock, for people: logs, mails, status.
struct WallTime {
    std::int64_t unix_us = 0;  // microseconds since 1970-01-01 UTC
    bool operator==(const WallTime&) const = default;
};

}  // namespace mainstay
