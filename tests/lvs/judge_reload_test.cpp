#include <doctest/doctest.h>

#include <algorithm>

#include "judge_harness.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

namespace {

const std::string kRs2 = "[10.0.0.12]:tcp:80";

config::VirtualServer pair() { return service({checked("10.0.0.11"), checked("10.0.0.12")}); }

// Of a check that a reload brings; of one that goes on nothing is told.
std::string begins(const std::string& server) {
    return "Activating healthchecker for service " + server + " for VS " + kVs;
}

}  // namespace

TEST_CASE("reloading an unchanged configuration changes nothing: timers, verdicts, running checks") {
    Bench bench;
    bench.start(pair());
    bench.tick();                      // both run
    bench.finish(1, Outcome::Failed);  // down; 2 still runs
    const auto states = bench.judge.states();
    const auto table = bench.judge.desired();
    bench.since_start += 1s;

    CHECK(bench.reload(pair()).empty());

    CHECK(bench.judge.states() == states);
    CHECK(bench.judge.desired() == table);
    CHECK(bench.due() == doctest::Approx(7));
    CHECK(bench.finish(2, Outcome::Passed) == Lines{"TCP connection to " + kRs2 + " success."});
}

TEST_CASE("a changed weight is reported and takes effect at once, and quorum is judged with it") {
    Bench bench;
    bench.start(pair());
    auto next = pair();
    next.real_servers[0].weight = 5;

    CHECK(bench.reload(next) == Lines{"Changing weight from 1 to 5 for active service " + kRs + " of VS " + kVs});
    CHECK(bench.judge.desired(0).at(0).destinations[0].weight == 5);
    CHECK(bench.changed == 1);
}

TEST_CASE("changed timing keeps a checker's verdict and moves its next run at most to the new delay_loop") {
    Bench bench;
    bench.start(service({checked("10.0.0.11")}));
    bench.run(Outcome::Failed);
    auto next = service({checked("10.0.0.11")});
    next.real_servers[0].checkers[0].delay_loop = 2s;

    CHECK(bench.reload(next).empty());

    CHECK_FALSE(bench.judge.states()[0].servers[0].alive);
    CHECK(bench.due() == doctest::Approx(3));
}

TEST_CASE("a server that is gone is reported as down and removing, its running check is cancelled") {
    Bench bench;
    bench.start(pair());
    bench.tick();

    CHECK(bench.reload(service({checked("10.0.0.11")})) ==
          Lines{"service " + kRs2 + " no longer exist", "Removing service " + kRs2 + " from VS " + kVs,
                "RS " + kRs2 + " " + kVs + " DOWN mail: Removing", "cancel 2"});
    CHECK(bench.finish(2, Outcome::Failed).empty());
}

TEST_CASE("a service that is gone is reported with its living servers and its quorum") {
    Bench bench;
    bench.start(pair());
    bench.tick();
    bench.finish(2, Outcome::Failed);
    bench.finish(1, Outcome::Passed);

    CHECK(text_of_intents(bench.judge.reload({}, bench.now())) ==
          Lines{"Removing Virtual Server " + kVs, "Removing service " + kRs + " from VS " + kVs,
                "RS " + kRs + " " + kVs + " DOWN mail: Removing", "VS " + kVs + " DOWN: Lost quorum 1+0=1 <= 0"});
    CHECK(bench.judge.desired().empty());
    CHECK(bench.due() == -1);
}

TEST_CASE("a new server is in at once, its checker tolerates failures even in its first run") {
    Bench bench;
    bench.start(service({checked("10.0.0.11")}));
    bench.run(Outcome::Passed);

    CHECK(bench.reload(pair()) == Lines{begins(kRs2)});

    CHECK(bench.judge.desired(0).at(0).destinations.size() == 2);
    CHECK(bench.due() == doctest::Approx(2));  // a second after the reload; the old one keeps its 7
    for (int i = 0; i < 3; ++i) {
        bench.tick();
        bench.finish(2, Outcome::Failed);
        CHECK(bench.judge.states()[0].servers[1].alive);
    }
}

TEST_CASE("a new alpha server stays out until it is checked") {
    Bench bench;
    bench.start(service({checked("10.0.0.11")}));
    auto next = pair();
    next.real_servers[1].checkers[0].alpha = true;

    bench.reload(next);

    CHECK(bench.judge.desired(0).at(0).destinations.size() == 1);
}

