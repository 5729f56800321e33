#include "mainstay/lvs/judge.hpp"

#include <doctest/doctest.h>

#include "judge_harness.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

TEST_CASE(
    "at the start all servers are in, quorum is reported, and checks wait a second plus their share of the warmup") {
    Bench bench;
    bench.drawn = 2s;

    const Lines said = bench.start(service({checked("10.0.0.11"), server("10.0.0.12", 2)}));

    CHECK(said == Lines{"Gained quorum 1+0=1 <= 3 for VS " + kVs,
                        "VS " + kVs + " UP: Starting with quorum up 1+0=1 <= 3",
                        "Activating healthchecker for service " + kRs + " for VS " + kVs});
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 1", "10.0.0.12:80 2"});
    CHECK(bench.due() == doctest::Approx(3));
}

TEST_CASE("a deadline that is reached early starts nothing") {
    Bench bench;
    bench.start(service({checked("10.0.0.11")}));
    bench.since_start = 999ms;

    CHECK(bench.judge.step(DeadlineReached{}, bench.now()).empty());
    CHECK(bench.due() == doctest::Approx(1));
}

TEST_CASE("a check runs delay_loop after the previous one was due, however long that took and however late it was") {
    Bench bench;
    bench.start(service({checked("10.0.0.11")}));

    CHECK(bench.tick() == Lines{"start 1"});
    CHECK(bench.due() == -1);  // none while it runs
    CHECK(bench.finish(1, Outcome::Passed, 2500ms) == Lines{"TCP connection to " + kRs + " success."});
    CHECK(bench.due() == doctest::Approx(7));

    bench.since_start = 7300ms;
    CHECK(text_of_intents(bench.judge.step(DeadlineReached{}, bench.now())) == Lines{"start 1"});
    CHECK(bench.finish(1, Outcome::Passed).empty());
    CHECK(bench.due() == doctest::Approx(13));
}

TEST_CASE("a check that takes longer than delay_loop is followed by the next at once") {
    Bench bench;
    bench.start(service({checked("10.0.0.11")}));
    bench.tick();

    bench.finish(1, Outcome::Passed, 8s);

    CHECK(bench.due() == doctest::Approx(9));
}

TEST_CASE("after a pause missed runs are skipped and the phase is kept") {
    Bench bench;
    bench.start(service({checked("10.0.0.11")}));
    bench.run(Outcome::Passed);  // next at 7
    bench.since_start = 30s;     // 7, 13, 19, 25 are over

    CHECK(text_of_intents(bench.judge.step(DeadlineReached{}, bench.now())) == Lines{"start 1"});
    bench.finish(1, Outcome::Passed);

    CHECK(bench.due() == doctest::Approx(31));
}

TEST_CASE("one failure in the very first run takes a server out, without retries") {
    Bench bench;
    bench.start(service({checked("10.0.0.11"), server("10.0.0.12")}));

    const Lines said = bench.run(Outcome::Failed);

    CHECK(said == Lines{"TCP_CHECK on service " + kRs + " failed.", "Removing service " + kRs + " from VS " + kVs,
                        "table 0", "RS " + kRs + " " + kVs + " DOWN mail: TCP CHECK failed on service"});
    CHECK(in_table(bench.judge) == Lines{"10.0.0.12:80 1"});
    CHECK(bench.due() == doctest::Approx(7));  // down: every delay_loop
}

TEST_CASE("a server that was up tolerates its retries, each delay_before_retry after the failure") {
    Bench bench;
    bench.start(service({checked("10.0.0.11"), server("10.0.0.12")}));
    bench.run(Outcome::Passed);

    CHECK(bench.run(Outcome::Failed, 1s).empty());  // started at 7, failed at 8
    CHECK(bench.due() == doctest::Approx(11));
    CHECK(bench.run(Outcome::Failed).empty());
    CHECK(bench.run(Outcome::TimedOut).empty());
    CHECK(bench.due() == doctest::Approx(17));
    CHECK(bench.run(Outcome::Failed) == Lines{"TCP_CHECK on service " + kRs + " failed after 3 retries.",
                                              "Removing service " + kRs + " from VS " + kVs, "table 0",
                                              "RS " + kRs + " " + kVs + " DOWN mail: TCP CHECK failed on service"});
    CHECK(bench.due() == doctest::Approx(23));
}

