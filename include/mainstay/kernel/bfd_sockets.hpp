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
    std::uint32_t interface = 0;  // index of the receiving interface
    std::vector<std::byte> payload;
};

// Receives for all sessions of one family on one port, on every address of the host.
class BfdReceiver {
public:
    // Port 0: the kernel's choice, for tests. EADDRINUSE: another BFD program runs here.
    [[nodiscard]] static Result<BfdReceiver> open(Family family, std::uint16_t port);

    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] std::uint16_t port() const { return port_; }
    // Appends up to 64 datagrams (recvmmsg); false when the queue is empty. A datagram that is longer than any BFD
    // packet is truncated; one without TTL or destination in its ancillary data is left out.
    [[nodiscard]] Result<bool> receive(std::vector<ReceivedDatagram>& datagrams);

private:
    UniqueFd fd_;
    Family family_ = Family::V4;
    std::uint16_t port_ = 0;
    std::vector<std::byte> buffer_;
};

// IPv6 link-local addresses of interfaces that are up, with the interface's index.
[[nodiscard]] std::vector<std::pair<IpAddress, std::uint32_t>> link_local_addresses();

// Sends the packets of one session from its own source port, which it keeps for life (RFC 5881 section 4).
class BfdSender {
public:
    // An empty `source` leaves the address to the kernel. EADDRINUSE: another program uses the port.
    // `scope`: the interface of a link-local neighbour, else 0.
    [[nodiscard]] static Result<BfdSender> open(Family family, const IpAddress& source, std::uint16_t source_port,
                                                std::uint32_t scope = 0);

    [[nodiscard]] int fd() const { return fd_.get(); }
    // Never blocks: EAGAIN or ENOBUFS when the interface's queue is full, ENETUNREACH without a route.
    [[nodiscard]] Result<void> send(const IpAddress& destination, std::uint16_t port, std::uint8_t ttl,
                                    std::span<const std::byte> payload);

private:
    UniqueFd fd_;
    Family family_ = Family::V4;
    std::uint32_t scope_ = 0;
    int ttl_ = -1;  // as set on the socket
};

}  // namespace mainstay::kernel
