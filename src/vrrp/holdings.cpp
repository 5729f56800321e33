#include "mainstay/vrrp/holdings.hpp"

#include "mainstay/config/addresses.hpp"
#include "mainstay/config/keyword_values.hpp"
#include "mainstay/config/keywords.hpp"

namespace mainstay::vrrp {

namespace keyword = config::keyword;

// Called for each pair of entries: nearly all differ in their destination, which is compared before anything is copied.
bool same_in_kernel(const RoutingEntry& a, const RoutingEntry& b) {
    const auto* first = std::get_if<netlink::Route>(&a.what);
    const auto* second = std::get_if<netlink::Route>(&b.what);
    if (a.vrf != b.vrf) return false;
    if (first == nullptr || second == nullptr) return a.what == b.what;
    if (first->destination != second->destination) return false;
    const auto kept = [](netlink::Route route) {
        route.ttl_propagate.reset();  // of MPLS routes alone
        std::erase_if(route.metrics,
                      [](const netlink::Metric& metric) { return metric.value == 0; });  // like no metric
        route.placement = {};  // how it was added does not matter
        return route;
    };
    return kept(*first) == kept(*second);
}

bool compete(const RoutingEntry& a, const RoutingEntry& b) {
    const auto* first = std::get_if<netlink::Route>(&a.what);
    const auto* second = std::get_if<netlink::Route>(&b.what);
    return first != nullptr && second != nullptr && first->destination == second->destination &&
           first->table == second->table && a.vrf == b.vrf && first->tos == second->tos &&
           first->priority == second->priority && !same_in_kernel(a, b);
}

bool same_turn(const RoutingEntry& a, const RoutingEntry& b) {
    const auto appended = [](const RoutingEntry& entry) {
        const auto* route = std::get_if<netlink::Route>(&entry.what);
        return route != nullptr && route->placement == netlink::Route::Placement::Append;
    };
    return appended(a) == appended(b);
}

std::optional<IpAddress> broadcast_of(const config::VirtualAddress& address) {
    if (address.broadcast) return address.broadcast;
    if (!address.prefix.address.is_v4() || (!address.broadcast_all_ones && !address.broadcast_all_zeros))
        return std::nullopt;
    const std::uint32_t host = address.prefix.length >= 32 ? 0U : 0xffffffffU >> address.prefix.length;
    const std::uint32_t own = address.prefix.address.v4_host_order();
    return IpAddress::v4(address.broadcast_all_ones ? own | host : own & ~host);
}

AddressIdentity identity_of(const std::string& interface, const config::VirtualAddress& address) {
    const auto& words = address.more->values;
    const auto has_word = [&](const config::KeywordName& word) { return config::is_given(words, word); };
    // An IPv6 /128 address is deprecated by default, any other has no limit: configuring that changes nothing.
    const bool deprecated =
        !has_word(keyword::preferred_lft) && address.prefix.address.is_v6() && address.prefix.length == 128;
    return {.interface = interface,
            .prefix = address.prefix,
            .scope = address.scope,
            .label = address.label,
            .broadcast = broadcast_of(address),
            .peer = config::value_of(words, keyword::peer),
            .noprefixroute = address.noprefixroute,
            .home = has_word(keyword::home),
            .detects_duplicates = has_word(keyword::nodad),
            .manages_temporary = has_word(keyword::mngtmpaddr),
            .joins_group = has_word(keyword::autojoin),
            .preferred_lifetime = deprecated ? Micros{0} : config::value_of(words, keyword::preferred_lft)};
}

AddressIdentity identity_of(const config::Instance& instance, const config::VirtualAddress& address) {
    return identity_of(config::device_of(address, instance), address);
}

}  // namespace mainstay::vrrp
