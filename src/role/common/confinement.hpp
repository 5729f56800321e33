// The last steps of a role's start.
#pragma once

#include <span>
#include <string>

#include "mainstay/base/log.hpp"
#include "mainstay/kernel/system_calls.hpp"

namespace mainstay::role {

// The exit code of a role that cannot be confined; the supervisor does not start it again.
inline constexpr int kExitUnconfined = 4;

// Gives up everything but the account `user`, these capabilities and these system calls, before the process reads
// anything that others wrote. False: it could not, and the process must end; the log says why. A build or a kernel
// without seccomp is a warning.
[[nodiscard]] bool confine(const std::string& user, std::span<const unsigned> capabilities,
                           std::span<const kernel::CallSet> calls, Log& log);

}  // namespace mainstay::role
