// Authentication of VRRP packets: the authentication header of version 2 (RFC 2402, HMAC-MD5-96 of RFC 2403) and
// keepalived's HMAC-SHA256 trailer behind a packet of either version.
//
// Codecs over bytes and keys; which key, which numbers and whom to believe is the vrrp module's. The hashes are
// libcrypto's: functions of bytes that read no clock and keep no state, so they may stand here, beside the layouts that
// they cover. A libcrypto that refuses MD5 (FIPS mode) makes the AH functions fail; they say so by an empty answer.
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
inline constexpr std::size_t kAhLength = 24;  // with its 12 bytes of integrity check value
inline constexpr std::size_t kAhIcvLength = 12;

struct AhHeader {
    std::uint8_t next_header = 0;
    std::uint32_t spi = 0;  // keepalived: the source address
    std::uint32_t sequence = 0;
    std::array<std::byte, kAhIcvLength> icv{};
    bool operator==(const AhHeader&) const = default;
};

// Whether this host's libcrypto has the MD5 that AH is made with; in FIPS mode it has not.
[[nodiscard]] bool can_authenticate_ah();
// The header at the start of an IP payload; none when it is not whole or not 24 bytes long.
[[nodiscard]] std::optional<AhHeader> decode_ah(std::span<const std::byte> ip_payload);

struct AhSeal {                     // what the check value covers beside the packet
    IpAddress source, destination;  // IPv4
    std::uint16_t ip_id = 1;        // not 0: the kernel would choose another one
    std::uint8_t ttl = 255;
    std::uint32_t sequence = 1;
    std::span<const std::byte> key;
};
// The authentication header and the packet behind it; empty without MD5. keepalived leaves the TTL in the covered IP
// header, where RFC 2402 3.3.3.1.1 has a zero (seen of 2.2.7); TOS, fragment and checksum fields count as zero.
[[nodiscard]] std::vector<std::byte> encode_ah(const AhSeal& seal, std::span<const std::byte> packet);

// Whether the check value is right, with the TTL as it came, as it was at its start (255) or as the RFC has it (0).
// `ip_header` is that of 20 bytes; one with options is not believed.
[[nodiscard]] bool ah_right(std::span<const std::byte> ip_header, std::span<const std::byte> ip_payload,
                            std::span<const std::byte> key);

// ---- the trailer -------------------------------------------------------------------------------------------------

inline constexpr std::size_t kTrailerLength = 28;
inline constexpr std::size_t kTrailerHmacLength = 16;  // of the 32 that SHA-256 gives
inline constexpr std::uint8_t kTrailerType = 1;

struct AuthTrailer {
    std::uint8_t type = kTrailerType;
    std::uint8_t key_id = 0;
    std::uint16_t reserved = 0;
    std::uint64_t sequence = 0;  // 32 bits of seconds, 16 of 1/65536 s, 16 of a counter
    std::array<std::byte, kTrailerHmacLength> hmac{};
    bool operator==(const AuthTrailer&) const = default;
};

// Of exactly 28 bytes.
[[nodiscard]] std::optional<AuthTrailer> decode_trailer(std::span<const std::byte> bytes);
// The packet with its trailer. `packet` is a VRRP packet complete with its checksum, which does not cover the trailer
// over IPv4; over IPv6, where keepalived's kernel computes it over all that is sent, it is computed anew.
[[nodiscard]] std::vector<std::byte> encode_trailer(std::span<const std::byte> packet, const AuthTrailer& trailer,
                                                    const IpAddress& source, const IpAddress& destination,
                                                    std::span<const std::byte> key);
// Whether the trailer's HMAC is that of the packet from this source under this key.
[[nodiscard]] bool trailer_right(std::span<const std::byte> packet, const AuthTrailer& trailer, const IpAddress& source,
                                 std::span<const std::byte> key);

}  // namespace mainstay::wire
