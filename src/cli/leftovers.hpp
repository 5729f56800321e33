// What a program that was killed silently has added to this host, to be removed after it.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/kernel/routing.hpp"
#include "mainstay/kernel/rtnetlink.hpp"
#include "mainstay/netlink/ipvs_types.hpp"

namespace mainstay::cli {

struct HostState {
    std::vector<kernel::Link> links;
    std::vector<kernel::Address> addresses;
    std::vector<netlink::Routing> routing;
    std::vector<netlink::IpvsServiceKey> services;  // read where the configuration has virtual servers
};
// In this network namespace.
[[nodiscard]] Result<HostState> read_host_state(const config::Config& config);

// Removes what the configuration names and was not there before; not that of the instances in `kept`. The error is the
// first one; the rest is removed all the same.
[[nodiscard]] Result<void> remove_leftovers(const HostState& before, const config::Config& config,
                                            const std::set<std::string>& kept);

}  // namespace mainstay::cli
