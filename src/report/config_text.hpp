// Parts of the configuration as keepalived writes them, in its dumps and over SNMP alike. Pure.
#pragma once

#include <string>

#include "mainstay/config/model.hpp"
#include "mainstay/vrrp/trackers.hpp"

namespace mainstay::report {

// Each argument in single quotes: "'/bin/x' 'y z'".
[[nodiscard]] std::string quoted_command(const config::Command& command);
// The arguments after the program's name: "-x -y".
[[nodiscard]] std::string parameters_text(const vrrp::ProcessTracker& process);

}  // namespace mainstay::report
