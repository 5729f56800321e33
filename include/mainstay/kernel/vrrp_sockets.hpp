// Raw sockets for VRRP, packet sockets for gratuitous ARP and unsolicited neighbour advertisements.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/ip.hpp"
#include "mainstay/base/unique_fd.hpp"

namespace mainstay::kernel {

struct ReceivedPacket {
    IpAddress source, destination;
    std::uint8_t ttl = 0;
    std::vector<std::byte> payload;  // the IP payload: VRRP header and what follows
};

// One receive socket per (family, interface): protocol 112, joined to the group, bound to the device. Needs
// CAP_NET_RAW. Non-blocking. An empty `group` (unicast) joins nothing and filters nothing.
class VrrpReceiver {
public:
    [[nodiscard]] static Result<VrrpReceiver> open(Family family, const std::string& interface,
                                                   std::uint32_t interface_index, const IpAddress& group);
    [[nodiscard]] int fd() const { return fd_.get(); }
    // Up to 64 packets by recvmmsg, appended to `packets`; false when the queue is empty.
    [[nodiscard]] Result<bool> receive(std::vector<ReceivedPacket>& packets);

private:
    UniqueFd fd_;
    Family family_ = Family::V4;
};

// Sends adverts on one interface: IPv4 with its own header (TOS 0xc0, no fragment flags, id counting up, RFC 9568
// 5.1), IPv6 with hop limit and source by ancillary data. Multicast loop off. Does not route multicast.
class VrrpSender {
public:
    [[nodiscard]] static Result<VrrpSender> open(Family family, const std::string& interface,
                                                 std::uint32_t interface_index, bool multicast);
    [[nodiscard]] Result<void> send(const IpAddress& source, const IpAddress& destination, std::uint8_t ttl,
                                    std::span<const std::byte> payload);

private:
    UniqueFd fd_;
    Family family_ = Family::V4;
    std::uint32_t interface_index_ = 0;
    std::uint16_t next_id_ = 1;
};

// Sends ready-made Ethernet frames (the codecs are wire/arp.hpp and wire/nd.hpp) by one sendmmsg.
class FrameSender {
public:
    [[nodiscard]] static Result<FrameSender> open();
    // Frames go out in order. Returns how many the kernel took; the rest failed with the errno in the error text.
    [[nodiscard]] Result<void> send(std::uint32_t interface_index, std::span<const std::vector<std::byte>> frames);

private:
    UniqueFd fd_;
};

}  // namespace mainstay::kernel
