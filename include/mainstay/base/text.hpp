// Small helpers for text: characters of ASCII and of UTF-8, plurals, patterns.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>

namespace mainstay {

// Characters of ASCII, whatever the locale.

[[nodiscard]] constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
[[nodiscard]] constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
[[nodiscard]] constexpr bool is_visible(char c) { return c > ' ' && c < '\x7f'; }
[[nodiscard]] constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

// Whether the texts differ at most in upper and lower case.
[[nodiscard]] constexpr bool same_letters(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, lower, lower);
}

// Without the blanks at both ends.
[[nodiscard]] constexpr std::string_view trimmed(std::string_view text, std::string_view blanks = " \t") {
    const auto first = text.find_first_not_of(blanks);
    return first == text.npos ? std::string_view{} : text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// Removes what is before `mark` from `rest`, and the mark, and returns it; all of it, if there is no mark.
[[nodiscard]] constexpr std::string_view take_until(std::string_view& rest, char mark) {
    const auto end = rest.find(mark);
    const auto part = rest.substr(0, end);
    rest = end == rest.npos ? std::string_view{} : rest.substr(end + 1);
    return part;
}

// Where characters of UTF-8 begin and end, in text that may be anything. RFC 3629, section 4.

// The bytes of the character at the beginning of `text`, 1 to 4. 0: there is none, because the text is empty, or cut,
// or no UTF-8 (overlong forms, surrogates and numbers beyond U+10FFFF included).
[[nodiscard]] std::size_t utf8_length(std::string_view text);

// Of a byte that is not the first one of its character.
[[nodiscard]] constexpr bool continues_utf8(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

// Escapes of keepalived's commands and patterns (watched on 2.2.7): the letters abEfnrtv, \cX, \x and any number of
// hexadecimal digits, up to three octal digits; any other character stands for itself.

// What the escape means whose character behind the backslash is text[at]; `at` moves to the escape's last character.
[[nodiscard]] char unescaped(std::string_view text, std::size_t& at);

// Numbers of things, in sentences.

// "1 error", "2 errors": of a word whose plural ends in s.
[[nodiscard]] std::string counted(std::integral auto count, std::string_view thing) {
    return std::to_string(count).append(" ").append(thing).append(count == 1 ? "" : "s");
}

// Text of others in messages: only characters that occur in addresses and names, so that a log line, a terminal and a
// page can show it. In quotes, the other characters as '?', at most 64 bytes of it.
[[nodiscard]] std::string plain_quote(std::string_view text);

// As one word of a shell's command: in single quotes, unless nothing in it has a meaning for any shell.
[[nodiscard]] std::string shell_quoted(std::string_view word);

// Names of hosts.

inline constexpr std::size_t kHostBytesMax = 253;  // RFC 1035 2.3.4
[[nodiscard]] constexpr bool is_of_host(char c) {
    return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_';
}

// Patterns with * and ?, as operators and settings have them.

// Whether the whole text matches the pattern; takes time proportional to the product of their lengths.
[[nodiscard]] bool is_like(std::string_view text, std::string_view pattern);

}  // namespace mainstay
