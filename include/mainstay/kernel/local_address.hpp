// Whether packets can leave this host from an address.
#pragma once

#include <string>

#include "mainstay/base/ip.hpp"

namespace mainstay::kernel {

// False when the kernel says that the address is not (or not yet) this host's; net.ipv4.ip_nonlocal_bind counts. The
// interface is the one that they leave by, or a VRF; empty: any. A link-local address is looked for there.
[[nodiscard]] bool can_send_from(const IpAddress& address, const std::string& interface);

}  // namespace mainstay::kernel
