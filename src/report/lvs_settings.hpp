// Parts of the configuration, and settings of services and servers, as keepalived shows them, in its dumps and over
// SNMP alike. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "mainstay/config/model.hpp"
#include "mainstay/lvs/quorum.hpp"
#include "mainstay/report/status.hpp"
#include "mainstay/vrrp/trackers.hpp"

namespace mainstay::report {

// The state of a configured service, which is looked for at `likely` first; null: the role has not told of it.
[[nodiscard]] const ServiceStatus* status_of(const LvsStatus& status, const config::VirtualServer& service,
                                             std::size_t likely);

// The service with the servers that it has: those of files and DNS names instead of the blocks that name them. Without
// a state there are none of these.
[[nodiscard]] config::VirtualServer in_force(const config::VirtualServer& service, const ServiceStatus* status);
[[nodiscard]] bool names_servers(const config::VirtualServer& service);  // has such a block
// The state of this server, which is looked for at `likely` first; null: the role has not told of it.
[[nodiscard]] const ServerStatus* status_of(const ServiceStatus* status, const config::RealServer& server,
                                            std::size_t likely);

// Settings of a service or a server that its checks inherit. 0: each type of check has its own.
struct CheckSettings {
    std::uint64_t retry = 0;
    Micros delay{0}, warmup{0}, loop{0}, connect{5'000'000};
    bool alpha = false;
};
[[nodiscard]] CheckSettings settings_of(const config::VirtualServer& service);
[[nodiscard]] CheckSettings settings_of(const config::VirtualServer& service, const config::RealServer& server);

// A quorum above the sum of the weights is reduced to that sum, as in keepalived, and a hysteresis below it. Before the
// service is in the status, and with a status of an older writer, the configuration yields the same.
[[nodiscard]] lvs::Quorum quorum_in_use(const config::VirtualServer& service, const ServiceStatus* status);

// Each argument in single quotes: "'/bin/x' 'y z'".
[[nodiscard]] std::string quoted_command(const config::Command& command);
// The arguments after the program's name: "-x -y".
[[nodiscard]] std::string parameters_text(const vrrp::ProcessTracker& process);

}  // namespace mainstay::report
