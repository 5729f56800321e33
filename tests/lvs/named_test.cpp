// Servers that a DNS name stands for: the configuration that results.
#include "mainstay/lvs/named.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "judge_harness.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

namespace {

config::RealServer named_web(std::uint16_t port = 80) {
    config::RealServer named;
    named.endpoint.port = port;
    named.weight = 5;
    named.checkers.push_back(tcp_check({{}, port}));
    named.more.edit().values = {{"dns_resolver", config::WordList{"10.0.0.53"}},
                                {"dns_resolver", config::WordList{"10.0.0.54", "5353"}},
                                {"real_server_dns", config::WordList{"web.example.org"}}};
    return named;
}

config::Config with_name(const config::RealServer& named, std::vector<config::RealServer> fixed = {}) {
    config::Config config;
    fixed.push_back(named);
    config.virtual_servers.push_back(service(std::move(fixed)));
    return config;
}

config::Config known(const config::Config& config, KnownServers servers) {
    return with_known(config, [&](const auto&, const auto&) { return &servers; });
}

}  // namespace

TEST_CASE("each address of a name becomes a server like its block, its checks go to it") {
    const auto config = known(with_name(named_web(), {server("10.0.0.9")}), {{ip("10.0.0.11")}, {ip("10.0.0.12")}});
    const auto& servers = config.virtual_servers[0].real_servers;
    REQUIRE(servers.size() == 3);
    CHECK(servers[0].endpoint == at("10.0.0.9", 80));
    CHECK(servers[1].endpoint == at("10.0.0.11", 80));
    CHECK(servers[1].weight == 5);
    CHECK(servers[2].checkers[0].target == at("10.0.0.12", 80));
    CHECK(config::value_of<config::WordList>(servers[2].more->values, config::KeywordName{"real_server_dns"}) ==
          config::WordList{"web.example.org"});
}

TEST_CASE("a name is read with its name servers, and asks for what its service's family needs") {
    auto config = with_name(named_web());
    auto named = named_servers(config.virtual_servers[0]);
    REQUIRE(named.size() == 1);
    CHECK(named[0].name == "web.example.org");
    CHECK(named[0].resolvers == std::vector{at("10.0.0.53", 53), at("10.0.0.54", 5353)});
    CHECK(named[0].type == NamedServers::Type::A);
    CHECK(named[0].interval == Seconds{30});
    config.virtual_servers[0].family = Family::V6;
    CHECK(named_servers(config.virtual_servers[0])[0].type == NamedServers::Type::Aaaa);
    auto& values = config.virtual_servers[0].real_servers[0].more.edit().values;
    values.push_back({"dns_type", config::WordList{"srv"}});
    CHECK(named_servers(config.virtual_servers[0])[0].type == NamedServers::Type::Srv);
}

TEST_CASE("of SRV the answer says the port and the weight, for the checks too") {
    const auto config = known(with_name(named_web(0)), {{ip("10.0.0.11"), 8080, 30}, {ip("10.0.0.11"), 8081, {}}});
    const auto& servers = config.virtual_servers[0].real_servers;
    REQUIRE(servers.size() == 2);
    CHECK(servers[0].endpoint == at("10.0.0.11", 8080));
    CHECK(servers[0].weight == 30);
    CHECK(servers[0].checkers[0].target == at("10.0.0.11", 8080));
    CHECK(servers[1].weight == 5);
}

TEST_CASE("an address that is a configured server, or stands under two names, is there once") {
    auto config = with_name(named_web(), {server("10.0.0.11")});
    config.virtual_servers[0].real_servers.push_back(named_web());
    CHECK(known(config, {{ip("10.0.0.11")}, {ip("10.0.0.12")}}).virtual_servers[0].real_servers.size() == 2);
}

