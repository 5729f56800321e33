// The table of mounts, /proc/self/mountinfo (proc_pid_mountinfo(5)).
#pragma once

#include <istream>
#include <string>
#include <vector>

namespace mainstay::kernel {

struct Mount {
    std::string point, type, options;  // the options of the file system, not those of the mount
};
// In the order in which they were made: of several at one mount point the last one is seen.
[[nodiscard]] std::vector<Mount> read_mounts(std::istream& mountinfo);

}  // namespace mainstay::kernel
