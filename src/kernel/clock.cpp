#include "mainstay/kernel/clock.hpp"

namespace mainstay::kernel {

Instant monotonic_now() { return std::chrono::steady_clock::now(); }

WallTime wall_now() {
    const auto since = std::chrono::system_clock::now().time_since_epoch();
    return WallTime{std::chrono::duration_cast<std::chrono::microseconds>(since).count()};
}

}  // namespace mainstay::kernel
