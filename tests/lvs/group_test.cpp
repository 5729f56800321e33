// Services with a virtual_server_group: one service of the kernel for each address and mark.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "builders.hpp"
#include "mainstay/lvs/desired.hpp"
#include "mainstay/lvs/plan.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

namespace {

Table table_of(const config::VirtualServer& service) { return desired(service, keys_of(service), all_alive(service)); }

std::vector<std::string> described(const std::vector<netlink::IpvsServiceKey>& keys) {
    std::vector<std::string> out;
    for (const auto& key : keys) out.push_back(netlink::describe(key));
    return out;
}

}  // namespace

TEST_CASE("a group is one service for each address of its ranges and for each mark, each once, in their order") {
    const auto web = grouped({server("10.1.0.1")}, {range("10.0.0.9", "10.0.0.11"), mark(7),
                                                    range("10.0.0.10", "10.0.0.10"), mark(7, Family::V6)});
    CHECK(described(keys_of(web)) ==
          std::vector<std::string>{"TCP 10.0.0.9:80", "TCP 10.0.0.10:80", "TCP 10.0.0.11:80", "FWM 7", "FWM 7 IPv6"});
}

TEST_CASE("ranges cross bytes, and the last address of all ends one") {
    CHECK(described(keys_of(grouped({}, {range("10.0.0.254", "10.0.1.1")}))) ==
          std::vector<std::string>{"TCP 10.0.0.254:80", "TCP 10.0.0.255:80", "TCP 10.0.1.0:80", "TCP 10.0.1.1:80"});
    CHECK(keys_of(grouped({}, {range("255.255.255.254", "255.255.255.255")})).size() == 2);
    CHECK(described(keys_of(grouped({}, {range("fd00::ffff", "fd00::1:1", 0)}))) ==
          std::vector<std::string>{"TCP [fd00::ffff]:0", "TCP [fd00::1:0]:0", "TCP [fd00::1:1]:0"});
}

TEST_CASE("servers behind NAT keep their port in every service of the group, the others take that of the entry") {
    auto natted = server("10.1.0.1");
    natted.endpoint.port = 8080;
    auto routed = server("10.1.0.2");
    routed.forwarding = config::Forwarding::DirectRoute;
    routed.endpoint.port = 0;
    const auto table = table_of(grouped({natted, routed}, {range("10.0.0.1", "10.0.0.1", 443), mark(5)}));

    REQUIRE(table.size() == 2);
    CHECK(table[0].destinations.at(0).endpoint == at("10.1.0.1", 8080));
    CHECK(table[0].destinations.at(1).endpoint == at("10.1.0.2", 443));
    CHECK(table[1].destinations.at(0).endpoint == at("10.1.0.1", 8080));
    CHECK(table[1].destinations.at(1).endpoint == at("10.1.0.2", 0));
}

TEST_CASE("the sorry server is in every service of the group") {
    auto web = grouped({server("10.1.0.1")}, {range("10.0.0.1", "10.0.0.3")});
    web.sorry_server = sorry("10.1.0.9");
    const ServiceVerdict lost{.sorry_in_use = true, .servers = {{true, 1}}};
    for (const auto& entry : desired(web, keys_of(web), lost)) {
        REQUIRE(entry.destinations.size() == 1);
        CHECK(entry.destinations[0].endpoint == at("10.1.0.9", 80));
    }
}

TEST_CASE(
    "the granularity of a mixed group counts for the family it is written in, the other one takes single clients") {
    auto web = grouped({server("10.1.0.1")}, {range("10.0.0.1", "10.0.0.1"), range("fd00::1", "fd00::1")});
    web.persistent = true;
    web.persistence_timeout = Seconds{60};
    web.persistence_netmask = 0xffffff00;
    web.family = Family::V4;
    auto table = table_of(web);
    CHECK(table.at(0).service.netmask == 0xffffff00);
    CHECK(table.at(1).service.netmask == 128);

    web.persistence_netmask = 64;
    web.family = Family::V6;
    table = table_of(web);
    CHECK(table.at(0).service.netmask == 0xffffffff);
    CHECK(table.at(1).service.netmask == 64);
}

TEST_CASE("a persistence engine is sent with persistence only") {
    auto web = service({server("10.1.0.1")});
    web.more.edit().values.push_back({"persistence_engine", config::WordList{"sip"}});
    CHECK(table_of(web).at(0).service.engine.empty());
    web.persistent = true;
    CHECK(table_of(web).at(0).service.engine == "sip");
}

