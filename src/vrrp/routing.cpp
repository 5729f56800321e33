// Lines of virtual_routes and static_routes. The numbers are those of uapi/linux/rtnetlink.h.
#include "mainstay/vrrp/routing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "mainstay/config/keywords.hpp"
#include "routing_words.hpp"

namespace mainstay::vrrp {

namespace keyword = config::keyword;

// Parses lines of virtual_rules and static_rules.
[[nodiscard]] std::optional<RoutingEntry> rule_entry(const Words& words);

namespace {

using netlink::Encapsulation;
using netlink::NextHop;
using netlink::Route;

constexpr std::uint8_t kScopeLink = 253, kScopeHost = 254;
constexpr std::array<std::pair<std::string_view, std::uint8_t>, 10> kTypes{{{"unicast", 1},
                                                                            {"local", 2},
                                                                            {"broadcast", 3},
                                                                            {"anycast", 4},
                                                                            {"multicast", 5},
                                                                            {"blackhole", 6},
                                                                            {"unreachable", 7},
                                                                            {"prohibit", 8},
                                                                            {"throw", 9},
                                                                            {"nat", 10}}};

struct MetricWord {
    config::KeywordName word;
    std::uint8_t number;                // RTAX_*
    std::uint32_t per_millisecond = 0;  // of a time with a unit
};
constexpr std::uint8_t kFeatures = 12, kCongestionControl = 16;
constexpr std::uint32_t kFeatureEcn = 1;
constexpr MetricWord kMetrics[]{{keyword::mtu, 2},         {keyword::window, 3},
                                {keyword::rtt, 4, 8},      {keyword::rttvar, 5, 4},
                                {keyword::ssthresh, 6},    {keyword::cwnd, 7},
                                {keyword::advmss, 8},      {keyword::reordering, 9},
                                {keyword::hoplimit, 10},   {keyword::initcwnd, 11},
                                {keyword::rto_min, 13, 1}, {keyword::initrwnd, 14},
                                {keyword::quickack, 15},   {keyword::fastopen_no_cookie, 17}};

Encapsulation encapsulation_of(const Words& words) {
    const auto* line = config::find_section(words.sections(), keyword::encap);
    Encapsulation encap;
    if (line == nullptr) return encap;
    const Words own{*line};
    using Type = Encapsulation::Type;
    encap.type = own.has(keyword::ip)     ? Type::Ip
                 : own.has(keyword::ip6)  ? Type::Ip6
                 : own.has(keyword::mpls) ? Type::Mpls
                 : own.has(keyword::ila)  ? Type::Ila
                                          : Type::None;
    encap.id = own.number<std::uint64_t>({keyword::id});
    encap.destination = own.get(keyword::dst);
    encap.source = own.get(keyword::src);
    encap.tos = own.number<std::uint8_t>({keyword::tos, keyword::tc});
    encap.ttl = own.number<std::uint8_t>({keyword::ttl, keyword::hoplimit});
    encap.flags = own.number<std::uint16_t>({keyword::flags});
    for (const auto label : own.get(keyword::mpls).value_or(config::IntegerList{}))
        encap.labels.push_back(static_cast<std::uint32_t>(label));
    if (const auto groups = own.get(keyword::ila)) {
        encap.locator = 0;
        for (const auto group : *groups) encap.locator = *encap.locator << 16U | static_cast<std::uint64_t>(group);
    }
    return encap;
}

NextHop hop_of(const Words& words) {
    NextHop hop;
    hop.via = words.any<IpAddress>({keyword::via, keyword::gw}).value_or(IpAddress{});
    hop.device = words.text({keyword::dev, keyword::oif});
    hop.weight = words.number<std::uint16_t>({keyword::weight}).value_or(1);
    hop.onlink = words.has(keyword::onlink);
    hop.realms = words.realms();
    hop.encapsulation = encapsulation_of(words);
    return hop;
}

void read_hops(const Words& words, Route& route) {
    for (const config::Section& section : words.sections())
        if (section.keyword == keyword::nexthop) route.hops.push_back(hop_of(Words{section}));
    if (!route.hops.empty()) return;
    route.hop = hop_of(words);
    if (const auto second = words.get(keyword::or_)) {
        route.hops = {route.hop, route.hop};
        route.hops.back().via = *second;
    }
}

void read_metrics(const Words& words, Route& route) {
    const auto lock = [&](const config::KeywordName& word, std::uint8_t number) {
        if (words.has(word, "lock")) route.locked |= 1U << number;
    };
    for (const MetricWord& metric : kMetrics) {
        std::optional<std::uint32_t> value = words.number<std::uint32_t>({metric.word});
        if (const auto time = words.get<Micros>(metric.word))
            value = static_cast<std::uint32_t>(time->count() * metric.per_millisecond / 1000);
        if (!value) continue;
        route.metrics.push_back({metric.number, *value});
        lock(metric.word, metric.number);
    }
    if (words.text({keyword::features}) == "ecn") route.metrics.push_back({kFeatures, kFeatureEcn});
    std::ranges::sort(route.metrics, {}, &netlink::Metric::number);
    route.congestion_control = words.text({keyword::congctl});
    if (!route.congestion_control.empty()) lock(keyword::congctl, kCongestionControl);
}

// The family of "default" without an address, from other words of the line.
Family family_of(const Words& words) {
    if (words.has(keyword::inet6)) return Family::V6;
    if (words.has(keyword::inet)) return Family::V4;
    if (const auto source = words.get(keyword::from)) return source->address.family();
    if (const auto source = words.get(keyword::src)) return source->family();
    if (const auto via = words.any<IpAddress>({keyword::via, keyword::gw})) return via->family();
    for (const config::Section& section : words.sections())
        if (const auto via = config::value_of(section.values, keyword::via)) return via->family();
    return words.has(keyword::pref) || words.has(keyword::expires) ? Family::V6 : Family::V4;  // keepalived 2.2.7
}

std::uint8_t type_of(const Words& words) {
    const std::string named = words.text({keyword::type});
    for (const auto& [name, number] : kTypes)
        if (named == name || words.has(keyword::to, name)) return number;
    return 1;
}

// The kernel refuses these types with scope global; they get the scope that the ip program uses.
std::uint8_t scope_of(const Words& words, std::uint8_t type) {
    if (const auto given = words.number<std::uint8_t>({keyword::scope})) return *given;
    if (type == 2 || type == 10) return kScopeHost;
    return type >= 3 && type <= 5 ? kScopeLink : std::uint8_t{0};
}

std::optional<std::uint8_t> preference_of(const Words& words) {
    const std::string name = words.text({keyword::pref});
    if (name == "low") return 3;  // RFC 4191 2.1
    if (name == "medium") return 0;
    if (name == "high") return 1;
    return words.number<std::uint8_t>({keyword::pref});
}

std::optional<RoutingEntry> route_entry(const Words& words) {
    Route route;
    if (const auto destination = words.get(keyword::to))
        route.destination = *destination;
    else if (words.has(keyword::to))
        route.destination = {family_of(words) == Family::V6 ? *IpAddress::parse("::") : IpAddress::v4(0), 0};
    else
        return std::nullopt;
    RoutingEntry entry;
    entry.no_track = words.has(keyword::no_track);
    entry.vrf = words.text({keyword::vrf});
    entry.track_group = words.text({keyword::track_group});
    route.type = type_of(words);
    route.scope = scope_of(words, route.type);
    route.source = words.get(keyword::from);
    route.preferred_source = words.get(keyword::src);
    route.tos = words.number<std::uint8_t>({keyword::tos, keyword::dsfield}).value_or(0);
    route.table = words.number<std::uint32_t>({keyword::table}).value_or(netlink::kTableMain);
    // keepalived: only its own number can be tracked (2.4.3).
    if (const auto protocol = words.number<std::uint8_t>({keyword::protocol}); protocol && entry.no_track)
        route.protocol = *protocol;
    route.priority = words.number<std::uint32_t>({keyword::metric, keyword::priority, keyword::preference});
    if (const auto expires = words.get(keyword::expires))
        route.expires = static_cast<std::uint32_t>(std::chrono::duration_cast<Seconds>(*expires).count());
    route.preference = preference_of(words);
    if (const std::string propagate = words.text({keyword::ttl_propagate}); !propagate.empty())
        route.ttl_propagate = propagate == "enabled";
    route.placement = words.has(keyword::add)      ? Route::Placement::Add
                      : words.has(keyword::append) ? Route::Placement::Append
                                                   : Route::Placement::Prepend;
    read_metrics(words, route);
    read_hops(words, route);
    if (!route.hop.device.empty()) entry.devices.push_back(route.hop.device);
    for (const NextHop& hop : route.hops)
        if (!hop.device.empty() && std::ranges::find(entry.devices, hop.device) == entry.devices.end())
            entry.devices.push_back(hop.device);
    entry.what = std::move(route);
    return entry;
}

void add_lines(const std::vector<config::Section>& sections, const config::Keyword<config::Section>& block,
               std::vector<RoutingEntry>& out) {
    const bool rules = block.text.ends_with("rules");
    for (const config::Section& section : sections) {
        if (section.keyword != block) continue;
        for (const config::Section& line : section.sections)
            if (auto entry = rules ? rule_entry(Words{line}) : route_entry(Words{line}))
                out.push_back(std::move(*entry));
    }
}

}  // namespace

std::vector<RoutingEntry> routing_of(const config::Instance& instance) {
    std::vector<RoutingEntry> entries;
    for (const config::VirtualRoute& route : instance.routes)
        if (auto entry = route_entry(Words{route.more->values, route.more->sections}))
            entries.push_back(std::move(*entry));
    add_lines(instance.more->sections, keyword::virtual_rules, entries);
    return entries;
}

std::vector<RoutingEntry> static_routing_of(const config::Config& config) {
    std::vector<RoutingEntry> entries;
    add_lines(config.more->sections, keyword::static_routes, entries);
    add_lines(config.more->sections, keyword::static_rules, entries);
    return entries;
}

std::vector<std::string> devices_of(const std::vector<RoutingEntry>& entries) {
    std::vector<std::string> devices;
    for (const RoutingEntry& entry : entries) {
        if (entry.no_track) continue;
        for (const std::string& device : entry.devices)
            if (std::ranges::find(devices, device) == devices.end()) devices.push_back(device);
    }
    return devices;
}

// Parses lines of virtual_rules and static_rules, and describes entries for people. Actions are FR_ACT_* of
// uapi/linux/fib_rules.h.

namespace {

using netlink::NextHop;
using netlink::Route;
using netlink::Rule;

constexpr std::uint8_t kToTable = 1, kGoto = 2, kNop = 3, kBlackhole = 6, kUnreachable = 7, kProhibit = 8;

bool read_action(const Words& words, Rule& rule) {
    if (const auto table = words.number<std::uint32_t>({keyword::table, keyword::lookup})) {
        rule.action = kToTable;
        rule.table = *table;
    } else if (const auto target = words.number<std::uint32_t>({keyword::goto_})) {
        rule.action = kGoto;
        rule.target = *target;
    } else if (words.has(keyword::l3mdev)) {
        rule.action = kToTable;
        rule.l3mdev = true;
    } else if (words.has(keyword::nop)) {
        rule.action = kNop;
    } else if (words.has(keyword::blackhole)) {
        rule.action = kBlackhole;
    } else if (words.has(keyword::unreachable)) {
        rule.action = kUnreachable;
    } else if (words.has(keyword::prohibit)) {
        rule.action = kProhibit;
    } else {
        return false;
    }
    return true;
}

void read_mark(const Words& words, Rule& rule) {
    const auto mark = words.get<config::IntegerList>(keyword::fwmark);
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
    rule.from = words.get(keyword::from);
    rule.to = words.get(keyword::to);
    rule.family = rule.from                   ? rule.from->address.family()
                  : rule.to                   ? rule.to->address.family()
                  : words.has(keyword::inet6) ? Family::V6
                                              : Family::V4;
    rule.invert = words.has(keyword::not_);
    rule.tos = words.number<std::uint8_t>({keyword::tos, keyword::dsfield}).value_or(0);
    rule.priority = words.number<std::uint32_t>({keyword::preference, keyword::order, keyword::priority}).value_or(0);
    rule.realms = words.realms();
    rule.suppress_prefix_length = words.number<std::uint32_t>({keyword::suppress_prefixlength, keyword::sup_pl});
    rule.suppress_group = words.number<std::uint32_t>({keyword::suppress_ifgroup, keyword::sup_group});
    rule.input = words.text({keyword::iif, keyword::dev});
    rule.output = words.text({keyword::oif});
    rule.tunnel_id = words.number<std::uint64_t>({keyword::tunnel_id});
    rule.users = words.range<std::uint32_t>(keyword::uidrange);
    rule.ip_protocol = words.number<std::uint8_t>({keyword::ipproto});
    rule.source_ports = words.range<std::uint16_t>(keyword::sport);
    rule.destination_ports = words.range<std::uint16_t>(keyword::dport);
    read_mark(words, rule);
    entry.no_track = words.has(keyword::no_track);
    // keepalived: only its own number can be tracked (2.4.3).
    if (const auto protocol = words.number<std::uint8_t>({keyword::protocol}); protocol && entry.no_track)
        rule.protocol = *protocol;
    entry.track_group = words.text({keyword::track_group});
    for (const std::string& name : {rule.input, rule.output})
        if (!name.empty()) entry.devices.push_back(name);
    entry.what = std::move(rule);
    return entry;
}

}  // namespace mainstay::vrrp
