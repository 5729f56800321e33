// active_active of a virtual server: several directors serve it at once, and each gives a flow to the same server.
#pragma once

#include <algorithm>
#include <cstdint>

#include "mainstay/base/ip.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::config {

// All that the kernel's scheduler mh knows of a client or server: the address as one number (of IPv6 the exclusive or
// of its four words) plus the port. Servers for which it is equal claim the same slots of the table.
[[nodiscard]] std::uint32_t mh_number(const Endpoint& endpoint);

[[nodiscard]] inline bool is_active_active(const Config& config) {
    return std::ranges::any_of(config.virtual_servers, &VirtualServer::active_active);
}

}  // namespace mainstay::config
