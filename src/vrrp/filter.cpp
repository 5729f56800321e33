#include "mainstay/vrrp/filter.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <set>
#include <utility>

#include "mainstay/config/addresses.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/config/net_namespace.hpp"

namespace mainstay::vrrp {

namespace keyword = config::keyword;

namespace {

bool is_of(const config::Instance& instance, Family family) {
    return std::ranges::any_of(config::all_addresses(instance),
                               [family](const auto& a) { return a.prefix.address.family() == family; });
}

netlink::VipFilter frame(const config::Config& config, Family family) {
    const auto& values = config.global.more->values;
    netlink::VipFilter filter;
    filter.family = family;
    if (const std::string* name = find_word(values, keyword::nftables)) filter.table = *name;
    filter.priority = static_cast<std::int32_t>(config::value_or_default(values, keyword::nftables_priority));
    filter.counters = flag(values, keyword::nftables_counters);
    filter.by_index = flag(values, keyword::nftables_ifindex);
    filter.filters = std::ranges::any_of(config.instances, [family](const config::Instance& instance) {
        return refuses_packets(instance) && is_of(instance, family);
    });
    return filter;
}

}  // namespace

bool refuses_packets(const config::Instance& instance) {
    if (instance.priority == config::kOwnerPriority) return false;
    const auto& values = instance.more->values;
    if (flag(values, keyword::no_accept)) return true;
    return instance.strict && !(instance.version == 3 && flag(values, keyword::accept));  // RFC 3768 has no Accept_Mode
}

FirewallChoice choose_firewall(const config::Config& config, bool vmacs, bool iptables_is_nft) {
    const auto& values = config.global.more->values;
    const bool nftables = config::is_given(values, keyword::nftables);
    const bool iptables = config::is_given(values, keyword::vrrp_iptables);
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
    const bool no_igmp = flag(config.global.more->values, keyword::disable_local_igmp);  // nothing is sent then
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

namespace {

using Arguments = std::vector<std::string>;
using Entries = std::set<std::string>;

constexpr std::size_t kEntriesPerCall = 500;  // arguments of one process

std::string name_of(const FilterState& state, std::uint32_t index) {
    const auto found = std::ranges::find(state.devices, index, &std::pair<std::uint32_t, std::string>::first);
    return found == state.devices.end() ? std::string{} : found->second;
}

Entries addresses_of(const netlink::VipFilter& filter) {
    Entries entries;
    for (const auto& address : filter.addresses) entries.insert(address.to_string());
    return entries;
}

Entries on_link_of(const netlink::VipFilter& filter) {
    Entries entries;
    for (const auto& vip : filter.on_link) entries.insert(vip.address.to_string() + "," + vip.interface);
    return entries;
}

// Multicast sent on a VMAC.
Entries multicast_on(const FilterState& state, const netlink::VipFilter& filter) {
    Entries entries;
    for (const auto& [vmac, parent] : filter.vmacs)
        if (const auto name = name_of(state, vmac); !name.empty())
            entries.insert((filter.family == Family::V4 ? "224.0.0.0/4," : "ff00::/8,") + name);
    return entries;
}

struct NamedSet {
    std::string name, type, family;
    Entries entries;
};
struct IptablesRule {
    std::string tool, chain;
    Arguments words;
    auto operator<=>(const IptablesRule&) const = default;
};

Arguments in_set(const std::string& set, const char* direction, const char* verdict = "DROP") {
    return {"-m", "set", "--match-set", set, direction, "-j", verdict};
}

Arguments joined(Arguments first, const Arguments& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

Arguments icmp(const char* type) { return {"-p", "icmpv6", "--icmpv6-type", type}; }

std::vector<NamedSet> sets_of(const FilterState& state) {
    const auto& [v4, v6] = state.plan;
    const auto& names = state.names;
    std::vector<NamedSet> sets;
    if (!names.sets) return sets;
    if (v4.filters) sets.push_back({names.set4, "hash:ip", "inet", addresses_of(v4)});
    if (v6.filters) sets.push_back({names.set6, "hash:ip", "inet6", addresses_of(v6)});
    if (v6.filters) sets.push_back({names.on_link, "hash:net,iface", "inet6", on_link_of(v6)});
    if (v4.reports) sets.push_back({names.igmp, "hash:net,iface", "inet", multicast_on(state, v4)});
    if (v6.reports) sets.push_back({names.mld, "hash:net,iface", "inet6", multicast_on(state, v6)});
    if (v6.reports) sets.push_back({names.nd, "hash:net,iface", "inet6", multicast_on(state, v6)});
    return sets;
}

// Neighbour discovery is accepted for addresses that refuse everything else. The rules are in matching order.
void add_discovery(std::vector<IptablesRule>& rules, const IptablesNames& names) {
    for (const auto* chain : {&names.in, &names.out})
        for (const char* type : {"135", "136"})
            rules.push_back({"ip6tables", *chain, joined(icmp(type), {"-j", "ACCEPT"})});
}

std::vector<IptablesRule> set_rules(const FilterState& state) {
    const auto& [v4, v6] = state.plan;
    const auto& n = state.names;
    std::vector<IptablesRule> rules;
    if (v4.reports) rules.push_back({"iptables", n.out, joined({"-p", "igmp"}, in_set(n.igmp, "dst,dst"))});
    if (v6.reports) {
        for (const char* type : {"143", "131", "132"})
            rules.push_back({"ip6tables", n.out, joined(icmp(type), in_set(n.mld, "dst,dst"))});
        rules.push_back({"ip6tables", n.out, joined(icmp("133"), in_set(n.nd, "dst,dst"))});
    }
    if (v4.filters) {
        rules.push_back({"iptables", n.in, in_set(n.set4, "dst")});
        rules.push_back({"iptables", n.out, in_set(n.set4, "src")});
    }
    if (v6.filters) {
        add_discovery(rules, n);
        rules.push_back({"ip6tables", n.in, in_set(n.on_link, "dst,src")});
        rules.push_back({"ip6tables", n.out, in_set(n.on_link, "src,dst")});
        rules.push_back({"ip6tables", n.in, in_set(n.set6, "dst")});
        rules.push_back({"ip6tables", n.out, in_set(n.set6, "src")});
    }
    return rules;
}

std::vector<IptablesRule> plain_rules(const FilterState& state) {
    const auto& [v4, v6] = state.plan;
    const auto& n = state.names;
    std::vector<IptablesRule> rules;
    for (const auto& [vmac, parent] : v4.vmacs)
        rules.push_back({"iptables", n.out, {"-p", "igmp", "-o", name_of(state, vmac), "-j", "DROP"}});
    for (const auto& [vmac, parent] : v6.vmacs)
        for (const char* type : {"143", "131", "132", "133"})
            rules.push_back({"ip6tables", n.out, joined(icmp(type), {"-o", name_of(state, vmac), "-j", "DROP"})});
    if (v6.filters) add_discovery(rules, n);
    for (const auto& vip : v6.on_link) {
        const auto address = vip.address.to_string();
        rules.push_back({"ip6tables", n.in, {"-d", address, "-i", vip.interface, "-j", "DROP"}});
        rules.push_back({"ip6tables", n.out, {"-s", address, "-o", vip.interface, "-j", "DROP"}});
    }
    return rules;
}

std::vector<IptablesRule> rules_of(const FilterState& state) {
    return state.names.sets ? set_rules(state) : plain_rules(state);
}

void change_each(std::vector<FilterCall>& calls, const Arguments& head, const Entries& entries) {
    std::vector<std::string> list{entries.begin(), entries.end()};
    for (std::size_t begin = 0; begin < list.size(); begin += kEntriesPerCall) {
        FilterCall call = head;
        for (std::size_t n = begin; n < std::min(begin + kEntriesPerCall, list.size()); ++n) call.push_back(list[n]);
        calls.push_back(std::move(call));
    }
}

Entries only_in(const Entries& first, const Entries& second) {
    Entries rest;
    std::ranges::set_difference(first, second, std::inserter(rest, rest.end()));
    return rest;
}

// One rule per address, where there are no sets.
bool change_addresses(std::vector<FilterCall>& calls, const char* what, const FilterState& state, Family family,
                      const Entries& entries) {
    const std::string tool = family == Family::V4 ? "iptables" : "ip6tables";
    change_each(calls, {"addresses", what, tool, state.names.in, "-d"}, entries);
    change_each(calls, {"addresses", what, tool, state.names.out, "-s"}, entries);
    return !entries.empty();
}

void change_sets(std::vector<FilterCall>& calls, const FilterState* from, const FilterState& to) {
    const auto before = from != nullptr ? sets_of(*from) : std::vector<NamedSet>{};
    for (const auto& set : sets_of(to)) {
        const auto old = std::ranges::find(before, set.name, &NamedSet::name);
        if (old == before.end()) {
            calls.push_back({"set", set.name, set.type, set.family});
            change_each(calls, {"entries", "add", set.name}, set.entries);
            continue;
        }
        change_each(calls, {"entries", "del", set.name}, only_in(old->entries, set.entries));
        change_each(calls, {"entries", "add", set.name}, only_in(set.entries, old->entries));
    }
}

void drop_sets(std::vector<FilterCall>& calls, const FilterState* from, const FilterState& to) {
    if (from == nullptr) return;
    const auto after = sets_of(to);
    FilterCall call{"unset"};
    for (const auto& set : sets_of(*from))
        if (std::ranges::find(after, set.name, &NamedSet::name) == after.end()) call.push_back(set.name);
    if (call.size() > 1) calls.push_back(std::move(call));
}

}  // namespace

IptablesNames iptables_names(const config::Config& config, const std::string& named) {
    const auto& values = config.global.more->values;
    IptablesNames names;
    if (const auto chains = words_of(values, keyword::vrrp_iptables); !chains.empty()) {
        names.in = chains[0];
        if (chains.size() > 1) names.out = chains[1];
    }
    const auto sets = words_of(values, keyword::vrrp_ipsets);
    if (is_given(values, keyword::vrrp_ipsets) && sets.empty()) names.sets = false;
    if (!sets.empty()) {
        names.set4 = sets[0];
        names.set6 = sets[0] + "6";
        names.on_link = sets[0] + "_if6", names.igmp = sets[0] + "_igmp";
        names.mld = sets[0] + "_mld", names.nd = sets[0] + "_nd";
    }
    const std::array places{&names.set4, &names.set6, &names.on_link, &names.igmp, &names.mld, &names.nd};
    for (std::size_t n = 0; n < std::min(places.size(), sets.size()); ++n) *places[n] = sets[n];
    if (!net_namespace_of(config, named).empty() && !is_given(config.more->values, keyword::namespace_with_ipsets))
        names.sets = false;
    return names;
}

std::vector<FilterCall> filter_calls(const FilterState* from, const FilterState& to) {
    std::vector<FilterCall> calls;
    if (from != nullptr && *from == to) return calls;
    const auto before = from != nullptr ? rules_of(*from) : std::vector<IptablesRule>{};
    const auto after = rules_of(to);
    std::vector<IptablesRule> added, gone;
    change_sets(calls, from, to);
    if (!to.names.sets)
        for (const auto family : {Family::V4, Family::V6}) {
            const auto& wanted = family == Family::V4 ? to.plan.v4 : to.plan.v6;
            const bool plain_before = from != nullptr && !from->names.sets && from->names == to.names;
            const auto had =
                plain_before ? addresses_of(family == Family::V4 ? from->plan.v4 : from->plan.v6) : Entries{};
            (void)change_addresses(calls, "del", to, family, only_in(had, addresses_of(wanted)));
            const auto fresh = only_in(addresses_of(wanted), had);
            // New rules are inserted at the top, so the neighbour discovery rules must be inserted above them again.
            if (change_addresses(calls, "add", to, family, fresh) && family == Family::V6)
                add_discovery(added, to.names);
        }
    // Each rule is inserted at the top of its chain, so the last one is inserted first. Unchanged rules stay.
    for (const auto& rule : after)
        if (std::ranges::find(before, rule) == before.end() && std::ranges::find(added, rule) == added.end())
            added.push_back(rule);
    for (const auto& rule : before)
        if (std::ranges::find(after, rule) == after.end()) gone.push_back(rule);
    for (auto rule = added.rbegin(); rule != added.rend(); ++rule)
        calls.push_back(joined({"rule", "add", rule->tool, rule->chain}, rule->words));
    for (const auto& rule : gone) calls.push_back(joined({"rule", "del", rule.tool, rule.chain}, rule.words));
    if (from != nullptr && !from->names.sets && (to.names.sets || from->names != to.names)) {
        (void)change_addresses(calls, "del", *from, Family::V4, addresses_of(from->plan.v4));
        (void)change_addresses(calls, "del", *from, Family::V6, addresses_of(from->plan.v6));
    }
    drop_sets(calls, from, to);
    return calls;
}

}  // namespace mainstay::vrrp
