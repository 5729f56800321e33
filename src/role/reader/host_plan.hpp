// What the reader makes for the supervisor itself.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "mainstay/alert/scripts.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/ipc/host_plan.hpp"

namespace mainstay::role {

// Commands with their paths and accounts resolved. What cannot be run is left out: the supervisor answers "not run".
[[nodiscard]] alert::ScriptTable script_table(const config::Config& config, const config::Environment& environment,
                                              Log& log);
// Scripts that others than root may change, and whether they are disabled for it: filled in while a configuration is
// read with `environment`, which is made to note them.
using UnsafeScripts = std::map<std::string, bool>;
[[nodiscard]] std::shared_ptr<const UnsafeScripts> note_unsafe_scripts(config::Environment& environment);
// FIFOs with their owners, and what is watched.
[[nodiscard]] ipc::HostPlan host_plan(const config::Config& config, Log& log);

}  // namespace mainstay::role
