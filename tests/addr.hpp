// Addresses from text.
#pragma once

#include <string_view>

#include "mainstay/base/ip.hpp"

namespace mainstay::test {

inline IpAddress addr(std::string_view text) { return IpAddress::parse(text).value(); }

}  // namespace mainstay::test
