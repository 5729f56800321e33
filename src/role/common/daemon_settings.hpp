// What the supervisor acts on of a configuration, where its files are, and what a reload may not change. Pure.
#pragma once

#include <optional>
#include <string>

#include "mainstay/config/model.hpp"
#include "mainstay/ipc/daemon_settings.hpp"
#include "mainstay/role/common/identity.hpp"

namespace mainstay::role {

// `named` is the network namespace of the command line (-s), which beats the configuration's.
[[nodiscard]] ipc::DaemonSettings daemon_settings(const config::Config& config, const std::string& named);

// The first setting that differs and that only a restart can change, as the log calls it.
[[nodiscard]] std::optional<std::string> changed_at_reload(const ipc::DaemonSettings& before,
                                                           const ipc::DaemonSettings& after);

// Where this copy of the daemon has its files: several run side by side when each has a network namespace or an
// instance name of its own.
struct Places {
    std::string run_directory, spool_directory;  // with the namespace and the instance as a folder
    std::string suffix;                          // of syslog idents: "_<netns>_<instance>"
    std::string pid_directory;
    std::string pid_suffix;  // "_<instance>", of the files in pid_directory
    [[nodiscard]] std::string pid_file(const Identity& identity, Kind kind) const;
};
[[nodiscard]] Places places_of(const Identity& identity, const std::string& run_directory,
                               const std::string& spool_directory, const ipc::DaemonSettings& settings);

// A dump's file: `standard` ("keepalived.data") in `tmp`, or what state_dump_file says (`configured`: a path, or a
// folder that ends in '/'; a relative one is below `tmp`); `process` ("_check") goes before the extension, and so do
// the names of namespace and instance when data_use_instance is set.
[[nodiscard]] std::string dump_path(const std::string& tmp, const std::string& standard, const std::string& configured,
                                    const std::string& process, const std::string& instance_suffix);

}  // namespace mainstay::role
