// VRRP packets, version 2 (RFC 3768) and 3 (RFC 5798, RFC 9568), as the payload of an IPv4 or IPv6 packet.
//
// decode_vrrp() checks the structure only. Whether version, type, authentication and checksum are acceptable depends on
// the receiver's configuration, and the order of these checks is keepalived's; the vrrp module does them (receive.hpp).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <vector>

#include "mainstay/base/ip.hpp"
#include "mainstay/base/time.hpp"

namespace mainstay::wire {

inline constexpr std::uint8_t kVrrpProtocol = 112;
inline constexpr std::uint8_t kVrrpAdvertisement = 1;  // the only packet type
inline constexpr std::size_t kVrrpHeaderLength = 8;
inline constexpr std::size_t kVrrpAuthLength = 8;  // after the addresses: always present in version 2 over IPv4
inline constexpr std::size_t kVrrpChecksumAt = 6;
inline constexpr std::size_t kVrrpMaxAddresses = 255;

struct VrrpPacket {
    std::uint8_t version = 2;
    std::uint8_t type = kVrrpAdvertisement;
    std::uint8_t virtual_router_id = 0;
    std::uint8_t priority = 0;
    std::uint8_t auth_type = 0;        // version 2 only
    Micros interval{0};                // version 2: whole seconds, 0..255; version 3: 10 ms units, 0..40.95 s
    std::vector<IpAddress> addresses;  // of one family
    std::array<std::byte, kVrrpAuthLength> auth{};  // version 2 over IPv4 only

    bool operator==(const VrrpPacket&) const = default;
};

enum class VrrpDefect : std::uint8_t {
    TooShort,  // shorter than a header
    Length,    // the payload's length does not match its version and address count
};

// The length in bytes of a packet with `count` addresses. Versions other than 2 are treated as version 3.
[[nodiscard]] std::size_t vrrp_length(std::uint8_t version, Family family, std::size_t count);

// How many addresses an advert has room for: keepalived counts an Ethernet header within `mtu` (bytes) as well, and a
// peer refuses adverts with another number of addresses than its own list has. `more`: bytes of authentication beyond
// those of vrrp_length().
[[nodiscard]] std::size_t vrrp_addresses_max(std::uint8_t version, Family family, std::size_t mtu, std::size_t more);

// Reads an IP payload. It may be longer than the packet only by the padding of a short Ethernet frame (46 bytes with
// the IP header). For versions other than 2 and 3 the length is not checked and no addresses are read.
[[nodiscard]] std::expected<VrrpPacket, VrrpDefect> decode_vrrp(std::span<const std::byte> payload, Family family);

// Whether the checksum is correct. Version 2 over IPv4 covers only the packet; version 3, and every version over IPv6,
// the pseudo header as well. `payload` must have been accepted by decode_vrrp(); padding after the packet is left out.
[[nodiscard]] bool vrrp_checksum_right(std::span<const std::byte> payload, const IpAddress& source,
                                       const IpAddress& destination);
// The same over the whole `payload`, for IPv6 packets with a trailer.
[[nodiscard]] bool ipv6_checksum_right(std::span<const std::byte> payload, const IpAddress& source,
                                       const IpAddress& destination);

// v3_checksum_as_v2: version 3 over IPv4 without the pseudo header.
enum class VrrpChecksum : std::uint8_t { OfVersion, WithoutPseudoHeader };

// Writes the packet with its checksum. `source` decides the family; addresses of another family and those beyond
// kVrrpMaxAddresses are left out; an interval that does not fit its field is clamped to its maximum.
[[nodiscard]] std::vector<std::byte> encode_vrrp(const VrrpPacket& packet, const IpAddress& source,
                                                 const IpAddress& destination,
                                                 VrrpChecksum checksum = VrrpChecksum::OfVersion);

}  // namespace mainstay::wire
