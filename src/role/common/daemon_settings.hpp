// The settings that the supervisor itself uses, the paths of the daemon's files, and which settings need a restart.
// Pure.
#pragma once

#include <optional>
#include <string>

#include "mainstay/config/model.hpp"
#include "mainstay/ipc/settings.hpp"
#include "mainstay/role/common/identity.hpp"

namespace mainstay::role {

// `named` is the network namespace from the command line (-s), which overrides the configuration's.
[[nodiscard]] ipc::DaemonSettings daemon_settings(const config::Config& config, const std::string& named);

// The name, for the log, of the first changed setting that takes effect only at a restart.
[[nodiscard]] std::optional<std::string> changed_at_reload(const ipc::DaemonSettings& before,
                                                           const ipc::DaemonSettings& after);

// The paths of this daemon's files. Several daemons can run on a host if each has its own network namespace, instance
// name or pid file (-p).
struct Paths {
    std::string name, pid_name;                  // of the daemon, and its part that follows from -p; may be empty
    std::string run_directory, spool_directory;  // with the name as a folder
    std::string state_directory;
    std::string suffix;  // of syslog idents: "_<netns>_<instance>"
    std::string pid_directory;
    std::string pid_suffix;  // "_<instance>", of the files in pid_directory
    [[nodiscard]] std::string pid_file(const Identity& identity, Kind kind) const;
};
[[nodiscard]] Paths paths_of(const Identity& identity, const std::string& run_directory,
                             const std::string& spool_directory, const ipc::DaemonSettings& settings,
                             const std::string& pid_name = {});

// The path of a dump file: `standard` ("keepalived.data") in `tmp`, or the value of state_dump_file (`configured`: a
// path, or a folder that ends in '/'; a relative one is below `tmp`). `process` ("_check") is inserted before the
// extension, and so are the names of namespace and instance if data_use_instance is set.
[[nodiscard]] std::string dump_path(const std::string& tmp, const std::string& standard, const std::string& configured,
                                    const std::string& process, const std::string& instance_suffix);

}  // namespace mainstay::role
