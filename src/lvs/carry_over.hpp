// Carries the state of unchanged servers and checkers over a reload.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "mainstay/lvs/memory.hpp"
#include "services.hpp"

namespace mainstay::lvs {

// The index of the server with this address; none if there is no such server.
[[nodiscard]] std::optional<std::size_t> find_server(const config::VirtualServer& service, const Endpoint& endpoint);

// find_server() for as many searches as there are servers: of a source there may be ten thousand.
class ServerIndex {
public:
    explicit ServerIndex(const config::VirtualServer& service);  // must outlive this object
    [[nodiscard]] std::optional<std::size_t> find(const Endpoint& endpoint) const;

private:
    const config::VirtualServer& service_;
    std::vector<std::size_t> order_;  // by address; empty: there are so few that each search looks at them all
};

// Copies the state of a server before a reload to its state after it. `alive` is copied unchanged; the caller decides
// and reports what follows from the new configuration's checks.
void carry_server(const config::RealServer& before, const ServerState& old, const config::RealServer& config,
                  ServerState& server, Instant now);

// Restores the state of a crashed incarnation.

// Restores the states of services and servers that are still configured.
void recall(Services& services, const Memory& memory, Moment at);

}  // namespace mainstay::lvs
