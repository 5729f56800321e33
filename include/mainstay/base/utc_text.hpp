// Times as text for programs and people alike: RFC 3339, in UTC.
#pragma once

#include <cstdint>
#include <string>

#include "time.hpp"

namespace mainstay {

enum class UtcDigits : std::uint8_t { WholeSeconds, Microseconds };

// "2026-11-20T08:37:46Z", or "2026-11-20T08:37:46.000042Z". A time before 1970 or after 9999 is the nearest one within:
// a broken clock must not make a broken text.
[[nodiscard]] std::string utc_text(WallTime at, UtcDigits digits);

}  // namespace mainstay
