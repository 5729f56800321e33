// The files that the supervisor keeps for its next start, in a folder that only root may write to.
#pragma once

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "mainstay/base/error.hpp"

namespace mainstay::role {

// An error: it is not what root alone could have written. `path` is for its text.
[[nodiscard]] inline Result<struct stat> facts_of_own_file(int file, const std::string& path) {
    constexpr mode_t kWritableByOthers = 022;
    struct stat status{};
    if (::fstat(file, &status) != 0) return fail_system("fstat " + path, errno);
    if (!S_ISREG(status.st_mode) || status.st_uid != ::geteuid() || (status.st_mode & kWritableByOthers) != 0)
        return fail(Errc::Permission, path + " is not a file that only root may write to");
    return status;
}

}  // namespace mainstay::role
