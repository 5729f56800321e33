// Which kernel runs.
#pragma once

namespace mainstay::kernel {

// Whether it is this release or a later one: 5.14 is release_at_least(5, 14).
[[nodiscard]] bool release_at_least(unsigned major, unsigned minor);

}  // namespace mainstay::kernel
