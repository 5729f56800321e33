// A child of the supervisor that does one job with the supervisor's rights, so that the supervisor never waits for a
// disk.
#pragma once

namespace mainstay::role {

// In the child, first. It dies with the supervisor: what it has of it (lines to roles, the lock of the pid file) must
// not outlive it. Signals are for the supervisor.
void become_helper(int supervisor);

}  // namespace mainstay::role
