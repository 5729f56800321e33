// A configuration with all its includes as one text.
#pragma once

#include <string>

#include "mainstay/config/load.hpp"

namespace mainstay::config {

// The text that load_file() parses, with includes, definitions and conditions resolved, and with its secrets. Empty if
// nothing can be read.
[[nodiscard]] std::string consolidated(const std::string& path, const Environment& environment);

}  // namespace mainstay::config
