// The nftables tables of keepalived 2.4.3 (order of expressions as shown by `nft --debug=netlink` for 2.2.7), so that
// people and scripts find what they expect.
#include "mainstay/netlink/vip_filter.hpp"

#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <iterator>
#include <optional>
#include <span>
#include <string_view>

#include "kernel_numbers.hpp"
#include "nft_messages.hpp"

namespace mainstay::netlink {
namespace {

constexpr std::size_t kElementsPerMessage = 400;
constexpr std::uint32_t kNameBytes = 16;  // IFNAMSIZ: names in registers are padded with zeros
// Where things are in packets.
constexpr std::uint32_t kV4Protocol = 9, kV4Source = 12;
constexpr std::uint32_t kV6NextHeader = 6, kV6Source = 8;
constexpr std::uint8_t kIgmp = 2, kIcmpV6 = 58;
constexpr std::uint8_t kRouterSolicitation = 133, kNeighbourSolicitation = 135, kNeighbourAdvert = 136;
constexpr std::array<std::uint8_t, 3> kListenerReports{131, 132, 143};  // MLDv1 report and done, MLDv2 report
// nft's numbers for the types of set keys, for display; in a concatenation the first one is shifted by 6 bits.
constexpr std::uint32_t kTypeV4 = 7, kTypeV6 = 8, kTypeIndex = 20, kTypeIcmpV6 = 29, kTypeName = 41;
constexpr std::uint32_t kHostOrder = 1;  // nft's number for a byte order
constexpr std::uint32_t concatenated(std::uint32_t first, std::uint32_t second) { return first << 6U | second; }

constexpr const char* kVmacMap = "vmac_map";
constexpr const char* kVmacSet = "vmac_set";
constexpr const char* kParentLinkLocal = "parent_link_local";
constexpr const char* kReports = "mld-report";
constexpr const char* kNeighbours = "neighbor-discovery";
constexpr const char* kVips = "vips";

// ---- sets ----

struct UserDataFreer {
    void operator()(nftnl_udata_buf* p) const { nftnl_udata_buf_free(p); }
};
using UserData = std::unique_ptr<nftnl_udata_buf, UserDataFreer>;

using Bytes = std::vector<std::byte>;
struct Element {
    Bytes key, data;
    auto operator<=>(const Element&) const = default;
};
struct SetKind {
    const char* name;
    std::uint32_t key_type, key_bytes, data_type = 0, data_bytes = 0;
    bool constant = false;
};

Bytes bytes_of(std::uint32_t number) {  // interface indexes are in host order
    Bytes bytes(sizeof number);
    std::memcpy(bytes.data(), &number, sizeof number);
    return bytes;
}
Bytes bytes_of(const IpAddress& address) { return {address.bytes().begin(), address.bytes().end()}; }
Bytes name_bytes(std::string_view name) {
    Bytes bytes(kNameBytes);
    std::memcpy(bytes.data(), name.data(), std::min<std::size_t>(name.size(), kNameBytes - 1));
    return bytes;
}

using SetOfElements = std::pair<SetKind, std::set<Element>>;

const char* link_set(const VipFilter& filter) { return filter.by_index ? "vips_link_local" : "vips_link_local_name"; }

std::set<Element> types(std::span<const std::uint8_t> numbers) {
    std::set<Element> elements;
    for (const auto number : numbers) elements.insert({{std::byte{number}}, {}});
    return elements;
}

SetOfElements on_links(const VipFilter& filter, const char* name, const std::set<VipFilter::OnLink>& list) {
    const std::uint32_t type = filter.by_index ? kTypeIndex : kTypeName, bytes = filter.by_index ? 4 : kNameBytes;
    SetOfElements set{{name, concatenated(kTypeV6, type), 16 + bytes}, {}};
    for (const auto& [address, index, interface] : list) {
        Bytes key = bytes_of(address);
        const Bytes link = filter.by_index ? bytes_of(index) : name_bytes(interface);
        key.insert(key.end(), link.begin(), link.end());
        set.second.insert({std::move(key), {}});
    }
    return set;
}

std::vector<SetOfElements> sets_of(const VipFilter& filter) {
    const bool v6 = filter.family == Family::V6;
    std::vector<SetOfElements> sets;
    if (filter.reports && v6) sets.push_back(on_links(filter, kParentLinkLocal, filter.parent_link_local));
    if (filter.reports) {
        auto& map = sets.emplace_back(SetKind{kVmacMap, kTypeIndex, 4, kTypeIndex, 4}, std::set<Element>{}).second;
        for (const auto& [vmac, parent] : filter.vmacs) map.insert({bytes_of(vmac), bytes_of(parent)});
    }
    if (filter.reports && v6) {
        auto& set = sets.emplace_back(SetKind{kVmacSet, kTypeIndex, 4}, std::set<Element>{}).second;
        for (const auto& [vmac, parent] : filter.vmacs) set.insert({bytes_of(vmac), {}});
        sets.emplace_back(SetKind{kReports, kTypeIcmpV6, 1, 0, 0, true}, types(kListenerReports));
    }
    if (!filter.filters) return sets;
    const SetKind vips = v6 ? SetKind{kVips, kTypeV6, 16} : SetKind{kVips, kTypeV4, 4};
    auto& addresses = sets.emplace_back(vips, std::set<Element>{}).second;
    for (const auto& address : filter.addresses) addresses.insert({bytes_of(address), {}});
    if (!v6) return sets;
    constexpr std::array kDiscovery{kNeighbourSolicitation, kNeighbourAdvert};
    sets.emplace_back(SetKind{kNeighbours, kTypeIcmpV6, 1, 0, 0, true}, types(kDiscovery));
    sets.push_back(on_links(filter, link_set(filter), filter.on_link));
    return sets;
}

void append_set(NftBatch& batch, const VipFilter& filter, const SetKind& kind, std::uint32_t id) {
    const NftSet set{nftnl_set_alloc()};
    nftnl_set_set_str(set.get(), NFTNL_SET_TABLE, filter.table.c_str());
    nftnl_set_set_str(set.get(), NFTNL_SET_NAME, kind.name);
    nftnl_set_set_u32(set.get(), NFTNL_SET_ID, id);
    nftnl_set_set_u32(set.get(), NFTNL_SET_FAMILY, family_number(filter.family));
    nftnl_set_set_u32(set.get(), NFTNL_SET_KEY_TYPE, kind.key_type);
    nftnl_set_set_u32(set.get(), NFTNL_SET_KEY_LEN, kind.key_bytes);
    std::uint32_t flags = 0;
    if (kind.data_bytes != 0) {
        flags |= NFT_SET_MAP;
        nftnl_set_set_u32(set.get(), NFTNL_SET_DATA_TYPE, kind.data_type);
        nftnl_set_set_u32(set.get(), NFTNL_SET_DATA_LEN, kind.data_bytes);
    }
    if (kind.constant) flags |= NFT_SET_CONSTANT;
    // Interface indexes are in host byte order; nft needs this hint to show them as names.
    const UserData order{nftnl_udata_buf_alloc(NFT_USERDATA_MAXLEN)};
    if (kind.key_type == kTypeIndex) {
        nftnl_udata_put_u32(order.get(), NFTNL_UDATA_SET_KEYBYTEORDER, kHostOrder);
        if (kind.data_type == kTypeIndex) nftnl_udata_put_u32(order.get(), NFTNL_UDATA_SET_DATABYTEORDER, kHostOrder);
        nftnl_set_set_data(set.get(), NFTNL_SET_USERDATA, nftnl_udata_buf_data(order.get()),
                           nftnl_udata_buf_len(order.get()));
    }
    nftnl_set_set_u32(set.get(), NFTNL_SET_FLAGS, flags);
    append(batch, NFT_MSG_NEWSET, filter.family, NLM_F_CREATE,
           [&](nlmsghdr* message) { nftnl_set_nlmsg_build_payload(message, set.get()); });
}

void append_elements(NftBatch& batch, std::uint16_t type, const VipFilter& filter, const char* name,
                     const std::vector<Element>& elements) {
    for (std::size_t begin = 0; begin < elements.size(); begin += kElementsPerMessage) {
        const NftSet set{nftnl_set_alloc()};
        nftnl_set_set_str(set.get(), NFTNL_SET_TABLE, filter.table.c_str());
        nftnl_set_set_str(set.get(), NFTNL_SET_NAME, name);
        for (std::size_t n = begin; n < std::min(begin + kElementsPerMessage, elements.size()); ++n) {
            nftnl_set_elem* element = nftnl_set_elem_alloc();
            const auto& [key, data] = elements[n];
            nftnl_set_elem_set(element, NFTNL_SET_ELEM_KEY, key.data(), static_cast<std::uint32_t>(key.size()));
            if (!data.empty())
                nftnl_set_elem_set(element, NFTNL_SET_ELEM_DATA, data.data(), static_cast<std::uint32_t>(data.size()));
            nftnl_set_elem_add(set.get(), element);  // the set owns it
        }
        append(batch, type, filter.family, type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0,
               [&](nlmsghdr* message) { nftnl_set_elems_nlmsg_build_payload(message, set.get()); });
    }
}

// ---- chains and rules ----

void append_chain(NftBatch& batch, const VipFilter& filter, const char* name, std::optional<std::uint32_t> hook) {
    const NftChain chain{nftnl_chain_alloc()};
    nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_TABLE, filter.table.c_str());
    nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_NAME, name);
    if (hook) {
        nftnl_chain_set_str(chain.get(), NFTNL_CHAIN_TYPE, "filter");
        nftnl_chain_set_u32(chain.get(), NFTNL_CHAIN_HOOKNUM, *hook);
        nftnl_chain_set_s32(chain.get(), NFTNL_CHAIN_PRIO, filter.priority);
        nftnl_chain_set_u32(chain.get(), NFTNL_CHAIN_POLICY, NF_ACCEPT);
    }
    append(batch, NFT_MSG_NEWCHAIN, filter.family, NLM_F_CREATE,
           [&](nlmsghdr* message) { nftnl_chain_nlmsg_build_payload(message, chain.get()); });
}

