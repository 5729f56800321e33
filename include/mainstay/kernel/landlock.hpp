// Landlock (landlock(7)): restricts which paths a process may open, in addition to accounts and file modes.
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
        Write,   // Read, and write to existing files
        Manage,  // Write, and create, rename and remove files, folders and sockets
    };
    std::string path;  // including everything below it
    Access access = Access::Read;
    bool operator==(const PathRule&) const = default;
};

struct Reach {
    std::vector<PathRule> paths;
    bool tcp = false;  // may connect and listen; needs Linux 6.7
};

// The kernel's Landlock ABI version; 0: none.
[[nodiscard]] int landlock_version();
// Irrevocably restricts this process: it can open only the paths of `reach`, start no program, signal only its own
// domain, and connect to no abstract socket of another domain, as far as the kernel's version supports that. Missing
// paths are left out. Call it after dropping privileges. Errc::Unsupported: the kernel has no Landlock.
[[nodiscard]] Result<void> restrict_reach(const Reach& reach);

}  // namespace mainstay::kernel
