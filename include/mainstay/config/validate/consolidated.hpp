// A configuration as one text.
#pragma once

#include <string>

#include "mainstay/config/load.hpp"

namespace mainstay::config {

// What load_file() reads, without includes, definitions and conditions; with its secrets. Empty when there is nothing
// to be read.
[[nodiscard]] std::string consolidated(const std::string& path, const Environment& environment);

}  // namespace mainstay::config
