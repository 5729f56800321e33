// What a reload changes of mainstay.toml, each with the time when its new value takes effect. Never a secret: of
// addresses and headers of webhooks, which may hold one, and of passwords only that they were modified. Pure.
#pragma once

#include <string>
#include <vector>

#include "mainstay/ipc/message.hpp"

namespace mainstay::role {

// `running`: the orders of the reader, which hold the running settings; `next`: those that were read.
[[nodiscard]] std::vector<std::string> changed_settings(const ipc::RoleStartup& running, const ipc::ReadingDone& next);

}  // namespace mainstay::role
