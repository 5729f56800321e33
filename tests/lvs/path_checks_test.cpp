// Which checks go along the data path, with which marks, and the kernel services that take them there.
#include "mainstay/lvs/path_checks.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "builders.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;
using config::Forwarding;

namespace {

config::RealServer reached_by(Forwarding forwarding, std::string_view address) {
    auto one = checked(address, 5);
    one.forwarding = forwarding;
    return one;
}
config::RealServer routed(std::string_view address) { return reached_by(Forwarding::DirectRoute, address); }

config::VirtualServer along(std::vector<config::RealServer> servers, std::string_view address = "10.0.0.1") {
    auto made = service(std::move(servers), address);
    made.more.edit().values.push_back({"check_data_path", true});
    return made;
}

std::int64_t mark_of(const config::Checker& checker) {
    return config::value_of<std::int64_t>(checker.more->values, config::KeywordName{"fwmark"}).value_or(0);
}
std::int64_t mark_of(const config::RealServer& server) { return mark_of(server.checkers.at(0)); }

}  // namespace

TEST_CASE("checks of servers with DR and tunnels ask the service's address, each with a mark of its server") {
    std::vector services{along({routed("10.0.0.11"), reached_by(Forwarding::Tunnel, "10.0.0.12")})};
    PathChecks path;
    path.apply(services);
    const auto& servers = services[0].real_servers;
    CHECK(servers[0].checkers.at(0).target == at("10.0.0.1", 80));
    CHECK(servers[1].checkers.at(0).target == at("10.0.0.1", 80));
    CHECK(servers[0].endpoint == at("10.0.0.11", 80));
    CHECK(mark_of(servers[0]) >= 0x4d000000);
    CHECK(mark_of(servers[0]) < 0x4e000000);
    CHECK(mark_of(servers[0]) != mark_of(servers[1]));
    CHECK(path.is_used());
    CHECK(path.uses(Family::V4));
    CHECK_FALSE(path.uses(Family::V6));
    const auto* way = path.way_of(servers[1].checkers.at(0));
    REQUIRE(way != nullptr);
    CHECK(way->key.fwmark == mark_of(servers[1]));
    CHECK(way->server.endpoint == at("10.0.0.12", 80));
}

TEST_CASE("each mark is a service of one server that is always in it, whatever its weight and limits") {
    auto server = reached_by(Forwarding::Tunnel, "10.0.0.11");
    server.weight = 0;
    server.upper_threshold = 7;
    server.tunnel.edit().type = config::Tunnel::Type::Gre;
    std::vector services{along({server})};
    PathChecks path;
    path.apply(services);
    const auto table = path.desired();
    REQUIRE(table.size() == 1);
    CHECK(table[0].service.key.fwmark == mark_of(services[0].real_servers[0]));
    CHECK(table[0].service.key.family == Family::V4);
    CHECK(table[0].service.key.protocol == 0);
    CHECK(table[0].service.scheduler == "rr");
    CHECK(table[0].service.flags == 4);  // one packet: a datagram follows its mark, not the one before
    REQUIRE(table[0].destinations.size() == 1);
    const auto& only = table[0].destinations[0];
    CHECK(only.endpoint == at("10.0.0.11", 80));
    CHECK(only.weight == 1);
    CHECK(only.upper_threshold == 0);
    CHECK(only.forwarding == static_cast<std::uint32_t>(Forwarding::Tunnel));
    CHECK(only.tunnel.type == 2);
}

TEST_CASE("what cannot go along the data path asks the server") {
    auto server = routed("10.0.0.11");
    std::vector services{along({server})};
    auto& one = services[0];
    auto& checker = one.real_servers[0].checkers[0];
    const Endpoint own = checker.target;
    SUBCASE("without the keyword") { one.more.reset(); }
    SUBCASE("NAT") { one.real_servers[0].forwarding = Forwarding::Nat; }
    SUBCASE("a service of another family") { one.endpoint = at("2001:db8::1", 80); }
    SUBCASE("a firewall mark") { one.fwmark = 5, one.endpoint = {}; }
    SUBCASE("a mark of its own") { checker.more.edit().values.push_back({"fwmark", std::int64_t{7}}); }
    SUBCASE("ping") { checker.type = config::Checker::Type::Ping; }
    SUBCASE("an agent") { checker.type = config::Checker::Type::Agent; }
    SUBCASE("a script") { checker.type = config::Checker::Type::Misc; }
    const auto before = services;
    PathChecks path;
    path.apply(services);
    CHECK(services == before);
    CHECK(services[0].real_servers[0].checkers.at(0).target == own);
    CHECK_FALSE(path.is_used());
    CHECK(path.desired().empty());
    CHECK(path.way_of(services[0].real_servers[0].checkers.at(0)) == nullptr);
}

