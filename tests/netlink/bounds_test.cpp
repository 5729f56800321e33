// Both sides of the bounds in the codecs, and what only one family has.
#include <doctest/doctest.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "bytes.hpp"
#include "mainstay/netlink/ipvs.hpp"
#include "mainstay/netlink/ipvs_types.hpp"
#include "mainstay/netlink/proc_events.hpp"
#include "mainstay/netlink/routing.hpp"
#include "mainstay/netlink/rtnetlink.hpp"

using namespace mainstay;
using namespace mainstay::netlink;
using namespace mainstay::netlink::test;

namespace {

Prefix prefix(const char* text) { return *Prefix::parse(text); }

std::string added_rule(const Rule& rule) {
    std::vector<std::byte> out;
    REQUIRE(append_rule_add(out, rule, 1));
    return to_hex(out);
}
std::string refused_rule(const Rule& rule) {
    std::vector<std::byte> out;
    const auto done = append_rule_add(out, rule, 1);
    CHECK(out.empty() == !done.has_value());
    return done ? "" : done.error().text();
}
bool carries(const std::string& bytes, const std::string& attribute) {
    return bytes.find(hex(attribute)) != std::string::npos;
}

}  // namespace

TEST_CASE("a table from 256 on does not fit the header of a rule") {
    CHECK(added_rule({.table = 255}).substr(32) ==
          hex("02 00 00 00 ff 00 00 01 00000000 0800 0600 00000000 0500 1500 12000000"));
    CHECK(added_rule({.table = 256}).substr(32) ==
          hex("02 00 00 00 00 00 00 01 00000000 0800 0600 00000000 0500 1500 12000000 0800 0f00 00010000"));
}

TEST_CASE("a rule goes by the same bytes as it came, without the flags of making") {
    std::vector<std::byte> out;
    REQUIRE(append_rule_remove(out, {.table = 7, .priority = 9}, 0x01020304));
    CHECK(to_hex(out) == hex("2c000000 2100 0500 04030201 00000000"
                             "02 00 00 00 07 00 00 01 00000000 0800 0600 09000000 0500 1500 12000000"));
    CHECK_FALSE(append_rule_remove(out, {.family = Family::None}, 1));
}

TEST_CASE("a prefix of no length selects nothing, and a rule that no kernel takes is refused") {
    CHECK_FALSE(carries(added_rule({.from = prefix("0.0.0.0/0")}), "0800 0200"));
    CHECK_FALSE(carries(added_rule({.to = prefix("0.0.0.0/0")}), "0800 0100"));
    CHECK(carries(added_rule({.from = prefix("10.0.0.0/1")}), "0800 0200 0a000000"));
    CHECK(carries(added_rule({.to = prefix("10.0.0.0/1")}), "0800 0100 0a000000"));
    CHECK(refused_rule({.family = Family::None}) == "rule without a family");
    CHECK(refused_rule({.from = prefix("fd00::/8")}) == "fd00::/8 is of the other family");
    CHECK(refused_rule({.to = prefix("fd00::/8")}) == "fd00::/8 is of the other family");
    CHECK(refused_rule({.family = Family::V6, .from = prefix("fd00::1/128")}).empty());
    CHECK(refused_rule({.from = prefix("10.0.0.1/32")}).empty());
    CHECK(refused_rule({.from = Prefix{*IpAddress::parse("10.0.0.1"), 33}}) == "10.0.0.1/33: prefix too long");
    CHECK(refused_rule({.family = Family::V6, .to = Prefix{*IpAddress::parse("fd00::1"), 129}}) ==
          "fd00::1/129: prefix too long");
    CHECK(refused_rule({.input = "fifteen-letters"}).empty());
    CHECK(refused_rule({.input = "sixteen--letters"}) == "interface name sixteen--letters is too long");
    CHECK(refused_rule({.output = "sixteen--letters"}) == "interface name sixteen--letters is too long");
}

