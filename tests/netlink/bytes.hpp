// Messages as hexadecimal text, and the ways to damage them.
#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/netlink/message.hpp"

namespace mainstay::netlink::test {

inline constexpr std::uint16_t kFamilyId = 0x1d;  // of IPVS among the families of generic netlink

inline std::vector<std::byte> from_hex(std::string_view text) {
    const auto digit = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
    std::vector<std::byte> bytes;
    std::string digits;
    for (const char c : text) {
        if (c != ' ') digits += c;
    }
    for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
        bytes.push_back(std::byte(digit(digits[i]) << 4U | digit(digits[i + 1])));
    }
    return bytes;
}

inline std::string to_hex(std::span<const std::byte> bytes) {
    std::string text;
    for (const std::byte b : bytes) {
        text += "0123456789abcdef"[std::to_integer<unsigned>(b) >> 4U];
        text += "0123456789abcdef"[std::to_integer<unsigned>(b) & 15U];
    }
    return text;
}

// The same text as to_hex writes it.
inline std::string hex(std::string_view text) { return to_hex(from_hex(text)); }

inline Message message_of(std::uint16_t type, const std::vector<std::byte>& payload, std::uint16_t flags = 0) {
    return {.type = type, .flags = flags, .sequence = 7, .port = 0, .payload = payload};
}

// Decodes every beginning of the payload, and the payload with each byte in turn set to some values. Whether that is
// an error or a value is the decoder's affair: it must come back, and touch nothing outside (the sanitizers look).
template <class Decode>
int survives_damage(std::uint16_t type, const std::vector<std::byte>& payload, const Decode& decode) {
    int errors = 0;
    for (std::size_t length = 0; length < payload.size(); ++length) {
        const std::vector<std::byte> cut(payload.begin(), payload.begin() + static_cast<std::ptrdiff_t>(length));
        if (!decode(message_of(type, cut))) ++errors;
    }
    for (std::size_t at = 0; at < payload.size(); ++at) {
        for (const unsigned value : {0U, 1U, 3U, 0x7fU, 0x80U, 0xffU}) {
            auto damaged = payload;
            damaged[at] = std::byte(value);
            (void)decode(message_of(type, damaged));
        }
    }
    return errors;
}

}  // namespace mainstay::netlink::test
