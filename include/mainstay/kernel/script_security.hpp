// Whether accounts other than root may modify a script that runs as root. Checked when the configuration is read and
// again before each run, because owner and mode may have changed.
#pragma once

#include <sys/stat.h>

#include <optional>
#include <string>

#include "process.hpp"

namespace mainstay::kernel {

// Of what symbolic links lead to; empty: it does not exist, or the caller may not look at it.
[[nodiscard]] std::optional<struct stat> stat_of(const std::string& path);
// True when an account other than root may modify or replace a path of these facts. A sticky folder (/tmp) protects the
// files in it, so its write permission for others is ignored.
[[nodiscard]] bool changeable_by_others(const struct stat& facts);
// The path without symbolic links; unchanged if it does not exist.
[[nodiscard]] std::string real_path(const std::string& path);
// `path` must be free of symbolic links. True if the script runs as root (`account`, or setuid) and the file or a
// folder above it belongs to another account or is writable by one. False for a missing file.
[[nodiscard]] bool insecure_script(const std::string& path, const Account& account);

}  // namespace mainstay::kernel
