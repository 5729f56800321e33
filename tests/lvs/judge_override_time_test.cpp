// Overrides with a time and a reason: they end by themselves, also over a restart, and say why.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>

#include "judge_harness.hpp"
#include "mainstay/lvs/facts.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

namespace {

Lines commanded(Bench& bench, ServerCommand command, ServerAnswer* answer = nullptr) {
    ServerAnswer own;
    command.by = "me";
    return text_of_intents(bench.judge.command(command, bench.now(), answer != nullptr ? *answer : own));
}
std::string problem_of(Bench& bench, ServerCommand command) {
    ServerAnswer answer;
    commanded(bench, std::move(command), &answer);
    return answer.problem;
}
}  // namespace

TEST_CASE("a drain for a time ends by itself, and the log says whose it was") {
    Bench bench;
    bench.start(service({server("10.0.0.11"), server("10.0.0.12")}));
    CHECK(bench.due() == -1);
    const auto begun =
        commanded(bench, {.verb = Verb::Drain, .which = "10.0.0.11", .time = Seconds{90}, .reason = "kernel"});
    CHECK(begun.front() == "server drain 10.0.0.11 --for 90s by me (kernel): " + kRs + " of VS " + kVs);
    CHECK(bench.judge.override_of(0, 0)->until == WallTime{90'000'000});
    CHECK(bench.judge.override_of(0, 0)->reason == "kernel");
    CHECK(bench.judge.states()[0].servers[0].weight == 0);
    CHECK(bench.due() == 90);

    const auto ended = bench.tick();

    CHECK(ended.at(0) ==
          "The override of 10.0.0.11:80 of VS " + kVs + " ends: it was drained by me until now (kernel)");
    CHECK(contains(ended, "Changing weight from 0 to 1 for active service " + kRs + " of VS " + kVs));
    CHECK(contains(ended, "table 0"));
    CHECK_FALSE(bench.judge.override_of(0, 0).has_value());
    CHECK(bench.judge.states()[0].servers[0].weight == 1);
    CHECK(bench.due() == -1);
}

TEST_CASE("a server that is disabled for a time comes back, and its events have the reason") {
    Bench bench;
    bench.start(service({server("10.0.0.11"), server("10.0.0.12")}));
    const auto begun =
        commanded(bench, {.verb = Verb::Disable, .which = "10.0.0.11", .time = Seconds{5}, .reason = "disk"});
    CHECK(contains(begun, "RS " + kRs + " " + kVs + " DOWN mail: Disabled by an operator: disk"));
    CHECK_FALSE(bench.judge.states()[0].servers[0].alive);
    CHECK(contains(bench.tick(), "RS " + kRs + " " + kVs + " UP mail: Enabled by an operator"));
    CHECK(bench.judge.states()[0].servers[0].alive);
}

TEST_CASE("each override ends at its own time, an early wake-up ends none") {
    Bench bench;
    bench.start(service({server("10.0.0.11"), server("10.0.0.12"), server("10.0.0.13")}));
    commanded(bench, {.verb = Verb::Drain, .which = "10.0.0.11", .time = Seconds{20}});
    commanded(bench, {.verb = Verb::Weight, .which = "10.0.0.12", .weight = 7, .time = Seconds{10}});
    commanded(bench, {.verb = Verb::Drain, .which = "10.0.0.13"});
    bench.since_start = 9s;
    CHECK(text_of_intents(bench.judge.step(DeadlineReached{}, bench.now())).empty());
    CHECK(bench.due() == 10);
    bench.tick();
    CHECK_FALSE(bench.judge.override_of(0, 1).has_value());
    CHECK(bench.judge.override_of(0, 0).has_value());
    CHECK(bench.due() == 20);
    bench.tick();
    CHECK_FALSE(bench.judge.override_of(0, 0).has_value());
    CHECK(bench.judge.override_of(0, 2).has_value());
    CHECK(bench.due() == -1);
}

