#include "mainstay/lvs/firewall_marks.hpp"

#include <doctest/doctest.h>

#include "builders.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

namespace {

config::Global mapping() {
    config::Global global;
    global.more.edit().values = {{"nftables_ipvs", config::WordList{"tbl"}}};
    return global;
}

config::VirtualServer named_group_of_range(std::string name) {
    auto one = grouped({}, {range("10.0.0.1", "10.0.0.9")});
    one.group = std::move(name);
    return one;
}

std::uint32_t mark_of(const FirewallMarks& marks, const config::VirtualServer& service) {
    const auto keys = marks.keys_of(mapping(), service);
    REQUIRE(keys.size() == 1);
    return keys[0].fwmark;
}

}  // namespace

TEST_CASE("each group gets a mark from 1000 on that no service has, and keeps it") {
    auto taken = service({});
    taken.fwmark = 1001;
    FirewallMarks marks;
    marks.assign(mapping(), {named_group_of_range("a"), named_group_of_range("b"), taken});
    CHECK(mark_of(marks, named_group_of_range("a")) == 1000);
    CHECK(mark_of(marks, named_group_of_range("b")) == 1002);
    marks.assign(mapping(), {named_group_of_range("c"), named_group_of_range("b")});
    CHECK(mark_of(marks, named_group_of_range("b")) == 1002);
    CHECK(mark_of(marks, named_group_of_range("c")) == 1000);
}

TEST_CASE("marks below a first one that a reload raises are given up, those above a lowered one are kept") {
    auto from = [](std::int64_t first) {
        auto global = mapping();
        global.more.edit().values.push_back({"nftables_ipvs_start_fwmark", first});
        return global;
    };
    FirewallMarks marks;
    marks.assign(mapping(), {named_group_of_range("a"), named_group_of_range("b")});
    marks.assign(from(2000), {named_group_of_range("a"), named_group_of_range("b")});
    CHECK(mark_of(marks, named_group_of_range("a")) == 2000);
    CHECK(mark_of(marks, named_group_of_range("b")) == 2001);
    marks.assign(from(77), {named_group_of_range("a"), named_group_of_range("c")});
    CHECK(mark_of(marks, named_group_of_range("a")) == 2000);
    CHECK(mark_of(marks, named_group_of_range("c")) == 77);
}

TEST_CASE("a mark of an earlier incarnation is kept") {
    ServiceMemory before{.identity = identity_of(named_group_of_range("b")),
                         .keys = {},
                         .quorum_up = true,
                         .sorry_in_use = false,
                         .servers = {},
                         .leaving = {}};
    netlink::IpvsServiceKey key;
    key.fwmark = 1007;
    before.keys = {key};
    FirewallMarks marks;
    marks.recall({before});
    marks.assign(mapping(), {named_group_of_range("a"), named_group_of_range("b")});
    CHECK(mark_of(marks, named_group_of_range("b")) == 1007);
}

TEST_CASE("a group with a mark of its own is not mapped, and none is without the keyword") {
    auto own = named_group_of_range("a");
    own.membership.edit().entries[0].fwmark = 5;
    CHECK(FirewallMarks::is_mapped(mapping(), named_group_of_range("a")));
    CHECK_FALSE(FirewallMarks::is_mapped(mapping(), own));
    CHECK_FALSE(FirewallMarks::is_mapped(config::Global{}, named_group_of_range("a")));
}

TEST_CASE("the table has a rule for each entry of each group that is mapped") {
    FirewallMarks marks;
    marks.assign(mapping(), {named_group_of_range("a"), service({})});
    const auto table = marks.table(mapping(), {named_group_of_range("a"), service({})});
    REQUIRE(table.has_value());
    CHECK(table->name == "tbl");
    REQUIRE(table->rules.size() == 1);
    CHECK(table->rules[0].mark == 1000);
    CHECK(table->rules[0].last == ip("10.0.0.9"));
    CHECK_FALSE(marks.table(config::Global{}, {named_group_of_range("a")}).has_value());
}