TEST_CASE("a check with connect_ip asks that address, another one of its server goes along the data path") {
    auto server = routed("10.0.0.11");
    server.checkers.push_back(tcp_check(at("10.0.0.99", 81)));
    server.checkers[0].target.port = 8080;  // connect_port
    std::vector services{along({server})};
    PathChecks path;
    path.apply(services);
    const auto& checkers = services[0].real_servers[0].checkers;
    CHECK(checkers.at(0).target == at("10.0.0.1", 8080));
    CHECK(checkers.at(1).target == at("10.0.0.99", 81));
    CHECK(mark_of(checkers.at(1)) == 0);
}

TEST_CASE("a group's checks ask its first address of the server's family") {
    auto group = grouped(
        {routed("10.0.0.11"), routed("2001:db8::11")},
        {range("10.9.0.3", "10.9.0.7"), range("10.9.0.1", "10.9.0.1"), range("2001:db8:9::1", "2001:db8:9::1")});
    group.membership.edit().entries.insert(group.membership.edit().entries.begin(),
                                           {.first = {}, .last = {}, .port = 0, .fwmark = 9, .family = Family::V4});
    group.more.edit().values.push_back({"check_data_path", true});
    std::vector services{group};
    PathChecks path;
    path.apply(services);
    CHECK(services[0].real_servers[0].checkers.at(0).target == at("10.9.0.3", 80));
    CHECK(services[0].real_servers[1].checkers.at(0).target == at("2001:db8:9::1", 80));
    CHECK(path.uses(Family::V6));
    CHECK(path.desired().size() == 2);
}

TEST_CASE("marks are the same in each process, and a server keeps its own when others come and go") {
    std::vector first{along({routed("10.0.0.11"), routed("10.0.0.12")})}, second = first;
    PathChecks path, other;
    path.apply(first);
    other.apply(second);
    CHECK(first == second);
    const auto mark = mark_of(first[0].real_servers[1]);

    // The mark that the server would choose is taken by the configuration meanwhile: it keeps it no longer.
    auto taken = service({server("10.0.0.20")});
    taken.fwmark = static_cast<std::uint32_t>(mark);
    std::vector third{taken, along({routed("10.0.0.12"), routed("10.0.0.13")})};
    path.apply(third);
    const auto next = mark_of(third[1].real_servers[0]);
    CHECK(next == mark + 1);

    // And keeps the new one after that.
    std::vector fourth{along({routed("10.0.0.12")})};
    path.apply(fourth);
    CHECK(mark_of(fourth[0].real_servers[0]) == next);
}

TEST_CASE("two checks of one server have one mark, the same server of two services has two") {
    auto server = routed("10.0.0.11");
    server.checkers.push_back(server.checkers.at(0));
    std::vector services{along({server}), along({server}, "10.0.0.2")};
    PathChecks path;
    path.apply(services);
    const auto& checkers = services[0].real_servers[0].checkers;
    CHECK(mark_of(checkers.at(0)) == mark_of(checkers.at(1)));
    CHECK(mark_of(services[1].real_servers[0]) != mark_of(checkers.at(0)));
    CHECK(path.desired().size() == 2);
}

TEST_CASE("addresses of services are those of all of them, also of ones that are not checked so") {
    auto marked = service({server("10.0.0.20")});
    marked.endpoint = {};
    marked.fwmark = 5;
    std::vector services{along({routed("10.0.0.11")}), service({server("10.0.0.12")}, "2001:db8::9"), marked,
                         grouped({server("10.0.0.13")}, {range("10.9.0.3", "10.9.0.5")})};
    PathChecks path;
    CHECK_FALSE(path.is_of_service(ip("10.0.0.1")));
    path.apply(services);
    for (const auto* address : {"10.0.0.1", "2001:db8::9", "10.9.0.3", "10.9.0.4", "10.9.0.5"})
        CHECK(path.is_of_service(ip(address)));
    for (const auto* address : {"10.0.0.2", "10.9.0.2", "10.9.0.6", "10.0.0.11", "2001:db8::8", "0.0.0.0", "::"})
        CHECK_FALSE(path.is_of_service(ip(address)));
}
