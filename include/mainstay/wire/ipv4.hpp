// The header of IPv4 (RFC 791 section 3.1), as raw sockets deliver it before what they received.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "mainstay/base/ip.hpp"

namespace mainstay::wire {

inline constexpr std::size_t kIpv4HeaderLength = 20;  // without options
inline constexpr std::size_t kIpv4HeaderMax = 60;

struct Ipv4Packet {
    IpAddress source, destination;
    std::uint8_t ttl = 0;
    std::uint8_t protocol = 0;
    std::span<const std::byte> header;   // with its options; of the bytes that were given, like the next
    std::span<const std::byte> payload;  // without the padding of a short frame
};

// None when it is no IPv4, or its header is not whole. A packet that was cut off has the payload that came.
[[nodiscard]] std::optional<Ipv4Packet> decode_ipv4(std::span<const std::byte> bytes);

}  // namespace mainstay::wire
