// The first steps of a role's process: ignoring signals and receiving its RoleStartup.
#pragma once

#include "mainstay/base/error.hpp"
#include "mainstay/ipc/message.hpp"

namespace mainstay::role {

// Ignores SIGPIPE and the signals that a terminal sends to the process group: only the supervisor stops a role.
void ignore_signals();

// Waits for the RoleStartup, the first message that the supervisor sends after the fork. Errc::Timeout after 10 s,
// Errc::State when the supervisor has died, Errc::Invalid for any other message.
[[nodiscard]] Result<ipc::RoleStartup> receive_startup(int fd);

}  // namespace mainstay::role
