// The nftables table of nftables_ipvs: it sets a firewall mark on packets to the addresses of a virtual server group,
// so that one IPVS service for the mark represents all of them.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "mainstay/base/ip.hpp"
#include "vip_filter.hpp"

namespace mainstay::netlink {

struct MarkRule {
    std::uint8_t protocol = 6;  // 6 TCP, 17 UDP, 132 SCTP: their ports are in the same place
    IpAddress first, last;      // destinations, both included, of one family
    std::uint16_t port = 0;     // destination; 0: any
    std::uint32_t mark = 0;
    auto operator<=>(const MarkRule&) const = default;
};

// One table in each family that has rules, with a chain before routing.
struct MarkTable {
    std::string name = "keepalived_ipvs";
    std::int32_t priority = -1;
    bool counters = false;
    std::vector<MarkRule> rules;  // if several match a packet, the last one applies
    bool operator==(const MarkTable&) const = default;
};

// Replaces the tables by the desired ones; a family without rules gets none.
void append_mark_table(NftBatch& batch, const MarkTable& table);

}  // namespace mainstay::netlink
