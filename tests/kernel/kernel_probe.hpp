#pragma once

#include <string>
#include <vector>

#include "mainstay/base/error.hpp"

namespace mainstay::probe_tool {

using Arguments = std::vector<std::string>;  // the command's name first

// Prints the error as a line of JSON; 1, the exit status.
int report(const Error& error);

}  // namespace mainstay::probe_tool
