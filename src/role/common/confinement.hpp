// The last step of a role's start.
#pragma once

#include <span>

#include "mainstay/base/log.hpp"
#include "mainstay/kernel/system_calls.hpp"

namespace mainstay::role {

// Restricts the process to the system calls of its list, before it reads anything that others wrote. False: the list could
// not be loaded, and the process must end; the log says why. Without libseccomp it is a warning.
[[nodiscard]] bool confine(std::span<const kernel::CallSet> calls, Log& log);

}  // namespace mainstay::role
