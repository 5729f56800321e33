// The account that runs a script: its own `user`, else the global script_user, else keepalived_script where that
// account exists, else root (keepalived's order).
#pragma once

#include "mainstay/base/error.hpp"
#include "mainstay/config/model.hpp"
#include "process.hpp"

namespace mainstay::kernel {

[[nodiscard]] Result<Account> script_account(const config::Command& command, const config::Global& global);

}  // namespace mainstay::kernel
