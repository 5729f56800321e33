// The priorities of adverts that no configuration gives.
#pragma once

#include <cstdint>

namespace mainstay::vrrp {

inline constexpr std::uint8_t kReducedPriority = 254;    // of an address owner while there is another owner
inline constexpr std::uint8_t kMaintenancePriority = 1;  // the lowest: every other router is preferred

}  // namespace mainstay::vrrp
