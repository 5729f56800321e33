#include "include.hpp"

#include <array>
#include <utility>

#include "expand.hpp"

namespace mainstay::config {
namespace {

constexpr std::uint8_t kRead = 1, kMatch = 2, kWildcard = 4, kBrace = 8;

std::string_view next_word(std::string_view& text) {
    text = trimmed(text);
    std::size_t end = 0;
    while (end < text.size() && !is_blank(text[end])) ++end;
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(end);
    return word;
}

}  // namespace

std::optional<Include> read_include(std::string_view line) {
    static constexpr std::array<std::pair<std::string_view, std::uint8_t>, 6> kForms{{
        {"include", std::uint8_t{0}},
        {"includer", kRead},
        {"includem", kRead | kMatch},
        {"includew", kRead | kMatch | kWildcard},
        {"includeb", kRead | kBrace},
        {"includea", kAllIncludeChecks.bits},
    }};
    const std::string_view word = next_word(line);
    line = trimmed(line);
    if (line.empty()) return std::nullopt;
    for (const auto& [keyword, checks] : kForms)
        if (keyword == word) return Include{std::string{word}, std::string{line}, checks != 0, {checks}};
    return std::nullopt;
}

std::optional<IncludeChecks> read_include_check(std::string_view line, IncludeChecks before) {
    static constexpr std::array<std::pair<std::string_view, std::uint8_t>, 4> kNames{
        {{"read", kRead}, {"match", kMatch}, {"wildcard_match", kWildcard}, {"brace_match", kBrace}}};
    if (next_word(line) != "include_check") return std::nullopt;
    if (trimmed(line).empty()) return kAllIncludeChecks;
    IncludeChecks checks = before;
    bool named = false;
    for (std::string_view word = next_word(line); !word.empty(); word = next_word(line)) {
        const bool sign = word.starts_with('+') || word.starts_with('-');
        const bool off = word.starts_with('-');
        if (sign) word.remove_prefix(1);
        if (!sign && !std::exchange(named, true)) checks = {};
        for (const auto& [name, bits] : kNames)
            if (name == word) checks.set(bits, !off);
    }
    return checks;
}

}  // namespace mainstay::config
