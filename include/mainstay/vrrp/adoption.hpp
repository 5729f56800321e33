// What another program on this host, which runs the same configuration, does for it at this moment, as far as the
// kernel shows it. A start from this snapshot goes on where that program is: no election, no gratuitous ARP, no
// notification.
#pragma once

#include <span>

#include "mainstay/base/time.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/vrrp/facts.hpp"

namespace mainstay::vrrp {

// An instance is MASTER if it has addresses and the host holds all of them, each on its interface. A member of a sync
// group without addresses of its own is MASTER with all members that have some. The other instances are not in the
// snapshot: they start as they always do. What such a master tracks is up until something else is known, because it
// would not be MASTER otherwise. The masters' next adverts are due at `now`.
[[nodiscard]] RouterSnapshot adopted_state(const config::Config& config, std::span<const InterfaceFact> interfaces,
                                           Instant now);

}  // namespace mainstay::vrrp
