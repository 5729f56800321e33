// Which packets of clients reach a real server in one piece: the route to it, less what a tunnel puts in front. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "ctl_ipvs.hpp"
#include "mainstay/base/error.hpp"
#include "mainstay/base/ip.hpp"

namespace mainstay::cli {

// Bytes in front of a client's packet, the outer IP header of this family included. GUE's remote checksum offload adds
// eight to packets whose checksum the network card still has to make; they are counted.
[[nodiscard]] std::uint32_t tunnel_bytes(const netlink::IpvsTunnel& tunnel, Family outer);

using RouteMtu = std::function<Result<std::uint32_t>(const IpAddress&)>;

// A table with the MTU of the route to each destination, the size of client's packets that fits, and the MSS for it (of
// TCP without options: RFC 9293, 3.7.1); then what to do about tunnels that take less than their route.
[[nodiscard]] std::string format_ipvs_mtu(std::vector<IpvsTableEntry> table, const RouteMtu& route_mtu);

}  // namespace mainstay::cli
