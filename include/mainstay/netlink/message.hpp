// What all netlink protocols share: a datagram is a sequence of messages, a message has attributes, and requests are
// answered by acknowledgements. Lengths are checked before use: damaged input yields an Error, and nothing is read
// beyond the span.
//
// Netlink integers are in host order. Returned spans point into the datagram.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "mainstay/base/error.hpp"

namespace mainstay::netlink {

struct Message {
    std::uint16_t type = 0;
    std::uint16_t flags = 0;
    std::uint32_t sequence = 0;
    std::uint32_t port = 0;
    std::span<const std::byte> payload;  // after the nlmsghdr
};

// Splits a datagram. The datagram must begin on a 4-byte boundary, as every heap buffer does.
class MessageReader {
public:
    explicit MessageReader(std::span<const std::byte> datagram) : rest_{datagram} {}
    // No value: the end. An error: the rest is not a message; the reader is then at its end.
    [[nodiscard]] Result<std::optional<Message>> next();

private:
    std::span<const std::byte> rest_;
};

// The answer to one request. Zero is the only acknowledgement; anything else is a refusal.
struct Acknowledgement {
    std::uint32_t sequence = 0;
    int sys_errno = 0;  // positive; 0: done
    std::string text;   // the kernel's explanation (NETLINK_EXT_ACK), often empty
};
// From a message of type NLMSG_ERROR.
[[nodiscard]] Result<Acknowledgement> decode_acknowledgement(const Message& message);

// How a dump ended, from a message of type NLMSG_DONE: 0, or a positive errno.
[[nodiscard]] Result<int> decode_done(const Message& message);

// The attributes of one level, by type. Types above the limit are skipped (newer kernels have more); of repeated
// ones the last counts, as in the kernel. The flags NLA_F_NESTED and NLA_F_NET_BYTEORDER are masked out.
inline constexpr std::size_t kMaxAttributeType = 63;

class Attributes {
public:
    [[nodiscard]] static Result<Attributes> parse(std::span<const std::byte> bytes);

    [[nodiscard]] std::optional<std::span<const std::byte>> bytes(std::uint16_t type) const {
        return type <= kMaxAttributeType ? values_[type] : std::nullopt;
    }
    // No value: absent, or shorter than T. Copied, because 64-bit attributes may sit on 4-byte boundaries.
    template <class T>
    [[nodiscard]] std::optional<T> value(std::uint16_t type) const {
        static_assert(std::is_trivially_copyable_v<T> && !std::is_pointer_v<T>);
        const auto found = bytes(type);
        if (!found || found->size() < sizeof(T)) return std::nullopt;
        T copy;
        std::memcpy(&copy, found->data(), sizeof(T));
        return copy;
    }
    // A text, up to its NUL or the attribute's end.
    [[nodiscard]] std::optional<std::string> text(std::uint16_t type) const;
    // The level below. No value: absent.
    [[nodiscard]] Result<std::optional<Attributes>> nested(std::uint16_t type) const;

private:
    std::array<std::optional<std::span<const std::byte>>, kMaxAttributeType + 1> values_{};
};

// Copies a fixed header from the front of a payload. No value: too short.
template <class T>
[[nodiscard]] std::optional<T> read_header(std::span<const std::byte> payload) {
    static_assert(std::is_trivially_copyable_v<T> && !std::is_pointer_v<T>);
    if (payload.size() < sizeof(T)) return std::nullopt;
    T copy;
    std::memcpy(&copy, payload.data(), sizeof(T));
    return copy;
}

// The bytes after a fixed header, from the next 4-byte boundary; empty if there are none.
[[nodiscard]] std::span<const std::byte> behind_header(std::span<const std::byte> payload, std::size_t header_size);

}  // namespace mainstay::netlink
