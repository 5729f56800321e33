// A child of the supervisor that does one job with the supervisor's rights, so that the supervisor never waits for a
// disk.
#pragma once

#include <unistd.h>

namespace mainstay::role {

// In the child, first. It dies with the supervisor: what it has of it (lines to roles, the lock of the pid file) must
// not outlive it. Signals are for the supervisor.
void become_helper(int supervisor);

// In the child, last: ends it with the status that `work` returns, or with 1 if that throws. An exception that left the
// child's function would reach the copy of the supervisor's loop, which would then run a second time.
template <class Work>
[[noreturn]] void end_after(const Work& work) {
    int status = 1;
    try {
        status = work();
    } catch (...) {  // NOLINT(bugprone-empty-catch): the status says it
    }
    ::_exit(status);
}

}  // namespace mainstay::role
