// What is asked of one instance over D-Bus and SNMP. Pure: a change is a configuration to go over to, so that nothing
// but a reload ever changes what the router runs.
#pragma once

#include <optional>
#include <string>

#include "mainstay/config/model.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/vrrp/facts.hpp"

namespace mainstay::role {

[[nodiscard]] std::optional<vrrp::InstanceId> instance_of(const config::Config& config, const std::string& name);
// `config` with what is asked of the instance; none when the value cannot be (priority 0 is for resigning).
[[nodiscard]] std::optional<config::Config> with_asked_change(const config::Config& config, vrrp::InstanceId id,
                                                              const ipc::ControlRequest& wanted);
[[nodiscard]] std::string asked_text(const ipc::ControlRequest& wanted);  // "priority 120", "preempt off"

}  // namespace mainstay::role