TEST_CASE("a tunnel is what its words say, and nothing where there is none") {
    auto tunnelled = server("10.1.0.1");
    tunnelled.tunnel = config::Tunnel{config::Tunnel::Type::Gue, config::Tunnel::Checksum::Remote, 6080};
    CHECK(table_of(service({tunnelled})).at(0).destinations.at(0).tunnel == netlink::IpvsTunnel{});
    tunnelled.forwarding = config::Forwarding::Tunnel;
    CHECK(table_of(service({tunnelled})).at(0).destinations.at(0).tunnel ==
          netlink::IpvsTunnel{.type = 1, .port = 6080, .flags = 2});

    auto web = service({server("10.1.0.1")});
    web.sorry_server = sorry("10.1.0.9");
    web.sorry_server->forwarding = config::Forwarding::Tunnel;
    web.sorry_server->tunnel = config::Tunnel{config::Tunnel::Type::Gre, config::Tunnel::Checksum::Sum, 0};
    web.sorry_server->inhibit = true;
    CHECK(table_of(web).at(0).destinations.at(1).tunnel == netlink::IpvsTunnel{.type = 2, .port = 0, .flags = 1});
}

TEST_CASE("a tunnel that changes is one write to its destination") {
    auto tunnelled = server("10.1.0.1");
    tunnelled.forwarding = config::Forwarding::Tunnel;
    const auto before = table_of(service({tunnelled}));
    tunnelled.tunnel.edit() = {config::Tunnel::Type::Gre, config::Tunnel::Checksum::None, 0};
    const auto operations = plan(table_of(service({tunnelled})), before, {});
    REQUIRE(operations.size() == 1);
    CHECK(operations[0].kind == netlink::IpvsOperation::Kind::SetDestination);
    CHECK(operations[0].destination.tunnel.type == 2);
}

// Random groups and verdicts: whatever group follows whatever group, the plan leads there, every service of a group has
// the same servers, and a service that stays is never without one while its group has one.
TEST_CASE("any group is as wanted after its plan, and all of its services have the same servers") {
    for (std::uint32_t seed = 1; seed <= 1000; ++seed) {
        CAPTURE(seed);
        std::mt19937 engine{seed};
        const auto below = [&engine](std::uint32_t limit) { return static_cast<std::uint32_t>(engine() % limit); };
        const auto random_group = [&] {
            std::vector<config::RealServer> servers;
            for (std::uint32_t i = 1; i <= 1 + below(4); ++i) {
                servers.push_back(server("10.1.0." + std::to_string(i), below(3)));
                if (below(2) == 0) servers.back().forwarding = config::Forwarding::DirectRoute;
            }
            std::vector<config::GroupEntry> entries;
            for (std::uint32_t i = 0; i <= below(3); ++i) {
                const std::uint32_t first = below(6);
                entries.push_back(range("10.0.0." + std::to_string(first), "10.0.0." + std::to_string(first + below(4)),
                                        static_cast<std::uint16_t>(80 + below(2))));
            }
            if (below(2) == 0) entries.push_back(mark(1 + below(2)));
            auto web = grouped(std::move(servers), std::move(entries));
            if (below(3) == 0) web.sorry_server = sorry("10.1.0.9");
            return web;
        };
        const auto verdict_of = [&](const config::VirtualServer& web) {
            ServiceVerdict verdict;
            for (const auto& one : web.real_servers) verdict.servers.push_back({below(3) != 0, one.weight});
            verdict.sorry_in_use = web.sorry_server && below(2) == 0;
            return verdict;
        };
        const auto old_group = random_group(), new_group = random_group();
        const auto old_keys = keys_of(old_group), new_keys = keys_of(new_group);
        REQUIRE(std::set(new_keys.begin(), new_keys.end()).size() == new_keys.size());
        const auto before = desired(old_group, old_keys, verdict_of(old_group));
        const auto wanted = desired(new_group, new_keys, verdict_of(new_group));
        REQUIRE(wanted.size() == new_keys.size());
        for (const auto& entry : wanted) {
            REQUIRE(entry.destinations.size() == wanted[0].destinations.size());
            for (std::size_t i = 0; i < entry.destinations.size(); ++i) {
                CHECK(entry.destinations[i].endpoint.address == wanted[0].destinations[i].endpoint.address);
                CHECK(entry.destinations[i].weight == wanted[0].destinations[i].weight);
            }
        }

        Table kernel = before;
        for (const auto& operation : plan(wanted, before, old_keys)) REQUIRE(perform(kernel, operation));
        CHECK(kernel.size() == wanted.size());
        CHECK(plan(wanted, kernel, {}).empty());
    }
}
