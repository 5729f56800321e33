#include "mainstay/lvs/desired.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "builders.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

namespace {

std::vector<std::pair<std::string, std::int32_t>> weights(const ServiceTable& table) {
    std::vector<std::pair<std::string, std::int32_t>> out;
    for (const auto& one : table.destinations) out.emplace_back(one.endpoint.to_string(), one.weight);
    return out;
}
using Weights = std::vector<std::pair<std::string, std::int32_t>>;

}  // namespace

TEST_CASE("the living servers are in with their weights, in file order") {
    const auto web = service({server("10.0.0.11", 1), server("10.0.0.12", 2)});

    const ServiceTable table = desired(web, all_alive(web));

    CHECK(table.service.key == tcp_key("10.0.0.1"));
    CHECK(table.service.scheduler == "wrr");
    CHECK(table.service.flags == 0);
    CHECK(weights(table) == Weights{{"10.0.0.11:80", 1}, {"10.0.0.12:80", 2}});
}

TEST_CASE("a failed server is out, with inhibit_on_failure it stays with weight 0") {
    auto web = service({server("10.0.0.11"), server("10.0.0.12")});
    auto verdict = all_alive(web);
    verdict.servers[0].alive = false;

    SUBCASE("without") { CHECK(weights(desired(web, verdict)) == Weights{{"10.0.0.12:80", 1}}); }
    SUBCASE("on the server") {
        web.real_servers[0].inhibit_on_failure = true;
        CHECK(weights(desired(web, verdict)) == Weights{{"10.0.0.11:80", 0}, {"10.0.0.12:80", 1}});
    }
    SUBCASE("on the service, whose servers got their value when it was read") {
        web.inhibit_on_failure = true;
        CHECK(weights(desired(web, verdict)) == Weights{{"10.0.0.12:80", 1}});
    }
}

TEST_CASE("while the sorry server is in use it is alone, apart from inhibited servers with weight 0") {
    auto web = service({server("10.0.0.11"), server("10.0.0.12")});
    web.sorry_server = sorry("10.0.0.99");
    auto verdict = all_alive(web);
    verdict.servers[0].alive = false;
    verdict.sorry_in_use = true;

    CHECK(weights(desired(web, verdict)) == Weights{{"10.0.0.99:80", 1}});
    web.real_servers[1].inhibit_on_failure = true;
    CHECK(weights(desired(web, verdict)) == Weights{{"10.0.0.12:80", 0}, {"10.0.0.99:80", 1}});
}

TEST_CASE("an idle sorry server is absent, with sorry_server_inhibit there with weight 0") {
    auto web = service({server("10.0.0.11")});
    web.sorry_server = sorry("10.0.0.99");

    CHECK(weights(desired(web, all_alive(web))) == Weights{{"10.0.0.11:80", 1}});
    web.sorry_server->inhibit = true;
    CHECK(weights(desired(web, all_alive(web))) == Weights{{"10.0.0.11:80", 1}, {"10.0.0.99:80", 0}});
}

TEST_CASE("a sorry server that is one of the real servers shares its entry") {
    auto web = service({server("10.0.0.11", 5), server("10.0.0.12")});
    web.sorry_server = sorry("10.0.0.11");
    auto verdict = all_alive(web);

    CHECK(weights(desired(web, verdict)) == Weights{{"10.0.0.11:80", 5}, {"10.0.0.12:80", 1}});
    verdict.servers[0].alive = false;
    verdict.sorry_in_use = true;
    CHECK(weights(desired(web, verdict)) == Weights{{"10.0.0.11:80", 1}});
    for (auto& one : web.real_servers) one.inhibit_on_failure = true;
    CHECK(weights(desired(web, verdict)) == Weights{{"10.0.0.11:80", 1}, {"10.0.0.12:80", 0}});
}

TEST_CASE("the forwarding methods and thresholds reach the kernel's numbers") {
    auto web = service({server("10.0.0.11"), server("10.0.0.12"), server("10.0.0.13")});
    web.real_servers[0].forwarding = config::Forwarding::Nat;
    web.real_servers[1].forwarding = config::Forwarding::Tunnel;
    web.real_servers[2].forwarding = config::Forwarding::DirectRoute;
    web.real_servers[2].upper_threshold = 100;
    web.real_servers[2].lower_threshold = 50;

    const auto table = desired(web, all_alive(web));

    CHECK(table.destinations[0].forwarding == 0);
    CHECK(table.destinations[1].forwarding == 2);
    CHECK(table.destinations[2].forwarding == 3);
    CHECK(table.destinations[2].upper_threshold == 100);
    CHECK(table.destinations[2].lower_threshold == 50);
}

TEST_CASE("persistence sets its flag, timeout and mask") {
    auto web = service({server("10.0.0.11")});
    web.persistent = true;
    web.persistence_timeout = Seconds{50};
    web.persistence_netmask = 0xffffff00;
    web.scheduler_flags = 0x10;

    const auto table = desired(web, all_alive(web));

    CHECK(table.service.flags == (netlink::kIpvsPersistent | 0x10U));
    CHECK(table.service.timeout_s == 50);
    CHECK(table.service.netmask == 0xffffff00);
}

TEST_CASE("an IPv6 service without granularity has prefix length 128, persistent or not") {
    auto web = service({server("fd00::11")}, "fd00::1");
    web.family = Family::V6;

    CHECK(desired(web, all_alive(web)).service.netmask == 128);
    web.persistent = true;
    CHECK(desired(web, all_alive(web)).service.netmask == 128);
    web.persistence_netmask = 64;
    CHECK(desired(web, all_alive(web)).service.netmask == 64);
}

TEST_CASE("a firewall mark alone, with its family, is the key of a mark service") {
    auto web = service({server("10.0.0.11")});
    web.fwmark = 5;
    web.family = Family::V6;
    netlink::IpvsServiceKey expected;
    expected.fwmark = 5;
    expected.family = Family::V6;

    CHECK(desired(web, all_alive(web)).service.key == expected);
}

TEST_CASE("weights are clamped to what the kernel takes") {
    CHECK(clamp_weight(-1) == 0);
    CHECK(clamp_weight(0) == 0);
    CHECK(clamp_weight(2147483647) == 2147483647);
    CHECK(clamp_weight(2147483648) == 2147483647);
    CHECK(clamp_weight(std::numeric_limits<std::int64_t>::min()) == 0);
}

TEST_CASE("the timeout of persistence is what the kernel's clock takes") {
    auto web = service({server("10.0.0.11")});
    web.persistent = true;
    const auto timeout = [&](std::int64_t seconds) {
        web.persistence_timeout = Seconds{seconds};
        return desired(web, all_alive(web)).service.timeout_s;
    };
    CHECK(timeout(-1) == 0);
    CHECK(timeout(0) == 0);
    CHECK(timeout(1) == 1);
    CHECK(timeout(2147483647) == 2147483647);
    CHECK(timeout(2147483648) == 2147483647);
    web.persistent = false;
    CHECK(timeout(50) == 0);
}

TEST_CASE("an address says its family itself") {
    CHECK(key_of(service({}, "fd00::1")).family == Family::V6);
    CHECK(key_of(service({}, "10.0.0.1")).family == Family::V4);
    auto named = service({});
    named.endpoint.address = {};
    named.family = Family::V6;
    CHECK(key_of(named).family == Family::V6);
}
