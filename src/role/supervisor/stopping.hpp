// How long the parts of a stop may take. Programs that drive the daemon kill it 5 s after SIGTERM (neutron); what has
// not been removed from the host by then stays.
#pragma once

#include <algorithm>
#include <chrono>

#include "mainstay/config/keywords.hpp"

namespace mainstay::role {

// Each counts from the beginning of the stop.
struct StopBounds {
    // Then a role that still runs is killed, and another process does what it left undone, until `again`.
    std::chrono::milliseconds roles{2'800}, again{3'800};
    std::chrono::milliseconds notify_scripts{4'100};  // and no longer than kForLastScripts after the roles
    std::chrono::milliseconds firewall{4'200};
    std::chrono::milliseconds observer{4'400};         // what it has not sent stays in its spools
    std::chrono::milliseconds shutdown_script{4'600};  // without shutdown_script_timeout
    std::chrono::milliseconds all{4'800};              // then nothing is waited for, killed processes neither
};

constexpr StopBounds stop_bounds(std::chrono::seconds child_wait) {
    StopBounds bounds;
    // The default is within these bounds, a longer one makes the whole longer.
    if (child_wait <= config::keyword::child_wait_time.otherwise) {
        bounds.roles = std::min<std::chrono::milliseconds>(child_wait, bounds.roles);
        return bounds;
    }
    const std::chrono::milliseconds more = child_wait - bounds.roles;
    for (auto* bound : {&bounds.roles, &bounds.again, &bounds.notify_scripts, &bounds.firewall, &bounds.observer,
                        &bounds.shutdown_script, &bounds.all})
        *bound += more;
    return bounds;
}

}  // namespace mainstay::role