TEST_CASE("when the failing check is replaced its server comes up, with an alpha check only once that passed") {
    Bench bench;
    bench.start(pair());
    bench.tick();
    bench.finish(1, Outcome::Failed);
    auto next = pair();
    next.real_servers[0].checkers[0].target.port = 81;

    SUBCASE("not alpha") {
        CHECK(bench.reload(next) == Lines{"Adding service " + kRs + " to VS " + kVs, "table 0",
                                          "RS " + kRs + " " + kVs + " UP: CHECK succeed on service", begins(kRs)});
        CHECK(bench.judge.states()[0].servers[0].alive);
    }
    SUBCASE("alpha") {
        next.real_servers[0].checkers[0].alpha = true;
        CHECK(bench.reload(next) == Lines{begins(kRs)});
        CHECK_FALSE(bench.judge.states()[0].servers[0].alive);
    }
}

TEST_CASE("a living server is not taken out by a new alpha check that it has not failed") {
    Bench bench;
    bench.start(service({server("10.0.0.11")}));
    auto next = service({checked("10.0.0.11")});
    next.real_servers[0].checkers[0].alpha = true;

    CHECK(bench.reload(next) == Lines{begins(kRs)});
    CHECK(bench.judge.states()[0].servers[0].alive);
}

TEST_CASE("a sorry server that comes by a reload enters when quorum is down, once") {
    Bench bench;
    bench.start(service({checked("10.0.0.11")}));
    bench.run(Outcome::Failed);
    auto next = service({checked("10.0.0.11")});
    next.sorry_server = sorry("10.0.0.99");

    CHECK(bench.reload(next).at(1) == "Adding sorry server [10.0.0.99]:tcp:80 to VS " + kVs);
    CHECK(bench.judge.desired(0).at(0).destinations.size() == 1);
    CHECK(bench.reload(next).empty());

    CHECK(bench.reload(service({checked("10.0.0.11")})).empty());
    CHECK(bench.judge.desired(0).at(0).destinations.empty());
}

TEST_CASE("removing servers so that quorum is lost runs quorum_down once") {
    auto web = pair();
    web.quorum = 2;
    Bench bench;
    bench.start(web);
    auto next = web;
    next.real_servers[1].weight = 3;
    next.real_servers.erase(next.real_servers.begin());
    next.quorum = 3;
    bench.reload(next);  // weight 3 makes 3
    CHECK(bench.judge.states()[0].quorum_up);
    next.real_servers[0].weight = 0;
    next.real_servers.push_back(server("10.0.0.13", 0));

    const Lines said = bench.reload(next);

    CHECK(std::ranges::count(said, "VS " + kVs + " DOWN: Lost quorum 0+0=0 <= 0") == 1);
    CHECK(bench.reload(next).empty());
}

TEST_CASE("a new incarnation goes on with what an earlier one knew and announces nothing") {
    auto web = pair();
    web.sorry_server = sorry("10.0.0.99");
    ServiceMemory memory{
        .identity = {tcp_key("10.0.0.1"), ""}, .quorum_up = true, .sorry_in_use = false, .servers = {}};
    ServerMemory down{.endpoint = at("10.0.0.12", 80), .alive = false, .since = {42}, .checkers = {}};
    down.checkers.push_back({config::Checker::Type::Tcp, "10.0.0.12:80", {}});
    down.checkers[0].state.up = false;
    down.checkers[0].state.has_run = true;
    memory.servers.push_back(down);
    config::Config config;
    config.virtual_servers.push_back(web);
    Bench bench;
    bench.since_start = 100s;

    CHECK(bench.start(config, {memory}) == Lines{"Activating healthchecker for service " + kRs + " for VS " + kVs,
                                                 "Activating healthchecker for service " + kRs2 + " for VS " + kVs});

    CHECK(bench.judge.desired(0).at(0).destinations.size() == 1);
    CHECK(bench.judge.states()[0].servers[1].since == WallTime{42});
    CHECK(bench.due() == doctest::Approx(101));
    bench.tick();
    CHECK(bench.finish(2, Outcome::Passed).at(1) == "Adding service " + kRs2 + " to VS " + kVs);
}

