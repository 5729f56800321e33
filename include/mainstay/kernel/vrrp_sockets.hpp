// Raw sockets for VRRP, packet sockets for gratuitous ARP and unsolicited neighbour advertisements.
//
// All are non-blocking and bound to an interface index: when an interface is made anew under its old name, open them
// anew. All need CAP_NET_RAW, in the caller's network namespace.
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
    Nanos waited{0};                 // between the kernel's stamp of its arrival and its being read; 0: not known
    std::uint8_t protocol = kVrrp;
    std::vector<std::byte> ip_header;  // of protocol 51 only: what the authentication header vouches for
};

// One receive socket per (family, interface, protocol): 112, or 51 for adverts behind an authentication header; joined
// to the group, bound to the device. It hears what is sent to the groups it joined and to the host's own addresses. An
// empty `group` (unicast) joins nothing and filters nothing: it also hears groups that other sockets joined, so it must
// not stand beside a second receiver on the same interface.
class VrrpReceiver {
public:
    [[nodiscard]] static Result<VrrpReceiver> open(Family family, const std::string& interface,
                                                   std::uint32_t interface_index, const IpAddress& group,
                                                   std::uint8_t protocol = kVrrp);
    // A further group, for instances with a vrrp_mcast_group of their own. Joining twice is no error.
    [[nodiscard]] Result<void> join(const IpAddress& group);
    // Joins anew, so that the kernel reports the membership again: an interface forgets its groups when its IPv6 or
    // IPv4 is switched off, and a switch when the link was down.
    [[nodiscard]] Result<void> rejoin(const IpAddress& group);
    // Instead of the buffer that open() chose, 4 MB.
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

// Positions of the receivers whose receive() has something to take, or to tell; one system call for all.
[[nodiscard]] std::vector<std::size_t> readable(std::span<const int> receivers);

// Sends adverts on one interface: IPv4 with its own header (TOS 0xc0, no fragment flags, id counting up, RFC 9568
// 5.1), IPv6 with hop limit and source by ancillary data. The payload carries its checksum. Multicast is not looped
// back and not routed. Unicast is routed like any other traffic from `source`, not tied to the interface.
class VrrpSender {
public:
    [[nodiscard]] static Result<VrrpSender> open(Family family, const std::string& interface,
                                                 std::uint32_t interface_index, bool multicast);
    // Never waits: EAGAIN or ENOBUFS when the interface's queue is full, ENETDOWN when it is down.
    // Without a ttl IPv6 takes the kernel's own hop limit, IPv4 255. An ip_id of 0 is counted by the socket.
    [[nodiscard]] Result<void> send(const IpAddress& source, const IpAddress& destination,
                                    std::optional<std::uint8_t> ttl, std::span<const std::byte> payload,
                                    std::uint8_t protocol = kVrrp, std::uint16_t ip_id = 0);
    // The same, but the kernel only finds the way (its MSG_PROBE): nothing goes out, no id is used. What is needed for
    // sending is in the processor's caches then, which saves 15 us of the next send().
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
    // Frames go out in order, up to the first that the kernel refuses; the error says which that was and why. Never
    // waits: EAGAIN or ENOBUFS when the interface's queue is full, ENETDOWN when it is down.
    [[nodiscard]] Result<void> send(std::uint32_t interface_index, std::span<const std::vector<std::byte>> frames);

private:
    UniqueFd fd_;
};

}  // namespace mainstay::kernel
