#include "expand.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "mainstay/base/text.hpp"

namespace mainstay::config {
namespace {

constexpr bool begins_name(char c) { return is_letter(c) || c == '_'; }
constexpr bool is_name(char c) { return begins_name(c) || is_digit(c); }

bool escaped_comment(std::string_view text, std::size_t at) {
    return text[at] == '\\' && at + 1 < text.size() && is_comment(text[at + 1]);
}

}  // namespace

std::size_t characters(std::string_view bytes) {
    return static_cast<std::size_t>(std::ranges::count_if(bytes, [](char c) { return !continues_utf8(c); }));
}

std::string_view trimmed(std::string_view text) { return mainstay::trimmed(text, kBlankCharacters); }

std::vector<std::string_view> words_of(std::string_view text) {
    std::vector<std::string_view> words;
    for (std::size_t at = text.find_first_not_of(kBlankCharacters); at != std::string_view::npos;) {
        const std::size_t end = std::min(text.find_first_of(kBlankCharacters, at), text.size());
        words.push_back(text.substr(at, end - at));
        at = text.find_first_not_of(kBlankCharacters, end);
    }
    return words;
}

// ---- Line
// ------------------------------------------------------------------------------------------------------------

Source Line::source_at(std::size_t at) const {
    auto run = std::ranges::upper_bound(runs, at, {}, &Run::at);
    if (run != runs.begin()) --run;
    Source source = run->source;
    if (source.length == 0)
        source.column += static_cast<std::uint32_t>(characters(std::string_view{text}.substr(run->at, at - run->at)));
    return source;
}

void Line::drop_front(std::size_t bytes) {
    if (bytes == 0) return;
    const Source first = source_at(bytes);
    std::erase_if(runs, [&](const Run& run) { return run.at <= bytes; });
    for (Run& run : runs) run.at -= bytes;
    runs.insert(runs.begin(), {0, first});
    text.erase(0, bytes);
}

void Line::cut(std::size_t at) {
    text.resize(std::min(at, text.size()));
    std::erase_if(runs, [&](const Run& run) { return run.at >= text.size() && run.at != 0; });
}

void Line::replace(std::size_t at, std::size_t length, std::string_view with, const Source& source) {
    const std::size_t end = at + length;
    const Source after = source_at(end);
    std::vector<Run> changed;
    for (const Run& run : runs)
        if (run.at < at) changed.push_back(run);
    if (!with.empty()) changed.push_back({at, source});
    if (end < text.size() || changed.empty()) changed.push_back({at + with.size(), after});
    for (const Run& run : runs)
        if (run.at > end) changed.push_back({run.at - length + with.size(), run.source});
    runs = std::move(changed);
    text.replace(at, length, with);
}

// ---- comments and names
// ----------------------------------------------------------------------------------------------

std::size_t comment_start(std::string_view line) {
    bool quoted = false;
    for (std::size_t at = 0; at < line.size(); ++at) {
        if (line[at] == '"') quoted = !quoted;
        if (quoted) continue;
        if (escaped_comment(line, at))
            ++at;
        else if (is_comment(line[at]))
            return at;
    }
    return line.size();
}

std::string without_escapes(std::string_view text) {
    std::string plain;
    bool quoted = false;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '"') quoted = !quoted;
        if (!quoted && escaped_comment(text, at)) ++at;
        plain += text[at];
    }
    return plain;
}

std::size_t name_length(std::string_view text) {
    if (text.empty() || !begins_name(text.front())) return 0;
    return static_cast<std::size_t>(std::ranges::find_if_not(text, is_name) - text.begin());
}

std::optional<std::string_view> defined_name(std::string_view text) {
    if (!text.starts_with('$')) return std::nullopt;
    const std::size_t length = name_length(text.substr(1));
    if (length == 0 || text.substr(length + 1, 1) != "=") return std::nullopt;
    return text.substr(1, length);
}

std::optional<Reference> reference_at(std::string_view text) {
    const bool braced = text.starts_with("${");
    const std::size_t from = braced ? 2 : 1;
    if (!text.starts_with('$')) return std::nullopt;
    const std::size_t length = name_length(text.substr(from));
    if (length == 0) return std::nullopt;
    const std::size_t end = from + length;
    Reference reference{.name = text.substr(from, length), .words = {}, .length = end, .braced = braced};
    if (!braced) {
        const bool whole = end == text.size() || is_blank(text[end]) || text[end] == ',' || text[end] == ')';
        return whole ? std::optional{reference} : std::nullopt;
    }
    const std::size_t close = text.find_first_of("{}", end);
    if (close == std::string_view::npos || text[close] != '}') return std::nullopt;
    reference.length = close + 1;
    reference.other = close != end && !is_blank(text[end]);
    reference.words = trimmed(text.substr(end, close - end));
    return reference;
}

