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

Lines addresses(Bench& bench, std::set<IpAddress> addresses) {
    return text_of_intents(bench.judge.step(AddressesChanged{std::move(addresses)}, bench.now()));
}

bool contains(const Lines& lines, const std::string& line) { return std::ranges::find(lines, line) != lines.end(); }

}  // namespace

TEST_CASE("no check runs while the address of its service is elsewhere, and they begin when it comes") {
    // effect: virtual_server: ha_suspend
    Bench bench;
    bench.judge.know_addresses({ip("10.0.0.2")});
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
    bench.judge.know_addresses({ip("10.0.0.1")});
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
    bench.judge.know_addresses({ip("10.0.0.1")});
    bench.start(suspending(service({checked("10.0.0.11")})));
    CHECK(addresses(bench, {ip("10.0.0.1"), ip("10.0.0.7")}).empty());
}

TEST_CASE("a group's checks run while any of its addresses is here") {
    Bench bench;
    bench.judge.know_addresses({});
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
    bench.judge.know_addresses({});
    auto marked = suspending(service({checked("10.0.0.11")}));
    marked.endpoint = {};
    marked.fwmark = 7;
    bench.start(marked);
    CHECK(bench.due() == doctest::Approx(1));
}

TEST_CASE("a reload keeps a service suspended, and one that suspends no more is checked again") {
    Bench bench;
    bench.judge.know_addresses({});
    bench.start(suspending(service({checked("10.0.0.11")})));
    bench.reload(suspending(service({checked("10.0.0.11"), checked("10.0.0.12")})));
    CHECK(bench.due() == -1);
    bench.reload(service({checked("10.0.0.11")}));
    CHECK(bench.due() == doctest::Approx(1));
}
