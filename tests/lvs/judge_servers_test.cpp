// What operators say of single servers at run time: drained, disabled, another weight, withdrawn.
#include <doctest/doctest.h>

#include <algorithm>

#include "judge_harness.hpp"
#include "mainstay/lvs/judge.hpp"
#include "mainstay/lvs/plan.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

namespace {

Said send_as_root(Bench& bench, Verb verb, std::string which, std::int64_t weight = 0, bool dry_run = false) {
    return send_to(bench, verb, std::move(which), weight, dry_run, "uid 0, pid 7");
}

}  // namespace

TEST_CASE(
    "a drained server stays with weight 0, lives on without a notification, and the audit line names who did it") {
    Bench bench;
    bench.start(service({checked("10.0.0.11", 3), server("10.0.0.12")}));

    const auto said = send_as_root(bench, Verb::Drain, "10.0.0.11");

    CHECK(said.intents == Lines{"server drain 10.0.0.11 by uid 0, pid 7: " + kRs + " of VS " + kVs,
                                "Changing weight from 3 to 0 for active service " + kRs + " of VS " + kVs, "table 0",
                                "table 0"});
    CHECK(said.answer.lines ==
          Lines{kRs + " of VS " + kVs + ": drained, UP, weight 0 (was: as configured, UP, weight 3)"});
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 0", "10.0.0.12:80 1"});
    CHECK(bench.judge.states()[0].servers[0].alive);
}

TEST_CASE("an enabled server is what configuration and checks say again") {
    Bench bench;
    bench.start(service({checked("10.0.0.11", 3), server("10.0.0.12")}));
    send_as_root(bench, Verb::Drain, "10.0.0.11");

    CHECK(send_as_root(bench, Verb::Enable, "10.0.0.11").answer.changed == 1);

    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 3", "10.0.0.12:80 1"});
    CHECK(bench.judge.overrides().empty());
    CHECK(send_as_root(bench, Verb::Enable, "10.0.0.11").answer.changed == 0);
}

TEST_CASE("a disabled server is out of the table, reported as down, and not checked") {
    Bench bench;
    bench.start(service({checked("10.0.0.11"), server("10.0.0.12")}));
    bench.tick();  // its check is under way

    CHECK(send_as_root(bench, Verb::Disable, "10.0.0.11").intents ==
          Lines{"server disable 10.0.0.11 by uid 0, pid 7: " + kRs + " of VS " + kVs, "cancel 1",
                "Removing service " + kRs + " from VS " + kVs,
                "RS " + kRs + " " + kVs + " DOWN mail: Disabled by an operator", "table 0"});

    CHECK(in_table(bench.judge) == Lines{"10.0.0.12:80 1"});
    CHECK(bench.due() == -1);
    CHECK(bench.finish(1, Outcome::Passed).empty());
}

TEST_CASE("a server that was disabled comes back when its checks have passed, which are run at once") {
    Bench bench;
    bench.start(service({checked("10.0.0.11"), server("10.0.0.12")}));
    send_as_root(bench, Verb::Disable, "10.0.0.11");
    bench.since_start = 100s;

    send_as_root(bench, Verb::Enable, "10.0.0.11");

    CHECK(in_table(bench.judge) == Lines{"10.0.0.12:80 1"});
    CHECK(bench.due() == doctest::Approx(100));
    CHECK(bench.run(Outcome::Passed) == Lines{"TCP connection to " + kRs + " success.",
                                              "Adding service " + kRs + " to VS " + kVs, "table 0",
                                              "RS " + kRs + " " + kVs + " UP mail: TCP CHECK succeed on service"});
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 1", "10.0.0.12:80 1"});
}

TEST_CASE("a disabled server without checks comes back at once") {
    Bench bench;
    bench.start(service({server("10.0.0.11"), server("10.0.0.12")}));
    send_as_root(bench, Verb::Disable, "10.0.0.11");

    CHECK(send_as_root(bench, Verb::Enable, "10.0.0.11").intents.at(1) == "Adding service " + kRs + " to VS " + kVs);
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 1", "10.0.0.12:80 1"});
}

TEST_CASE("an operator's weight goes before the configured one and a script's") {
    auto one = server("10.0.0.11", 10);
    one.checkers.push_back(misc_check(one.endpoint));
    one.checkers[0].misc_dynamic = true;
    Bench bench;
    bench.start(service({one}));
    send_as_root(bench, Verb::Weight, "10.0.0.11", 7);
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 7"});

    bench.tick();
    CheckFinished fact{1, Outcome::Passed, "exited with status 52", 5ms, 50};
    bench.finish(fact);
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 7"});

    send_as_root(bench, Verb::Enable, "10.0.0.11");
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 50"});
}

