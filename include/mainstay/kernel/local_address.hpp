// The addresses from which this host sends packets.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "mainstay/base/error.hpp"
#include "mainstay/base/ip.hpp"

namespace mainstay::kernel {

// False when bind() fails because the address is not (or not yet) this host's; net.ipv4.ip_nonlocal_bind is respected.
// `interface` is the outgoing interface or a VRF; empty: any. It is the scope of a link-local address.
[[nodiscard]] bool can_send_from(const IpAddress& address, const std::string& interface);

// From which address packets to `target` leave as the routes are now; nothing is sent. Where that is one of those which
// `is_unfit`, another one of the same interface, if possible of a subnet that has the target. An error: there is no
// route (with its errno), or no such address (Errc::NotFound).
[[nodiscard]] Result<IpAddress> source_towards(const IpAddress& target,
                                               const std::function<bool(const IpAddress&)>& is_unfit);

// The largest packet that reaches another host in one piece.

// In bytes, IP header included: the MTU of the route to `target`, or the smaller one that a router on the way has named
// in an ICMP message and that the kernel still remembers. Nothing is sent. An error: there is no route (with its
// errno).
[[nodiscard]] Result<std::uint32_t> path_mtu(const IpAddress& target);

}  // namespace mainstay::kernel