TEST_CASE("a success between failures clears the retries") {
    Bench bench;
    bench.start(service({checked("10.0.0.11")}));
    bench.run(Outcome::Passed);
    for (int i = 0; i < 3; ++i) bench.run(Outcome::Failed);

    CHECK(bench.run(Outcome::Passed).empty());

    for (int i = 0; i < 3; ++i) CHECK(bench.run(Outcome::Failed).empty());
    CHECK(bench.judge.states()[0].servers[0].alive);
    CHECK_FALSE(bench.run(Outcome::Failed).empty());
}

TEST_CASE("retry 0 takes a server out at its first failure") {
    auto web = service({checked("10.0.0.11"), server("10.0.0.12")});
    web.real_servers[0].checkers[0].retry = 0;
    Bench bench;
    bench.start(web);
    bench.run(Outcome::Passed);

    CHECK(bench.run(Outcome::Failed).at(0) == "TCP_CHECK on service " + kRs + " failed.");
}

TEST_CASE("every failing try of a server that is up is reported with log_all_failures") {
    // effect: global_defs: checker_log_all_failures
    auto web = service({checked("10.0.0.11"), server("10.0.0.12")});
    web.real_servers[0].checkers[0].log_all_failures = true;
    web.real_servers[0].checkers[0].retry = 1;
    Bench bench;
    bench.start(web);
    bench.run(Outcome::Passed);

    CHECK(bench.run(Outcome::TimedOut) == Lines{"TCP connection to " + kRs + " timeout."});
    const Lines last = bench.run(Outcome::Failed);
    CHECK(last.at(0) == "TCP connection to " + kRs + " failed.");
    CHECK(last.at(1) == "TCP_CHECK on service " + kRs + " failed after 1 retries.");
    CHECK(bench.run(Outcome::Failed).empty());  // it is down now
}

TEST_CASE("one success brings a server back") {
    Bench bench;
    bench.start(service({checked("10.0.0.11"), server("10.0.0.12")}));
    bench.run(Outcome::Failed);

    CHECK(bench.run(Outcome::Passed) == Lines{"TCP connection to " + kRs + " success.",
                                              "Adding service " + kRs + " to VS " + kVs, "table 0",
                                              "RS " + kRs + " " + kVs + " UP mail: TCP CHECK succeed on service"});
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 1", "10.0.0.12:80 1"});
}

TEST_CASE("an event of a server says plainly what its check saw") {
    Bench bench;
    bench.start(service({checked("10.0.0.11"), server("10.0.0.12")}));
    const auto event_in = [](const Intents& intents) {
        Event found;
        for (const Intent& intent : intents)
            if (const auto* one = std::get_if<Announce>(&intent))
                if (one->event.kind == Event::Kind::RealServer) found = one->event;
        return found;
    };
    const auto finished = [&](Outcome outcome) {
        const auto checker = std::stoull(bench.tick().at(0).substr(6));
        return event_in(bench.judge.step(CheckFinished{checker, outcome, "because", 5ms}, bench.now()));
    };
    CHECK(finished(Outcome::Failed).reason == "because");
    CHECK(plain_detail(finished(Outcome::Passed)) == "TCP_CHECK passes: because");
}

