// Servers whose clients ask in vain, by what the kernel lists of their connections. Pure.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "mainstay/netlink/ipvs_connections.hpp"

namespace mainstay::report {

// Most of these connections of clients to one server wait for its answer.
struct UnansweredServer {
    Endpoint service, server;
    std::size_t waiting = 0, all = 0;  // TCP connections
    bool operator==(const UnansweredServer&) const = default;
};
[[nodiscard]] std::vector<UnansweredServer> unanswered_servers(std::span<const netlink::IpvsConnection> connections);

}  // namespace mainstay::report
