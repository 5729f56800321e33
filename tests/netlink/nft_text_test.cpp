// What the nftables codecs make, read back by libnftnl and written as text.
#include "mainstay/netlink/mark_table.hpp"
#include "mainstay/netlink/vip_filter.hpp"

#if __has_include(<libnftnl/rule.h>)

#include <doctest/doctest.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../addr.hpp"
#include "bytes.hpp"

using namespace mainstay;
using namespace mainstay::netlink;
using namespace mainstay::netlink::test;
using mainstay::test::addr;

namespace {

template <class T>
std::string text_of(T* object, int (*write)(char*, std::size_t, const T*, std::uint32_t, std::uint32_t)) {
    std::array<char, 8192> text{};
    write(text.data(), text.size(), object, NFTNL_OUTPUT_DEFAULT, 0);
    return text.data();
}

using Payload = std::span<const std::byte>;

// The attributes of one level: type and payload, in order.
std::vector<std::pair<std::uint16_t, Payload>> attributes_of(Payload rest) {
    std::vector<std::pair<std::uint16_t, Payload>> found;
    while (rest.size() >= sizeof(nlattr)) {
        const auto* attribute = reinterpret_cast<const nlattr*>(rest.data());
        const std::size_t length = attribute->nla_len;
        REQUIRE(length >= sizeof(nlattr));
        REQUIRE(length <= rest.size());
        found.emplace_back(mnl_attr_get_type(attribute), rest.subspan(sizeof(nlattr), length - sizeof(nlattr)));
        rest = rest.subspan(std::min(rest.size(), (length + 3) / 4 * 4));
    }
    return found;
}

// libnftnl reads the elements of a dump only, not those of a request.
std::string elements_of(const nlmsghdr* header) {
    std::string text;
    const Payload all{static_cast<const std::byte*>(mnl_nlmsg_get_payload(header)), mnl_nlmsg_get_payload_len(header)};
    for (const auto& [type, payload] : attributes_of(all.subspan(sizeof(nfgenmsg)))) {
        if (type == NFTA_SET_ELEM_LIST_SET) text += std::string{reinterpret_cast<const char*>(payload.data())};
        if (type != NFTA_SET_ELEM_LIST_ELEMENTS) continue;
        for (const auto& element : attributes_of(payload)) {
            for (const auto& [part, data] : attributes_of(element.second)) {
                if (part != NFTA_SET_ELEM_KEY && part != NFTA_SET_ELEM_DATA) continue;
                text += part == NFTA_SET_ELEM_KEY ? " " : "=";
                for (const auto& value : attributes_of(data)) text += to_hex(value.second);
            }
        }
    }
    return text;
}

// One line for each message: its kind, family and flags, then what libnftnl says about its content.
std::string lines_of(const std::vector<std::byte>& bytes) {
    std::string text;
    auto left = static_cast<int>(bytes.size());
    const auto* header = reinterpret_cast<const nlmsghdr*>(bytes.data());
    for (; mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
        const unsigned kind = header->nlmsg_type & 0xffU;
        const auto* family = static_cast<const std::uint8_t*>(mnl_nlmsg_get_payload(header));
        std::string line =
            std::to_string(kind) + " of " + std::to_string(*family) + " flags " + std::to_string(header->nlmsg_flags);
        if (kind == NFT_MSG_NEWRULE) {
            nftnl_rule* rule = nftnl_rule_alloc();
            CHECK(nftnl_rule_nlmsg_parse(header, rule) == 0);
            line += ": " + text_of(rule, &nftnl_rule_snprintf);
            nftnl_rule_free(rule);
        } else if (kind == NFT_MSG_NEWCHAIN) {
            nftnl_chain* chain = nftnl_chain_alloc();
            CHECK(nftnl_chain_nlmsg_parse(header, chain) == 0);
            line += ": " + text_of(chain, &nftnl_chain_snprintf);
            nftnl_chain_free(chain);
        } else if (kind == NFT_MSG_NEWSET) {
            nftnl_set* set = nftnl_set_alloc();
            CHECK(nftnl_set_nlmsg_parse(header, set) == 0);
            line += ": " + text_of(set, &nftnl_set_snprintf);
            nftnl_set_free(set);
        } else if (kind == NFT_MSG_NEWSETELEM || kind == NFT_MSG_DELSETELEM) {
            line += ": " + elements_of(header);
        }
        while (line.ends_with('\n')) line.pop_back();
        text += line + "\n";
    }
    return text;
}

}  // namespace

