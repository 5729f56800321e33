// The IPVS table as mainstay thinks of it: services in file order, each with its destinations in file order. The
// same type holds what is wanted and what the kernel has.
#pragma once

#include <compare>
#include <string>
#include <vector>

#include "mainstay/config/model.hpp"
#include "mainstay/netlink/ipvs_types.hpp"

namespace mainstay::lvs {

struct ServiceTable {
    netlink::IpvsService service;
    std::vector<netlink::IpvsDestination> destinations;
    bool operator==(const ServiceTable&) const = default;
};
using Table = std::vector<ServiceTable>;

// The kernel's identity of a configured service. A service that is only a group name has none: its address and its
// mark are empty.
[[nodiscard]] netlink::IpvsServiceKey key_of(const config::VirtualServer& service);

// What a configured service is, over reloads and restarts: its key, or its group with protocol and family.
struct ServiceIdentity {
    netlink::IpvsServiceKey key;
    std::string group;
    auto operator<=>(const ServiceIdentity&) const = default;
};
[[nodiscard]] ServiceIdentity identity_of(const config::VirtualServer& service);

// The services of the kernel that a configured one stands for: its key, or one for each address and mark of its group,
// in the order of the entries, each once.
[[nodiscard]] std::vector<netlink::IpvsServiceKey> keys_of(const config::VirtualServer& service);
// Where a server of `service` is reached through this key: in a group, a server that is not NATed keeps the entry's
// port.
[[nodiscard]] Endpoint endpoint_at(const netlink::IpvsServiceKey& key, const config::VirtualServer& service,
                                   const Endpoint& server, config::Forwarding forwarding);

// Equal as far as the kernel's behaviour goes: its own HASHED flag is not looked at, nor timeout and netmask while
// persistence is off (the kernel stores them without using them).
[[nodiscard]] bool same_service(const netlink::IpvsService& left, const netlink::IpvsService& right);

}  // namespace mainstay::lvs
