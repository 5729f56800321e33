// After an upgrade in place, or a restart of a process that died: what this router stayed MASTER of, for the history of
// events.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mainstay/base/event.hpp"
#include "mainstay/report/status.hpp"
#include "mainstay/role/common/runtime.hpp"
#include "mainstay/vrrp/facts.hpp"
#include "mainstay/vrrp/router.hpp"

namespace mainstay::role {

// One event for each instance that was and is MASTER, in the order of `after`, without scripts, mails, traps and
// signals. What an instance lost is told by the router. `upgraded_from`: the version of the program before; empty: the
// process before died.
[[nodiscard]] std::vector<Event> resumed_events(const vrrp::RouterSnapshot& before, const vrrp::RouterSnapshot& after,
                                                Instant now, const std::string& upgraded_from);
void publish_resumed(Runtime& runtime, const vrrp::RouterSnapshot& before, const vrrp::RouterSnapshot& after);

// What a starting vrrp process goes on from: the state of a crashed process of this daemon, or, with --takeover, what
// another program holds on this host.

// None: no process crashed, or its state block cannot be used.
[[nodiscard]] std::optional<report::VrrpStatus> left_by_crash(Runtime& runtime, bool restarted);

// The state for Router::start(); none: it starts anew. `found` is what left_by_crash() returned.
[[nodiscard]] std::optional<vrrp::RouterSnapshot> state_to_go_on_from(Runtime& runtime, bool restarted,
                                                                      const std::optional<report::VrrpStatus>& found,
                                                                      const config::Config& config,
                                                                      const vrrp::HostFacts& host);

}  // namespace mainstay::role
