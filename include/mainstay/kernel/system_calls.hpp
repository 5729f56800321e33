// Which system calls a process may still make. A role that was taken over by whoever it reads from can then neither
// start a program, nor trace or signal another process, nor reach parts of the kernel that it has no business with.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "mainstay/base/error.hpp"

namespace mainstay::kernel {

// What a role does beside computing, waiting, talking over sockets and reading files, which all may.
enum class CallSet : std::uint8_t {
    WriteFiles,  // spool, dumps, sysctls: create, write, rename, remove
    Threads,     // clone() without a namespace of its own
    WatchFiles,  // inotify
    Schedule,    // its own scheduling and locked memory
};

// From here on any other call ends the process with SIGSYS, also in threads that start later; there is no way back.
// Needs no_new_privs or CAP_SYS_ADMIN. Errc::Unsupported: built without libseccomp (-Dseccomp=disabled), or a kernel
// without it: nothing is restricted then. With -Dseccomp_log=true a forbidden call is logged by the kernel (audit) and
// goes on.
[[nodiscard]] Result<void> restrict_system_calls(std::span<const CallSet> sets);

// The names of the calls that `sets` allow, sorted; for tests and documentation.
[[nodiscard]] std::vector<std::string_view> allowed_system_calls(std::span<const CallSet> sets);

}  // namespace mainstay::kernel
