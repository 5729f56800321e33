// Receives VRRP. A raw socket receives packets of all interfaces from socket() until it is bound; open() discards them
// at its end.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <optional>

#include "mainstay/kernel/netlink_socket.hpp"
#include "mainstay/kernel/vrrp_sockets.hpp"
#include "mainstay/wire/ipv4.hpp"
#include "packet_sockets.hpp"

namespace mainstay::kernel {
namespace {

// The longest packets: 60 bytes of IPv4 header, 8 of VRRP, 255 addresses, 8 of authentication; IPv6 without header.
constexpr std::size_t kPacketBytesV4 = 1536;
constexpr std::size_t kPacketBytesV6 = 4352;
// The queue must hold the adverts of 255 virtual routers through a pause of some seconds.
constexpr std::size_t kVrrpReceiveBuffer = 4UL * 1024U * 1024U;

std::string on(std::string_view what, const std::string& interface) {
    return std::string{what} + " on " + (interface.empty() ? std::string{"any interface"} : interface);
}

// The kernel's timestamp is from the wall clock, so the age is wrong if the clock was set meanwhile.
Nanos since_stamp(msghdr& message, const timespec& read_at) {
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS || c->cmsg_len < CMSG_LEN(sizeof(timespec)))
            continue;
        timespec stamp;
        std::memcpy(&stamp, CMSG_DATA(c), sizeof stamp);
        return Seconds{read_at.tv_sec - stamp.tv_sec} + Nanos{read_at.tv_nsec - stamp.tv_nsec};
    }
    return Nanos{0};
}

// IPv4 raw sockets deliver the IP header with the packet.
std::optional<ReceivedPacket> parse_v4(std::span<const std::byte> bytes) {
    const auto read = wire::decode_ipv4(bytes);
    if (!read) return std::nullopt;
    ReceivedPacket packet{.source = read->source,
                          .destination = read->destination,
                          .ttl = read->ttl,
                          .payload = {read->payload.begin(), read->payload.end()},
                          .protocol = read->protocol};
    if (read->protocol == kAuthenticationHeader) packet.ip_header.assign(read->header.begin(), read->header.end());
    return packet;
}

// IPv6 ones deliver the payload; the rest is in the sender's address and ancillary data.
std::optional<ReceivedPacket> parse_v6(std::span<const std::byte> bytes, msghdr& message) {
    sockaddr_in6 from;
    if (message.msg_namelen < sizeof from) return std::nullopt;
    std::memcpy(&from, message.msg_name, sizeof from);
    ReceivedPacket packet{.source = IpAddress::v6(std::as_bytes(std::span{&from.sin6_addr, 1}).first<16>()),
                          .destination = {},
                          .ttl = 0,
                          .payload = {bytes.begin(), bytes.end()}};
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level != IPPROTO_IPV6) continue;
        if (c->cmsg_type == IPV6_PKTINFO && c->cmsg_len >= CMSG_LEN(sizeof(in6_pktinfo))) {
            in6_pktinfo info;
            std::memcpy(&info, CMSG_DATA(c), sizeof info);
            packet.destination = IpAddress::v6(std::as_bytes(std::span{&info.ipi6_addr, 1}).first<16>());
        } else if (c->cmsg_type == IPV6_HOPLIMIT && c->cmsg_len >= CMSG_LEN(sizeof(int))) {
            int hops = 0;
            std::memcpy(&hops, CMSG_DATA(c), sizeof hops);
            packet.ttl = static_cast<std::uint8_t>(hops);
        }
    }
    if (packet.destination.empty()) return std::nullopt;
    return packet;
}

Result<void> prepare_v4(int fd, bool multicast) {
    // Without it the socket receives every group that any socket on the host has joined.
    if (!multicast) return {};
    return option(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0, "set IP_MULTICAST_ALL");
}

Result<void> prepare_v6(int fd, bool multicast) {
    if (auto done = option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, "set IPV6_RECVPKTINFO"); !done) return done;
    if (auto done = option(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1, "set IPV6_RECVHOPLIMIT"); !done) return done;
    if (multicast) (void)option(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0, "");  // since Linux 4.20
    return {};
}

}  // namespace

