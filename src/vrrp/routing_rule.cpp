// Parses lines of virtual_rules and static_rules, and describes entries for people. Actions are FR_ACT_* of
// uapi/linux/fib_rules.h.
#include "routing_rule.hpp"

#include <fmt/format.h>

namespace mainstay::vrrp {
namespace {

using netlink::NextHop;
using netlink::Route;
using netlink::Rule;

constexpr std::uint8_t kToTable = 1, kGoto = 2, kNop = 3, kBlackhole = 6, kUnreachable = 7, kProhibit = 8;

bool read_action(const Words& words, Rule& rule) {
    if (const auto table = words.number<std::uint32_t>({"table", "lookup"})) {
        rule.action = kToTable;
        rule.table = *table;
    } else if (const auto target = words.number<std::uint32_t>({"goto"})) {
        rule.action = kGoto;
        rule.target = *target;
    } else if (words.has("l3mdev")) {
        rule.action = kToTable;
        rule.l3mdev = true;
    } else if (words.has("nop")) {
        rule.action = kNop;
    } else if (words.has("blackhole")) {
        rule.action = kBlackhole;
    } else if (words.has("unreachable")) {
        rule.action = kUnreachable;
    } else if (words.has("prohibit")) {
        rule.action = kProhibit;
    } else {
        return false;
    }
    return true;
}

void read_mark(const Words& words, Rule& rule) {
    const auto mark = words.get<config::IntegerList>("fwmark");
    if (!mark || mark->empty()) return;
    rule.mark = static_cast<std::uint32_t>(mark->front());
    if (mark->size() > 1) rule.mask = static_cast<std::uint32_t>(mark->back());
}

const char* action_name(const Rule& rule) {
    switch (rule.action) {
        case kNop:
            return "nop";
        case kBlackhole:
            return "blackhole";
        case kUnreachable:
            return "unreachable";
        case kProhibit:
            return "prohibit";
        default:
            return "l3mdev";
    }
}

std::string describe_rule(const Rule& rule) {
    std::string text = rule.invert ? "not from " : "from ";
    text += rule.from && rule.from->length != 0 ? rule.from->to_string() : "all";
    if (rule.to && rule.to->length != 0) text += " to " + rule.to->to_string();
    if (!rule.input.empty()) text += " iif " + rule.input;
    if (!rule.output.empty()) text += " oif " + rule.output;
    if (rule.mark) text += fmt::format(" fwmark {:#x}", *rule.mark);
    if (rule.action == kToTable && !rule.l3mdev)
        text += fmt::format(" lookup {}", rule.table);
    else if (rule.action == kGoto)
        text += fmt::format(" goto {}", rule.target);
    else
        text += fmt::format(" {}", action_name(rule));
    return text + fmt::format(" preference {}", rule.priority);
}

std::string describe_hop(const NextHop& hop) {
    std::string text;
    if (!hop.via.empty()) text += " via " + hop.via.to_string();
    if (!hop.device.empty()) text += " dev " + hop.device;
    return text;
}

std::string describe_route(const Route& route) {
    std::string text = route.destination.length == 0 ? "default" : route.destination.to_string();
    if (route.hops.empty()) text += describe_hop(route.hop);
    for (const NextHop& hop : route.hops) text += " nexthop" + describe_hop(hop);
    if (route.table != netlink::kTableMain) text += fmt::format(" table {}", route.table);
    if (route.priority) text += fmt::format(" metric {}", *route.priority);
    return text;
}

}  // namespace

std::string describe(const RoutingEntry& entry) {
    if (const auto* rule = std::get_if<Rule>(&entry.what)) return describe_rule(*rule);
    const std::string text = describe_route(std::get<Route>(entry.what));
    return entry.vrf.empty() ? text : text + " vrf " + entry.vrf;
}

std::optional<RoutingEntry> rule_entry(const Words& words) {
    Rule rule;
    RoutingEntry entry;
    if (!read_action(words, rule)) return std::nullopt;
    rule.from = words.get<Prefix>("from");
    rule.to = words.get<Prefix>("to");
    rule.family = rule.from            ? rule.from->address.family()
                  : rule.to            ? rule.to->address.family()
                  : words.has("inet6") ? Family::V6
                                       : Family::V4;
    rule.invert = words.has("not");
    rule.tos = words.number<std::uint8_t>({"tos", "dsfield"}).value_or(0);
    rule.priority = words.number<std::uint32_t>({"preference", "order", "priority"}).value_or(0);
    rule.realms = words.realms();
    rule.suppress_prefix_length = words.number<std::uint32_t>({"suppress_prefixlength", "sup_pl"});
    rule.suppress_group = words.number<std::uint32_t>({"suppress_ifgroup", "sup_group"});
    rule.input = words.text({"iif", "dev"});
    rule.output = words.text({"oif"});
    rule.tunnel_id = words.number<std::uint64_t>({"tunnel-id"});
    rule.users = words.range<std::uint32_t>("uidrange");
    rule.ip_protocol = words.number<std::uint8_t>({"ipproto"});
    rule.source_ports = words.range<std::uint16_t>("sport");
    rule.destination_ports = words.range<std::uint16_t>("dport");
    read_mark(words, rule);
    entry.no_track = words.has("no_track");
    // keepalived: only its own number can be tracked (2.4.3).
    if (const auto protocol = words.number<std::uint8_t>({"protocol"}); protocol && entry.no_track)
        rule.protocol = *protocol;
    entry.track_group = words.text({"track_group"});
    for (const std::string& name : {rule.input, rule.output})
        if (!name.empty()) entry.devices.push_back(name);
    entry.what = std::move(rule);
    return entry;
}

}  // namespace mainstay::vrrp
