// The release of the running kernel.
#pragma once

namespace mainstay::kernel {

// True for this release or a later one: release_at_least(5, 14).
[[nodiscard]] bool release_at_least(unsigned major, unsigned minor);

}  // namespace mainstay::kernel
