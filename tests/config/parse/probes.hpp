// Single slips in a small valid file: keepalived's exit code for each as it was seen, and what mainstay says of it.
// The names are those of the record of keepalived's answers (compat/probes.txt, beside some checkouts).
#pragma once

#include <string>
#include <vector>

#include "../samples.hpp"

namespace mainstay::config::testing {

struct Probe {
    std::string slip;
    int exit_code;  // keepalived 2.4.3's for `-t`
    std::string text;
    // "LINE severity CODE" of every diagnostic, in their order, separated by ", ".
    std::string reported;
    // Mainstay's exit code where it is another; docs/compatibility.md quotes the slip and gives the reason.
    int other_exit_code = -1;
    bool every_interface_exists = false;
};

[[nodiscard]] std::vector<Probe> structure_probes();
[[nodiscard]] std::vector<Probe> instance_probes();
[[nodiscard]] std::vector<Probe> script_probes();
[[nodiscard]] std::vector<Probe> service_probes();

}  // namespace mainstay::config::testing
