// Whether a reload treats two instances as the same virtual router, which then keeps its state, timers and counters.
#pragma once

#include "mainstay/config/model.hpp"

namespace mainstay::vrrp {

// VRID, family, interface, kind of addressing and use of a VMAC.
[[nodiscard]] bool same_virtual_router(const config::Instance& a, const config::Instance& b);
// keepalived: VRID, family, interface and kind of addressing; then source (unicast) or group (multicast) (2.4.3). The
// name and the MAC address of a VMAC may change.
[[nodiscard]] bool same_instance(const config::Instance& a, const config::Instance& b);

}  // namespace mainstay::vrrp