TEST_CASE("a new command replaces the time and the reason of the last one") {
    Bench bench;
    bench.start(service({server("10.0.0.11")}));
    commanded(bench, {.verb = Verb::Drain, .which = "*", .time = Seconds{10}, .reason = "one"});
    bench.since_start = 5s;
    ServerAnswer answer;
    commanded(bench, {.verb = Verb::Drain, .which = "*", .time = Seconds{10}, .reason = "two"}, &answer);
    CHECK(answer.lines == Lines{kRs + " of VS " + kVs +
                                ": drained for 10 s more (two), UP, weight 0 (was: drained for 5 s "
                                "more (one), UP, weight 0)"});
    CHECK(answer.changed == 1);
    bench.since_start = 14s;
    static_cast<void>(bench.judge.step(DeadlineReached{}, bench.now()));
    CHECK(bench.judge.override_of(0, 0).has_value());
    commanded(bench, {.verb = Verb::Drain, .which = "*", .reason = "two"}, &answer);
    CHECK(answer.changed == 1);
    CHECK_FALSE(bench.judge.override_of(0, 0)->until.has_value());
    commanded(bench, {.verb = Verb::Drain, .which = "*", .reason = "two"}, &answer);
    CHECK(answer.changed == 0);
    bench.since_start = 60s;
    static_cast<void>(bench.judge.step(DeadlineReached{}, bench.now()));
    CHECK(bench.judge.override_of(0, 0).has_value());
    commanded(bench, {.verb = Verb::Enable, .which = "*"});
    CHECK(bench.judge.overrides().empty());
}

