// Reads what another program's checks left in the kernel's table, at a start with --takeover.
#pragma once

#include <cstddef>

#include "mainstay/base/log.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/lvs/memory.hpp"
#include "mainstay/role/lvs/role.hpp"

namespace mainstay::role {

// Empty, with a warning, when the table cannot be read.
[[nodiscard]] lvs::Memory adopt_table(const LvsOptions& options, const config::Config& config, WallTime now, Log& log);

// The descriptor limit of the process, which bounds how many health checks may run at a time.

inline constexpr std::size_t kDescriptorsForOthers = 64;  // for everything that is not a health check

// Raises the process's descriptor limit as far as needed and permitted. Returns how many checks it then allows; fewer
// than kConcurrentChecksMax are told of.
[[nodiscard]] std::size_t raise_descriptor_limit(Log& log);

}  // namespace mainstay::role
