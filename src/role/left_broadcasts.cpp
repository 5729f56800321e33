#include "left_broadcasts.hpp"

#include <linux/rtnetlink.h>

#include "mainstay/kernel/release.hpp"
#include "mainstay/kernel/routing.hpp"

namespace mainstay::role {

namespace {

bool is_first_of_subnet(const IpAddress& address, const Prefix& prefix) {
    if (!address.is_v4() || !prefix.address.is_v4() || prefix.length == 0 || prefix.length >= 31) return false;
    const std::uint32_t hosts = 0xffffffffU >> prefix.length;
    return address.v4_host_order() == (prefix.address.v4_host_order() & ~hosts);
}

netlink::Routing route_to(const kernel::Address& address) {
    netlink::Route route;
    route.destination = {*address.broadcast, 32};
    route.type = RTN_BROADCAST;
    route.scope = RT_SCOPE_LINK;
    route.protocol = RTPROT_KERNEL;
    route.table = RT_TABLE_LOCAL;
    route.hop.interface_index = address.interface_index;
    return route;
}

}  // namespace

// Before 5.14 each address has a route to the first one of its subnet, which goes with the last of them.
LeftBroadcasts::LeftBroadcasts(const std::vector<kernel::Address>& removals, const Links& links, Log& log)
    : links_{links}, log_{log} {
    for (const auto& removal : removals) {
        const auto* there = links.address(removal.interface_index, removal.prefix);
        if (there != nullptr && there->broadcast && is_first_of_subnet(*there->broadcast, there->prefix) &&
            kernel::release_at_least(5, 14))
            suspects_.push_back(*there);
    }
}

LeftBroadcasts::~LeftBroadcasts() {
    if (const auto done = remove(); !done) log_.warning("{}", done.error().text());
}

Result<void> LeftBroadcasts::remove() const {
    std::vector<netlink::Routing> left;
    for (const auto& gone : suspects_) {
        const bool another_has_it = links_.any_address(
            gone.interface_index, [&](const kernel::Address& other) { return other.broadcast == gone.broadcast; });
        if (!another_has_it) left.push_back(route_to(gone));
    }
    if (left.empty()) return {};
    auto tables = kernel::RoutingTables::open();
    if (!tables) return std::unexpected{std::move(tables.error())};
    auto answers = tables->remove(left);  // that the kernel has removed one itself is no failure
    if (!answers) return std::unexpected{std::move(answers.error())};
    for (const auto& answer : *answers)
        if (answer.verdict == netlink::Verdict::Failed)
            log_.warning("the route to a broadcast address cannot be removed: {}", answer.text);
    return {};
}

}  // namespace mainstay::role
