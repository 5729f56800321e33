#include "mainstay/netlink/routing.hpp"

#include <doctest/doctest.h>
#include <linux/rtnetlink.h>

#include "../addr.hpp"
#include "bytes.hpp"

using namespace mainstay;
using namespace mainstay::netlink;
using namespace mainstay::netlink::test;
using mainstay::test::addr;

namespace {

Route route(const char* destination) { return {.destination = *Prefix::parse(destination)}; }

std::string added(const Routing& what) {
    std::vector<std::byte> out;
    if (const auto* r = std::get_if<Route>(&what))
        REQUIRE(append_route_add(out, *r, 0x01020304));
    else
        REQUIRE(append_rule_add(out, std::get<Rule>(what), 0x01020304));
    return to_hex(out);
}

std::string refusal(const Route& bad) {
    std::vector<std::byte> out;
    const auto done = append_route_add(out, bad, 1);
    CHECK(out.empty());
    return done ? "" : done.error().text();
}

const char* const kGone =
    "02 18 00 10 fe 12 00 01 00000000"  // AF_INET, /24, tos 0x10, main, keepalived, universe, unicast
    "0800 0f00 64000000"                // RTA_TABLE 100
    "0800 0100 0a010000"                // RTA_DST 10.1.0.0
    "0800 0600 14000000"                // RTA_PRIORITY 20
    "0800 0500 0a000002"                // RTA_GATEWAY
    "0800 0400 03000000";               // RTA_OIF

}  // namespace

TEST_CASE("a route is asked for with the bytes that the kernel expects, and removed with the same ones") {
    Route wanted = route("10.1.0.0/24");
    wanted.hop = {.via = addr("10.0.0.2"), .device = "eth0", .interface_index = 3};

    CHECK(added(wanted) == hex("34000000 1800 0504 04030201 00000000"  // RTM_NEWROUTE, CREATE ACK REQUEST
                               "02 18 00 00 fe 12 00 01 00000000"      // /24, main, RTPROT_KEEPALIVED, unicast
                               "0800 0100 0a010000"
                               "0800 0400 03000000"
                               "0800 0500 0a000002"));
    std::vector<std::byte> out;
    REQUIRE(append_route_remove(out, wanted, 0x01020304));
    CHECK(to_hex(out) == hex("34000000 1900 0500 04030201 00000000"
                             "02 18 00 00 fe 12 00 01 00000000"
                             "0800 0100 0a010000"
                             "0800 0400 03000000"
                             "0800 0500 0a000002"));
}

TEST_CASE("add is exclusive, append comes after, and prepend is neither") {
    Route wanted = route("10.1.0.0/24");
    const auto flags = [&](Route::Placement placement) {
        wanted.placement = placement;
        return added(wanted).substr(12, 4);
    };

    CHECK(flags(Route::Placement::Add) == "0506");
    CHECK(flags(Route::Placement::Append) == "050c");
    CHECK(flags(Route::Placement::Prepend) == "0504");
}

TEST_CASE("every option of a route has its attribute") {
    Route wanted = route("2001:db8:1::/48");
    wanted.source = *Prefix::parse("2001:db8:2::/48");
    wanted.table = 1000;
    wanted.tos = 8;
    wanted.hop = {.device = "eth0", .interface_index = 3, .onlink = true, .realms = 0x00030004};
    wanted.preferred_source = addr("2001:db8::1");
    wanted.priority = 50;
    wanted.expires = 100;
    wanted.preference = 1;
    wanted.ttl_propagate = 1;
    wanted.metrics = {{.number = RTAX_MTU, .value = 1400}, {.number = RTAX_QUICKACK, .value = 1}};
    wanted.locked = 1U << RTAX_MTU;
    wanted.congestion_control = "cubic";

    CHECK(added(wanted) == hex("b8000000 1800 0504 04030201 00000000"
                               "0a 30 30 08 00 12 00 01 04000000"            // tos 8, RTNH_F_ONLINK
                               "1400 0100 20010db8000100000000000000000000"  // RTA_DST
                               "1400 0200 20010db8000200000000000000000000"  // RTA_SRC
                               "0800 0f00 e8030000"                          // RTA_TABLE 1000
                               "1400 0700 20010db8000000000000000000000001"  // RTA_PREFSRC
                               "0800 0600 32000000"                          // RTA_PRIORITY
                               "0800 0400 03000000"                          // RTA_OIF
                               "0800 1700 64000000"                          // RTA_EXPIRES
                               "0500 1400 01000000"                          // RTA_PREF
                               "0500 1a00 01000000"                          // RTA_TTL_PROPAGATE
                               "2800 0880"                                   // RTA_METRICS, nested
                               "0800 0100 04000000"                          //   RTAX_LOCK: mtu
                               "0800 0200 78050000"                          //   RTAX_MTU
                               "0800 0f00 01000000"                          //   RTAX_QUICKACK
                               "0a00 1000 637562696300 0000"                 //   RTAX_CC_ALGO
                               "0800 0b00 04000300"));                       // RTA_FLOW
}

