// ha_suspend: checks follow the addresses of the host.
#include <doctest/doctest.h>

#include <algorithm>

#include "judge_harness.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

namespace {

const std::string kServer = "service [10.0.0.11]:tcp:80 for VS ";

config::VirtualServer suspending(config::VirtualServer service) {
    service.more.edit().values.push_back({"ha_suspend", true});
    return service;
}

}  // namespace

TEST_CASE("no check runs while the address of its service is elsewhere, and they begin when it comes") {
    // effect: virtual_server: ha_suspend
    Bench bench;
    bench.host.addresses = {ip("10.0.0.2")};
    const auto said = bench.start(suspending(service({checked("10.0.0.11")})));
    CHECK(contains(said, "Deactivating healthchecker for " + kServer + "[10.0.0.1]:tcp:80"));
    CHECK(bench.due() == -1);

    bench.since_start = 10s;
    CHECK(addresses(bench, {ip("10.0.0.1"), ip("10.0.0.2")}) ==
          Lines{"Activating healthchecker for " + kServer + "[10.0.0.1]:tcp:80"});
    CHECK(bench.due() == doctest::Approx(10));
    CHECK(bench.run(Outcome::Failed).at(0).starts_with("TCP_CHECK"));
}

TEST_CASE("a check that runs is cancelled with the address, and what was found last stays") {
    Bench bench;
    bench.host.addresses = {ip("10.0.0.1")};
    bench.start(suspending(service({checked("10.0.0.11"), checked("10.0.0.12")})));
    bench.run(Outcome::Failed);
    bench.tick();
    const auto table = bench.judge.desired();
    CHECK(table.at(0).destinations.size() == 1);

    const auto said = addresses(bench, {});
    CHECK(contains(said, "Suspending healthchecker for " + kServer + "[10.0.0.1]:tcp:80"));
    CHECK(contains(said, "cancel 2"));
    CHECK(bench.due() == -1);
    CHECK(bench.finish(2, Outcome::Failed).empty());  // too late
    CHECK(bench.judge.desired() == table);
}

TEST_CASE("an address that changes elsewhere changes nothing") {
    Bench bench;
    bench.host.addresses = {ip("10.0.0.1")};
    bench.start(suspending(service({checked("10.0.0.11")})));
    CHECK(addresses(bench, {ip("10.0.0.1"), ip("10.0.0.7")}).empty());
}

TEST_CASE("a group's checks run while any of its addresses is here") {
    Bench bench;
    bench.host.addresses.emplace();
    bench.start(
        suspending(grouped({checked("10.0.0.11")}, {range("10.0.0.5", "10.0.0.8"), range("fd00::1", "fd00::9")})));
    CHECK(bench.due() == -1);
    CHECK(addresses(bench, {ip("10.0.0.4"), ip("10.0.0.9"), ip("fd00::a")}).empty());
    CHECK(addresses(bench, {ip("10.0.0.4"), ip("10.0.0.6")}).size() == 1);
    CHECK(addresses(bench, {ip("fd00::9")}).empty());
    CHECK(addresses(bench, {}) == Lines{"Suspending healthchecker for " + kServer + "[web]:0"});
}

TEST_CASE("a mark has no address to follow: its checks run always") {
    Bench bench;
    bench.host.addresses.emplace();
    auto marked = suspending(service({checked("10.0.0.11")}));
    marked.endpoint = {};
    marked.fwmark = 7;
    bench.start(marked);
    CHECK(bench.due() == doctest::Approx(1));
}

TEST_CASE("a reload keeps a service suspended, and one that suspends no more is checked again") {
    Bench bench;
    bench.host.addresses.emplace();
    bench.start(suspending(service({checked("10.0.0.11")})));
    bench.reload(suspending(service({checked("10.0.0.11"), checked("10.0.0.12")})));
    CHECK(bench.due() == -1);
    bench.reload(service({checked("10.0.0.11")}));
    CHECK(bench.due() == doctest::Approx(1));
}

