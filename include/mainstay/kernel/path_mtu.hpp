// The largest packet that reaches another host in one piece.
#pragma once

#include <cstdint>

#include "mainstay/base/error.hpp"
#include "mainstay/base/ip.hpp"

namespace mainstay::kernel {

// In bytes, IP header included: the MTU of the route to `target`, or the smaller one that a router on the way has named
// in an ICMP message and that the kernel still remembers. Nothing is sent. An error: there is no route (with its
// errno).
[[nodiscard]] Result<std::uint32_t> path_mtu(const IpAddress& target);

}  // namespace mainstay::kernel
