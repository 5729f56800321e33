// A process for a test to watch, name or kill.
#pragma once

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace mainstay::test {

// The id of a child that sleeps until it is killed; it does not outlive the test.
inline int sleeper() {
    const int pid = ::fork();
    if (pid == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) ::pause();
    }
    return pid;
}

}  // namespace mainstay::test