TEST_CASE("marks are set by rules that match protocol, addresses and port") {
    NftBatch batch{.bytes = {}, .sequence = 1, .count = 0};
    append_mark_table(batch, {.name = "marks",
                              .priority = -7,
                              .counters = true,
                              .rules = {{6, addr("10.0.0.1"), addr("10.0.0.1"), 80, 5},
                                        {17, addr("10.0.0.1"), addr("10.0.0.9"), 0, 6}}});
    CHECK(lines_of(batch.bytes) == R"(0 of 2 flags 1029
2 of 2 flags 5
0 of 2 flags 1029
3 of 2 flags 1029: ip marks mark use 0 type filter hook prerouting prio -7 policy accept packets 0 bytes 0
6 of 2 flags 3077: ip marks mark
  [ meta load l4proto => reg 1 ]
  [ cmp eq reg 1 0x00000006 ]
  [ payload load 4b @ network header + 16 => reg 1 ]
  [ cmp eq reg 1 0x0100000a ]
  [ payload load 2b @ transport header + 2 => reg 1 ]
  [ cmp eq reg 1 0x00005000 ]
  [ counter pkts 0 bytes 0 ]
  [ immediate reg 1 0x00000005 ]
  [ meta set mark with reg 1 ]
6 of 2 flags 3077: ip marks mark
  [ meta load l4proto => reg 1 ]
  [ cmp eq reg 1 0x00000011 ]
  [ payload load 4b @ network header + 16 => reg 1 ]
  [ cmp gte reg 1 0x0100000a ]
  [ cmp lte reg 1 0x0900000a ]
  [ counter pkts 0 bytes 0 ]
  [ immediate reg 1 0x00000006 ]
  [ meta set mark with reg 1 ]
0 of 10 flags 1029
2 of 10 flags 5
)");
}

TEST_CASE("an IPv6 mark is matched in its header, and without counters nothing counts") {
    NftBatch batch{.bytes = {}, .sequence = 1, .count = 0};
    append_mark_table(batch, {.rules = {{6, addr("2001:db8::1"), addr("2001:db8::1"), 0x1234, 0x01020304}}});
    CHECK(lines_of(batch.bytes) == R"(0 of 2 flags 1029
2 of 2 flags 5
0 of 10 flags 1029
2 of 10 flags 5
0 of 10 flags 1029
3 of 10 flags 1029: ip6 keepalived_ipvs mark use 0 type filter hook prerouting prio -1 policy accept packets 0 bytes 0
6 of 10 flags 3077: ip6 keepalived_ipvs mark
  [ meta load l4proto => reg 1 ]
  [ cmp eq reg 1 0x00000006 ]
  [ payload load 16b @ network header + 24 => reg 1 ]
  [ cmp eq reg 1 0xb80d0120 0x00000000 0x00000000 0x01000000 ]
  [ payload load 2b @ transport header + 2 => reg 1 ]
  [ cmp eq reg 1 0x00003412 ]
  [ immediate reg 1 0x01020304 ]
  [ meta set mark with reg 1 ]
)");
}

TEST_CASE("an IPv4 filter sends reports from the parent and drops what is to and from its addresses") {
    NftBatch batch{.bytes = {}, .sequence = 1, .count = 0};
    VipFilter filter;
    filter.filters = filter.reports = true;
    filter.vmacs = {{7, 2}};
    filter.addresses = {addr("10.0.0.1"), addr("10.0.0.2")};
    append_filter(batch, filter);
    CHECK(lines_of(batch.bytes) == R"(0 of 2 flags 1029
2 of 2 flags 5
0 of 2 flags 1029
9 of 2 flags 1029: vmac_map keepalived 8
12 of 2 flags 1029: vmac_map 07000000=02000000
9 of 2 flags 1029: vips keepalived 0
12 of 2 flags 1029: vips 0a000001 0a000002
3 of 2 flags 1029: ip keepalived out use 0 type filter hook output prio -1 policy accept packets 0 bytes 0
3 of 2 flags 1029: ip keepalived in use 0 type filter hook input prio -1 policy accept packets 0 bytes 0
6 of 2 flags 3077: ip keepalived out
  [ payload load 1b @ network header + 9 => reg 1 ]
  [ cmp eq reg 1 0x00000002 ]
  [ payload load 4b @ network header + 16 => reg 1 ]
  [ meta load oifkind => reg 2 ]
  [ cmp eq reg 2 0x7663616d 0x006e616c 0x00000000 0x00000000 ]
  [ meta load oif => reg 2 ]
  [ lookup reg 2 set vmac_map dreg 2 ]
  [ dup sreg_addr 1 sreg_dev 2 ]
  [ immediate reg 0 drop ]
6 of 2 flags 3077: ip keepalived out
  [ payload load 4b @ network header + 12 => reg 1 ]
  [ lookup reg 1 set vips ]
  [ immediate reg 0 drop ]
6 of 2 flags 3077: ip keepalived in
  [ payload load 4b @ network header + 16 => reg 1 ]
  [ lookup reg 1 set vips ]
  [ immediate reg 0 drop ]
)");
}

