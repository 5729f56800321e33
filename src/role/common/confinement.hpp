// The last steps of a role's start.
#pragma once

#include <span>
#include <string>

#include "mainstay/base/log.hpp"
#include "mainstay/kernel/landlock.hpp"
#include "mainstay/kernel/system_calls.hpp"

namespace mainstay::role {

// The exit code of a role that cannot be confined; the supervisor does not start it again.
inline constexpr int kExitUnconfined = 4;

// Of one whose memory ran out: at its limit of address space, mostly.
inline constexpr int kExitOutOfMemory = 5;

// Gives up everything but the account `user`, these capabilities, paths and system calls, before the process reads
// anything that others wrote. False: it could not, and the process must end; the log says why. A build or a kernel
// without seccomp is a warning; one without Landlock is the supervisor's to log.
[[nodiscard]] bool confine(const std::string& user, std::span<const unsigned> capabilities, const kernel::Reach& reach,
                           std::span<const kernel::CallSet> calls, Log& log);

// Of a role that caught std::bad_alloc: logs its limit and returns the exit code.
[[nodiscard]] int out_of_memory(Log& log);

}  // namespace mainstay::role
