// Restricts the system calls of a process by seccomp. A compromised role can then neither start a program, nor trace or
// signal another process, nor use parts of the kernel that it does not need.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "mainstay/base/error.hpp"

namespace mainstay::kernel {

// Sets of system calls beyond computing, waiting, using sockets and reading files, which all roles may do.
enum class CallSet : std::uint8_t {
    WriteFiles,  // spool, dumps, sysctls: create, write, rename, remove
    Threads,     // clone() without a namespace of its own
    WatchFiles,  // inotify
    Schedule,    // its own scheduling and locked memory
};

// From here on any other call kills the process with SIGSYS, also in later threads; this is irrevocable. Needs
// no_new_privs or CAP_SYS_ADMIN. Errc::Unsupported: built without libseccomp (-Dseccomp=disabled), or a kernel without
// seccomp; nothing is restricted then. With -Dseccomp_log=true the kernel logs a forbidden call (audit) and permits it.
[[nodiscard]] Result<void> restrict_system_calls(std::span<const CallSet> sets);

// The names of the calls that `sets` allow, sorted; for tests and documentation.
[[nodiscard]] std::vector<std::string_view> allowed_system_calls(std::span<const CallSet> sets);

}  // namespace mainstay::kernel