TEST_CASE("an IPv6 filter lets neighbours be found, and keeps link-local addresses to their interfaces") {
    NftBatch batch{.bytes = {}, .sequence = 1, .count = 0};
    VipFilter filter;
    filter.family = Family::V6;
    filter.filters = filter.reports = filter.counters = true;
    filter.vmacs = {{7, 2}};
    filter.addresses = {addr("2001:db8::1")};
    filter.on_link = {{addr("fe80::1"), 3, "eth0"}};
    filter.parent_link_local = {{addr("fe80::2"), 7, "vrrp.51"}};
    filter.table = "t6";
    filter.priority = 5;
    append_filter(batch, filter);
    CHECK(lines_of(batch.bytes) == R"(0 of 10 flags 1029
2 of 10 flags 5
0 of 10 flags 1029
9 of 10 flags 1029: parent_link_local t6 0
12 of 10 flags 1029: parent_link_local fe800000000000000000000000000002767272702e3531000000000000000000
9 of 10 flags 1029: vmac_map t6 8
12 of 10 flags 1029: vmac_map 07000000=02000000
9 of 10 flags 1029: vmac_set t6 0
12 of 10 flags 1029: vmac_set 07000000
9 of 10 flags 1029: mld-report t6 2
12 of 10 flags 1029: mld-report 83 84 8f
9 of 10 flags 1029: vips t6 0
12 of 10 flags 1029: vips 20010db8000000000000000000000001
9 of 10 flags 1029: neighbor-discovery t6 2
12 of 10 flags 1029: neighbor-discovery 87 88
9 of 10 flags 1029: vips_link_local_name t6 0
12 of 10 flags 1029: vips_link_local_name fe80000000000000000000000000000165746830000000000000000000000000
3 of 10 flags 1029: ip6 t6 out use 0 type filter hook output prio 5 policy accept packets 0 bytes 0
3 of 10 flags 1029: ip6 t6 in use 0 type filter hook input prio 5 policy accept packets 0 bytes 0
3 of 10 flags 1029: ip6 t6 in_link_local use 0
3 of 10 flags 1029: ip6 t6 out_link_local use 0
6 of 10 flags 3077: ip6 t6 out
  [ meta load l4proto => reg 1 ]
  [ cmp eq reg 1 0x0000003a ]
  [ payload load 1b @ transport header + 0 => reg 1 ]
  [ cmp eq reg 1 0x00000088 ]
  [ meta load oifkind => reg 2 ]
  [ cmp eq reg 2 0x7663616d 0x006e616c 0x00000000 0x00000000 ]
  [ payload load 16b @ network header + 8 => reg 1 ]
  [ meta load oifname => reg 2 ]
  [ lookup reg 1 set parent_link_local ]
  [ counter pkts 0 bytes 0 ]
  [ immediate reg 0 drop ]
6 of 10 flags 3077: ip6 t6 out
  [ meta load l4proto => reg 1 ]
  [ cmp eq reg 1 0x0000003a ]
  [ payload load 1b @ transport header + 0 => reg 1 ]
  [ lookup reg 1 set mld-report ]
  [ payload load 16b @ network header + 24 => reg 1 ]
  [ meta load oifkind => reg 2 ]
  [ cmp eq reg 2 0x7663616d 0x006e616c 0x00000000 0x00000000 ]
  [ meta load oif => reg 2 ]
  [ lookup reg 2 set vmac_map dreg 2 ]
  [ dup sreg_addr 1 sreg_dev 2 ]
  [ counter pkts 0 bytes 0 ]
  [ immediate reg 0 drop ]
6 of 10 flags 3077: ip6 t6 out
  [ meta load l4proto => reg 1 ]
  [ cmp eq reg 1 0x0000003a ]
  [ payload load 1b @ transport header + 0 => reg 1 ]
  [ cmp eq reg 1 0x00000085 ]
  [ meta load oifkind => reg 2 ]
  [ cmp eq reg 2 0x7663616d 0x006e616c 0x00000000 0x00000000 ]
  [ meta load oif => reg 2 ]
  [ lookup reg 2 set vmac_set ]
  [ counter pkts 0 bytes 0 ]
  [ immediate reg 0 drop ]
6 of 10 flags 3077: ip6 t6 out
  [ payload load 1b @ network header + 6 => reg 1 ]
  [ cmp eq reg 1 0x0000003a ]
  [ payload load 1b @ transport header + 0 => reg 1 ]
  [ lookup reg 1 set neighbor-discovery ]
  [ counter pkts 0 bytes 0 ]
  [ immediate reg 0 accept ]
6 of 10 flags 3077: ip6 t6 out
  [ payload load 16b @ network header + 8 => reg 1 ]
  [ bitwise reg 1 = ( reg 1 & 0x0000c0ff 0x00000000 0x00000000 0x00000000 ) ^ 0x00000000 0x00000000 0x00000000 0x00000000 ]
  [ cmp eq reg 1 0x000080fe 0x00000000 0x00000000 0x00000000 ]
  [ counter pkts 0 bytes 0 ]
  [ immediate reg 0 goto -> out_link_local ]
6 of 10 flags 3077: ip6 t6 out
  [ payload load 16b @ network header + 8 => reg 1 ]
  [ lookup reg 1 set vips ]
  [ counter pkts 0 bytes 0 ]
  [ immediate reg 0 drop ]
6 of 10 flags 3077: ip6 t6 in
  [ payload load 1b @ network header + 6 => reg 1 ]
  [ cmp eq reg 1 0x0000003a ]
  [ payload load 1b @ transport header + 0 => reg 1 ]
  [ lookup reg 1 set neighbor-discovery ]
  [ counter pkts 0 bytes 0 ]
  [ immediate reg 0 accept ]
6 of 10 flags 3077: ip6 t6 in
  [ payload load 16b @ network header + 24 => reg 1 ]
  [ bitwise reg 1 = ( reg 1 & 0x0000c0ff 0x00000000 0x00000000 0x00000000 ) ^ 0x00000000 0x00000000 0x00000000 0x00000000 ]
  [ cmp eq reg 1 0x000080fe 0x00000000 0x00000000 0x00000000 ]
  [ counter pkts 0 bytes 0 ]
  [ immediate reg 0 goto -> in_link_local ]
6 of 10 flags 3077: ip6 t6 in
  [ payload load 16b @ network header + 24 => reg 1 ]
  [ lookup reg 1 set vips ]
  [ counter pkts 0 bytes 0 ]
  [ immediate reg 0 drop ]
6 of 10 flags 3077: ip6 t6 in_link_local
  [ payload load 16b @ network header + 24 => reg 1 ]
  [ meta load iifname => reg 2 ]
  [ lookup reg 1 set vips_link_local_name ]
  [ counter pkts 0 bytes 0 ]
  [ immediate reg 0 drop ]
6 of 10 flags 3077: ip6 t6 out_link_local
  [ payload load 16b @ network header + 8 => reg 1 ]
  [ meta load oifname => reg 2 ]
  [ lookup reg 1 set vips_link_local_name ]
  [ counter pkts 0 bytes 0 ]
  [ immediate reg 0 drop ]
)");
}

