// The Landlock rules of each role: the paths it may open after its start, and whether it may use TCP.
//
// A Landlock rule applies to the file or folder that exists at the path when the role starts. For files that are
// replaced while it runs (in /etc, the resolver's, the run and spool folders) the rule therefore names their folder.
#pragma once

#include <linux/capability.h>

#include <vector>

#include "mainstay/ipc/message.hpp"
#include "mainstay/kernel/landlock.hpp"
#include "mainstay/role/common/identity.hpp"
#include "mainstay/vrrp/watch.hpp"

namespace mainstay::role {

[[nodiscard]] kernel::Reach reach_of(Kind kind, const ipc::RoleStartup& startup);
[[nodiscard]] kernel::Reach watcher_reach();
[[nodiscard]] kernel::Reach reader_reach();

// What the watcher may do beside what every process may: as much as its plan needs. A plan that needs something else
// is for another watcher, because a process cannot get a right back.

[[nodiscard]] inline std::vector<unsigned> watcher_capabilities(const vrrp::WatchPlan& plan) {
    std::vector<unsigned> list;
    if (!plan.files.empty() || !plan.server_files.empty())
        list.push_back(CAP_DAC_READ_SEARCH);  // they may be anybody's
    // The kernel's events about processes, and the state of links.
    if (!plan.processes.empty() || !plan.links.empty()) list.push_back(CAP_NET_ADMIN);
    return list;
}

}  // namespace mainstay::role
