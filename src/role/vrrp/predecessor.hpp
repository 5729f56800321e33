// What a starting vrrp process goes on from: the state of a crashed process of this daemon, or, with --takeover, what
// another program holds on this host.
#pragma once

#include <optional>

#include "mainstay/report/status.hpp"
#include "mainstay/role/common/runtime.hpp"
#include "mainstay/vrrp/router.hpp"

namespace mainstay::role {

// None: no process crashed, or its state block cannot be used.
[[nodiscard]] std::optional<report::VrrpStatus> left_by_crash(Runtime& runtime, bool restarted);

// The state for Router::start(); none: it starts anew. `found` is what left_by_crash() returned.
[[nodiscard]] std::optional<vrrp::RouterSnapshot> state_to_go_on_from(Runtime& runtime, bool restarted,
                                                                      const std::optional<report::VrrpStatus>& found,
                                                                      const config::Config& config,
                                                                      const vrrp::HostFacts& host);

}  // namespace mainstay::role
