// Reports what a reload changes or removes: compares the new configuration with the running one.
#pragma once

#include <string>
#include <vector>

#include "mainstay/base/error.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/config/tools/known_errors.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/role/reader/reload_diff.hpp"

namespace mainstay::role {

struct RunningParts {  // descriptors of the roles' running snapshots; -1: unknown
    int vrrp = -1, lvs = -1, observer = -1;
    [[nodiscard]] bool known() const { return vrrp >= 0 && lvs >= 0 && observer >= 0; }
};
// The same parts of the new configuration, in sealed memory.
struct NextParts {
    UniqueFd vrrp, lvs, observer;
};
// `config` is not changed; its services, nearly all of a large one, are not copied.
[[nodiscard]] Result<NextParts> encode_parts(config::Config& config);
// The lvs role is also needed for the kernel's sync daemons without any virtual server.
[[nodiscard]] bool needs_lvs(const config::Config& config);

inline constexpr const char* kLossesHint =
    "fix the file, or permit the removal with mainstayctl reload --force or [reload] accept_losses in mainstay.toml";

struct Report {
    bool refused = false;
    std::vector<std::string> losses;  // running objects that would be removed; if not empty, the reload is refused
    std::string fixed;                // what only a restart can change; if not empty, the reload is refused
    bool is_empty = false;            // there is nothing in the file: it may be about to be written
    config::SortedErrors errors;      // of the new configuration, in it: against those of the running one
    ReloadDiff diff;
};

// Makes the report; `done` says whether the configuration can run at all. `parts` are those of `next` if it can.
[[nodiscard]] Result<Report> report_on(const ipc::RoleStartup& startup, const RunningParts& running,
                                       const config::Loaded& next, const NextParts& parts, const ipc::ReadingDone& done,
                                       bool accept_losses);
// "its blocks are broken", why the reload is refused that would remove something.
[[nodiscard]] const char* cause_of_losses(const Report& report);
// What errors that the running configuration does not have take away from it, for the log; empty: nothing.
[[nodiscard]] std::vector<std::string> removed_by_errors(const Report& report);
// Sends what changes, for the log alone. Returns the exit code of the process.
[[nodiscard]] int send_log_lines(const Report& report);
// Sends the report to the supervisor, which passes it to the client. Returns the exit code of the process.
[[nodiscard]] int send_report(const ipc::RoleStartup& startup, const config::Loaded& next, const Result<Report>& report,
                              const std::vector<std::string>& problems);

}  // namespace mainstay::role
