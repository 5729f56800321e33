// Which scripts and FIFO lines a role may request from the supervisor. A role may be compromised, so it chooses only
// the state and the priority in a script's arguments, and only the object and its state in a FIFO line. Pure.
#pragma once

#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/alert/scripts.hpp"
#include "mainstay/base/error.hpp"
#include "scripts.hpp"

namespace mainstay::alert {

// The arguments of this key's script in addition to the configured ones, from those that a role has sent. Errc::Invalid
// for arguments that NotifyScripts does not make.
[[nodiscard]] Result<std::vector<std::string>> script_arguments(std::string_view key, std::string_view queue,
                                                                const std::vector<std::string>& extra);

// The objects whose events are written to a FIFO.
struct FifoNames {
    std::set<std::string, std::less<>> instances, groups, services;
    bool known = false;  // false: the plan is from an older program without this list; every name is allowed
};
inline constexpr std::size_t kFifoLineBytesMax = 4096;  // PIPE_BUF: a longer one could be written in part

// Checks a line of the vrrp or lvs role. Errc::NotFound: the line is well-formed, but the name is not configured.
// Errc::Invalid: malformed.
[[nodiscard]] Result<void> check_fifo_line(Requester from, std::string_view line, const FifoNames& names);

// Arguments of the firewall's command (below), as vrrp::filter_calls() makes them.
[[nodiscard]] bool is_firewall_call(std::span<const std::string> arguments);

// The command that implements vrrp_iptables. iptables and ipset need root and are slow, so the supervisor runs them
// like a script; the role only sends arguments, which no shell interprets.
inline constexpr const char* kFirewallKey = "firewall";  // also the queue, so that calls run one after the other

// Whether this configuration may need it.
[[nodiscard]] bool wants_firewall_script(const config::Config& config);
[[nodiscard]] Wanted firewall_script();

}  // namespace mainstay::alert
