// Numbers, names and repeated words in the lines of routes and rules, as the kernel's own tools and keepalived (2.2.7)
// take them.
#include <doctest/doctest.h>

#include "../folder.hpp"
#include "../samples.hpp"

using namespace mainstay;
using namespace mainstay::config;
using namespace mainstay::config::testing;

namespace {

using Lines = std::vector<std::string>;

Loaded with_route(std::string_view line, std::string_view global = "") {
    return load_sample(std::string{global} + vrrp(14, "virtual_routes {\n" + std::string{line} + "\n}\n}"));
}

Loaded with_rule(std::string_view line, std::string_view global = "") {
    return load_sample(std::string{global} + vrrp(14, "virtual_rules {\n" + std::string{line} + "\n}\n}"));
}

const KeywordValues& route_of(const Loaded& loaded) {
    static const KeywordValues kNone;
    const auto& routes = loaded.config.instances.at(0).routes;
    return routes.empty() ? kNone : routes[0].more->values;
}

const KeywordValues& rule_of(const Loaded& loaded) {
    static const KeywordValues kNone;
    const Section* rules = find_section(loaded.config.instances.at(0).more->sections, KeywordName{"virtual_rules"});
    return rules == nullptr || rules->sections.empty() ? kNone : rules->sections[0].values;
}

}  // namespace

TEST_CASE("a route's table, realms, scope and protocol are numbers as C writes them") {
    const Loaded hex = with_route("10.8.0.0/16 dev eth0 table 0x64 realms 0x10/0x14 scope 0xfd protocol 0x10 no_track");
    CHECK(lines_of(hex) == Lines{});
    CHECK(value_of<std::int64_t>(route_of(hex), KeywordName{"table"}) == 100);
    CHECK(value_of<IntegerList>(route_of(hex), KeywordName{"realms"}) == IntegerList{16, 20});
    CHECK(value_of<std::int64_t>(route_of(hex), KeywordName{"scope"}) == 253);
    CHECK(value_of<std::int64_t>(route_of(hex), KeywordName{"protocol"}) == 16);

    const Loaded octal = with_route("10.8.0.0/16 dev eth0 table 010 realms 011 scope 0375");
    CHECK(lines_of(octal) == Lines{});
    CHECK(value_of<std::int64_t>(route_of(octal), KeywordName{"table"}) == 8);
    CHECK(value_of<IntegerList>(route_of(octal), KeywordName{"realms"}) == IntegerList{9});
    CHECK(value_of<std::int64_t>(route_of(octal), KeywordName{"scope"}) == 253);

    CHECK(value_of<std::int64_t>(route_of(with_route("10.8.0.0/16 dev eth0 table 0X64")), KeywordName{"table"}) == 100);
    CHECK(value_of<std::int64_t>(route_of(with_route("10.8.0.0/16 dev eth0 table +5")), KeywordName{"table"}) == 5);
}

TEST_CASE("names of tables stand in files beside the main one, too, if they end in .conf") {
    const Folder folder;
    folder.put("rt_tables.d/own.conf", "105 blue\n");
    folder.put("rt_tables.d/own.bak", "106 green\n");
    const std::string etc = "global_defs {\niproute_etc_dir " + (folder / ".").string() + "\n}\n";

    const Loaded named = with_route("10.8.0.0/16 dev eth0 table blue no_track", etc);
    CHECK(lines_of(named) == Lines{});
    CHECK(value_of<std::int64_t>(route_of(named), KeywordName{"table"}) == 105);
    CHECK(lines_of(with_route("10.8.0.0/16 dev eth0 table green no_track", etc)).size() == 1);
}

TEST_CASE("a rule's table, realms and interface group are numbers as C writes them") {
    const Loaded hex = with_rule("from 10.8.0.0/16 table 0x64 realms 0x10/0x14 suppress_ifgroup 0x8 preference 5");
    CHECK(lines_of(hex) == Lines{});
    CHECK(value_of<std::int64_t>(rule_of(hex), KeywordName{"table"}) == 100);
    CHECK(value_of<IntegerList>(rule_of(hex), KeywordName{"realms"}) == IntegerList{16, 20});
    CHECK(value_of<std::int64_t>(rule_of(hex), KeywordName{"suppress_ifgroup"}) == 8);

    CHECK(value_of<std::int64_t>(rule_of(with_rule("from 10.8.0.0/16 lookup 010 preference 5")),
                                 KeywordName{"lookup"}) == 8);
    CHECK(value_of<IntegerList>(rule_of(with_rule("fwmark 010/0xf table 5 preference 5")), KeywordName{"fwmark"}) ==
          IntegerList{8, 15});
}

