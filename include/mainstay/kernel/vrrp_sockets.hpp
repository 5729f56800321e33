// Raw sockets for VRRP, packet sockets for gratuitous ARP and unsolicited neighbour advertisements.
//
// All are non-blocking and bound to an interface index: when an interface is created again under its old name, reopen
// them. All need CAP_NET_RAW, in the caller's network namespace.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/ip.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/base/unique_fd.hpp"

namespace mainstay::kernel {

inline constexpr std::uint8_t kVrrp = 112, kAuthenticationHeader = 51;  // IP protocols

struct ReceivedPacket {
    IpAddress source, destination;
    std::uint8_t ttl = 0;
    std::vector<std::byte> payload;  // the IP payload: VRRP header and what follows
    Nanos waited{0};                 // from the kernel's receive timestamp until it was read; 0: unknown
    std::uint8_t protocol = kVrrp;
    std::vector<std::byte> ip_header;  // of protocol 51 only: the IP header, which AH authenticates
};

// One receive socket per (family, interface, protocol): 112, or 51 for adverts with an authentication header. It is
// bound to the device and joined to the group, and receives packets to its groups and to the host's own addresses.
// Without a `group` (unicast) it joins nothing and filters nothing, so it also receives groups that other sockets have
// joined: use only one such receiver per interface.
class VrrpReceiver {
public:
    [[nodiscard]] static Result<VrrpReceiver> open(Family family, const std::string& interface,
                                                   std::uint32_t interface_index, const IpAddress& group,
                                                   std::uint8_t protocol = kVrrp);
    // Joins a further group, for instances with their own vrrp_mcast_group. Joining twice is no error.
    [[nodiscard]] Result<void> join(const IpAddress& group);
    // Leaves and joins again, so that the kernel reports the membership: an interface loses its groups when its IPv6 or
    // IPv4 is disabled, and a switch forgets them when the link was down.
    [[nodiscard]] Result<void> rejoin(const IpAddress& group);
    // Sets the size of the receive buffer; open() sets 4 MB.
    void set_buffer(std::size_t bytes);

    [[nodiscard]] int fd() const { return fd_.get(); }
    // Up to 64 packets by recvmmsg, appended to `packets`; false when the queue is empty. Packets whose IP header
    // cannot be read are left out; one longer than any VRRP packet comes cut off. `room`, for them all, grows to what
    // is needed (96 kB, of IPv6 272 kB): one serves all receivers of a thread.
    [[nodiscard]] Result<bool> receive(std::vector<ReceivedPacket>& packets, std::vector<std::byte>& room);

private:
    int membership(const IpAddress& group, bool joins);  // errno, or 0

    UniqueFd fd_;
    Family family_ = Family::V4;
    std::uint32_t interface_index_ = 0;
    std::string interface_;
};

// The positions of the receivers that have packets or an error pending; one system call for all.
[[nodiscard]] std::vector<std::size_t> readable(std::span<const int> receivers);

// Sends adverts on one interface: IPv4 with its own header (TOS 0xc0, no fragment flags, id counting up, RFC 9568
// 5.1), IPv6 with hop limit and source in ancillary data. The payload includes its checksum. Multicast is not looped
// back and not routed. Unicast leaves on the interface too, whatever the routes say, as the peers listen on theirs.
class VrrpSender {
public:
    [[nodiscard]] static Result<VrrpSender> open(Family family, const std::string& interface,
                                                 std::uint32_t interface_index);  // empty, 0: where the routes say
    // Never blocks: EAGAIN or ENOBUFS when the interface's queue is full, ENETDOWN when it is down.
    // Without a ttl, IPv6 uses the kernel's hop limit and IPv4 255. For ip_id 0 the socket uses its own counter.
    [[nodiscard]] Result<void> send(const IpAddress& source, const IpAddress& destination,
                                    std::optional<std::uint8_t> ttl, std::span<const std::byte> payload,
                                    std::uint8_t protocol = kVrrp, std::uint16_t ip_id = 0);
    // The same with MSG_PROBE: the kernel only looks up the route, nothing is sent and no id is used. This warms the
    // processor's caches and saves 15 us of the next send().
    void look_for_way(const IpAddress& source, const IpAddress& destination, std::optional<std::uint8_t> ttl,
                      std::span<const std::byte> payload, std::uint8_t protocol);

private:
    [[nodiscard]] Result<void> send(const IpAddress& source, const IpAddress& destination,
                                    std::optional<std::uint8_t> ttl, std::span<const std::byte> payload,
                                    std::uint8_t protocol, std::uint16_t ip_id, int flags);
    [[nodiscard]] Result<void> send_v4(const IpAddress& source, const IpAddress& destination, std::uint8_t ttl,
                                       std::span<const std::byte> payload, std::uint8_t protocol, std::uint16_t ip_id,
                                       int flags);
    [[nodiscard]] Result<void> send_v6(const IpAddress& source, const IpAddress& destination,
                                       std::optional<std::uint8_t> ttl, std::span<const std::byte> payload, int flags);

    UniqueFd fd_;
    Family family_ = Family::V4;
    std::uint32_t interface_index_ = 0;
    std::uint16_t next_id_ = 1;
};

// Sends ready-made Ethernet frames (the codecs are wire/arp.hpp and wire/nd.hpp) by one sendmmsg.
class FrameSender {
public:
    [[nodiscard]] static Result<FrameSender> open();
    // Frames are sent in order, up to the first that the kernel refuses; the error says which that was and why. Never
    // blocks: EAGAIN or ENOBUFS when the interface's queue is full, ENETDOWN when it is down.
    [[nodiscard]] Result<void> send(std::uint32_t interface_index, std::span<const std::vector<std::byte>> frames);

private:
    UniqueFd fd_;
};

}  // namespace mainstay::kernel
