// MISC_CHECK in the judge: its words, its retries, the weight it asks for.
#include <doctest/doctest.h>

#include "judge_harness.hpp"
#include "mainstay/config/validate/resolved.hpp"
#include "mainstay/lvs/judge.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

namespace {

const std::string kHead = "Misc check for [" + kRs + " VS " + kVs + "] by [/etc/check]";

config::RealServer scripted(bool dynamic = false, std::uint32_t weight = 10) {
    auto one = server("10.0.0.11", weight);
    one.checkers.push_back(misc_check(one.endpoint));
    one.checkers[0].misc_dynamic = dynamic;
    return one;
}

CheckFinished exits(Outcome outcome, int status) {
    CheckFinished fact{1, outcome, fmt::format("exited with status {}", status), 5ms, {}};
    if (outcome == Outcome::Passed && status >= 2) fact.weight = status - 2;
    return fact;
}

}  // namespace

TEST_CASE("a script that fails takes its server out, one that passes brings it back, in keepalived's words") {
    Bench bench;
    bench.start(service({scripted(), server("10.0.0.12")}));

    bench.tick();
    CHECK(bench.finish(exits(Outcome::Failed, 1)) ==
          Lines{kHead + " failed with retry disabled (exited with status 1).",
                "Removing service " + kRs + " from VS " + kVs, "table 0",
                "RS " + kRs + " " + kVs + " DOWN mail: MISC CHECK failed on service"});
    bench.tick();
    CHECK(bench.finish(exits(Outcome::Passed, 0)) ==
          Lines{kHead + " succeeded.", "Adding service " + kRs + " to VS " + kVs, "table 0",
                "RS " + kRs + " " + kVs + " UP mail: MISC CHECK succeeded on service"});
    bench.tick();
    CHECK(bench.finish(exits(Outcome::TimedOut, 0)) ==
          Lines{kHead + " timed out with retry disabled.", "Removing service " + kRs + " from VS " + kVs, "table 0",
                "RS " + kRs + " " + kVs + " DOWN mail: MISC CHECK timed out on service"});
}

TEST_CASE("a script's retry starts delay_before_retry after the start of the run that failed") {
    auto one = scripted();
    one.checkers[0].retry = 2;
    one.checkers[0].log_all_failures = true;
    Bench bench;
    bench.start(service({one}));
    bench.tick();
    bench.finish(exits(Outcome::Passed, 0));  // next at 7

    bench.tick();
    bench.since_start += 1s;
    CHECK(bench.finish(exits(Outcome::Failed, 1)) ==
          Lines{kHead + " failed, will do 2 retries (exited with status 1)."});
    CHECK(bench.due() == doctest::Approx(10));
    bench.tick();
    bench.since_start += 5s;  // longer than the pause: at once
    CHECK(bench.finish(exits(Outcome::Failed, 1)) == Lines{kHead + " failed on retry 1/2 (exited with status 1)."});
    CHECK(bench.due() == doctest::Approx(15));
    bench.tick();
    const Lines down = bench.finish(exits(Outcome::Failed, 1));
    CHECK(down.at(0) == kHead + " failed after 2 retries (exited with status 1).");
}

TEST_CASE("a script that a signal ended, and one retry, are told as keepalived tells them") {
    auto one = scripted();
    one.checkers[0].retry = 1;
    one.checkers[0].log_all_failures = true;
    Bench bench;
    bench.start(service({one}));
    bench.tick();
    bench.finish(exits(Outcome::Passed, 0));
    auto killed = exits(Outcome::Failed, 0);
    killed.reason = "ended by signal 9", killed.words = "due to signal 9";
    bench.tick();
    CHECK(bench.finish(killed) == Lines{kHead + " failed, will do 1 retry (due to signal 9)."});
    bench.tick();
    CHECK(bench.finish(killed).at(0) == kHead + " failed after 1 retry (due to signal 9).");
}

TEST_CASE("a script that could not be run is named as in every other line of its") {
    Bench bench;
    bench.start(service({scripted()}));
    bench.tick();
    CHECK(bench.finish({1, Outcome::NotRun, "too many scripts are running", 5ms, {}}) ==
          Lines{kHead + " could not be run: too many scripts are running. Rescheduling."});
}

