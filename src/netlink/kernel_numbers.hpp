// Numbers of the kernel's interface that messages of several kinds have.
#pragma once

#include <cstdint>

#include "mainstay/base/ip.hpp"

namespace mainstay::netlink {

inline constexpr std::uint8_t kFamilyV4 = 2, kFamilyV6 = 10;  // AF_INET, AF_INET6
inline constexpr std::uint32_t kForever = 0xffffffff;         // a lifetime of an address without end
inline constexpr std::uint32_t kForwardMask = 0x7;            // IPVS: the method in the flags of a destination

}  // namespace mainstay::netlink