TEST_CASE("a local problem says nothing about the server: reported once, tried again after delay_loop") {
    Bench bench;
    bench.start(service({checked("10.0.0.11")}));

    CHECK(bench.run(Outcome::NotRun) ==
          Lines{"TCP_CHECK on service " + kRs + " could not be run: because. Rescheduling."});
    CHECK(bench.due() == doctest::Approx(7));
    CHECK(bench.run(Outcome::NotRun).empty());
    CHECK(bench.judge.states()[0].servers[0].alive);
    CHECK_FALSE(bench.judge.states()[0].servers[0].checkers[0].has_run);
}

TEST_CASE("all checkers must be up; each change of one is mailed, with the server's state") {
    auto one = checked("10.0.0.11");
    one.checkers.push_back(tcp_check(at("10.0.0.11", 443)));
    one.checkers[1].warmup = 3s;
    Bench bench;
    bench.drawn = 5s;  // first at 1 + 5, second at 1 + 3
    bench.start(service({one, server("10.0.0.12")}));

    CHECK(bench.run(Outcome::Failed).back() == "RS " + kRs + " " + kVs + " DOWN mail: TCP CHECK failed on service");
    CHECK(bench.run(Outcome::Failed) ==
          Lines{"TCP_CHECK on service " + kRs + " failed.",
                "RS " + kRs + " " + kVs + " DOWN quiet mail: TCP CHECK failed on service"});
    CHECK(bench.run(Outcome::Passed) ==
          Lines{"TCP connection to " + kRs + " success.",
                "RS " + kRs + " " + kVs + " DOWN quiet mail: TCP CHECK succeed on service"});
    CHECK(bench.run(Outcome::Passed).back() == "RS " + kRs + " " + kVs + " UP mail: TCP CHECK succeed on service");
}

TEST_CASE("without smtp_alert nothing is mailed, scripts still run") {
    auto web = service({checked("10.0.0.11"), server("10.0.0.12")});
    web.real_servers[0].smtp_alert = false;
    Bench bench;
    bench.start(web);

    CHECK(bench.run(Outcome::Failed).back() == "RS " + kRs + " " + kVs + " DOWN: TCP CHECK failed on service");
}

TEST_CASE("with inhibit_on_failure a server is disabled and enabled, not removed and added") {
    auto web = service({checked("10.0.0.11"), server("10.0.0.12")});
    web.real_servers[0].inhibit_on_failure = true;
    Bench bench;
    bench.start(web);

    CHECK(bench.run(Outcome::Failed).at(1) == "Disabling service " + kRs + " of VS " + kVs);
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 0", "10.0.0.12:80 1"});
    CHECK(bench.run(Outcome::Passed).at(1) == "Enabling service " + kRs + " of VS " + kVs);
}

TEST_CASE("when the last server fails quorum is lost and the sorry server takes its place") {
    auto web = service({checked("10.0.0.11")});
    web.sorry_server = sorry("10.0.0.99");
    web.smtp_alert = true;
    Bench bench;
    bench.start(web);

    CHECK(bench.run(Outcome::Failed) ==
          Lines{"TCP_CHECK on service " + kRs + " failed.", "Removing service " + kRs + " from VS " + kVs, "table 0",
                "RS " + kRs + " " + kVs + " DOWN mail: TCP CHECK failed on service",
                "Lost quorum 1-0=1 > 0 for VS " + kVs, "Adding sorry server [10.0.0.99]:tcp:80 to VS " + kVs,
                "Removing alive servers from the pool for VS " + kVs, "table 0",
                "VS " + kVs + " DOWN mail: Lost quorum 1+0=1 <= 0"});
    CHECK(in_table(bench.judge) == Lines{"10.0.0.99:80 1"});

    CHECK(bench.run(Outcome::Passed) ==
          Lines{"TCP connection to " + kRs + " success.", "Adding service " + kRs + " to VS " + kVs, "table 0",
                "RS " + kRs + " " + kVs + " UP mail: TCP CHECK succeed on service",
                "Gained quorum 1+0=1 <= 1 for VS " + kVs, "Removing sorry server [10.0.0.99]:tcp:80 from VS " + kVs,
                "Adding alive servers to the pool for VS " + kVs, "table 0",
                "VS " + kVs + " UP mail: Gained quorum 1+0=1 <= 1"});
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 1"});
}

