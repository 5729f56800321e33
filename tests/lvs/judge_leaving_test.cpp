// drain_timeout: what counts as a connection, when a server that leaves is gone, and who never leaves.
#include <doctest/doctest.h>

#include <algorithm>

#include "judge_harness.hpp"

using namespace mainstay;
using namespace mainstay::lvs;
using namespace mainstay::lvs::test;

namespace {

config::VirtualServer draining(config::VirtualServer web, Micros time = Micros{30'000'000}) {
    web.more.edit().values.push_back({"drain_timeout", time});
    return web;
}
config::VirtualServer both() { return draining(service({server("10.0.0.11"), server("10.0.0.12")})); }
config::VirtualServer rest() { return draining(service({server("10.0.0.12")})); }

const Lines kLeaves{"10.0.0.12:80 1", "10.0.0.11:80 0"}, kLeft{"10.0.0.12:80 1"};

// Whether a server with this many connections leaves at once, of a service of this kind.
bool leaves(config::VirtualServer web, std::uint64_t active, std::uint64_t inactive, std::uint16_t port = 80) {
    Bench bench;
    auto next = web;
    next.real_servers.erase(next.real_servers.begin());
    bench.start(std::move(web));
    bench.reload(next);
    bench.tick();
    counted(bench, active, inactive, port);
    return in_table(bench.judge).size() == 1;
}

}  // namespace

TEST_CASE("of TCP and SCTP only active connections count, of other protocols and of marks all of them") {
    using config::Protocol;
    for (const Protocol protocol : {Protocol::Tcp, Protocol::Sctp, Protocol::Udp}) {
        CAPTURE(static_cast<int>(protocol));
        auto web = both();
        web.protocol = protocol;
        CHECK_FALSE(leaves(web, 1, 0));
        CHECK(leaves(web, 0, 1) == (protocol != Protocol::Udp));
        CHECK(leaves(web, 0, 0));
    }
    auto marked = both();
    marked.endpoint = {};
    marked.fwmark = 7;
    CHECK_FALSE(leaves(marked, 0, 1));
    CHECK(leaves(marked, 0, 0));
}

TEST_CASE("in a group a server is counted by its address, elsewhere by its port too") {
    auto routed = both();
    CHECK(leaves(routed, 1, 0, 443));
    auto group = draining(grouped({server("10.0.0.11"), server("10.0.0.12")}, {range("10.0.0.1", "10.0.0.1", 443)}));
    CHECK_FALSE(leaves(group, 1, 0, 443));
}

TEST_CASE("connections of a server are added up over the services of a group") {
    const auto group =
        draining(grouped({server("10.0.0.11"), server("10.0.0.12")}, {range("10.0.0.1", "10.0.0.2", 443)}));
    auto next = group;
    next.real_servers.erase(next.real_servers.begin());
    Bench bench;
    bench.start(group);
    bench.reload(next);
    bench.tick();
    static_cast<void>(bench.judge.step(
        ConnectionsCounted{0,
                           {{at("10.0.0.11", 443), 2, 0}, {at("10.0.0.12", 443), 9, 0}, {at("10.0.0.11", 80), 3, 0}}},
        bench.now()));
    CHECK(bench.judge.states()[0].leaving.at(0).leave.connections == 5);
}

TEST_CASE("when nobody has counted, the end of the time says so, to the moment") {
    Bench bench;
    bench.start(both());
    bench.since_start = 5s;
    bench.reload(rest());
    CHECK(bench.judge.states()[0].leaving.at(0).leave.until_wall == WallTime{35'000'000});
    for (int second = 6; second < 35; ++second) CHECK(bench.tick() == Lines{"count 0"});
    CHECK(bench.due() == doctest::Approx(35));
    CHECK(in_table(bench.judge) == kLeaves);
    CHECK(bench.tick() == Lines{"Drain timeout of service " + kRs + " of VS " + kVs + " expired",
                                "Removing service " + kRs + " from VS " + kVs, "table 0"});
    CHECK(in_table(bench.judge) == kLeft);
    CHECK(bench.due() == -1);
}

TEST_CASE("connections are counted every second, and not before") {
    Bench bench;
    bench.start(both());
    bench.reload(rest());
    CHECK(bench.due() == doctest::Approx(1));
    bench.since_start = 500ms;
    CHECK(text_of_intents(bench.judge.step(DeadlineReached{}, bench.now())).empty());
    CHECK(bench.due() == doctest::Approx(1));
    bench.tick();
    CHECK(bench.due() == doctest::Approx(2));
}

TEST_CASE("several servers leave one by one, each reported by its name") {
    const auto three = draining(service({server("10.0.0.11"), server("10.0.0.12"), server("10.0.0.13")}));
    Bench bench;
    bench.start(three);
    bench.reload(draining(service({server("10.0.0.13")})));
    bench.tick();
    CHECK(counted(bench, 0, 0).size() == 3);
    CHECK(in_table(bench.judge) == Lines{"10.0.0.13:80 1", "10.0.0.12:80 0"});
    CHECK(bench.judge.states()[0].leaving.size() == 1);
    CHECK(bench.tick() == Lines{"count 0"});
}

