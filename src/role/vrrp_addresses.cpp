#include "vrrp_addresses.hpp"

#include <algorithm>
#include <fstream>

namespace mainstay::role {

namespace {

// "brd +" sets the host bits, "brd -" clears them.
std::optional<IpAddress> broadcast_of(const config::VirtualAddress& address) {
    if (address.broadcast) return address.broadcast;
    if (!address.prefix.address.is_v4() || (!address.broadcast_all_ones && !address.broadcast_all_zeros))
        return std::nullopt;
    const std::uint32_t host = address.prefix.length >= 32 ? 0U : 0xffffffffU >> address.prefix.length;
    const std::uint32_t own = address.prefix.address.v4_host_order();
    return IpAddress::v4(address.broadcast_all_ones ? own | host : own & ~host);
}

}  // namespace

std::vector<kernel::Address> address_requests(const config::Instance& instance,
                                              const std::vector<std::size_t>& positions, const Links& links) {
    std::vector<kernel::Address> requests;
    std::size_t position = 0;
    for (const auto* list : {&instance.addresses, &instance.excluded_addresses})
        for (const auto& address : *list) {
            const bool chosen = positions.empty() || std::ranges::find(positions, position) != positions.end();
            ++position;
            const auto* link = chosen ? links.find(device_of(address, instance)) : nullptr;
            if (link == nullptr) continue;
            requests.push_back({.interface_index = link->index,
                                .prefix = address.prefix,
                                .label = address.label,
                                .broadcast = broadcast_of(address),
                                .scope = address.scope,
                                .noprefixroute = address.noprefixroute,
                                // keepalived: an IPv6 VIP as /128 is never chosen as a source by itself
                                .deprecated = address.prefix.address.is_v6() && address.prefix.length == 128});
        }
    return requests;
}

bool forwards_ipv6(const std::string& interface) {
    std::ifstream file{"/proc/sys/net/ipv6/conf/" + interface + "/forwarding"};
    return file.get() == '1';
}

}  // namespace mainstay::role
