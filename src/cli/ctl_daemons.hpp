// The daemons of this host, and which of them mainstayctl asks.
#pragma once

#include <string>
#include <vector>

#include "mainstay/base/error.hpp"

namespace mainstay::cli {

struct RunningDaemon {
    std::string name;    // of its folder; empty: the one without a name
    std::string socket;  // its control socket
    int pid = 0;         // 0: not known
};
// Those that listen in `run_directory` and its folders: first the one without a name, then by name.
[[nodiscard]] std::vector<RunningDaemon> running_daemons(const std::string& run_directory);

struct DaemonChoice {
    std::string socket;    // --socket
    std::string instance;  // --instance: the name, which may lack what follows from the pid file
    std::string pid_file;  // --pid-file: that of -p
};
// The control socket to ask. Without a choice: that of the daemon without a name, or else of the only one there is.
// Errc::NotFound: no such daemon runs. Errc::Invalid: several do, which the text names.
[[nodiscard]] Result<std::string> control_socket_of(const DaemonChoice& choice, const std::string& run_directory);

// The name of the daemon with this control socket; empty: it has none, or the socket is not where daemons have theirs.
[[nodiscard]] std::string name_at(const std::string& socket, const std::string& run_directory);

// Prints the daemons of this host.
[[nodiscard]] int ctl_daemons(bool as_json);

}  // namespace mainstay::cli
