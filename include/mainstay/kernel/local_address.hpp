// Whether this host can send packets from an address.
#pragma once

#include <string>

#include "mainstay/base/ip.hpp"

namespace mainstay::kernel {

// False when bind() fails because the address is not (or not yet) this host's; net.ipv4.ip_nonlocal_bind is respected.
// `interface` is the outgoing interface or a VRF; empty: any. It is the scope of a link-local address.
[[nodiscard]] bool can_send_from(const IpAddress& address, const std::string& interface);

}  // namespace mainstay::kernel