TEST_CASE("a reported rule is ours if family, priority, action, table and both ends match") {
    const Rule ours{.from = prefix("10.1.2.3/24"), .to = prefix("10.9.0.0/16"), .priority = 5};
    const Rule reported{.from = prefix("10.1.2.0/24"), .to = prefix("10.9.0.0/16"), .priority = 5};
    CHECK(may_be(ours, reported));
    for (int at = 0; at < 8; ++at) {
        CAPTURE(at);
        Rule other = reported;
        if (at == 0) other.family = Family::V6;
        if (at == 1) other.priority = 6;
        if (at == 2) other.action = FR_ACT_BLACKHOLE;
        if (at == 3) other.from.reset();
        if (at == 4) other.to.reset();
        if (at == 5) other.from = prefix("10.1.3.0/24");
        if (at == 6) other.to = prefix("10.9.0.0/17");
        if (at == 7) other.table = 77;
        CHECK_FALSE(may_be(ours, other));
    }
    CHECK_FALSE(may_be(Rule{.priority = 5}, reported));
    CHECK_FALSE(may_be(Rule{}, Route{}));
}

TEST_CASE("a reported route is ours by its destination without host bits, table, tos and metric") {
    const auto gone = [](const char* destination) { return Route{.destination = prefix(destination), .priority = 3}; };
    CHECK(may_be(gone("10.1.2.129/25"), gone("10.1.2.128/25")));
    CHECK_FALSE(may_be(gone("10.1.2.129/24"), gone("10.1.2.128/24")));
    CHECK(may_be(gone("10.1.2.3/32"), gone("10.1.2.3/32")));
    CHECK(may_be(gone("fd00::1:3/112"), gone("fd00::1:0/112")));
    CHECK_FALSE(may_be(gone("10.1.0.0/16"), gone("10.1.0.0/17")));
    Route other = gone("10.1.0.0/16");
    other.tos = 4;
    CHECK_FALSE(may_be(gone("10.1.0.0/16"), other));
    CHECK_FALSE(may_be(gone("10.1.0.0/16"), Route{.destination = prefix("10.1.0.0/16")}));
    Route without = Route{.destination = prefix("10.1.0.0/16"), .priority = 0};
    CHECK(may_be(without, Route{.destination = prefix("10.1.0.0/16")}));
}

TEST_CASE("everything of a reported rule is decoded") {
    const auto reported = decode_routing(message_of(
        RTM_NEWRULE, from_hex("0a 40 30 08 05 00 00 02 02000000"
                              "1400 0100 fd000000000000000000000000000000 1400 0200 fd010000000000000000000000000000"
                              "0900 0300 65746830 00000000 0900 1100 65746831 00000000"
                              "0800 0600 64000000 0800 0400 c8000000 0500 1300 01000000 0500 1500 12000000")));
    REQUIRE(reported);
    REQUIRE(*reported);
    Rule expected{.family = Family::V6, .from = prefix("fd01::/48"), .to = prefix("fd00::/64"), .invert = true};
    expected.tos = 8, expected.table = 5, expected.action = 2, expected.priority = 100, expected.target = 200;
    expected.l3mdev = true, expected.input = "eth0", expected.output = "eth1";
    CHECK(std::get<Rule>(**reported) == expected);

    const auto bare = decode_routing(message_of(RTM_NEWRULE, from_hex("02 00 00 00 fe 00 00 01 00000000")));
    CHECK(std::get<Rule>(**bare) == Rule{.protocol = 0, .table = 254});
    CHECK_FALSE(*decode_routing(message_of(RTM_NEWRULE, from_hex("80 00 00 00 fe 00 00 01 00000000"))));
    CHECK_FALSE(*decode_routing(message_of(RTM_NEWROUTE, from_hex("80 00 00 00 fe 03 00 01 00000000"))));
}

