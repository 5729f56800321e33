// Bytes written as "21 33 96" for tests, and back.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mainstay::test {

inline std::vector<std::byte> from_hex(std::string_view text) {
    std::vector<std::byte> bytes;
    unsigned value = 0, digits = 0;
    for (const char c : text) {
        if (c == ' ') continue;
        value = value << 4 | static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
        if (++digits % 2 == 0) bytes.push_back(std::byte(value & 0xff));
    }
    return bytes;
}

inline std::string to_hex(std::span<const std::byte> bytes) {
    std::string text;
    for (const std::byte b : bytes)
        text += fmt::format("{}{:02x}", text.empty() ? "" : " ", std::to_integer<unsigned>(b));
    return text;
}

}  // namespace mainstay::test
