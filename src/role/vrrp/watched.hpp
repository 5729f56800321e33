// Converts the watcher's observations to facts of the vrrp machine, and lists the FIFO lines of a reload.
#pragma once

#include <vector>

#include "links.hpp"
#include "mainstay/base/event.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/ipc/message.hpp"
#include "mainstay/vrrp/facts.hpp"

namespace mainstay::role {

// Links that are polled change what `links` says of them.
[[nodiscard]] std::vector<vrrp::Fact> facts_of(const ipc::Observations& observations, Links& links);

// fifo_write_vrrp_states_on_reload: the states of all instances and groups, as events; none unless it is set.
[[nodiscard]] std::vector<Event> states_after_reload(const config::Global& global, const vrrp::RouterSnapshot& router);

// The end of a vrrp_script.
[[nodiscard]] vrrp::ScriptDone fact_of(const std::string& script, const ipc::ScriptResult& result);

}  // namespace mainstay::role
