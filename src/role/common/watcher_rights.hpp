// What the watcher may do beside what every process may: as much as its plan needs. A plan that needs something else
// is for another watcher, because a process cannot get a right back.
#pragma once

#include <linux/capability.h>

#include <vector>

#include "mainstay/vrrp/watch.hpp"

namespace mainstay::role {

[[nodiscard]] inline std::vector<unsigned> watcher_capabilities(const vrrp::WatchPlan& plan) {
    std::vector<unsigned> list;
    if (!plan.files.empty() || !plan.server_files.empty())
        list.push_back(CAP_DAC_READ_SEARCH);  // they may be anybody's
    // The kernel's events about processes, and the state of links.
    if (!plan.processes.empty() || !plan.links.empty()) list.push_back(CAP_NET_ADMIN);
    return list;
}

}  // namespace mainstay::role
