// keepalived_check.data. It shows whole services, which among the unprivileged processes only a reader may have: one is
// started for each dump, with the running snapshots and the lvs role's state block.
#pragma once

#include "mainstay/base/error.hpp"
#include "mainstay/base/log.hpp"

namespace mainstay::role {

// `line`: where the file is handed out (role/common/dump_line.hpp). Returns the exit code of the process.
[[nodiscard]] int write_check_dump(int line, Log& log);

}  // namespace mainstay::role
