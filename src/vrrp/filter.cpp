#include "mainstay/vrrp/filter.hpp"

#include <algorithm>

namespace mainstay::vrrp {
namespace {

bool is_of(const config::Instance& instance, Family family) {
    const auto& lists = {&instance.addresses, &instance.excluded_addresses};
    return std::ranges::any_of(lists, [family](const auto* list) {
        return std::ranges::any_of(*list, [family](const auto& a) { return a.prefix.address.family() == family; });
    });
}

netlink::VipFilter frame(const config::Config& config, Family family) {
    const auto& values = config.global.more->values;
    netlink::VipFilter filter;
    filter.family = family;
    if (const auto name = config::value_of<config::WordList>(values, "nftables"); name && !name->empty())
        filter.table = name->front();
    if (const auto priority = config::value_of<std::int64_t>(values, "nftables_priority"))
        filter.priority = static_cast<std::int32_t>(*priority);
    filter.counters = flag(values, "nftables_counters");
    filter.by_index = flag(values, "nftables_ifindex");
    filter.filters = std::ranges::any_of(config.instances, [family](const config::Instance& instance) {
        return refuses_packets(instance) && is_of(instance, family);
    });
    return filter;
}

}  // namespace

bool refuses_packets(const config::Instance& instance) {
    if (instance.priority == config::kOwnerPriority) return false;
    return instance.strict || flag(instance.more->values, "no_accept");
}

FirewallChoice choose_firewall(const config::Config& config, bool vmacs, bool iptables_is_nft) {
    const auto& values = config.global.more->values;
    const bool nftables = config::find_value(values, "nftables") != nullptr;
    const bool iptables = config::find_value(values, "vrrp_iptables") != nullptr;
    FirewallChoice choice;
    if (!vmacs && std::ranges::none_of(config.instances, refuses_packets)) return choice;
    if (nftables && iptables)
        choice.lines.push_back({LogLevel::Warning, "both nftables and vrrp_iptables are configured: nftables is used"});
    else if (iptables && iptables_is_nft)
        choice.lines.push_back(
            {LogLevel::Warning,
             "vrrp_iptables: the iptables of this host uses nftables, which is used directly instead; "
             "replace vrrp_iptables and vrrp_ipsets by nftables"});
    choice.kind = iptables && !nftables && !iptables_is_nft ? Firewall::Iptables : Firewall::Nftables;
    return choice;
}

FilterPlan plan_filters(const config::Config& config, const std::vector<HeldAddress>& held,
                        const std::vector<IndexedDevice>& vmacs,
                        const std::function<std::uint32_t(const std::string&)>& index_of) {
    FilterPlan plan{frame(config, Family::V4), frame(config, Family::V6)};
    const bool no_igmp = flag(config.global.more->values, "disable_local_igmp");  // nothing is sent then
    for (const auto& vmac : vmacs) {
        auto& filter = vmac.family == Family::V4 ? plan.v4 : plan.v6;
        if (vmac.family == Family::V4 && no_igmp) continue;
        filter.reports = true;
        filter.vmacs.emplace(vmac.index, vmac.parent);
        if (vmac.link_local) filter.parent_link_local.insert({*vmac.link_local, vmac.index, vmac.name});
    }
    for (const auto& address : held) {
        const auto& ip = address.prefix.address;
        auto& filter = ip.is_v4() ? plan.v4 : plan.v6;
        if (!filter.filters) continue;
        if (ip.is_link_local_v6())
            filter.on_link.insert({ip, index_of(address.interface), address.interface});
        else
            filter.addresses.insert(ip);
    }
    return plan;
}

}  // namespace mainstay::vrrp
