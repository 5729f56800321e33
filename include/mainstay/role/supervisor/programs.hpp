// Finds the programs of the roles.
#pragma once

#include <string>

namespace mainstay::role {

// The path of that program: in the folder of `supervisor` (the path of mainstayd) if it is there, as in a build folder,
// else in libexecdir. It need not exist.
[[nodiscard]] std::string program_path(const std::string& supervisor, const std::string& name);

}  // namespace mainstay::role
