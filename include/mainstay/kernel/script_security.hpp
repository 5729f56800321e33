// Whether somebody other than root may change a script that runs with root's rights. Asked when the configuration is
// read and again before each run: what was safe then may have been changed since.
#pragma once

#include <string>

#include "process.hpp"

namespace mainstay::kernel {

// The path without symbolic links; as it stands when it leads nowhere.
[[nodiscard]] std::string real_path(const std::string& path);
// Of a path without symbolic links: true when `account` is root or the file makes its process root, and the file or a
// folder above it belongs to another account or may be written by one. A file that is not there is not judged.
[[nodiscard]] bool insecure_script(const std::string& path, const Account& account);

}  // namespace mainstay::kernel
