// The processes of a daemon on this host, keepalived or mainstayd, and how to end them without a trace: no priority 0,
// no address or service removed, no script.
#pragma once

#include <chrono>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/base/error.hpp"

namespace mainstay::cli {

struct DaemonProcesses {
    int main = 0;
    std::vector<int> children;  // of the daemon's own program; not its scripts
    std::string unit;           // the systemd unit whose main process it is, "keepalived.service"; empty: none
};

// The keepalived whose pid file this is. Errc::NotFound: none runs, or another program has that number.
[[nodiscard]] Result<DaemonProcesses> running_keepalived(const std::string& pid_file);
// The mainstayd of a control socket. Errc::NotFound, Errc::Permission.
[[nodiscard]] Result<DaemonProcesses> running_mainstay(const std::string& socket);
// The program of this name that is the main process of a systemd unit. Errc::NotFound.
[[nodiscard]] Result<DaemonProcesses> running_in(const std::string& unit, std::string_view program);

struct InstanceStates {
    std::set<std::string> masters;
    std::set<std::string> working;  // masters and backups: those that are not in FAULT

    void add(const std::string& instance, std::string_view state);  // "MASTER", "BACKUP", ...
};

// keepalived writes a file when it is asked for its state. One that only balances has none of instances: it has none.
// Errc::NotFound: it wrote none within a few seconds; Errc::Permission: the file is not root's.
[[nodiscard]] Result<InstanceStates> states_of(const DaemonProcesses& keepalived);
// What such a file says.
[[nodiscard]] InstanceStates states_in_dump(const std::string& text);

// Of a short file, such as those in /proc; empty: it cannot be read.
[[nodiscard]] std::string first_line(const std::string& path);

// The entries of its environment ("NAME=value") and the words of its command line, of which each ends in a NUL; empty:
// it is gone, or may not be read.
[[nodiscard]] std::string environment_of(int pid);
[[nodiscard]] std::string command_line_of(int pid);
[[nodiscard]] int parent_of(int pid);                // 0: it is gone
[[nodiscard]] std::chrono::seconds age_of(int pid);  // 0: it is gone

// The children stand still before their parent dies, so that none does anything about it. Waits until all are gone.
[[nodiscard]] Result<void> kill_silently(const DaemonProcesses& daemon);
// A keepalived that was killed leaves its pid files: `main_file` and those of its children beside it. When another
// process has such a number, keepalived does not start (2.2.7).
void remove_pid_files(const DaemonProcesses& killed, const std::string& main_file);

}  // namespace mainstay::cli
