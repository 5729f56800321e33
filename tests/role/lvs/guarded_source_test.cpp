// A source of real servers: what its log lines, its status and its memory say of answers, failures and holds.
#include "role/lvs/guarded_source.hpp"

#include <doctest/doctest.h>

#include "fakes.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using namespace std::chrono_literals;

namespace {

struct GuardBench {
    FakeRuntime runtime;
    lvs::Moment moment{Instant{1h}, {1'000'000}};
    bool real = false;  // the true clock, for the timer
    int changes = 0;
    GuardedSource source{runtime.loop_,
                         runtime.log_,
                         kFileWords,
                         "/x",
                         [this] { return real ? lvs::Moment{std::chrono::steady_clock::now(), {1'000'000}} : moment; },
                         [this] { ++changes; }};

    // The lines since the last call.
    std::vector<std::string> lines() { return std::exchange(runtime.log_.texts, {}); }
    void pass(Micros time) {
        moment.now += time;
        moment.wall.unix_us += time.count();
    }
};
using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("the first answer counts at once, and one that is the same changes nothing and says nothing") {
    GuardBench bench;
    CHECK(bench.source.status().last_good == std::nullopt);
    CHECK(bench.source.answer(many_servers(3)));
    CHECK(bench.lines() == Lines{"real_server_file /x: 3 servers, 0 before"});
    bench.pass(5s);
    CHECK_FALSE(bench.source.answer(many_servers(3)));
    CHECK(bench.lines().empty());
    CHECK(bench.source.servers() == many_servers(3));
    CHECK(bench.source.status() == report::DiscoveredStatus{.source = "/x",
                                                            .services = {},
                                                            .servers = 3,
                                                            .held = {},
                                                            .held_servers = 0,
                                                            .held_since = {},
                                                            .problem = {},
                                                            .last_good = WallTime{6'000'000},
                                                            .errors = 0,
                                                            .holds = 0});
    CHECK(bench.changes == 0);
}

TEST_CASE(
    "of failures in a row each other one is said, all are counted, and the next answer tells how many there were") {
    GuardBench bench;
    bench.source.fail("no such file");
    CHECK(bench.lines() == Lines{"real_server_file /x: no such file. It has no servers until reading it succeeds"});
    bench.source.fail("no such file");
    CHECK(bench.lines().empty());
    bench.source.fail("not JSON");
    CHECK(bench.lines() == Lines{"real_server_file /x: not JSON. It has no servers until reading it succeeds"});
    CHECK(bench.source.status().problem == "not JSON");
    CHECK(bench.source.status().errors == 3);
    CHECK(bench.source.answer(many_servers(2)));
    CHECK(bench.lines() ==
          Lines{"real_server_file /x: read again after 3 failures", "real_server_file /x: 2 servers, 0 before"});
    CHECK(bench.source.status().problem.empty());
    bench.source.fail("no such file");
    CHECK(bench.lines() == Lines{"real_server_file /x: no such file. The 2 known servers are kept"});
    CHECK_FALSE(bench.source.answer(many_servers(2)));
    CHECK(bench.lines() == Lines{"real_server_file /x: read again after 1 failure"});
    CHECK(bench.source.status().errors == 4);
}

TEST_CASE("an answer that removes too much is held for hold_time, which is said once, and counts after it") {
    GuardBench bench;
    REQUIRE(bench.source.answer(many_servers(4)));
    static_cast<void>(bench.lines());
    bench.pass(5s);
    CHECK_FALSE(bench.source.answer(many_servers(1)));
    CHECK(bench.lines() == Lines{"real_server_file /x: an answer of 1 server is held for 600 s: it removes 3 of 4 "
                                 "servers, more than max_removal (50 %). The 4 known servers are kept"});
    const auto held = bench.source.status();
    CHECK(held.servers == 4);
    CHECK(held.held == "it removes 3 of 4 servers, more than max_removal (50 %)");
    CHECK(held.held_servers == 1);
    CHECK(held.held_since == WallTime{6'000'000});
    CHECK(held.last_good == WallTime{1'000'000});
    CHECK(held.holds == 1);
    bench.pass(599s);
    CHECK_FALSE(bench.source.answer(many_servers(1)));
    CHECK(bench.lines().empty());
    bench.pass(1s);
    CHECK(bench.source.answer(many_servers(1)));
    CHECK(bench.lines() == Lines{"real_server_file /x: 1 server, 4 before"});
    CHECK(bench.source.servers() == many_servers(1));
    CHECK(bench.source.status().held.empty());
    CHECK(bench.source.status().held_servers == 0);
}

TEST_CASE("an empty answer and one below min_servers are held as long as hold_empty says, each with its reason") {
    GuardBench bench;
    bench.source.set_rules({.max_removal = 100, .min_servers = 2});
    REQUIRE(bench.source.answer(many_servers(3)));
    static_cast<void>(bench.lines());
    CHECK_FALSE(bench.source.answer({}));
    CHECK(bench.lines() == Lines{"real_server_file /x: an answer of 0 servers is held for ever: it is empty. "
                                 "The 3 known servers are kept"});
    CHECK(bench.source.status().held == "it is empty");
    bench.source.set_rules({.max_removal = 100, .min_servers = 2, .hold_empty = 30s});
    CHECK_FALSE(bench.source.answer(many_servers(1)));
    CHECK(bench.lines() == Lines{"real_server_file /x: an answer of 1 server is held for 30 s: it has fewer than "
                                 "min_servers (2). The 3 known servers are kept"});
    CHECK(bench.source.status().held == "it has fewer than min_servers (2)");
    CHECK(bench.source.status().holds == 2);
    CHECK_FALSE(bench.source.answer(many_servers(3)));
    CHECK(bench.lines() == Lines{"real_server_file /x: its answers count again"});
}

TEST_CASE("what waits counts by itself after the debounce, and other rules shorten the wait") {
    GuardBench bench;
    bench.real = true;
    REQUIRE(bench.source.answer(many_servers(1)));
    bench.source.set_rules({.debounce = 3600s});
    CHECK_FALSE(bench.source.answer(many_servers(2)));
    CHECK(bench.source.servers().size() == 1);
    bench.source.set_rules({.debounce = 1ms});
    CHECK(bench.runtime.until([&] { return bench.changes != 0; }));
    CHECK(bench.changes == 1);
    CHECK(bench.source.servers() == many_servers(2));
    CHECK(bench.runtime.log_.texts.back() == "real_server_file /x: 2 servers, 1 before");
}

TEST_CASE("what an earlier process kept is in force until the first answer, and is saved with its time") {
    GuardBench bench;
    bench.source.recall({"/x", {}, WallTime{7}});  // no servers: nothing to begin with
    CHECK(bench.source.status().last_good == std::nullopt);
    bench.source.recall({"/x", many_servers(2, 5), WallTime{7}});
    CHECK(bench.source.servers() == many_servers(2, 5));
    const auto saved = bench.source.saved("the file");
    CHECK(saved.source == "the file");
    CHECK(saved.servers == many_servers(2, 5));
    CHECK(saved.last_good == WallTime{7});
}

TEST_CASE("what was kept of a source goes before the servers that a crashed process had, which may be another's") {
    const ipc::DiscoveredSources kept{{{"/y", many_servers(1), WallTime{8}}, {"/x", many_servers(2, 5), WallTime{9}}}};
    CHECK_FALSE(servers_before(kept, "/z", std::nullopt));
    CHECK_FALSE(servers_before(kept, "/z", lvs::KnownServers{}));
    for (const auto& crashed : {std::optional<lvs::KnownServers>{}, {lvs::KnownServers{}}, {many_servers(3, 4)}}) {
        const auto before = servers_before(kept, "/x", crashed);
        REQUIRE(before);
        CHECK(before->source == "/x");
        CHECK(before->servers == many_servers(2, 5));
        CHECK(before->last_good == WallTime{9});
    }
    const auto unknown = servers_before(kept, "/z", many_servers(2, 4));
    REQUIRE(unknown);
    CHECK(unknown->source == "/z");
    CHECK(unknown->servers == many_servers(2, 4));
    CHECK(unknown->last_good == std::nullopt);
}
