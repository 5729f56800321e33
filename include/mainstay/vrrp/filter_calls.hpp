// The calls of the firewall script (alert/firewall_script.hpp) that change rules and sets from one plan to another.
#pragma once

#include <string>
#include <vector>

#include "filter.hpp"
#include "mainstay/config/model.hpp"

namespace mainstay::vrrp {

// vrrp_iptables and vrrp_ipsets with their defaults.
struct IptablesNames {
    std::string in = "INPUT", out = "OUTPUT";
    bool sets = true;
    std::string set4 = "keepalived", set6 = "keepalived6", on_link = "keepalived_if6";
    std::string igmp = "keepalived_igmp", mld = "keepalived_mld", nd = "keepalived_nd";
    bool operator==(const IptablesNames&) const = default;
};
// `namespaced`: the daemon runs in a network namespace (net_namespace). Sets are used there only with
// namespace_with_ipsets.
[[nodiscard]] IptablesNames iptables_names(const config::Config& config);

struct FilterState {
    IptablesNames names;
    FilterPlan plan;
    std::vector<std::pair<std::uint32_t, std::string>> devices;  // names of the plan's indexes
    bool operator==(const FilterState&) const = default;
};
using FilterCall = std::vector<std::string>;  // arguments of one run
// `from` is null at the start; then the calls also replace what an earlier process may have left.
[[nodiscard]] std::vector<FilterCall> filter_calls(const FilterState* from, const FilterState& to);

}  // namespace mainstay::vrrp
