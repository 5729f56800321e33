#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>

#include <bit>

#include "mainstay/netlink/routing.hpp"
#include "routing_message.hpp"

namespace mainstay::netlink {
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

}  // namespace mainstay::netlink