TEST_CASE("a reported prefix is at most as long as its family's address and needs an address") {
    const auto route = [](const char* text) { return decode_routing(message_of(RTM_NEWROUTE, from_hex(text))); };
    CHECK(std::get<Route>(**route("02 20 00 00 fe 03 00 01 00000000 0800 0100 0a000001")).destination ==
          prefix("10.0.0.1/32"));
    CHECK_FALSE(route("02 21 00 00 fe 03 00 01 00000000 0800 0100 0a000001").has_value());
    CHECK(route("0a 80 00 00 fe 03 00 01 00000000 1400 0100 fd000000000000000000000000000001").has_value());
    CHECK_FALSE(route("0a 81 00 00 fe 03 00 01 00000000 1400 0100 fd000000000000000000000000000001").has_value());
    CHECK_FALSE(route("02 08 00 00 fe 03 00 01 00000000 0700 0100 0a000000").has_value());
    CHECK_FALSE(route("02 08 00 00 fe 03 00 01 00000000").has_value());
    const auto all = route("0a 00 30 04 fd 03 c8 06 00000000 1400 0200 fd000000000000000000000000000000");
    REQUIRE(*all);
    const auto& reported = std::get<Route>(**all);
    CHECK(reported.destination == prefix("::/0"));
    CHECK(reported.source == prefix("fd00::/48"));
    CHECK(reported.tos == 4);
    CHECK(reported.table == 253);
    CHECK(reported.protocol == 3);
    CHECK(reported.scope == 200);
    CHECK(reported.type == 6);
    CHECK_FALSE(reported.priority.has_value());
    CHECK(reported.hop.via.empty());
}

TEST_CASE("forwarding is decoded for one interface, not for all of them, and only for IPv6") {
    const auto reported = [](const char* text) {
        return decode_route_message(message_of(RTM_NEWNETCONF, from_hex(text)));
    };
    const auto of = [&](const char* text) {
        const auto read = reported(text);
        REQUIRE(read);
        return read->has_value();
    };
    const auto on = reported("0a 000000 0800 0100 02000000 0800 0200 01000000");
    REQUIRE(on);
    REQUIRE(*on);
    CHECK(std::get<ForwardingChanged>(**on).interface_index == 2);
    CHECK(std::get<ForwardingChanged>(**on).forwards);
    CHECK_FALSE(std::get<ForwardingChanged>(**reported("0a 000000 0800 0100 01000000 0800 0200 00000000")).forwards);
    CHECK_FALSE(of("0a 000000 0800 0100 00000000 0800 0200 01000000"));
    CHECK_FALSE(of("0a 000000 0800 0100 ffffffff 0800 0200 01000000"));
    CHECK_FALSE(of("0a 000000 0800 0100 02000000"));
    CHECK_FALSE(of("0a 000000 0800 0200 01000000"));
    CHECK_FALSE(of("02 000000 0800 0100 02000000 0800 0200 01000000"));
    CHECK_FALSE(reported("").has_value());
    std::vector<std::byte> out;
    append_forwarding_dump(out, 0x01020304);
    CHECK(to_hex(out) == hex("14000000 5200 0103 04030201 00000000 0a000000"));
}

TEST_CASE("lifetimes, flags and labels go with the family that has them") {
    const auto bytes = [](const Address& address) {
        std::vector<std::byte> out;
        REQUIRE(append_address_add(out, address, 1));
        return to_hex(out);
    };
    Address four{.interface_index = 3, .prefix = prefix("10.0.0.1/24")};
    four.deprecated = true, four.home = true, four.manages_temporary = true;
    CHECK_FALSE(carries(bytes(four), "1400 0600"));
    CHECK(bytes(four).substr(32, 16) == hex("02 18 00 00 03000000"));
    Address six{.interface_index = 3, .prefix = prefix("fd00::1/64")};
    CHECK_FALSE(carries(bytes(six), "1400 0600"));
    six.preferred_lifetime = 100;
    CHECK(carries(bytes(six), "1400 0600 64000000 ffffffff 00000000 00000000"));
    six.label = "eth0:1";
    CHECK_FALSE(carries(bytes(six), "0b00 0300"));
    six.nodad = false, six.home = true;
    CHECK(bytes(six).substr(32, 16) == hex("0a 40 10 00 03000000"));
    six.home = false, six.manages_temporary = true;
    CHECK(carries(bytes(six), "0800 0800 00010000"));
    six.manages_temporary = false, six.joins_group = true;
    CHECK(carries(bytes(six), "0800 0800 00040000"));
    six.protocol = 18;
    CHECK(carries(bytes(six), "0500 0b00 12000000"));
}