// Builds a rule from left to right, in nft's notation.
class RuleBuilder {
public:
    RuleBuilder(const VipFilter& filter, const char* chain) : filter_{filter}, rule_{nftnl_rule_alloc()} {
        nftnl_rule_set_u32(rule_.get(), NFTNL_RULE_FAMILY, family_number(filter.family));
        nftnl_rule_set_str(rule_.get(), NFTNL_RULE_TABLE, filter.table.c_str());
        nftnl_rule_set_str(rule_.get(), NFTNL_RULE_CHAIN, chain);
    }

    RuleBuilder& payload(std::uint32_t base, std::uint32_t offset, std::uint32_t length) {
        auto* e = add("payload");
        nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, base);
        nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
        nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, length);
        nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
        return *this;
    }
    RuleBuilder& network(std::uint32_t offset, std::uint32_t length) {
        return payload(NFT_PAYLOAD_NETWORK_HEADER, offset, length);
    }
    RuleBuilder& meta(std::uint32_t key, std::uint32_t into) {
        auto* e = add("meta");
        nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, key);
        nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, into);
        return *this;
    }
    RuleBuilder& equals(const Bytes& value, std::uint32_t in = NFT_REG_1) {
        auto* e = add("cmp");
        nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, in);
        nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, NFT_CMP_EQ);
        nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, value.data(), static_cast<std::uint32_t>(value.size()));
        return *this;
    }
    RuleBuilder& equals(std::uint8_t value) { return equals(Bytes{std::byte{value}}); }
    RuleBuilder& masked(const Bytes& mask) {
        const Bytes zero(mask.size());
        const auto length = static_cast<std::uint32_t>(mask.size());
        auto* e = add("bitwise");
        nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
        nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
        nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, length);
        nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, mask.data(), length);
        nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, zero.data(), length);
        return *this;
    }
    RuleBuilder& in_set(const char* name, std::uint32_t key = NFT_REG_1) {
        auto* e = add("lookup");
        nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, key);
        nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, name);
        return *this;
    }
    RuleBuilder& mapped(const char* name, std::uint32_t in) {
        auto* e = add("lookup");
        nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, in);
        nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_DREG, in);
        nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, name);
        return *this;
    }
    // Matches packets on any macvlan.
    RuleBuilder& on_macvlan() { return meta(NFT_META_OIFKIND, NFT_REG_2).equals(name_bytes("macvlan"), NFT_REG_2); }
    RuleBuilder& duplicate() {  // to the address in register 1, on the device in register 2
        auto* e = add("dup");
        nftnl_expr_set_u32(e, NFTNL_EXPR_DUP_SREG_ADDR, NFT_REG_1);
        nftnl_expr_set_u32(e, NFTNL_EXPR_DUP_SREG_DEV, NFT_REG_2);
        return *this;
    }

    void then(NftBatch& batch, std::uint32_t verdict, const char* chain = nullptr) {
        if (filter_.counters) (void)add("counter");
        auto* e = add("immediate");
        nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
        nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, verdict);
        if (chain != nullptr) nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, chain);
        append(batch, NFT_MSG_NEWRULE, filter_.family, NLM_F_CREATE | NLM_F_APPEND,
               [&](nlmsghdr* message) { nftnl_rule_nlmsg_build_payload(message, rule_.get()); });
    }