TEST_CASE("an address's scope is a number as C writes them") {
    const Loaded loaded = load_sample(vrrp(12, "10.9.9.9/24 scope 0xfd"));
    CHECK(lines_of(loaded) == Lines{});
    CHECK(loaded.config.instances.at(0).addresses.at(0).scope == 253);
}

TEST_CASE("a realm may be a name of the system's table, before or behind a number") {
    const Folder folder;
    folder.put("rt_realms", "0x2a PQA\n7 office\n");
    const std::string etc = "global_defs {\niproute_etc_dir " + (folder / ".").string() + "\n}\n";

    CHECK(lines_of(with_route("10.8.0.0/16 dev eth0 realms PQA/0x14", etc)) == Lines{});
    CHECK(value_of<IntegerList>(route_of(with_route("10.8.0.0/16 dev eth0 realms PQA/0x14", etc)),
                                KeywordName{"realms"}) == IntegerList{42, 20});
    CHECK(value_of<IntegerList>(route_of(with_route("10.8.0.0/16 dev eth0 realms 0x3/office", etc)),
                                KeywordName{"realms"}) == IntegerList{3, 7});
    CHECK(value_of<IntegerList>(rule_of(with_rule("to 10.8.0.0/16 realms office table 5 preference 5", etc)),
                                KeywordName{"realms"}) == IntegerList{7});
    const Loaded hop = with_route("10.8.0.0/16 nexthop via 10.0.0.2 realms 0x3/PQA", etc);
    CHECK(lines_of(hop) == Lines{});
    CHECK(value_of<IntegerList>(hop.config.instances.at(0).routes.at(0).more->sections.at(0).values,
                                KeywordName{"realms"}) == IntegerList{3, 42});
}

TEST_CASE("of a table of names the first 1048576 bytes are read") {
    const Folder folder;
    const std::string etc = "global_defs {\niproute_etc_dir " + (folder / ".").string() + "\n}\n";
    const auto lines_with_office_after = [&](std::size_t bytes) {
        folder.put("rt_realms", std::string(bytes - 1, '#') + "\n7 office\n");
        return lines_of(with_route("10.8.0.0/16 dev eth0 realms office", etc));
    };
    CHECK(lines_with_office_after(1'048'575) == Lines{});
    CHECK(lines_with_office_after(1'048'576) == Lines{"18:29 error MS0206 there is no realms named 'office'"});
}

TEST_CASE("a realm that is no number and no known name costs the line") {
    const auto reported = [](std::string_view realms) {
        const Loaded loaded = with_route("10.8.0.0/16 dev eth0 realms " + std::string{realms});
        CHECK(loaded.exit_code() == 5);
        CHECK(loaded.config.instances.at(0).routes.empty());
        return lines_of(loaded);
    };
    CHECK(reported("nosuch/0x14") == Lines{"15:29 error MS0206 there is no realms named 'nosuch'"});
    CHECK(reported("65536") == Lines{"15:29 error MS0201 realms must be 0 to 65535, got '65536'"});
    CHECK(reported("1/2/3") == Lines{"15:29 error MS0201 realms must be 0 to 65535, got '1/2/3'"});
    CHECK(reported("08") == Lines{"15:29 error MS0201 realms must be 0 to 65535, got '08'"});
    CHECK(with_route("10.8.0.0/16 nexthop via 10.0.0.2 realms nosuch").config.instances.at(0).routes.empty());
}

