// The first and last message of a batch, and the queries of existing tables.
#include <libmnl/libmnl.h>
#include <libnftnl/common.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <array>
#include <functional>
#include <span>

#include "kernel_numbers.hpp"
#include "mainstay/netlink/vip_filter.hpp"

namespace mainstay::netlink {
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
