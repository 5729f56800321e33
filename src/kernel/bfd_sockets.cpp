#include "mainstay/kernel/bfd_sockets.hpp"

#include <fmt/format.h>
#include <ifaddrs.h>
#include <linux/filter.h>
#include <linux/pkt_sched.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "mainstay/kernel/netlink_socket.hpp"
#include "packet_sockets.hpp"
#include "socket_address.hpp"

namespace mainstay::kernel {
namespace {

constexpr std::size_t kDatagramBytes = 256;  // a length field of one byte: no BFD packet is longer
// Holds the packets of a hundred sessions at 10 ms during a pause of half a second, longer than any such neighbour
// waits.
constexpr std::size_t kBfdReceiveBuffer = 4UL * 1024U * 1024U;

Result<UniqueFd> bound_socket(Family family, const IpAddress& address, std::uint16_t port, std::uint32_t scope) {
    UniqueFd fd{socket(family == Family::V4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!fd) return fail_system("open a UDP socket", errno);
    if (family == Family::V6)  // IPv4 has a socket of its own
        if (auto done = option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1, "set IPV6_V6ONLY"); !done) return error_of(done);
    const SocketAddress own = to_socket_address(family, address, port, scope);
    if (bind(fd.get(), own.get(), own.length) != 0)
        return fail_system(fmt::format("bind {} port {}", address.empty() ? "any address" : address.to_string(), port),
                           errno);
    return fd;
}

Result<void> request_origin(int fd, Family family) {
    const bool v4 = family == Family::V4;
    if (auto done = v4 ? option(fd, IPPROTO_IP, IP_RECVTTL, 1, "set IP_RECVTTL")
                       : option(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1, "set IPV6_RECVHOPLIMIT");
        !done)
        return done;
    return v4 ? option(fd, IPPROTO_IP, IP_PKTINFO, 1, "set IP_PKTINFO")
              : option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1, "set IPV6_RECVPKTINFO");
}

template <class T>
std::optional<T> content(const cmsghdr* c) {
    if (c->cmsg_len < CMSG_LEN(sizeof(T))) return std::nullopt;
    T value;
    std::memcpy(&value, CMSG_DATA(c), sizeof value);
    return value;
}

IpAddress v6(const in6_addr& address) { return IpAddress::v6(std::as_bytes(std::span{&address, 1}).first<16>()); }

// Sender, destination and TTL; nothing when one of them is missing.
std::optional<ReceivedDatagram> read_header(msghdr& message) {
    ReceivedDatagram datagram;
    std::optional<int> ttl;
    sockaddr_storage from{};
    std::memcpy(&from, message.msg_name, std::min<std::size_t>(message.msg_namelen, sizeof from));
    datagram.source = address_in(from);
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
        const bool is_v4 = c->cmsg_level == IPPROTO_IP, is_v6 = c->cmsg_level == IPPROTO_IPV6;
        if ((is_v4 && c->cmsg_type == IP_TTL) || (is_v6 && c->cmsg_type == IPV6_HOPLIMIT)) {
            ttl = content<int>(c);
        } else if (is_v4 && c->cmsg_type == IP_PKTINFO) {
            if (const auto info = content<in_pktinfo>(c)) {
                datagram.destination = IpAddress::v4(ntohl(info->ipi_addr.s_addr));
                datagram.interface = static_cast<std::uint32_t>(info->ipi_ifindex);
            }
        } else if (is_v6 && c->cmsg_type == IPV6_PKTINFO) {
            if (const auto info = content<in6_pktinfo>(c)) {
                datagram.destination = v6(info->ipi6_addr);
                datagram.interface = info->ipi6_ifindex;
            }
        }
    }
    if (!ttl || datagram.source.empty() || datagram.destination.empty()) return std::nullopt;
    datagram.ttl = static_cast<std::uint8_t>(*ttl);
    return datagram;
}

}  // namespace

Result<BfdReceiver> BfdReceiver::open(Family family, std::uint16_t port) {
    const std::string attempt = fmt::format("receive BFD over IPv{}", family == Family::V4 ? 4 : 6);
    BfdReceiver receiver;
    auto fd = bound_socket(family, {}, port, 0);
    if (!fd) return error_of(fd, attempt);
    receiver.fd_ = std::move(*fd);
    if (auto done = request_origin(receiver.fd_.get(), family); !done) return error_of(done, attempt);
    (void)size_receive_buffer(receiver.fd_.get(), kBfdReceiveBuffer);
    sockaddr_storage own{};
    socklen_t length = sizeof own;
    if (getsockname(receiver.fd_.get(), reinterpret_cast<sockaddr*>(&own), &length) != 0)
        return fail_system(attempt + ": read the socket's own port", errno);
    std::memcpy(&receiver.port_, &reinterpret_cast<const char*>(&own)[2], 2);  // where both families have it
    receiver.port_ = ntohs(receiver.port_);
    receiver.family_ = family;
    receiver.buffer_.resize(kDatagramsAtOnce * kDatagramBytes);
    return receiver;
}

