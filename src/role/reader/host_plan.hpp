// What is made of a configuration beside the parts of the roles: scripts, FIFOs, what the watcher observes, and the
// settings of mails and webhooks.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mainstay/alert/scripts.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/config/settings.hpp"
#include "mainstay/ipc/host_plan.hpp"
#include "mainstay/ipc/settings.hpp"

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

// [mail] of mainstay.toml, with what the files that it names hold. Appends to `problems` what is wrong; a relay that is
// no relay is left out, and so are credentials that others may read.
[[nodiscard]] ipc::MailSettings mail_settings(const config::Settings& settings, std::vector<std::string>& problems);

// The [[webhook]] tables of mainstay.toml, with what the files that they name hold. Appends to `problems` what is
// wrong. A webhook whose headers cannot be used gets its events queued, not sent: they would be refused without them.
[[nodiscard]] ipc::WebhookSettings webhook_settings(const config::Settings& settings,
                                                    std::vector<std::string>& problems);

}  // namespace mainstay::role
