// Operators' words and many servers at a time, through the lvs role.
#include <doctest/doctest.h>

#include "../../probe/loopback.hpp"
#include "bench.hpp"
#include "mainstay/lvs/overrides.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using namespace mainstay::lvs::test;
using namespace std::chrono_literals;
using Verb = lvs::ServerCommand::Verb;

namespace {

class Expiry final : public NoSyncSettings {
public:
    explicit Expiry(bool& expires) : expires_{expires} {}
    Result<int> sysctl(std::string_view) override { return expires_ ? 1 : 0; }
    Result<void> set_sysctl(std::string_view, int value) override {
        expires_ = value != 0;
        return {};
    }

private:
    bool& expires_;
};

struct ServersBench : Bench {
    bool expires = false;  // in the kernel
    void start(config::VirtualServer web, bool restarted = false) { Bench::start(with({std::move(web)}), restarted); }
    void has_settings() {
        options.open_settings = [this] { return std::make_unique<Expiry>(expires); };
    }
    OperatorReply answer_to(const ipc::ServerQuestion& question) {
        role->on(question, {});
        REQUIRE_FALSE(runtime.answers.empty());
        CHECK(runtime.answers.back().first == question.request);
        return runtime.answers.back().second;
    }
    OperatorReply drain_for_good(std::string which) {
        return answer_to({.verb = static_cast<std::uint8_t>(Verb::Drain),
                          .which = std::move(which),
                          .by = "uid 0, pid 7",
                          .expire_persistence = true});
    }
    OperatorReply send(Verb verb, std::string which, bool dry_run = false) {
        return answer_to({.request = 1,
                          .verb = static_cast<std::uint8_t>(verb),
                          .which = std::move(which),
                          .weight = 0,
                          .dry_run = dry_run,
                          .by = "uid 0, pid 7"});
    }
    std::vector<std::string> table() const {
        std::vector<std::string> out;
        for (const auto& one : kernel.table.at(0).destinations)
            out.push_back(one.endpoint.to_string() + " " + std::to_string(one.weight));
        std::ranges::sort(out);
        return out;
    }
    ~ServersBench() { stop(); }
};
using Table = std::vector<std::string>;

}  // namespace

TEST_CASE("an override is in the table and the state block when the answer is sent, and survives a crash") {
    const auto web = service({server("10.0.0.11"), server("10.0.0.12")});
    ServersBench bench;
    bench.start(web);

    CHECK(bench.send(Verb::Disable, "10.0.0.11", true).exit_code == 1);
    CHECK(bench.send(Verb::Drain, "10.0.0.12").exit_code == 0);
    CHECK(bench.send(Verb::Disable, "10.0.0.11").exit_code == 0);
    CHECK(bench.send(Verb::Disable, "10.9.9.9").exit_code == 2);

    CHECK(bench.table() == Table{"10.0.0.12:80 0"});
    CHECK(bench.runtime.status().overrides.size() == 2);
    CHECK(bench.runtime.status().services[0].servers[0].note == "disabled by uid 0, pid 7");
    bench.role.reset();  // as if killed
    bench.kernel.batches.clear();
    bench.start(web, true);
    CHECK(bench.kernel.batches.empty());
    CHECK(bench.send(Verb::Enable, "*").exit_code == 0);
    CHECK(bench.table() == Table{"10.0.0.11:80 1", "10.0.0.12:80 1"});
}

TEST_CASE(
    "a drained server's persistence expires until it is enabled, over a crash, or its service has none any more") {
    auto web = service({server("10.0.0.11"), server("10.0.0.12")});
    const auto plain = web;
    web.persistence_timeout = Seconds{300};
    ServersBench bench;
    bench.has_settings();
    bench.start(web);

    CHECK(bench.drain_for_good("10.9.9.9").exit_code == 2);
    CHECK_FALSE(bench.expires);
    CHECK(bench.drain_for_good("10.0.0.11").exit_code == 0);
    CHECK(bench.expires);
    CHECK(bench.table() == Table{"10.0.0.11:80 0", "10.0.0.12:80 1"});
    CHECK(bench.runtime.status().original_expiry == false);

    bench.role.reset();  // as if killed
    bench.start(web, true);
    CHECK(bench.expires);
    bench.reload(with({plain}));
    CHECK_FALSE(bench.expires);
    bench.reload(with({web}));
    CHECK(bench.expires);
    CHECK(bench.send(Verb::Enable, "*").exit_code == 0);
    CHECK_FALSE(bench.expires);
    CHECK(bench.runtime.status().original_expiry == std::nullopt);
}

