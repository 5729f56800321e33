// What more than one rendering takes from the state document. Each answer is computed here alone, so that the page, the
// metrics, SNMP, D-Bus and the dumps cannot disagree. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "mainstay/base/event.hpp"
#include "mainstay/lvs/overrides.hpp"
#include "mainstay/report/document.hpp"

namespace mainstay::report {

// The entry of this name; null if the document has none. Valid as long as the status.
[[nodiscard]] const vrrp::InstanceSnapshot* find_instance(const VrrpStatus& status, std::string_view name);
[[nodiscard]] const vrrp::GroupSnapshot* find_group(const VrrpStatus& status, std::string_view name);
[[nodiscard]] const vrrp::ScriptSnapshot* find_script(const VrrpStatus& status, std::string_view name);
[[nodiscard]] const vrrp::BfdSnapshot* find_bfd(const VrrpStatus& status, std::string_view name);
[[nodiscard]] const vrrp::TrackerSnapshot* find_tracker(const VrrpStatus& status, vrrp::TrackerSnapshot::Kind kind,
                                                        std::string_view name);

// keepalived's number of a state, the same in its JSON, over SNMP and D-Bus and in exporters' metrics:
// 0 INIT, 1 BACKUP, 2 MASTER, 3 FAULT. What is none of them is 0.
[[nodiscard]] std::uint32_t state_number(vrrp::State state);
// The state that an instance or a group has after this transition; none for STOP, DELETED and what changes no state.
[[nodiscard]] std::optional<vrrp::State> state_after(Transition transition);

enum class UpState : std::uint8_t { Unknown, Down, Up };  // Unknown: there is no first result
[[nodiscard]] UpState up_state(bool known, bool up);
[[nodiscard]] inline UpState up_state(const vrrp::ScriptSnapshot& script) { return up_state(script.known, script.up); }

// Whether the instance's addresses are on this host.
[[nodiscard]] bool holds_addresses(const vrrp::InstanceSnapshot& instance);
// Whether InstanceSnapshot::master is the router that is master now. In FAULT no adverts are received: the last known
// master is often the instance itself.
[[nodiscard]] bool knows_master(const vrrp::InstanceSnapshot& instance);
// What was heard of another router that is MASTER of the same virtual router while this one is: a BACKUP advertises
// nothing, so that an advert, even a refused one, means two masters. Null: none is heard any more.
[[nodiscard]] const vrrp::PeerProblem* other_master(const DaemonStatus& status, const vrrp::InstanceSnapshot& instance);

// What an operator set of a server comes before its checks: such a server is no failure.
enum class ServerState : std::uint8_t { Up, Down, Drained, Disabled };
using Overrides = std::map<std::pair<std::string_view, Endpoint>, lvs::Hold>;  // by service and server
[[nodiscard]] Overrides overrides_of(const LvsStatus& status);                 // valid as long as the status
[[nodiscard]] ServerState server_state(const ServiceStatus& service, const ServerStatus& server,
                                       const Overrides& overrides);

// The servers that their checks, and not operators, let stand.
[[nodiscard]] std::size_t count_alive(const ServiceStatus& service);

// The kernel's counters of the service at this position, or of a server of it; null: they are not read.
[[nodiscard]] const ServiceTraffic* traffic_of(const LvsStatus& status, std::size_t service);
[[nodiscard]] const ServerTraffic* traffic_of(const ServiceTraffic* service, std::size_t server);
// Those of all services, for sums; null: not all of them are read.
[[nodiscard]] const std::vector<ServiceTraffic>* traffic_of_all(const LvsStatus& status);

}  // namespace mainstay::report
