// Two features at once: an operator's override and a slow start, min_alive and a reload, shared checks and suspension.
#include <doctest/doctest.h>

#include <algorithm>

#include "judge_harness.hpp"
#include "lvs/check_words.hpp"
#include "mainstay/lvs/certificates.hpp"
#include "mainstay/lvs/judge.hpp"
#include "mainstay/lvs/plan.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

TEST_CASE("a drained server that comes back has no slow start: its weight is zero") {
    Bench bench;
    bench.start(with(service({checked("10.0.0.11", 100)}), "slow_start", Micros{10'000'000}));
    bench.run(Outcome::Failed);
    send_to(bench, Verb::Drain, "10.0.0.11");

    const Lines reported = bench.run(Outcome::Passed);

    CHECK(contains(reported, "Adding service " + kRs + " to VS " + kVs));
    CHECK_FALSE(about_slow_start(reported));
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 0"});
}

TEST_CASE("a weight of 1 cannot grow, a weight of 2 can") {
    for (const std::uint32_t weight : {1U, 2U}) {
        Bench bench;
        bench.start(with(service({checked("10.0.0.11", weight)}), "slow_start", Micros{10'000'000}));
        bench.run(Outcome::Failed);
        CHECK(about_slow_start(bench.run(Outcome::Passed)) == (weight == 2));
    }
}

TEST_CASE("a reload keeps as many failing servers as min_alive needs, and lets the others go") {
    const auto web = service({checked("10.0.0.11"), checked("10.0.0.12"), checked("10.0.0.13")});
    Bench bench;
    bench.start(with(web, "min_alive", std::int64_t{3}));
    bench.tick();
    bench.finish(1, Outcome::Failed);
    bench.finish(2, Outcome::Failed);
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 1", "10.0.0.12:80 1", "10.0.0.13:80 1"});

    bench.reload(with(web, "min_alive", std::int64_t{3}));
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 1", "10.0.0.12:80 1", "10.0.0.13:80 1"});
    bench.reload(with(web, "min_alive", std::int64_t{2}));
    CHECK(in_table(bench.judge) == Lines{"10.0.0.12:80 1", "10.0.0.13:80 1"});
    bench.reload(web);
    CHECK(in_table(bench.judge) == Lines{"10.0.0.13:80 1"});
}

TEST_CASE("a reload that raises min_alive brings servers back that are out, as a fresh start keeps them") {
    const auto web = service({checked("10.0.0.11"), checked("10.0.0.12"), checked("10.0.0.13")});
    Bench bench;
    bench.start(web);
    bench.tick();
    for (const CheckerId check : {CheckerId{1}, CheckerId{2}, CheckerId{3}}) bench.finish(check, Outcome::Failed);
    CHECK(in_table(bench.judge).empty());

    const Lines reported = bench.reload(with(web, "min_alive", std::int64_t{1}));

    CHECK(reported.at(0) == "Keeping service [10.0.0.13]:tcp:80 in VS " + kVs +
                                " though its checks fail: min_alive is 1 and 0 others are left");
    CHECK(contains(reported, "RS [10.0.0.13]:tcp:80 " + kVs + " UP mail: Its checks fail, but min_alive requires it"));
    CHECK(bench.judge.states()[0].quorum_up);
    CHECK(in_table(bench.judge) == Lines{"10.0.0.13:80 1"});
    bench.reload(with(web, "min_alive", std::int64_t{5}));
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 1", "10.0.0.12:80 1", "10.0.0.13:80 1"});
    bench.reload(web);
    CHECK(in_table(bench.judge).empty());
}

TEST_CASE("a server that a raised min_alive brought back is let go when another one returns") {
    const auto web = service({checked("10.0.0.11"), checked("10.0.0.12")});
    Bench bench;
    bench.start(web);
    bench.tick();
    for (const CheckerId check : {CheckerId{1}, CheckerId{2}}) bench.finish(check, Outcome::Failed);
    bench.reload(with(web, "min_alive", std::int64_t{1}));
    CHECK(in_table(bench.judge) == Lines{"10.0.0.12:80 1"});

    bench.tick();
    bench.finish(1, Outcome::Passed);

    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 1"});
}

TEST_CASE("a server that a reload removes is made up for by one whose checks fail, when min_alive needs it") {
    Bench bench;
    bench.start(with(service({checked("10.0.0.11"), checked("10.0.0.12")}), "min_alive", std::int64_t{1}));
    bench.tick();
    bench.finish(1, Outcome::Failed);
    CHECK(in_table(bench.judge) == Lines{"10.0.0.12:80 1"});

    bench.reload(with(service({checked("10.0.0.11")}), "min_alive", std::int64_t{1}));

    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 1"});
}