TEST_CASE("nothing is drained where persistence cannot be made to expire") {
    auto web = service({server("10.0.0.11")});
    web.persistence_timeout = Seconds{300};
    ServersBench bench;
    bench.start(web);

    CHECK(bench.drain_for_good("*").problem == "nothing was changed: IPVS cannot be programmed");
    CHECK(bench.table() == Table{"10.0.0.11:80 1"});

    ServersBench elsewhere;
    elsewhere.has_settings();
    elsewhere.runtime.startup.has_ipvs_namespace = true;
    elsewhere.start(web);
    CHECK(elsewhere.drain_for_good("*").problem.starts_with(
        "nothing was changed: IPVS runs in a separate network namespace"));
    CHECK_FALSE(elsewhere.expires);
    CHECK(elsewhere.table() == Table{"10.0.0.11:80 1"});
}

TEST_CASE("a word that this version does not know is refused") {
    ServersBench bench;
    bench.start(service({server("10.0.0.11")}));

    CHECK(bench.answer_to({.verb = 99, .which = "*"}).problem == "unknown command");
}

TEST_CASE(
    "a server with a drain_timeout leaves when the kernel counts no connection of it any more, after a crash too") {
    auto web = service({server("10.0.0.11"), server("10.0.0.12")});
    web.more.edit().values.push_back({"drain_timeout", Micros{60'000'000}});
    ServersBench bench;
    bench.kernel.connections = 3;
    bench.start(web);
    bench.send(Verb::Disable, "10.0.0.11");
    CHECK(bench.runtime.until(
        [&] { return bench.runtime.status().services[0].servers[0].note.ends_with("3 connections remain"); }));
    CHECK(bench.table() == Table{"10.0.0.11:80 0", "10.0.0.12:80 1"});

    bench.role.reset();
    bench.start(web, true);
    CHECK(bench.table() == Table{"10.0.0.11:80 0", "10.0.0.12:80 1"});
    bench.kernel.connections = 0;

    CHECK(bench.runtime.until([&] { return bench.table() == Table{"10.0.0.12:80 1"}; }));
}

TEST_CASE("hundreds of servers that fail at a time leave in a few batches") {
    const UniqueFd closed = probe::test::bind_only();
    std::vector<config::RealServer> servers{server("10.0.0.11")};
    for (int i = 0; i < 400; ++i) {
        auto one = checked(fmt::format("10.1.{}.{}", i / 200, i % 200 + 1));
        one.checkers[0].target = probe::test::bound_to(closed);
        servers.push_back(std::move(one));
    }
    ServersBench bench;
    bench.start(service(servers));
    bench.kernel.batches.clear();

    CHECK(bench.runtime.until([&] { return bench.table() == Table{"10.0.0.11:80 1"}; }));

    CHECK(bench.kernel.batches.size() < 40);
    CHECK(bench.runtime.events.size() == 401);  // quorum at the start, and each server
}

TEST_CASE("the connections of the servers that match are counted, and none means drained") {
    ServersBench bench;
    bench.start(service({server("10.0.0.11"), server("10.0.0.12")}));
    const auto count = [&](const char* which) {
        return bench.answer_to({.verb = static_cast<std::uint8_t>(Verb::Show),
                                .which = which,
                                .by = "uid 0, pid 7",
                                .count_connections = true});
    };
    CHECK(count("10.0.0.11").exit_code == 0);
    CHECK(count("10.0.0.11").text.empty());
    bench.kernel.connections = 3;
    CHECK(count("10.0.0.11").exit_code == 1);
    CHECK(count("10.0.0.11").text == "[10.0.0.11]:tcp:80 of VS [10.0.0.1]:tcp:80: 3 connections\n");
    CHECK(count("*").text.find("[10.0.0.12]:tcp:80 of VS") != std::string::npos);
    CHECK_FALSE(count("gone").problem.empty());
}

TEST_CASE("an override with a time and a reason survives a crash") {
    const auto web = service({server("10.0.0.11"), server("10.0.0.12")});
    ServersBench bench;
    bench.start(web);
    const auto logged = bench.answer_to({.verb = static_cast<std::uint8_t>(Verb::Drain),
                                         .which = "10.0.0.11",
                                         .by = "uid 0, pid 7",
                                         .seconds = 3'600,
                                         .reason = "new disk"});
    CHECK(logged.exit_code == 0);
    bench.role.reset();  // as if killed
    bench.start(web, true);
    const auto shown = bench.send(Verb::Show, "10.0.0.11").text;
    CHECK(shown.find("drained for 3") != std::string::npos);
    CHECK(shown.find(" s more (new disk), UP, weight 0") != std::string::npos);
}
