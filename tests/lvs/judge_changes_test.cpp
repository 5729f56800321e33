// Reloads of a few services: what they do is what a reload of all of them does.
#include <doctest/doctest.h>

#include <algorithm>

#include "judge_harness.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;
using namespace std::chrono_literals;

namespace {

config::VirtualServer two_servers() { return service({checked("10.0.0.11"), checked("10.0.0.12")}); }

}  // namespace

TEST_CASE("a change of some services does to them what a reload does, and nothing to the others") {
    config::Config config;
    for (const auto* address : {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"})
        config.virtual_servers.push_back(service({checked("10.0.0.11"), checked("10.0.0.12")}, address));
    config.virtual_servers[1].sorry_server = sorry("10.0.0.99");
    Bench bench;
    bench.start(config);
    bench.tick();                      // all eight run
    bench.finish(1, Outcome::Failed);  // down, in the first and in the second
    bench.finish(3, Outcome::Failed);
    bench.finish(6, Outcome::Passed);  // the others run still
    ServerAnswer answer;
    static_cast<void>(bench.judge.command(
        {.verb = ServerCommand::Verb::Drain, .which = "10.0.0.12:80", .weight = 0, .dry_run = false, .by = "me"},
        bench.now(), answer));
    REQUIRE(answer.changed != 0);
    bench.since_start += 1s;
    auto next = config;
    next.virtual_servers[0].real_servers[1].weight = 9;
    next.virtual_servers[1].real_servers.erase(next.virtual_servers[1].real_servers.begin());  // the one that is down
    next.virtual_servers[1].quorum = 2;
    next.virtual_servers[3].real_servers.push_back(checked("10.0.0.13"));
    next.virtual_servers[3].real_servers[0].checkers[0].target.port = 8080;  // another check, instead of one that runs
    std::vector<config::ServiceChange> changes;
    for (const std::size_t at : {0U, 1U, 3U})
        changes.push_back({at, config.virtual_servers[at], next.virtual_servers[at]});
    Judge other = bench.judge;
    auto accepted = other.accept(changes);
    REQUIRE(accepted.has_value());

    const Lines said = text_of_intents(other.reload(std::move(*accepted), bench.now()));

    CHECK(said.size() > 3);
    CHECK(said == text_of_intents(bench.judge.reload(next, bench.now())));
    check_alike(other, bench.judge);
    CHECK(text_of_intents(other.step(CheckFinished{5, Outcome::Failed, "because", 5ms}, bench.now())) ==
          bench.finish({5, Outcome::Failed, "because", 5ms}));
}

TEST_CASE("services that come and go leave the others as they are, as a reload of all does") {
    using Change = config::ServiceChange;
    config::Config config;
    for (const auto* address : {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"})
        config.virtual_servers.push_back(service({checked("10.0.0.11"), checked("10.0.0.12")}, address));
    config.global.more.edit().values.push_back({"rs_init_notifies", true});
    Bench bench;
    bench.start(config);
    bench.tick();                      // all eight run
    bench.finish(3, Outcome::Failed);  // in the second, which goes
    bench.finish(5, Outcome::Failed);  // in the third
    bench.since_start += 1s;
    auto next = config;
    auto& services = next.virtual_servers;
    services.erase(services.begin() + 1);
    services.insert(services.begin(), service({checked("10.0.0.21")}, "10.0.0.9"));
    services[3].real_servers[0].weight = 7;
    services.push_back(service({checked("10.0.0.11")}, "10.0.0.8"));
    Judge other = bench.judge;
    auto accepted = other.accept({{0, {}, services[0], Change::Kind::Added},
                                  {1, config.virtual_servers[1], {}, Change::Kind::Removed},
                                  {3, config.virtual_servers[3], services[3]},
                                  {4, {}, services[4], Change::Kind::Added}});
    REQUIRE(accepted.has_value());

    const Lines said = text_of_intents(other.reload(std::move(*accepted), bench.now()));

    CHECK(std::ranges::count(said, "Removing Virtual Server [10.0.0.2]:tcp:80") == 1);
    CHECK(said == text_of_intents(bench.judge.reload(next, bench.now())));
    CHECK(other.services() == next.virtual_servers);
    check_alike(other, bench.judge);
    CHECK(text_of_intents(other.step(CheckFinished{6, Outcome::Failed, "because", 5ms}, bench.now())) ==
          bench.finish({6, Outcome::Failed, "because", 5ms}));
}

TEST_CASE("a judge takes services that come and go only where they have nothing in common with others") {
    using Change = config::ServiceChange;
    const auto at = [](const char* address) { return service({checked("10.0.0.11")}, address); };
    auto grouped = at("10.0.0.3");
    grouped.group = std::string{"G"};
    config::Config config;
    config.virtual_servers = {at("10.0.0.1"), at("10.0.0.2")};
    Bench bench;
    bench.start(config);
    const auto takes = [&](std::vector<Change> changes) { return bench.judge.accept(std::move(changes)).has_value(); };
    const auto comes = [](std::size_t place, config::VirtualServer one) {
        return Change{place, {}, std::move(one), Change::Kind::Added};
    };
    const auto goes = [](std::size_t place, config::VirtualServer one) {
        return Change{place, std::move(one), {}, Change::Kind::Removed};
    };
    CHECK(takes({comes(2, at("10.0.0.3"))}));
    CHECK(takes({comes(0, at("10.0.0.3")), comes(3, at("10.0.0.4"))}));
    CHECK(takes({goes(0, at("10.0.0.1")), comes(0, at("10.0.0.3"))}));
    CHECK(takes({goes(0, at("10.0.0.1")), comes(1, at("10.0.0.1"))}));  // another place
    CHECK_FALSE(takes({comes(0, at("10.0.0.2"))}));                     // twice
    CHECK_FALSE(takes({comes(0, at("10.0.0.3")), comes(1, at("10.0.0.3"))}));
    CHECK_FALSE(takes({comes(0, grouped)}));
    CHECK_FALSE(takes({goes(0, at("10.0.0.2"))}));  // that is another one
    CHECK_FALSE(takes({goes(2, at("10.0.0.2"))}));
    CHECK_FALSE(takes({comes(3, at("10.0.0.3"))}));
    CHECK_FALSE(takes({goes(1, at("10.0.0.2")), goes(0, at("10.0.0.1"))}));  // in the wrong order
    // One that is left out would be there when the other one goes.
    config.virtual_servers.push_back(at("10.0.0.1"));
    Bench twice;
    twice.start(config);
    CHECK_FALSE(twice.judge.accept({goes(0, at("10.0.0.1"))}).has_value());
    // Which marks are free for groups depends on the marks of all services.
    config.virtual_servers.pop_back();
    config.global.more.edit().values.push_back({"nftables_ipvs", config::WordList{"lvs"}});
    Bench marks;
    marks.start(config);
    CHECK_FALSE(marks.judge.accept({comes(2, at("10.0.0.3"))}).has_value());
}

TEST_CASE("a change that makes another service of one is none that a judge takes") {
    Bench bench;
    bench.start(two_servers());
    const auto takes = [&](config::VirtualServer before, config::VirtualServer after, std::size_t at = 0) {
        return bench.judge.accept({{at, std::move(before), std::move(after)}}).has_value();
    };
    auto elsewhere = two_servers(), heavier = two_servers(), suspending = two_servers();
    elsewhere.endpoint.port = 81;
    heavier.real_servers[0].weight = 7;
    suspending.more.edit().values.push_back({"ha_suspend", true});
    CHECK(takes(two_servers(), heavier));
    CHECK_FALSE(takes(two_servers(), elsewhere));
    CHECK_FALSE(takes(two_servers(), suspending));
    CHECK_FALSE(takes(two_servers(), heavier, 1));
    CHECK_FALSE(takes(heavier, two_servers()));  // it is another one that runs
}
