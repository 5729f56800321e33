// How many connections a server has, of those that keep it from being drained.
#pragma once

#include <cstdint>

#include "facts.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::lvs {

// Over all kernel services of a group. For TCP and SCTP only active connections count, which excludes TIME_WAIT; for
// other protocols the kernel reports all connections as inactive.
[[nodiscard]] std::uint64_t connections_to(const ConnectionsCounted& counted, const config::VirtualServer& service,
                                           const Endpoint& server);

}  // namespace mainstay::lvs
