// The MAC address that the tests send from.
#pragma once

#include <cstddef>

#include "mainstay/wire/arp.hpp"

namespace mainstay::test {

inline constexpr wire::MacAddress kMac{std::byte{2}, {}, {}, {}, {}, std::byte{1}};

}  // namespace mainstay::test