TEST_CASE("a reload that raises min_alive brings back none that was never seen up, nor one that an operator holds") {
    auto cautious = checked("10.0.0.11");
    cautious.checkers[0].alpha = true;
    const auto web = service({cautious, checked("10.0.0.12"), checked("10.0.0.13"), checked("10.0.0.14")});
    Bench bench;
    bench.start(web);
    bench.tick();
    for (const CheckerId check : {CheckerId{1}, CheckerId{2}, CheckerId{3}, CheckerId{4}})
        bench.finish(check, Outcome::Failed);
    send_to(bench, Verb::Drain, "10.0.0.12");
    send_to(bench, Verb::Disable, "10.0.0.13");

    bench.reload(with(web, "min_alive", std::int64_t{4}));

    CHECK(in_table(bench.judge) == Lines{"10.0.0.14:80 1"});
}

TEST_CASE(
    "what is held of servers that are not configured is withdrawn for those that are meant, and kept for others") {
    Bench bench;
    bench.start(service({server("10.0.0.11"), server("10.0.0.12"), server("10.0.0.13")}));
    send_to(bench, Verb::Drain, "10.0.0.11");
    send_to(bench, Verb::Drain, "10.0.0.12");
    bench.reload(service({server("10.0.0.13")}));

    send_to(bench, Verb::Enable, "10.0.0.12");

    REQUIRE(bench.judge.overrides().size() == 1);
    bench.reload(service({server("10.0.0.11"), server("10.0.0.12"), server("10.0.0.13")}));
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 0", "10.0.0.12:80 1", "10.0.0.13:80 1"});
}

TEST_CASE("a disabled server is not checked when the address of its service comes") {
    Bench bench;
    bench.host.addresses.emplace();
    bench.start(with(service({checked("10.0.0.11"), server("10.0.0.12")}), "ha_suspend", true));
    send_to(bench, Verb::Disable, "10.0.0.11");

    addresses(bench, {ip("10.0.0.1")});

    CHECK(bench.due() == -1);
    send_to(bench, Verb::Enable, "10.0.0.11");
    CHECK(bench.due() == doctest::Approx(0));
}

TEST_CASE("when the service that runs a shared check is suspended, the others run it at once") {
    config::Config config;
    config.virtual_servers = {with(with(service({checked("10.0.0.11")}), "share_probe", true), "ha_suspend", true),
                              with(service({checked("10.0.0.11")}, "10.0.0.2"), "share_probe", true)};
    Bench bench;
    bench.host.addresses = {ip("10.0.0.1")};
    bench.start(config);
    CHECK(bench.tick() == Lines{"start 1"});

    const Lines reported = addresses(bench, {});

    CHECK(contains(reported, "cancel 1"));
    CHECK(bench.due() == doctest::Approx(1));
    CHECK(bench.tick() == Lines{"start 2"});
}

TEST_CASE("a URL that fails while the server is down makes the pass begin anew once more") {
    auto web = checked("10.0.0.11");
    web.checkers[0].type = config::Checker::Type::Http;
    for (int i = 0; i < 2; ++i) web.checkers[0].urls.edit().push_back({"/" + std::to_string(i), {}, {{}}, {}});
    Bench bench;
    bench.start(service({web, server("10.0.0.12")}));
    const auto url = [&] { return bench.judge.states()[0].servers[0].checkers[0].url; };
    const auto up = [&] { return bench.judge.states()[0].servers[0].checkers[0].up; };

    bench.run(Outcome::Failed);
    bench.run(Outcome::Passed);
    CHECK(url() == 0);
    bench.run(Outcome::Failed);
    bench.run(Outcome::Passed);
    CHECK(url() == 0);
    bench.run(Outcome::Passed);
    CHECK(url() == 1);
    CHECK_FALSE(up());
    bench.run(Outcome::Passed);
    CHECK(up());
}

