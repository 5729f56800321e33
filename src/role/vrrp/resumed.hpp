// After an upgrade in place, or a restart of a process that died: what this router stayed MASTER of, for the history of
// events.
#pragma once

#include <string>
#include <vector>

#include "mainstay/base/event.hpp"
#include "mainstay/role/common/runtime.hpp"
#include "mainstay/vrrp/facts.hpp"

namespace mainstay::role {

// One event for each instance that was and is MASTER, in the order of `after`, without scripts, mails, traps and
// signals. What an instance lost is told by the router. `upgraded_from`: the version of the program before; empty: the
// process before died.
[[nodiscard]] std::vector<Event> resumed_events(const vrrp::RouterSnapshot& before, const vrrp::RouterSnapshot& after,
                                                Instant now, const std::string& upgraded_from);
void publish_resumed(Runtime& runtime, const vrrp::RouterSnapshot& before, const vrrp::RouterSnapshot& after);

}  // namespace mainstay::role
