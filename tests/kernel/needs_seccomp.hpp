// For tests of the lists of allowed system calls.
#pragma once

#include "../needs.hpp"
#include "mainstay/kernel/system_calls.hpp"

namespace mainstay::test {

// A build for the sanitizers is without it: they make calls of their own.
inline constexpr Needs kNeedsSeccomp{"needs a build with libseccomp",
                                     [] { return !kernel::allowed_system_calls({}).empty(); }};

}  // namespace mainstay::test
