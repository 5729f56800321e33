// Addresses, routes and rules as keepalived writes them, in the text and in the JSON alike (2.2.7).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "mainstay/config/keyword_values.hpp"
#include "mainstay/config/keywords.hpp"
#include "mainstay/report/dumps.hpp"
#include "mainstay/vrrp/filter.hpp"
#include "mainstay/vrrp/holdings.hpp"
#include "mainstay/vrrp/routing.hpp"

namespace mainstay::report {

namespace keyword = config::keyword;

namespace {

constexpr int kPrefixV4 = 32, kPrefixV6 = 128;
constexpr std::uint8_t kUnicast = 1;
constexpr std::uint8_t kLookup = 1, kGoto = 2;  // FR_ACT_*

bool is_host(const Prefix& prefix) { return prefix.length == (prefix.address.is_v4() ? kPrefixV4 : kPrefixV6); }

std::string scope_name(int scope) {
    static constexpr std::pair<int, const char*> kScopes[] = {
        {0, "global"}, {200, "site"}, {253, "link"}, {254, "host"}, {255, "nowhere"}};
    const auto* const known = std::ranges::find(kScopes, scope, &std::pair<int, const char*>::first);
    return known != std::end(kScopes) ? known->second : std::to_string(scope);
}

// An IPv6 address without a lifetime is valid for ever; with /128 it is never chosen as a source by itself.
std::string lifetime_text(const config::VirtualAddress& address) {
    if (address.prefix.address.is_v4()) return {};
    const auto& words = address.more->values;
    const bool is_given = config::is_given(words, keyword::preferred_lft);
    const auto seconds = config::value_of(words, keyword::preferred_lft);
    if (is_given && !seconds) return " preferred_lft forever";
    if (seconds && seconds->count() != 0) return fmt::format(" preferred_lft {}", seconds->count() / 1'000'000);
    return seconds || address.prefix.length == kPrefixV6 ? " deprecated" : " preferred_lft forever";
}

// RTAX_*, in the order in which keepalived writes them.
struct MetricName {
    std::uint8_t number;
    const char* name;
    std::uint32_t per_millisecond = 0;  // of times
};
constexpr std::array kMetricNames = {
    MetricName{4, "rtt", 8},     MetricName{5, "rttvar", 4}, MetricName{13, "rto_min", 1},
    MetricName{12, "features"},  MetricName{2, "mtu"},       MetricName{3, "window"},
    MetricName{6, "ssthresh"},   MetricName{7, "cwnd"},      MetricName{8, "advmss"},
    MetricName{9, "reordering"}, MetricName{10, "hoplimit"}, MetricName{11, "initcwnd"},
    MetricName{14, "initrwnd"},  MetricName{15, "quickack"}, MetricName{17, "fastopen_no_cookie"}};

std::string metric_texts(const netlink::Route& route) {
    std::string text;
    for (const MetricName& known : kMetricNames) {
        const auto metric = std::ranges::find(route.metrics, known.number, &netlink::Metric::number);
        if (metric == route.metrics.end()) continue;
        const bool locked = (route.locked >> known.number & 1U) != 0;
        text += fmt::format(" {}{} ", known.name, locked ? " lock" : "");
        if (known.per_millisecond != 0)
            text += fmt::format("{}ms", metric->value / known.per_millisecond);
        else
            text += known.number == 12 ? "ecn" : std::to_string(metric->value);
    }
    return text;
}

std::string realms_text(std::uint32_t realms) {
    const std::uint32_t from = realms >> 16U;
    return from != 0 ? fmt::format(" realms {}/{}", from, realms & 0xffffU) : fmt::format(" realms {}", realms);
}

std::string hop_text(const netlink::NextHop& hop) {
    std::string text;
    if (!hop.via.empty()) text += fmt::format(" via {} {}", hop.via.is_v4() ? "inet" : "inet6", hop.via.to_string());
    if (!hop.device.empty()) text += " dev " + hop.device;
    return text;
}

const char* type_name(std::uint8_t type) {
    static constexpr const char* kTypes[] = {"unspec",   "unicast",   "local",     "broadcast",
                                             "anycast",  "multicast", "blackhole", "unreachable",
                                             "prohibit", "throw",     "nat"};
    return type < std::size(kTypes) ? kTypes[type] : "unknown";
}

std::string placement_text(const netlink::Route& route) {
    using Placement = netlink::Route::Placement;
    // keepalived: a route that leads nowhere is added, as `ip` adds it.
    if (route.type != kUnicast) return "add";
    return route.placement == Placement::Append ? "append" : route.placement == Placement::Add ? "add" : "prepend";
}

std::string route_text(const netlink::Route& route, bool no_track) {
    std::string text = placement_text(route);
    if (route.type != kUnicast) text += fmt::format(" {}", type_name(route.type));
    text += " " + (is_host(route.destination) ? route.destination.address.to_string() : route.destination.to_string());
    if (route.source) text += " from " + route.source->to_string();
    if (route.preferred_source) text += " src " + route.preferred_source->to_string();
    if (route.hops.empty()) text += hop_text(route.hop);
    if (route.table != netlink::kTableMain) text += fmt::format(" table {}", route.table);
    if (route.tos != 0) text += fmt::format(" tos {:#x}", route.tos);
    if (!no_track || route.protocol != netlink::kProtocolKeepalived) text += fmt::format(" proto {}", route.protocol);
    if (route.scope != 0) text += fmt::format(" scope {}", route.scope);
    if (route.priority) text += fmt::format(" metric {}", *route.priority);
    if (route.hops.empty() && route.hop.onlink) text += " onlink";
    if (route.hops.empty() && route.hop.realms) text += realms_text(*route.hop.realms);
    if (!route.congestion_control.empty()) text += " congctl " + route.congestion_control;
    text += metric_texts(route);
    if (route.expires) text += fmt::format(" expires {}sec", *route.expires);
    if (route.preference) {
        static constexpr const char* kPreferences[] = {"medium", "high", "invalid", "low"};
        text += fmt::format(" pref {}", kPreferences[*route.preference & 3U]);
    }
    for (const auto& hop : route.hops) {
        text += " nexthop" + hop_text(hop);
        if (hop.weight != 1) text += fmt::format(" weight {}", hop.weight);
        if (hop.onlink) text += " onlink";
        if (hop.realms) text += realms_text(*hop.realms);
    }
    return text;
}

std::string prefix_text(const Prefix& prefix) {
    return is_host(prefix) ? prefix.address.to_string() : prefix.to_string();
}

std::string rule_text(const netlink::Rule& rule, bool no_track) {
    std::string text = rule.invert ? "not from " : "from ";
    text += rule.from ? prefix_text(*rule.from) : "all";
    if (rule.to) text += " to " + prefix_text(*rule.to);
    text += fmt::format(" priority {} tos 0x{:x}", rule.priority, rule.tos);
    if (rule.mark) text += fmt::format(" fwmark 0x{:x}", *rule.mark);
    if (rule.mark && rule.mask && *rule.mask != 0xffff'ffff) text += fmt::format("/0x{:x}", *rule.mask);
    if (!rule.input.empty()) text += " iif " + rule.input;
    if (!rule.output.empty()) text += " oif " + rule.output;
    if (rule.suppress_prefix_length) text += fmt::format(" suppress_prefixlen {}", *rule.suppress_prefix_length);
    if (rule.suppress_group) text += fmt::format(" suppress_ifgroup {}", *rule.suppress_group);
    if (rule.tunnel_id) text += fmt::format(" tunnel-id {}", *rule.tunnel_id);
    if (rule.users) text += fmt::format(" uidrange {}-{}", rule.users->first, rule.users->second);
    if (rule.l3mdev) text += " l3mdev";
    if (!no_track) text += fmt::format(" protocol {}", rule.protocol);
    if (rule.ip_protocol) text += fmt::format(" ipproto {}", *rule.ip_protocol);
    const auto ports = [&](const char* name, const auto& range) {
        if (range) text += fmt::format(" {} {}-{}", name, range->first, range->second);
    };
    ports("sport", rule.source_ports);
    ports("dport", rule.destination_ports);
    if (rule.realms) text += realms_text(*rule.realms);
    if (rule.action == kGoto) return text + fmt::format(" goto {}", rule.target);
    if (rule.action == kLookup) return rule.l3mdev ? text : text + fmt::format(" lookup {}", rule.table);
    return text + fmt::format(" type {}", type_name(rule.action));  // FR_ACT_* from blackhole on have RTN_*'s numbers
}

}  // namespace

std::string vmac_name(const config::Instance& instance) {
    if (!instance.vmac->enabled) return {};
    return instance.vmac->name.empty() ? "vrrp." + std::to_string(instance.virtual_router_id) : instance.vmac->name;
}

std::string address_text(const config::VirtualAddress& address, const std::string& usual_device, bool set) {
    const auto& prefix = address.prefix;
    const auto& words = address.more->values;
    std::string text = prefix_text(prefix);
    if (const auto broadcast = vrrp::broadcast_of(address)) text += " brd " + broadcast->to_string();
    text += " dev " + (!address.dev.empty() ? address.dev : usual_device);
    text += " scope " + scope_name(address.scope);
    if (!address.label.empty()) text += " label " + address.label;
    if (address.no_track) text += " no_track";
    if (const auto peer = config::value_of(words, keyword::peer))
        text += fmt::format(" peer {}/{}", peer->to_string(), peer->is_v4() ? kPrefixV4 : kPrefixV6);
    for (const auto& flag : {keyword::home, keyword::mngtmpaddr})
        if (config::is_given(words, flag)) text += fmt::format(" {}", flag.text);
    if (address.noprefixroute) text += " noprefixroute";
    if (config::is_given(words, keyword::autojoin)) text += " autojoin";
    text += lifetime_text(address);
    return set ? text + " set" : text;
}

std::string address_text(const config::VirtualAddress& address, const config::Instance& instance, bool set) {
    const bool is_on_vmac = address.prefix.address.family() == instance.family;
    const std::string vmac = is_on_vmac ? vmac_name(instance) : std::string{};
    std::string text = address_text(address, vmac.empty() ? instance.interface : vmac + "@" + instance.interface, set);
    return set && vrrp::refuses_packets(instance) ? text + " nftable_set" : text;
}

std::string routing_text(const vrrp::RoutingEntry& entry) {
    // keepalived: what is not tracked is not marked as its own.
    std::string text = entry.is_rule() ? rule_text(std::get<netlink::Rule>(entry.what), entry.no_track)
                                       : route_text(std::get<netlink::Route>(entry.what), entry.no_track);
    return entry.decides() ? text : text + " no_track";
}

}  // namespace mainstay::report