TEST_CASE("next hops are a row of their own, each with its length, weight and attributes") {
    Route wanted = route("10.1.0.0/24");
    wanted.hops = {{.via = addr("10.0.0.2"), .device = "eth0", .interface_index = 3, .weight = 256, .onlink = true},
                   {.via = addr("10.0.0.3"), .weight = 1, .realms = 7}};

    CHECK(added(wanted) == hex("50000000 1800 0504 04030201 00000000"
                               "02 18 00 00 fe 12 00 01 00000000"
                               "0800 0100 0a010000"
                               "2c00 0980"            // RTA_MULTIPATH, nested
                               "1000 04 ff 03000000"  // 16 bytes, onlink, weight 256, eth0
                               "0800 0500 0a000002"
                               "1800 00 00 00000000"
                               "0800 0500 0a000003"
                               "0800 0b00 07000000"));
}

TEST_CASE("an IPv4 route may go via an IPv6 router") {
    Route wanted = route("10.1.0.0/24");
    wanted.hop = {.via = addr("fe80::1"), .device = "eth0", .interface_index = 3};

    CHECK(added(wanted).substr(2 * (16 + 12 + 16)) ==
          hex("1600 1200 0a00 fe800000000000000000000000000001 0000"));  // RTA_VIA, AF_INET6
}

// The labels and locators are those of RFC 3032 2.1 and of ILA's draft; neither kernel of the tests has these tunnels.
TEST_CASE("the encapsulation of a packet is decoded by kind") {
    // effect: vrrp_instance/virtual_routes: encap ttl-propagate
    using Type = Encapsulation::Type;
    Route wanted = route("10.1.0.0/24");
    const auto encap = [&](const Encapsulation& e) {
        wanted.hop.encapsulation = e;
        return added(wanted).substr(2 * (16 + 12 + 8));
    };

    SUBCASE("MPLS: labels outermost first, the last one marked") {
        CHECK(encap({.type = Type::Mpls, .labels = {100, 200}}) == hex("0600 1500 0100 0000"
                                                                       "1000 1680"
                                                                       "0c00 0100 00064000 000c8100"));
    }
    SUBCASE("ILA: the locator") {
        CHECK(encap({.type = Type::Ila, .locator = 0x0001000200030004}) == hex("0600 1500 0300 0000"
                                                                               "1000 1680"
                                                                               "0c00 0100 0001000200030004"));
    }
    SUBCASE("an IPv4 tunnel") {
        CHECK(encap({.type = Type::Ip,
                     .id = 3,
                     .destination = addr("1.2.3.4"),
                     .source = addr("4.3.2.1"),
                     .tos = 3,
                     .ttl = 4,
                     .flags = 0x0102}) == hex("0600 1500 0200 0000"
                                              "3800 1680"
                                              "0c00 0100 0000000000000003"
                                              "0800 0200 01020304"
                                              "0800 0300 04030201"
                                              "0500 0500 03000000"
                                              "0500 0400 04000000"
                                              "0600 0600 0102 0000"));
    }
    SUBCASE("an IPv6 tunnel, only what is given") {
        CHECK(encap({.type = Type::Ip6, .destination = addr("1::2")}) ==
              hex("0600 1500 0400 0000"
                  "1800 1680"
                  "1400 0200 00010000000000000000000000000002"));
    }
}

