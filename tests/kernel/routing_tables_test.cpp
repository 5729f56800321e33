// Routes and rules of a network namespace of the test's own.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>

#include "../needs.hpp"
#include "mainstay/kernel/link_maker.hpp"
#include "mainstay/kernel/netlink_socket.hpp"
#include "mainstay/kernel/routing.hpp"
#include "own_network.hpp"
#include "table_rule.hpp"

using namespace mainstay;
using namespace mainstay::kernel;
using mainstay::test::in_own_network;
using mainstay::test::ip;
using mainstay::test::join_two_interfaces;
using mainstay::test::rule;
using netlink::Verdict;

namespace {

netlink::Route route(const std::string& network, std::uint32_t index) {
    netlink::Route made;
    made.destination = Prefix{IpAddress::parse(network).value(), 24};
    made.scope = 253;  // link
    made.hop.interface_index = index;
    return made;
}

}  // namespace

TEST_CASE("routes and rules are added and removed, with an answer for each" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        join_two_interfaces();
        const auto a = interface_index("eth0");
        auto tables = RoutingTables::open().value();
        const auto added = tables.add({route("10.7.1.0", a), rule(77), route("10.7.2.0", 4711), route("10.7.3.0", a)});
        REQUIRE(added.has_value());
        REQUIRE(added->size() == 4);
        CHECK(added->at(0).verdict == Verdict::Done);
        CHECK(added->at(0).text.empty());
        CHECK(added->at(1).verdict == Verdict::Done);
        CHECK(added->at(2).verdict == Verdict::Failed);
        CHECK_FALSE(added->at(2).text.empty());
        CHECK(added->at(3).verdict == Verdict::Done);
        CHECK(ip("route show 10.7.1.0/24 | grep -q 'dev eth0 proto keepalived'"));
        CHECK(ip("route show 10.7.3.0/24 | grep -q 'dev eth0'"));
        CHECK(ip("rule show pref 77 | grep -q 'lookup 100'"));
        CHECK(tables.add({rule(77)}).value().at(0).verdict == Verdict::Forgiven);
        const auto removed = tables.remove({route("10.7.1.0", a), rule(77), route("10.7.9.0", a)}).value();
        CHECK(removed.at(0).verdict == Verdict::Done);
        CHECK(removed.at(1).verdict == Verdict::Done);
        CHECK(removed.at(2).verdict == Verdict::Forgiven);
        CHECK_FALSE(ip("route show 10.7.1.0/24 | grep -q dev"));
        CHECK_FALSE(ip("rule show pref 77 | grep -q lookup"));
    });
}

TEST_CASE("what cannot be sent does not shift the answers of the others, in any batch" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        join_two_interfaces();
        const auto a = interface_index("eth0");
        auto tables = RoutingTables::open().value();
        std::vector<netlink::Routing> many;
        for (int i = 0; i < 300; ++i) many.emplace_back(route(fmt::format("10.{}.{}.0", 10 + i / 200, i % 200), a));
        auto& damaged = std::get<netlink::Route>(many[130]);
        damaged.hops.resize(netlink::kMostHops + 1);
        std::get<netlink::Route>(many[131]).hop.interface_index = 4711;
        const auto answers = tables.add(many).value();
        REQUIRE(answers.size() == 300);
        for (std::size_t i = 0; i < answers.size(); ++i) {
            CAPTURE(i);
            CHECK((answers[i].verdict == Verdict::Done) == (i != 130 && i != 131));
            CHECK(answers[i].text.empty() == (i != 130 && i != 131));
        }
        CHECK(answers[130].text != answers[131].text);
    });
}

TEST_CASE("removals of our routes and of rules are reported, of others' routes and what is added not" *
          mainstay::test::kNeedsRoot) {
    in_own_network([] {
        join_two_interfaces();
        const auto a = interface_index("eth0");
        auto tables = RoutingTables::open().value();
        REQUIRE(ip("route add 10.8.0.0/24 dev eth0 proto 18"));
        REQUIRE(ip("route add 10.9.0.0/24 dev eth0 proto static"));
        REQUIRE(ip("rule add pref 78 table 100"));
        const auto nothing = tables.read_removals().value();
        CHECK(nothing.removed.empty());
        CHECK_FALSE(nothing.lost);
        REQUIRE(ip("route del 10.9.0.0/24"));
        pollfd look{tables.notification_fd(), POLLIN, 0};
        CHECK(::poll(&look, 1, 0) == 0);
        REQUIRE(ip("route del 10.8.0.0/24"));
        CHECK(::poll(&look, 1, 1000) == 1);
        REQUIRE(ip("rule del pref 78"));
        const auto removals = tables.read_removals().value();
        CHECK_FALSE(removals.lost);
        REQUIRE(removals.removed.size() == 2);
        CHECK(std::get<netlink::Route>(removals.removed[0]).destination.address.to_string() == "10.8.0.0");
        CHECK(std::get<netlink::Route>(removals.removed[0]).hop.interface_index == a);
        CHECK(std::get<netlink::Rule>(removals.removed[1]).priority == 78);
        CHECK(tables.read_removals().value().removed.empty());
        REQUIRE(ip("-6 route add fd00:8::/64 dev eth0 proto 18"));
        REQUIRE(ip("-6 rule add pref 79 table 100"));
        REQUIRE(ip("-6 route del fd00:8::/64 dev eth0"));
        REQUIRE(ip("-6 rule del pref 79"));
        CHECK(tables.read_removals().value().removed.size() == 2);
    });
}

TEST_CASE("routes and rules of ours are listed, of both families" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        join_two_interfaces();
        auto tables = RoutingTables::open().value();
        CHECK(tables.entries().value().empty());
        REQUIRE(tables.add({route("10.7.1.0", interface_index("eth0")), rule(77)}).has_value());
        REQUIRE(ip("-6 route add fd00:8::/64 dev eth0 proto 18 table 100"));
        REQUIRE(ip("route add 10.9.0.0/24 dev eth0"));  // of no protocol of ours
        const auto found = tables.entries().value();
        REQUIRE(found.size() == 3);
        CHECK(std::get<netlink::Route>(found[0]).destination.to_string() == "10.7.1.0/24");
        CHECK(std::get<netlink::Route>(found[1]).table == 100);
        CHECK(std::get<netlink::Rule>(found[2]).priority == 77);
    });
}

TEST_CASE("removals that do not fit are reported as lost" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        join_two_interfaces();
        auto tables = RoutingTables::open().value();
        std::vector<netlink::Routing> many;
        for (std::uint32_t i = 0; i < 200; ++i) many.emplace_back(rule(1000 + i));
        REQUIRE(tables.add(many).has_value());
        (void)size_receive_buffer(tables.notification_fd(), 2048);
        REQUIRE(tables.remove(many).has_value());
        const auto removals = tables.read_removals().value();
        CHECK(removals.lost);
        CHECK(removals.removed.size() < 200);
        CHECK_FALSE(tables.read_removals().value().lost);
    });
}
