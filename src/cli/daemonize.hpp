// Puts the daemon into the background.
#pragma once

#include "mainstay/role/supervisor/supervisor.hpp"

namespace mainstay::cli {

// The caller's process ends here with 0; what returns true is the daemon: own session, working directory "/",
// standard streams on /dev/null (stderr stays when it is logged to). False: it could not fork.
[[nodiscard]] bool daemonize(bool keep_stderr);
// In an upgrade: the descriptor of the HandOver, and the path of the configuration from it; -1 at an ordinary start.
[[nodiscard]] int take_hand_over(role::SupervisorOptions& options);

}  // namespace mainstay::cli