TEST_CASE("a lost quorum without a sorry server leaves the living servers in") {
    auto web = service({checked("10.0.0.11"), server("10.0.0.12")});
    web.quorum = 2;
    Bench bench;
    bench.start(web);

    const Lines said = bench.run(Outcome::Failed);

    CHECK(said.at(4) == "Lost quorum 2-0=2 > 1 for VS " + kVs);
    CHECK(said.at(5) == "VS " + kVs + " DOWN: Lost quorum 2+0=2 <= 1");
    CHECK(in_table(bench.judge) == Lines{"10.0.0.12:80 1"});
}

TEST_CASE("a living server stays out while the sorry server is in, until quorum is gained with hysteresis") {
    auto web = service({checked("10.0.0.11"), checked("10.0.0.12"), checked("10.0.0.13")});
    web.quorum = 2;
    web.hysteresis = 1;
    web.sorry_server = sorry("10.0.0.99");
    Bench bench;
    bench.start(web);
    bench.tick();
    for (CheckerId id = 1; id <= 2; ++id) bench.finish(id, Outcome::Failed);
    CHECK(bench.judge.states()[0].quorum_up);  // 1 is not below 2 - 1
    bench.finish(3, Outcome::Failed);
    CHECK(in_table(bench.judge) == Lines{"10.0.0.99:80 1"});

    bench.tick();
    bench.finish(1, Outcome::Passed);
    bench.finish(2, Outcome::Passed);
    CHECK(in_table(bench.judge) == Lines{"10.0.0.99:80 1"});  // 2 < 2 + 1
    bench.finish(3, Outcome::Passed);
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 1", "10.0.0.12:80 1", "10.0.0.13:80 1"});
}

TEST_CASE("an alpha server is out until its checks have passed, its first failure is reported without a mail") {
    auto web = service({checked("10.0.0.11")});
    web.real_servers[0].checkers[0].alpha = true;
    web.sorry_server = sorry("10.0.0.99");
    web.smtp_alert = true;
    Bench bench;

    CHECK(bench.start(web) == Lines{"Starting with quorum down 1-0=1 > 0 for VS " + kVs,
                                    "Adding sorry server [10.0.0.99]:tcp:80 to VS " + kVs,
                                    "Removing alive servers from the pool for VS " + kVs,
                                    "VS " + kVs + " DOWN mail: Starting with quorum down 1+0=1 <= 0",
                                    "Activating healthchecker for service " + kRs + " for VS " + kVs});
    CHECK(in_table(bench.judge) == Lines{"10.0.0.99:80 1"});
    CHECK(bench.run(Outcome::Failed) == Lines{"TCP_CHECK on service " + kRs + " failed.",
                                              "RS " + kRs + " " + kVs + " DOWN: TCP CHECK failed on service"});
    CHECK(bench.run(Outcome::Failed).empty());
    CHECK(bench.run(Outcome::Passed).at(1) == "Adding service " + kRs + " to VS " + kVs);
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 1"});
}

TEST_CASE("an alpha service without a sorry server starts down without a word") {
    auto web = service({checked("10.0.0.11")});
    web.real_servers[0].checkers[0].alpha = true;
    Bench bench;

    CHECK(bench.start(web) == Lines{"Activating healthchecker for service " + kRs + " for VS " + kVs});
    CHECK(in_table(bench.judge).empty());
}

TEST_CASE("a server of weight 0 lives and adds nothing to the quorum") {
    Bench bench;

    CHECK(bench.start(service({server("10.0.0.11", 0)})).empty());
    CHECK_FALSE(bench.judge.states()[0].quorum_up);
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 0"});
}

