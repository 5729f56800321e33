// The reader: a process that reads, resolves and checks the configuration and sends the supervisor one sealed snapshot
// per role, and the table of scripts that may be run. It is separate and short-lived, so that a malicious or broken
// file can harm no other process.
#pragma once

namespace mainstay::role {

[[nodiscard]] int run_reader();

}  // namespace mainstay::role