TEST_CASE("servers that stay in the answer keep their verdict, those that leave it are taken out") {
    const auto config = with_name(named_web());
    Bench bench;
    bench.start(known(config, {{ip("10.0.0.11")}, {ip("10.0.0.12")}}));
    CHECK(bench.judge.desired(0).at(0).destinations.size() == 2);
    bench.tick();
    bench.finish({.checker = 1, .outcome = Outcome::Failed, .reason = "refused", .weight = {}});
    CHECK(bench.judge.desired(0).at(0).destinations.size() == 1);

    const auto told =
        text_of_intents(bench.judge.reload(known(config, {{ip("10.0.0.11")}, {ip("10.0.0.13")}}), bench.now()));
    CHECK_FALSE(bench.judge.states()[0].servers[0].alive);
    CHECK(std::ranges::count(told, "service [10.0.0.12]:tcp:80 no longer exist") == 1);
    REQUIRE(bench.judge.desired(0).at(0).destinations.size() == 1);
    CHECK(bench.judge.desired(0).at(0).destinations[0].endpoint == at("10.0.0.13", 80));
}

TEST_CASE("a service without an answer yet has no servers and no quorum, and is programmed all the same") {
    Bench bench;
    const auto config = with_name(named_web());
    bench.start(known(config, {}));
    CHECK(bench.judge.desired().size() == 1);
    CHECK(bench.judge.desired(0).at(0).destinations.empty());
    static_cast<void>(bench.judge.reload(known(config, {{ip("10.0.0.11")}}), bench.now()));
    CHECK(bench.judge.states()[0].quorum_up);
}

TEST_CASE("a new incarnation goes on with the servers that the crashed one had of a name") {
    const auto config = with_name(named_web(), {server("10.0.0.9")});
    const auto& one = config.virtual_servers[0];
    ServiceMemory memory;
    memory.identity = identity_of(one);
    for (const auto& endpoint : {at("10.0.0.9", 80), at("10.0.0.11", 80), at("10.0.0.12", 81)})
        memory.servers.push_back({.endpoint = endpoint, .alive = true, .since = {}, .checkers = {}});
    const auto servers = remembered(memory, one, named_servers(one).at(0));
    REQUIRE(servers.size() == 1);
    CHECK(servers[0] == KnownServer{ip("10.0.0.11"), 0, std::nullopt});  // as an answer of addresses has it
}

TEST_CASE("dns_type goes before the family of the service") {
    const auto type = [](Family family, const char* word) {
        auto named = named_web();
        named.more.edit().values.push_back({"dns_type", config::WordList{word}});
        auto one = service({named});
        one.family = family;
        return named_servers(one).at(0).type;
    };
    CHECK(type(Family::V6, "A") == NamedServers::Type::A);
    CHECK(type(Family::V4, "AAAA") == NamedServers::Type::Aaaa);
    CHECK(type(Family::V4, "SRV") == NamedServers::Type::Srv);
    CHECK(type(Family::V6, "srv") == NamedServers::Type::Srv);
}

