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

}  // namespace mainstay::vrrp
