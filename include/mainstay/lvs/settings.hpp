// Keywords that keepalived does not know and that the judge decides by. Each is resolved as keepalived's own defaults
// are: what the checker says, else its real server, else its virtual server.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mainstay/config/model.hpp"

namespace mainstay::lvs {

// Successes in a row before a check that failed counts as passed; failed rounds (a try and its retries) in a row before
// one that passed counts as failed. At least 1.
struct RiseFall {
    std::uint32_t rise = 1, fall = 1;
    bool operator==(const RiseFall&) const = default;
};
[[nodiscard]] RiseFall rise_fall_of(const config::VirtualServer& service, const config::RealServer& server,
                                    const config::Checker& checker);
// How long a server that came back takes to its full weight; 0: at once.
[[nodiscard]] Micros slow_start_of(const config::VirtualServer& service, const config::RealServer& server);
// How long a server that is taken out by a reload or an operator may keep its connections; 0: removed at once.
[[nodiscard]] Micros drain_timeout_of(const config::VirtualServer& service, const config::RealServer& server);
// Checks leave that many servers in; 0: they take all of them out.
[[nodiscard]] std::size_t min_alive_of(const config::VirtualServer& service);
// Its probe may be run once for all checkers that ask the same.
[[nodiscard]] bool shares_probe(const config::VirtualServer& service, const config::RealServer& server,
                                const config::Checker& checker);

}  // namespace mainstay::lvs
