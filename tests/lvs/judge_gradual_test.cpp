// slow_start, drain_timeout, min_alive and share_probe.
#include <doctest/doctest.h>

#include <algorithm>

#include "judge_harness.hpp"
#include "lvs/check_words.hpp"
#include "mainstay/lvs/judge.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

namespace {

std::int32_t weight_at(Bench& bench, Nanos when) {
    while (bench.judge.deadline() && *bench.judge.deadline() <= bench.zero + when) {
        bench.since_start = *bench.judge.deadline() - bench.zero;
        for (const auto& intent : bench.judge.step(DeadlineReached{}, bench.now())) {
            if (const auto* started = std::get_if<StartCheck>(&intent)) bench.finish(started->checker, Outcome::Passed);
        }
    }
    bench.since_start = when;
    return bench.judge.desired(0).at(0).destinations.at(0).weight;
}

}  // namespace

TEST_CASE(
    "with slow_start the weight of a server that came back grows to the full one, and quorum counts the full one") {
    auto web = with(service({checked("10.0.0.11", 100)}), "slow_start", Micros{10'000'000});
    Bench bench;
    bench.start(web);
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 100"});  // not at the start
    bench.run(Outcome::Failed);                                 // at 1

    const Lines said = bench.run(Outcome::Passed);  // at 7

    CHECK(said.at(1) == "Adding service " + kRs + " to VS " + kVs);
    CHECK(said.at(2) == "Slow start of service " + kRs + " of VS " + kVs + ": its weight grows to 100 in 10 s");
    CHECK(said.back() == "VS " + kVs + " UP: Gained quorum 1+0=1 <= 100");
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 1"});
    CHECK(weight_at(bench, 8s) == 10);
    CHECK(weight_at(bench, 12s) == 50);
    CHECK(weight_at(bench, 16500ms) == 95);
    CHECK(weight_at(bench, 17s) == 100);
    CHECK_FALSE(bench.judge.states()[0].servers[0].between->grows_since);
}

TEST_CASE("a reload in the middle of a slow start goes on with it, a failure ends it") {
    auto web = with(service({checked("10.0.0.11", 100)}), "slow_start", Micros{10'000'000});
    Bench bench;
    bench.start(web);
    bench.run(Outcome::Failed);
    bench.run(Outcome::Passed);
    CHECK(weight_at(bench, 10s) == 30);

    bench.reload(web);
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 30"});
    CHECK(weight_at(bench, 12s) == 50);
    for (int i = 0; i < 4; ++i) {
        while (!bench.judge.states()[0].servers[0].checkers[0].running) bench.tick();
        bench.finish(1, Outcome::Failed);
    }

    CHECK(in_table(bench.judge).empty());
    CHECK_FALSE(bench.judge.states()[0].servers[0].between->growing_weight);
}

TEST_CASE("a server that a reload removes keeps its connections with weight 0 until they are gone") {
    const auto both = with(service({server("10.0.0.11"), server("10.0.0.12")}), "drain_timeout", Micros{30'000'000});
    Bench bench;
    bench.start(both);
    auto rest = both;
    rest.real_servers.erase(rest.real_servers.begin());

    CHECK(bench.reload(rest) == Lines{"service " + kRs + " no longer exist",
                                      "RS " + kRs + " " + kVs + " DOWN mail: Removing",
                                      "Draining service " + kRs + " of VS " + kVs + " for at most 30 s"});
    CHECK(in_table(bench.judge) == Lines{"10.0.0.12:80 1", "10.0.0.11:80 0"});
    CHECK(bench.tick() == Lines{"count 0"});
    CHECK(counted(bench, 2).empty());
    CHECK(in_table(bench.judge) == Lines{"10.0.0.12:80 1", "10.0.0.11:80 0"});
    bench.tick();
    CHECK(counted(bench, 0, 3) == Lines{"Service " + kRs + " of VS " + kVs + " has no connection left",
                                        "Removing service " + kRs + " from VS " + kVs, "table 0"});
    CHECK(in_table(bench.judge) == Lines{"10.0.0.12:80 1"});
    CHECK(bench.due() == -1);
}

TEST_CASE("when the time to drain is over a server goes with the connections it has") {
    const auto both = with(service({server("10.0.0.11"), server("10.0.0.12")}), "drain_timeout", Micros{2'500'000});
    Bench bench;
    bench.start(both);
    bench.reload(with(service({server("10.0.0.12")}), "drain_timeout", Micros{2'500'000}));
    bench.tick();
    counted(bench, 2);
    bench.tick();
    counted(bench, 1);
    CHECK(bench.due() == doctest::Approx(2.5));

    CHECK(bench.tick() == Lines{"Drain timeout of service " + kRs + " of VS " + kVs + " expired: 1 connections remain",
                                "Removing service " + kRs + " from VS " + kVs, "table 0"});
    CHECK(in_table(bench.judge) == Lines{"10.0.0.12:80 1"});
}

