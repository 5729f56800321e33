// The identity of configured addresses, routes and rules in the kernel. A reload uses it to decide which of them it has
// to change.
#pragma once

#include <optional>
#include <string>

#include "mainstay/config/model.hpp"
#include "mainstay/vrrp/routing.hpp"

namespace mainstay::vrrp {

// All attributes of an address that the kernel stores. `no_track` and the like concern only mainstay.
struct AddressIdentity {
    std::string interface;
    Prefix prefix;
    std::uint8_t scope = 0;
    std::string label;
    std::optional<IpAddress> broadcast, peer;
    bool noprefixroute = false;
    bool home = false, detects_duplicates = false, manages_temporary = false, joins_group = false;
    std::optional<Micros> preferred_lifetime;  // none: unlimited
    auto operator<=>(const AddressIdentity&) const = default;
};

// The broadcast address: "brd +" sets the host bits, "brd -" clears them.
[[nodiscard]] std::optional<IpAddress> broadcast_of(const config::VirtualAddress& address);
[[nodiscard]] AddressIdentity identity_of(const std::string& interface, const config::VirtualAddress& address);
[[nodiscard]] AddressIdentity identity_of(const config::Instance& instance, const config::VirtualAddress& address);

// Compares what the kernel stores: not settings that concern only mainstay, nor how a route was added (`add`,
// `append`).
[[nodiscard]] bool same_in_kernel(const RoutingEntry& a, const RoutingEntry& b);
// True for two different routes for the same packets with the same metric: the kernel uses the first one.
[[nodiscard]] bool compete(const RoutingEntry& a, const RoutingEntry& b);
// Whether both are inserted before the routes that they compete with, or both after them (`append`).
[[nodiscard]] bool same_turn(const RoutingEntry& a, const RoutingEntry& b);

}  // namespace mainstay::vrrp