TEST_CASE(
    "when all servers are drained quorum is lost: the sorry server serves, and their connections go on beside it") {
    auto web = service({server("10.0.0.11"), server("10.0.0.12")});
    web.sorry_server = sorry("10.0.0.99");
    Bench bench;
    bench.start(web);

    const auto said = send_as_root(bench, Verb::Drain, "*");

    CHECK(said.answer.changed == 2);
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 0", "10.0.0.12:80 0", "10.0.0.99:80 1"});
    send_as_root(bench, Verb::Enable, "*.12");
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 0", "10.0.0.12:80 1"});
}

TEST_CASE("a drained server whose checks fail is removed, and comes back drained") {
    Bench bench;
    bench.start(service({checked("10.0.0.11"), server("10.0.0.12")}));
    send_as_root(bench, Verb::Drain, "10.0.0.11");
    bench.run(Outcome::Failed);
    CHECK(in_table(bench.judge) == Lines{"10.0.0.12:80 1"});

    bench.run(Outcome::Passed);

    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 0", "10.0.0.12:80 1"});
}

TEST_CASE("what an operator said survives a reload, also one without the server in between") {
    const auto both = service({checked("10.0.0.11"), checked("10.0.0.12")});
    Bench bench;
    bench.start(both);
    send_as_root(bench, Verb::Drain, "10.0.0.11");
    send_as_root(bench, Verb::Disable, "10.0.0.12");

    bench.reload(both);
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 0"});
    bench.reload(service({server("10.0.0.13")}));
    CHECK(in_table(bench.judge) == Lines{"10.0.0.13:80 1"});
    bench.reload(both);

    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 0"});
    CHECK(bench.judge.override_of(0, 1) == Override{Hold::Disabled, 0, {0}, "uid 0, pid 7"});
}

TEST_CASE("what is held of a server that is not configured is shown and withdrawn by its name") {
    Bench bench;
    bench.start(service({server("10.0.0.11"), server("10.0.0.12")}));
    send_as_root(bench, Verb::Drain, "10.0.0.11");
    bench.reload(service({server("10.0.0.12")}));

    CHECK(send_as_root(bench, Verb::Show, "10.0.0.11").answer.lines ==
          Lines{"10.0.0.11:80 of VS " + kVs + ": not configured, drained"});
    CHECK(send_as_root(bench, Verb::Enable, "10.0.0.11").intents ==
          Lines{"server enable 10.0.0.11 by uid 0, pid 7: 10.0.0.11:80 of VS " + kVs});
    CHECK(bench.judge.overrides().empty());
}

TEST_CASE("a new incarnation takes up what operators said before it puts anything into the table") {
    config::Config config;
    config.virtual_servers.push_back(service({checked("10.0.0.11"), server("10.0.0.12")}));
    Overrides overrides;
    overrides[{kVs, at("10.0.0.11", 80)}] = Override{Hold::Disabled, 0, {}, "uid 0, pid 7"};
    overrides[{kVs, at("10.0.0.12", 80)}] = Override{Hold::Weight, 9, {}, "uid 0, pid 7"};
    Bench bench;

    static_cast<void>(bench.judge.start(config, {}, bench.now(), overrides));

    CHECK(in_table(bench.judge) == Lines{"10.0.0.12:80 9"});
    CHECK(bench.due() == -1);  // what is disabled is not checked
}

TEST_CASE("a dry run changes nothing and shows what would be logged and written") {
    auto web = service({server("10.0.0.11"), server("10.0.0.12")});
    web.quorum = 2;
    Bench bench;
    bench.start(web);

    const auto said = send_as_root(bench, Verb::Disable, "10.0.0.11", 0, true);

    CHECK(said.intents.empty());
    CHECK(said.answer.lines ==
          Lines{"would be: " + kRs + " of VS " + kVs + ": disabled, DOWN, weight 1 (was: as configured, UP, weight 1)",
                "would lose its quorum: " + kVs + ": weight 1 is left, and its quorum is 2",
                "would log: Removing service " + kRs + " from VS " + kVs,
                "would log: Lost quorum 2-0=2 > 1 for VS " + kVs,
                "would write: delete TCP 10.0.0.1:80 -> 10.0.0.11:80"});
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 1", "10.0.0.12:80 1"});
    CHECK(bench.judge.overrides().empty());
}

TEST_CASE("a command that takes the last server says that the quorum is lost, and a dry run that it would be") {
    auto web = service({server("10.0.0.11")});
    Bench bench;
    bench.start(web);
    const std::string lost =
        "quorum: " + kVs + ": weight 0 is left, and its quorum is 1; no server gets new connections";
    CHECK(send_as_root(bench, Verb::Disable, "10.0.0.11", 0, true).answer.lines ==
          Lines{"would be: " + kRs + " of VS " + kVs + ": disabled, DOWN, weight 1 (was: as configured, UP, weight 1)",
                "would lose its " + lost, "would log: Removing service " + kRs + " from VS " + kVs,
                "would log: Lost quorum 1-0=1 > 0 for VS " + kVs,
                "would write: delete TCP 10.0.0.1:80 -> 10.0.0.11:80"});
    CHECK(send_as_root(bench, Verb::Disable, "10.0.0.11").answer.lines ==
          Lines{kRs + " of VS " + kVs + ": disabled, DOWN, weight 1 (was: as configured, UP, weight 1)",
                "has lost its " + lost});
    CHECK(send_as_root(bench, Verb::Disable, "10.0.0.11").answer.lines.size() == 1);  // nothing more is lost
}

