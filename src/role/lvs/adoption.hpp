// Reads what another program's checks left in the kernel's table, at a start with --takeover.
#pragma once

#include "mainstay/base/log.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/lvs/memory.hpp"
#include "mainstay/role/lvs/role.hpp"

namespace mainstay::role {

// Empty, with a warning, when the table cannot be read.
[[nodiscard]] lvs::Memory adopt_table(const LvsOptions& options, const config::Config& config, WallTime now, Log& log);

}  // namespace mainstay::role
