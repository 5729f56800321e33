// The first steps of a role's process.
#pragma once

#include "mainstay/base/error.hpp"
#include "mainstay/ipc/message.hpp"

namespace mainstay::role {

// SIGPIPE, and what the supervisor's terminal sends to the whole group: a role is stopped by its supervisor only.
void ignore_signals();

// The RoleStartup, which the supervisor sends right after the fork, before anything else. Errc::Timeout after 10 s,
// Errc::State when the supervisor is gone, Errc::Invalid when another message comes.
[[nodiscard]] Result<ipc::RoleStartup> receive_startup(int fd);

}  // namespace mainstay::role