TEST_CASE("a check that waits is not run while the address is away, nor by its old time when it comes back") {
    Bench bench;
    bench.host.addresses = {ip("10.0.0.1")};
    bench.start(suspending(service({checked("10.0.0.11")})));
    CHECK(bench.due() == doctest::Approx(1));
    CHECK(addresses(bench, {}) == Lines{"Suspending healthchecker for " + kServer + "[10.0.0.1]:tcp:80"});
    CHECK(bench.due() == -1);
    CHECK_FALSE(bench.judge.states()[0].servers[0].checkers[0].waits);
    bench.since_start = 2s;
    CHECK(text_of_intents(bench.judge.step(DeadlineReached{}, bench.now())).empty());

    bench.drawn = 100s;
    addresses(bench, {ip("10.0.0.1")});
    CHECK(bench.due() == doctest::Approx(3));  // at most a second, however long the warmup
    CHECK(bench.tick() == Lines{"start 1"});
}

TEST_CASE("after a takeover a check with a short warmup runs within that") {
    auto one = checked("10.0.0.11");
    one.checkers[0].warmup = 300ms;
    Bench bench;
    bench.host.addresses.emplace();
    bench.start(suspending(service({one})));
    bench.drawn = 100s;
    addresses(bench, {ip("10.0.0.1")});
    CHECK(bench.due() == doctest::Approx(0.3));
}

TEST_CASE("checks that follow something are not scheduled when the address comes") {
    auto session = server("10.0.0.11");
    session.checkers.push_back(tcp_check(session.endpoint));
    session.checkers[0].type = config::Checker::Type::Bfd;
    Bench bench;
    bench.host.addresses.emplace();
    bench.start(suspending(service({session})));
    CHECK(addresses(bench, {ip("10.0.0.1")}).empty());
    CHECK(bench.due() == -1);
}

TEST_CASE("a group of marks alone suspends nothing, one with addresses goes by these") {
    const config::GroupEntry mark{.first = {}, .last = {}, .port = 0, .fwmark = 7, .family = Family::V4};
    CHECK_FALSE(suspends(suspending(grouped({checked("10.0.0.11")}, {mark}))));
    const auto mixed = suspending(grouped({checked("10.0.0.11")}, {mark, range("10.0.0.5", "10.0.0.5")}));
    CHECK(suspends(mixed));
    CHECK_FALSE(suspends(grouped({checked("10.0.0.11")}, {range("10.0.0.5", "10.0.0.5")})));
    config::Config config;
    config.virtual_servers = {service({}), mixed};
    CHECK(suspends(config));
    config.virtual_servers.pop_back();
    CHECK_FALSE(suspends(config));
    for (const bool here : {false, true}) {
        Bench bench;
        bench.host.addresses = here ? std::set{ip("10.0.0.5")} : std::set<IpAddress>{};
        bench.start(mixed);
        CHECK(bench.judge.states()[0].suspended == !here);
    }
}

TEST_CASE("on big tables one line stands for the checks of a service, and none where there are none") {
    std::vector<config::RealServer> servers;
    for (int i = 0; i < 256; ++i) servers.push_back(server(fmt::format("10.1.{}.{}", i / 200, i % 200 + 1)));
    servers.push_back(checked("10.0.0.11"));
    config::Config config;
    config.virtual_servers = {suspending(service(servers)), suspending(service({server("10.0.0.9")}, "10.0.0.2"))};
    Bench bench;
    bench.host.addresses.emplace();
    CHECK(std::ranges::count_if(bench.start(config), [](const auto& line) { return line.contains("healthchecker"); }) ==
          1);
    CHECK(addresses(bench, {ip("10.0.0.1"), ip("10.0.0.2")}) ==
          Lines{"Activating 1 healthcheckers for VS [10.0.0.1]:tcp:80"});
}

TEST_CASE("a reload that turns ha_suspend on goes by the addresses that come with it") {
    for (const bool here : {false, true}) {
        CAPTURE(here);
        Bench bench;
        bench.start(service({checked("10.0.0.11")}));
        config::Config next;
        next.virtual_servers = {suspending(service({checked("10.0.0.11")}))};
        const std::set<IpAddress> host = here ? std::set{ip("10.0.0.1")} : std::set<IpAddress>{};

        (void)bench.judge.reload(next, bench.now(), {host, {}});
        CHECK((bench.due() == -1) == !here);
        (void)bench.judge.reload(next, bench.now());  // nothing new is known of them
        CHECK((bench.due() == -1) == !here);
    }
}
