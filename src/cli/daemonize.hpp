// Puts the daemon into the background.
#pragma once

#include <cstdint>
#include <optional>

#include "mainstay/role/supervisor/supervisor.hpp"

namespace mainstay::cli {

// What returns true is the daemon: own session, working directory "/", standard streams on /dev/null (stderr stays when
// it is logged to). False: it could not fork.
// The caller's process ends here: at once and with 0, or when the daemon runs (0) or has ended before (its exit code,
// with the reason on stderr, unless that is logged to and has it already). It waits for 30 s at most.
enum class Parent : std::uint8_t { EndsAtOnce, Waits };
[[nodiscard]] bool daemonize(role::SupervisorOptions& options, Parent parent);
// The status of keepalived's command for a file that it cannot open, before it goes to the background, with the reason
// on stderr; none: it can. For the name keepalived, whose command does not wait for the daemon.
[[nodiscard]] std::optional<int> missing_file_status(const role::SupervisorOptions& options);
// In the foreground: the reason on stderr why the daemon does not run, likewise.
void report_start_here(role::SupervisorOptions& options);
// In an upgrade: the descriptor of the HandOver, and the path of the configuration from it; -1: there is nothing to
// take over, and all that the program before left open is closed. None: an ordinary start.
[[nodiscard]] std::optional<int> take_hand_over(role::SupervisorOptions& options);

}  // namespace mainstay::cli