TEST_CASE("an IPv6 filter by index names interfaces by their number") {
    NftBatch batch{.bytes = {}, .sequence = 1, .count = 0};
    VipFilter filter;
    filter.family = Family::V6;
    filter.filters = filter.by_index = true;
    filter.on_link = {{addr("fe80::1"), 3, "eth0"}};
    append_filter(batch, filter);
    CHECK(lines_of(batch.bytes) == R"(0 of 10 flags 1029
2 of 10 flags 5
0 of 10 flags 1029
9 of 10 flags 1029: vips keepalived 0
9 of 10 flags 1029: neighbor-discovery keepalived 2
12 of 10 flags 1029: neighbor-discovery 87 88
9 of 10 flags 1029: vips_link_local keepalived 0
12 of 10 flags 1029: vips_link_local fe80000000000000000000000000000103000000
3 of 10 flags 1029: ip6 keepalived out use 0 type filter hook output prio -1 policy accept packets 0 bytes 0
3 of 10 flags 1029: ip6 keepalived in use 0 type filter hook input prio -1 policy accept packets 0 bytes 0
3 of 10 flags 1029: ip6 keepalived in_link_local use 0
3 of 10 flags 1029: ip6 keepalived out_link_local use 0
6 of 10 flags 3077: ip6 keepalived out
  [ payload load 1b @ network header + 6 => reg 1 ]
  [ cmp eq reg 1 0x0000003a ]
  [ payload load 1b @ transport header + 0 => reg 1 ]
  [ lookup reg 1 set neighbor-discovery ]
  [ immediate reg 0 accept ]
6 of 10 flags 3077: ip6 keepalived out
  [ payload load 16b @ network header + 8 => reg 1 ]
  [ bitwise reg 1 = ( reg 1 & 0x0000c0ff 0x00000000 0x00000000 0x00000000 ) ^ 0x00000000 0x00000000 0x00000000 0x00000000 ]
  [ cmp eq reg 1 0x000080fe 0x00000000 0x00000000 0x00000000 ]
  [ immediate reg 0 goto -> out_link_local ]
6 of 10 flags 3077: ip6 keepalived out
  [ payload load 16b @ network header + 8 => reg 1 ]
  [ lookup reg 1 set vips ]
  [ immediate reg 0 drop ]
6 of 10 flags 3077: ip6 keepalived in
  [ payload load 1b @ network header + 6 => reg 1 ]
  [ cmp eq reg 1 0x0000003a ]
  [ payload load 1b @ transport header + 0 => reg 1 ]
  [ lookup reg 1 set neighbor-discovery ]
  [ immediate reg 0 accept ]
6 of 10 flags 3077: ip6 keepalived in
  [ payload load 16b @ network header + 24 => reg 1 ]
  [ bitwise reg 1 = ( reg 1 & 0x0000c0ff 0x00000000 0x00000000 0x00000000 ) ^ 0x00000000 0x00000000 0x00000000 0x00000000 ]
  [ cmp eq reg 1 0x000080fe 0x00000000 0x00000000 0x00000000 ]
  [ immediate reg 0 goto -> in_link_local ]
6 of 10 flags 3077: ip6 keepalived in
  [ payload load 16b @ network header + 24 => reg 1 ]
  [ lookup reg 1 set vips ]
  [ immediate reg 0 drop ]
6 of 10 flags 3077: ip6 keepalived in_link_local
  [ payload load 16b @ network header + 24 => reg 1 ]
  [ meta load iif => reg 2 ]
  [ lookup reg 1 set vips_link_local ]
  [ immediate reg 0 drop ]
6 of 10 flags 3077: ip6 keepalived out_link_local
  [ payload load 16b @ network header + 8 => reg 1 ]
  [ meta load oif => reg 2 ]
  [ lookup reg 1 set vips_link_local ]
  [ immediate reg 0 drop ]
)");
}