TEST_CASE("a rule carries what it selects and what it does") {
    Rule rule{.from = *Prefix::parse("10.2.0.0/24"), .to = *Prefix::parse("10.3.0.0/16")};
    rule.invert = true;
    rule.tos = 0x10;
    rule.table = 300;
    rule.priority = 100;
    rule.mark = 5;
    rule.mask = 255;
    rule.realms = 0x00030004;
    rule.suppress_prefix_length = 4;
    rule.suppress_group = 3;
    rule.input = "eth0";
    rule.output = "eth1";
    rule.tunnel_id = 7;
    rule.users = {1, 5};
    rule.ip_protocol = 6;
    rule.source_ports = {5, 10};
    rule.destination_ports = {10, 20};

    CHECK(added(rule) == hex("b4000000 2000 0506 04030201 00000000"  // RTM_NEWRULE, CREATE EXCL ACK REQUEST
                             "02 10 18 10 00 00 00 01 02000000"      // /16 /24 tos, to a table, inverted
                             "0800 0200 0a020000"                    // FRA_SRC
                             "0800 0100 0a030000"                    // FRA_DST
                             "0900 0300 65746830 00 000000"          // FRA_IIFNAME
                             "0900 1100 65746831 00 000000"          // FRA_OIFNAME
                             "0800 0a00 05000000"                    // FRA_FWMARK
                             "0800 1000 ff000000"                    // FRA_FWMASK
                             "0c00 0c00 0000000000000007"            // FRA_TUN_ID, network order
                             "0500 1600 06000000"                    // FRA_IP_PROTO
                             "0c00 1400 01000000 05000000"           // FRA_UID_RANGE
                             "0800 1700 0500 0a00"                   // FRA_SPORT_RANGE
                             "0800 1800 0a00 1400"                   // FRA_DPORT_RANGE
                             "0800 0600 64000000"                    // FRA_PRIORITY
                             "0500 1500 12000000"                    // FRA_PROTOCOL 18
                             "0800 0f00 2c010000"                    // FRA_TABLE
                             "0800 0b00 04000300"                    // FRA_FLOW
                             "0800 0e00 04000000"                    // FRA_SUPPRESS_PREFIXLEN
                             "0800 0d00 03000000"));                 // FRA_SUPPRESS_IFGROUP
}

TEST_CASE("a jump has a target, and l3mdev no table") {
    Rule jump{.action = 2, .priority = 101, .target = 200};
    CHECK(added(jump).substr(2 * 16) == hex("02 00 00 00 00 00 00 02 00000000"
                                            "0800 0600 65000000"
                                            "0500 1500 12000000"
                                            "0800 0400 c8000000"));
    Rule vrf{.family = Family::V6, .l3mdev = true, .priority = 102};
    CHECK(added(vrf).substr(2 * 16) == hex("0a 00 00 00 00 00 00 01 00000000"
                                           "0800 0600 66000000"
                                           "0500 1500 12000000"
                                           "0500 1300 01000000"));
}

TEST_CASE("what no kernel would take is refused, with the reason") {
    Route bad = route("10.1.0.0/24");
    SUBCASE("an interface that was not found") {
        bad.hop.device = "eth7";
        CHECK(refusal(bad) == "interface eth7 does not exist");
    }
    SUBCASE("an IPv6 route via an IPv4 router") {
        bad.destination = *Prefix::parse("2001:db8::/32");
        bad.hop.via = addr("10.0.0.1");
        CHECK(refusal(bad) == "an IPv6 route cannot go via 10.0.0.1");
    }
    SUBCASE("a source of the other family") {
        bad.preferred_source = addr("2001:db8::1");
        CHECK(refusal(bad) == "2001:db8::1 is of the other family");
    }
    SUBCASE("more next hops than a message holds") {
        bad.hops.resize(kMostHops + 1, {.via = addr("10.0.0.1")});
        CHECK(refusal(bad) == "a route has at most 128 next hops");
    }
    SUBCASE("a label of 21 bits") {
        bad.hop.encapsulation = {.type = Encapsulation::Type::Mpls, .labels = {0x100000}};
        CHECK(refusal(bad) == "MPLS label 1048576 is too large");
    }
    SUBCASE("an ILA tunnel to nowhere") {
        bad.hop.encapsulation = {.type = Encapsulation::Type::Ila};
        CHECK(refusal(bad) == "an ILA encapsulation has a locator");
    }
}

