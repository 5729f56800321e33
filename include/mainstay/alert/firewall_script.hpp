// The one command by which vrrp_iptables acts. iptables and ipset want root and take their time, so the supervisor runs
// them like a script; the role says only what to do, in arguments that no shell interprets.
#pragma once

#include <string>
#include <vector>

#include "scripts.hpp"

namespace mainstay::alert {

inline constexpr const char* kFirewallKey = "firewall";  // also the queue: one after the other

// Whether this configuration may need it.
[[nodiscard]] bool wants_firewall_script(const config::Config& config);
[[nodiscard]] Wanted firewall_script();

}  // namespace mainstay::alert
