// The descriptor limit of the process, which bounds how many health checks may run at a time.
#pragma once

#include <cstddef>

namespace mainstay::role {

inline constexpr std::size_t kDescriptorsForOthers = 64;  // for everything that is not a health check

// Raises the process's descriptor limit as far as needed and permitted. Returns how many checks it then allows.
[[nodiscard]] std::size_t raise_descriptor_limit();

}  // namespace mainstay::role