TEST_CASE("what is left of the time goes on in a new incarnation") {
    config::Config config;
    config.virtual_servers.push_back(service({server("10.0.0.11"), server("10.0.0.12"), server("10.0.0.13")}));
    Bench bench;
    bench.since_start = 100s;
    Overrides overrides;
    overrides[{kVs, at("10.0.0.11", 80)}] = {
        .hold = Hold::Drained, .since = {0}, .by = "me", .until = WallTime{130'000'000}};
    overrides[{kVs, at("10.0.0.12", 80)}] = {
        .hold = Hold::Drained, .since = {0}, .by = "me", .until = WallTime{INT64_MIN}};
    overrides[{kVs, at("10.0.0.13", 80)}] = {
        .hold = Hold::Drained, .since = {0}, .by = "me", .until = WallTime{INT64_MAX}};

    static_cast<void>(bench.judge.start(config, {}, bench.now(), overrides));

    CHECK(bench.due() == 100);
    bench.tick();
    CHECK_FALSE(bench.judge.override_of(0, 1).has_value());
    CHECK(bench.due() == 130);
    bench.tick();
    CHECK_FALSE(bench.judge.override_of(0, 0).has_value());
    CHECK(bench.due() == 100 + 366 * 86'400);  // the calendar was wrong
}

TEST_CASE("the time of a server that is not configured ends, too") {
    Bench bench;
    bench.start(service({server("10.0.0.11"), server("10.0.0.12")}));
    commanded(bench, {.verb = Verb::Disable, .which = "10.0.0.11", .time = Seconds{10}});
    bench.reload(service({server("10.0.0.12")}));
    CHECK(bench.tick() ==
          Lines{"The override of 10.0.0.11:80 of VS " + kVs + " ends: it was disabled by me until now"});
    CHECK(bench.judge.overrides().empty());
}

TEST_CASE("a dry run with a time starts none") {
    Bench bench;
    bench.start(service({server("10.0.0.11")}));
    commanded(bench, {.verb = Verb::Drain, .which = "*", .dry_run = true, .time = Seconds{10}});
    CHECK(bench.due() == -1);
    CHECK(bench.judge.overrides().empty());
}

TEST_CASE("times and reasons have bounds, and belong to overrides") {
    Bench bench;
    bench.start(service({server("10.0.0.11")}));
    CHECK(problem_of(bench, {.verb = Verb::Drain, .which = "*", .time = Seconds{-1}}) ==
          "the time of an override must be 1 s to 366 days");
    CHECK_FALSE(problem_of(bench, {.verb = Verb::Drain, .which = "*", .time = kOverrideTimeMax + Seconds{1}}).empty());
    CHECK(problem_of(bench, {.verb = Verb::Enable, .which = "*", .time = Seconds{1}}) ==
          "a time works with drain, disable and weight only");
    CHECK(problem_of(bench, {.verb = Verb::Show, .which = "*", .reason = "x"}) ==
          "a reason works with drain, disable and weight only");
    for (const std::string& reason :
         {std::string(201, 'x'), std::string{"a\nb"}, std::string{"\x1b[2J"}, std::string{"\x7f"}})
        CHECK(problem_of(bench, {.verb = Verb::Drain, .which = "*", .reason = reason}) ==
              "the reason must be one line of at most 200 bytes");
    CHECK(bench.judge.overrides().empty());
    CHECK(problem_of(bench,
                     {.verb = Verb::Drain, .which = "*", .time = kOverrideTimeMax, .reason = std::string(200, 'x')})
              .empty());
}

TEST_CASE("the servers of an answer are those that its first lines are about") {
    Bench bench;
    bench.start(service({server("10.0.0.11"), server("10.0.0.12")}));
    ServerAnswer answer;
    commanded(bench, {.verb = Verb::Show, .which = "10.0.0.12"}, &answer);
    CHECK(answer.servers == std::vector<std::pair<std::size_t, std::size_t>>{{0, 1}});
}

TEST_CASE("connections that keep a server from being drained are the active ones where the kernel knows them") {
    auto web = service({server("10.0.0.11")});
    const ConnectionsCounted counted{0, {{at("10.0.0.11", 80), 3, 40}, {at("10.0.0.11", 81), 5, 0}}};
    CHECK(connections_to(counted, web, at("10.0.0.11", 80)) == 3);
    CHECK(connections_to(counted, web, at("10.0.0.12", 80)) == 0);
    web.protocol = config::Protocol::Udp;
    CHECK(connections_to(counted, web, at("10.0.0.11", 80)) == 43);
}

TEST_CASE("of the services of one firewall mark each has the end of its own overrides") {
    const auto marked = [](Family family, const char* address) {
        auto made = service({server(address)});
        made.fwmark = 5;
        made.family = family;
        return made;
    };
    config::Config config;
    config.virtual_servers = {marked(Family::V4, "10.0.0.11"), marked(Family::V6, "fd00::11")};
    Bench bench;
    bench.start(config);
    commanded(bench, {.verb = Verb::Drain, .which = "fd00::11", .time = Seconds{5}});
    CHECK(bench.judge.states()[1].servers[0].weight == 0);
    CHECK(contains(bench.tick(), "table 1"));
    CHECK(bench.judge.states()[1].servers[0].weight == 1);
}

TEST_CASE("an override stays with its service of a group when a reload gives that another place") {
    const auto grouped = [](config::Protocol protocol, std::uint32_t position) {
        auto made = service({server("10.0.0.11")});
        made.group = "web";
        made.protocol = protocol;
        made.membership = config::GroupMembership{
            .position = position,
            .entries = {{.first = *IpAddress::parse("10.0.0.1"), .last = *IpAddress::parse("10.0.0.1"), .port = 80}}};
        return made;
    };
    using enum config::Protocol;
    config::Config both, swapped, alone;
    both.virtual_servers = {grouped(Tcp, 0), grouped(Udp, 1)};
    swapped.virtual_servers = {grouped(Udp, 0), grouped(Tcp, 1)};
    alone.virtual_servers = {grouped(Udp, 0)};
    Bench bench;
    bench.start(both);
    const auto weights = [&bench] {
        std::vector<std::int64_t> list;
        for (const auto& state : bench.judge.states()) list.push_back(state.servers[0].weight);
        return list;
    };
    using Weights = std::vector<std::int64_t>;
    commanded(bench, {.verb = Verb::Drain, .which = "[web]:1/10.0.0.11", .time = Seconds{90}});
    REQUIRE(weights() == Weights{1, 0});
    SUBCASE("the other place") {
        (void)bench.judge.reload(swapped, bench.now(), {});
        CHECK(weights() == Weights{0, 1});
        bench.tick();
        CHECK(weights() == Weights{1, 1});  // at its end, too
    }
    SUBCASE("alone") {
        (void)bench.judge.reload(alone, bench.now(), {});
        CHECK(weights() == Weights{0});
    }
    SUBCASE("the service is gone, and another one has its name") {
        (void)bench.judge.reload(swapped, bench.now(), {});
        config::Config tcp;
        tcp.virtual_servers = {grouped(Tcp, 0)};
        (void)bench.judge.reload(tcp, bench.now(), {});
        CHECK(weights() == Weights{1});
        CHECK(bench.judge.overrides().empty());
    }
}
