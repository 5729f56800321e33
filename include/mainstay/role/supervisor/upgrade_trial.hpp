// The new program on trial, in a child of the running daemon: it loads the configuration and the state blocks as its
// roles would, says whether it can go on from them, and exits. Nothing is changed.
#pragma once

namespace mainstay::role {

[[nodiscard]] int run_upgrade_trial();

}  // namespace mainstay::role
