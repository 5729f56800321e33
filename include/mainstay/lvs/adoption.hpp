// What the kernel's table says about servers that another program has checked until now, with the same configuration.
#pragma once

#include <span>

#include "mainstay/base/time.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/lvs/memory.hpp"
#include "mainstay/lvs/table.hpp"

namespace mainstay::lvs {

// Of the services that the kernel has; the others start as they always do. A server that the kernel does not have, or
// with weight 0, was found down: it starts so until a check finds it up, as with alpha. Files and BFD sessions decide
// about theirs by themselves. Of a group its first service in the kernel counts. `now`: since when servers are in their
// state, as far as is known.
[[nodiscard]] Memory adopted_memory(std::span<const config::VirtualServer> services, const Table& kernel, WallTime now);

}  // namespace mainstay::lvs