// ---- expansion
// -------------------------------------------------------------------------------------------------------

const Definitions::Entry* Definitions::find(std::string_view name) const {
    const auto found = entries_.find(std::string{name});
    return found == entries_.end() ? nullptr : &found->second;
}

std::vector<std::string_view> Definitions::names() const {
    std::vector<std::string_view> names;
    for (const auto& [name, entry] : entries_) names.push_back(name);
    std::ranges::sort(names);
    return names;
}

Expansion expand(Line& line, const Definitions& definitions, const Standard& standard, std::size_t budget) {
    Expansion result;
    bool quoted = false;
    for (std::size_t at = 0; at < line.text.size();) {
        const char c = line.text[at];
        if (c == '"') quoted = !quoted;
        const auto reference = c == '$' ? reference_at(std::string_view{line.text}.substr(at)) : std::nullopt;
        if (!reference) {
            ++at;
            continue;
        }
        const bool plain = reference->words.empty() && !reference->other;
        const auto* entry = plain ? definitions.find(reference->name) : nullptr;
        const auto value = entry == nullptr && !reference->other ? standard(*reference) : std::nullopt;
        const bool ends = trimmed(std::string_view{line.text}.substr(at + reference->length)).empty();
        const bool misplaced = entry != nullptr && entry->several_lines && (!ends || result.rest != nullptr);
        if ((entry == nullptr && !value) || misplaced) {
            result.unexpanded.push_back(
                {at, reference->length, std::string{reference->name}, reference->braced, quoted, misplaced});
            at += reference->length;
            continue;
        }
        if (result.substitutions++ >= budget) {
            result.too_many = true;
            result.name = reference->name;
            return result;
        }
        // Text from a nested expansion is attributed to the place of the first use.
        Source use = line.source_at(at);
        if (use.length == 0)
            use.length =
                static_cast<std::uint32_t>(characters(std::string_view{line.text}.substr(at, reference->length)));
        use.definition = entry == nullptr ? 0 : entry->index;
        if (at == 0) result.at_start = true;
        if (entry != nullptr && entry->several_lines) {
            result.rest = entry;
            result.rest_from = 1;
            result.use = use;
        }
        const std::string_view first = entry == nullptr ? std::string_view{*value} : entry->lines.front();
        line.replace(at, reference->length, first, use);
    }
    line.cut(comment_start(line.text));
    std::erase_if(result.unexpanded, [&](const Unexpanded& left) { return left.at >= line.text.size(); });
    return result;
}

namespace {

constexpr std::size_t kNone = std::string_view::npos;

std::vector<std::string_view> parts_of(std::string_view text) {
    std::vector<std::string_view> parts;
    while (true) {
        const std::size_t comma = text.find(',');
        parts.push_back(trimmed(text.substr(0, comma)));
        if (comma == kNone) return parts;
        text.remove_prefix(comma + 1);
    }
}

// C's rules for the base: 0x10, 010, 10.
std::optional<std::int64_t> number(std::string_view word) {
    const bool negative = word.starts_with('-');
    if (negative || word.starts_with('+')) word.remove_prefix(1);
    int base = 10;
    if (word.starts_with("0x") || word.starts_with("0X")) {
        base = 16;
        word.remove_prefix(2);
    } else if (word.size() > 1 && word.starts_with('0')) {
        base = 8;
        word.remove_prefix(1);
    }
    std::int32_t value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, base);
    if (error != std::errc{} || end != word.data() + word.size() || word.starts_with('-')) return std::nullopt;
    return negative ? -std::int64_t{value} : std::int64_t{value};
}

Result<void> check_name(std::string_view name) {
    if (name.empty() || name_length(name) != name.size())
        return fail(Errc::Invalid, fmt::format("'{}' is not a name", name));
    return {};
}

