// The reader's answer to "what would a reload do?": it reads as for a reload, compares with what the roles run, and
// hands out a text instead of snapshots. Passwords are in neither.
#pragma once

#include <string>
#include <vector>

#include "mainstay/config/load.hpp"
#include "mainstay/ipc/message.hpp"

namespace mainstay::role {

// `next` is the configuration as it is on disk now, `done` what the reader would tell the supervisor, `problems` what
// is wrong with mainstay.toml. What runs is in the inherited snapshots. The exit code of the process.
[[nodiscard]] int answer_dry_run(const ipc::Hello& hello, const config::Loaded& next, const ipc::ReadingDone& done,
                                 const std::vector<std::string>& problems);

}  // namespace mainstay::role
