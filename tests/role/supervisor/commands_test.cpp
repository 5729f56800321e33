// Commands of operators that the supervisor carries out or passes on: maintenance, failover and levels of the log, from
// mainstayctl and from the API.
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include "../../needs.hpp"
#include "mainstay/ipc/shared.hpp"
#include "written.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using Verb = ipc::InstanceQuestion::Verb;

namespace {

constexpr std::int64_t kYear = 366 * 86'400;

// The exit code with the text or the problem.
std::string heard(const UniqueFd& client) {
    const auto got = next_received(client.get(), std::chrono::seconds{20});
    REQUIRE(got);
    const auto& answer = std::get<ipc::OperatorAnswered>(got->message);
    const std::string code = std::to_string(answer.exit_code) + " ";
    if (!got->descriptor) return code + answer.problem;
    std::string text(ipc::sealed_size(got->descriptor.get()).value(), '\0');
    REQUIRE(::pread(got->descriptor.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
    return code + text;
}

std::string shown(const Stage& stage) { return heard(stage.ask(maintenance(Verb::MaintenanceShow))); }

}  // namespace

TEST_CASE("maintenance is told to vrrp and lvs, shown with who began it and why, and ended" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run({.needed = {Kind::Vrrp, Kind::Lvs}});
    CHECK(shown(stage) == "0 maintenance is off\n");
    CHECK(heard(stage.ask(maintenance(Verb::MaintenanceOff))) == "0 maintenance was off already\n");
    const auto client = stage.ask(maintenance(Verb::MaintenanceOn, 0, "new\nkernel"));
    const auto order = running[Kind::Vrrp].hear<ipc::MaintenanceOrder>();
    CHECK(order.on);
    CHECK_FALSE(order.until);
    CHECK(order.by.starts_with("ana: uid 0"));
    CHECK(order.reason == "new kernel");
    CHECK(order.request != 0);
    const auto of_lvs = running[Kind::Lvs].hear<ipc::MaintenanceOrder>();
    CHECK(of_lvs.on);
    CHECK(of_lvs.request == 0);
    CHECK(stage.logged("maintenance begins: this director hands its instances over (until it is ended, by " + order.by +
                       ": new kernel)\n") == 1);
    const auto text = shown(stage);
    CHECK(text.starts_with("0 maintenance is on since 20"));
    CHECK(text.ends_with(" UTC, until it is ended, by " + order.by + ": new kernel\n"));
    running[Kind::Vrrp].send(ipc::OperatorAnswered{order.request, 0, "handed over"});
    CHECK(heard(client) == "0 handed over");

    const auto longer = stage.ask(maintenance(Verb::MaintenanceOn, 60));
    const auto again = running[Kind::Vrrp].hear<ipc::MaintenanceOrder>();
    CHECK(again.since == order.since);
    REQUIRE(again.until);
    CHECK(again.until->unix_us >= again.since.unix_us + 60'000'000);
    CHECK(again.until->unix_us < again.since.unix_us + 120'000'000);
    CHECK(stage.logged("maintenance begins: ") == 1);
    CHECK(stage.logged("maintenance goes on (until ") == 1);
    CHECK(shown(stage).ends_with(" UTC, by " + order.by + "\n"));

    const auto end = stage.ask(maintenance(Verb::MaintenanceOff));
    const auto over = running[Kind::Vrrp].hear<ipc::MaintenanceOrder>();
    CHECK_FALSE(over.on);
    CHECK(over.request != 0);
    CHECK(running[Kind::Lvs].hear<ipc::MaintenanceOrder>().until.has_value());
    CHECK_FALSE(running[Kind::Lvs].hear<ipc::MaintenanceOrder>().on);
    CHECK(stage.logged("maintenance is over (" + order.by +
                       "): the instances have their configured priorities again") == 1);
    CHECK(shown(stage) == "0 maintenance is off\n");
}

TEST_CASE("maintenance lasts a year at most, and what is only tried goes to vrrp" * mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    const std::string refusal = "2 maintenance lasts at most 31622400 s";
    CHECK(heard(stage.ask(maintenance(Verb::MaintenanceOn, -1))) == refusal);
    CHECK(heard(stage.ask(maintenance(Verb::MaintenanceOn, kYear + 1))) == refusal);
    const auto dry = [&](Verb verb) {
        auto question = maintenance(verb);
        question.dry_run = true;
        return question;
    };
    const auto on = stage.ask(dry(Verb::MaintenanceOn));
    CHECK(running[Kind::Vrrp].hear<ipc::InstanceQuestion>().verb == Verb::MaintenanceOn);
    CHECK(shown(stage) == "0 maintenance is off\n");
    CHECK(heard(stage.ask(dry(Verb::MaintenanceOff))) == "0 maintenance was off already\n");
    const auto longest = stage.ask(maintenance(Verb::MaintenanceOn, kYear));
    const auto order = running[Kind::Vrrp].hear<ipc::MaintenanceOrder>();
    CHECK(order.until->unix_us == order.since.unix_us + kYear * 1'000'000);
    const auto off = stage.ask(dry(Verb::MaintenanceOff));
    CHECK(running[Kind::Vrrp].hear<ipc::InstanceQuestion>().verb == Verb::MaintenanceOff);
}

TEST_CASE("maintenance whose time is over ends by itself" * mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    const auto client = stage.ask(maintenance(Verb::MaintenanceOn, 1));
    CHECK(running[Kind::Vrrp].hear<ipc::MaintenanceOrder>().on);
    const auto over = running[Kind::Vrrp].hear<ipc::MaintenanceOrder>();
    CHECK_FALSE(over.on);
    CHECK(over.request == 0);
    CHECK(over.by == "its time is over");
}

TEST_CASE("without a VRRP process maintenance is remembered, a failover is refused, and a new process is told of it" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run({.needed = {Kind::Lvs}});
    CHECK(heard(stage.ask(ipc::InstanceQuestion{})) == "2 the VRRP process is not running");
    CHECK(heard(stage.ask(maintenance(Verb::MaintenanceOn))) ==
          "0 maintenance is on; no VRRP instance is configured: it is about announced addresses alone\n");
    CHECK(stage.logged("maintenance begins: announced addresses move to their drain interface (") == 1);
    CHECK(running[Kind::Lvs].hear<ipc::MaintenanceOrder>().on);
    running[Kind::Lvs].exit(1);
    auto& again = stage.started("mainstayd-lvs");
    CHECK(again.hear<ipc::MaintenanceOrder>().on);
    stage.take_configuration(again, 1);
    CHECK(heard(stage.ask(maintenance(Verb::MaintenanceOff))) ==
          "0 maintenance is off; no VRRP instance is configured: it is about announced addresses alone\n");
    CHECK_FALSE(again.hear<ipc::MaintenanceOrder>().on);
    running.roles[Kind::Lvs] = &again;
    CHECK(stage.stop(running) == 0);
}

TEST_CASE(
    "what the API asks is refused without [api] operate, else passed on as the API's, and answered by its number" *
    mainstay::test::kNeedsRoot) {
    Stage closed, open;
    auto running = closed.run();
    running.observer->send(ipc::InstanceQuestion{.request = 7, .which = {}, .reason = {}, .account = {}, .by = "ana"});
    const auto refused = running.observer->hear<ipc::OperatorAnswered>();
    CHECK(refused.request == 7);
    CHECK(refused.exit_code == 2);
    CHECK(refused.problem == "[api] operate is not set in mainstay.toml");
    CHECK(running[Kind::Vrrp].hears_none<ipc::InstanceQuestion>());

    auto serving = open.run(with_api());
    serving.observer->send(ipc::InstanceQuestion{
        .request = 7, .which = "VI_1", .reason = {}, .account = "root", .by = "ana\n" + std::string(200, 'x')});
    const auto asked = serving[Kind::Vrrp].hear<ipc::InstanceQuestion>();
    CHECK(asked.which == "VI_1");
    CHECK(asked.account.empty());
    CHECK(asked.by == "API: ana " + std::string(124, 'x'));
    serving[Kind::Vrrp].send(ipc::OperatorAnswered{asked.request, 1, "nobody took over"});
    const auto answered = serving.observer->hear<ipc::OperatorAnswered>();
    CHECK(answered.request == 7);
    CHECK(answered.exit_code == 1);
    CHECK(answered.problem == "nobody took over");
}

TEST_CASE("a level of the log is told to every process, and the change is logged at whichever level shows it" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    const auto set = [&](const std::string& module, const std::string& level) {
        ipc::LogLevelQuestion question;
        question.module = module;
        question.level = level;
        question.account = "ana";
        return heard(stage.ask(question));
    };
    CHECK(set("supervisor", "warning") == "0 supervisor warning (default: info)\n");
    CHECK(stage.logged("log levels changed until the daemon restarts (ana: uid 0") == 1);
    CHECK(stage.logged("): supervisor: info -> warning\n") == 1);
    CHECK(running[Kind::Vrrp].hear<ipc::LogLevelOrder>().levels.at(0) == LogLevel::Warning);
    CHECK(running.observer->hear<ipc::LogLevelOrder>().levels.at(0) == LogLevel::Warning);
    CHECK(set("vrrp", "debug") == "0 vrrp       debug (default: info)\n");  // which no level of the supervisor's shows
    CHECK(stage.logged("): vrrp: info -> debug\n") == 0);
    CHECK(running[Kind::Vrrp].hear<ipc::LogLevelOrder>().levels.at(2) == LogLevel::Debug);
    CHECK(set("supervisor", "notice") == "0 supervisor notice (default: info)\n");
    CHECK(stage.logged("): supervisor: warning -> notice\n") == 1);
    running[Kind::Vrrp].hear<ipc::LogLevelOrder>();
    CHECK(set("supervisor", "notice") == "0 supervisor notice (default: info)\n");
    CHECK(set("supervisor", "") == "0 supervisor notice (default: info)\n");
    CHECK(running[Kind::Vrrp].hears_none<ipc::LogLevelOrder>());  // nothing has changed
    CHECK(set("vrrpd", "debug").starts_with("2 \"vrrpd\" is no module"));
    CHECK(set("vrrpd", "").starts_with("2 \"vrrpd\" is no module"));
}

TEST_CASE("levels of the log may be set over the API with [api] operate" * mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run(with_api());
    ipc::LogLevelQuestion question;
    question.request = 9;
    question.module = "lvs";
    question.level = "error";
    question.by = "ana";
    running.observer->send(question);
    const auto answered = running.observer->hear<ipc::OperatorAnswered>();
    CHECK(answered.request == 9);
    CHECK(answered.exit_code == 0);
    CHECK(running[Kind::Lvs].hear<ipc::LogLevelOrder>().levels.at(3) == LogLevel::Error);
    CHECK(stage.logged("log levels changed until the daemon restarts (API: ana): lvs: info -> error\n") == 1);
}

TEST_CASE("sixteen commands may wait for their outcome, a further one is refused, and the stop answers all" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    std::vector<UniqueFd> clients;
    std::vector<std::uint64_t> requests;
    for (int i = 0; i < 16; ++i) {  // one by one: the socket's own queue is shorter
        clients.push_back(stage.ask(ipc::InstanceQuestion{}));
        requests.push_back(running[Kind::Vrrp].hear<ipc::InstanceQuestion>().request);
    }
    CHECK(heard(stage.ask(ipc::InstanceQuestion{})) == "2 too many commands wait for their outcome: try again later");
    CHECK(heard(stage.ask(ipc::LogLevelQuestion{})) == "2 too many commands wait for their outcome: try again later");
    running[Kind::Vrrp].send(ipc::OperatorAnswered{99, 0, "of nobody"});
    running[Kind::Vrrp].send(ipc::OperatorAnswered{requests[3], 1, "nobody took over"});
    CHECK(heard(clients[3]) == "1 nobody took over");
    clients[3] = stage.ask(ipc::InstanceQuestion{});
    running[Kind::Vrrp].hear<ipc::InstanceQuestion>();
    stage.signal(SIGTERM);
    for (const auto& client : clients) CHECK(heard(client) == "2 the daemon is stopping");
}

TEST_CASE("maintenance that was begun before the start is told to vrrp and lvs before their configuration" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    std::filesystem::create_directory(stage.at("state"));
    const ipc::MaintenanceOrder before{
        .on = true, .since = {}, .until = {}, .by = "ana", .reason = "new kernel", .request = 5, .note = "x"};
    const auto bytes = encode(before);
    std::ofstream{stage.at("state/maintenance")}.write(reinterpret_cast<const char*>(bytes.data()),
                                                       static_cast<std::streamsize>(bytes.size()));
    auto& reader = stage.started("mainstayd-read");
    stage.send(reader, {.needed = {Kind::Vrrp, Kind::Lvs, Kind::Bfd}});
    auto& bfd = stage.started("mainstayd-bfd");
    for (const char* program : {"mainstayd-vrrp", "mainstayd-lvs"}) {
        auto& role = stage.started(program);
        const auto order = role.hear<ipc::MaintenanceOrder>();
        CHECK(order.on);
        CHECK(order.reason == "new kernel");
        CHECK(order.request == 0);
        role.hear<ipc::Prepare>();
        CHECK(std::ranges::count(role.passed, "Prepare") == 0);
    }
    bfd.hear<ipc::Prepare>();
    CHECK(std::ranges::count(bfd.passed, "MaintenanceOrder") == 0);
    CHECK(stage.logged("this director is in maintenance: until it is ended, by ana: new kernel\n") == 1);
}

TEST_CASE("maintenance that cannot be kept over a restart is carried out, and the operator hears of it" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run({.needed = {Kind::Lvs}});
    std::ofstream{stage.at("state")} << "a file";
    const std::string answer = heard(stage.ask(maintenance(Verb::MaintenanceOn)));
    CHECK(answer.starts_with(
        "0 maintenance is on; no VRRP instance is configured: it is about announced addresses alone\n"
        "It will not survive a restart of the daemon: "));
    CHECK(answer.ends_with("\n"));
    CHECK(stage.logged("maintenance will not survive a restart of the daemon: ") == 1);
    CHECK(running[Kind::Lvs].hear<ipc::MaintenanceOrder>().on);
    const std::string end = heard(stage.ask(maintenance(Verb::MaintenanceOff)));
    CHECK(
        end.starts_with("0 maintenance is off; no VRRP instance is configured: it is about announced addresses alone\n"
                        "After a restart of the daemon, it would begin again: "));
    CHECK(stage.logged("after a restart of the daemon, maintenance would begin again: ") == 1);
}
