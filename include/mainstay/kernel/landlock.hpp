// Landlock: what of the file system a process may open from now on, beside what accounts and modes say (landlock(7)).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "mainstay/base/error.hpp"

namespace mainstay::kernel {

struct PathRule {
    enum class Access : std::uint8_t {
        Read,    // files and folders
        Write,   // and write to files that are there
        Manage,  // and make, rename and remove files, folders and sockets
    };
    std::string path;  // with all that is below it
    Access access = Access::Read;
    bool operator==(const PathRule&) const = default;
};

struct Reach {
    std::vector<PathRule> paths;
    bool tcp = false;  // may connect and listen; needs Linux 6.7
};

// The version of Landlock that the kernel has; 0: none.
[[nodiscard]] int landlock_version();
// For good: no path can be opened but those of `reach`, no program started, no process signalled that is not of its
// own, no abstract socket connected to that others made; as far as the kernel's version goes. A path that is not there
// is left out. To be called when privileges have been dropped. Errc::Unsupported: the kernel has no Landlock.
[[nodiscard]] Result<void> restrict_reach(const Reach& reach);

}  // namespace mainstay::kernel
