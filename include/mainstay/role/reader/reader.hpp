// The reader: a short-lived process that reads, resolves and checks the configuration and hands the supervisor one
// sealed snapshot per role, and the table of scripts that may be run. It then exits: whatever a hostile or broken
// file does to it is gone with it.
#pragma once

namespace mainstay::role {

[[nodiscard]] int run_reader();

}  // namespace mainstay::role
