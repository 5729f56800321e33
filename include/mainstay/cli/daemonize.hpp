// Into the background, as daemons do.
#pragma once

namespace mainstay::cli {

// The caller's process ends here with 0; what returns true is the daemon: own session, working directory "/",
// standard streams on /dev/null (stderr stays when it is logged to). False: it could not fork.
[[nodiscard]] bool daemonize(bool keep_stderr);

}  // namespace mainstay::cli