TEST_CASE("each flag of a reported address is decoded by family") {
    const auto reported = [](const std::string& text) {
        const auto read = decode_route_message(message_of(RTM_NEWADDR, from_hex(text)));
        return std::get<AddressAdded>(**read).address;
    };
    const std::string four = "02 20 00 00 03000000 0800 0200 0a000001 0800 0100 0a000001 0800 0800 ";
    const std::string six =
        "0a 80 00 fd 03000000 1400 0100 fd000000000000000000000000000001 0900 0300 65746830 00000000 0800 0800 ";
    CHECK(reported(four + "01000000").secondary);
    CHECK_FALSE(reported(six + "01000000").secondary);
    CHECK_FALSE(reported(four + "08000000").dad_failed);
    CHECK(reported(six + "08000000").dad_failed);
    CHECK(reported(six + "02000000").nodad);
    CHECK(reported(six + "40000000").tentative);
    CHECK(reported(six + "20000000").deprecated);
    CHECK(reported(six + "00020000").noprefixroute);
    CHECK(reported(six + "00000000").label.empty());
    CHECK(reported(six + "00000000").scope == 253);
    CHECK_FALSE(reported(four + "00000000").peer.has_value());
    CHECK(reported("02 20 00 00 03000000 0800 0200 0a000001 0800 0100 0a000002").peer == IpAddress::parse("10.0.0.2"));
    CHECK(reported("02 20 21 00 03000000 0800 0200 0a000001").secondary);
    CHECK_FALSE(decode_route_message(
        message_of(RTM_NEWADDR, from_hex("0a 81 00 00 03000000 1400 0100 fd000000000000000000000000000001"))));
}

TEST_CASE("the name of a link has at most 15 letters") {
    const auto named = [](const char* name) {
        const auto read = decode_route_message(
            message_of(RTM_NEWLINK, from_hex("00 00 0100 03000000 43100100 00000000 1500 0300 " +
                                             to_hex(std::as_bytes(std::span{name, 17})) + "000000")));
        return read.has_value();
    };
    CHECK(named("fifteen-letters\0"));
    CHECK_FALSE(named("sixteen--letters"));
}

TEST_CASE("the shortest process event has nothing behind its head") {
    const auto event = [](std::uint32_t length, std::size_t bytes) {
        std::vector<std::byte> datagram(bytes);
        const std::array<std::uint32_t, 10> head{static_cast<std::uint32_t>(bytes), 3, 0, 0, 1, 1, 0, 0, length, 2};
        std::memcpy(datagram.data(), head.data(), sizeof head);
        return decode_process_events(datagram);
    };
    REQUIRE(event(16, 52).has_value());
    CHECK(event(16, 52)->size() == 1);
    CHECK(event(16, 52)->at(0).kind == ProcessEvent::Kind::Exec);
    CHECK_FALSE(event(15, 52).has_value());
    CHECK_FALSE(event(17, 52).has_value());
    CHECK_FALSE(event(16, 48).has_value());
}

TEST_CASE("each timeout has its own attribute, and zero is not sent") {
    const auto bytes = [](const IpvsTimeouts& timeouts) {
        std::vector<std::byte> out;
        append_timeouts(out, 0x1d, timeouts, 1);
        return to_hex(out).substr(40);
    };
    CHECK(bytes({.tcp = 1, .tcp_fin = 0, .udp = 0}) == hex("0800 0400 01000000"));
    CHECK(bytes({.tcp = 0, .tcp_fin = 2, .udp = 0}) == hex("0800 0500 02000000"));
    CHECK(bytes({.tcp = 0, .tcp_fin = 0, .udp = 3}) == hex("0800 0600 03000000"));
    CHECK(bytes({}).empty());
}

