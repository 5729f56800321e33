// The nftables table that gives packets to the addresses of virtual server groups their firewall mark (nftables_ipvs):
// one IPVS service for the mark then stands for all of them.
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
    std::vector<MarkRule> rules;  // of several that fit a packet the last one counts
    bool operator==(const MarkTable&) const = default;
};

// The tables as they shall be, whatever they were; a family without rules has none.
void append_mark_table(NftBatch& batch, const MarkTable& table);

}  // namespace mainstay::netlink
