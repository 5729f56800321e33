#include "left_routes.hpp"

#include <linux/rtnetlink.h>

#include "mainstay/kernel/release.hpp"
#include "mainstay/kernel/routing.hpp"

namespace mainstay::role {

namespace {

// A /31 and a /32 have no such route besides that of their broadcast address, which the kernel removes.
bool is_first_of_subnet(const IpAddress& address, const Prefix& prefix) {
    return prefix.length < 31 && address == netlink::without_host_bits(prefix).address;
}

constexpr std::uint32_t kPrefixRouteMetric = 256;  // the kernel's IP6_RT_PRIO_ADDRCONF

// An address with a peer has the route of its own prefix as well as one to the peer.
bool has_prefix_route(const kernel::Address& address) {
    return !address.prefix.address.is_v4() && !address.noprefixroute;
}

netlink::Routing prefix_route_of(const kernel::Address& address) {
    netlink::Route route;
    route.destination = netlink::without_host_bits(address.prefix);
    route.protocol = RTPROT_KERNEL;
    route.priority = kPrefixRouteMetric;
    route.hop.interface_index = address.interface_index;
    return route;
}

netlink::Routing broadcast_route_of(const kernel::Address& address) {
    netlink::Route route;
    route.destination = {*address.broadcast, 32};
    route.type = RTN_BROADCAST;
    route.scope = RT_SCOPE_LINK;  // the kernel removes a route of the scope that it is told alone
    route.protocol = RTPROT_KERNEL;
    route.table = RT_TABLE_LOCAL;
    route.hop.interface_index = address.interface_index;
    return route;
}

}  // namespace

// Linux before 5.14 gives each address a route to the first address of its subnet and removes it with the last one.
LeftRoutes::LeftRoutes(const std::vector<kernel::Address>& removals, const Links& links, Log& log)
    : links_{links}, log_{log} {
    for (const auto& removal : removals) {
        const auto* there = links.address(removal.interface_index, removal.prefix);
        if (there == nullptr) continue;
        const bool broadcast_may_stay =
            there->broadcast && is_first_of_subnet(*there->broadcast, there->prefix) && kernel::release_at_least(5, 14);
        if (broadcast_may_stay || has_prefix_route(*there)) suspects_.push_back(*there);
    }
}

LeftRoutes::~LeftRoutes() {
    if (const auto done = remove(); !done) log_.warning("{}", done.error().text());
}

Result<void> LeftRoutes::remove() const {
    std::vector<netlink::Routing> left;
    for (const auto& gone : suspects_) {
        const auto another = [&](const auto& is) { return links_.any_address(gone.interface_index, is); };
        if (gone.broadcast) {
            if (!another([&](const kernel::Address& other) { return other.broadcast == gone.broadcast; }))
                left.push_back(broadcast_route_of(gone));
            continue;
        }
        // With no other address of the prefix the kernel has removed the route itself.
        const auto network = netlink::without_host_bits(gone.prefix);
        const auto is_in_it = [&](const kernel::Address& other) {
            return netlink::without_host_bits(other.prefix) == network;
        };
        if (another(is_in_it) &&
            !another([&](const kernel::Address& other) { return is_in_it(other) && has_prefix_route(other); }))
            left.push_back(prefix_route_of(gone));
    }
    if (left.empty()) return {};
    auto tables = kernel::RoutingTables::open();
    if (!tables) return error_of(tables);
    auto answers = tables->remove(left);  // ESRCH is no failure: the kernel has removed the route itself
    if (!answers) return error_of(answers);
    for (const auto& answer : *answers)
        if (answer.verdict == netlink::Verdict::Failed)
            log_.warning("a route of a removed address cannot be removed: {}", answer.text);
    return {};
}

}  // namespace mainstay::role
