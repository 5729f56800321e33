// The trial of an upgrade: the new program, in a child of the running daemon, loads the configuration and the state
// blocks as its roles would, reports whether it can continue from them, and exits. It changes nothing.
#pragma once

namespace mainstay::role {

[[nodiscard]] int run_upgrade_trial();

}  // namespace mainstay::role
