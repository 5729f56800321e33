// The [[webhook]] tables of mainstay.toml, with what the files that they name hold.
#pragma once

#include <string>
#include <vector>

#include "mainstay/config/settings.hpp"
#include "mainstay/ipc/webhook_settings.hpp"

namespace mainstay::role {

// Appends to `problems` what is wrong. A webhook whose headers cannot be used gets its events queued, not sent: they
// would be refused without them.
[[nodiscard]] ipc::WebhookSettings webhook_settings(const config::Settings& settings,
                                                    std::vector<std::string>& problems);

}  // namespace mainstay::role
