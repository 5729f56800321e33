// What the kernel's table says about servers that another program has checked until now, with the same configuration.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "mainstay/base/time.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/lvs/memory.hpp"
#include "mainstay/lvs/table.hpp"

namespace mainstay::lvs {

// Of the services that the kernel has; the others start as they always do. A server that the kernel does not have, or
// with weight 0 and inhibit_on_failure, was found down: it starts so until a check finds it up. The weight of one whose
// check decides about it stays until that check has run. Files and BFD sessions decide about theirs by themselves. Of a
// group its first service in the kernel counts. `now`: since when servers are in their state, as far as is known.
[[nodiscard]] Memory adopted_memory(std::span<const config::VirtualServer> services, const Table& kernel, WallTime now);
// The servers in use with a weight that neither the configuration nor a check has given them: a line each, for people.
[[nodiscard]] std::vector<std::string> weights_set_by_hand(std::span<const config::VirtualServer> services,
                                                           const Table& kernel);

}  // namespace mainstay::lvs
