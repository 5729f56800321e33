// A setting of the kernel as text.
#pragma once

#include <string>

#include "mainstay/kernel/sysctl.hpp"

namespace mainstay::role::test {

inline std::string value(const std::string& name) { return kernel::read_sysctl(name).value_or("none"); }

}  // namespace mainstay::role::test
