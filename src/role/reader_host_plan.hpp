// What the reader makes for the supervisor itself.
#pragma once

#include "mainstay/alert/scripts.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/ipc/host_plan.hpp"

namespace mainstay::role {

// Commands with their paths and accounts resolved. What cannot be run is left out: the supervisor answers "not run".
[[nodiscard]] alert::ScriptTable script_table(const config::Config& config, const config::Environment& environment,
                                              Log& log);
// FIFOs with their owners, and what is watched.
[[nodiscard]] ipc::HostPlan host_plan(const config::Config& config, Log& log);

}  // namespace mainstay::role
