#include "expand.hpp"

#include <algorithm>
#include <utility>

#include "mainstay/base/ascii.hpp"
#include "mainstay/base/utf8.hpp"

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

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
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

}  // namespace mainstay::config
