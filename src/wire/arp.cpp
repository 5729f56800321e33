#include "mainstay/wire/arp.hpp"

namespace mainstay::wire {

Result<Frame> gratuitous_arp(const MacAddress& sender, const IpAddress& address) {
    if (!address.is_v4()) return fail(Errc::Invalid, "build a gratuitous ARP for " + address.to_string());

    Frame frame;
    frame.reserve(42);
    const auto append = [&frame](const auto& bytes) { frame.insert(frame.end(), bytes.begin(), bytes.end()); };
    append(kBroadcastMac);
    append(sender);
    // EtherType ARP; hardware Ethernet, protocol IPv4, their lengths 6 and 4; opcode request.
    append(std::array{std::byte{0x08}, std::byte{0x06}, std::byte{0x00}, std::byte{0x01}, std::byte{0x08},
                      std::byte{0x00}, std::byte{0x06}, std::byte{0x04}, std::byte{0x00}, std::byte{0x01}});
    append(sender);
    append(address.bytes());
    // keepalived: the target hardware address is broadcast, not zero (2.4.3).
    append(kBroadcastMac);
    append(address.bytes());
    return frame;
}

}  // namespace mainstay::wire
