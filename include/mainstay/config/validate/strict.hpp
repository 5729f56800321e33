// --strict: a configuration with any warning is refused.
#pragma once

#include <algorithm>

#include "mainstay/config/load.hpp"

namespace mainstay::config {

// True for a warning or a more severe diagnostic; notes do not count.
[[nodiscard]] inline bool has_warnings(const Loaded& loaded) {
    return std::ranges::any_of(loaded.diagnostics,
                               [](const Diagnostic& found) { return found.severity >= Severity::Warning; });
}

}  // namespace mainstay::config
