#include "mainstay/config/parse/reload_time.hpp"

#include <charconv>
#include <chrono>
#include <string>
#include <vector>

namespace mainstay::config {

namespace {

constexpr std::int64_t kDay = 86400;
constexpr int kCentury = 2000;

// "a:b:c" with two digits each; `first_digits`: of the first part, when it may have more.
std::optional<std::vector<int>> three_parts(std::string_view text, char separator, std::size_t first_digits) {
    std::vector<int> parts;
    while (parts.size() < 3) {
        const auto end = parts.size() == 2 ? text.size() : text.find(separator);
        if (end == std::string_view::npos) return std::nullopt;
        const auto word = text.substr(0, end);
        const bool length = word.size() == 2 || (parts.empty() && word.size() == first_digits);
        int number = 0;
        const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), number);
        if (!length || error != std::errc{} || stop != word.data() + word.size() || number < 0) return std::nullopt;
        parts.push_back(number);
        text.remove_prefix(parts.size() == 3 ? end : end + 1);
    }
    return parts;
}

}  // namespace

Result<ReloadTime> parse_reload_time(std::string_view text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
    while (text.starts_with(' ')) text.remove_prefix(1);
    const auto refuse = [whole = std::string{text.substr(0, 40)}] {
        return fail(Errc::Invalid,
                    "'" + whole + "' is not a time: HH:MM:SS, or [YY]YY-MM-DD HH:MM:SS, optionally followed by Z");
    };
    ReloadTime time;
    if (text.ends_with('Z')) {
        time.utc = true;
        text.remove_suffix(1);
    }
    while (text.ends_with(' ')) text.remove_suffix(1);
    if (const auto blank = text.find(' '); blank != std::string_view::npos) {
        const auto date = three_parts(text.substr(0, blank), '-', 4);
        if (!date) return refuse();
        const int year = (*date)[0] < 100 ? kCentury + (*date)[0] : (*date)[0];
        const std::chrono::year_month_day day{std::chrono::year{year},
                                              std::chrono::month(static_cast<unsigned>((*date)[1])),
                                              std::chrono::day(static_cast<unsigned>((*date)[2]))};
        if (!day.ok()) return refuse();
        time.day = std::chrono::sys_days{day}.time_since_epoch().count();
        text.remove_prefix(blank);
        while (text.starts_with(' ')) text.remove_prefix(1);
    }
    const auto clock = three_parts(text, ':', 2);
    if (!clock || (*clock)[0] > 23 || (*clock)[1] > 59 || (*clock)[2] > 59) return refuse();
    time.second = (*clock)[0] * 3600 + (*clock)[1] * 60 + (*clock)[2];
    return time;
}

std::optional<std::int64_t> next_reload(const ReloadTime& time, std::int64_t now, const UtcOffset& offset) {
    const std::int64_t shift_now = time.utc ? 0 : offset(now);
    // The moment of a local time, given in seconds as if it were UTC.
    const auto moment = [&](std::int64_t local) { return time.utc ? local : local - offset(local - shift_now); };
    if (time.day) {
        const std::int64_t at = moment(*time.day * kDay + time.second);
        return at > now ? std::optional{at} : std::nullopt;
    }
    const std::int64_t midnight = (now + shift_now) / kDay * kDay;
    const std::int64_t today = moment(midnight + time.second);
    return today > now ? today : moment(midnight + kDay + time.second);
}

}  // namespace mainstay::config
