#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include <algorithm>

#include "mainstay/netlink/routing.hpp"
#include "routing_message.hpp"

namespace mainstay::netlink {
namespace {

// An address of the message's family; the family's zero address when there is none: "default" has no RTA_DST.
Result<Prefix> prefix_of(std::uint8_t family, std::optional<std::span<const std::byte>> bytes, std::uint8_t length) {
    const std::size_t size = family == kFamilyV4 ? 4 : 16;
    if (length > size * 8) return fail(Errc::Invalid, "routing message with an overlong prefix");
    std::array<std::byte, 16> address{};
    if (bytes) {
        if (bytes->size() < size) return fail(Errc::Invalid, "routing message with a short address");
        std::ranges::copy(bytes->first(size), address.begin());
    } else if (length != 0) {
        return fail(Errc::Invalid, "routing message without its address");
    }
    const std::span all{address};
    return Prefix{family == kFamilyV4 ? IpAddress::v4(all.first<4>()) : IpAddress::v6(all.first<16>()), length};
}

Result<std::optional<Routing>> decode_route(const Message& message) {
    const auto header = read_header<rtmsg>(message.payload);
    if (!header) return fail(Errc::Invalid, "route message is cut off");
    if (header->rtm_family != kFamilyV4 && header->rtm_family != kFamilyV6) return std::nullopt;
    const auto attributes = Attributes::parse(behind_header(message.payload, sizeof(rtmsg)));
    if (!attributes) return error_of(attributes, "route message");
    Route route;
    auto destination = prefix_of(header->rtm_family, attributes->bytes(RTA_DST), header->rtm_dst_len);
    if (!destination) return error_of(destination);
    route.destination = *destination;
    if (header->rtm_src_len != 0) {
        auto source = prefix_of(header->rtm_family, attributes->bytes(RTA_SRC), header->rtm_src_len);
        if (!source) return error_of(source);
        route.source = *source;
    }
    route.type = header->rtm_type;
    route.scope = header->rtm_scope;
    route.tos = header->rtm_tos;
    route.protocol = header->rtm_protocol;
    route.table = attributes->value<std::uint32_t>(RTA_TABLE).value_or(header->rtm_table);
    route.priority = attributes->value<std::uint32_t>(RTA_PRIORITY);
    route.hop.interface_index = attributes->value<std::uint32_t>(RTA_OIF).value_or(0);
    if (const auto gateway = attributes->bytes(RTA_GATEWAY)) {
        auto via = prefix_of(header->rtm_family, gateway, 0);
        if (!via) return error_of(via);
        route.hop.via = via->address;
    }
    return Routing{std::move(route)};
}

Result<std::optional<Routing>> decode_rule(const Message& message) {
    const auto header = read_header<fib_rule_hdr>(message.payload);
    if (!header) return fail(Errc::Invalid, "rule message is cut off");
    if (header->family != kFamilyV4 && header->family != kFamilyV6) return std::nullopt;
    const auto attributes = Attributes::parse(behind_header(message.payload, sizeof(fib_rule_hdr)));
    if (!attributes) return error_of(attributes, "rule message");
    Rule rule;
    rule.family = header->family == kFamilyV4 ? Family::V4 : Family::V6;
    const std::pair<std::optional<Prefix>*, std::pair<std::uint16_t, std::uint8_t>> ends[]{
        {&rule.from, {FRA_SRC, header->src_len}}, {&rule.to, {FRA_DST, header->dst_len}}};
    for (const auto& [end, where] : ends) {
        if (where.second == 0) continue;
        auto prefix = prefix_of(header->family, attributes->bytes(where.first), where.second);
        if (!prefix) return error_of(prefix);
        *end = *prefix;
    }
    rule.invert = (header->flags & FIB_RULE_INVERT) != 0;
    rule.tos = header->tos;
    rule.action = header->action;
    rule.protocol = attributes->value<std::uint8_t>(FRA_PROTOCOL).value_or(0);
    rule.table = attributes->value<std::uint32_t>(FRA_TABLE).value_or(header->table);
    rule.l3mdev = attributes->value<std::uint8_t>(FRA_L3MDEV).value_or(0) != 0;
    rule.priority = attributes->value<std::uint32_t>(FRA_PRIORITY).value_or(0);
    rule.target = attributes->value<std::uint32_t>(FRA_GOTO).value_or(0);
    rule.mark = attributes->value<std::uint32_t>(FRA_FWMARK);
    rule.input = attributes->text(FRA_IIFNAME).value_or(std::string{});
    rule.output = attributes->text(FRA_OIFNAME).value_or(std::string{});
    return Routing{std::move(rule)};
}

bool same_end(const std::optional<Prefix>& wanted, const std::optional<Prefix>& reported) {
    const bool any = !wanted || wanted->length == 0;
    if (any || !reported) return any == !reported;
    return without_host_bits(*wanted) == without_host_bits(*reported);
}

bool may_be_route(const Route& wanted, const Route& reported) {
    return without_host_bits(wanted.destination) == reported.destination && wanted.table == reported.table &&
           wanted.tos == reported.tos && (!wanted.priority || *wanted.priority == reported.priority.value_or(0));
}

bool may_be_rule(const Rule& wanted, const Rule& reported) {
    const bool same_table = wanted.action != FR_ACT_TO_TBL || wanted.l3mdev || wanted.table == reported.table;
    return wanted.family == reported.family && wanted.priority == reported.priority &&
           wanted.action == reported.action && same_table && wanted.invert == reported.invert &&
           wanted.tos == reported.tos && wanted.mark.value_or(0) == reported.mark.value_or(0) &&
           wanted.input == reported.input && wanted.output == reported.output && same_end(wanted.from, reported.from) &&
           same_end(wanted.to, reported.to);
}

}  // namespace

Prefix without_host_bits(const Prefix& prefix) {
    std::array<std::byte, 16> bytes{};
    const auto own = prefix.address.bytes();
    for (std::size_t bit = 0; bit < prefix.length && bit < own.size() * 8; ++bit)
        bytes[bit / 8] |= own[bit / 8] & static_cast<std::byte>(0x80U >> (bit % 8));
    const std::span all{bytes};
    return {prefix.address.is_v4() ? IpAddress::v4(all.first<4>()) : IpAddress::v6(all.first<16>()), prefix.length};
}

Result<std::optional<Routing>> decode_routing(const Message& message) {
    switch (message.type) {
        case RTM_NEWROUTE:
        case RTM_DELROUTE:
            return decode_route(message);
        case RTM_NEWRULE:
        case RTM_DELRULE:
            return decode_rule(message);
        default:
            return std::nullopt;
    }
}

bool may_be(const Routing& wanted, const Routing& reported) {
    if (const auto* route = std::get_if<Route>(&wanted)) {
        const auto* other = std::get_if<Route>(&reported);
        return other != nullptr && may_be_route(*route, *other);
    }
    const auto* other = std::get_if<Rule>(&reported);
    return other != nullptr && may_be_rule(std::get<Rule>(wanted), *other);
}

}  // namespace mainstay::netlink