TEST_CASE("at the end all servers are named, and only omega services report more") {
    auto web = pair();
    for (auto& one : web.real_servers) one.inhibit_on_failure = true;
    Bench bench;
    bench.start(web);
    bench.tick();
    bench.finish(2, Outcome::Failed);

    SUBCASE("plain") {
        CHECK(text_of_intents(bench.judge.stop(false, bench.now())) ==
              Lines{"Shutting down service " + kRs + " from VS " + kVs,
                    "Shutting down (inhibited) service " + kRs2 + " from VS " + kVs});
    }
    SUBCASE("out of the table") {
        Bench other;
        other.start(pair());
        other.tick();
        other.finish(2, Outcome::Failed);
        CHECK(text_of_intents(other.judge.stop(false, other.now())) ==
              Lines{"Shutting down service " + kRs + " from VS " + kVs,
                    "Shutting down service " + kRs2 + " from VS " + kVs});
    }
    SUBCASE("kept in the kernel") { CHECK(bench.judge.stop(true, bench.now()).empty()); }
    SUBCASE("omega") {
        web.omega = true;
        bench.reload(web);
        CHECK(text_of_intents(bench.judge.stop(false, bench.now())) ==
              Lines{"Shutting down service " + kRs + " from VS " + kVs,
                    "RS " + kRs + " " + kVs + " DOWN mail: Shutting down",
                    "Shutting down (inhibited) service " + kRs2 + " from VS " + kVs,
                    "VS " + kVs + " DOWN: Shutting down"});
        for (const auto& intent : bench.judge.stop(false, bench.now()))
            if (const auto* told = std::get_if<Announce>(&intent)) CHECK(told->event.cause == Cause::Stop);
    }
}

TEST_CASE("a server that the sorry server displaced is not in the table: its removal and the stop run nothing for it") {
    auto web = pair();
    web.quorum = 2;
    web.omega = true;
    web.sorry_server = sorry("10.0.0.99");
    Bench bench;
    bench.start(web);
    bench.tick();
    bench.finish(2, Outcome::Failed);
    REQUIRE(bench.judge.states()[0].sorry_in_use);
    REQUIRE(bench.judge.states()[0].servers[0].alive);
    const auto about_server = [](const Lines& lines) {
        return std::ranges::count_if(lines, [](const std::string& line) { return line.starts_with("RS " + kRs); });
    };
    CHECK(about_server(text_of_intents(Judge{bench.judge}.stop(false, bench.now()))) == 0);
    web.real_servers.erase(web.real_servers.begin());
    CHECK(about_server(bench.reload(web)) == 0);
}

TEST_CASE("a sorry server that a reload takes away while it stands in is gone, and the quorum comes back without it") {
    auto web = service({checked("10.0.0.11")});
    web.sorry_server = sorry("10.0.0.99");
    Bench bench;
    bench.start(web);
    bench.run(Outcome::Failed);
    REQUIRE(bench.judge.states()[0].sorry_in_use);

    CHECK(bench.reload(service({checked("10.0.0.11")})).empty());

    CHECK(bench.judge.desired(0).at(0).destinations.empty());
    CHECK_FALSE(bench.judge.states()[0].sorry_in_use);
    const Lines said = bench.run(Outcome::Passed);
    CHECK(said.back() == "VS " + kVs + " UP: Gained quorum 1+0=1 <= 1");
    CHECK(bench.judge.desired(0).at(0).destinations.size() == 1);
}

TEST_CASE("two equal checks of a server each go on with their own verdict") {
    auto twice = service({checked("10.0.0.11"), checked("10.0.0.12")});
    twice.real_servers[0].checkers.push_back(tcp_check(at("10.0.0.11", 80)));
    Bench bench;
    bench.start(twice);
    bench.tick();
    bench.finish(2, Outcome::Failed);
    const auto before = bench.judge.states();
    CHECK(bench.reload(twice).empty());
    CHECK(bench.judge.states() == before);
    CHECK_FALSE(bench.judge.states()[0].servers[0].checkers[1].up);
}

TEST_CASE("of checks that ask the same the one with the same timing is continued first") {
    auto web = service({checked("10.0.0.11")});
    auto& checks = web.real_servers[0].checkers;
    checks.push_back(checks[0]);
    checks[1].delay_loop = 7s;
    Bench bench;
    bench.start(web);
    bench.tick();
    bench.finish(1, Outcome::Passed);
    bench.finish(2, Outcome::Failed);
    auto next = web;
    next.real_servers[0].checkers = {};
    next.real_servers[0].checkers.push_back(checks[1]);
    bench.reload(next);
    CHECK(bench.judge.states()[0].servers[0].checkers[0].id == 2);
    CHECK_FALSE(bench.judge.states()[0].servers[0].alive);
}

TEST_CASE("a server that is down and goes is reported only while it stands in the table with weight 0") {
    for (const bool inhibited : {false, true}) {
        auto web = pair();
        web.real_servers[1].inhibit_on_failure = inhibited;
        Bench bench;
        bench.start(web);
        bench.tick();
        bench.finish(2, Outcome::Failed);
        Lines expected{"service " + kRs2 + " no longer exist"};
        if (inhibited) expected.push_back("Removing (inhibited) service " + kRs2 + " from VS " + kVs);
        CHECK(bench.reload(service({checked("10.0.0.11")})) == expected);
    }
}

