// Routes and policy rules as a configuration asks for them: from the words of its lines to what the kernel is to have.
// Interfaces stay names, because they may come and go.
#pragma once

#include <string>
#include <vector>

#include "mainstay/config/model.hpp"
#include "mainstay/netlink/routing.hpp"

namespace mainstay::vrrp {

struct RoutingEntry {
    netlink::Routing what;
    std::string vrf;                   // a route goes into the table of this VRF
    bool no_track = false;             // when it is lost it stays lost until a reload, and nobody minds
    std::vector<std::string> devices;  // that it names; a tracked entry's instance is in FAULT while one is down
    std::string track_group;           // of static entries: whose instances follow its devices
    bool operator==(const RoutingEntry&) const = default;

    [[nodiscard]] bool is_rule() const { return std::holds_alternative<netlink::Rule>(what); }
    // keepalived: one without an interface cannot be tracked (2.2.7). It is put back, but is no reason to resign.
    [[nodiscard]] bool decides() const { return !no_track && (is_rule() || !devices.empty()); }
};
// "10.1.0.0/24 via 10.0.0.1 dev eth0 table 100", "from 10.0.0.0/8 lookup 100 preference 200"
[[nodiscard]] std::string describe(const RoutingEntry& entry);

// Routes first, then rules, in the order of the configuration. Lines that lack what they need are left out: the
// configuration has been refused for them, or told so.
[[nodiscard]] std::vector<RoutingEntry> routing_of(const config::Instance& instance);
[[nodiscard]] std::vector<RoutingEntry> static_routing_of(const config::Config& config);

// The devices that must be up for what an instance tracks of its own routing, each once.
[[nodiscard]] std::vector<std::string> devices_of(const std::vector<RoutingEntry>& entries);

}  // namespace mainstay::vrrp
