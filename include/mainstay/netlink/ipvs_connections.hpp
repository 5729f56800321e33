// What the kernel lists in /proc/net/ip_vs_conn: every account may read it, and netlink has no message for it. Pure.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "mainstay/base/ip.hpp"

namespace mainstay::netlink {

struct IpvsConnection {
    std::uint8_t protocol = 0;  // of IP
    Endpoint client, service, server;
    bool waits = false;  // TCP: the client asked two seconds ago or earlier, and nothing followed
    bool operator==(const IpvsConnection&) const = default;
};
// Lines that are not understood, or are cut, are left out.
[[nodiscard]] std::vector<IpvsConnection> ipvs_connections(std::string_view lines);

}  // namespace mainstay::netlink