private:
    nftnl_expr* add(const char* name) {
        nftnl_expr* e = nftnl_expr_alloc(name);
        nftnl_rule_add_expr(rule_.get(), e);  // the rule owns it
        return e;
    }

    const VipFilter& filter_;
    NftRule rule_;
};

constexpr std::uint32_t kDrop = NF_DROP, kAccept = NF_ACCEPT, kGoto = static_cast<std::uint32_t>(NFT_GOTO);

// A switch learns a VMAC's port from the frames that it sends: a backup's IGMP or MLD reports would redirect the
// master's packets to the backup. So they are sent from the parent, and router solicitations of VMACs are dropped. So
// are their answers to whoever looks for the parent's link-local address, which VMACs have for their adverts.
void append_report_rules(NftBatch& batch, const VipFilter& filter) {
    if (filter.family == Family::V4) {
        RuleBuilder{filter, "out"}
            .network(kV4Protocol, 1)
            .equals(kIgmp)
            .network(kV4Destination, 4)
            .on_macvlan()
            .meta(NFT_META_OIF, NFT_REG_2)
            .mapped(kVmacMap, NFT_REG_2)
            .duplicate()
            .then(batch, kDrop);
        return;
    }
    const auto icmp_type = [&] {
        RuleBuilder rule{filter, "out"};
        rule.meta(NFT_META_L4PROTO, NFT_REG_1).equals(kIcmpV6).payload(NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1);
        return rule;
    };
    auto answer = icmp_type();
    answer.equals(kNeighbourAdvert)
        .on_macvlan()
        .network(kV6Source, 16)
        .meta(filter.by_index ? NFT_META_OIF : NFT_META_OIFNAME, NFT_REG_2)
        .in_set(kParentLinkLocal)
        .then(batch, kDrop);
    auto report = icmp_type();
    report.in_set(kReports)
        .network(kV6Destination, 16)
        .on_macvlan()
        .meta(NFT_META_OIF, NFT_REG_2)
        .mapped(kVmacMap, NFT_REG_2)
        .duplicate()
        .then(batch, kDrop);
    auto solicitation = icmp_type();
    solicitation.equals(kRouterSolicitation)
        .on_macvlan()
        .meta(NFT_META_OIF, NFT_REG_2)
        .in_set(kVmacSet, NFT_REG_2)
        .then(batch, kDrop);
}

