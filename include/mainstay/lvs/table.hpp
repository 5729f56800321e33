// The IPVS table as mainstay thinks of it: services in file order, each with its destinations in file order. The
// same type holds what is wanted and what the kernel has.
#pragma once

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

// Equal as far as the kernel's behaviour goes: its own HASHED flag is not looked at, nor timeout and netmask while
// persistence is off (the kernel stores them without using them).
[[nodiscard]] bool same_service(const netlink::IpvsService& left, const netlink::IpvsService& right);

}  // namespace mainstay::lvs
