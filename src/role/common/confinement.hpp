// The last steps of a role's start: dropping privileges and restricting paths and system calls.
#pragma once

#include <span>
#include <string>

#include "mainstay/base/log.hpp"
#include "mainstay/kernel/landlock.hpp"
#include "mainstay/kernel/system_calls.hpp"

namespace mainstay::role {

// The exit code of a role that cannot be confined; the supervisor does not start it again.
inline constexpr int kExitUnconfined = 4;

// The exit code of a role that ran out of memory, usually at its limit of address space.
inline constexpr int kExitOutOfMemory = 5;

// Restricts the process to the account `user` and to these capabilities, paths and system calls. Call it before the
// process reads untrusted input. False: it failed, the reason is logged, and the process must exit. A build or a kernel
// without seccomp only causes a warning; a kernel without Landlock is logged by the supervisor.
[[nodiscard]] bool confine(const std::string& user, std::span<const unsigned> capabilities, const kernel::Reach& reach,
                           std::span<const kernel::CallSet> calls, Log& log);

// For a role that caught std::bad_alloc: logs the memory limit and returns the exit code.
[[nodiscard]] int out_of_memory(Log& log);

}  // namespace mainstay::role
