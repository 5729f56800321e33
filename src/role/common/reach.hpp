// What of the file system each role opens after its start, and which may use TCP: for Landlock.
//
// A rule holds for the file or folder that stands at its path when the role starts. What others replace while it runs
// (the files of /etc, the resolver's, the run and the spool folder) is named by the folder that holds it.
#pragma once

#include "mainstay/ipc/message.hpp"
#include "mainstay/kernel/landlock.hpp"
#include "mainstay/role/common/identity.hpp"

namespace mainstay::role {

[[nodiscard]] kernel::Reach reach_of(Kind kind, const ipc::RoleStartup& startup);
[[nodiscard]] kernel::Reach watcher_reach();
[[nodiscard]] kernel::Reach reader_reach();

}  // namespace mainstay::role
