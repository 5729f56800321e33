// What a director holds by its configuration, as the kernel tells one entry from another: whether a reload has to touch
// an address, a route or a rule is asked here.
#pragma once

#include <optional>
#include <string>

#include "mainstay/config/model.hpp"
#include "mainstay/vrrp/routing.hpp"

namespace mainstay::vrrp {

// All that is set with an address; `no_track` and the like concern mainstay alone.
struct AddressIdentity {
    std::string interface;
    Prefix prefix;
    std::uint8_t scope = 0;
    std::string label;
    std::optional<IpAddress> broadcast, peer;
    bool noprefixroute = false;
    bool home = false, detects_duplicates = false, manages_temporary = false, joins_group = false;
    bool lifetime_given = false;  // without a number: for ever
    std::optional<Micros> preferred_lifetime;
    auto operator<=>(const AddressIdentity&) const = default;
};

// As the kernel is told: "brd +" sets the host bits, "brd -" clears them.
[[nodiscard]] std::optional<IpAddress> broadcast_of(const config::VirtualAddress& address);
[[nodiscard]] AddressIdentity identity_of(const std::string& interface, const config::VirtualAddress& address);

// Apart from what concerns mainstay alone, and from how a route came in (`add`, `append`): the kernel does not keep
// that.
[[nodiscard]] bool same_in_kernel(const RoutingEntry& a, const RoutingEntry& b);
// Two routes that differ, for the same packets at the same metric: the kernel takes the one that stands first.
[[nodiscard]] bool compete(const RoutingEntry& a, const RoutingEntry& b);
// Whether both come before the routes that they compete with, or both behind them (`append`).
[[nodiscard]] bool same_turn(const RoutingEntry& a, const RoutingEntry& b);

}  // namespace mainstay::vrrp
