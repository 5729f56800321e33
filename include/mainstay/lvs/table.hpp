// The IPVS table: services in file order, each with its destinations in file order. The same type is used for the
// desired table and the kernel's.
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
    // Every director shall have the same mh table: the destinations are in canonical order (by endpoint), and their
    // last_weight counts.
    bool active_active = false;
    bool operator==(const ServiceTable& other) const;
};
using Table = std::vector<ServiceTable>;

// The kernel's key of a configured service. A service that is a group has none: its address and mark are empty.
[[nodiscard]] netlink::IpvsServiceKey key_of(const config::VirtualServer& service);

// The identity of a configured service across reloads and restarts: its key, or its group with protocol and family.
struct ServiceIdentity {
    netlink::IpvsServiceKey key;
    std::string group;
    auto operator<=>(const ServiceIdentity&) const = default;
};
[[nodiscard]] ServiceIdentity identity_of(const config::VirtualServer& service);

// The kernel services of a configured one: its key, or one for each address and mark of its group, in the order of the
// entries, without duplicates.
[[nodiscard]] std::vector<netlink::IpvsServiceKey> keys_of(const config::VirtualServer& service);
// The endpoint of a server of `service` for this key: in a group, a server without NAT has the port of the entry.
[[nodiscard]] Endpoint endpoint_at(const netlink::IpvsServiceKey& key, const config::VirtualServer& service,
                                   const Endpoint& server, config::Forwarding forwarding);

// Equal in the kernel's behaviour: ignores its own HASHED flag, and timeout and netmask while persistence is off (the
// kernel stores them without using them).
[[nodiscard]] bool same_service(const netlink::IpvsService& left, const netlink::IpvsService& right);

}  // namespace mainstay::lvs
