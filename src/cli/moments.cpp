#include "moments.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>

#include "mainstay/base/text.hpp"

namespace mainstay::cli {
namespace {

constexpr std::int64_t kSecond_us = 1'000'000, kDay_s = 86'400;
constexpr std::int64_t kAmountMax = 100'000'000;  // of any unit: more is a slip

struct Unit {
    std::string_view name;
    std::int64_t seconds;
};
constexpr std::array<Unit, 17> kUnits{{{"s", 1},
                                       {"sec", 1},
                                       {"second", 1},
                                       {"seconds", 1},
                                       {"m", 60},
                                       {"min", 60},
                                       {"minute", 60},
                                       {"minutes", 60},
                                       {"h", 3'600},
                                       {"hour", 3'600},
                                       {"hours", 3'600},
                                       {"d", kDay_s},
                                       {"day", kDay_s},
                                       {"days", kDay_s},
                                       {"w", 7 * kDay_s},
                                       {"week", 7 * kDay_s},
                                       {"weeks", 7 * kDay_s}}};

// A number of exactly `digits` digits (0: as many as there are) at the beginning, which it takes away.
std::optional<std::int64_t> take_number(std::string_view& text, std::size_t digits = 0) {
    const auto number = text.substr(0, text.find_first_not_of("0123456789"));
    if (number.empty() || (digits != 0 && number.size() != digits)) return std::nullopt;
    std::int64_t value = 0;
    if (std::from_chars(number.data(), number.data() + number.size(), value).ec != std::errc{}) return std::nullopt;
    text.remove_prefix(number.size());
    return value;
}

bool take(std::string_view& text, std::string_view word) {
    if (!text.starts_with(word)) return false;
    text.remove_prefix(word.size());
    return true;
}

// "2 hours ago", "90s": seconds.
std::optional<std::int64_t> duration_in(std::string_view text) {
    const auto amount = take_number(text);
    if (!amount || *amount > kAmountMax) return std::nullopt;
    if (text.ends_with(" ago")) text.remove_suffix(4);
    text = trimmed(text);
    for (const auto& unit : kUnits)
        if (unit.name == text) return *amount * unit.seconds;
    return std::nullopt;
}

// "10:02" or "10:02:11", from midnight, which it takes away.
std::optional<std::int64_t> take_clock(std::string_view& text) {
    const auto hours = take_number(text, 2);
    if (!hours || *hours > 23 || !take(text, ":")) return std::nullopt;
    const auto minutes = take_number(text, 2);
    if (!minutes || *minutes > 59) return std::nullopt;
    std::int64_t seconds = 0;
    if (take(text, ":")) {
        const auto more = take_number(text, 2);
        if (!more || *more > 59) return std::nullopt;
        seconds = *more;
    }
    return *hours * 3'600 + *minutes * 60 + seconds;
}

// "2026-11-20": the seconds from the epoch to its midnight in UTC.
std::optional<std::int64_t> take_date(std::string_view& text) {
    using namespace std::chrono;
    const auto y = take_number(text, 4);
    if (!y || !take(text, "-")) return std::nullopt;
    const auto m = take_number(text, 2);
    if (!m || !take(text, "-")) return std::nullopt;
    const auto d = take_number(text, 2);
    if (!d) return std::nullopt;
    const year_month_day date{year{static_cast<int>(*y)}, month{static_cast<unsigned>(*m)},
                              day{static_cast<unsigned>(*d)}};
    if (!date.ok()) return std::nullopt;
    return sys_days{date}.time_since_epoch().count() * kDay_s;
}

// A date, with or without a time: seconds from the epoch.
std::optional<std::int64_t> date_in(std::string_view text, int utc_offset_s) {
    const auto day = take_date(text);
    if (!day) return std::nullopt;
    if (text.empty()) return *day - utc_offset_s;
    if (!take(text, "T") && !take(text, " ")) return std::nullopt;
    const auto clock = take_clock(text);
    if (!clock) return std::nullopt;
    if (text == "Z") return *day + *clock;
    if (!text.empty()) return std::nullopt;
    return *day + *clock - utc_offset_s;
}

}  // namespace

Result<WallTime> moment_from(std::string_view text, WallTime now, int utc_offset_s) {
    const std::string_view word = trimmed(text);
    const std::int64_t now_s = now.unix_us / kSecond_us;
    const std::int64_t midnight = (now_s + utc_offset_s) / kDay_s * kDay_s - utc_offset_s;
    const auto at = [](std::int64_t seconds) { return WallTime{seconds * kSecond_us}; };
    if (word == "now") return now;
    if (word == "today") return at(midnight);
    if (word == "yesterday") return at(midnight - kDay_s);
    if (const auto duration = duration_in(word)) return at(now_s - *duration);
    if (const auto date = date_in(word, utc_offset_s)) return at(*date);
    auto rest = word;
    if (const auto clock = take_clock(rest); clock && rest.empty())
        return at(midnight + *clock > now_s ? midnight + *clock - kDay_s : midnight + *clock);
    return fail(Errc::Invalid, fmt::format("\"{}\" is no time; write for example \"yesterday\", \"2 hours ago\", "
                                           "\"10:00\", \"2026-11-20 10:02\" or \"2026-11-20T10:02:11Z\"",
                                           text));
}

std::string local_text(WallTime at, int utc_offset_s) {
    using namespace std::chrono;
    if (at.unix_us <= 0) return "-";
    const sys_seconds when{seconds{at.unix_us / kSecond_us + utc_offset_s}};
    const auto day = floor<days>(when);
    const year_month_day date{day};
    const hh_mm_ss clock{when - day};
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                       clock.minutes().count(), clock.seconds().count());
}

}  // namespace mainstay::cli
