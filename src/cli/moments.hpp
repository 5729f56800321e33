// Moments as operators write and read them. Pure: the present and the offset of local time are handed in.
#pragma once

#include <string>
#include <string_view>

#include "mainstay/base/error.hpp"
#include "mainstay/base/time.hpp"

namespace mainstay::cli {

// "now", "today", "yesterday" (each from midnight), "2 hours ago", "90s", "10:00" (the last one), "2026-11-20",
// "2026-11-20 10:02:11" and "2026-11-20T10:02:11Z". Without Z it is local time, `utc_offset_s` ahead of UTC.
// Errc::Invalid: anything else.
[[nodiscard]] Result<WallTime> moment_from(std::string_view text, WallTime now, int utc_offset_s);
// "2026-11-20 10:02:11" in local time.
[[nodiscard]] std::string local_text(WallTime at, int utc_offset_s);

}  // namespace mainstay::cli
