// The parts of a configuration that the supervisor itself uses: scripts, FIFOs, and what the watcher observes.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "mainstay/alert/scripts.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/ipc/host_plan.hpp"

namespace mainstay::role {

// Commands with resolved paths and accounts. Commands that cannot be run are left out; the supervisor answers NotRun.
[[nodiscard]] alert::ScriptTable script_table(const config::Config& config, const config::Environment& environment,
                                              Log& log);
// Scripts that accounts other than root may modify, and whether they are disabled for that. Filled in while a
// configuration is read with `environment`.
using UnsafeScripts = std::map<std::string, bool>;
[[nodiscard]] std::shared_ptr<const UnsafeScripts> note_unsafe_scripts(config::Environment& environment);
// FIFOs with their owners, and the plan of the watcher.
[[nodiscard]] ipc::HostPlan host_plan(const config::Config& config, Log& log);

}  // namespace mainstay::role
