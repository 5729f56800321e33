// Settings of the judge that keepalived does not have. They are inherited as in keepalived: from the checker, else its
// real server, else its virtual server.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mainstay/config/model.hpp"

namespace mainstay::lvs {

// Successes in a row before a failed check counts as passed; failed rounds (a try and its retries) in a row before a
// passed check counts as failed. At least 1.
struct RiseFall {
    std::uint32_t rise = 1, fall = 1;
    bool operator==(const RiseFall&) const = default;
};
[[nodiscard]] RiseFall rise_fall_of(const config::VirtualServer& service, const config::RealServer& server,
                                    const config::Checker& checker);
// How long a recovered server takes to reach its full weight; 0: at once.
[[nodiscard]] Micros slow_start_of(const config::VirtualServer& service, const config::RealServer& server);
// How long a server that is taken out by a reload or an operator may keep its connections; 0: removed at once.
[[nodiscard]] Micros drain_timeout_of(const config::VirtualServer& service, const config::RealServer& server);
// Failing checks leave at least this many servers in the table; 0: they may remove all.
[[nodiscard]] std::size_t min_alive_of(const config::VirtualServer& service);
// Whether one probe may serve all checkers with the same target and settings.
[[nodiscard]] bool shares_probe(const config::VirtualServer& service, const config::RealServer& server,
                                const config::Checker& checker);

}  // namespace mainstay::lvs
