// What the nftables codecs share: owners of libnftnl's objects, and one message of a batch.
#pragma once

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <linux/netfilter/nf_tables.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernel_numbers.hpp"
#include "mainstay/netlink/vip_filter.hpp"

namespace mainstay::netlink {

inline constexpr std::size_t kMessageLimit = 32UL * 1024U;  // the longest: some hundred elements of a set

// Where the destination address stands in a packet.
inline constexpr std::uint32_t kV4Destination = 16, kV6Destination = 24;

[[nodiscard]] inline std::uint16_t family_number(Family family) { return family == Family::V4 ? kFamilyV4 : kFamilyV6; }

template <class T, void (*Free)(const T*)>
struct Freer {
    void operator()(T* p) const { Free(p); }
};
using NftTable = std::unique_ptr<nftnl_table, Freer<nftnl_table, nftnl_table_free>>;
using NftChain = std::unique_ptr<nftnl_chain, Freer<nftnl_chain, nftnl_chain_free>>;
using NftRule = std::unique_ptr<nftnl_rule, Freer<nftnl_rule, nftnl_rule_free>>;
using NftSet = std::unique_ptr<nftnl_set, Freer<nftnl_set, nftnl_set_free>>;

// One message, built by libnftnl in a buffer that every message fits into.
class MessageBuffer {
public:
    MessageBuffer(std::uint16_t type, Family family, std::uint16_t flags, std::uint32_t sequence)
        : bytes_(kMessageLimit),
          header_{nftnl_nlmsg_build_hdr(reinterpret_cast<char*>(bytes_.data()), type, family_number(family), flags,
                                        sequence)} {}
    [[nodiscard]] nlmsghdr* header() { return header_; }
    void append_to(std::vector<std::byte>& out) const {
        const auto used = std::span{bytes_}.first(header_->nlmsg_len);
        out.insert(out.end(), used.begin(), used.end());
    }

private:
    std::vector<std::byte> bytes_;
    nlmsghdr* header_;
};

template <class Build>
void append(NftBatch& batch, std::uint16_t type, Family family, std::uint16_t flags, const Build& build) {
    MessageBuffer message{type, family, static_cast<std::uint16_t>(flags | NLM_F_ACK), batch.sequence++};
    build(message.header());
    message.append_to(batch.bytes);
    ++batch.count;
}

inline void append_table(NftBatch& batch, std::uint16_t type, Family family, const std::string& name) {
    const NftTable table{nftnl_table_alloc()};
    nftnl_table_set_str(table.get(), NFTNL_TABLE_NAME, name.c_str());
    append(batch, type, family, type == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0,
           [&](nlmsghdr* message) { nftnl_table_nlmsg_build_payload(message, table.get()); });
}

}  // namespace mainstay::netlink
