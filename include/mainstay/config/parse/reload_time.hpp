// The time in a reload_time_file: "HH:MM:SS", or with a date before it, "YY-MM-DD HH:MM:SS" or "YYYY-MM-DD HH:MM:SS";
// a trailing Z means UTC, else it is local time. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "mainstay/base/error.hpp"

namespace mainstay::config {

struct ReloadTime {
    std::optional<std::int64_t> day;  // days since 1970-01-01; none: every day
    std::int64_t second = 0;          // of the day
    bool utc = false;
    bool operator==(const ReloadTime&) const = default;
};

[[nodiscard]] Result<ReloadTime> parse_reload_time(std::string_view text);
// Local time minus UTC, in seconds, at this moment: summer time changes it.
using UtcOffset = std::function<std::int64_t(std::int64_t)>;
// The next moment (Unix seconds) after `now`; none if the date is past.
[[nodiscard]] std::optional<std::int64_t> next_reload(const ReloadTime& time, std::int64_t now,
                                                      const UtcOffset& offset);

}  // namespace mainstay::config
