#include "mainstay/wire/arp.hpp"

#include <algorithm>

namespace mainstay::wire {
namespace {

constexpr std::size_t kEtherTypeAt = 12, kOpcodeAt = 20, kSenderMacAt = 22, kSenderAt = 28, kTargetAt = 38;
constexpr std::size_t kFrameLength = 42;
// EtherType ARP; hardware Ethernet, protocol IPv4, their lengths 6 and 4.
constexpr std::array kEthernetIpv4{std::byte{0x08}, std::byte{0x06}, std::byte{0x00}, std::byte{0x01},
                                   std::byte{0x08}, std::byte{0x00}, std::byte{0x06}, std::byte{0x04}};
constexpr std::array kRequest{std::byte{0x00}, std::byte{0x01}}, kReply{std::byte{0x00}, std::byte{0x02}};
constexpr std::array<std::byte, 4> kNoAddress{};
constexpr MacAddress kNoMac{};

Frame broadcast_request(const MacAddress& sender, std::span<const std::byte> sender_address,
                        const MacAddress& target_mac, const IpAddress& target) {
    Frame frame;
    frame.reserve(kFrameLength);
    const auto append = [&frame](const auto& bytes) { frame.insert(frame.end(), bytes.begin(), bytes.end()); };
    append(kBroadcastMac);
    append(sender);
    append(kEthernetIpv4);
    append(kRequest);
    append(sender);
    append(sender_address);
    append(target_mac);
    append(target.bytes());
    return frame;
}

}  // namespace

Result<Frame> gratuitous_arp(const MacAddress& sender, const IpAddress& address) {
    if (!address.is_v4()) return fail(Errc::Invalid, "build a gratuitous ARP for " + address.to_string());
    // keepalived: the target hardware address is broadcast, not zero (2.4.3).
    return broadcast_request(sender, address.bytes(), kBroadcastMac, address);
}

Result<Frame> arp_probe(const MacAddress& sender, const IpAddress& address) {
    if (!address.is_v4()) return fail(Errc::Invalid, "build an ARP probe for " + address.to_string());
    return broadcast_request(sender, kNoAddress, kNoMac, address);
}

std::optional<ArpPacket> decode_arp(std::span<const std::byte> frame) {
    if (frame.size() < kFrameLength) return std::nullopt;
    if (!std::ranges::equal(frame.subspan(kEtherTypeAt, kEthernetIpv4.size()), kEthernetIpv4)) return std::nullopt;
    const auto opcode = frame.subspan(kOpcodeAt, kRequest.size());
    ArpPacket packet{.reply = std::ranges::equal(opcode, kReply)};
    if (!packet.reply && !std::ranges::equal(opcode, kRequest)) return std::nullopt;
    std::ranges::copy(frame.subspan(kSenderMacAt, packet.sender_mac.size()), packet.sender_mac.begin());
    packet.sender = IpAddress::v4(frame.subspan(kSenderAt).first<4>());
    packet.target = IpAddress::v4(frame.subspan(kTargetAt).first<4>());
    return packet;
}

}  // namespace mainstay::wire
