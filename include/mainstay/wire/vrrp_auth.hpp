// Authentication of VRRP packets: the authentication header of version 2 (RFC 2402, HMAC-MD5-96 of RFC 2403) and
// keepalived's HMAC-SHA256 trailer behind a packet of either version.
//
// Codecs over bytes and keys; the vrrp module decides about keys, sequence numbers and trust. The hashes are
// Nettle's pure functions: libcrypto would take 0.4 MB of each vrrp process (decision 24), and has no MD5 in FIPS mode.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "mainstay/base/ip.hpp"

namespace mainstay::wire {

inline constexpr std::uint8_t kAhProtocol = 51;
inline constexpr std::size_t kAhLength = 24;  // including its 12 bytes of integrity check value
inline constexpr std::size_t kAhIcvLength = 12;

struct AhHeader {
    std::uint8_t next_header = 0;
    std::uint32_t spi = 0;  // keepalived: the source address
    std::uint32_t sequence = 0;
    std::array<std::byte, kAhIcvLength> icv{};
    bool operator==(const AhHeader&) const = default;
};

// The header at the start of an IP payload; none if it is truncated or not 24 bytes long.
[[nodiscard]] std::optional<AhHeader> decode_ah(std::span<const std::byte> ip_payload);

// Whether a VRRP packet, with an authentication header or without, has priority 0: its sender resigns. Of a packet that
// is not believed, too; false where it ends before.
[[nodiscard]] bool resigns(std::span<const std::byte> ip_payload, std::uint8_t protocol);

struct AhSeal {                     // IP header fields that the check value covers
    IpAddress source, destination;  // IPv4
    std::uint16_t ip_id = 1;        // not 0: the kernel would choose another one
    std::uint8_t ttl = 255;         // as it is covered: 0 of a unicast packet, whatever it is sent with
    std::uint32_t sequence = 1;
    std::span<const std::byte> key;
};
// The authentication header followed by the packet. In the IP header that it covers keepalived has the TTL of a
// multicast packet, where RFC 2402 3.3.3.1.1 requires zero, and zero for unicast (seen with 2.2.7); TOS, fragment and
// checksum fields count as zero.
[[nodiscard]] std::vector<std::byte> encode_ah(const AhSeal& seal, std::span<const std::byte> packet);

// Whether the check value is correct with the received TTL, the original TTL (255) or zero as in the RFC. `ip_header`
// must have 20 bytes; a header with options is refused.
[[nodiscard]] bool ah_right(std::span<const std::byte> ip_header, std::span<const std::byte> ip_payload,
                            std::span<const std::byte> key);

// ---- the trailer -------------------------------------------------------------------------------------------------

inline constexpr std::size_t kTrailerLength = 28;
inline constexpr std::size_t kTrailerHmacLength = 16;  // of SHA-256's 32 bytes
inline constexpr std::uint8_t kTrailerType = 1;

struct AuthTrailer {
    std::uint8_t type = kTrailerType;
    std::uint8_t key_id = 0;
    std::uint16_t reserved = 0;
    std::uint64_t sequence = 0;  // 32 bits of seconds, 16 of 1/65536 s, 16 of a counter
    std::array<std::byte, kTrailerHmacLength> hmac{};
    bool operator==(const AuthTrailer&) const = default;
};

// `bytes` must have exactly 28 bytes, else none.
[[nodiscard]] std::optional<AuthTrailer> decode_trailer(std::span<const std::byte> bytes);
// The packet with its trailer. `packet` is a complete VRRP packet with its checksum. Over IPv4 the checksum does not
// cover the trailer; over IPv6 it is recomputed over everything, as the kernel does for keepalived.
[[nodiscard]] std::vector<std::byte> encode_trailer(std::span<const std::byte> packet, const AuthTrailer& trailer,
                                                    const IpAddress& source, const IpAddress& destination,
                                                    std::span<const std::byte> key);
// Whether the trailer's HMAC is that of the packet from this source under this key.
[[nodiscard]] bool trailer_right(std::span<const std::byte> packet, const AuthTrailer& trailer, const IpAddress& source,
                                 std::span<const std::byte> key);

}  // namespace mainstay::wire
