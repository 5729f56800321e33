#include "mainstay/netlink/mark_table.hpp"

#include <linux/netfilter.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "nft_messages.hpp"

namespace mainstay::netlink {
namespace {

constexpr const char* kChain = "mark";
constexpr std::uint32_t kDestinationPort = 2;

void append_chain(NftBatch& batch, const MarkTable& table, Family family) {
    const NftChain chain{nftnl_chain_alloc()};
    nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_TABLE, table.name.c_str());
    nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_NAME, kChain);
    nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_TYPE, "filter");
    nftnl_chain_set_u32(chain.get(), NFTNL_CHAIN_HOOKNUM, NF_INET_PRE_ROUTING);
    nftnl_chain_set_s32(chain.get(), NFTNL_CHAIN_PRIO, table.priority);
    nftnl_chain_set_u32(chain.get(), NFTNL_CHAIN_POLICY, NF_ACCEPT);
    append(batch, NFT_MSG_NEWCHAIN, family, NLM_F_CREATE,
           [&](nlmsghdr* message) { nftnl_chain_nlmsg_build_payload(message, chain.get()); });
}

// The rule owns what is added.
nftnl_expr* add(const NftRule& rule, const char* name) {
    nftnl_expr* e = nftnl_expr_alloc(name);
    nftnl_rule_add_expr(rule.get(), e);
    return e;
}

void compare(const NftRule& rule, std::uint32_t operation, std::span<const std::byte> value) {
    auto* e = add(rule, "cmp");
    nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
    nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, operation);
    nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, value.data(), static_cast<std::uint32_t>(value.size()));
}

void load(const NftRule& rule, std::uint32_t base, std::uint32_t offset, std::size_t length) {
    auto* e = add(rule, "payload");
    nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, base);
    nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
    nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, static_cast<std::uint32_t>(length));
    nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
}

void match(const NftRule& rule, const MarkRule& wanted) {
    auto* protocol = add(rule, "meta");
    nftnl_expr_set_u32(protocol, NFTNL_EXPR_META_KEY, NFT_META_L4PROTO);
    nftnl_expr_set_u32(protocol, NFTNL_EXPR_META_DREG, NFT_REG_1);
    const std::array number{std::byte{wanted.protocol}};
    compare(rule, NFT_CMP_EQ, number);

    const bool v4 = wanted.first.is_v4();
    load(rule, NFT_PAYLOAD_NETWORK_HEADER, v4 ? kV4Destination : kV6Destination, wanted.first.bytes().size());
    if (wanted.first == wanted.last) {
        compare(rule, NFT_CMP_EQ, wanted.first.bytes());
    } else {
        compare(rule, NFT_CMP_GTE, wanted.first.bytes());
        compare(rule, NFT_CMP_LTE, wanted.last.bytes());
    }
    if (wanted.port == 0) return;
    const std::array port{static_cast<std::byte>(wanted.port >> 8U), static_cast<std::byte>(wanted.port & 0xffU)};
    load(rule, NFT_PAYLOAD_TRANSPORT_HEADER, kDestinationPort, port.size());
    compare(rule, NFT_CMP_EQ, port);
}

void append_rule(NftBatch& batch, const MarkTable& table, const MarkRule& wanted) {
    const Family family = wanted.first.family();
    const NftRule rule{nftnl_rule_alloc()};
    nftnl_rule_set_u32(rule.get(), NFTNL_RULE_FAMILY, family_number(family));
    nftnl_rule_set_str(rule.get(), NFTNL_RULE_TABLE, table.name.c_str());
    nftnl_rule_set_str(rule.get(), NFTNL_RULE_CHAIN, kChain);
    match(rule, wanted);
    if (table.counters) (void)add(rule, "counter");
    std::array<std::byte, sizeof wanted.mark> mark{};  // in host order
    std::memcpy(mark.data(), &wanted.mark, mark.size());
    auto* value = add(rule, "immediate");
    nftnl_expr_set_u32(value, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
    nftnl_expr_set(value, NFTNL_EXPR_IMM_DATA, mark.data(), static_cast<std::uint32_t>(mark.size()));
    auto* set = add(rule, "meta");
    nftnl_expr_set_u32(set, NFTNL_EXPR_META_KEY, NFT_META_MARK);
    nftnl_expr_set_u32(set, NFTNL_EXPR_META_SREG, NFT_REG_1);
    append(batch, NFT_MSG_NEWRULE, family, NLM_F_CREATE | NLM_F_APPEND,
           [&](nlmsghdr* message) { nftnl_rule_nlmsg_build_payload(message, rule.get()); });
}

}  // namespace

void append_mark_table(NftBatch& batch, const MarkTable& table) {
    for (const Family family : {Family::V4, Family::V6}) {
        append_table_removal(batch, family, table.name);
        if (std::ranges::none_of(table.rules, [&](const MarkRule& rule) { return rule.first.family() == family; }))
            continue;
        append_table(batch, NFT_MSG_NEWTABLE, family, table.name);
        append_chain(batch, table, family);
        for (const auto& rule : table.rules)
            if (rule.first.family() == family) append_rule(batch, table, rule);
    }
}

}  // namespace mainstay::netlink
