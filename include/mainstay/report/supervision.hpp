// What only the supervisor knows: its processes and the results of reloads. It sends them to the observer.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mainstay/base/time.hpp"

namespace mainstay::report {

struct ProcessStatus {
    std::string role;        // "vrrp"
    bool ready = false;      // runs a committed configuration
    std::uint64_t ends = 0;  // how often such a process ended without having been stopped
    WallTime last_end{};     // 0: none yet
    bool operator==(const ProcessStatus&) const = default;
};

struct ReloadResults {
    std::uint64_t done = 0, refused = 0;  // since the supervisor started or was upgraded; the start itself is no reload
    WallTime last_done, last_refused;     // 0: none yet
    std::string last_problem;             // why the last refused one was refused
    // What the last done one changed, a line each as the log has them, what makes the director worse first; and how
    // many there are more.
    std::vector<std::string> last_changes;
    std::uint64_t last_changes_left_out = 0;
    // True before the first.
    [[nodiscard]] bool is_last_done() const { return last_refused.unix_us <= last_done.unix_us; }
    bool operator==(const ReloadResults&) const = default;
};

// The last upgrade of this program that was asked for and refused; not one that was to be tried again.
struct UpgradeRefused {
    WallTime at;  // 0: none
    std::string problem;
    bool operator==(const UpgradeRefused&) const = default;
};

// Log lines that a process lost, because their reader did not read or has gone, over all processes of that name since
// the supervisor started or was upgraded.
struct LogLoss {
    std::string process;  // as a role, or "supervisor", "watcher", "reader"
    std::uint64_t lines = 0;
    WallTime last;  // when the supervisor heard of the last ones; 0: none yet
    bool operator==(const LogLoss&) const = default;
};

struct Supervision {
    WallTime since;  // the start of this supervisor
    ReloadResults reloads;
    std::vector<ProcessStatus> processes;  // those that the running configuration needs
    UpgradeRefused upgrade_refused{};
    std::vector<LogLoss> log_losses{};  // of each process that has been heard
    bool operator==(const Supervision&) const = default;
};

}  // namespace mainstay::report
