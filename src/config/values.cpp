// From words to typed values: numbers with their units and ranges, booleans, choices, addresses, commands.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "reading.hpp"

namespace mainstay::config {
namespace {

constexpr std::int64_t kMicrosPerSecond = 1'000'000;
constexpr std::size_t kDecimals = 6;  // of a time in seconds

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string range_text(const Row& row) {
    switch (row.args.takes) {
        case Takes::Seconds:
            if (row.args.high == kUnlimited) return fmt::format("seconds from {}", format_micros(row.args.low));
            return fmt::format("{} to {} seconds", format_micros(row.args.low), format_micros(row.args.high));
        case Takes::Millis:
            return fmt::format("{} to {} milliseconds", row.args.low / 1000, row.args.high / 1000);
        case Takes::WholeSeconds:
            return fmt::format("{} to {} whole seconds", row.args.low, row.args.high);
        default:
            return fmt::format("{} to {}", row.args.low, row.args.high);
    }
}

std::string default_effect(const Row& row) {
    if (row.default_text.empty() || row.default_text == "required" || row.default_text == "none")
        return "the keyword is ignored";
    return fmt::format("the keyword is ignored; without it the value is {}", row.default_text);
}

void report_range(Reading& reading, const Value& value) {
    auto& d =
        reading.diag.error(Code::OutOfRange, value.mark,
                           fmt::format("{} must be {}, got {}", value.row.name, range_text(value.row), value.word));
    d.expected = range_text(value.row);
    d.effect = default_effect(value.row);
}

// What stands behind the number, for a message that names the slip.
std::string describe_junk(std::string_view junk) {
    if (const auto invisible = invisible_character(junk); invisible.bytes != 0)
        return fmt::format("a {}", invisible.name);
    return fmt::format("'{}'", junk);
}

// True when the rest behind a leading number may be passed over: keepalived uses the leading number at run time and
// refuses it at -t. A unit is refused by both of our readings: keepalived would take "6s" for 6 microseconds.
bool accept_junk(Reading& reading, const Value& value, std::string_view number, std::string_view junk) {
    if (junk.empty()) return true;
    if (number.empty() || number == "-") {
        auto& d = reading.diag.error(Code::NotANumber, value.mark,
                                     fmt::format("{} needs a number, got '{}'", value.row.name, value.word));
        d.expected = range_text(value.row);
        d.effect = default_effect(value.row);
        return false;
    }
    const char c = junk.front();
    const bool unit = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    auto& d = reading.diag.error(unit ? Code::UnknownUnit : Code::NotANumber, value.mark,
                                 unit ? fmt::format("{} takes a plain number, got '{}'", value.row.name, value.word)
                                      : fmt::format("{} needs a number, got '{}': {} follows it", value.row.name,
                                                    value.word, describe_junk(junk)));
    d.expected = range_text(value.row);
    d.hint = fmt::format("write `{} {}`", value.row.name, number);
    if (unit) {
        d.effect = default_effect(value.row);
        return false;
    }
    d.effect = fmt::format("{} is used, as keepalived does when it runs", number);
    return true;
}

bool read_integer(Reading& reading, Value& value) {
    std::string_view word = value.word;
    const std::size_t sign = word.starts_with('-') || word.starts_with('+') ? 1 : 0;
    std::size_t end = sign;
    while (end < word.size() && is_digit(word[end])) ++end;
    if (end == sign) end = 0;
    const std::string_view number = word.substr(0, end);
    const bool fraction = end != 0 && end < word.size() && word[end] == '.';
    if (fraction || !accept_junk(reading, value, number, word.substr(end))) {
        if (fraction) {
            auto& d = reading.diag.error(Code::NotANumber, value.mark,
                                         fmt::format("{} takes whole numbers only, got {}", value.row.name, word));
            d.expected = range_text(value.row);
            d.effect = default_effect(value.row);
        }
        return false;
    }
    const char* from = number.data() + (number.starts_with('+') ? 1 : 0);
    const auto [stop, ec] = std::from_chars(from, number.data() + number.size(), value.number);
    if (ec != std::errc{} || value.number < value.row.args.low || value.number > value.row.args.high) {
        report_range(reading, value);
        return false;
    }
    value.time = Micros{value.row.args.takes == Takes::WholeSeconds ? value.number * kMicrosPerSecond : 0};
    return true;
}

bool read_decimal(Reading& reading, Value& value) {
    const std::string_view word = value.word;
    std::size_t end = 0;
    while (end < word.size() && is_digit(word[end])) ++end;
    const std::string_view whole = word.substr(0, end);
    std::string_view places;
    if (end < word.size() && word[end] == '.') {
        std::size_t stop = end + 1;
        while (stop < word.size() && is_digit(word[stop])) ++stop;
        places = word.substr(end + 1, stop - end - 1);
        end = stop;
    }
    if (word.starts_with('-')) {
        report_range(reading, value);
        return false;
    }
    const bool any = !whole.empty() || !places.empty();
    if (!accept_junk(reading, value, any ? word.substr(0, end) : std::string_view{}, word.substr(end)) || !any)
        return false;
    std::int64_t seconds = 0;
    constexpr std::int64_t kMost = kUnlimited / kMicrosPerSecond - 1;
    const auto [stop, ec] = std::from_chars(whole.data(), whole.data() + whole.size(), seconds);
    const bool too_big = !whole.empty() && (ec != std::errc{} || seconds > kMost);
    std::int64_t fraction = 0;
    for (std::size_t i = 0; i < kDecimals; ++i) fraction = fraction * 10 + (i < places.size() ? places[i] - '0' : 0);
    if (places.size() > kDecimals) {
        if (places[kDecimals] >= '5') ++fraction;
        auto& d = reading.diag.error(Code::TooManyDecimals, value.mark,
                                     fmt::format("{} {} has more than six decimal places", value.row.name, word));
        d.effect = "the value is rounded";
    }
    const std::int64_t scale = value.row.args.takes == Takes::Millis ? 1000 : 1;
    value.time = Micros{too_big ? kUnlimited : (seconds * kMicrosPerSecond + fraction) / scale};
    if (too_big || value.time.count() < value.row.args.low || value.time.count() > value.row.args.high) {
        report_range(reading, value);
        return false;
    }
    return true;
}

bool read_boolean(Reading& reading, Value& value) {
    value.on = true;
    if (value.absent) return true;
    if (value.word == "on" || value.word == "true" || value.word == "yes") return true;
    value.on = false;
    if (value.word == "off" || value.word == "false" || value.word == "no") return true;
    auto& d = reading.diag.error(Code::NotABoolean, value.mark,
                                 fmt::format("{} is switched with on or off, got '{}'", value.row.name, value.word));
    d.expected = "on, true, yes, off, false or no, in lower case; nothing means on";
    d.effect = "the keyword is ignored";
    return false;
}

bool read_choice(Reading& reading, Value& value) {
    std::string_view rest = value.row.args.choices;
    while (!rest.empty()) {
        const std::size_t bar = rest.find('|');
        if (rest.substr(0, bar) == value.word) return true;
        rest = bar == std::string_view::npos ? std::string_view{} : rest.substr(bar + 1);
    }
    std::string list{value.row.args.choices};
    for (std::size_t at = 0; (at = list.find('|', at)) != std::string::npos;) list.replace(at, 1, ", ");
    auto& d = reading.diag.error(Code::UnknownWord, value.mark,
                                 fmt::format("{} does not know '{}'", value.row.name, value.word));
    d.expected = fmt::format("one of {}", list);
    d.effect = default_effect(value.row);
    if (const auto near = nearest_choice(value.row.args.choices, value.word); !near.empty())
        d.hint = fmt::format("write `{} {}`", value.row.name, near);
    return false;
}

}  // namespace

std::string format_micros(std::int64_t us) {
    std::string text = fmt::format("{}.{:06}", us / kMicrosPerSecond, us % kMicrosPerSecond);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
    return text;
}

std::optional<std::int64_t> whole_number(std::string_view word, std::int64_t low, std::int64_t high) {
    std::int64_t number = 0;
    const auto [stop, ec] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (ec != std::errc{} || stop != word.data() + word.size() || number < low || number > high) return std::nullopt;
    return number;
}

bool read_value(Reading& reading, Value& value) {
    const auto& words = value.statement.words;
    value.absent = words.size() <= value.first;
    value.word = value.absent ? std::string_view{} : words[value.first].text;
    value.mark = value.absent ? words[0].mark : words[value.first].mark;
    if (value.absent && value.row.args.bare_is_allowed) return true;
    switch (value.row.args.takes) {
        case Takes::Bool:
            return read_boolean(reading, value);
        case Takes::Integer:
        case Takes::WholeSeconds:
            return read_integer(reading, value);
        case Takes::Seconds:
        case Takes::Millis:
            return read_decimal(reading, value);
        case Takes::OneOf:
            return read_choice(reading, value);
        case Takes::Address: {
            const auto address = IpAddress::parse(value.word);
            if (address) {
                value.address = *address;
                return true;
            }
            auto& d = reading.diag.error(Code::NotAnAddress, value.mark,
                                         fmt::format("{} needs an IP address, got '{}'", value.row.name, value.word));
            d.effect = default_effect(value.row);
            return false;
        }
        case Takes::Command: {
            auto command = read_command(reading, value.row, value.statement);
            if (command) value.command = std::move(*command);
            return !value.command.empty();
        }
        default:
            return true;
    }
}

}  // namespace mainstay::config
