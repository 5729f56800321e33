#include "mainstay/base/time.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace mainstay {

std::string utc_text(WallTime at, UtcDigits digits) {
    constexpr std::int64_t kLast = 253'402'300'799'999'999;  // the last microsecond of 9999
    using namespace std::chrono;
    const sys_time<microseconds> when{microseconds{std::clamp<std::int64_t>(at.unix_us, 0, kLast)}};
    const auto day = floor<days>(when);
    const year_month_day date{day};
    const hh_mm_ss clock{when - day};
    auto text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                            static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                            clock.hours().count(), clock.minutes().count(), clock.seconds().count());
    if (digits == UtcDigits::Microseconds) text += fmt::format(".{:06}", clock.subseconds().count());
    return text + "Z";
}

}  // namespace mainstay
