// Where the programs of the roles are.
#pragma once

#include <string>

namespace mainstay::role {

// The program of that name: in the folder of `supervisor` (the path of mainstayd), which is so in a build folder; else
// where programs that nobody calls by hand are installed. It need not exist.
[[nodiscard]] std::string program_path(const std::string& supervisor, const std::string& name);

}  // namespace mainstay::role
