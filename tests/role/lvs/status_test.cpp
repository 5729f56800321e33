// The state block: what status shows of the judge, and what a new incarnation makes of it.
#include "role/lvs/status.hpp"

#include <doctest/doctest.h>

#include "../../lvs/builders.hpp"
#include "mainstay/config/members.hpp"
#include "role/common/blocks.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::lvs::test;
using namespace std::chrono_literals;
using Verb = lvs::ServerCommand::Verb;

namespace {

const lvs::Moment kStart{Instant{1h}, {1'000'000'000}};

struct StatusBench {
    explicit StatusBench(std::vector<config::VirtualServer> services, const lvs::Memory& memory = {}) {
        config::Config config;
        config.virtual_servers = std::move(services);
        static_cast<void>(judge.start(std::move(config), memory, kStart));
    }
    void command(lvs::ServerCommand::Verb verb, const std::string& which, std::int64_t weight = 0) {
        lvs::ServerAnswer answer;
        static_cast<void>(
            judge.command({.verb = verb, .which = which, .weight = weight, .by = "uid 0"}, kStart, answer));
        REQUIRE(answer.problem.empty());
    }
    report::LvsStatus status(const TableReconciler::State& table = {.available = true}) {
        std::vector<std::byte> bytes(1 << 20);
        auto rest = status_of(judge, table, 7);
        bytes.resize(write_status(bytes, rest, judge, kStart));
        auto status = decode_lvs_block(bytes);
        REQUIRE(status);
        return std::move(*status);
    }
    report::ServerStatus server(std::size_t at) { return status().services.at(0).servers.at(at); }

    lvs::Judge judge{[](Micros) { return Micros{0}; }};
};

}  // namespace

TEST_CASE("the status has the generation and what the reconciler counted") {
    StatusBench bench{{service({server("10.0.0.11")})}};
    const auto status = bench.status({.available = true, .problem = {}, .operations = 5, .failures = 4, .repairs = 3});
    CHECK(status.generation == 7);
    CHECK(status.ipvs_available);
    CHECK(status.ipvs_problem.empty());
    CHECK(status.operations == 5);
    CHECK(status.operation_failures == 4);
    CHECK(status.repairs == 3);
    CHECK(status.lines_left_out == 0);
    const auto missing = bench.status({.available = false, .problem = "IPVS: the kernel has none"});
    CHECK_FALSE(missing.ipvs_available);
    CHECK(missing.ipvs_problem == "the kernel has none");
    CHECK_FALSE(missing.services[0].servers[0].in_table);
}

TEST_CASE("a service with its scheduler, its sorry server and its servers") {
    auto web = service({server("10.0.0.11"), server("10.0.0.12", 5)});
    web.sorry_server = sorry("10.0.0.99");
    web.real_servers[1].forwarding = config::Forwarding::Tunnel;
    StatusBench bench{{web}};
    const auto all = bench.status().services;
    REQUIRE(all.size() == 1);
    CHECK(all[0].name == "[10.0.0.1]:tcp:80");
    CHECK(all[0].key == tcp_key("10.0.0.1"));
    CHECK(all[0].group.empty());
    CHECK(all[0].group_keys.empty());
    CHECK(all[0].scheduler == "wrr");
    CHECK(all[0].quorum_up);
    CHECK_FALSE(all[0].sorry_in_use);
    CHECK(all[0].sorry_server == "[10.0.0.99]:tcp:80");
    REQUIRE(all[0].servers.size() == 2);
    CHECK(all[0].servers[0].endpoint == at("10.0.0.11", 80));
    CHECK(all[0].servers[0].forwarding == "NAT");
    CHECK(all[0].servers[1].forwarding == "TUN");
    CHECK(all[0].servers[1].weight == 5);
    CHECK(all[0].servers[1].weight_in_table == 5);
    CHECK(all[0].servers[1].alive);
    CHECK(all[0].servers[1].in_table);
    CHECK(all[0].servers[1].note.empty());
    CHECK_FALSE(all[0].servers[1].kept);
    CHECK_FALSE(all[0].servers[1].leave);
}

TEST_CASE("a group is shown once, with its services in the kernel") {
    StatusBench bench{{grouped({server("10.0.0.11")}, {range("10.0.0.1", "10.0.0.2")})}};
    const auto group = bench.status().services.at(0);
    CHECK(group.group == "web");
    CHECK(group.group_keys == std::vector{tcp_key("10.0.0.1"), tcp_key("10.0.0.2")});
    CHECK(group.servers.size() == 1);
    CHECK(group.servers[0].in_table);
}

TEST_CASE("a check shows its last result") {
    StatusBench bench{{service({checked("10.0.0.11")})}};
    const auto fresh = bench.server(0).checks.at(0);
    CHECK(fresh.up);
    CHECK_FALSE(fresh.has_run);
    lvs::CheckerId id = bench.judge.states()[0].servers[0].checkers[0].id;
    const lvs::Moment later{Instant{1h} + 10s, {1'010'000'000}};
    static_cast<void>(bench.judge.step(lvs::DeadlineReached{}, later));
    static_cast<void>(bench.judge.step(
        lvs::CheckFinished{id, lvs::Outcome::Failed, "connection refused", Micros{1500}, {}, {}, {}}, later));
    const auto failed = bench.server(0).checks.at(0);
    CHECK(failed.type == "TCP_CHECK");
    CHECK(failed.target == "10.0.0.11:80");
    CHECK_FALSE(failed.up);
    CHECK(failed.has_run);
    CHECK(failed.failures_in_row == 1);
    CHECK(failed.last_result == "connection refused");
    CHECK(failed.last_duration == Micros{1500});
    CHECK(failed.last_run == WallTime{1'010'000'000});
    const auto down = bench.server(0);
    CHECK_FALSE(down.alive);
    CHECK_FALSE(down.in_table);
    CHECK(down.since == WallTime{1'010'000'000});
    CHECK_FALSE(bench.status().services[0].quorum_up);
}

TEST_CASE("a note says who changed a server and how") {
    auto web = service({server("10.0.0.11"), server("10.0.0.12"), server("10.0.0.13"), server("10.0.0.14")});
    StatusBench bench{{web}};
    bench.command(Verb::Weight, "10.0.0.11", 9);
    bench.command(Verb::Drain, "10.0.0.12");
    bench.command(Verb::Disable, "10.0.0.13");
    CHECK(bench.server(0).note == "weight 9 by uid 0");
    CHECK(bench.server(0).weight_in_table == 9);
    CHECK(bench.server(1).note == "drained by uid 0");
    CHECK(bench.server(1).weight_in_table == 0);
    CHECK(bench.server(2).note == "disabled by uid 0");
    CHECK_FALSE(bench.server(2).in_table);
    CHECK(bench.server(3).note.empty());

    const auto status = bench.status();
    REQUIRE(status.overrides.size() == 3);
    CHECK(status.overrides[0].service == "[10.0.0.1]:tcp:80");
    CHECK(status.overrides[0].server == at("10.0.0.11", 80));
    CHECK(status.overrides[0].hold == 1);
    CHECK(status.overrides[0].weight == 9);
    CHECK(status.overrides[0].by == "uid 0");
    CHECK(status.overrides[0].since == kStart.wall);
    CHECK(status.overrides[0].text == "weight 9");
    CHECK(status.overrides[1].text == "drained");
    CHECK(overrides_of(status) == bench.judge.overrides());
}

TEST_CASE("overrides of kinds that a newer version has are left out") {
    report::LvsStatus status;
    for (std::uint8_t hold = 0; hold <= 4; ++hold) {
        report::OverrideStatus one;
        one.service = std::string(1, "abcde"[hold]);
        one.hold = hold;
        one.expires_persistence = hold == 2;
        status.overrides.push_back(one);
    }
    const auto overrides = overrides_of(status);
    CHECK(overrides.size() == 3);
    CHECK(overrides.at({"b", {}}).hold == lvs::Hold::Weight);
    CHECK(overrides.at({"c", {}}).hold == lvs::Hold::Drained);
    CHECK(overrides.at({"c", {}}).expires_persistence);
    CHECK_FALSE(overrides.at({"d", {}}).expires_persistence);
    CHECK(overrides.at({"d", {}}).hold == lvs::Hold::Disabled);
}

TEST_CASE("what is remembered of a service is what was written") {
    report::ServiceStatus web;
    web.key = tcp_key("10.0.0.1");
    web.group = "web";
    web.group_keys = {tcp_key("10.0.0.7")};
    web.quorum_up = web.sorry_in_use = true;
    report::ServerStatus one;
    one.endpoint = at("10.0.0.11", 80);
    one.alive = false;
    one.since = {5};
    one.kept = true;
    one.grows_since = WallTime{6};
    one.leave = report::LeaveStatus{{8}, 3, true};
    one.checks.push_back({.type = "HTTP_GET",
                          .target = "10.0.0.11:8080",
                          .up = false,
                          .has_run = true,
                          .failures_in_row = 4,
                          .last_result = "timed out",
                          .last_run = {9},
                          .last_duration = Micros{700},
                          .weight = 12});
    one.checks.push_back({.type = "UNHEARD_OF_CHECK", .target = "10.0.0.11:80"});
    web.servers.push_back(one);
    report::LvsStatus status;
    status.services = {web, {}};

    const auto memory = memory_of(status);
    REQUIRE(memory.size() == 2);
    CHECK(memory[0].identity == lvs::ServiceIdentity{tcp_key("10.0.0.1"), "web"});
    CHECK(memory[0].keys == std::vector{tcp_key("10.0.0.7")});
    CHECK(memory[0].quorum_up);
    CHECK(memory[0].sorry_in_use);
    CHECK_FALSE(memory[1].quorum_up);
    CHECK_FALSE(memory[1].sorry_in_use);
    REQUIRE(memory[0].servers.size() == 1);
    const auto& server = memory[0].servers[0];
    CHECK(server.endpoint == at("10.0.0.11", 80));
    CHECK_FALSE(server.alive);
    CHECK(server.since == WallTime{5});
    CHECK(server.kept);
    CHECK(server.grows_since == WallTime{6});
    REQUIRE(server.leave);
    CHECK(server.leave->until_wall == WallTime{8});
    CHECK(server.leave->connections == 3);
    CHECK(server.leave->over);
    REQUIRE(server.checkers.size() == 1);
    const auto& check = server.checkers[0];
    CHECK(check.type == config::Checker::Type::Http);
    CHECK(check.target == "10.0.0.11:8080");
    CHECK_FALSE(check.state.up);
    CHECK(check.state.has_run);
    CHECK(check.state.failures_in_row == 4);
    CHECK(check.state.last_result.text() == "timed out");
    CHECK(check.state.last_run == WallTime{9});
    CHECK(check.state.last_duration == lvs::short_time(Micros{700}));
    CHECK(*check.state.dynamic_weight == 12);
}

TEST_CASE("each kind of check is remembered") {
    report::LvsStatus status;
    auto& server = status.services.emplace_back().servers.emplace_back();
    const char* const types[] = {"TCP_CHECK",  "HTTP_GET",   "SSL_GET",    "SMTP_CHECK", "DNS_CHECK",  "UDP_CHECK",
                                 "PING_CHECK", "MISC_CHECK", "FILE_CHECK", "BFD_CHECK",  "GRPC_CHECK", "AGENT_CHECK"};
    for (const char* type : types) server.checks.push_back({.type = type});
    const auto memory = memory_of(status);
    REQUIRE(memory[0].servers[0].checkers.size() == 12);
    for (std::size_t i = 0; i < 12; ++i) CHECK(lvs::keyword_of(memory[0].servers[0].checkers[i].type) == types[i]);
}

TEST_CASE("servers that are leaving go with their connections into the next incarnation") {
    auto leaving = server("10.0.0.13", 4);
    leaving.forwarding = config::Forwarding::DirectRoute;
    lvs::ServiceMemory before{.identity = lvs::identity_of(service({server("10.0.0.11")})),
                              .quorum_up = true,
                              .servers = {},
                              .leaving = {{leaving, {.until = {}, .until_wall = {1'500'000'000}, .connections = 2}}}};
    StatusBench bench{{service({server("10.0.0.11")})}, {before}};
    const auto status = bench.status();
    REQUIRE(status.services[0].leaving.size() == 1);
    CHECK(status.services[0].leaving[0].name == "[10.0.0.13]:tcp:80");
    CHECK(status.services[0].leaving[0].leave.until == WallTime{1'500'000'000});
    CHECK(status.services[0].leaving[0].leave.connections == 2);
    const auto memory = memory_of(status);
    REQUIRE(memory[0].leaving.size() == 1);
    CHECK(memory[0].leaving[0].server == leaving);
    CHECK(memory[0].leaving[0].leave.until_wall == WallTime{1'500'000'000});
    auto damaged = status;
    damaged.services[0].leaving[0].server = "x";
    CHECK(memory_of(damaged)[0].leaving.empty());
}

TEST_CASE("a note has all reasons: who changed a server and why, and what of it goes on") {
    auto web = service({server("10.0.0.11"), server("10.0.0.12")});
    web.more.edit().values.push_back({"drain_timeout", Micros{60'000'000}});
    StatusBench bench{{web}};
    lvs::ServerAnswer answer;
    static_cast<void>(bench.judge.command({.verb = lvs::ServerCommand::Verb::Disable,
                                           .which = "10.0.0.11",
                                           .by = "uid 0",
                                           .time = Seconds{600},
                                           .reason = "its disk"},
                                          kStart, answer));
    REQUIRE(answer.problem.empty());
    CHECK(bench.server(0).note.ends_with(" by uid 0 (its disk); its connections continue"));
    REQUIRE(bench.judge.deadline());
    const lvs::Moment looks{*bench.judge.deadline(), kStart.wall};
    static_cast<void>(bench.judge.step(lvs::DeadlineReached{}, looks));
    static_cast<void>(bench.judge.step(lvs::ConnectionsCounted{0, {{at("10.0.0.11", 80), 3, 1}}}, looks));
    CHECK(bench.server(0).note.ends_with(" by uid 0 (its disk); 3 connections remain"));
    CHECK(bench.server(0).in_table);
    CHECK(bench.server(0).weight_in_table == 0);
    REQUIRE(bench.server(0).leave);
    CHECK(bench.server(0).leave->until == WallTime{1'060'000'000});
    CHECK(bench.server(0).leave->connections == 3);
    CHECK_FALSE(bench.server(0).leave->over);
    const auto status = bench.status();
    REQUIRE(status.overrides.size() == 1);
    CHECK(status.overrides[0].reason == "its disk");
    CHECK(status.overrides[0].until == WallTime{1'600'000'000});
    CHECK(overrides_of(status) == bench.judge.overrides());
    const lvs::Moment later{Instant{1h} + 60s, {1'060'000'000}};
    static_cast<void>(bench.judge.step(lvs::DeadlineReached{}, later));
    CHECK(bench.server(0).note.ends_with(" by uid 0 (its disk)"));
    CHECK_FALSE(bench.server(0).in_table);
    CHECK(bench.server(1).note.empty());
}

TEST_CASE("a server that starts slowly shows its weight until now and since when it grows") {
    auto web = service({server("10.0.0.11", 100)});
    web.more.edit().values.push_back({"slow_start", Micros{10'000'000}});
    lvs::ServerMemory grows{.endpoint = at("10.0.0.11", 80), .alive = true, .since = {}, .checkers = {}};
    grows.grows_since = WallTime{997'000'000};
    StatusBench bench{{web},
                      {{.identity = lvs::identity_of(web), .quorum_up = true, .servers = {grows}, .leaving = {}}}};
    CHECK(bench.server(0).note == "slow start: weight 30 of 100");
    CHECK(bench.server(0).grows_since == WallTime{997'000'000});
    CHECK(bench.server(0).weight == 100);
    CHECK(bench.server(0).weight_in_table == 30);
}

TEST_CASE("a server that min_alive keeps says so") {
    auto web = service({checked("10.0.0.11")});
    web.more.edit().values.push_back({"min_alive", std::int64_t{1}});
    StatusBench bench{{web}};
    const auto id = bench.judge.states()[0].servers[0].checkers[0].id;
    const lvs::Moment later{Instant{1h} + 10s, {1'010'000'000}};
    static_cast<void>(bench.judge.step(lvs::DeadlineReached{}, later));
    static_cast<void>(
        bench.judge.step(lvs::CheckFinished{id, lvs::Outcome::Failed, "refused", Micros{1}, {}, {}, {}}, later));
    CHECK(bench.server(0).kept);
    CHECK(bench.server(0).note == "kept up by min_alive although its checks fail");
    CHECK(bench.server(0).in_table);
}

TEST_CASE("a service shows its quorum, its sorry server while it is in use, and how packets reach a server") {
    auto web = service({checked("10.0.0.11"), server("10.0.0.12")});
    web.quorum = 2;
    web.hysteresis = 1;
    web.real_servers[1].forwarding = config::Forwarding::DirectRoute;
    web.sorry_server = sorry("10.0.0.99");
    StatusBench bench{{web, service({server("10.0.0.11")}, "10.0.0.2")}};
    const auto id = bench.judge.states()[0].servers[0].checkers[0].id;
    const lvs::Moment later{Instant{1h} + 10s, {1'010'000'000}};
    static_cast<void>(bench.judge.step(lvs::DeadlineReached{}, later));
    static_cast<void>(
        bench.judge.step(lvs::CheckFinished{id, lvs::Outcome::Failed, "refused", Micros{1}, {}, {}, {}}, later));
    const auto status = bench.status();
    CHECK(status.services[0].quorum == 2);
    CHECK(status.services[0].hysteresis == 1);
    CHECK(status.services[0].sorry_in_use == bench.judge.states()[0].sorry_in_use);
    CHECK(status.services[0].servers[1].forwarding == "DR");
    CHECK(status.services[1].quorum == 1);
    CHECK(status.services[1].hysteresis == 0);
    CHECK(status.services[1].sorry_server.empty());
}

TEST_CASE("a check shows another address that it asks, its script and the weight that it wants") {
    auto one = server("10.0.0.11");
    one.checkers = {misc_check(at("10.0.0.11", 80)), tcp_check(at("10.0.0.77", 81))};
    one.checkers[0].misc_dynamic = true;
    StatusBench bench{{service({one})}};
    const auto id = bench.judge.states()[0].servers[0].checkers[0].id;
    const lvs::Moment later{Instant{1h} + 10s, {1'010'000'000}};
    static_cast<void>(bench.judge.step(lvs::DeadlineReached{}, later));
    static_cast<void>(
        bench.judge.step(lvs::CheckFinished{id, lvs::Outcome::Passed, "fine", Micros{1}, 12, {}, {}}, later));
    const auto checks = bench.server(0).checks;
    REQUIRE(checks.size() == 2);
    CHECK(checks[0].type == "MISC_CHECK");
    CHECK(checks[0].target == "10.0.0.11:80");
    CHECK(checks[0].script == "/etc/check");
    CHECK(checks[0].weight == 12);
    CHECK(checks[1].type == "TCP_CHECK");
    CHECK(checks[1].target == "10.0.0.77:81");
    CHECK(checks[1].script.empty());
    CHECK_FALSE(checks[1].weight);
}

TEST_CASE("only an active_active service has a table to compare") {
    auto one = service({server("10.0.0.11")}), other = service({server("10.0.0.11")}, "10.0.0.2");
    other.active_active = true;
    StatusBench bench{{one, other}};
    std::vector<std::byte> bytes(1 << 20);
    const auto table_of = [](const config::VirtualServer&) { return report::MhTableStatus{.digest = 7}; };
    auto rest = status_of(bench.judge, {.available = true}, 7);
    bytes.resize(write_status(bytes, rest, bench.judge, kStart, table_of));
    const auto status = decode_lvs_block(bytes);
    REQUIRE(status);
    CHECK_FALSE(status->services[0].mh_table);
    REQUIRE(status->services[1].mh_table);
    CHECK(status->services[1].mh_table->digest == 7);
}

TEST_CASE("the sysctls from before this program are those that were written, the one of persistence by itself") {
    report::LvsStatus status;
    const IpvsSysctls::Values none, some{{"conn_reuse_mode", 2}, {std::string{kExpireQuiescent}, 1}},
        other{{std::string{kExpireQuiescent}, 0}};
    put_original_sysctls(none, status);
    CHECK(original_sysctls_of(status) == none);
    put_original_sysctls(some, status);
    CHECK(status.original_expiry == true);
    CHECK(status.original_sysctls.size() == 1);
    CHECK(original_sysctls_of(status) == some);
    status = {};
    put_original_sysctls(other, status);
    CHECK(status.original_expiry == false);
    CHECK(original_sysctls_of(status) == other);
}
