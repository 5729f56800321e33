// UDP sockets for BFD (RFC 5881, RFC 5883). All are non-blocking and need no capability.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/ip.hpp"
#include "mainstay/base/unique_fd.hpp"

namespace mainstay::kernel {

struct ReceivedDatagram {
    IpAddress source, destination;
    std::uint8_t ttl = 0;         // or hop limit
    std::uint32_t interface = 0;  // where it arrived
    std::vector<std::byte> payload;
};

// Hears all sessions of one family on one port, on every address of the host.
class BfdReceiver {
public:
    // Port 0: the kernel's choice, for tests. EADDRINUSE: another BFD program runs here.
    [[nodiscard]] static Result<BfdReceiver> open(Family family, std::uint16_t port);

    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] std::uint16_t port() const { return port_; }
    // Up to 64 datagrams by recvmmsg, appended; false when the queue is empty. Of one that is longer than any BFD
    // packet only the beginning comes; one whose TTL or destination is not told is left out.
    [[nodiscard]] Result<bool> receive(std::vector<ReceivedDatagram>& datagrams);

private:
    UniqueFd fd_;
    Family family_ = Family::V4;
    std::uint16_t port_ = 0;
    std::vector<std::byte> buffer_;
};

// IPv6 link-local addresses of interfaces that are up, with the interface's index.
[[nodiscard]] std::vector<std::pair<IpAddress, std::uint32_t>> link_local_addresses();

// Sends the packets of one session from its own port: a session keeps it for life (RFC 5881 section 4).
class BfdSender {
public:
    // An empty `source` leaves the address to the kernel. EADDRINUSE: the port is somebody else's.
    // `scope`: the interface of a link-local neighbour, else 0.
    [[nodiscard]] static Result<BfdSender> open(Family family, const IpAddress& source, std::uint16_t source_port,
                                                std::uint32_t scope = 0);

    [[nodiscard]] int fd() const { return fd_.get(); }
    // Never waits: EAGAIN or ENOBUFS when the interface's queue is full, ENETUNREACH without a route.
    [[nodiscard]] Result<void> send(const IpAddress& destination, std::uint16_t port, std::uint8_t ttl,
                                    std::span<const std::byte> payload);

private:
    UniqueFd fd_;
    Family family_ = Family::V4;
    std::uint32_t scope_ = 0;
    int ttl_ = -1;  // as set on the socket
};

}  // namespace mainstay::kernel
