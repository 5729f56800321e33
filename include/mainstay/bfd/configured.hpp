// The BFD sessions of a configuration: its bfd_instance blocks with defaults filled in.
#pragma once

#include <vector>

#include "facts.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::bfd {

// In the order of the file. A block is left out when it has no neighbour, when its source is of another family, or when
// an earlier one has its name, or its neighbour, source and kind.
[[nodiscard]] std::vector<Settings> configured_sessions(const config::Config& config);

}  // namespace mainstay::bfd