TEST_CASE("what an earlier service has already is left out and named") {
    config::Config config;
    config.virtual_servers = {service({server("10.0.0.11")}), service({server("10.0.0.12")}),
                              grouped({server("10.0.0.13")}, {range("10.0.0.1", "10.0.0.2")})};
    Bench bench;

    const Lines said = bench.start(config);

    CHECK(said.at(0) == "Virtual server " + kVs + " is defined twice: the second definition is ignored");
    CHECK(said.at(1) ==
          "Virtual server [web]:0: 1 of its 2 addresses and marks belong to earlier virtual servers and are left out");
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 1"});
    REQUIRE(bench.judge.desired(1).size() == 1);
    CHECK(bench.judge.desired(1)[0].service.key == tcp_key("10.0.0.2"));
}

TEST_CASE("on big tables one line stands for a service's servers at the start and at the end") {
    std::vector<config::RealServer> servers;
    for (int i = 0; i < 257; ++i) servers.push_back(checked(fmt::format("10.1.{}.{}", i / 200, i % 200 + 1)));
    Bench bench;

    const Lines said = bench.start(service(servers));

    CHECK(said.size() == 3);
    CHECK(said.back() == "Activating 257 healthcheckers for VS " + kVs);
    CHECK(text_of_intents(bench.judge.stop(false, bench.now())) == Lines{"Shutting down 257 services from VS " + kVs});
}

TEST_CASE("the end of more services than that is one line") {
    config::Config config;
    for (int i = 0; i < 257; ++i) {
        auto one = service({checked("10.1.0.1"), checked("10.1.0.2")});
        one.endpoint.port = static_cast<std::uint16_t>(1000 + i);
        config.virtual_servers.push_back(std::move(one));
    }
    Bench bench;
    (void)bench.judge.start(std::move(config), {}, bench.now());

    CHECK(text_of_intents(bench.judge.stop(false, bench.now())) ==
          Lines{"Shutting down 514 services from 257 virtual servers"});
}

TEST_CASE("results of unknown or idle checkers change nothing") {
    Bench bench;
    bench.start(service({checked("10.0.0.11")}));

    CHECK(bench.finish(99, Outcome::Failed).empty());
    CHECK(bench.finish(1, Outcome::Failed).empty());  // it is not running
    CHECK(bench.judge.states()[0].servers[0].alive);
}

TEST_CASE("the table is as desired before the reports are made, and reporting changes nothing") {
    const config::SorryServer away = sorry("10.0.0.99");
    for (int number = 0; number < 12; ++number) {  // quorum and the sorry server are never both remembered
        CAPTURE(number);
        const bool has_sorry = (number & 1) != 0, failed = (number & 2) != 0;
        auto web = service({checked("10.0.0.11"), checked("10.0.0.12")});
        if (has_sorry) web.sorry_server = away;
        for (auto& server : web.real_servers) server.checkers[0].alpha = failed;  // down until it has passed
        config::Config config;
        config.virtual_servers = {web};
        const Memory memory{{.identity = {tcp_key("10.0.0.1"), ""},
                             .keys = {},
                             .quorum_up = (number & 4) != 0,
                             .sorry_in_use = (number & 8) != 0,
                             .servers = {},
                             .leaving = {}}};
        Bench at_once, in_parts;
        const Lines said = at_once.start(config, memory);

        Lines told;
        Table wanted;
        in_parts.judge.start(config, memory, in_parts.now(), {},
                             {.settled = [&] { wanted = in_parts.judge.desired(); },
                              .report =
                                  [&told](const Intents& some) {
                                      for (auto& line : text_of_intents(some)) told.push_back(std::move(line));
                                  }});

        CHECK(told == said);
        CHECK(wanted == at_once.judge.desired());
        CHECK(wanted == in_parts.judge.desired());
        CHECK(at_once.judge.states() == in_parts.judge.states());
        REQUIRE(wanted.size() == 1);
        CHECK(wanted[0].destinations.size() == (failed ? (has_sorry ? 1U : 0U) : 2U));
    }
}

