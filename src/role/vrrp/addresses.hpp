// The addresses of an instance as rtnetlink wants them.
#pragma once

#include <string>
#include <vector>

#include "links.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/kernel/rtnetlink.hpp"
#include "mainstay/vrrp/router.hpp"

namespace mainstay::role {

// Those at `positions` (in addresses, then excluded_addresses; empty: all), in configuration order. Addresses whose
// device does not exist are left out.
[[nodiscard]] std::vector<kernel::Address> address_requests(const config::Instance& instance,
                                                            const std::vector<std::size_t>& positions,
                                                            const Links& links);
// Those whose interface exists, by their peer too, without which the kernel does not know them.
[[nodiscard]] std::vector<kernel::Address> removal_requests(const std::vector<vrrp::HeldAddress>& addresses,
                                                            const Links& links);
// One of them, on this interface.
[[nodiscard]] kernel::Address address_request(const config::VirtualAddress& address, std::uint32_t interface_index);

// Of the addresses that the kernel has given another label those that have a wrong one now: static ones, and those that
// a master holds and tracks.
[[nodiscard]] std::vector<vrrp::HeldAddress> wrongly_labelled(const std::vector<vrrp::HeldAddress>& relabelled,
                                                              const vrrp::Router& router, const Links& links);

}  // namespace mainstay::role
