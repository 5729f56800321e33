#include "mainstay/wire/track_value.hpp"

#include <charconv>
#include <limits>

namespace mainstay::wire {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f'; }

// "0x" without a digit after it is zero, like "0".
bool starts_hex(std::string_view text) { return text.starts_with("0x") || text.starts_with("0X"); }

}  // namespace

std::optional<std::int32_t> read_track_value(std::string_view text) {
    text = text.substr(0, kTrackFileBytes);  // a line break is not skipped as a blank, so only the first line is read
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    bool negative = false;
    if (!text.empty() && (text.front() == '-' || text.front() == '+')) {
        negative = text.front() == '-';
        text.remove_prefix(1);
    }
    int base = 10;
    if (starts_hex(text)) {
        base = 16;
        text.remove_prefix(2);
    } else if (text.starts_with('0')) {
        base = 8;
    }
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (error == std::errc::result_out_of_range) return std::nullopt;
    if (error != std::errc{}) return 0;
    constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max());
    if (number > kMost + (negative ? 1 : 0)) return std::nullopt;
    const auto value = static_cast<std::int64_t>(number);
    return static_cast<std::int32_t>(negative ? -value : value);
}

}  // namespace mainstay::wire
