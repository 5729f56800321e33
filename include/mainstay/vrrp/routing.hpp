// Routes and policy rules of a configuration: from the words of its lines to the entries for the kernel. Interfaces
// stay names, because their indexes may change.
#pragma once

#include <string>
#include <vector>

#include "mainstay/config/model.hpp"
#include "mainstay/netlink/routing.hpp"

namespace mainstay::vrrp {

struct RoutingEntry {
    netlink::Routing what;
    std::string vrf;                   // a route goes into the table of this VRF
    bool no_track = false;             // if it is lost, it is restored only by a reload, and nothing follows from it
    std::vector<std::string> devices;  // its interfaces; a tracked entry's instance is in FAULT while one is down
    std::string track_group;           // for static entries: the group whose instances track its devices
    bool operator==(const RoutingEntry&) const = default;

    [[nodiscard]] bool is_rule() const { return std::holds_alternative<netlink::Rule>(what); }
    // keepalived: a route without an interface cannot be tracked (2.2.7). It is restored, but is no reason to resign.
    [[nodiscard]] bool decides() const { return !no_track && (is_rule() || !devices.empty()); }
};
// "10.1.0.0/24 via 10.0.0.1 dev eth0 table 100", "from 10.0.0.0/8 lookup 100 preference 200"
[[nodiscard]] std::string describe(const RoutingEntry& entry);

// Routes first, then rules, in configuration order. Incomplete lines are left out; diagnostics have reported them.
[[nodiscard]] std::vector<RoutingEntry> routing_of(const config::Instance& instance);
[[nodiscard]] std::vector<RoutingEntry> static_routing_of(const config::Config& config);

// The devices that must be up for an instance's tracked routes and rules, without duplicates.
[[nodiscard]] std::vector<std::string> devices_of(const std::vector<RoutingEntry>& entries);

}  // namespace mainstay::vrrp
