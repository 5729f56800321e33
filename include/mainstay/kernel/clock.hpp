// The only place that reads a clock.
#pragma once

#include "mainstay/base/time.hpp"

namespace mainstay::kernel {

[[nodiscard]] Instant monotonic_now();  // CLOCK_MONOTONIC
[[nodiscard]] WallTime wall_now();      // CLOCK_REALTIME

}  // namespace mainstay::kernel
