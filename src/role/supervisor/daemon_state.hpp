// What the parts of the daemon (children, reload, operators, the daemon itself) have in common: what it was started
// with, its phase, its places, the running configuration, and what each of its processes is started with.
#pragma once

#include <boost/asio/io_context.hpp>
#include <utility>

#include <cstdint>
#include <string>
#include <vector>

#include "helper.hpp"
#include "log_levels.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/base/time.hpp"
#include "mainstay/base/unique_fd.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/kernel/process.hpp"
#include "mainstay/report/supervision.hpp"
#include "mainstay/role/supervisor/supervisor.hpp"
#include "role/common/daemon_settings.hpp"
#include "role_replacement.hpp"

namespace mainstay::role {

inline constexpr int kExitFatal = 1, kExitConfig = 2, kExitAlreadyRunning = 3, kExitPermission = 4, kExitNoConfig = 6;

// The name of its process in the log.
[[nodiscard]] inline const char* label(Kind kind) { return traits_of(kind).label; }

enum class Phase : std::uint8_t { Starting, Running, Stopping };

struct DaemonState {
    DaemonState(const SupervisorOptions& given, Log& to) : options{given}, log{to}, log_levels{given.log_level} {}

    const SupervisorOptions& options;
    Log& log;
    boost::asio::io_context loop{1};
    Phase phase = Phase::Starting;
    Instant stop_began{};
    bool ever_ran = false;  // a configuration was committed, or taken over in an upgrade
    bool start_is_complete = false;
    std::string upgraded_from;  // while an upgrade replaces the roles: the version of the program before
    Generation current, next;
    Paths paths;
    std::string executable;
    int umask = config::keyword::umask.otherwise;  // of dumps and of what scripts write
    kernel::Account account;                       // of the observer: it owns the run and the spool folder
    UniqueFd network_namespace, ipvs_namespace;
    LogLevelState log_levels;
    LogLosses log_losses;
    report::Supervision supervision;  // `processes` and `log_losses` are filled in when it is sent
    DiskWork disk;

    [[nodiscard]] bool is_running() const { return phase == Phase::Running; }
    [[nodiscard]] bool is_stopping() const { return phase == Phase::Stopping; }
    [[nodiscard]] const ipc::DaemonSettings& settings() const { return current.settings.daemon; }
    [[nodiscard]] std::string account_of(const char* own) const;  // `own`, or the shared account (--shared-account)
    [[nodiscard]] std::string pid_file_of(Kind kind) const;
    [[nodiscard]] std::string supervisor_socket() const;
    [[nodiscard]] std::vector<std::string> command_line(std::string program) const;  // of each process but scripts
    [[nodiscard]] ipc::RoleStartup startup_for(Kind kind, bool restarted) const;
    [[nodiscard]] int network_namespace_of(Kind kind) const;
    // Removes it without waiting for its disk for long. Whether it is gone, or was not there.
    bool remove_file(const std::string& path);
};

}  // namespace mainstay::role