TEST_CASE("a server that is configured again while it drains is back at once") {
    const auto both = with(service({server("10.0.0.11"), server("10.0.0.12")}), "drain_timeout", Micros{30'000'000});
    Bench bench;
    bench.start(both);
    bench.reload(with(service({server("10.0.0.12")}), "drain_timeout", Micros{30'000'000}));

    bench.reload(both);

    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 1", "10.0.0.12:80 1"});
    CHECK(bench.due() == -1);
}

TEST_CASE("a new incarnation goes on draining what the crashed one drained, until the same time") {
    auto one = server("10.0.0.11");
    DrainState leave;
    leave.until_wall = {5'000'000};
    Memory memory{{{tcp_key("10.0.0.1"), ""}, {}, true, false, {{at("10.0.0.12", 80), true, {}, {}}}, {{one, leave}}}};
    config::Config config;
    config.virtual_servers.push_back(with(service({server("10.0.0.12")}), "drain_timeout", Micros{30'000'000}));
    Bench bench;

    bench.start(config, memory);

    CHECK(in_table(bench.judge) == Lines{"10.0.0.12:80 1", "10.0.0.11:80 0"});
    weight_at(bench, 5s);
    CHECK(in_table(bench.judge) == Lines{"10.0.0.12:80 1"});
}

TEST_CASE("an operator's drain and disable take a server out once its connections are gone") {
    const auto web = with(service({server("10.0.0.11"), server("10.0.0.12")}), "drain_timeout", Micros{30'000'000});
    for (const auto verb : {ServerCommand::Verb::Drain, ServerCommand::Verb::Disable}) {
        Bench bench;
        bench.start(web);
        ServerAnswer answer;
        static_cast<void>(bench.judge.command({verb, "10.0.0.11", 0, false, "me"}, bench.now(), answer));
        CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 0", "10.0.0.12:80 1"});
        bench.tick();
        counted(bench, 1);
        CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 0", "10.0.0.12:80 1"});
        bench.tick();
        counted(bench, 0);
        CHECK(in_table(bench.judge) == Lines{"10.0.0.12:80 1"});
        static_cast<void>(
            bench.judge.command({ServerCommand::Verb::Enable, "*.11", 0, false, "me"}, bench.now(), answer));
        CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 1", "10.0.0.12:80 1"});
    }
}

TEST_CASE("with min_alive 1 the last server stays though its check fails, reported once, until another is back") {
    auto web = with(service({checked("10.0.0.11"), checked("10.0.0.12")}), "min_alive", std::int64_t{1});
    Bench bench;
    bench.start(web);
    bench.tick();
    bench.finish(2, Outcome::Failed);
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 1"});

    CHECK(bench.finish(1, Outcome::Failed) ==
          Lines{"TCP_CHECK on service " + kRs + " failed.",
                "Keeping service " + kRs + " in VS " + kVs +
                    " though its checks fail: min_alive is 1 and 0 others are left",
                "RS " + kRs + " " + kVs + " UP quiet mail: TCP CHECK failed on service"});
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 1"});
    CHECK(bench.judge.states()[0].quorum_up);
    bench.tick();
    CHECK(bench.finish(1, Outcome::Failed).empty());

    const Lines said = bench.finish(2, Outcome::Passed);
    CHECK(said.at(1) == "Adding service [10.0.0.12]:tcp:80 to VS " + kVs);
    CHECK(said.back() == "RS " + kRs + " " + kVs + " DOWN mail: Its checks fail, and min_alive no longer requires it");
    CHECK(in_table(bench.judge) == Lines{"10.0.0.12:80 1"});
}

TEST_CASE("a kept server whose check passes again is simply alive") {
    auto web = with(service({checked("10.0.0.11")}), "min_alive", std::int64_t{1});
    Bench bench;
    bench.start(web);
    bench.run(Outcome::Failed);
    CHECK(bench.judge.states()[0].servers[0].kept);

    CHECK(bench.run(Outcome::Passed) ==
          Lines{"TCP connection to " + kRs + " success.",
                "RS " + kRs + " " + kVs + " UP quiet mail: TCP CHECK succeed on service"});
    CHECK_FALSE(bench.judge.states()[0].servers[0].kept);
}

TEST_CASE("min_alive keeps no server that an operator drains: it makes up for nobody") {
    auto web = with(service({checked("10.0.0.11"), checked("10.0.0.12")}), "min_alive", std::int64_t{2});
    Bench bench;
    bench.start(web);
    ServerAnswer answer;
    static_cast<void>(
        bench.judge.command({ServerCommand::Verb::Drain, "10.0.0.11", 0, false, "me"}, bench.now(), answer));
    bench.tick();

    bench.finish(1, Outcome::Failed);
    bench.finish(2, Outcome::Failed);

    CHECK(in_table(bench.judge) == Lines{"10.0.0.12:80 1"});
    CHECK_FALSE(bench.judge.states()[0].servers[0].alive);
    CHECK(bench.judge.states()[0].servers[1].kept);
    CHECK(bench.reload(web).empty());
}

