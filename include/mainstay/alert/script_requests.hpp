// What a role may have the supervisor run and write. A role is treated as if somebody had taken it over: of a script it
// chooses nothing but the state and the priority that the script is called with, of a FIFO line nothing but whose turn
// it is. Pure.
#pragma once

#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mainstay/alert/scripts.hpp"
#include "mainstay/base/error.hpp"

namespace mainstay::alert {

// The arguments that a script of this key gets beyond the configured ones, from those that a role has sent. They are
// what notify_calls() and ServiceScripts make, and nothing else: Errc::Invalid.
[[nodiscard]] Result<std::vector<std::string>> script_arguments(std::string_view key, std::string_view queue,
                                                                const std::vector<std::string>& extra);

// Whose events a FIFO tells.
struct FifoNames {
    std::set<std::string, std::less<>> instances, groups, services;
    bool known = false;  // false: a program that did not make this list made the plan; every name counts
};
inline constexpr std::size_t kFifoLineBytesMax = 4096;  // PIPE_BUF: a longer one could be written in part

// A line of vrrp's, or of lvs's. Errc::NotFound: its form is right, but the name is not configured. Errc::Invalid: no
// line of mainstay's has this form.
[[nodiscard]] Result<void> check_fifo_line(Requester from, std::string_view line, const FifoNames& names);

// Arguments of the firewall's command (firewall_script.hpp), as vrrp::filter_calls() makes them.
[[nodiscard]] bool is_firewall_call(std::span<const std::string> arguments);

}  // namespace mainstay::alert
