// mainstay-realserver, for an LVS-DR real server: sets the virtual address on lo and suppresses ARP for it, so that
// only the director answers ARP requests.
//
// arp_ignore 1 answers only for addresses of the interface that was asked; arp_announce 2 never names the VIP as
// sender. Both are set on `all` (a setting there counts for every interface, the larger of the two wins) and on lo,
// as operators know it. IPv6 needs neither: neighbour discovery never answers for another interface's address.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/ip.hpp"

namespace mainstay::cli {

// An address that a director may hand to this server: unicast, not loopback, not link-local, alone or as /32 or
// /128. The error says what is wrong with the text.
[[nodiscard]] Result<Prefix> parse_virtual_address(std::string_view text);

struct ArpSetting {
    std::string_view name;  // below /proc/sys
    int wanted;
    [[nodiscard]] bool is_right(int value) const;
};
inline constexpr std::array<ArpSetting, 4> kArpSettings{{{"net/ipv4/conf/lo/arp_ignore", 1},
                                                         {"net/ipv4/conf/lo/arp_announce", 2},
                                                         {"net/ipv4/conf/all/arp_ignore", 1},
                                                         {"net/ipv4/conf/all/arp_announce", 2}}};

// Lines for people; `right` decides the exit status.
struct Report {
    bool right = true;
    std::vector<std::string> lines;
};

// All three are idempotent and may run concurrently. An error: nothing, or only a part, was done; repeating the call
// continues from there.
[[nodiscard]] Result<Report> real_server_up(const std::vector<Prefix>& vips);
[[nodiscard]] Result<Report> real_server_down(const std::vector<Prefix>& vips);
// Changes nothing and needs no privilege. Without addresses: those that `up` has set.
[[nodiscard]] Result<Report> real_server_status(std::vector<Prefix> vips);

}  // namespace mainstay::cli
