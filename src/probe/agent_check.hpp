// AGENT_CHECK: asks an agent on the server for its state and weight, like HAProxy's agent-check; keepalived has no such
// check.
#pragma once

#include <utility>  // Boost 1.74's Asio needs it under C++20 coroutines, first

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>
#include <string_view>

#include "mainstay/probe/attempt.hpp"
#include "mainstay/probe/finding.hpp"

namespace mainstay::probe {

// Each wait has connect_timeout; an answer that trickles has this many of them in all.
inline constexpr int kAgentWaitsMax = 4;

struct AgentCheck {
    Connection connection;
    std::string send;  // before its line is read; may be empty
};
[[nodiscard]] AgentCheck agent_check_of(const config::Checker& checker);
// \r, \n, \t and \\ as in C; any other backslash stands for itself.
[[nodiscard]] std::string without_escapes(std::string_view text);

// Drain asks for weight 0, "75%" for that part of the configured one.
[[nodiscard]] boost::asio::awaitable<Finding> agent_check(AgentCheck check, std::shared_ptr<Attempt> attempt);

}  // namespace mainstay::probe
