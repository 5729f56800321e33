// How many health checks may run at a time, as far as descriptors go.
#pragma once

#include <cstddef>

namespace mainstay::role {

inline constexpr std::size_t kDescriptorsForOthers = 64;  // than checks

// Raises the process's limit as far as checks need it and it may be raised; what it then allows for checks.
[[nodiscard]] std::size_t raise_descriptor_limit();

}  // namespace mainstay::role