Result<VrrpReceiver> VrrpReceiver::open(Family family, const std::string& interface, std::uint32_t interface_index,
                                        const IpAddress& group, std::uint8_t protocol) {
    const bool v4 = family == Family::V4;
    const std::string attempt = on(v4 ? "receive VRRP over IPv4" : "receive VRRP over IPv6", interface);
    VrrpReceiver receiver;
    receiver.fd_.reset(socket(v4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
    if (!receiver.fd_) return fail_system(attempt, errno);
    const int fd = receiver.fd_.get();
    receiver.family_ = family;
    receiver.interface_ = interface;
    receiver.interface_index_ = interface_index;

    if (!interface.empty() && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface.c_str(),
                                         static_cast<socklen_t>(interface.size() + 1)) != 0) {
        return fail_system(attempt, errno);
    }
    if (auto done = v4 ? prepare_v4(fd, !group.empty()) : prepare_v6(fd, !group.empty()); !done) {
        return error_of(done, attempt);
    }
    (void)size_receive_buffer(fd, kVrrpReceiveBuffer);
    (void)option(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1, "");  // without it, the time of reading counts
    if (!group.empty()) {
        if (auto joined = receiver.join(group); !joined) return error_of(joined);
    }
    std::byte none{};
    while (recv(fd, &none, sizeof none, MSG_DONTWAIT) >= 0) {
    }
    return receiver;
}

void VrrpReceiver::set_buffer(std::size_t bytes) { (void)size_receive_buffer(fd_.get(), bytes); }

Result<void> VrrpReceiver::rejoin(const IpAddress& group) {
    (void)membership(group, false);  // may fail if the membership was lost already
    return join(group);
}

Result<void> VrrpReceiver::join(const IpAddress& group) {
    const std::string attempt = on("join " + group.to_string(), interface_);
    if (group.family() != family_ || !group.is_multicast()) {
        return fail(Errc::Invalid, attempt + ": not a multicast group of this family");
    }
    if (const int error = membership(group, true); error != 0 && error != EADDRINUSE)
        return fail_system(attempt, error);
    return {};
}

int VrrpReceiver::membership(const IpAddress& group, bool joins) {
    int done = 0;
    if (family_ == Family::V4) {
        ip_mreqn request{};
        std::memcpy(&request.imr_multiaddr, group.bytes().data(), 4);
        request.imr_ifindex = static_cast<int>(interface_index_);
        done =
            setsockopt(fd_.get(), IPPROTO_IP, joins ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, &request, sizeof request);
    } else {
        ipv6_mreq request{};
        std::memcpy(&request.ipv6mr_multiaddr, group.bytes().data(), 16);
        request.ipv6mr_interface = interface_index_;
        done = setsockopt(fd_.get(), IPPROTO_IPV6, joins ? IPV6_ADD_MEMBERSHIP : IPV6_DROP_MEMBERSHIP, &request,
                          sizeof request);
    }
    return done != 0 ? errno : 0;
}

std::vector<std::size_t> readable(std::span<const int> receivers) {
    std::vector<pollfd> looks;
    for (const int fd : receivers) looks.push_back({fd, POLLIN, 0});
    std::vector<std::size_t> found;
    if (::poll(looks.data(), looks.size(), 0) <= 0) return found;
    for (std::size_t at = 0; at < looks.size(); ++at)
        if (looks[at].revents != 0) found.push_back(at);
    return found;
}

Result<bool> VrrpReceiver::receive(std::vector<ReceivedPacket>& packets, std::vector<std::byte>& room) {
    const std::size_t packet_bytes = family_ == Family::V4 ? kPacketBytesV4 : kPacketBytesV6;
    if (room.size() < kDatagramsAtOnce * packet_bytes) room.resize(kDatagramsAtOnce * packet_bytes);
    ReceivedBatch<sockaddr_in6> batch{room, packet_bytes};
    const auto count = batch.receive(fd_.get());
    if (!count) return fail_system(on("receive VRRP", interface_), errno);
    timespec read_at{};
    static_cast<void>(clock_gettime(CLOCK_REALTIME, &read_at));
    for (std::size_t i = 0; i < *count; ++i) {
        auto packet = family_ == Family::V4 ? parse_v4(batch.bytes(i)) : parse_v6(batch.bytes(i), batch.header(i));
        if (!packet) continue;
        packet->waited = since_stamp(batch.header(i), read_at);
        packets.push_back(std::move(*packet));
    }
    return *count != 0;
}

}  // namespace mainstay::kernel
