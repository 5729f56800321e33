// The Landlock rules of each role: the paths it may open after its start, and whether it may use TCP.
//
// A Landlock rule applies to the file or folder that exists at the path when the role starts. For files that are
// replaced while it runs (in /etc, the resolver's, the run and spool folders) the rule therefore names their folder.
#pragma once

#include "mainstay/ipc/message.hpp"
#include "mainstay/kernel/landlock.hpp"
#include "mainstay/role/common/identity.hpp"

namespace mainstay::role {

[[nodiscard]] kernel::Reach reach_of(Kind kind, const ipc::RoleStartup& startup);
[[nodiscard]] kernel::Reach watcher_reach();
[[nodiscard]] kernel::Reach reader_reach();

}  // namespace mainstay::role
