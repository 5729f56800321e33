// The status of the whole daemon as JSON, from the state blocks of the roles. The keys are a stable interface. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mainstay/alert/mailer.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/ipc/bfd_status.hpp"
#include "mainstay/ipc/status.hpp"

namespace mainstay::role {

struct DaemonStatus {
    std::string version, host_name;
    std::uint64_t generation = 0;  // of the running configuration
    int supervisor_pid = 0, observer_pid = 0;
    WallTime now, observer_since;
    Instant clock{};  // the same moment as `now`, on the clock of the roles' instants
    bool mail_enabled = false;
    alert::MailerCounters mail;
    std::string mail_problem;                           // empty: none
    std::uint64_t events_lost = 0;                      // overwritten before the observer read them
    std::string config_path, config_id, settings_path;  // from the daemon's command line
    std::optional<ipc::VrrpStatus> vrrp;                // none: the role has not published anything
    std::optional<ipc::LvsStatus> lvs;
    std::optional<ipc::BfdStatus> bfd;
};

[[nodiscard]] std::string status_json(const DaemonStatus& status);

// "2026-11-20T08:37:46Z"; empty for 0.
[[nodiscard]] std::string iso_time(WallTime at);

}  // namespace mainstay::role
