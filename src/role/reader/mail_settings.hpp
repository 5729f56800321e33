// [mail] of mainstay.toml, with what the files that it names hold.
#pragma once

#include <string>
#include <vector>

#include "mainstay/config/settings.hpp"
#include "mainstay/ipc/mail_settings.hpp"

namespace mainstay::role {

// Appends to `problems` what is wrong; a relay that is no relay is left out, and so are credentials that others may
// read.
[[nodiscard]] ipc::MailSettings mail_settings(const config::Settings& settings, std::vector<std::string>& problems);

}  // namespace mainstay::role
