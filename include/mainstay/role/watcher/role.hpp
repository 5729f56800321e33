// The watcher: a process beside the roles that looks at tracked files, processes and polled links for them. Whatever
// holds up a look at the host (a sick disk, a process stuck in the kernel, a slow driver) holds up this process alone.
#pragma once

namespace mainstay::role {

// Takes the inherited line to the supervisor, hears its RoleStartup and its plans, and sends what it observes, at first
// everything, then what changed. Until the supervisor is gone. The process's exit code.
[[nodiscard]] int run_watcher();

}  // namespace mainstay::role