TEST_CASE("a dynamic check sets the weight of its server, and its failure takes the weight back") {
    Bench bench;
    bench.start(service({scripted(true), server("10.0.0.12")}));

    bench.tick();
    CHECK(bench.finish(exits(Outcome::Passed, 5)) ==
          Lines{kHead + " succeeded.", "Changing weight from 10 to 3 for active service " + kRs + " of VS " + kVs,
                "table 0"});
    CHECK(weight_in_table(bench.judge) == 3);
    bench.tick();
    CHECK(bench.finish(exits(Outcome::Passed, 5)).empty());
    bench.tick();
    CHECK(bench.finish(exits(Outcome::Failed, 1)).at(3) ==
          "Changing weight from 3 to 10 for inactive service " + kRs + " of VS " + kVs);
    bench.tick();
    bench.finish(exits(Outcome::Passed, 0));
    CHECK(weight_in_table(bench.judge) == 10);
}

TEST_CASE("weight 0 by a dynamic check leaves its server up but counts nothing for the quorum") {
    Bench bench;
    bench.start(service({scripted(true)}));

    bench.tick();
    const Lines said = bench.finish(exits(Outcome::Passed, 2));

    CHECK(said.back() == "VS " + kVs + " DOWN: Lost quorum 1+0=1 <= 0");
    CHECK(bench.judge.states()[0].servers[0].alive);
    CHECK(weight_in_table(bench.judge) == 0);
}

TEST_CASE("a reload keeps the weight that a dynamic check asked for, until it is dynamic no more") {
    Bench bench;
    bench.start(service({scripted(true)}));
    bench.tick();
    bench.finish(exits(Outcome::Passed, 5));

    CHECK(bench.reload(service({scripted(true, 20)})).empty());
    CHECK(weight_in_table(bench.judge) == 3);
    CHECK(bench.reload(service({scripted(false, 20)})) ==
          Lines{"Changing weight from 3 to 20 for active service " + kRs + " of VS " + kVs});
    CHECK(weight_in_table(bench.judge) == 20);
}

TEST_CASE("after a crash each of several scripts of one server keeps its own verdict and weight") {
    auto one = scripted(true);
    one.checkers.push_back(one.checkers[0]);
    const std::string target = one.checkers[0].target.to_string();
    ServerMemory memory{.endpoint = one.endpoint, .alive = false, .since = {}, .checkers = {}};
    CheckerState first, second;
    first.dynamic_weight = std::optional<std::int64_t>{4};
    second.up = false;
    memory.checkers = {{config::Checker::Type::Misc, target, first}, {config::Checker::Type::Misc, target, second}};
    config::Config config;
    config.virtual_servers.push_back(service({one, server("10.0.0.12")}));
    Bench bench;

    bench.start(
        config,
        {{.identity = {tcp_key("10.0.0.1"), ""}, .quorum_up = true, .sorry_in_use = false, .servers = {memory}}});

    const auto& state = bench.judge.states()[0].servers[0];
    CHECK(state.checkers[0].up);
    CHECK_FALSE(state.checkers[1].up);
    CHECK_FALSE(state.alive);
    CHECK(state.weight == 4);
}

TEST_CASE("an alpha check whose script cannot be run is never run, and its server stays out until a reload") {
    auto one = scripted();
    one.checkers[0].alpha = true;
    config::mark_unusable(one.checkers[0]);
    Bench bench;
    bench.start(service({one, server("10.0.0.12")}));

    CHECK(bench.judge.desired(0).at(0).destinations.size() == 1);
    CHECK_FALSE(bench.judge.deadline().has_value());
    CHECK(bench.judge.states()[0].servers[0].checkers[0].last_result == "the script cannot be run");

    auto now_there = scripted();
    now_there.checkers[0].alpha = true;
    bench.reload(service({now_there, server("10.0.0.12")}));
    CHECK(bench.judge.deadline().has_value());
    bench.run(Outcome::Passed);
    CHECK(bench.judge.desired(0).at(0).destinations.size() == 2);
}
