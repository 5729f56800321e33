// Listening sockets on loopback, on ports the kernel chooses.
#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "../kept_log.hpp"
#include "mainstay/base/ip.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/base/unique_fd.hpp"

namespace mainstay::probe::test {

inline sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

inline Endpoint bound_to(const UniqueFd& fd) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    REQUIRE(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    return {IpAddress::parse("127.0.0.1").value(), ntohs(address.sin_port)};
}

// A port nobody listens on: held by a socket that is bound only.
inline UniqueFd bind_only() {
    UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    const sockaddr_in any = loopback(0);
    REQUIRE(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0);
    return fd;
}

inline UniqueFd listen_on_any(int backlog = 16) {
    UniqueFd fd = bind_only();
    REQUIRE(::listen(fd.get(), backlog) == 0);
    return fd;
}

// A server that takes no more connections: its backlog is full, so the kernel drops every further SYN.
class Blackhole {
public:
    Blackhole() : listener_{listen_on_any(0)} {
        const sockaddr_in target = loopback(endpoint().port);
        for (int i = 0; i < 4; ++i) {
            UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
            static_cast<void>(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&target), sizeof target));
            fillers_.push_back(std::move(fd));
        }
    }
    [[nodiscard]] Endpoint endpoint() const { return bound_to(listener_); }

private:
    UniqueFd listener_;
    std::vector<UniqueFd> fillers_;
};

}  // namespace mainstay::probe::test
