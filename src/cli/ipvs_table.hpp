// The kernel's IPVS table as `ipvsadm -Ln` prints it (version 1.31, seen as a black box), to the byte: scripts read it.
// Pure.
#pragma once

#include <string>
#include <vector>

#include "mainstay/netlink/ipvs_types.hpp"

namespace mainstay::cli {

struct IpvsTableEntry {
    netlink::IpvsServiceEntry service;
    std::vector<netlink::IpvsDestinationEntry> destinations;
};

// `headline` is the first line of /proc/net/ip_vs, without its end.
[[nodiscard]] std::string format_ipvs_table(std::string_view headline, std::vector<IpvsTableEntry> table, bool stats);

}  // namespace mainstay::cli
