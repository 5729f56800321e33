// The first step of a role's process: receiving its RoleStartup.
#pragma once

#include "mainstay/base/error.hpp"
#include "mainstay/ipc/message.hpp"

namespace mainstay::role {

// Waits for the RoleStartup, the first message that the supervisor sends after the fork. Errc::Timeout after 10 s,
// Errc::State when the supervisor has died, Errc::Invalid for any other message.
[[nodiscard]] Result<ipc::RoleStartup> receive_startup(int fd);

}  // namespace mainstay::role
