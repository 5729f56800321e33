// Starts other programs: roles with their inherited descriptors, and scripts under their accounts. Only the supervisor
// forks, and it has no threads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mainstay/base/error.hpp"
#include "process.hpp"

namespace mainstay::kernel {

struct RoleProcess {
    std::string executable;
    std::vector<std::string> argv;
    std::vector<std::pair<int, int>> descriptors;  // ours, the child's number
    int network_namespace = -1;                    // in which it runs; -1: ours
    std::optional<ProcessLimits> limits = {};      // none: ours
};
// The child has the standard streams and these descriptors only. A failing exec in the child is returned as an error
// with its errno.
[[nodiscard]] Result<int> spawn_role(const RoleProcess& process);

struct ScriptProcess {
    std::string path;               // absolute
    std::vector<std::string> argv;  // argv[0] as configured
    Account account;
    std::vector<std::uint32_t> groups;               // supplementary ones; the account's own group always is
    int network_namespace = -1;                      // in which it runs; -1: ours
    std::vector<std::string> pass_environment = {};  // patterns of variables that it gets besides the usual ones
    int errors = -1;                                 // its standard error; -1: /dev/null
    int umask = -1;                                  // -1: ours
};
// The script gets its own process group, /dev/null as its other standard streams and no other descriptor, default
// signals, normal scheduling, SIGTERM when the daemon dies, and the environment from script_environment() (keepalived
// 2.2.7: all of its own, LD_LIBRARY_PATH and BASH_ENV among them).
[[nodiscard]] Result<int> spawn_script(const ScriptProcess& process);

// Executes another program in this process, which keeps its id, its children and the descriptors `keep`. All signals
// are blocked, so that none is lost or kills the new program before it handles them; see queue_signals().
// Returns only on failure, with nothing changed.
[[nodiscard]] Error exec_again(const std::string& path, std::vector<std::string> argv,
                               const std::string& added_to_environment, const std::vector<int>& keep);
void close_on_exec(int fd, bool close);

void terminate_group(int pid, bool by_force);  // TERM, or KILL

struct Ended {
    int pid = 0;
    bool signalled = false;
    int status = 0;  // exit status or signal number
};
[[nodiscard]] std::string text_of(const Ended& how);  // "signal 9", "exit status 1"
// A child that has ended, if there is one.
[[nodiscard]] std::optional<Ended> reap();

}  // namespace mainstay::kernel
