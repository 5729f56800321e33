// What users of keepalived reported of the IPVS table over reloads and failing checks: docs/field-cases.md has the
// reports' numbers.
#include <doctest/doctest.h>

#include <algorithm>
#include <utility>

#include "bench.hpp"

using namespace mainstay;
using namespace mainstay::role::test;
using namespace mainstay::lvs::test;
using namespace std::chrono_literals;
using How = ipc::ScriptResult::How;
using Shown = std::vector<std::string>;

namespace {

// A server that a script checks every moment.
config::RealServer scripted(std::string_view address = "10.0.0.11", std::uint32_t weight = 10) {
    auto one = server(address, weight);
    one.checkers.push_back(misc_check(one.endpoint));
    one.checkers[0].delay_loop = 20ms;
    one.checkers[0].warmup = Seconds{0};
    return one;
}

// Waits for the next script, answers it, and waits until the answer has been judged.
void answer(Bench& bench, How how, int status) {
    auto& scripts = bench.runtime.scripts;
    REQUIRE(bench.runtime.until([&] { return !scripts.empty(); }));
    std::exchange(scripts, {}).at(0).done({1, how, status});
    REQUIRE(bench.runtime.until([&] { return !scripts.empty(); }));
}

// What a service's servers are: "10.0.0.11:80 w10", in the order of their addresses; "none" without the service.
std::vector<std::string> servers(const Bench& bench, std::string_view address, std::uint16_t port = 80) {
    for (const auto& entry : bench.kernel.table) {
        if (entry.service.key != tcp_key(address, port)) continue;
        std::vector<std::string> shown;
        for (const auto& one : entry.destinations)
            shown.push_back(one.endpoint.to_string() + " w" + std::to_string(one.weight));
        std::ranges::sort(shown);
        return shown;
    }
    return {"none"};
}

// Direct routing: the servers have no port of their own, they take the service's.
config::RealServer routed(config::RealServer server) {
    server.endpoint.port = 0;
    server.forwarding = config::Forwarding::DirectRoute;
    return server;
}

}  // namespace

TEST_CASE("a reload puts back what others changed, without waiting for the next audit") {
    Bench bench;
    bench.options.audit_every = Seconds{3600};
    const auto other = service({server("10.0.0.13")}, "10.0.0.2");
    bench.start(with({pair(), other}));
    const auto wanted = bench.kernel.table;

    bench.kernel.table.clear();
    bench.reload(with({pair(), other}));
    CHECK(bench.runtime.until([&] { return bench.kernel.table == wanted; }));

    bench.kernel.table[0].destinations.clear();
    REQUIRE(bench.role->prepare_changes({{1, other, other}}));
    bench.role->commit();
    CHECK(bench.runtime.until([&] { return bench.kernel.table == wanted; }));
    CHECK(bench.runtime.log().count("IPVS was changed by another program; repaired: ") == 7);
    bench.stop();
}

TEST_CASE("an audit_interval of 0 is no audit but the one that a reload is, of the same file, too") {
    Bench bench;
    bench.options.audit_every = Micros{0};
    bench.start(with({pair()}));
    const auto wanted = bench.kernel.table;
    const auto nobody_looks = [&bench] {
        bench.kernel.table.clear();
        for (int turn = 0; turn < 100; ++turn) bench.runtime.loop().run_one_for(std::chrono::milliseconds{1});
        bench.runtime.loop().restart();
        return bench.kernel.table.empty();
    };

    CHECK(nobody_looks());
    bench.reload(with({pair()}));
    CHECK(bench.runtime.until([&] { return bench.kernel.table == wanted; }));
    CHECK(nobody_looks());
    bench.role->commit_unchanged();
    CHECK(bench.runtime.until([&] { return bench.kernel.table == wanted; }));
    CHECK(nobody_looks());
    bench.stop();
}

TEST_CASE("a failed server that stays with weight 0 goes with the reload that removes it, and comes back by another") {
    auto first = scripted();
    first.inhibit_on_failure = true;
    Bench bench;
    bench.start(with({service({first, server("10.0.0.12")})}));
    answer(bench, How::Exited, 1);
    REQUIRE(servers(bench, "10.0.0.1") == Shown{"10.0.0.11:80 w0", "10.0.0.12:80 w1"});

    bench.reload(with({service({server("10.0.0.12")})}));
    CHECK(servers(bench, "10.0.0.1") == Shown{"10.0.0.12:80 w1"});

    bench.reload(with({service({first, server("10.0.0.12")})}));
    CHECK(servers(bench, "10.0.0.1").size() == 2);
    CHECK(bench.runtime.log().count("refused") == 0);
    bench.stop();
}

