// ARP, RFC 826: gratuitous requests (RFC 5227 section 3), probes (RFC 5227 section 2.1.1) and the answers to them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/ip.hpp"

namespace mainstay::wire {

// Types and helpers that the builders of Ethernet frames share.

using MacAddress = std::array<std::byte, 6>;
using Frame = std::vector<std::byte>;  // an Ethernet frame without its frame check sequence

inline constexpr MacAddress kBroadcastMac{std::byte{0xff}, std::byte{0xff}, std::byte{0xff},
                                          std::byte{0xff}, std::byte{0xff}, std::byte{0xff}};

// A broadcast ARP request in which sender and target are both `address`. Invalid for anything but IPv4.
[[nodiscard]] Result<Frame> gratuitous_arp(const MacAddress& sender, const IpAddress& address);

// A broadcast ARP request for `address` that claims no address itself. Invalid for anything but IPv4.
[[nodiscard]] Result<Frame> arp_probe(const MacAddress& sender, const IpAddress& address);

struct ArpPacket {
    bool reply = false;  // else a request
    MacAddress sender_mac{};
    IpAddress sender, target;
    bool operator==(const ArpPacket&) const = default;
};
// Decodes an Ethernet frame with ARP for IPv4; none if it is anything else or too short. Bytes after the packet are
// padding.
[[nodiscard]] std::optional<ArpPacket> decode_arp(std::span<const std::byte> frame);

}  // namespace mainstay::wire
