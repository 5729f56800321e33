// The settings of mails and webhooks, from the configuration.
#pragma once

#include <string>
#include <vector>

#include "mainstay/config/settings.hpp"
#include "mainstay/ipc/settings.hpp"

namespace mainstay::role {

// [mail] of mainstay.toml, with what the files that it names hold.

// Appends to `problems` what is wrong; a relay that is no relay is left out, and so are credentials that others may
// read.
[[nodiscard]] ipc::MailSettings mail_settings(const config::Settings& settings, std::vector<std::string>& problems);

// The [[webhook]] tables of mainstay.toml, with what the files that they name hold.

// Appends to `problems` what is wrong. A webhook whose headers cannot be used gets its events queued, not sent: they
// would be refused without them.
[[nodiscard]] ipc::WebhookSettings webhook_settings(const config::Settings& settings,
                                                    std::vector<std::string>& problems);

}  // namespace mainstay::role
