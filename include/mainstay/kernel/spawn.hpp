// Starting other programs: roles with their inherited descriptors, and scripts as their users. Only the supervisor
// forks, and it has no threads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mainstay/base/error.hpp"
#include "process.hpp"
#include "process_limits.hpp"

namespace mainstay::kernel {

struct RoleProcess {
    std::string executable;
    std::vector<std::string> argv;
    std::vector<std::pair<int, int>> descriptors;  // ours, the child's number
    int network_namespace = -1;                    // that it runs in; -1: ours
    std::optional<ProcessLimits> limits = {};      // none: ours
};
// The child has the standard streams and these descriptors, and no other. Fails here, with its errno, also when the
// exec fails in the child.
[[nodiscard]] Result<int> spawn_role(const RoleProcess& process);

struct ScriptProcess {
    std::string path;               // absolute
    std::vector<std::string> argv;  // argv[0] as configured
    Account account;
    std::vector<std::uint32_t> groups;  // supplementary ones; the account's own group always is
    int network_namespace = -1;         // that it runs in; -1: ours
};
// Own process group, standard streams on /dev/null and no other descriptor, default signals and normal scheduling, TERM
// if we die, and of the daemon's environment what script_environment() keeps (keepalived: all but IFS, LD_PRELOAD and
// LD_LIBRARY_PATH).
[[nodiscard]] Result<int> spawn_script(const ScriptProcess& process);

// Becomes another program, with this process's id, children and the descriptors `keep`. All signals are blocked on the
// way, so that none is lost or kills a program that does not listen yet: it calls unblock_signals() when it does.
// Returns only when it failed; everything is as it was then.
[[nodiscard]] Error exec_again(const std::string& path, std::vector<std::string> argv,
                               const std::string& added_to_environment, const std::vector<int>& keep);
void unblock_signals();
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