TEST_CASE("a service without quorum that goes reports no quorum") {
    Bench bench;
    bench.start(service({checked("10.0.0.11")}));
    bench.run(Outcome::Failed);
    CHECK(text_of_intents(bench.judge.reload({}, bench.now())) == Lines{"Removing Virtual Server " + kVs});
}

TEST_CASE("a new check of a living server tolerates failures in its first run, unless it is alpha") {
    for (const bool alpha : {false, true}) {
        Bench bench;
        bench.start(service({checked("10.0.0.11")}));
        bench.run(Outcome::Passed);
        auto next = service({checked("10.0.0.11")});
        next.real_servers[0].checkers.push_back(tcp_check(at("10.0.0.11", 81)));
        next.real_servers[0].checkers[1].alpha = alpha;
        bench.reload(next);
        bench.run(Outcome::Failed);
        CHECK(bench.judge.states()[0].servers[0].alive == !alpha);
    }
}

TEST_CASE(
    "a new check of a server that is down has no retries, an alpha one has to pass, and alpha is nothing to a file") {
    using Type = config::Checker::Type;
    const auto states = [](Type type, bool alpha) {
        Bench bench;
        bench.start(service({checked("10.0.0.11")}));
        bench.run(Outcome::Failed);
        auto next = service({checked("10.0.0.11")});
        next.real_servers[0].checkers.push_back(tcp_check(at("10.0.0.11", 81)));
        next.real_servers[0].checkers[1].type = type;
        next.real_servers[0].checkers[1].alpha = alpha;
        bench.reload(next);
        const auto& check = bench.judge.states()[0].servers[0].checkers[1];
        CHECK_FALSE(check.first_run_retries);
        return check.up;
    };
    CHECK(states(Type::Tcp, false));
    CHECK_FALSE(states(Type::Tcp, true));
    CHECK(states(Type::File, true));
    CHECK_FALSE(states(Type::Bfd, true));
}

TEST_CASE("a server keeps the time of its last change over a reload, and what was configured meanwhile is reported") {
    Bench bench;
    bench.start(pair());
    bench.tick();
    bench.finish(1, Outcome::Failed);
    bench.since_start = 50s;
    auto next = pair();
    next.real_servers[0].weight = 3;
    CHECK(bench.reload(next) == Lines{"Changing weight from 1 to 3 for inactive service " + kRs + " of VS " + kVs});
    CHECK(bench.judge.states()[0].servers[0].since == WallTime{1'000'000});
    CHECK(bench.judge.states()[0].servers[0].weight == 3);
}

TEST_CASE("servers are named up to 256 of them, also when a reload makes them more or fewer") {
    std::vector<config::RealServer> servers;
    for (int i = 0; i < 255; ++i) servers.push_back(server(fmt::format("10.1.{}.{}", i / 200, i % 200 + 1)));
    const auto with = [&](std::vector<config::RealServer> more) {
        auto all = servers;
        for (auto& one : more) all.push_back(std::move(one));
        return service(std::move(all));
    };
    Bench bench;
    bench.start(with({}));
    CHECK(bench.reload(with({checked("10.0.0.11")})) == Lines{begins(kRs)});
    CHECK(bench.reload(with({checked("10.0.0.11"), checked("10.0.0.12")})) ==
          Lines{"Activating 1 healthcheckers for VS " + kVs});
    bench.reload(with({checked("10.0.0.11")}));
    CHECK(bench.reload(with({checked("10.0.0.12")})).back() == begins(kRs2));
    CHECK(bench.changed == 4);
}

TEST_CASE("when the table is flushed at the end no server is named, in big tables neither") {
    config::Config config;
    config.virtual_servers = {pair()};
    config.global.lvs_flush_on_stop = config::Global::FlushOnStop::All;
    Bench bench;
    bench.start(config);
    CHECK(bench.judge.stop(false, bench.now()).empty());
    for (int i = 0; i < 255; ++i)
        config.virtual_servers[0].real_servers.push_back(server(fmt::format("10.1.{}.{}", i / 200, i % 200 + 1)));
    Bench big;
    big.start(config);
    CHECK(big.judge.stop(false, big.now()).empty());
    config.global.lvs_flush_on_stop = config::Global::FlushOnStop::No;
    Bench kept;
    kept.start(config);
    CHECK(kept.judge.stop(true, kept.now()).empty());
    CHECK(text_of_intents(kept.judge.stop(false, kept.now())) == Lines{"Shutting down 257 services from VS " + kVs});
}