TEST_CASE("a daemon for IPv6 has its group, and unset values are not sent") {
    std::vector<std::byte> out;
    const IpvsDaemon daemon{.state = IpvsDaemon::State::Master,
                            .interface = "fifteen-letters",
                            .sync_id = 0,
                            .group = *IpAddress::parse("ff05::8")};
    REQUIRE(append_daemon_start(out, 0x1d, daemon, 1));
    CHECK(to_hex(out).substr(40) == hex("3c00 0380 0800 0100 01000000 1400 0200 66696674 65656e2d 6c657474 65727300"
                                        "0800 0300 00000000 1400 0600 ff050000000000000000000000000008"));
    CHECK_FALSE(append_daemon_start(out, 0x1d, {.interface = "sixteen--letters"}, 1));
    out.clear();
    append_daemon_dump(out, 0x1d, 2);
    append_timeouts_query(out, 0x1d, 3);
    CHECK(to_hex(out) ==
          hex("14000000 1d00 0103 02000000 00000000 0b010000 14000000 1d00 0100 03000000 00000000 0d010000"));

    const auto reported = [](const char* text) { return decode_daemon(message_of(0x1d, from_hex(text))); };
    CHECK(reported("09010000 2000 0380 0800 0100 02000000 1400 0600 ff050000000000000000000000000008")->group ==
          IpAddress::parse("ff05::8"));
    CHECK_FALSE(reported("09010000 0c00 0380 0800 0100 03000000").has_value());
    CHECK_FALSE(reported("09010000 0c00 0380 0800 0100 00000000").has_value());
    CHECK(reported("09010000 0c00 0380 0800 0100 01000000")->group.empty());
    CHECK_FALSE(reported("09010000").has_value());
    CHECK_FALSE(reported("0a010000 0c00 0380 0800 0100 01000000").has_value());
}

TEST_CASE("every protocol has its name in descriptions") {
    const auto line = [](std::uint8_t protocol) {
        const IpvsServiceKey key{
            .family = Family::V4, .protocol = protocol, .address = *IpAddress::parse("10.0.0.1"), .port = 53};
        return line_of_refusal({IpvsOperation::Kind::DeleteService, {.key = key}, {}}, EPERM);
    };
    const std::string head = "IPVS cmd IP_VS_SO_SET_DEL(1156) error: Operation not permitted(1) (10.0.0.1:";
    CHECK(line(6) == head + "tcp:53)");
    CHECK(line(17) == head + "udp:53)");
    CHECK(line(132) == head + "sctp:53)");
    CHECK(line(133) == head + "none:53)");
    const IpvsDaemon daemon{.state = IpvsDaemon::State::Backup, .interface = "eth1", .sync_id = 51};
    CHECK(describe(daemon) == "IPVS backup sync daemon on eth1, id 51");
    const auto named = [](std::uint8_t protocol) {
        return describe(IpvsServiceKey{
            .family = Family::V4, .protocol = protocol, .address = *IpAddress::parse("10.0.0.1"), .port = 53});
    };
    CHECK(named(17) == "UDP 10.0.0.1:53");
    CHECK(named(132) == "SCTP 10.0.0.1:53");
    CHECK(named(50) == "protocol 50 10.0.0.1:53");
}

TEST_CASE("an IPVS address is cut to its family, and a family that is none has no address") {
    const auto reported = [](const std::string& family, Family otherwise) {
        return decode_destination(
            message_of(0x1d, from_hex("05010000 " + family +
                                      " 1400 0100 0a00010b 00000000 00000000 00000000 0600 0200 1f90 0000" +
                                      (family.starts_with("28") ? "0600 0b00 0900 0000" : ""))),
            otherwise);
    };
    CHECK(reported("2000 0280", Family::V4)->destination.endpoint.to_string() == "10.0.1.11:8080");
    CHECK(reported("2000 0280", Family::V6)->destination.endpoint.to_string() == "[a00:10b::]:8080");
    CHECK_FALSE(reported("2800 0280", Family::V4).has_value());
    CHECK_FALSE(reported("2000 0280", Family::None).has_value());
}
