// Requests over D-Bus and SNMP that concern one instance. Pure. A change yields a new configuration, so that the
// router's settings change only by the path of a reload.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mainstay/config/model.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/report/status.hpp"
#include "mainstay/vrrp/facts.hpp"

namespace mainstay::role {

[[nodiscard]] std::optional<vrrp::InstanceId> instance_of(const config::Config& config, const std::string& name);
// `config` with the requested change; none if the value is invalid (priority 0 is reserved for resigning).
[[nodiscard]] std::optional<config::Config> with_requested_change(const config::Config& config, vrrp::InstanceId id,
                                                                  const ipc::ControlRequest& wanted);
[[nodiscard]] report::SetValue set_value_of(const ipc::ControlRequest& wanted);
// Puts it last, and what the same setting of the same instance had before away.
void put(std::vector<report::SetValue>& values, report::SetValue one);
[[nodiscard]] std::string request_text(const ipc::ControlRequest& wanted);  // "priority 120", "preempt off"

}  // namespace mainstay::role
