#include "mail_text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "mainstay/base/text.hpp"

namespace mainstay::alert {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::size_t kEncodedWordBytes = 42;  // gives 56 base64 characters; RFC 2047 2: a word has at most 75

std::uint8_t byte_at(std::string_view text, std::size_t at) { return static_cast<std::uint8_t>(text[at]); }

}  // namespace

std::string clean_line(std::string_view text, std::size_t bytes_max) {
    constexpr std::string_view kCut = "...";
    std::string out;
    std::size_t fits = 0;  // length of `out` after which "..." still has room
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = utf8_length(text.substr(at));
        std::string_view piece = length == 0 ? kReplacement : text.substr(at, length);
        if (length == 1 && (byte_at(text, at) < 0x20 || byte_at(text, at) == 0x7F)) piece = " ";
        if (out.size() + piece.size() > bytes_max) {
            out.resize(fits);
            return out.append(kCut.substr(0, std::min(kCut.size(), bytes_max)));
        }
        out.append(piece);
        if (out.size() + kCut.size() <= bytes_max) fits = out.size();
        at += std::max<std::size_t>(length, 1);
    }
    return out;
}

bool is_ascii(std::string_view text) {
    return std::ranges::none_of(text, [](char c) { return static_cast<std::uint8_t>(c) >= 0x80; });
}

std::string base64(std::string_view bytes) {
    constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::size_t have = std::min<std::size_t>(3, bytes.size() - at);
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 3; ++i) group = group << 8 | (i < have ? byte_at(bytes, at + i) : 0U);
        for (std::size_t i = 0; i < 4; ++i) {
            out += i <= have ? kAlphabet[group >> (18 - 6 * i) & 0x3F] : '=';
        }
    }
    return out;
}

std::string header_text(const std::string& text) {
    if (is_ascii(text)) return text;
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        std::size_t end = at;
        while (end < text.size()) {  // whole characters only (RFC 2047 5)
            const std::size_t next = end + std::max<std::size_t>(utf8_length(text.substr(end)), 1);
            if (next - at > kEncodedWordBytes) break;
            end = next;
        }
        if (!out.empty()) out += "\r\n ";
        out += "=?UTF-8?B?" + base64(std::string_view{text}.substr(at, end - at)) + "?=";
        at = end;
    }
    return out;
}

std::string clean_address(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (static_cast<std::uint8_t>(c) > 0x20 && c != 0x7F && c != '<' && c != '>') out += c;
    }
    return out;
}

}  // namespace mainstay::alert