Result<Repetition> read_sequence(bool hexadecimal, std::string_view parameters) {
    const auto parts = parts_of(parameters);
    Repetition repetition;
    repetition.hexadecimal = hexadecimal;
    if (auto name = check_name(parts[0]); !name) return error_of(name);
    repetition.names.emplace_back(parts[0]);
    if (parts.size() < 2 || parts.size() > 4)
        return fail(Errc::Invalid, fmt::format("a name and 1 to 3 numbers are needed, got {}", parts.size() - 1));
    std::vector<std::int64_t> numbers;
    for (std::size_t i = 1; i < parts.size(); ++i) {
        const auto value = number(parts[i]);
        if (!value) return fail(Errc::Invalid, fmt::format("'{}' is not a whole number", parts[i]));
        numbers.push_back(*value);
    }
    repetition.last = numbers.back();
    // keepalived: a single number n means 1 to n, or -1 down to n if it is negative.
    repetition.first = numbers.size() > 1 ? numbers[0] : numbers[0] < 0 ? -1 : 1;
    const bool down = repetition.last < repetition.first;
    repetition.step = numbers.size() == 3 ? numbers[1] : down ? -1 : 1;
    if (repetition.step == 0) return fail(Errc::Invalid, "the step is 0");
    if (repetition.first != repetition.last && (repetition.step < 0) != down)
        return fail(Errc::Invalid, fmt::format("steps of {} do not lead from {} to {}", repetition.step,
                                               repetition.first, repetition.last));
    if (hexadecimal && (repetition.first < 0 || repetition.last < 0))
        return fail(Errc::Invalid, "~SEQx accepts numbers from 0 on");
    return repetition;
}

// Reads "{a,b}" or "a" up to the next comma; `at` moves past that comma.
Result<std::vector<std::string>> read_tuple(std::string_view text, std::size_t& at) {
    while (at < text.size() && is_blank(text[at])) ++at;
    const bool braces = at < text.size() && text[at] == '{';
    const std::size_t end = braces ? text.find('}', at) : std::min(text.find(',', at), text.size());
    if (end == kNone) return fail(Errc::Invalid, "a } is missing");
    std::string_view content = text.substr(at + (braces ? 1 : 0), end - at - (braces ? 1 : 0));
    at = braces ? end + 1 : end;
    while (at < text.size() && is_blank(text[at])) ++at;
    if (at < text.size() && text[at] != ',')
        return fail(Errc::Invalid, fmt::format("a comma is missing before '{}'", text.substr(at)));
    ++at;
    std::vector<std::string> values;
    for (const std::string_view part : braces ? parts_of(content) : std::vector{trimmed(content)}) {
        if (part.find_first_of(" \t{") != kNone)
            return fail(Errc::Invalid, fmt::format("the value '{}' contains a blank or a brace", part));
        values.push_back(without_escapes(part));
    }
    return values;
}

Result<Repetition> read_list(std::string_view parameters) {
    Repetition repetition;
    std::size_t at = 0;
    auto names = read_tuple(parameters, at);
    if (!names) return error_of(names);
    repetition.names = std::move(*names);
    for (const std::string& name : repetition.names)
        if (auto checked = check_name(name); !checked) return error_of(checked);
    if (at > parameters.size()) return fail(Errc::Invalid, "there are no values");
    while (at <= parameters.size()) {
        auto tuple = read_tuple(parameters, at);
        if (!tuple) return error_of(tuple);
        if (tuple->size() > repetition.names.size())
            return fail(Errc::Invalid, fmt::format("{} values for {} names", tuple->size(), repetition.names.size()));
        tuple->resize(repetition.names.size());
        repetition.tuples.push_back(std::move(*tuple));
    }
    return repetition;
}

}  // namespace

std::uint64_t Repetition::count() const {
    if (!tuples.empty()) return tuples.size();
    return static_cast<std::uint64_t>((last - first) / step) + 1;
}

std::vector<std::string> Repetition::values(std::uint64_t round) const {
    if (!tuples.empty()) return tuples[round];
    const std::int64_t value = first + static_cast<std::int64_t>(round) * step;
    return {hexadecimal ? fmt::format("{:x}", value) : fmt::format("{}", value)};
}

std::optional<RepetitionHead> repetition_head(std::string_view text) {
    RepetitionHead head;
    std::size_t at = 4;
    if (text.starts_with("~LST")) {
        head.list = true;
    } else if (text.starts_with("~SEQx")) {
        head.hexadecimal = true;
        at = 5;
    } else if (!text.starts_with("~SEQ")) {
        return std::nullopt;
    }
    while (at < text.size() && is_blank(text[at])) ++at;
    if (at >= text.size() || text[at] != '(') return std::nullopt;
    head.from = at + 1;
    head.to = text.find(')', head.from);
    return head;
}

Result<Repetition> read_repetition(const RepetitionHead& head, std::string_view parameters) {
    if (head.to == kNone) return fail(Errc::Invalid, "the closing ) is missing");
    auto repetition = head.list ? read_list(parameters) : read_sequence(head.hexadecimal, parameters);
    if (repetition) repetition->length = head.to + 1;
    return repetition;
}

}  // namespace mainstay::config
