// Parses words to typed values, other than single plain numbers.
#include <algorithm>
#include <array>
#include <charconv>

#include "mainstay/base/text.hpp"
#include "setters.hpp"
#include "value_store.hpp"

namespace mainstay::config {
namespace {

std::optional<std::int64_t> number_in_base(std::string_view digits, int base) {
    std::int64_t number = 0;
    const auto [stop, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
    if (ec != std::errc{} || stop != digits.data() + digits.size() || digits.starts_with('-')) return std::nullopt;
    return number;
}

// One of several numbers of a word, in the base that the row says.
std::optional<std::int64_t> part_number(const Args& args, std::string_view word) {
    const auto number = args.hex        ? number_in_base(word, 16)
                        : args.any_base ? number_of_any_base(word)
                                        : whole_number(word, args.low, args.high);
    return number && *number >= args.low && *number <= args.high ? number : std::nullopt;
}

// "3/4" as its parts; a joiner more than the row knows is left in the last one.
std::vector<std::string_view> parts_of(const Args& args, std::string_view word) {
    std::vector<std::string_view> parts;
    for (std::string_view rest = word;;) {
        const std::size_t at = rest.find(args.joiner);
        // keepalived ignores what stands behind "1-2"; a third part behind a slash is an error.
        const bool last = parts.size() + 1 == args.parts_max && args.joiner != '-';
        parts.push_back(last ? rest : rest.substr(0, at));
        if (at == std::string_view::npos || parts.size() == args.parts_max) return parts;
        rest.remove_prefix(at + 1);
    }
}

// "10.0.0.0/24", also with a plus before the length, as keepalived reads it (2.2.7).
std::optional<Prefix> prefix_of(std::string_view word) {
    const std::size_t slash = word.find('/');
    const auto address = IpAddress::parse(word.substr(0, slash));
    if (!address) return std::nullopt;
    const std::int64_t most = address->is_v4() ? 32 : 128;
    const auto length = slash == std::string_view::npos ? most : whole_number(word.substr(slash + 1), 0, most);
    return length ? std::optional{Prefix{*address, static_cast<std::uint8_t>(*length)}} : std::nullopt;
}

// The end of "10.0.0.1-9" or "2001:db8::1-f": the last part of the first address takes another number.
std::optional<IpAddress> short_end(const IpAddress& from, std::string_view text) {
    std::uint32_t number = 0;
    const int base = from.is_v4() ? 10 : 16;
    const std::uint32_t most = from.is_v4() ? 0xff : 0xffff;
    if (text.starts_with('+')) text.remove_prefix(1);
    const auto [stop, ec] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (ec != std::errc{} || stop != text.data() + text.size() || number > most) return std::nullopt;
    if (from.is_v4()) return IpAddress::v4((from.v4_host_order() & ~most) | number);
    std::array<std::byte, 16> bytes{};
    std::ranges::copy(from.bytes(), bytes.begin());
    bytes[14] = static_cast<std::byte>(number >> 8);
    bytes[15] = static_cast<std::byte>(number & 0xff);
    return IpAddress::v6(std::span<const std::byte, 16>{bytes});
}

bool has_host_bits(const Prefix& prefix) {
    const auto bytes = prefix.address.bytes();
    for (std::size_t bit = prefix.length; bit < bytes.size() * 8; ++bit)
        if ((std::to_integer<unsigned>(bytes[bit / 8]) >> (7 - bit % 8) & 1U) != 0) return true;
    return false;
}

bool same(std::string_view a, std::string_view b, bool any_case) {
    const auto low = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return a == b || (any_case && std::ranges::equal(a, b, {}, low, low));
}

}  // namespace

std::optional<std::int64_t> number_of_any_base(std::string_view word) {
    if (word.starts_with('+')) word.remove_prefix(1);
    if (word.starts_with("0x") || word.starts_with("0X")) return number_in_base(word.substr(2), 16);
    return number_in_base(word, word.size() > 1 && word.starts_with('0') ? 8 : 10);
}

SplitNumber split_number(std::string_view word) {
    const std::size_t sign = word.starts_with('-') || word.starts_with('+') ? 1 : 0;
    std::size_t end = sign;
    while (end < word.size() && is_digit(word[end])) ++end;
    if (end == sign) end = 0;
    return {word.substr(0, end), word.substr(end)};
}

std::string range_text(const KeywordSpec& row) {
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

std::string default_effect(const KeywordSpec& row) {
    if (row.default_text.empty() || row.default_text == "required" || row.default_text == "none")
        return "the keyword is ignored";
    return fmt::format("the keyword is ignored (default: {})", row.default_text);
}

std::string_view shown_name(const Value& value) {
    if (!value.owner.empty()) return value.owner;
    const KeywordSpec& row = value.row;
    return row.name.starts_with('<') ? row.name.substr(1, row.name.size() - 2) : row.name;
}

bool is_choice(std::string_view choices, std::string_view word, bool any_case) {
    while (!choices.empty()) {
        const std::size_t bar = choices.find('|');
        if (same(choices.substr(0, bar), word, any_case)) return true;
        choices = bar == std::string_view::npos ? std::string_view{} : choices.substr(bar + 1);
    }
    return false;
}

std::string listed(std::string_view choices) {
    std::string list{choices};
    for (std::size_t at = 0; (at = list.find('|', at)) != std::string::npos;) list.replace(at, 1, ", ");
    return list;
}

bool read_address(ParseContext& reading, Value& value) {
    if (const auto address = IpAddress::parse(value.word)) {
        value.address = *address;
        return true;
    }
    auto& d = reading.diag.error(Code::NotAnAddress, value.mark,
                                 fmt::format("{} needs an IP address, got '{}'", shown_name(value), value.word));
    d.effect = default_effect(value.row);
    if (const auto bare = value.word.substr(0, value.word.find('/'));
        bare.size() < value.word.size() && IpAddress::parse(bare))
        d.fix = fmt::format("write {}, without the prefix length", bare);
    else if (const auto inside = in_brackets(value.word))
        d.fix = fmt::format("write {}, without brackets", inside->address);
    return false;
}

bool read_address_range(ParseContext& reading, Value& value) {
    const auto bad = [&](Code code, std::string message, std::string fix = {}) {
        auto& d = reading.diag.error(code, value.mark, std::move(message));
        d.fix = std::move(fix);
        d.expected = "10.0.0.1, 10.0.0.1-9, 10.0.0.1-10.0.0.9 or 10.0.0.0/28";
        d.effect = "the line is ignored";
        return false;
    };
    const std::size_t dash = value.word.find('-');
    if (dash == std::string_view::npos) {
        const auto prefix = prefix_of(value.word);
        if (!prefix) {
            const std::size_t colon = std::min(value.word.rfind(':'), value.word.size());
            std::string fix;
            if (IpAddress::parse(value.word.substr(0, colon)))
                fix = fmt::format("write `{} {}`: a blank between address and port", value.word.substr(0, colon),
                                  value.word.substr(colon + 1));
            return bad(Code::NotAnAddress, fmt::format("'{}' is not an address or a range", value.word),
                       std::move(fix));
        }
        value.prefix = *prefix;
        if (prefix->length != 0 && !has_host_bits(*prefix)) return true;
        return bad(Code::BadPrefix, fmt::format("{} is not the first address of its prefix", value.word));
    }
    const auto from = IpAddress::parse(value.word.substr(0, dash));
    if (!from) return bad(Code::NotAnAddress, fmt::format("'{}' is not an address", value.word.substr(0, dash)));
    const std::string_view rest = value.word.substr(dash + 1);
    const auto full = IpAddress::parse(rest);
    const auto to = full ? full : short_end(*from, rest);
    // keepalived: the short form must end above its start.
    const bool rises = to && to->family() == from->family() && (full ? *from <= *to : *from < *to);
    if (!rises) return bad(Code::OutOfRange, fmt::format("the range {} does not end above its start", value.word));
    value.prefix = {*from, 0};
    value.range_end = *to;
    value.named = true;
    return true;
}

bool read_prefix(ParseContext& reading, Value& value) {
    value.named = is_choice(value.row.args.choices, value.word, false);
    if (value.named) return true;
    if (const auto prefix = prefix_of(value.word)) {
        value.prefix = *prefix;
        return true;
    }
    const std::size_t slash = value.word.find('/');
    const auto address = IpAddress::parse(value.word.substr(0, slash));
    auto& d = reading.diag.error(
        address ? Code::BadPrefix : Code::NotAnAddress, value.mark,
        address ? fmt::format("the prefix length of {} must be 0 to {}, got '{}'", value.word.substr(0, slash),
                              address->is_v4() ? 32 : 128, value.word.substr(slash + 1))
                : fmt::format("{} needs an IP address, got '{}'", shown_name(value), value.word));
    d.expected = "ADDRESS or ADDRESS/LENGTH";
    if (!value.row.args.choices.empty()) d.expected += fmt::format(", or {}", listed(value.row.args.choices));
    d.effect = default_effect(value.row);
    return false;
}

// "250ms", "1.5s"; without a unit it is a number that the kernel understands.
bool read_duration(ParseContext& reading, Value& value) {
    std::string_view word = value.word;
    std::int64_t scale = 0;  // microseconds
    if (word.ends_with("ms"))
        scale = 1'000, word.remove_suffix(2);
    else if (word.ends_with('s'))
        scale = kMicrosPerSecond, word.remove_suffix(1);
    const std::size_t point = word.find('.');
    const std::string_view whole = word.substr(0, point);
    const auto number = whole_number(whole, 0, value.row.args.high);
    std::int64_t fraction = 0, unit = scale;
    bool good = number.has_value() && (point == std::string_view::npos || scale != 0);
    for (std::size_t i = point == std::string_view::npos ? word.size() : point + 1; good && i < word.size(); ++i) {
        good = is_digit(word[i]);
        unit /= 10;
        fraction += unit * (word[i] - '0');
    }
    if (!good) {
        auto& d = reading.diag.error(Code::NotANumber, value.mark,
                                     fmt::format("{} needs a time, got '{}'", value.row.name, value.word));
        d.expected = fmt::format("a number of at most {}, followed by s or ms", value.row.args.high);
        d.effect = default_effect(value.row);
        return false;
    }
    value.named = scale == 0;
    value.number = *number;
    value.time = Micros{*number * scale + fraction};
    return true;
}

// keepalived: one bad number clears the set.
bool has_cpus(ParseContext& r, const Value& v) {
    const std::int64_t cpus = r.environment.cpus;
    if (!v.row.args.cpus || cpus == 0) return true;
    const auto absent = std::ranges::find_if(v.numbers, [cpus](std::int64_t cpu) { return cpu >= cpus; });
    if (absent == v.numbers.end()) return true;
    auto& d = r.diag.error(Code::OutOfRange, v.mark, fmt::format("{}: this host has no CPU {}", v.row.name, *absent));
    d.expected = fmt::format("0 to {} each", cpus - 1);
    d.effect = "the process may use all of them";
    return false;
}

// One after the other, or two in one word: "0 2 3", "1000-2000".
bool read_numbers(ParseContext& reading, Value& value) {
    const Args& args = value.row.args;
    std::vector<std::string_view> words;
    if (args.joiner != 0)
        words = parts_of(args, value.word);
    else
        for (std::size_t i = 0; i < value.count() && i < args.words_max; ++i) words.push_back(value.arg(i));
    bool good = args.joiner == 0 || words.size() >= args.parts_min;
    value.numbers.clear();
    for (const std::string_view word : words) {
        const auto number = part_number(args, word);
        const bool name = !number && args.any_name && begins_with_letter(word);
        value.named = value.named || name;
        if (!number && !name) good = false;
        if (number) value.numbers.push_back(*number);
    }
    if (good) return has_cpus(reading, value);
    const std::string_view what = args.joiner == 0 ? " each" : "";
    const bool neither = value.row.name == "<mac>" && words.size() == 1;  // it has the place of a name, too
    auto& d = reading.diag.error(
        Code::OutOfRange, value.mark,
        neither ? fmt::format("{}: {} is no MAC address, and longer than the {} characters of an interface's name",
                              shown_name(value), plain_quote(value.word), kMostInterfaceName)
        : args.joiner != 0 && words.size() < args.parts_min
            ? fmt::format("{} is {} numbers joined by {}, got '{}'", shown_name(value), args.parts_min, args.joiner,
                          value.word)
            : fmt::format("{} must be {}{}, got '{}'", shown_name(value), range_text(value.row), what, value.word));
    d.expected = value.row.form.empty() ? range_text(value.row) : std::string{value.row.form};
    d.effect = default_effect(value.row);
    return false;
}

// keepalived: what is too long is cut, or refused; an error either way.
bool read_word(ParseContext& reading, Value& value) {
    const Args& args = value.row.args;
    const auto most = static_cast<std::size_t>(args.high);
    // keepalived stops the configuration test at few of them, at those of a line's words for most.
    const bool counts = args.in_line || !args.letters.empty() || value.row.blocks.has(Block::GarpGroup);
    if (value.word.empty() && !args.mail && value.count() > 0)
        reading.diag.add(Severity::Warning, counts ? Rank::Config : Rank::None, Code::EmptyValue, value.mark,
                         fmt::format("{} has an empty value", shown_name(value)));
    for (std::size_t i = 0; !args.letters.empty() && i < value.count() && i < argument_words(args); ++i) {
        const std::size_t at = value.arg(i).find_first_not_of(args.letters);
        if (at == std::string_view::npos) continue;
        auto& d = reading.diag.error(Code::UnknownWord, value.arg_mark(i),
                                     fmt::format("{} cannot contain '{}'", value.row.name, value.arg(i).substr(at, 1)));
        if (!value.row.form.empty()) d.expected = value.row.form;
        d.effect = default_effect(value.row);
        return false;
    }
    if (most == 0 || value.word.size() <= most) return true;
    auto& d = reading.diag.error(
        Code::TooLong, value.mark,
        fmt::format("{} has at most {} characters, got {}", shown_name(value), most, value.word.size()));
    d.effect = args.cut ? fmt::format("only the first {} are used", most) : default_effect(value.row);
    value.word = value.word.substr(0, most);
    return args.cut;
}

}  // namespace mainstay::config
