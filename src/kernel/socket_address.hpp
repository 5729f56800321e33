// Addresses and ports as the socket calls take and give them.
#pragma once

#include <sys/socket.h>

#include <cstdint>

#include "mainstay/base/error.hpp"
#include "mainstay/base/ip.hpp"
#include "mainstay/base/unique_fd.hpp"

namespace mainstay::kernel {

struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t length = 0;
    [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

// An empty address is the family's "any". `port` in host order; `scope`: the interface of a link-local address.
[[nodiscard]] SocketAddress to_socket_address(Family family, const IpAddress& address, std::uint16_t port,
                                              std::uint32_t scope);

// A datagram socket for packets to `target`, along the route as it is now; nothing is sent. An error: there is no route
// (with its errno).
[[nodiscard]] Result<UniqueFd> socket_towards(const IpAddress& target);

// Empty: of another family.
[[nodiscard]] IpAddress address_in(const sockaddr_storage& storage);

}  // namespace mainstay::kernel
