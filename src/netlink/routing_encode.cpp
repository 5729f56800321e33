#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/ila.h>
#include <linux/lwtunnel.h>
#include <linux/mpls.h>
#include <linux/mpls_iptunnel.h>
#include <linux/rtnetlink.h>

#include <bit>

#include "mainstay/netlink/routing.hpp"
#include "routing_message.hpp"

namespace mainstay::netlink {
namespace {

constexpr std::uint32_t kMostLabel = 0xfffff;
constexpr std::uint16_t kMostWeight = 256;

template <class T>
T network_order(T value) {
    return std::endian::native == std::endian::little ? std::byteswap(value) : value;
}

Result<void> check(const Encapsulation& encap) {
    using Type = Encapsulation::Type;
    if (encap.type == Type::Mpls && (encap.labels.empty() || encap.labels.size() > kMostLabels))
        return fail(Errc::Invalid, "an MPLS encapsulation has 1 to " + std::to_string(kMostLabels) + " labels");
    for (const std::uint32_t label : encap.labels)
        if (label > kMostLabel) return fail(Errc::Invalid, "MPLS label " + std::to_string(label) + " is too large");
    if (encap.type == Type::Ila && !encap.locator) return fail(Errc::Invalid, "an ILA encapsulation has a locator");
    for (const auto& end : {encap.destination, encap.source})
        if (end && end->is_v6() != (encap.type == Type::Ip6))
            return fail(Errc::Invalid, end->to_string() + " is no end of this kind of tunnel");
    return {};
}

Result<void> check(const NextHop& hop, Family family) {
    if (!hop.via.empty() && family == Family::V6 && hop.via.is_v4())
        return fail(Errc::Invalid, "an IPv6 route cannot go via " + hop.via.to_string());
    if (!hop.device.empty() && hop.interface_index == 0)
        return fail(Errc::NotFound, "interface " + hop.device + " does not exist");
    if (hop.weight == 0 || hop.weight > kMostWeight)
        return fail(Errc::Invalid, "the weight of a next hop is 1 to " + std::to_string(kMostWeight));
    return check(hop.encapsulation);
}

Result<void> check(const Route& route) {
    const Family family = route.destination.address.family();
    if (family == Family::None) return fail(Errc::Invalid, "route without a family");
    const unsigned longest = family == Family::V4 ? 32 : 128;
    if (route.destination.length > longest || (route.source && route.source->length > longest))
        return fail(Errc::Invalid, route.destination.to_string() + ": prefix too long");
    if (route.source && route.source->address.family() != family)
        return fail(Errc::Invalid, route.source->to_string() + " is of the other family");
    if (route.preferred_source && route.preferred_source->family() != family)
        return fail(Errc::Invalid, route.preferred_source->to_string() + " is of the other family");
    if (route.hops.size() > kMostHops)
        return fail(Errc::Limit, "a route has at most " + std::to_string(kMostHops) + " next hops");
    for (const Metric& metric : route.metrics)
        if (metric.number <= RTAX_LOCK || metric.number > RTAX_MAX) return fail(Errc::Invalid, "no such route metric");
    if (auto good = check(route.hop, family); !good) return good;
    for (const NextHop& hop : route.hops)
        if (auto good = check(hop, family); !good) return good;
    return {};
}

// LWTUNNEL_IP and LWTUNNEL_IP6 attributes have the same numbers.
static_assert(int{LWTUNNEL_IP_ID} == int{LWTUNNEL_IP6_ID} && int{LWTUNNEL_IP_DST} == int{LWTUNNEL_IP6_DST} &&
              int{LWTUNNEL_IP_SRC} == int{LWTUNNEL_IP6_SRC} && int{LWTUNNEL_IP_TTL} == int{LWTUNNEL_IP6_HOPLIMIT} &&
              int{LWTUNNEL_IP_TOS} == int{LWTUNNEL_IP6_TC} && int{LWTUNNEL_IP_FLAGS} == int{LWTUNNEL_IP6_FLAGS});

void put_ip_tunnel(RoutingMessage& message, const Encapsulation& encap) {
    if (encap.id) mnl_attr_put_u64(message.header(), LWTUNNEL_IP_ID, network_order(*encap.id));
    if (encap.destination) message.put(LWTUNNEL_IP_DST, *encap.destination);
    if (encap.source) message.put(LWTUNNEL_IP_SRC, *encap.source);
    if (encap.tos) message.put_u8(LWTUNNEL_IP_TOS, *encap.tos);
    if (encap.ttl) message.put_u8(LWTUNNEL_IP_TTL, *encap.ttl);
    if (encap.flags) message.put_u16(LWTUNNEL_IP_FLAGS, network_order(*encap.flags));
}

void put_labels(RoutingMessage& message, const std::vector<std::uint32_t>& labels) {
    std::vector<std::uint32_t> stack;
    for (const std::uint32_t label : labels) stack.push_back(network_order(label << MPLS_LS_LABEL_SHIFT));
    stack.back() |= network_order(std::uint32_t{1} << MPLS_LS_S_SHIFT);  // the innermost one ends the stack
    message.put(MPLS_IPTUNNEL_DST, std::as_bytes(std::span{stack}));
}

void put(RoutingMessage& message, const Encapsulation& encap) {
    using Type = Encapsulation::Type;
    if (encap.type == Type::None) return;
    message.put_u16(RTA_ENCAP_TYPE, static_cast<std::uint16_t>(encap.type));
    nlattr* nest = message.open(RTA_ENCAP);
    if (encap.type == Type::Mpls) {
        put_labels(message, encap.labels);
        if (encap.ttl) message.put_u8(MPLS_IPTUNNEL_TTL, *encap.ttl);
    } else if (encap.type == Type::Ila)
        mnl_attr_put_u64(message.header(), ILA_ATTR_LOCATOR, network_order(*encap.locator));
    else
        put_ip_tunnel(message, encap);
    message.close(nest);
}

// The same attributes stand in the route and in each hop of a multipath route.
void put_way(RoutingMessage& message, const NextHop& hop, Family family) {
    if (!hop.via.empty() && hop.via.family() == family) {
        message.put(RTA_GATEWAY, hop.via);
    } else if (!hop.via.empty()) {  // RFC 5549: an IPv4 route via an IPv6 router
        const std::uint16_t other = hop.via.is_v4() ? kFamilyV4 : kFamilyV6;  // struct rtvia begins with it
        std::vector<std::byte> via(sizeof other);
        std::memcpy(via.data(), &other, sizeof other);
        via.insert(via.end(), hop.via.bytes().begin(), hop.via.bytes().end());
        message.put(RTA_VIA, via);
    }
    if (hop.realms) message.put_u32(RTA_FLOW, *hop.realms);
    put(message, hop.encapsulation);
}

void put_hops(RoutingMessage& message, const std::vector<NextHop>& hops, Family family) {
    nlattr* all = message.open(RTA_MULTIPATH);
    for (const NextHop& hop : hops) {
        const std::uint32_t begin = message.header()->nlmsg_len;
        auto* head = static_cast<rtnexthop*>(mnl_nlmsg_put_extra_header(message.header(), sizeof(rtnexthop)));
        head->rtnh_hops = static_cast<std::uint8_t>(hop.weight - 1);
        head->rtnh_ifindex = static_cast<int>(hop.interface_index);
        head->rtnh_flags = hop.onlink ? RTNH_F_ONLINK : 0;
        put_way(message, hop, family);
        head->rtnh_len = static_cast<std::uint16_t>(message.header()->nlmsg_len - begin);
    }
    message.close(all);
}

void put_metrics(RoutingMessage& message, const Route& route) {
    if (route.metrics.empty() && route.locked == 0 && route.congestion_control.empty()) return;
    nlattr* nest = message.open(RTA_METRICS);
    if (route.locked != 0) message.put_u32(RTAX_LOCK, route.locked);
    for (const Metric& metric : route.metrics) message.put_u32(metric.number, metric.value);
    if (!route.congestion_control.empty())
        mnl_attr_put_strz(message.header(), RTAX_CC_ALGO, route.congestion_control.c_str());
    message.close(nest);
}

Result<void> append(std::vector<std::byte>& out, const Route& route, std::uint16_t type, std::uint16_t flags,
                    std::uint32_t sequence) {
    if (auto good = check(route); !good) return good;
    const Family family = route.destination.address.family();
    RoutingMessage message{type, static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags), sequence};
    auto* body = message.body<rtmsg>();
    body->rtm_family = family == Family::V4 ? kFamilyV4 : kFamilyV6;
    body->rtm_dst_len = route.destination.length;
    body->rtm_src_len = route.source ? route.source->length : 0;
    body->rtm_tos = route.tos;
    body->rtm_table = route.table < 256 ? static_cast<std::uint8_t>(route.table) : std::uint8_t{RT_TABLE_UNSPEC};
    body->rtm_protocol = route.protocol;
    body->rtm_scope = route.scope;
    body->rtm_type = route.type;
    body->rtm_flags = route.hops.empty() && route.hop.onlink ? RTNH_F_ONLINK : 0;
    if (route.destination.length != 0) message.put(RTA_DST, route.destination.address);
    if (route.source) message.put(RTA_SRC, route.source->address);
    if (route.table >= 256) message.put_u32(RTA_TABLE, route.table);
    if (route.preferred_source) message.put(RTA_PREFSRC, *route.preferred_source);
    if (route.priority) message.put_u32(RTA_PRIORITY, *route.priority);
    if (route.hops.empty() && route.hop.interface_index != 0) message.put_u32(RTA_OIF, route.hop.interface_index);
    if (route.expires) message.put_u32(RTA_EXPIRES, *route.expires);
    if (route.preference) message.put_u8(RTA_PREF, *route.preference);
    if (route.ttl_propagate) message.put_u8(RTA_TTL_PROPAGATE, *route.ttl_propagate);
    put_metrics(message, route);
    if (route.hops.empty())
        put_way(message, route.hop, family);
    else
        put_hops(message, route.hops, family);
    message.append_to(out);
    return {};
}

}  // namespace