TEST_CASE("as many next hops as are allowed fit, each with all that a hop can have") {
    Route wanted = route("2001:db8::/32");
    NextHop hop{.via = addr("2001:db8::1"), .weight = 1, .realms = 1};
    hop.encapsulation = {.type = Encapsulation::Type::Mpls, .labels = std::vector<std::uint32_t>(kMostLabels, 5)};
    wanted.hops.assign(kMostHops, hop);

    CHECK(added(wanted).size() > 2 * kMostHops * 100);
}

TEST_CASE("the removal of a route or a rule is understood") {
    const auto gone = decode_routing(message_of(RTM_DELROUTE, from_hex(kGone)));
    REQUIRE(gone);
    REQUIRE(*gone);
    const auto& told = std::get<Route>(**gone);
    CHECK(told.destination == *Prefix::parse("10.1.0.0/24"));
    CHECK(told.table == 100);
    CHECK(told.tos == 0x10);
    CHECK(told.protocol == 18);
    CHECK(told.priority == 20);
    CHECK(told.hop.via == addr("10.0.0.2"));
    CHECK(told.hop.interface_index == 3);

    const auto rule = decode_routing(message_of(RTM_DELRULE, from_hex("02 00 18 00 00 00 00 01 00000000"
                                                                      "0800 0200 0a020000"
                                                                      "0800 0600 64000000"
                                                                      "0800 0f00 2c010000"
                                                                      "0500 1500 12000000")));
    REQUIRE(rule);
    REQUIRE(*rule);
    CHECK(std::get<Rule>(**rule) == Rule{.from = *Prefix::parse("10.2.0.0/24"), .table = 300, .priority = 100});
    CHECK_FALSE(*decode_routing(message_of(RTM_NEWLINK, from_hex(kGone))));
}

TEST_CASE("a damaged routing message is an error or a value, never more") {
    CHECK(survives_damage(RTM_DELROUTE, from_hex(kGone), decode_routing) > 0);
    CHECK(survives_damage(RTM_DELRULE, from_hex("02 00 18 00 00 00 00 01 00000000 0800 0200 0a020000"),
                          decode_routing) > 0);
}

TEST_CASE("a removal is taken for ours when destination, table, tos and metric are, whatever else it says") {
    Route ours = route("10.1.0.9/24");  // with host bits, which the kernel does not keep
    ours.table = 100;
    ours.tos = 0x10;
    const auto told = **decode_routing(message_of(RTM_DELROUTE, from_hex(kGone)));

    CHECK(may_be(ours, told));
    ours.priority = 20;
    CHECK(may_be(ours, told));
    ours.priority = 21;
    CHECK_FALSE(may_be(ours, told));
    ours.priority.reset();
    ours.table = 101;
    CHECK_FALSE(may_be(ours, told));
    CHECK_FALSE(may_be(Rule{}, told));
    CHECK(may_be(Rule{.from = *Prefix::parse("0.0.0.0/0"), .priority = 5}, Rule{.priority = 5}));
    CHECK_FALSE(may_be(Rule{.priority = 5}, Rule{.priority = 6}));
    const Rule marked{.table = 100, .priority = 5, .mark = 1, .input = "eth0"};
    CHECK(may_be(marked, marked));
    CHECK_FALSE(may_be(marked, Rule{.table = 100, .priority = 5, .mark = 2, .input = "eth0"}));
    CHECK_FALSE(may_be(marked, Rule{.table = 200, .priority = 5, .mark = 1, .input = "eth0"}));
    CHECK_FALSE(may_be(marked, Rule{.table = 100, .priority = 5, .mark = 1, .input = "eth1"}));
    CHECK_FALSE(may_be(marked, Rule{.table = 100, .priority = 5, .mark = 1, .input = "eth0", .output = "eth1"}));
    CHECK_FALSE(may_be(marked, Rule{.invert = true, .table = 100, .priority = 5, .mark = 1, .input = "eth0"}));
}