TEST_CASE("within a second 500 lines are reported, and the rest in one line at its end") {
    LineBudget budget;
    const LogLine line{LogLevel::Info, "x"};
    const auto at = [](Nanos since) { return Instant{} + since; };
    CHECK(budget.look(at(0s)).empty());
    budget.changed(true, at(1s));
    budget.changed(false, at(1s));
    budget.changed(false, at(1s));
    for (int i = 0; i < 500; ++i) CHECK(budget.allows(line, at(1s)));
    CHECK_FALSE(budget.deadline().has_value());
    CHECK_FALSE(budget.allows(line, at(1500ms)));
    CHECK(budget.allows({LogLevel::Warning, "x"}, at(1500ms)));
    CHECK_FALSE(budget.allows(line, at(1999ms)));
    CHECK(budget.deadline() == at(2s));
    CHECK(budget.look(at(1999999999ns)).empty());
    const auto reported = budget.look(at(2s));
    REQUIRE(reported.size() == 1);
    CHECK(reported[0].level == LogLevel::Warning);
    CHECK(reported[0].text ==
          "2 log lines of the last second were suppressed: 2 servers went down and 1 came up; mainstayctl status shows "
          "their states and the reasons");
    CHECK(budget.left_out() == 2);
    CHECK_FALSE(budget.deadline().has_value());

    for (int i = 0; i < 500; ++i) CHECK(budget.allows(line, at(10s)));
    CHECK(budget.look(at(10500ms)).empty());
    CHECK_FALSE(budget.allows(line, at(10500ms)));
    CHECK(budget.deadline() == at(11s));
    CHECK(budget.look(at(11s)).at(0).text.starts_with(
        "1 log lines of the last second were suppressed: 0 servers went down and 0"));
    CHECK(budget.left_out() == 3);
    CHECK(budget.allows(line, at(20s)));
    CHECK(budget.look(at(21s)).empty());
}

TEST_CASE("ten thousand certificates are remembered, with one more reporting begins anew") {
    CertificateWatch watch;
    const auto web = service({server("10.0.0.11")});
    const auto reported = [&](int number) {
        const std::string fingerprint = std::to_string(number);
        return !watch.look(web, web.real_servers[0], true, {fingerprint, "shop", {0}}, 14, {0}).intents.empty();
    };
    for (int i = 0; i < 10'000; ++i) CHECK(reported(i));
    CHECK_FALSE(reported(0));
    CHECK(reported(10'000));
    CHECK(reported(0));
    CHECK_FALSE(reported(10'000));
}

TEST_CASE("a certificate is reported from exactly as many days before its end as are asked for") {
    constexpr std::int64_t kDay = 86'400'000'000;
    CertificateWatch watch;
    const auto web = service({server("10.0.0.11")});
    const auto remark = [&](std::int64_t left) {
        return watch.look(web, web.real_servers[0], true, {"f", "shop", {left}}, 14, {0}).remark;
    };
    CHECK(remark(14 * kDay) == "its certificate ends on 1970-01-15, in 14 days");
    CHECK(remark(14 * kDay + 1).empty());
    CHECK(remark(kDay) == "its certificate ends on 1970-01-02, in 1 day");
    CHECK(remark(kDay - 1) == "its certificate ends on 1970-01-01, within a day");
    CHECK(remark(0) == "its certificate ended on 1970-01-01");
}

TEST_CASE("the kernel refuses a weight below zero and a lower threshold above the upper one") {
    const auto taken = [](std::int32_t weight, std::uint32_t upper, std::uint32_t lower) {
        ServiceTable table{tcp_service("10.0.0.1"), {}};
        auto one = to("10.0.0.11", weight);
        one.upper_threshold = upper;
        one.lower_threshold = lower;
        const netlink::IpvsOperation add{netlink::IpvsOperation::Kind::AddDestination, table.service, one};
        const bool good = perform(table, add);
        CHECK(good == (table.destinations.size() == 1));
        ServiceTable other{tcp_service("10.0.0.1"), {to("10.0.0.11")}};
        const netlink::IpvsOperation set{netlink::IpvsOperation::Kind::SetDestination, other.service, one};
        CHECK(perform(other, set) == good);
        return good;
    };
    CHECK(taken(0, 0, 0));
    CHECK_FALSE(taken(-1, 0, 0));
    CHECK(taken(1, 5, 4));
    CHECK(taken(1, 5, 5));
    CHECK_FALSE(taken(1, 5, 6));
    CHECK(taken(1, 0, 6));
}

TEST_CASE("a second of lines begins with the first change in it, reported or not") {
    LineBudget budget;
    const auto at = [](Nanos since) { return Instant{} + since; };
    budget.changed(true, at(0s));
    for (int i = 0; i < 501; ++i) (void)budget.allows({LogLevel::Info, "x"}, at(600ms));
    CHECK(budget.deadline() == at(1s));
}

TEST_CASE("a check every microsecond keeps its phase to the microsecond") {
    auto one = checked("10.0.0.11");
    one.checkers[0].delay_loop = 1us;
    Bench bench;
    bench.start(service({one}));
    bench.since_start = 1s + 3us;
    CHECK(text_of_intents(bench.judge.step(DeadlineReached{}, bench.now())) == Lines{"start 1"});
    CHECK(bench.judge.states()[0].servers[0].checkers[0].due == bench.zero + 1s + 3us);
}
