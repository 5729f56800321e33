// A reload: what a server and its checkers were is what they are in the new configuration, as far as they are the same.
#pragma once

#include <optional>

#include "services.hpp"

namespace mainstay::lvs {

// The index of the server with this address; none: there is none.
[[nodiscard]] std::optional<std::size_t> find_server(const config::VirtualServer& service, const Endpoint& endpoint);

// Brings the state of a server before a reload into its state after it. `alive` stays what it was, whatever the checks
// of the new configuration make of it: that is the caller's to decide and to report.
void carry_server(const config::RealServer& before, const ServerState& old, const config::RealServer& config,
                  ServerState& server, Instant now);

}  // namespace mainstay::lvs