TEST_CASE("equal checks with share_probe run once, and each service goes by the result") {
    config::Config config;
    config.virtual_servers = {with(service({checked("10.0.0.11")}), "share_probe", true),
                              with(service({checked("10.0.0.11")}, "10.0.0.2"), "share_probe", true),
                              service({checked("10.0.0.11")}, "10.0.0.3")};
    config.virtual_servers[2].real_servers[0].checkers[0].warmup = 0s;  // it did not opt in
    Bench bench;
    bench.start(config);

    CHECK(bench.tick().size() == 2);
    CHECK(bench.finish(3, Outcome::Passed).size() == 1);
    const Lines said = bench.finish(1, Outcome::Failed);
    CHECK(std::ranges::count(said, "Removing service " + kRs + " from VS " + kVs) == 1);
    CHECK(std::ranges::count(said, "Removing service " + kRs + " from VS [10.0.0.2]:tcp:80") == 1);
    CHECK(bench.judge.states()[2].servers[0].alive);
    CHECK(bench.due() == doctest::Approx(7));
    CHECK(bench.tick().size() == 2);
}

TEST_CASE("checks that ask something else, or at other times, are not shared") {
    config::Config config;
    config.virtual_servers = {with(service({checked("10.0.0.11")}), "share_probe", true),
                              with(service({checked("10.0.0.11")}, "10.0.0.2"), "share_probe", true),
                              with(service({checked("10.0.0.11")}, "10.0.0.3"), "share_probe", true)};
    config.virtual_servers[1].real_servers[0].checkers[0].delay_loop = 7s;
    config.virtual_servers[2].real_servers[0].checkers[0].bind_if = std::string{"eth1"};
    Bench bench;
    bench.start(config);

    CHECK(bench.tick() == Lines{"start 1", "start 2", "start 3"});
}

TEST_CASE("when the service that ran a shared check goes, the others run it themselves") {
    config::Config config;
    config.virtual_servers = {with(service({checked("10.0.0.11")}), "share_probe", true),
                              with(service({checked("10.0.0.11")}, "10.0.0.2"), "share_probe", true)};
    Bench bench;
    bench.start(config);
    CHECK(bench.tick() == Lines{"start 1"});
    config.virtual_servers.erase(config.virtual_servers.begin());

    static_cast<void>(bench.judge.reload(config, bench.now()));

    CHECK(bench.due() == doctest::Approx(1));
    CHECK(bench.tick() == Lines{"start 2"});
    CHECK(bench.finish(2, Outcome::Failed).at(1) == "Removing service " + kRs + " from VS [10.0.0.2]:tcp:80");
}

TEST_CASE(
    "when thousands of servers fail in one second, the first lines are reported, one stands for the rest, and all are "
    "out") {
    std::vector<config::RealServer> servers;
    for (int i = 0; i < 5000; ++i) servers.push_back(checked(fmt::format("10.1.{}.{}", i / 200, i % 200 + 1)));
    Bench bench;
    bench.start(service(servers));
    std::size_t lines = 0, events = 0;
    for (const auto& intent : bench.judge.step(DeadlineReached{}, {bench.zero + 1s, {}})) {
        const CheckerId id = std::get<StartCheck>(intent).checker;
        if (id % 5 == 0) continue;  // these are slower
        for (const auto& said :
             bench.judge.step(CheckFinished{id, Outcome::Failed, "refused"}, {bench.zero + 1s, {}})) {
            lines += std::holds_alternative<WriteLog>(said) ? 1 : 0;
            events += std::holds_alternative<Announce>(said) ? 1 : 0;
        }
    }
    CHECK(lines == kLinesPerSecondMax);
    CHECK(events == 4000);  // scripts, FIFO and mails have their own bounds

    CHECK(bench.due() == doctest::Approx(2));
    const auto last = text_of_intents(bench.judge.step(DeadlineReached{}, {bench.zero + 2s, {}}));
    CHECK(last == Lines{"7500 log lines of the last second were suppressed: 4000 servers went down and 0 came up; "
                        "mainstayctl status shows their states and the reasons"});
    CHECK(bench.judge.desired(0).at(0).destinations.size() == 1000);
    bench.since_start = 3s;
    CHECK(bench.finish(5, Outcome::Failed).size() == 4);
    CHECK(bench.judge.states()[0].servers[0].checkers[0].last_result == "refused");
}
