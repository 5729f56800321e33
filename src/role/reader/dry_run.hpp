// What a reload changes, loses, or would: the new configuration compared with what the roles run.
#pragma once

#include <string>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/role/reader/reload_diff.hpp"

namespace mainstay::role {

struct RunningParts {  // descriptors of what the roles run; -1: none of it is known
    int vrrp = -1, lvs = -1, observer = -1;
    [[nodiscard]] bool known() const { return vrrp >= 0 && lvs >= 0 && observer >= 0; }
};

inline constexpr const char* kLossesHint =
    "fix the file, or permit the removal with mainstayctl reload --force or [reload] accept_losses in mainstay.toml";

struct Report {
    bool refused = false;
    std::vector<std::string> losses;  // not empty: why it is refused
    ReloadDiff diff;
};

// What the reload does: `done` says whether the configuration can run at all.
[[nodiscard]] Result<Report> report_on(const ipc::RoleStartup& startup, const RunningParts& parts,
                                       const config::Loaded& next, const ipc::ReadingDone& done, bool accept_losses);
// To the supervisor, for whoever asked. The exit code of the process.
[[nodiscard]] int send_report(const ipc::RoleStartup& startup, const config::Loaded& next, const Result<Report>& report,
                              const std::vector<std::string>& problems);

}  // namespace mainstay::role