TEST_CASE("where a sorry server takes over, or servers are left, the lost quorum says so") {
    auto web = service({server("10.0.0.11"), server("10.0.0.12", 2)});
    web.sorry_server = sorry("10.0.0.99");
    Bench bench;
    bench.start(web);
    CHECK(send_as_root(bench, Verb::Drain, "*").answer.lines.back() ==
          "has lost its quorum: " + kVs +
              ": weight 0 is left, and its quorum is 1; its sorry server [10.0.0.99]:tcp:80 gets new connections");
    web.sorry_server.reset();
    web.quorum = 3;
    Bench other;
    other.start(web);
    CHECK(send_as_root(other, Verb::Weight, "10.0.0.11", 0).answer.lines.back() ==
          "has lost its quorum: " + kVs + ": weight 2 is left, and its quorum is 3");
}

TEST_CASE("a pattern that no server is like is refused, and what there is is named") {
    Bench bench;
    bench.start(service({server("10.0.0.11")}));

    const auto said = send_as_root(bench, Verb::Drain, "10.9.9.9");

    CHECK(said.intents.empty());
    CHECK(said.answer.problem == "no server matches 10.9.9.9; known servers:\n  " + kVs + "/" + kRs);
}

TEST_CASE("servers are meant by address, address and port, name in the log, and of a service likewise") {
    const auto web = service({server("10.0.0.11")});
    auto marked = web;
    marked.fwmark = 5;
    auto grouped = web;
    grouped.endpoint = {};
    grouped.group = "web";
    const auto means = [](std::string_view pattern, const config::VirtualServer& one) {
        const auto parsed = pattern_of(pattern);
        return matches(parsed, one) && matches(parsed, one, one.real_servers[0]);
    };
    CHECK(means("10.0.0.11", web));
    CHECK(means("10.0.0.11:80", web));
    CHECK(means("10.0.0.1?", web));
    CHECK(means("*:80", web));
    CHECK(means("[10.0.0.11]:tcp:80", web));
    CHECK(means("10.0.0.1:80/*", web));
    CHECK(means("[10.0.0.1]:tcp:80/10.0.0.11", web));
    CHECK(means("fwmark 5/10.0.0.*", marked));
    CHECK(means("FWM 5/*", marked));
    CHECK(means("web/*", grouped));
    CHECK_FALSE(means("10.0.0.1", web));
    CHECK_FALSE(means("10.0.0.11:8080", web));
    CHECK_FALSE(means("10.0.0.2/*", web));
    CHECK_FALSE(means("", web));
}

TEST_CASE("a star matches any characters, once it has to come back too") {
    CHECK(is_like("abcabd", "*abd"));
    CHECK(is_like("", "*"));
    CHECK(is_like("aaa", "a*a"));
    CHECK_FALSE(is_like("aab", "a*a"));
    CHECK_FALSE(is_like("abc", "ab"));
}

TEST_CASE("draining says that persistence goes on sending its clients to the server, once for each service") {
    Bench bench;
    auto sticky = service({checked("10.0.0.11", 3), server("10.0.0.12")});
    sticky.persistence_timeout = Seconds{300};
    bench.start(sticky);
    const auto remarks = [&](Verb verb, std::int64_t weight = 0, bool dry_run = false) {
        const auto said = send_as_root(bench, verb, "*", weight, dry_run).answer.lines;
        return std::ranges::count_if(said, [](const std::string& line) {
            return line.find("VS " + kVs + " has persistence_timeout 300: ") != std::string::npos &&
                   line.find(
                       "drained with --expire-persistence, which sets net.ipv4.vs.expire_quiescent_template=1 (for all "
                       "services of") != std::string::npos;
        });
    };

    CHECK(remarks(Verb::Drain, 0, true) == 1);
    CHECK(remarks(Verb::Drain) == 1);
    CHECK(remarks(Verb::Drain) == 1);  // they are drained already
    CHECK(remarks(Verb::Weight, 0) == 1);
    CHECK(remarks(Verb::Weight, 1) == 0);
    CHECK(remarks(Verb::Disable) == 0);

    Bench other;
    other.start(service({checked("10.0.0.11", 3)}));
    const auto drained = send_as_root(other, Verb::Drain, "*").answer.lines;
    REQUIRE(drained.size() == 2);
    CHECK(drained[1].starts_with("has lost its quorum: "));
}