void append_address_rules(NftBatch& batch, const VipFilter& filter, const char* chain, bool output) {
    if (filter.family == Family::V4)
        return RuleBuilder{filter, chain}
            .network(output ? kV4Source : kV4Destination, 4)
            .in_set(kVips)
            .then(batch, kDrop);
    const std::uint32_t address = output ? kV6Source : kV6Destination;
    Bytes mask(16), link_local(16);
    mask[0] = std::byte{0xff}, mask[1] = std::byte{0xc0};
    link_local[0] = std::byte{0xfe}, link_local[1] = std::byte{0x80};
    RuleBuilder{filter, chain}
        .network(kV6NextHeader, 1)
        .equals(kIcmpV6)
        .payload(NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1)
        .in_set(kNeighbours)
        .then(batch, kAccept);
    RuleBuilder{filter, chain}
        .network(address, 16)
        .masked(mask)
        .equals(link_local)
        .then(batch, kGoto, output ? "out_link_local" : "in_link_local");
    RuleBuilder{filter, chain}.network(address, 16).in_set(kVips).then(batch, kDrop);
}

void append_link_rule(NftBatch& batch, const VipFilter& filter, const char* chain, bool output) {
    const std::uint32_t by_index = output ? NFT_META_OIF : NFT_META_IIF;
    const std::uint32_t by_name = output ? NFT_META_OIFNAME : NFT_META_IIFNAME;
    RuleBuilder{filter, chain}
        .network(output ? kV6Source : kV6Destination, 16)
        .meta(filter.by_index ? by_index : by_name, NFT_REG_2)
        .in_set(link_set(filter))
        .then(batch, kDrop);
}

