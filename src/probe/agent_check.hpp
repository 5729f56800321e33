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

struct AgentCheck {
    Connection connection;
    std::string send;  // sent before the agent's line is read; may be empty
};
[[nodiscard]] AgentCheck agent_check_of(const config::Checker& checker);
// \r, \n, \t and \\ as in C; any other backslash stands for itself.
[[nodiscard]] std::string without_escapes(std::string_view text);

// "drain" requests weight 0, "75%" that percentage of the configured weight.
[[nodiscard]] boost::asio::awaitable<Finding> agent_check(AgentCheck check, std::shared_ptr<Attempt> attempt);

}  // namespace mainstay::probe
