// The kernel's IPVS table as `ipvsadm -Ln` prints it (version 1.31, seen as a black box), to the byte: scripts read it.
// Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mainstay/netlink/ipvs_types.hpp"

namespace mainstay::cli {

struct IpvsTableEntry {
    netlink::IpvsServiceEntry service;
    std::vector<netlink::IpvsDestinationEntry> destinations;
};

// As ipvsadm writes them.
[[nodiscard]] std::string protocol_name(const netlink::IpvsServiceKey& key);
[[nodiscard]] std::string service_name(const netlink::IpvsServiceKey& key);  // address and port, or mark
[[nodiscard]] const char* forwarding_name(std::uint32_t forwarding);

// Services and the destinations of each into ipvsadm's order.
void sort_like_ipvsadm(std::vector<IpvsTableEntry>& table);

// `headline` is the first line of /proc/net/ip_vs, without its end.
[[nodiscard]] std::string format_ipvs_table(std::string_view headline, std::vector<IpvsTableEntry> table, bool stats);

}  // namespace mainstay::cli
