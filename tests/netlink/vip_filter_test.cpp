#include "mainstay/netlink/vip_filter.hpp"

#include <doctest/doctest.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>

#include "../addr.hpp"
#include "../needs.hpp"
#include "bytes.hpp"

using namespace mainstay;
using namespace mainstay::netlink;
using namespace mainstay::netlink::test;
using mainstay::test::addr;

namespace {

VipFilter filter(Family family) {
    VipFilter wanted;
    wanted.family = family;
    wanted.filters = true;
    return wanted;
}

// "2561 2562 ..." less the number of the subsystem: which messages, in order.
std::vector<int> kinds(const NftBatch& batch) {
    std::vector<int> found;
    MessageReader reader{batch.bytes};
    for (std::uint32_t sequence = 100;; ++sequence) {
        const auto message = reader.next();
        REQUIRE(message);
        if (!*message) return found;
        CHECK((*message)->sequence == sequence);
        CHECK(((*message)->type >> 8U) == NFNL_SUBSYS_NFTABLES);
        found.push_back((*message)->type & 0xffU);
    }
}

NftBatch batch() { return {.bytes = {}, .sequence = 100, .count = 0}; }

constexpr mainstay::test::Needs kNeedsNftables{"needs a build with libnftnl", has_nftables};

}  // namespace

TEST_CASE("a table is replaced in one transaction: deletion, sets with elements, chains, rules" * kNeedsNftables) {
    auto wanted = filter(Family::V4);
    wanted.addresses = {addr("10.0.0.1")};
    auto made = batch();
    append_filter(made, wanted);

    CHECK(kinds(made) == std::vector<int>{NFT_MSG_NEWTABLE, NFT_MSG_DELTABLE, NFT_MSG_NEWTABLE, NFT_MSG_NEWSET,
                                          NFT_MSG_NEWSETELEM, NFT_MSG_NEWCHAIN, NFT_MSG_NEWCHAIN, NFT_MSG_NEWRULE,
                                          NFT_MSG_NEWRULE});
    CHECK(made.count == 9);
    CHECK(rule_count(wanted) == 2);
    CHECK(element_counts(wanted) == std::map<std::string, std::size_t>{{"vips", 1}});
}

TEST_CASE("IPv6 has chains for link-local addresses, and with VMACs rules for reports" * kNeedsNftables) {
    auto wanted = filter(Family::V6);
    wanted.reports = true;
    wanted.vmacs = {{7, 2}};
    wanted.parent_link_local = {{addr("fe80::2"), 7, "vrrp.51"}};
    wanted.addresses = {addr("2001:db8::1")};
    wanted.on_link = {{addr("fe80::1"), 2, "eth0"}};
    auto made = batch();
    append_filter(made, wanted);

    const auto found = kinds(made);
    CHECK(std::ranges::count(found, int{NFT_MSG_NEWRULE}) == 11);
    CHECK(std::ranges::count(found, int{NFT_MSG_NEWCHAIN}) == 4);
    CHECK(std::ranges::count(found, int{NFT_MSG_NEWSET}) == 7);
    CHECK(rule_count(wanted) == 11);
    CHECK(element_counts(wanted) == std::map<std::string, std::size_t>{{"mld-report", 3},
                                                                       {"neighbor-discovery", 2},
                                                                       {"parent_link_local", 1},
                                                                       {"vips", 1},
                                                                       {"vips_link_local_name", 1},
                                                                       {"vmac_map", 1},
                                                                       {"vmac_set", 1}});
}

TEST_CASE("when only addresses come and go, only elements do" * kNeedsNftables) {
    auto before = filter(Family::V4), after = filter(Family::V4);
    before.addresses = {addr("10.0.0.1"), addr("10.0.0.2")};
    after.addresses = {addr("10.0.0.2"), addr("10.0.0.3")};
    REQUIRE(before.same_rules(after));

    auto change = batch();
    append_filter_change(change, before, after);
    CHECK(kinds(change) == std::vector<int>{NFT_MSG_DELSETELEM, NFT_MSG_NEWSETELEM});

    auto none = batch();
    append_filter_change(none, after, after);
    CHECK(none.count == 0);
    CHECK(none.bytes.empty());

    after.counters = true;
    CHECK_FALSE(before.same_rules(after));
}

TEST_CASE("a thousand addresses are split among messages" * kNeedsNftables) {
    auto wanted = filter(Family::V6);
    for (unsigned n = 0; n < 1000; ++n) {
        std::array<std::byte, 16> bytes{std::byte{0x20}, std::byte{1}};
        bytes[14] = std::byte(n >> 8U), bytes[15] = std::byte(n & 0xffU);
        wanted.addresses.insert(IpAddress::v6(bytes));
    }
    auto change = batch();
    append_filter_change(change, filter(Family::V6), wanted);
    CHECK(change.count == 3);
}

TEST_CASE("the elements of a message are counted, and damaged ones are an error" * kNeedsNftables) {
    // nfgenmsg, NFTA_SET_ELEM_LIST_ELEMENTS with two elements of four bytes each
    const auto two = from_hex("02000000 1400 0380 0800 0180 00000000 0800 0180 00000000");
    CHECK(count_elements(message_of(NFT_MSG_NEWSETELEM, two)).value() == 2);
    CHECK(count_elements(message_of(NFT_MSG_NEWSETELEM, from_hex("02000000"))).value() == 0);
    CHECK_FALSE(count_elements(message_of(NFT_MSG_NEWSETELEM, from_hex("02000000 1400 0380 ff00 0180 00000000 0800 0180"
                                                                       "00000000"))));
}

TEST_CASE("a batch is framed by the messages that make it one transaction" * kNeedsNftables) {
    std::vector<std::byte> out;
    append_batch_begin(out, 7);
    append_batch_end(out, 9);
    CHECK(to_hex(out) == to_hex(from_hex("14000000 1000 0100 07000000 00000000 0000 000a"
                                         "14000000 1100 0100 09000000 00000000 0000 000a")));
}