Result<void> append_route_add(std::vector<std::byte>& out, const Route& route, std::uint32_t sequence) {
    using Placement = Route::Placement;
    const std::uint16_t how = route.placement == Placement::Add      ? NLM_F_EXCL
                              : route.placement == Placement::Append ? NLM_F_APPEND
                                                                     : 0;
    return append(out, route, RTM_NEWROUTE, static_cast<std::uint16_t>(NLM_F_CREATE | how), sequence);
}

Result<void> append_route_remove(std::vector<std::byte>& out, const Route& route, std::uint32_t sequence) {
    return append(out, route, RTM_DELROUTE, 0, sequence);
}

namespace {

Result<void> check(const Rule& rule) {
    if (rule.family == Family::None) return fail(Errc::Invalid, "rule without a family");
    const unsigned longest = rule.family == Family::V4 ? 32 : 128;
    for (const auto* prefix : {&rule.from, &rule.to}) {
        if (!*prefix) continue;
        if ((*prefix)->address.family() != rule.family)
            return fail(Errc::Invalid, (*prefix)->to_string() + " is of the other family");
        if ((*prefix)->length > longest) return fail(Errc::Invalid, (*prefix)->to_string() + ": prefix too long");
    }
    for (const auto* name : {&rule.input, &rule.output})
        if (name->size() >= IFNAMSIZ) return fail(Errc::Invalid, "interface name " + *name + " is too long");
    return {};
}

template <class T>
void put_range(RoutingMessage& message, std::uint16_t type, const std::optional<std::pair<T, T>>& range) {
    if (!range) return;
    const std::array<T, 2> ends{range->first, range->second};
    message.put(type, std::as_bytes(std::span{ends}));
}

void put_selectors(RoutingMessage& message, const Rule& rule) {
    if (rule.from && rule.from->length != 0) message.put(FRA_SRC, rule.from->address);
    if (rule.to && rule.to->length != 0) message.put(FRA_DST, rule.to->address);
    if (!rule.input.empty()) mnl_attr_put_strz(message.header(), FRA_IIFNAME, rule.input.c_str());
    if (!rule.output.empty()) mnl_attr_put_strz(message.header(), FRA_OIFNAME, rule.output.c_str());
    if (rule.mark) message.put_u32(FRA_FWMARK, *rule.mark);
    if (rule.mask) message.put_u32(FRA_FWMASK, *rule.mask);
    if (rule.tunnel_id) {
        const std::uint64_t id =
            std::endian::native == std::endian::little ? std::byteswap(*rule.tunnel_id) : *rule.tunnel_id;
        mnl_attr_put_u64(message.header(), FRA_TUN_ID, id);
    }
    if (rule.ip_protocol) message.put_u8(FRA_IP_PROTO, *rule.ip_protocol);
    put_range(message, FRA_UID_RANGE, rule.users);
    put_range(message, FRA_SPORT_RANGE, rule.source_ports);
    put_range(message, FRA_DPORT_RANGE, rule.destination_ports);
}

Result<void> append(std::vector<std::byte>& out, const Rule& rule, std::uint16_t type, std::uint16_t flags,
                    std::uint32_t sequence) {
    if (auto good = check(rule); !good) return good;
    RoutingMessage message{type, static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags), sequence};
    auto* body = message.body<fib_rule_hdr>();
    body->family = rule.family == Family::V4 ? kFamilyV4 : kFamilyV6;
    body->src_len = rule.from ? rule.from->length : 0;
    body->dst_len = rule.to ? rule.to->length : 0;
    body->tos = rule.tos;
    body->table = rule.table < 256 ? static_cast<std::uint8_t>(rule.table) : std::uint8_t{RT_TABLE_UNSPEC};
    body->action = rule.action;
    body->flags = rule.invert ? FIB_RULE_INVERT : 0;
    put_selectors(message, rule);
    message.put_u32(FRA_PRIORITY, rule.priority);
    message.put_u8(FRA_PROTOCOL, rule.protocol);
    if (rule.table >= 256) message.put_u32(FRA_TABLE, rule.table);
    if (rule.l3mdev) message.put_u8(FRA_L3MDEV, 1);
    if (rule.action == FR_ACT_GOTO) message.put_u32(FRA_GOTO, rule.target);
    if (rule.realms) message.put_u32(FRA_FLOW, *rule.realms);
    if (rule.suppress_prefix_length) message.put_u32(FRA_SUPPRESS_PREFIXLEN, *rule.suppress_prefix_length);
    if (rule.suppress_group) message.put_u32(FRA_SUPPRESS_IFGROUP, *rule.suppress_group);
    message.append_to(out);
    return {};
}

}  // namespace

Result<void> append_rule_add(std::vector<std::byte>& out, const Rule& rule, std::uint32_t sequence) {
    return append(out, rule, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, sequence);
}

Result<void> append_rule_remove(std::vector<std::byte>& out, const Rule& rule, std::uint32_t sequence) {
    return append(out, rule, RTM_DELRULE, 0, sequence);
}

void append_route_dump(std::vector<std::byte>& out, std::uint32_t sequence) {
    RoutingMessage request{RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP, sequence};
    mnl_nlmsg_put_extra_header(request.header(), sizeof(rtmsg));
    request.append_to(out);
}

void append_policy_rule_dump(std::vector<std::byte>& out, std::uint32_t sequence) {
    RoutingMessage request{RTM_GETRULE, NLM_F_REQUEST | NLM_F_DUMP, sequence};
    mnl_nlmsg_put_extra_header(request.header(), sizeof(fib_rule_hdr));
    request.append_to(out);
}

}  // namespace mainstay::netlink
