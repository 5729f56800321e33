#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/pkt_sched.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "mainstay/kernel/vrrp_sockets.hpp"
#include "packet_sockets.hpp"

namespace mainstay::kernel {
namespace {

constexpr std::uint8_t kFullTtl = 255;
constexpr std::size_t kFramesPerCall = 1024;   // the kernel's UIO_MAXIOV
constexpr int kFrameBuffer = 4 * 1024 * 1024;  // five gratuitous ARPs for each of a thousand addresses at once
constexpr int kProbe = MSG_PROXY;              // libc's name of the kernel's MSG_PROBE
constexpr std::size_t kEthernetHeader = 14;

// The IPv6 socket must have protocol 112 to send it, and would queue every received VRRP packet of the host.
Result<void> hear_nothing(int fd) {
    sock_filter drop{.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = 0};
    const sock_fprog program{.len = 1, .filter = &drop};
    return option(fd, SOL_SOCKET, SO_ATTACH_FILTER, program, "attach a socket filter");
}

Result<void> prepare_v4(int fd, std::uint32_t interface_index) {
    if (interface_index == 0) return {};
    ip_mreqn interface{};
    interface.imr_ifindex = static_cast<int>(interface_index);
    if (auto done = option(fd, IPPROTO_IP, IP_MULTICAST_IF, interface, "set IP_MULTICAST_IF"); !done) return done;
    return option(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 0, "set IP_MULTICAST_LOOP");
}

Result<void> prepare_v6(int fd, std::uint32_t interface_index) {
    if (auto done = hear_nothing(fd); !done) return done;
    if (auto done = option(fd, IPPROTO_IPV6, IPV6_TCLASS, kTrafficClass, "set IPV6_TCLASS"); !done) return done;
    if (interface_index == 0) return {};
    const int index = static_cast<int>(interface_index);
    if (auto done = option(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, index, "set IPV6_MULTICAST_IF"); !done) return done;
    return option(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 0, "set IPV6_MULTICAST_LOOP");
}

std::string attempt_to(const IpAddress& source, const IpAddress& destination) {
    return "send VRRP from " + source.to_string() + " to " + destination.to_string();
}

Result<void> send_message(int fd, const msghdr& message, int flags, const IpAddress& source,
                          const IpAddress& destination) {
    for (;;) {
        if (sendmsg(fd, &message, flags | MSG_DONTWAIT) >= 0) return {};
        if (errno != EINTR) return fail_system(attempt_to(source, destination), errno);
    }
}

// One piece of ancillary data for the next sendmsg.
template <class T>
std::size_t put_control(std::span<std::byte> room, int level, int type, const T& value) {
    cmsghdr header{};
    header.cmsg_level = level;
    header.cmsg_type = type;
    header.cmsg_len = CMSG_LEN(sizeof value);
    std::memcpy(room.data(), &header, sizeof header);
    std::memcpy(room.data() + CMSG_LEN(0), &value, sizeof value);
    return CMSG_SPACE(sizeof value);
}

}  // namespace

Result<VrrpSender> VrrpSender::open(Family family, const std::string& interface, std::uint32_t interface_index) {
    const bool v4 = family == Family::V4;
    const std::string attempt = std::string{"send VRRP over "} + (v4 ? "IPv4 on " : "IPv6 on ") + interface;
    VrrpSender sender;
    // IPPROTO_RAW: our own IP header, and nothing is ever received.
    sender.fd_.reset(
        socket(v4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, v4 ? int{IPPROTO_RAW} : int{kVrrp}));
    if (!sender.fd_) return fail_system(attempt, errno);
    sender.family_ = family;
    sender.interface_index_ = interface_index;
    const int fd = sender.fd_.get();

    if (!interface.empty() && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface.c_str(),
                                         static_cast<socklen_t>(interface.size() + 1)) != 0) {
        return fail_system(attempt, errno);
    }
    if (auto done = v4 ? prepare_v4(fd, interface_index) : prepare_v6(fd, interface_index); !done) {
        return error_of(done, attempt);
    }
    const int priority = TC_PRIO_CONTROL;  // ahead of bulk traffic in the interface's queue
    if (auto done = option(fd, SOL_SOCKET, SO_PRIORITY, priority, "set SO_PRIORITY"); !done) {
        return error_of(done, attempt);
    }
    return sender;
}

Result<void> VrrpSender::send(const IpAddress& source, const IpAddress& destination, std::optional<std::uint8_t> ttl,
                              std::span<const std::byte> payload, std::uint8_t protocol, std::uint16_t ip_id) {
    const auto sent = send(source, destination, ttl, payload, protocol, ip_id != 0 ? ip_id : next_id_, 0);
    next_id_ = next_id_ == UINT16_MAX ? std::uint16_t{1} : static_cast<std::uint16_t>(next_id_ + 1);
    return sent;
}

void VrrpSender::look_for_way(const IpAddress& source, const IpAddress& destination, std::optional<std::uint8_t> ttl,
                              std::span<const std::byte> payload, std::uint8_t protocol) {
    (void)send(source, destination, ttl, payload, protocol, next_id_, kProbe);  // send() will return any error
}

Result<void> VrrpSender::send(const IpAddress& source, const IpAddress& destination, std::optional<std::uint8_t> ttl,
                              std::span<const std::byte> payload, std::uint8_t protocol, std::uint16_t ip_id,
                              int flags) {
    if (source.family() != family_ || destination.family() != family_) {
        return fail(Errc::Invalid, attempt_to(source, destination) + ": wrong address family");
    }
    return family_ == Family::V4 ? send_v4(source, destination, ttl.value_or(kFullTtl), payload, protocol, ip_id, flags)
                                 : send_v6(source, destination, ttl, payload, flags);
}