TEST_CASE("how often, how long and how much is asked is as configured, or 30 s, 2 s and 64 servers") {
    auto named = named_web();
    auto one = named_servers(service({named})).at(0);
    CHECK(one.interval == Seconds{30});
    CHECK(one.timeout == Seconds{2});
    CHECK(one.most == 64);
    for (const auto& value :
         {config::KeywordValue{"dns_interval", Micros{5'000'000}}, config::KeywordValue{"dns_timeout", Micros{500'000}},
          config::KeywordValue{"dns_servers_max", std::int64_t{3}}})
        named.more.edit().values.push_back(value);
    one = named_servers(service({named})).at(0);
    CHECK(one.interval == Seconds{5});
    CHECK(one.timeout == Micros{500'000});
    CHECK(one.most == 3);
    CHECK(one.like == named);
}

TEST_CASE("a line that names no name server, and a name that is empty, are nothing") {
    auto named = named_web();
    named.more.edit().values = {{"dns_interval", config::WordList{"10.0.0.51"}},
                                {"dns_resolver", config::WordList{}},
                                {"dns_resolver", true},
                                {"dns_resolver", config::WordList{"here"}},
                                {"dns_resolver", config::WordList{"fd00::53"}},
                                {"real_server_dns", config::WordList{}}};
    const auto one = named_servers(service({server("10.0.0.9"), named})).at(0);
    CHECK(one.name.empty());
    CHECK(one.resolvers == std::vector{at("fd00::53", 53)});
    CHECK(named_servers(service({server("10.0.0.9")})).empty());
}

TEST_CASE("a check that goes somewhere else than to its server goes there for each of the servers") {
    auto named = named_web();
    named.checkers[0].target = at("10.0.0.7", 8080);
    const auto config = known(with_name(named), {{ip("10.0.0.11")}});
    CHECK(config.virtual_servers[0].real_servers.at(0).checkers[0].target == at("10.0.0.7", 8080));
    auto fixed = named_web(8000);
    fixed.checkers[0].target = {{}, 8080};
    const auto other = known(with_name(fixed), {{ip("10.0.0.11"), 9000, {}}});
    CHECK(other.virtual_servers[0].real_servers.at(0).endpoint == at("10.0.0.11", 8000));
    CHECK(other.virtual_servers[0].real_servers.at(0).checkers[0].target == at("10.0.0.11", 8080));
}

TEST_CASE("a service without names stays as it is, and a name that is not known yet has no servers") {
    auto config = with_name(named_web(), {server("10.0.0.9")});
    config.virtual_servers.push_back(service({server("10.0.0.8"), server("10.0.0.8")}));
    int asked = 0;
    const auto result = with_known(config, [&](const auto&, const auto&) -> const KnownServers* {
        ++asked;
        return nullptr;
    });
    CHECK(asked == 1);
    CHECK(result.virtual_servers[0].real_servers == std::vector{server("10.0.0.9")});
    CHECK(result.virtual_servers[1] == config.virtual_servers[1]);
}

TEST_CASE("of several names each remembers the servers that fit no name before it") {
    const auto one = service({named_web(80), named_web(81), named_web(0)});
    const auto names = named_servers(one);
    ServiceMemory memory;
    for (const std::uint16_t port : {std::uint16_t{80}, std::uint16_t{81}, std::uint16_t{82}})
        memory.servers.push_back({.endpoint = at("10.0.0.11", port), .alive = true, .since = {}, .checkers = {}});
    for (std::size_t i = 0; i < 3; ++i) {
        const auto servers = remembered(memory, one, names.at(i));
        REQUIRE(servers.size() == 1);
        CHECK(servers[0] == KnownServer{ip("10.0.0.11"), 0, std::nullopt});
    }
    const auto anywhere = service({named_web(0), named_web(80)});
    CHECK(remembered(memory, anywhere, named_servers(anywhere).at(0)).size() == 3);
    CHECK(remembered(memory, anywhere, named_servers(anywhere).at(1)).empty());
}

TEST_CASE("a name remembers the servers of its own family alone") {
    auto a = named_web(), aaaa = named_web(), srv = named_web();
    a.more.edit().values.push_back({"dns_type", config::WordList{"A"}});
    aaaa.more.edit().values.push_back({"dns_type", config::WordList{"AAAA"}});
    srv.more.edit().values.push_back({"dns_type", config::WordList{"SRV"}});
    ServiceMemory memory;
    for (const char* address : {"10.0.0.11", "fd00::11"})
        memory.servers.push_back({.endpoint = at(address, 80), .alive = true, .since = {}, .checkers = {}});
    const auto one_of = [&](const config::VirtualServer& one, std::size_t name) {
        const auto servers = remembered(memory, one, named_servers(one).at(name));
        REQUIRE(servers.size() == 1);
        return servers[0].address;
    };
    const auto both = service({a, aaaa});
    CHECK(one_of(both, 0) == ip("10.0.0.11"));
    CHECK(one_of(both, 1) == ip("fd00::11"));
    auto of_service = service({srv});
    CHECK(one_of(of_service, 0) == ip("10.0.0.11"));
    of_service.family = Family::V6;
    CHECK(one_of(of_service, 0) == ip("fd00::11"));
}