Result<bool> BfdReceiver::receive(std::vector<ReceivedDatagram>& datagrams) {
    ReceivedBatch<sockaddr_storage> batch{buffer_, kDatagramBytes};
    const auto count = batch.receive(fd_.get());
    if (!count) return fail_system(fmt::format("receive BFD on port {}", port_), errno);
    for (std::size_t i = 0; i < *count; ++i) {
        auto datagram = read_header(batch.header(i));
        if (!datagram) continue;
        datagram->payload.assign(batch.bytes(i).begin(), batch.bytes(i).end());
        datagrams.push_back(std::move(*datagram));
    }
    return *count != 0;
}

std::vector<std::pair<IpAddress, std::uint32_t>> link_local_addresses() {
    std::vector<std::pair<IpAddress, std::uint32_t>> found;
    ifaddrs* first = nullptr;
    if (getifaddrs(&first) != 0) return found;
    for (const ifaddrs* at = first; at != nullptr; at = at->ifa_next) {
        if (at->ifa_addr == nullptr || at->ifa_addr->sa_family != AF_INET6 || (at->ifa_flags & IFF_UP) == 0) continue;
        sockaddr_in6 own;
        std::memcpy(&own, at->ifa_addr, sizeof own);
        const IpAddress address = v6(own.sin6_addr);
        if (address.is_link_local_v6()) found.emplace_back(address, own.sin6_scope_id);
    }
    freeifaddrs(first);
    return found;
}

Result<BfdSender> BfdSender::open(Family family, const IpAddress& source, std::uint16_t source_port,
                                  std::uint32_t scope) {
    const auto because = [&](Error error) {
        return std::unexpected{std::move(error).with(fmt::format("send BFD from port {}", source_port))};
    };
    auto fd = bound_socket(family, source, source_port, scope);
    if (!fd) return because(std::move(fd.error()));
    BfdSender sender;
    sender.fd_ = std::move(*fd);
    sender.family_ = family;
    sender.scope_ = scope;
    const int raw = sender.fd_.get();
    // No packets are expected on this port; unexpected ones must not fill the buffer.
    sock_filter drop{.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = 0};
    const sock_fprog program{.len = 1, .filter = &drop};
    if (auto done = option(raw, SOL_SOCKET, SO_ATTACH_FILTER, program, "attach a socket filter"); !done)
        return because(std::move(done.error()));
    auto marked = family == Family::V4 ? option(raw, IPPROTO_IP, IP_TOS, kTrafficClass, "set IP_TOS")
                                       : option(raw, IPPROTO_IPV6, IPV6_TCLASS, kTrafficClass, "set IPV6_TCLASS");
    if (!marked) return because(std::move(marked.error()));
    // Ahead of bulk traffic in the interface's queue; the highest that needs no capability. IP_TOS resets it.
    const int priority = TC_PRIO_INTERACTIVE;
    if (auto done = option(raw, SOL_SOCKET, SO_PRIORITY, priority, "set SO_PRIORITY"); !done)
        return because(std::move(done.error()));
    return sender;
}

Result<void> BfdSender::send(const IpAddress& destination, std::uint16_t port, std::uint8_t ttl,
                             std::span<const std::byte> payload) {
    const std::string attempt = fmt::format("send BFD to {}", destination.to_string());
    if (destination.family() != family_) return fail(Errc::Invalid, attempt + ": wrong address family");
    if (ttl_ != ttl) {
        const int value = ttl;
        const bool v4 = family_ == Family::V4;
        if (auto done = v4 ? option(fd_.get(), IPPROTO_IP, IP_TTL, value, "set IP_TTL")
                           : option(fd_.get(), IPPROTO_IPV6, IPV6_UNICAST_HOPS, value, "set IPV6_UNICAST_HOPS");
            !done)
            return error_of(done, attempt);
        ttl_ = ttl;
    }
    const SocketAddress to = to_socket_address(family_, destination, port, scope_);
    for (;;) {
        if (sendto(fd_.get(), payload.data(), payload.size(), MSG_DONTWAIT, to.get(), to.length) >= 0) return {};
        if (errno != EINTR) return fail_system(attempt, errno);
    }
}

}  // namespace mainstay::kernel
