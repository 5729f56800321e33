// slow_start: the steps of a growing weight, and what ends its growth.
#include <doctest/doctest.h>

#include <algorithm>

#include "judge_harness.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

namespace {

config::VirtualServer growing(std::uint32_t weight, Micros time = Micros{10'000'000}) {
    auto web = service({checked("10.0.0.11", weight), server("10.0.0.12")});
    web.real_servers[0].checkers[0].delay_loop = 100s;
    if (time.count() != 0) web.more.edit().values.push_back({"slow_start", time});
    return web;
}

std::int32_t weight_of(const Bench& bench) { return bench.judge.desired(0).at(0).destinations.at(0).weight; }
bool grows(const Bench& bench) { return bench.judge.states()[0].servers[0].between->grows_since.has_value(); }

// Down at 1 s and back at 101 s.
void come_back(Bench& bench, const config::VirtualServer& web) {
    bench.start(web);
    bench.run(Outcome::Failed);
    bench.run(Outcome::Passed);
}

// So many milliseconds after the return.
void go_to(Bench& bench, int ms) {
    const Nanos when = 101s + std::chrono::milliseconds{ms};
    while (bench.judge.deadline() && *bench.judge.deadline() <= bench.zero + when) bench.tick();
    bench.since_start = when;
}

}  // namespace

TEST_CASE("a weight grows in even steps, each reported as a change of the table, the last one when the time is over") {
    Bench bench;
    come_back(bench, growing(45));
    CHECK(weight_of(bench) == 1);
    std::vector<std::pair<std::int64_t, std::int32_t>> steps;  // microseconds after the return, and the weight then
    while (grows(bench)) {
        CHECK(bench.tick() == Lines{"table 0"});
        steps.emplace_back(std::chrono::duration_cast<Micros>(bench.since_start - 101s).count(), weight_of(bench));
    }
    REQUIRE(steps.size() == 23);
    CHECK(steps[0] == std::pair{std::int64_t{444'445}, 2});
    CHECK(steps[1] == std::pair{std::int64_t{888'889}, 4});
    CHECK(steps[21] == std::pair{std::int64_t{9'777'778}, 44});
    CHECK(steps[22] == std::pair{std::int64_t{10'000'000}, 45});
    CHECK(bench.due() == doctest::Approx(201));
}

TEST_CASE("a small weight grows one by one") {
    Bench bench;
    come_back(bench, growing(4));
    CHECK(bench.due() == doctest::Approx(106));  // 1 is there from the begin
    go_to(bench, 4'999);
    CHECK(weight_of(bench) == 1);
    go_to(bench, 5'000);
    CHECK(weight_of(bench) == 2);
    go_to(bench, 7'500);
    CHECK(weight_of(bench) == 3);
    go_to(bench, 10'000);
    CHECK(weight_of(bench) == 4);
    CHECK_FALSE(grows(bench));
}

TEST_CASE("a reload without slow_start gives the full weight at once, one with weight 1 too") {
    for (const auto& next : {growing(100, Micros{0}), growing(1)}) {
        Bench bench;
        come_back(bench, growing(100));
        go_to(bench, 3'000);
        CHECK(weight_of(bench) == 30);
        bench.reload(next);
        CHECK_FALSE(grows(bench));
        CHECK(bench.due() == doctest::Approx(201));
        CHECK(weight_of(bench) == static_cast<std::int32_t>(next.real_servers[0].weight));
    }
}

TEST_CASE("a weight of 2 that a reload brings grows on, and a shorter time is over at once") {
    Bench bench;
    come_back(bench, growing(100));
    go_to(bench, 6'000);
    bench.reload(growing(2));
    CHECK(grows(bench));
    CHECK(weight_of(bench) == 1);
    bench.reload(growing(100, Micros{6'000'001}));
    CHECK(weight_of(bench) == 99);
    bench.reload(growing(100, Micros{6'000'000}));
    CHECK(weight_of(bench) == 100);
    CHECK_FALSE(grows(bench));
}

TEST_CASE("a script that asks for another weight in the middle of a slow start has its part at once") {
    auto web = growing(100);
    web.real_servers[0].checkers[0] = misc_check(lvs::test::at("10.0.0.11", 80));
    web.real_servers[0].checkers[0].misc_dynamic = true;
    web.real_servers[0].checkers[0].delay_loop = 5s;
    Bench bench;
    bench.start(web);
    bench.run(Outcome::Failed);
    bench.run(Outcome::Passed);  // at 6
    while (bench.since_start < 11s) bench.tick();
    CHECK(weight_of(bench) == 50);
    const Lines said = bench.finish({1, Outcome::Passed, "exited with status 202", 5ms, 200});
    CHECK(std::ranges::count(said, "table 0") == 1);
    CHECK(weight_of(bench) == 100);
}

TEST_CASE("an operator's weight ends a slow start, and a server that has one comes back with it") {
    Bench bench;
    come_back(bench, growing(100));
    ServerAnswer answer;
    static_cast<void>(
        bench.judge.command({ServerCommand::Verb::Weight, "10.0.0.11", 60, false, "me"}, bench.now(), answer));
    CHECK(weight_of(bench) == 60);
    CHECK_FALSE(grows(bench));
    while (bench.judge.states()[0].servers[0].alive) {
        while (!bench.judge.states()[0].servers[0].checkers[0].running) bench.tick();
        bench.finish(1, Outcome::Failed);
    }
    CHECK_FALSE(about_slow_start(bench.run(Outcome::Passed)));
    CHECK(weight_of(bench) == 60);
}

TEST_CASE("a new incarnation goes on with a slow start where the crashed one was") {
    ServerMemory server{.endpoint = lvs::test::at("10.0.0.11", 80), .alive = true, .since = {}, .checkers = {}};
    server.grows_since = WallTime{-3'000'000};
    Memory memory{{.identity = {tcp_key("10.0.0.1"), ""}, .quorum_up = true, .servers = {server}, .leaving = {}}};
    config::Config config;
    config.virtual_servers = {growing(100)};
    Bench bench;
    bench.start(config, memory);
    CHECK(weight_of(bench) == 30);
    CHECK(bench.due() == doctest::Approx(0.5));  // the next step is 35

    memory[0].servers[0].alive = false;
    memory[0].servers[0].checkers.push_back({config::Checker::Type::Tcp, "10.0.0.11:80", {}});
    memory[0].servers[0].checkers[0].state.up = false;
    Bench other;
    other.start(config, memory);
    CHECK_FALSE(grows(other));
}

TEST_CASE("a server that min_alive kept is kept no more once another is back, over a reload too") {
    auto web = service({checked("10.0.0.11"), checked("10.0.0.12")});
    web.more.edit().values.push_back({"min_alive", std::int64_t{1}});
    Bench bench;
    bench.start(web);
    bench.tick();
    bench.finish(2, Outcome::Failed);
    bench.finish(1, Outcome::Failed);
    CHECK(bench.judge.states()[0].servers[0].kept);
    bench.tick();
    bench.finish(2, Outcome::Passed);
    CHECK_FALSE(bench.judge.states()[0].servers[0].kept);
    bench.reload(web);
    CHECK_FALSE(bench.judge.states()[0].servers[0].alive);
}
