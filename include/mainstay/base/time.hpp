// Time is an argument. Nothing below the kernel module reads a clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

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

// Times as text for programs and people alike: RFC 3339, in UTC.
enum class UtcDigits : std::uint8_t { WholeSeconds, Microseconds };

// "2026-11-20T08:37:46Z", or "2026-11-20T08:37:46.000042Z". A time before 1970 or after 9999 is the nearest one within:
// a broken clock must not make a broken text.
[[nodiscard]] std::string utc_text(WallTime at, UtcDigits digits);

}  // namespace mainstay