Result<void> VrrpSender::send_v4(const IpAddress& source, const IpAddress& destination, std::uint8_t ttl,
                                 std::span<const std::byte> payload, std::uint8_t protocol, std::uint16_t ip_id,
                                 int flags) {
    iphdr header{};  // the kernel fills in length and checksum, and would choose the id if it were 0
    header.version = 4;
    header.ihl = sizeof header / 4;
    header.tos = kTrafficClass;
    header.id = htons(ip_id);
    header.ttl = ttl;
    header.protocol = protocol;
    std::memcpy(&header.saddr, source.bytes().data(), 4);
    std::memcpy(&header.daddr, destination.bytes().data(), 4);

    std::array<iovec, 2> pieces{iovec{.iov_base = &header, .iov_len = sizeof header},
                                iovec{.iov_base = const_cast<std::byte*>(payload.data()), .iov_len = payload.size()}};
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = header.daddr;
    msghdr message{};
    message.msg_name = &to;
    message.msg_namelen = sizeof to;
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();

    // Routing does not use the source in our header, so it is passed for rules on the source address.
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(in_pktinfo))> control{};
    if (!destination.is_multicast()) {
        in_pktinfo info{};
        info.ipi_spec_dst.s_addr = header.saddr;
        message.msg_controllen = put_control(control, IPPROTO_IP, IP_PKTINFO, info);
        message.msg_control = control.data();
    }
    return send_message(fd_.get(), message, flags | (destination.is_multicast() ? MSG_DONTROUTE : 0), source,
                        destination);
}

Result<void> VrrpSender::send_v6(const IpAddress& source, const IpAddress& destination, std::optional<std::uint8_t> ttl,
                                 std::span<const std::byte> payload, int flags) {
    const bool on_link = destination.is_multicast() || destination.is_link_local_v6();
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    std::memcpy(&to.sin6_addr, destination.bytes().data(), 16);
    if (on_link) to.sin6_scope_id = interface_index_;

    in6_pktinfo info{};
    std::memcpy(&info.ipi6_addr, source.bytes().data(), 16);
    if (on_link || source.is_link_local_v6()) info.ipi6_ifindex = static_cast<int>(interface_index_);
    const int hops = ttl.value_or(0);
    alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof info) + CMSG_SPACE(sizeof hops)> control{};
    std::size_t used = put_control(control, IPPROTO_IPV6, IPV6_PKTINFO, info);
    if (ttl) used += put_control(std::span{control}.subspan(used), IPPROTO_IPV6, IPV6_HOPLIMIT, hops);

    iovec piece{.iov_base = const_cast<std::byte*>(payload.data()), .iov_len = payload.size()};
    msghdr message{};
    message.msg_name = &to;
    message.msg_namelen = sizeof to;
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = used;
    return send_message(fd_.get(), message, flags | (destination.is_multicast() ? MSG_DONTROUTE : 0), source,
                        destination);
}

Result<FrameSender> FrameSender::open() {
    FrameSender sender;
    sender.fd_.reset(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));  // protocol 0: receives nothing
    if (!sender.fd_) return fail_system("open a packet socket", errno);
    if (setsockopt(sender.fd_.get(), SOL_SOCKET, SO_SNDBUFFORCE, &kFrameBuffer, sizeof kFrameBuffer) != 0) {
        (void)setsockopt(sender.fd_.get(), SOL_SOCKET, SO_SNDBUF, &kFrameBuffer, sizeof kFrameBuffer);
    }
    return sender;
}

Result<void> FrameSender::send(std::uint32_t interface_index, std::span<const std::vector<std::byte>> frames) {
    const std::size_t all = frames.size();
    const auto failed = [&](int sys_errno) {
        return fail_system("send frame " + std::to_string(all - frames.size() + 1) + " of " + std::to_string(all) +
                               " on interface " + std::to_string(interface_index),
                           sys_errno);
    };
    std::vector<mmsghdr> messages;
    std::vector<iovec> pieces;
    std::vector<sockaddr_ll> targets;
    while (!frames.empty()) {
        const std::size_t count = std::min(frames.size(), kFramesPerCall);
        messages.assign(count, {});
        pieces.assign(count, {});
        targets.assign(count, {});
        for (std::size_t i = 0; i < count; ++i) {
            const auto& frame = frames[i];
            if (frame.size() < kEthernetHeader) return failed(EINVAL);
            targets[i].sll_family = AF_PACKET;
            targets[i].sll_ifindex = static_cast<int>(interface_index);
            std::memcpy(&targets[i].sll_protocol, frame.data() + kEthernetHeader - 2, 2);
            pieces[i] = {.iov_base = const_cast<std::byte*>(frame.data()), .iov_len = frame.size()};
            messages[i].msg_hdr.msg_name = &targets[i];
            messages[i].msg_hdr.msg_namelen = sizeof targets[i];
            messages[i].msg_hdr.msg_iov = &pieces[i];
            messages[i].msg_hdr.msg_iovlen = 1;
        }
        // Fewer than `count` means that the next one was refused: the next call returns its error.
        const int sent = sendmmsg(fd_.get(), messages.data(), static_cast<unsigned>(count), MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return failed(sent < 0 ? errno : EIO);
        frames = frames.subspan(static_cast<std::size_t>(sent));
    }
    return {};
}

}  // namespace mainstay::kernel
