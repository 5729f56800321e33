#include "mainstay/base/text.hpp"

#include <algorithm>
#include <cstddef>

namespace mainstay {

std::size_t utf8_length(std::string_view text) {
    if (text.empty()) return 0;
    const auto first = static_cast<unsigned char>(text[0]);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xC2 && first <= 0xDF   ? 2
                               : first >= 0xE0 && first <= 0xEF ? 3
                               : first >= 0xF0 && first <= 0xF4 ? 4
                                                                : 0;
    if (length == 0 || text.size() < length) return 0;
    if (!std::ranges::all_of(text.substr(1, length - 1), continues_utf8)) return 0;
    const auto second = static_cast<unsigned char>(text[1]);
    const bool too_long = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
    const bool surrogate = first == 0xED && second > 0x9F, too_large = first == 0xF4 && second > 0x8F;
    return too_long || surrogate || too_large ? 0 : length;
}

// Within single quotes only the quote itself has a meaning.
std::string shell_quoted(std::string_view word) {
    static constexpr std::string_view kPlain = "._-:@/+,";
    if (!word.empty() && std::ranges::all_of(word, [](char c) {
            return is_letter(c) || is_digit(c) || kPlain.find(c) != std::string_view::npos;
        }))
        return std::string{word};
    std::string out = "'";
    for (const char c : word) out += c == '\'' ? std::string{"'\\''"} : std::string{c};
    return out + "'";
}

// A greedy match that backtracks to the last star only.
bool is_like(std::string_view text, std::string_view pattern) {
    constexpr std::size_t kNone = std::string_view::npos;
    std::size_t at = 0, want = 0, star = kNone, resume = 0;
    while (at < text.size()) {
        if (want < pattern.size() && pattern[want] == '*') {
            star = want++;
            resume = at;
        } else if (want < pattern.size() && (pattern[want] == '?' || pattern[want] == text[at])) {
            ++want;
            ++at;
        } else if (star != kNone) {
            want = star + 1;
            at = ++resume;
        } else {
            return false;
        }
    }
    while (want < pattern.size() && pattern[want] == '*') ++want;
    return want == pattern.size();
}

char unescaped(std::string_view text, std::size_t& at) {
    constexpr std::string_view kLetters = "abEfnrtv", kMeanings = "\a\b\x1b\f\n\r\t\v";
    const auto digit_of = [](char c) {
        return is_digit(c) ? c - '0' : lower(c) >= 'a' && lower(c) <= 'f' ? lower(c) - 'a' + 10 : 16;
    };
    const auto number = [&](std::size_t from, std::size_t most, int base) {
        int value = 0;
        std::size_t i = from;
        for (; i < text.size() && i - from < most && digit_of(text[i]) < base; ++i)
            value = (value * base + digit_of(text[i])) & 0xff;
        at = i - 1;
        return static_cast<char>(value);
    };
    const char c = text[at];
    if (const auto i = kLetters.find(c); i != kLetters.npos) return kMeanings[i];
    if (c == 'x' && at + 1 < text.size() && digit_of(text[at + 1]) < 16) return number(at + 1, text.size(), 16);
    if (digit_of(c) < 8) return number(at, 3, 8);
    if (c == 'c' && at + 1 < text.size()) return static_cast<char>(text[++at] & 0x1f);
    return c;
}

std::string plain_quote(std::string_view text) {
    static constexpr std::string_view kPlain = ".:[]_-/%+=@, ";
    static constexpr std::size_t kBytesMax = 64;
    std::string out{"'"};
    for (const char c : text.substr(0, kBytesMax)) {
        out += is_digit(c) || is_letter(c) || kPlain.contains(c) ? c : '?';
    }
    return out + (text.size() > kBytesMax ? "...'" : "'");
}

}  // namespace mainstay