TEST_CASE("elements come and go by themselves") {
    NftBatch batch{.bytes = {}, .sequence = 1, .count = 0};
    VipFilter from;
    from.filters = from.reports = true;
    from.vmacs = {{7, 2}, {8, 2}};
    from.addresses = {addr("10.0.0.1"), addr("10.0.0.2")};
    VipFilter to = from;
    to.vmacs = {{8, 3}, {9, 4}};
    to.addresses = {addr("10.0.0.2"), addr("10.0.0.3")};
    append_filter_change(batch, from, to);
    CHECK(lines_of(batch.bytes) == R"(14 of 2 flags 5: vmac_map 07000000=02000000 08000000=02000000
12 of 2 flags 1029: vmac_map 08000000=03000000 09000000=04000000
14 of 2 flags 5: vips 0a000001
12 of 2 flags 1029: vips 0a000003
)");
}

TEST_CASE("questions about tables name what they ask for") {
    std::vector<std::byte> out;
    append_generation_query(out, 1);
    append_table_query(out, Family::V6, "t", 2);
    append_rule_dump(out, Family::V4, "t", 3);
    append_element_dump(out, Family::V4, "t", "s", 4);
    append_batch_begin(out, 5);
    append_batch_end(out, 6);
    CHECK(to_hex(out) ==
          "14000000100a01000100000000000000020000001c000000010a010002000000000000000a00000006000100740000001c000000070a"
          "01030300000000000000020000000600010074000000240000000d0a0103040000000000000002000000060001007400000006000200"
          "73000000140000001000010005000000000000000000000a140000001100010006000000000000000000000a");
}

#endif