TEST_CASE("a second reload leaves those alone that are on their way, with the time that they had") {
    Bench bench;
    bench.start(both());
    bench.reload(rest());
    bench.since_start = 10s;
    bench.reload(rest());
    CHECK(in_table(bench.judge) == kLeaves);
    CHECK(bench.judge.states()[0].leaving.at(0).leave.until == bench.zero + 30s);
    CHECK(bench.due() == doctest::Approx(11));
}

TEST_CASE("a server that an operator drains and a reload removes goes on with the time that it had") {
    Bench bench;
    bench.start(both());
    send_to(bench, Verb::Drain);
    bench.since_start = 10s;
    bench.reload(rest());
    CHECK(in_table(bench.judge) == kLeaves);
    CHECK(bench.judge.states()[0].leaving.at(0).leave.until == bench.zero + 30s);
}

TEST_CASE("a server whose time to drain was over before a reload removed it is not there again") {
    Bench bench;
    bench.start(both());
    send_to(bench, Verb::Drain);
    bench.tick();
    counted(bench, 0, 0);
    CHECK(in_table(bench.judge) == kLeft);
    bench.reload(rest());
    CHECK(in_table(bench.judge) == kLeft);
    CHECK(bench.judge.states()[0].leaving.empty());
}

TEST_CASE("an operator's drain and disable end by time as well, and what is over is not counted again") {
    for (const auto verb : {Verb::Drain, Verb::Disable}) {
        Bench bench;
        bench.start(both());
        const Lines said = send_to(bench, verb).intents;
        CHECK(std::ranges::count(said, "Draining service " + kRs + " of VS " + kVs + " for at most 30 s") == 1);
        CHECK(std::ranges::count(said, "Removing service " + kRs + " from VS " + kVs) == 0);
        CHECK(bench.due() == doctest::Approx(1));
        for (int i = 0; i < 30; ++i) bench.tick();
        CHECK(in_table(bench.judge) == kLeft);
        CHECK(bench.due() == -1);
        CHECK(counted(bench, 0, 0).empty());
        CHECK_FALSE(bench.judge.states()[0].servers[0].between->leave->connections.has_value());
    }
}

TEST_CASE("a server that is out of the table does not drain, one that stays in it with weight 0 does") {
    const auto table_after = [](bool inhibited, bool with_sorry) {
        auto web = draining(service({checked("10.0.0.11"), server("10.0.0.12")}));
        web.real_servers[0].inhibit_on_failure = inhibited;
        web.quorum = 2;
        if (with_sorry) web.sorry_server = sorry("10.0.0.99");
        Bench bench;
        bench.start(web);
        bench.run(Outcome::Failed);
        auto next = web;
        next.real_servers.erase(next.real_servers.begin() + (with_sorry ? 1 : 0));
        next.quorum = 1;
        bench.reload(next);
        return bench.judge.states()[0].leaving.size();
    };
    CHECK(table_after(false, false) == 0);
    CHECK(table_after(true, false) == 1);
    CHECK(table_after(false, true) == 0);  // the living one, whose place the sorry server has
}

TEST_CASE("what is disabled without a time to drain, and a time of 0, is gone at once") {
    Bench bench;
    bench.start(draining(service({server("10.0.0.11"), server("10.0.0.12")}), Micros{0}));
    const Lines said = send_to(bench, Verb::Disable).intents;
    CHECK(std::ranges::count(said, "Removing service " + kRs + " from VS " + kVs) == 1);
    CHECK(in_table(bench.judge) == kLeft);
    bench.reload(rest());
    CHECK(in_table(bench.judge) == kLeft);
    CHECK(bench.due() == -1);
}

TEST_CASE("counts of a service from which nobody leaves change nothing") {
    Bench bench;
    bench.start(both());
    CHECK(counted(bench, 0, 0).empty());
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 1", "10.0.0.12:80 1"});
    bench.reload(rest());
    CHECK(text_of_intents(bench.judge.step(ConnectionsCounted{7, {}}, bench.now())).empty());
    CHECK(in_table(bench.judge) == kLeaves);
}

TEST_CASE("a new incarnation drains on what is configured still, and forgets what is configured again") {
    DrainState leave;
    leave.until_wall = {8'000'000};
    ServerMemory held{.endpoint = at("10.0.0.11", 80), .alive = true, .since = {}, .checkers = {}};
    held.leave = leave;
    const Memory memory{{.identity = {tcp_key("10.0.0.1"), ""},
                         .quorum_up = true,
                         .servers = {held},
                         .leaving = {{server("10.0.0.12"), leave}, {server("10.0.0.13"), leave}}}};
    config::Config config;
    config.virtual_servers = {both()};
    Overrides overrides;
    overrides[{kVs, at("10.0.0.11", 80)}] = Override{Hold::Drained, 0, {}, "me"};
    Bench bench;
    bench.since_start = 3s;
    static_cast<void>(bench.judge.start(config, memory, bench.now(), overrides));
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 0", "10.0.0.12:80 1", "10.0.0.13:80 0"});
    CHECK(bench.due() == doctest::Approx(4));
    for (int i = 0; i < 4; ++i) bench.tick();
    CHECK(in_table(bench.judge) == Lines{"10.0.0.11:80 0", "10.0.0.12:80 1", "10.0.0.13:80 0"});
    bench.tick();
    CHECK(bench.since_start == 8s);
    CHECK(in_table(bench.judge) == kLeft);
}
