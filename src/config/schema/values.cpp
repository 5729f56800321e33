// Parses words to typed values: numbers with units and ranges, booleans, choices, addresses, commands.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "mainstay/base/text.hpp"
#include "value_store.hpp"

namespace mainstay::config {
namespace {

// A point in time is counted in nanoseconds of 64 bits, which last for 292 years: what is longer than this is for ever.
constexpr Micros kLongestTime{100LL * 365 * 86'400 * 1'000'000};

constexpr std::size_t kDecimals = 6;  // of a time in seconds

bool has_zero(const Args& args) { return args.low <= 0 && args.high >= 0; }

void report_range(ParseContext& reading, const Value& value) {
    auto& d = reading.diag.error(Code::OutOfRange, value.mark,
                                 fmt::format("{} must be {}, got {}", shown_name(value), range_text(value.row),
                                             value.word.empty() ? "an empty value" : value.word));
    d.expected = range_text(value.row);
    d.effect = default_effect(value.row);
    if (value.word == "0" && value.row.default_text.starts_with("0")) d.fix = "delete the line: 0 is the default";
}

// "500ms" in the unit that the row takes, where the time is exact in it; empty: whatever stands there is no unit.
std::string in_unit_of(const KeywordSpec& row, std::string_view number, std::string_view unit) {
    struct Unit {
        std::string_view name;
        std::int64_t us;
    };
    constexpr Unit kUnits[]{{"us", 1},          {"ms", 1'000},       {"msec", 1'000},   {"s", 1'000'000},
                            {"sec", 1'000'000}, {"secs", 1'000'000}, {"m", 60'000'000}, {"min", 60'000'000}};
    constexpr std::int64_t kMost = 1'000'000'000;
    const auto* const found = std::ranges::find(kUnits, unit, &Unit::name);
    const auto count = whole_number(number, 0, kMost);
    if (found == std::end(kUnits) || !count) return {};
    const std::int64_t us = *count * found->us;
    if (row.args.takes == Takes::Seconds) return format_micros(us);
    if (row.args.takes == Takes::Millis) return format_micros(us * 1000);
    if (row.args.takes == Takes::WholeSeconds && us % kMicrosPerSecond == 0)
        return std::to_string(us / kMicrosPerSecond);
    return {};
}

bool is_time(const Args& args) {
    return args.takes == Takes::Seconds || args.takes == Takes::Millis || args.takes == Takes::WholeSeconds;
}

Diagnostic& say_junk(ParseContext& reading, const Value& value, Severity severity, std::string_view junk) {
    const bool unit = begins_with_letter(junk);
    auto& d = reading.diag.add(
        severity, Rank::Config, unit ? Code::UnknownUnit : Code::NotANumber, value.mark,
        unit && severity == Severity::Error
            ? fmt::format("{} takes a plain number, got '{}'", shown_name(value), value.word)
            : fmt::format("{} needs a number, got '{}': '{}' follows it", shown_name(value), value.word, junk));
    d.expected = range_text(value.row);
    return d;
}

std::string write_instead(const Value& value, std::string_view meant) {
    return value.row.name.starts_with('<') && value.owner.empty()
               ? fmt::format("write `{}`", meant)
               : fmt::format("write `{} {}`", shown_name(value), meant);
}

void say_no_number(ParseContext& reading, const Value& value, Severity severity, std::string effect) {
    auto& d = reading.diag.add(severity, Rank::Config, Code::NotANumber, value.mark,
                               fmt::format("{} needs a number, got '{}'", shown_name(value), value.word));
    d.expected = range_text(value.row);
    d.effect = std::move(effect);
    if (value.word == "=" && value.count() > 1) d.fix = write_instead(value, value.arg(1));
}

// False, and said: something stands behind the number, and the word is not used.
bool refuse_junk(ParseContext& reading, const Value& value, std::string_view number, std::string_view junk) {
    if (number.empty() || number == "-") {
        say_no_number(reading, value, Severity::Error, default_effect(value.row));
        return false;
    }
    auto& d = say_junk(reading, value, Severity::Error, junk);
    d.effect = default_effect(value.row);
    const bool unit_of_time = begins_with_letter(junk) && is_time(value.row.args);
    const std::string converted = unit_of_time ? in_unit_of(value.row, number, junk) : std::string{};
    if (!unit_of_time || !converted.empty())
        d.fix = write_instead(value, converted.empty() ? number : std::string_view{converted});
    return false;
}

// True when the rest behind a time may be passed over. A unit may not: keepalived, which refuses both at -t, would take
// "6s" for 6 microseconds when it runs.
bool accept_junk(ParseContext& reading, const Value& value, std::string_view number, std::string_view junk) {
    if (junk.empty()) return true;
    if (number.empty() || begins_with_letter(junk)) return refuse_junk(reading, value, number, junk);
    auto& d = say_junk(reading, value, Severity::Error, junk);
    d.effect = fmt::format("{} is used", number);
    d.fix = write_instead(value, number);
    return true;
}

// keepalived (2.2.7): the number that leads the word is used when it runs, none is 0, and -t refuses the word.
void say_leading(ParseContext& reading, const Value& value, std::string_view number, std::string_view junk) {
    if (junk.empty()) return;
    std::string effect = fmt::format("{} is used, as keepalived does when it runs", value.number);
    if (number.empty()) return say_no_number(reading, value, Severity::Warning, std::move(effect));
    auto& d = say_junk(reading, value, Severity::Warning, junk);
    d.effect = std::move(effect);
    const std::string converted = is_time(value.row.args) ? in_unit_of(value.row, number, junk) : std::string{};
    d.fix = write_instead(value, converted.empty() ? number : std::string_view{converted});
}

// keepalived takes an empty value for 0, and says nothing where 0 is one.
bool read_nothing(ParseContext& reading, Value& value) {
    const Args& args = value.row.args;
    value.number = 0, value.time = Micros{0};
    if (!has_zero(args) || args.in_line) {
        report_range(reading, value);
        return false;
    }
    reading.diag.advise(Code::EmptyValue, value.mark, fmt::format("{} has an empty value", shown_name(value))).effect =
        "0 is used, as keepalived does";
    return true;
}

// A word in place of a number: one of the row's, or a name that the system's own tables know (routing tables, scopes).
bool read_name(Value& value) {
    const Args& args = value.row.args;
    value.named = args.any_name && begins_with_letter(value.word);
    std::string_view rest = args.choices.empty() ? std::string_view{} : value.word;
    while (!value.named && !rest.empty()) {  // one, or several as in IRUSR|IWUSR
        const std::size_t end = args.joiner != 0 ? rest.find(args.joiner) : std::string_view::npos;
        if (!is_choice(args.choices, rest.substr(0, end), args.any_case)) return false;
        if (end == std::string_view::npos) return value.named = true;
        rest.remove_prefix(end + 1);
    }
    return value.named;
}

bool read_any_base(ParseContext& reading, Value& value) {
    const auto number = number_of_any_base(value.word);
    const bool digits_only = value.word.find_first_not_of("0123456789") == std::string_view::npos;
    if (!number && !digits_only) {
        auto& d = reading.diag.error(Code::NotANumber, value.mark,
                                     fmt::format("{} needs a number, got '{}'", shown_name(value), value.word));
        d.expected = fmt::format("{}; 0x begins a hexadecimal number, 0 an octal one", range_text(value.row));
        d.effect = default_effect(value.row);
        return false;
    }
    value.number = number.value_or(0);
    if (number && *number >= value.row.args.low && *number <= value.row.args.high) return true;
    report_range(reading, value);
    return false;
}

// Of a line's words a number must lead; what stands in place of its port may be an address that is none.
bool may_lead(const KeywordSpec& row, std::string_view number, std::string_view junk) {
    const bool address = row.name.starts_with('<') && junk.starts_with('.');
    return row.args.leading && !address && (!number.empty() || (has_zero(row.args) && !row.args.in_line));
}

// keepalived: blanks before a number, which quotes can hold, do not count; those behind it are no part of a number.
void skip_leading_blanks(Value& value) {
    value.word.remove_prefix(std::min(value.word.find_first_not_of(" \t"), value.word.size()));
}

bool read_integer(ParseContext& reading, Value& value) {
    if (read_name(value)) return true;
    skip_leading_blanks(value);
    if (value.row.args.any_base) return read_any_base(reading, value);
    if (value.word.empty()) return read_nothing(reading, value);
    const auto [number, junk] = split_number(value.word);
    if (!junk.empty() && !may_lead(value.row, number, junk)) {
        if (number.empty() || !junk.starts_with('.')) return refuse_junk(reading, value, number, junk);
        auto& d = reading.diag.error(Code::NotANumber, value.mark,
                                     fmt::format("{} takes whole numbers only, got {}", shown_name(value), value.word));
        d.expected = range_text(value.row);
        d.effect = default_effect(value.row);
        return false;
    }
    value.number = 0;
    const char* from = number.data() + (number.starts_with('+') ? 1 : 0);
    const auto [stop, ec] = std::from_chars(from, number.data() + number.size(), value.number);
    const bool fits = number.empty() || ec == std::errc{};
    if (!fits || value.number < value.row.args.low || value.number > value.row.args.high) {
        report_range(reading, value);
        return false;
    }
    say_leading(reading, value, number, junk);
    value.time = Micros{value.row.args.takes == Takes::WholeSeconds ? value.number * kMicrosPerSecond : 0};
    return true;
}

bool read_decimal(ParseContext& reading, Value& value) {
    skip_leading_blanks(value);
    if (value.word.empty()) return read_nothing(reading, value);
    const std::string_view word = value.word.substr(value.word.starts_with('+') ? 1 : 0);
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
    if (value.word.starts_with('-')) {
        report_range(reading, value);
        return false;
    }
    const bool any = !whole.empty() || !places.empty();
    if (!any) return refuse_junk(reading, value, {}, word);
    if (!accept_junk(reading, value, word.substr(0, end), word.substr(end))) return false;
    std::int64_t seconds = 0;
    constexpr std::int64_t kMost = kUnlimited / kMicrosPerSecond - 1;
    const auto [stop, ec] = std::from_chars(whole.data(), whole.data() + whole.size(), seconds);
    const bool too_big = !whole.empty() && (ec != std::errc{} || seconds > kMost);
    std::int64_t fraction = 0;
    const bool millis = value.row.args.takes == Takes::Millis;
    const std::size_t most = millis ? 3 : kDecimals;
    for (std::size_t i = 0; i < most; ++i) fraction = fraction * 10 + (i < places.size() ? places[i] - '0' : 0);
    if (places.size() > most) {
        if (places[most] >= '5') ++fraction;
        auto& d = reading.diag.error(
            Code::TooManyDecimals, value.mark,
            fmt::format("{} {} has more than {} decimal places", shown_name(value), word, millis ? "three" : "six"));
        d.effect = "the value is rounded";
    }
    value.time = Micros{too_big ? kUnlimited : seconds * (millis ? 1000 : kMicrosPerSecond) + fraction};
    if (too_big || value.time.count() < value.row.args.low || value.time.count() > value.row.args.high) {
        report_range(reading, value);
        return false;
    }
    value.time = std::min(value.time, kLongestTime);
    return true;
}

bool read_boolean(ParseContext& reading, Value& value) {
    value.on = true;
    if (value.absent) return true;
    if (value.word == "on" || value.word == "true" || value.word == "yes") return true;
    value.on = false;
    if (value.word == "off" || value.word == "false" || value.word == "no") return true;
    auto& d = reading.diag.error(Code::NotABoolean, value.mark,
                                 fmt::format("{} must be on or off, got '{}'", value.row.name, value.word));
    d.expected = "on, true, yes, off, false or no, in lower case; no value means on";
    d.effect = "the keyword is ignored";
    return false;
}

bool read_choice(ParseContext& reading, Value& value) {
    const Args& args = value.row.args;
    std::size_t at = 0;
    const std::size_t most = std::min<std::size_t>(value.count(), args.words_max);
    while (at < most && is_choice(args.choices, value.arg(at), args.any_case)) ++at;
    if (at == most && most != 0) return true;
    if (at < most) value.word = value.arg(at), value.mark = value.arg_mark(at);
    auto& d = reading.diag.error(Code::UnknownWord, value.mark,
                                 fmt::format("{} does not accept '{}'", shown_name(value), value.word));
    d.expected = fmt::format("one of {}", listed(value.row.args.choices));
    d.effect = default_effect(value.row);
    if (const auto near = nearest_choice(value.row.args.choices, value.word); !near.empty())
        d.fix = args.in_line && value.owner.empty()
                    ? fmt::format("did you mean `{}`?", near)
                    : fmt::format("write `{} {}`", args.in_line ? value.owner : value.row.name, near);
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
    if (word.size() > 1 && word[0] == '+' && is_digit(word[1])) word.remove_prefix(1);  // as strtol reads it
    const auto [stop, ec] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (ec != std::errc{} || stop != word.data() + word.size() || number < low || number > high) return std::nullopt;
    return number;
}

namespace {

bool read_argument(ParseContext& reading, Value& value) {
    switch (value.row.args.takes) {
        case Takes::Bool:
            return read_boolean(reading, value);
        case Takes::Integer:
        case Takes::WholeSeconds:
            return read_integer(reading, value);
        case Takes::Seconds:
        case Takes::Millis:
            return read_decimal(reading, value);
        case Takes::Duration:
            return read_duration(reading, value);
        case Takes::OneOf:
            return read_choice(reading, value);
        case Takes::Word:
            return read_word(reading, value);
        case Takes::NumberList:
            return read_numbers(reading, value);
        case Takes::Address:
            return read_address(reading, value);
        case Takes::AddressRange:
            return read_address_range(reading, value);
        case Takes::Prefix:
            return read_prefix(reading, value);
        case Takes::Command: {
            auto command = read_command(reading, value.row, value.statement);
            if (command) value.command = std::move(*command);
            return !value.command.empty();
        }
        default:
            return true;
    }
}

// "reverse" of `weight 5 reverse`. A row with such words knows no others there.
void read_tail(ParseContext& reading, Value& value) {
    const auto& words = value.statement.words;
    if (value.row.args.tail.empty() || value.stop >= words.size()) return;
    const Token& word = words[value.stop];
    if (is_choice(value.row.args.tail, word.text, false)) {
        value.tail = word.text;
        ++value.stop;
        return;
    }
    if (value.row.args.in_line) return;  // it may be the line's next option
    auto& d = reading.diag.error(Code::UnknownWord, word.mark,
                                 fmt::format("{} does not accept '{}'", value.row.name, word.text));
    d.expected = listed(value.row.args.tail);
    d.effect = "the word is ignored";
    if (const auto near = nearest_choice(value.row.args.tail, word.text); !near.empty())
        d.fix = word.text == fmt::format("no{}", near) ? fmt::format("leave it out: it is so without `{}`", near)
                                                       : fmt::format("did you mean `{}`?", near);
}

}  // namespace

bool read_value(ParseContext& reading, Value& value) {
    const auto& words = value.statement.words;
    const Args& args = value.row.args;
    if (!args.lead.empty() && words.size() > value.first && is_choice(args.lead, words[value.first].text, false))
        value.lead = words[value.first++].text;
    const bool only_tail = args.bare_is_allowed && words.size() > value.first && !args.tail.empty() &&
                           is_choice(args.tail, words[value.first].text, false);
    value.absent = words.size() <= value.first || only_tail || args.words_max == 0;
    value.word = value.absent ? std::string_view{} : words[value.first].text;
    value.mark = value.absent ? words[0].mark : words[value.first].mark;
    const bool several = args.takes == Takes::Word || args.takes == Takes::NumberList || args.takes == Takes::OneOf ||
                         args.takes == Takes::Command;
    const std::size_t taken = several ? argument_words(args) : 1;
    value.stop = value.absent ? value.first : std::min(words.size(), value.first + taken);
    if (value.absent && args.bare_is_allowed) {
        value.number = args.bare;
        value.time = Micros{args.takes == Takes::WholeSeconds ? args.bare * kMicrosPerSecond : 0};
        read_tail(reading, value);
        return true;
    }
    if (!read_argument(reading, value)) return false;
    read_tail(reading, value);
    return true;
}

}  // namespace mainstay::config
