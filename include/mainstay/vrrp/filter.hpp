// Accept mode (RFC 9568 6.1): for which addresses this director drops packets, and with which firewall.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "devices.hpp"
#include "facts.hpp"
#include "mainstay/base/log.hpp"
#include "mainstay/config/model.hpp"
#include "mainstay/netlink/vip_filter.hpp"

namespace mainstay::vrrp {

// True if a master that is not the address owner drops packets to its addresses: no_accept, or strict mode without
// `accept`.
[[nodiscard]] bool refuses_packets(const config::Instance& instance);

enum class Firewall : std::uint8_t { None, Nftables, Iptables };
struct FirewallChoice {
    Firewall kind = Firewall::None;
    std::vector<LogLine> lines;
};
// `vmacs`: the configuration has VMACs. `iptables_is_nft`: this host's iptables is the nftables variant.
[[nodiscard]] FirewallChoice choose_firewall(const config::Config& config, bool vmacs, bool iptables_is_nft);

struct IndexedDevice {  // an existing VMAC
    std::uint32_t index = 0, parent = 0;
    Family family = Family::V4;
    std::string name = {};
    std::optional<IpAddress> link_local = std::nullopt;  // of IPv6: the parent's, for which the parent answers
    bool operator==(const IndexedDevice&) const = default;
};

// The desired rules for IPv4 and IPv6. `held`: addresses that masters hold, of instances that refuse packets.
struct FilterPlan {
    netlink::VipFilter v4, v6;
    bool operator==(const FilterPlan&) const = default;
};
[[nodiscard]] FilterPlan plan_filters(const config::Config& config, const std::vector<HeldAddress>& held,
                                      const std::vector<IndexedDevice>& vmacs,
                                      const std::function<std::uint32_t(const std::string&)>& index_of);

// The calls of the firewall script (alert/script_requests.hpp) that change rules and sets from one plan to another.

// vrrp_iptables and vrrp_ipsets with their defaults.
struct IptablesNames {
    std::string in = "INPUT", out = "OUTPUT";
    bool sets = true;
    std::string set4 = "keepalived", set6 = "keepalived6", on_link = "keepalived_if6";
    std::string igmp = "keepalived_igmp", mld = "keepalived_mld", nd = "keepalived_nd";
    bool operator==(const IptablesNames&) const = default;
};
// In a network namespace, `named` on the command line or the configuration's, sets are used only with
// namespace_with_ipsets.
[[nodiscard]] IptablesNames iptables_names(const config::Config& config, const std::string& named);

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