TEST_CASE("what only the other family of addresses knows costs a route or a rule, as with keepalived") {
    const auto reported = [](const Loaded& loaded) {
        CHECK(loaded.exit_code() == 5);
        CHECK(loaded.config.instances.at(0).routes.empty());
        CHECK(rule_of(loaded).empty());
        return lines_of(loaded);
    };
    CHECK(reported(with_route("10.8.0.0/16 dev eth0 pref high")) ==
          Lines{"15:1 error MS0212 pref is for IPv6 routes, and this one is of IPv4"});
    CHECK(reported(with_route("10.8.0.0/16 dev eth0 expires 100")) ==
          Lines{"15:1 error MS0212 expires is for IPv6 routes, and this one is of IPv4"});
    CHECK(reported(with_route("10.8.0.0/16 dev eth0 from 10.7.0.0/16")) ==
          Lines{"15:1 error MS0212 from is for IPv6 routes, and this one is of IPv4"});
    CHECK(reported(with_route("2001:db8::/32 dev eth0 realms 5")) ==
          Lines{"15:1 error MS0212 realms is for IPv4 routes, and this one is of IPv6"});
    CHECK(reported(with_route("2001:db8::/32 nexthop via fe80::1 realms 5")) ==
          Lines{"15:1 error MS0212 realms is for IPv4 routes, and this one is of IPv6"});
    CHECK(reported(with_rule("from 2001:db8::/32 realms 5 table 100 preference 5")) ==
          Lines{"15:1 error MS0212 realms is for IPv4 rules, and this one is of IPv6"});

    CHECK(lines_of(with_route("2001:db8::/32 dev eth0 pref high expires 100")) == Lines{});
    CHECK(lines_of(with_route("default dev eth0 pref high")) == Lines{});  // keepalived makes an IPv6 route of it
}

TEST_CASE("a word given twice in a rule or a route is said, and the later one is used") {
    const auto note = [](const Loaded& loaded) {
        CHECK(loaded.exit_code() == 0);
        return lines_of(loaded);
    };
    const Loaded from = with_rule("from 10.8.0.0/16 from 10.9.0.0/16 table 100 preference 5");
    CHECK(note(from) == Lines{"15:18 warning MS0211 from was given before in this line"});
    CHECK(value_of<Prefix>(rule_of(from), KeywordName{"from"}) == Prefix::parse("10.9.0.0/16"));
    CHECK(note(with_rule("not from 10.8.0.0/16 not table 100 preference 5")) ==
          Lines{"15:22 warning MS0211 not was given before in this line"});

    const Loaded order = with_rule("from 10.8.0.0/16 table 100 preference 5 order 6");
    CHECK(note(order) == Lines{"15:41 warning MS0211 order was given before in this line, as preference"});
    CHECK(value_of<std::int64_t>(rule_of(order), KeywordName{"order"}) == 6);
    CHECK(find_value(rule_of(order), KeywordName{"preference"}) == nullptr);
    CHECK(note(with_rule("iif eth0 dev eth1 table 100 preference 5")) ==
          Lines{"15:10 warning MS0211 dev was given before in this line, as iif"});

    const Loaded metric = with_route("10.8.0.0/16 dev eth0 metric 5 priority 6");
    CHECK(note(metric) == Lines{"15:31 warning MS0211 priority was given before in this line, as metric"});
    CHECK(find_value(route_of(metric), KeywordName{"metric"}) == nullptr);
}

TEST_CASE("an action given twice costs the rule, as two actions do") {
    for (const char* line : {"from 10.8.0.0/16 table 100 table 101 preference 5", "blackhole blackhole preference 5"}) {
        CAPTURE(line);
        const Loaded loaded = with_rule(line);
        REQUIRE(loaded.diagnostics.size() == 1);
        CHECK(loaded.diagnostics[0].message == "a line of virtual_rules has one action, not 2");
        CHECK(loaded.diagnostics[0].effect == "the line is ignored");
        CHECK(loaded.exit_code() == 5);
        CHECK(rule_of(loaded).empty());
    }
}

TEST_CASE("octets of a MAC and groups of a locator are hexadecimal") {
    const Loaded mac = load_sample(vrrp(6, "advert_int 1\nuse_vmac vrrp.9 02:aa:bb:cc:dd:ee"));
    CHECK(lines_of(mac) == Lines{});
    CHECK(mac.config.instances.at(0).vmac->mac == "02:aa:bb:cc:dd:ee");

    const Loaded ila = with_route("2001:db8::/32 encap ila a:b:c:1f dev eth0");
    REQUIRE(lines_of(ila) == Lines{});
    CHECK(value_of<IntegerList>(ila.config.instances.at(0).routes.at(0).more->sections.at(0).values,
                                KeywordName{"ila"}) == IntegerList{10, 11, 12, 31});
}