TEST_CASE("a weight that a reload changes while its server is out is the server's when it is back") {
    for (const bool inhibits : {true, false}) {
        auto one = scripted();
        one.inhibit_on_failure = inhibits;
        Bench bench;
        bench.start(with({service({one})}));
        answer(bench, How::Exited, 1);

        one.weight = 9;
        bench.reload(with({service({one})}));
        answer(bench, How::Exited, 1);
        CHECK(servers(bench, "10.0.0.1") == (inhibits ? Shown{"10.0.0.11:80 w0"} : Shown{}));
        answer(bench, How::Exited, 0);

        CHECK(servers(bench, "10.0.0.1") == Shown{"10.0.0.11:80 w9"});
        bench.stop();
    }
}

TEST_CASE("a reload that exchanges entries of a group leaves no service behind and gives each its own ports") {
    const auto web = [](std::uint16_t second) {
        auto group = grouped({routed(server("192.168.122.111", 3)), routed(server("192.168.122.222", 3))},
                             {range("10.9.0.34", "10.9.0.34", 80), range("10.9.0.34", "10.9.0.34", second)});
        group.sorry_server = sorry("127.0.0.1");
        return group;
    };
    Bench bench;
    bench.start(with({web(443)}));
    REQUIRE(bench.kernel.table.size() == 2);

    bench.reload(with({web(2333)}));

    CHECK(bench.kernel.table.size() == 2);
    CHECK(servers(bench, "10.9.0.34", 443) == Shown{"none"});
    for (const std::uint16_t port : {std::uint16_t{80}, std::uint16_t{2333}}) {
        CHECK(servers(bench, "10.9.0.34", port) == Shown{"192.168.122.111:" + std::to_string(port) + " w3",
                                                         "192.168.122.222:" + std::to_string(port) + " w3"});
    }
    bench.stop();
    CHECK(bench.kernel.table.empty());
}

TEST_CASE("entries of a group come and go by a reload while its sorry server serves, and it serves on") {
    const auto web = [](std::string_view second) {
        auto group = grouped({scripted("10.0.0.11")}, {range("10.9.0.1", "10.9.0.1"), range(second, second)});
        group.sorry_server = sorry("10.0.0.99");
        return group;
    };
    Bench bench;
    bench.start(with({web("10.9.0.2")}));
    answer(bench, How::Exited, 1);
    REQUIRE(servers(bench, "10.9.0.2") == Shown{"10.0.0.99:80 w1"});

    bench.reload(with({web("10.9.0.3")}));

    CHECK(servers(bench, "10.9.0.2") == Shown{"none"});
    for (const char* address : {"10.9.0.1", "10.9.0.3"}) {
        CHECK(servers(bench, address) == Shown{"10.0.0.99:80 w1"});
    }
    answer(bench, How::Exited, 0);
    for (const char* address : {"10.9.0.1", "10.9.0.3"}) CHECK(servers(bench, address) == Shown{"10.0.0.11:80 w10"});
    bench.stop();
}

TEST_CASE("loss and return of quorum are reported with a sorry server too") {
    auto web = service({scripted()});
    web.sorry_server = sorry("10.0.0.99");
    Bench bench;
    bench.start(with({web}));
    const auto reported = [&bench](Transition transition) {
        std::size_t count = 0;
        for (const auto& event : bench.runtime.events)
            count += event.kind == Event::Kind::VirtualServer && event.transition == transition;
        return count;
    };
    REQUIRE(servers(bench, "10.0.0.1") == Shown{"10.0.0.11:80 w10"});

    answer(bench, How::Exited, 1);
    CHECK(servers(bench, "10.0.0.1") == Shown{"10.0.0.99:80 w1"});
    CHECK(reported(Transition::Down) == 1);

    const auto up = reported(Transition::Up);
    answer(bench, How::Exited, 0);
    CHECK(servers(bench, "10.0.0.1") == Shown{"10.0.0.11:80 w10"});
    CHECK(reported(Transition::Up) == up + 1);
    bench.stop();
}

TEST_CASE("a dynamic script that is killed again and again adds up to no weight") {
    auto one = scripted("10.0.0.11", 1);
    one.checkers[0].misc_dynamic = true;
    Bench bench;
    bench.start(with({service({one, server("10.0.0.12")})}));

    for (int turn = 0; turn < 5; ++turn) {
        answer(bench, How::Exited, 12);
        CHECK(servers(bench, "10.0.0.1") == Shown{"10.0.0.11:80 w10", "10.0.0.12:80 w1"});
        answer(bench, turn % 2 == 0 ? How::TimedOut : How::Signalled, turn % 2 == 0 ? 0 : 9);
        CHECK(servers(bench, "10.0.0.1") == Shown{"10.0.0.12:80 w1"});
    }
    answer(bench, How::Exited, 0);
    CHECK(servers(bench, "10.0.0.1") == Shown{"10.0.0.11:80 w1", "10.0.0.12:80 w1"});
    bench.stop();
}
