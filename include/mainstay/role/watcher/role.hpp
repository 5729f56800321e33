// The watcher: a process that observes tracked files, processes and polled links for the roles. If such a read hangs (a
// failing disk, a process stuck in the kernel, a slow driver), it blocks only this process.
#pragma once

namespace mainstay::role {

// Takes the inherited control socket, receives the RoleStartup and plans, and sends observations: first all, then
// changes. Runs until the supervisor closes the socket. Returns the process's exit code.
[[nodiscard]] int run_watcher();

}  // namespace mainstay::role
