#include "mainstay/lvs/adoption.hpp"

#include <doctest/doctest.h>

#include "builders.hpp"
#include "mainstay/lvs/judge.hpp"

using namespace mainstay;

namespace {

const WallTime kWall{1'700'000'000'000'000};

config::RealServer checked_server(const std::string& address, config::Checker::Type type = config::Checker::Type::Tcp) {
    config::RealServer made;
    made.endpoint = lvs::test::at(address, 80);
    config::Checker checker;
    checker.type = type;
    checker.target = made.endpoint;
    made.checkers.push_back(checker);
    return made;
}

config::VirtualServer service_of_three() {
    config::VirtualServer made;
    made.endpoint = lvs::test::at("10.0.0.1", 80);
    made.real_servers = {checked_server("10.0.1.1"), checked_server("10.0.1.2"), checked_server("10.0.1.3")};
    return made;
}

lvs::ServiceTable kernel(const config::VirtualServer& service,
                         const std::vector<std::pair<std::string, std::int32_t>>& servers) {
    lvs::ServiceTable table;
    table.service.key = lvs::key_of(service);
    for (const auto& [address, weight] : servers) {
        netlink::IpvsDestination destination;
        destination.endpoint = lvs::test::at(address, 80);
        destination.weight = weight;
        table.destinations.push_back(destination);
    }
    return table;
}

config::Config config_of(std::vector<config::VirtualServer> services) {
    config::Config config;
    config.virtual_servers = std::move(services);
    return config;
}

std::vector<bool> alive(const lvs::ServiceMemory& memory) {
    std::vector<bool> all;
    for (const auto& one : memory.servers) all.push_back(one.alive);
    return all;
}

}  // namespace

TEST_CASE("servers that the kernel does not have, or inhibits with weight 0, are down until a check finds them up") {
    std::vector<config::VirtualServer> services{service_of_three()};
    services[0].real_servers[2].inhibit_on_failure = true;
    const lvs::Table table{kernel(services[0], {{"10.0.1.1", 1}, {"10.0.1.3", 0}})};

    const auto memory = lvs::adopt(config_of(services), table, kWall).memory;

    REQUIRE(memory.size() == 1);
    CHECK(memory[0].identity == lvs::identity_of(services[0]));
    CHECK(alive(memory[0]) == std::vector{true, false, false});
    CHECK(memory[0].servers[0].checkers.at(0).state.up);
    CHECK_FALSE(memory[0].servers[1].checkers.at(0).state.up);
    CHECK(memory[0].servers[2].since == kWall);
    CHECK(memory[0].quorum_up);
    CHECK_FALSE(memory[0].sorry_in_use);
}

TEST_CASE("a judge that starts from it wants the table that the kernel has, and reports nothing") {
    config::Config config;
    config.virtual_servers = {service_of_three()};
    const lvs::Table table{kernel(config.virtual_servers[0], {{"10.0.1.1", 1}, {"10.0.1.3", 1}})};
    lvs::Judge judge{[](Micros) { return Micros{0}; }};

    const auto opening =
        judge.start(config, lvs::adopt(config, table, kWall).memory, {Instant{}, kWall}, {}, lvs::HostFacts{});

    std::string wanted;
    const auto table_wanted = judge.desired(0);
    for (const auto& one : table_wanted.at(0).destinations) wanted += one.endpoint.to_string() + " ";
    CHECK(wanted == "10.0.1.1:80 10.0.1.3:80 ");
    for (const auto& intent : opening) CHECK_FALSE(std::holds_alternative<lvs::Announce>(intent));
}

TEST_CASE("a server that failed would have left the table: with weight 0 it is drained, and stays") {
    config::Config config;
    config.virtual_servers = {service_of_three()};
    config.virtual_servers[0].real_servers[2].checkers[0].type = config::Checker::Type::Misc;
    config.virtual_servers[0].real_servers[2].checkers[0].misc_dynamic = true;
    const lvs::Table table{kernel(config.virtual_servers[0], {{"10.0.1.1", 0}, {"10.0.1.2", 1}, {"10.0.1.3", 0}})};
    lvs::Judge judge{[](Micros) { return Micros{0}; }};

    (void)judge.start(config, lvs::adopt(config, table, kWall).memory, {Instant{}, kWall}, {}, lvs::HostFacts{});

    std::string wanted;
    const auto table_wanted = judge.desired(0);
    for (const auto& one : table_wanted.at(0).destinations)
        wanted += one.endpoint.to_string() + "=" + std::to_string(one.weight) + " ";
    CHECK(wanted == "10.0.1.1:80=1 10.0.1.2:80=1 10.0.1.3:80=0 ");
    CHECK(lvs::adopt(config, table, kWall).weights_set_by_hand ==
          std::vector<std::string>{"[10.0.1.1]:tcp:80 of VS [10.0.0.1]:tcp:80 has weight 0 there, and 1 from now on"});
}

TEST_CASE("the weight that a check has given stays until the check has run, and counts for the quorum") {
    config::Config config;
    config.virtual_servers = {service_of_three()};
    auto& service = config.virtual_servers[0];
    service.quorum = 2;
    service.sorry_server.emplace().endpoint = lvs::test::at("10.0.1.9", 80);
    service.real_servers[0].checkers[0].type = config::Checker::Type::Misc;
    service.real_servers[0].checkers[0].misc_dynamic = true;
    const lvs::Table table{kernel(service, {{"10.0.1.1", 50}})};
    lvs::Judge judge{[](Micros) { return Micros{0}; }};

    const auto opening =
        judge.start(config, lvs::adopt(config, table, kWall).memory, {Instant{}, kWall}, {}, lvs::HostFacts{});

    const auto wanted = judge.desired(0);
    REQUIRE(wanted.at(0).destinations.size() == 1);
    CHECK(wanted.at(0).destinations[0].endpoint.to_string() == "10.0.1.1:80");
    CHECK(wanted.at(0).destinations[0].weight == 50);
    for (const auto& intent : opening) CHECK_FALSE(std::holds_alternative<lvs::Announce>(intent));
    CHECK(lvs::adopt(config, table, kWall).weights_set_by_hand.empty());
}

TEST_CASE("checks have run: a server that is still down is not reported once more, and a first failure is retried") {
    const std::vector<config::VirtualServer> services{service_of_three()};
    const auto memory = lvs::adopt(config_of(services), {kernel(services[0], {{"10.0.1.1", 1}})}, kWall).memory.at(0);
    CHECK(memory.servers[0].checkers.at(0).state.has_run);
    CHECK(memory.servers[1].checkers.at(0).state.has_run);
}

TEST_CASE("a configured weight of 0 tells nothing about the server") {
    std::vector<config::VirtualServer> services{service_of_three()};
    services[0].real_servers[1].weight = 0;
    const lvs::Table table{kernel(services[0], {{"10.0.1.1", 1}, {"10.0.1.2", 0}})};

    CHECK(alive(lvs::adopt(config_of(services), table, kWall).memory.at(0)) == std::vector{true, true, false});
}

TEST_CASE("files and BFD sessions decide about their servers themselves") {
    std::vector<config::VirtualServer> services{service_of_three()};
    services[0].real_servers = {checked_server("10.0.1.1", config::Checker::Type::File),
                                checked_server("10.0.1.2", config::Checker::Type::Bfd),
                                checked_server("10.0.1.3", config::Checker::Type::Misc)};
    const lvs::Table table{kernel(services[0], {})};

    const auto memory = lvs::adopt(config_of(services), table, kWall).memory.at(0);

    CHECK(memory.servers[0].checkers.empty());
    CHECK(memory.servers[1].checkers.empty());
    CHECK(memory.servers[2].checkers.size() == 1);
}

TEST_CASE("a sorry server that takes the traffic stays in use, and the quorum is down") {
    std::vector<config::VirtualServer> services{service_of_three()};
    services[0].sorry_server.emplace().endpoint = lvs::test::at("10.0.1.9", 80);

    const auto in_use = lvs::adopt(config_of(services), {kernel(services[0], {{"10.0.1.9", 1}})}, kWall).memory.at(0);
    CHECK(in_use.sorry_in_use);
    CHECK_FALSE(in_use.quorum_up);
    const auto idle =
        lvs::adopt(config_of(services), {kernel(services[0], {{"10.0.1.1", 1}, {"10.0.1.9", 0}})}, kWall).memory.at(0);
    CHECK_FALSE(idle.sorry_in_use);
    CHECK(idle.quorum_up);
    // One that is also a real server, with others beside it, serves as that.
    services[0].sorry_server->endpoint = lvs::test::at("10.0.1.1", 80);
    CHECK_FALSE(
        lvs::adopt(config_of(services), {kernel(services[0], {{"10.0.1.1", 1}})}, kWall).memory.at(0).sorry_in_use);
}

TEST_CASE("a quorum that the kernel's weights do not reach is down") {
    std::vector<config::VirtualServer> services{service_of_three()};
    services[0].quorum = 3;
    services[0].hysteresis = 1;

    CHECK_FALSE(
        lvs::adopt(config_of(services), {kernel(services[0], {{"10.0.1.1", 1}})}, kWall).memory.at(0).quorum_up);
    CHECK(lvs::adopt(config_of(services), {kernel(services[0], {{"10.0.1.1", 1}, {"10.0.1.2", 1}})}, kWall)
              .memory.at(0)
              .quorum_up);
}

TEST_CASE("a group is found by the mark that nftables_ipvs gives it") {
    config::Config config = config_of({service_of_three()});
    config.global.more.edit().values = {{"nftables_ipvs", config::WordList{"tbl"}}};
    auto& service = config.virtual_servers[0];
    service.group = "g";
    service.membership = lvs::test::grouped({}, {lvs::test::range("10.0.0.1", "10.0.0.9")}).membership;
    lvs::ServiceTable table = kernel(service, {{"10.0.1.1", 1}});
    table.service.key = {};
    table.service.key.family = Family::V4;
    table.service.key.fwmark = 1000;

    const auto memory = lvs::adopt(config, {table}, kWall).memory;

    REQUIRE(memory.size() == 1);
    CHECK(alive(memory[0]) == std::vector{true, false, false});
}

TEST_CASE("services that the kernel does not have start as always") {
    std::vector<config::VirtualServer> services{service_of_three(), service_of_three()};
    services[1].endpoint.port = 443;

    const auto memory = lvs::adopt(config_of(services), {kernel(services[0], {})}, kWall).memory;

    REQUIRE(memory.size() == 1);
    CHECK(memory[0].identity == lvs::identity_of(services[0]));
    CHECK_FALSE(memory[0].quorum_up);
    CHECK(alive(memory[0]) == std::vector{false, false, false});
}