TEST_CASE("the initial reports come one service after the other") {
    config::Config config;
    config.virtual_servers = {service({checked("10.0.0.11")}), service({checked("10.0.0.12")}, "10.0.0.2")};
    config.global.more.edit().values = {{"rs_init_notifies", true}};
    Bench bench;
    std::vector<Lines> told;
    bench.judge.start(config, {}, bench.now(), {},
                      {.settled = [&told] { CHECK(told.empty()); },
                       .report = [&told](const Intents& some) { told.push_back(text_of_intents(some)); }});
    const std::string other = "[10.0.0.12]:tcp:80 [10.0.0.2]:tcp:80";
    CHECK(told ==
          std::vector<Lines>{
              {"RS " + kRs + " " + kVs + " UP: Starting"},
              {"RS " + other + " UP: Starting"},
              {"Gained quorum 1+0=1 <= 1 for VS " + kVs, "VS " + kVs + " UP: Starting with quorum up 1+0=1 <= 1"},
              {"Gained quorum 1+0=1 <= 1 for VS [10.0.0.2]:tcp:80",
               "VS [10.0.0.2]:tcp:80 UP: Starting with quorum up 1+0=1 <= 1"},
              {"Activating healthchecker for service " + kRs + " for VS " + kVs},
              {"Activating healthchecker for service [10.0.0.12]:tcp:80 for VS [10.0.0.2]:tcp:80"}});
}

TEST_CASE("a service that starts without quorum is reported by its own name and weight") {
    config::Config config;
    config.virtual_servers = {service({checked("10.0.0.11")}),
                              service({checked("10.0.0.12"), server("10.0.0.13", 3)}, "10.0.0.2")};
    config.virtual_servers[1].quorum = 4;
    config.virtual_servers[1].sorry_server = sorry("10.0.0.99");
    config.virtual_servers[1].real_servers[0].checkers[0].alpha = true;
    Bench bench;
    const Lines said = bench.start(config);
    CHECK(said.at(2) == "Starting with quorum down 4-0=4 > 3 for VS [10.0.0.2]:tcp:80");
    CHECK(bench.judge.states()[0].quorum_up);
    CHECK(bench.judge.states()[1].sorry_in_use);
}

TEST_CASE("a new incarnation runs the check that the crashed one was running, and keeps what min_alive kept") {
    ServerMemory failing{.endpoint = at("10.0.0.11", 80), .alive = true, .since = {}, .checkers = {}};
    failing.kept = true;
    failing.checkers.push_back({config::Checker::Type::Tcp, "10.0.0.11:80", {}});
    failing.checkers[0].state.up = false;
    failing.checkers[0].state.running = true;
    Memory memory{{.identity = {tcp_key("10.0.0.1"), ""}, .quorum_up = true, .servers = {failing}, .leaving = {}}};
    config::Config config;
    config.virtual_servers = {service({checked("10.0.0.11")})};
    config.virtual_servers[0].more.edit().values.push_back({"min_alive", std::int64_t{1}});
    Bench bench;
    bench.start(config, memory);
    CHECK(bench.judge.states()[0].servers[0].kept);
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 1"});
    CHECK(bench.tick() == Lines{"start 1"});

    Overrides overrides;
    overrides[{kVs, at("10.0.0.11", 80)}] = Override{Hold::Disabled, 0, {}, "me"};
    Bench held;
    static_cast<void>(held.judge.start(config, memory, held.now(), overrides));
    CHECK_FALSE(held.judge.states()[0].servers[0].kept);
    memory[0].servers[0].checkers[0].state.up = true;
    Bench passing;
    passing.start(config, memory);
    CHECK_FALSE(passing.judge.states()[0].servers[0].kept);
    CHECK(passing.judge.states()[0].servers[0].alive);
}
