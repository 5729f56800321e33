// Unsolicited neighbour advertisements, RFC 4861 section 4.4 and 7.2.6.
#pragma once

#include "arp.hpp"
#include "mainstay/base/error.hpp"
#include "mainstay/base/ip.hpp"

namespace mainstay::wire {

// A neighbour advertisement for `address` to ff02::1 with the override flag and the target link-layer address;
// `router` sets the router flag (the sender forwards IPv6). Invalid for anything but IPv6.
[[nodiscard]] Result<Frame> unsolicited_na(const MacAddress& sender, const IpAddress& address, bool router);

}  // namespace mainstay::wire
