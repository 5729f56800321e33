// IP addresses, prefixes and endpoints as plain values.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mainstay {

enum class Family : std::uint8_t { None = 0, V4 = 4, V6 = 6 };

// An IPv4 or IPv6 address, in network byte order. A default-constructed address has no family.
class IpAddress {
public:
    constexpr IpAddress() = default;
    [[nodiscard]] static IpAddress v4(std::uint32_t host_order);
    [[nodiscard]] static IpAddress v4(std::span<const std::byte, 4> network_order);
    [[nodiscard]] static IpAddress v6(std::span<const std::byte, 16> network_order);

    // Strict textual form: dotted quad without leading zeros that would read as octal, or RFC 4291 text (an
    // IPv4-mapped tail allowed). No prefix, port, brackets, zone or blanks.
    [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);

    [[nodiscard]] Family family() const { return family_; }
    [[nodiscard]] bool is_v4() const { return family_ == Family::V4; }
    [[nodiscard]] bool is_v6() const { return family_ == Family::V6; }
    [[nodiscard]] bool empty() const { return family_ == Family::None; }
    [[nodiscard]] bool is_multicast() const;
    [[nodiscard]] bool is_link_local_v6() const;
    [[nodiscard]] bool is_any() const;  // 0.0.0.0 or ::, or no address at all

    // 4 or 16 bytes, network order; none without a family.
    [[nodiscard]] std::span<const std::byte> bytes() const {
        return std::span{bytes_}.first(family_ == Family::V4 ? 4U : family_ == Family::V6 ? 16U : 0U);
    }
    [[nodiscard]] std::uint32_t v4_host_order() const;  // 0 for anything but IPv4

    // RFC 5952 text for IPv6.
    [[nodiscard]] std::string to_string() const;

    // IPv4 sorts before IPv6; within a family numerically, as VRRP compares addresses.
    auto operator<=>(const IpAddress&) const = default;

private:
    Family family_ = Family::None;
    std::array<std::byte, 16> bytes_{};
};

// An address with a prefix length (0..32 or 0..128). Host bits are kept: 10.0.0.9/24 is an interface address.
struct Prefix {
    IpAddress address;
    std::uint8_t length = 0;

    // "10.0.0.9/24"; without a slash the prefix is /32 or /128.
    [[nodiscard]] static std::optional<Prefix> parse(std::string_view text);
    [[nodiscard]] std::string to_string() const;                // always with the length
    [[nodiscard]] bool contains(const IpAddress& other) const;  // false across families
    auto operator<=>(const Prefix&) const = default;
};

// A transport endpoint; port in host order, 0 = any.
struct Endpoint {
    IpAddress address;
    std::uint16_t port = 0;

    [[nodiscard]] std::string to_string() const;  // "10.0.0.1:80", "[2001:db8::1]:80"
    auto operator<=>(const Endpoint&) const = default;
};

}  // namespace mainstay
