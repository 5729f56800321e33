#pragma once

#include <string>

#include "mainstay/base/error.hpp"

namespace mainstay::cli {

// The first line of a file that only its owner and group may read. Read again for each request: it may be replaced.
[[nodiscard]] Result<std::string> secret_of(const std::string& file);

}  // namespace mainstay::cli
