// The addresses of an instance as rtnetlink wants them.
#pragma once

#include <string>
#include <vector>

#include "mainstay/config/model.hpp"
#include "mainstay/kernel/rtnetlink.hpp"
#include "vrrp_links.hpp"

namespace mainstay::role {

// Those at `positions` (in addresses, then excluded_addresses; empty: all), in configuration order. Addresses whose
// device does not exist are left out.
[[nodiscard]] std::vector<kernel::Address> address_requests(const config::Instance& instance,
                                                            const std::vector<std::size_t>& positions,
                                                            const Links& links);
[[nodiscard]] bool forwards_ipv6(const std::string& interface);

}  // namespace mainstay::role