std::vector<Element> missing_in(const std::set<Element>& have, const std::set<Element>& wanted) {
    std::vector<Element> missing;
    std::ranges::set_difference(wanted, have, std::back_inserter(missing));
    return missing;
}

}  // namespace

bool has_nftables() { return true; }

void append_filter(NftBatch& batch, const VipFilter& filter) {
    append_table_removal(batch, filter.family, filter.table);
    if (filter.empty()) return;
    append_table(batch, NFT_MSG_NEWTABLE, filter.family, filter.table);
    std::uint32_t id = 0;
    for (const auto& [kind, elements] : sets_of(filter)) {
        append_set(batch, filter, kind, ++id);
        append_elements(batch, NFT_MSG_NEWSETELEM, filter, kind.name, {elements.begin(), elements.end()});
    }
    const bool local = filter.filters && filter.family == Family::V6;
    append_chain(batch, filter, "out", NF_INET_LOCAL_OUT);
    if (filter.filters) append_chain(batch, filter, "in", NF_INET_LOCAL_IN);
    if (local) append_chain(batch, filter, "in_link_local", std::nullopt);
    if (local) append_chain(batch, filter, "out_link_local", std::nullopt);
    if (filter.reports) append_report_rules(batch, filter);
    if (!filter.filters) return;
    append_address_rules(batch, filter, "out", true);
    append_address_rules(batch, filter, "in", false);
    if (local) append_link_rule(batch, filter, "in_link_local", false);
    if (local) append_link_rule(batch, filter, "out_link_local", true);
}

void append_filter_change(NftBatch& batch, const VipFilter& from, const VipFilter& to) {
    const auto before = sets_of(from), after = sets_of(to);
    for (std::size_t n = 0; n < std::min(before.size(), after.size()); ++n) {
        const char* name = after[n].first.name;
        append_elements(batch, NFT_MSG_DELSETELEM, to, name, missing_in(after[n].second, before[n].second));
        append_elements(batch, NFT_MSG_NEWSETELEM, to, name, missing_in(before[n].second, after[n].second));
    }
}

// Created before it is deleted, because deleting a missing table would fail the whole batch.
void append_table_removal(NftBatch& batch, Family family, const std::string& table) {
    append_table(batch, NFT_MSG_NEWTABLE, family, table);
    append_table(batch, NFT_MSG_DELTABLE, family, table);
}

