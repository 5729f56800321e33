// The command that implements vrrp_iptables. iptables and ipset need root and are slow, so the supervisor runs them
// like a script; the role only sends arguments, which no shell interprets.
#pragma once

#include <string>
#include <vector>

#include "scripts.hpp"

namespace mainstay::alert {

inline constexpr const char* kFirewallKey = "firewall";  // also the queue, so that calls run one after the other

// Whether this configuration may need it.
[[nodiscard]] bool wants_firewall_script(const config::Config& config);
[[nodiscard]] Wanted firewall_script();

}  // namespace mainstay::alert