std::size_t rule_count(const VipFilter& filter) {
    const bool v6 = filter.family == Family::V6;
    return (filter.reports ? (v6 ? 3U : 1U) : 0U) + (filter.filters ? (v6 ? 8U : 2U) : 0U);
}

std::map<std::string, std::size_t> element_counts(const VipFilter& filter) {
    std::map<std::string, std::size_t> counts;
    for (const auto& [kind, elements] : sets_of(filter)) counts.emplace(kind.name, elements.size());
    return counts;
}

// The first and last message of a batch, and the queries of existing tables.

namespace {

constexpr std::size_t kQueryLimit = 512;  // two names take at most 256 bytes each, and those here are shorter

void append_query(std::vector<std::byte>& out, std::uint16_t type, Family family, std::uint16_t flags,
                  std::uint32_t sequence, const std::function<void(nlmsghdr*)>& build) {
    std::vector<char> bytes(kQueryLimit);
    auto* header =
        nftnl_nlmsg_build_hdr(bytes.data(), type, family == Family::V4 ? kFamilyV4 : kFamilyV6, flags, sequence);
    build(header);
    const auto used = std::as_bytes(std::span{bytes}).first(header->nlmsg_len);
    out.insert(out.end(), used.begin(), used.end());
}

}  // namespace

void append_batch_begin(std::vector<std::byte>& out, std::uint32_t sequence) {
    std::array<char, 64> bytes{};
    const auto* header = nftnl_batch_begin(bytes.data(), sequence);
    const auto used = std::as_bytes(std::span{bytes}).first(header->nlmsg_len);
    out.insert(out.end(), used.begin(), used.end());
}

void append_batch_end(std::vector<std::byte>& out, std::uint32_t sequence) {
    std::array<char, 64> bytes{};
    const auto* header = nftnl_batch_end(bytes.data(), sequence);
    const auto used = std::as_bytes(std::span{bytes}).first(header->nlmsg_len);
    out.insert(out.end(), used.begin(), used.end());
}

void append_generation_query(std::vector<std::byte>& out, std::uint32_t sequence) {
    append_query(out, NFT_MSG_GETGEN, Family::V4, 0, sequence, [](nlmsghdr*) {});
}

void append_table_query(std::vector<std::byte>& out, Family family, const std::string& table, std::uint32_t sequence) {
    append_query(out, NFT_MSG_GETTABLE, family, 0, sequence,
                 [&](nlmsghdr* message) { mnl_attr_put_strz(message, NFTA_TABLE_NAME, table.c_str()); });
}

void append_rule_dump(std::vector<std::byte>& out, Family family, const std::string& table, std::uint32_t sequence) {
    append_query(out, NFT_MSG_GETRULE, family, NLM_F_DUMP, sequence,
                 [&](nlmsghdr* message) { mnl_attr_put_strz(message, NFTA_RULE_TABLE, table.c_str()); });
}

void append_element_dump(std::vector<std::byte>& out, Family family, const std::string& table, const std::string& set,
                         std::uint32_t sequence) {
    append_query(out, NFT_MSG_GETSETELEM, family, NLM_F_DUMP, sequence, [&](nlmsghdr* message) {
        mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, table.c_str());
        mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, set.c_str());
    });
}

Result<std::size_t> count_elements(const Message& message) {
    const auto attributes = Attributes::parse(behind_header(message.payload, sizeof(nfgenmsg)));
    if (!attributes) return error_of(attributes, "nftables set");
    auto rest = attributes->bytes(NFTA_SET_ELEM_LIST_ELEMENTS).value_or(std::span<const std::byte>{});
    std::size_t count = 0;
    while (rest.size() >= sizeof(nlattr)) {
        const auto* element = reinterpret_cast<const nlattr*>(rest.data());
        if (!mnl_attr_ok(element, static_cast<int>(rest.size()))) return fail(Errc::Invalid, "nftables set is cut off");
        ++count;
        rest = rest.subspan(std::min<std::size_t>(MNL_ALIGN(mnl_attr_get_len(element)), rest.size()));
    }
    return count;
}

}  // namespace mainstay::netlink
