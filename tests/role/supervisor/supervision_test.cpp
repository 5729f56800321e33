// What a running supervisor reports to the observer, and what it relays for it.
#include <algorithm>
#include <csignal>
#include <string>
#include <vector>

#include "../../needs.hpp"
#include "mainstay/ipc/shared.hpp"
#include "role/supervisor/log_levels.hpp"
#include "written.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;

namespace {

// The roles' part of a reload that all of them take.
void take_reload(Stage::Running& running, std::uint64_t generation) {
    std::vector<Played*> all{running.observer};
    for (auto& [kind, role] : running.roles) all.push_back(role);
    for (auto* role : all) {
        role->hear<ipc::Prepare>();
        role->send(ipc::Prepared{generation, {}});
    }
    for (auto* role : all) {
        role->hear<ipc::Commit>();
        role->send(ipc::Committed{generation});
    }
}

std::uint64_t lines_of(const std::vector<report::LogLoss>& losses, std::string_view process) {
    const auto found = std::ranges::find(losses, process, &report::LogLoss::process);
    return found == losses.end() ? 0 : found->lines;
}

}  // namespace

TEST_CASE("log lines that processes of one name lost add up, and a number that falls is not believed") {
    LogLosses losses;
    CHECK_FALSE(losses.take_changed());
    losses.heard("vrrp", 10, 0, {1});
    CHECK(losses.take_changed());  // a process that is known from here on
    losses.heard("vrrp", 10, 0, {2});
    CHECK_FALSE(losses.take_changed());
    losses.heard("vrrp", 10, 5, {3});
    losses.heard("lvs", 11, 7, {4});
    CHECK(losses.take_changed());
    losses.heard("vrrp", 10, 4, {5});
    losses.heard("vrrp", 10, 5, {6});
    CHECK_FALSE(losses.take_changed());
    losses.heard("vrrp", 12, 0, {7});
    losses.heard("vrrp", 12, 2, {8});
    CHECK(losses.take_changed());
    CHECK(losses.all() == std::vector<report::LogLoss>{{"lvs", 7, {4}}, {"vrrp", 7, {8}}});
}

TEST_CASE("the observer hears of processes and reloads, and its request for traffic goes to lvs" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run(both());
    const auto next_report = [&running](const auto& holds) {
        while (true)
            if (const auto now = running.observer->hear<ipc::SupervisionReport>().now; holds(now)) return now;
    };
    const auto first =
        next_report([](const auto& now) { return std::ranges::all_of(now.processes, &report::ProcessStatus::ready); });
    CHECK(first.since.unix_us > 0);
    CHECK(first.reloads.done + first.reloads.refused == 0);
    std::vector<std::string> roles;
    for (const auto& process : first.processes) roles.push_back(process.role);
    CHECK(roles == std::vector<std::string>{"vrrp", "lvs", "observer"});
    CHECK(first.reloads.last_done.unix_us == 0);

    CHECK(first.reloads.last_changes.empty());

    stage.signal(SIGHUP);
    running.reader->hear<ipc::RoleStartup>();
    ipc::DryRunDone changes{.exit_code = 1, .problem = {}, .lines_left_out = 4};
    changes.lines = std::vector<std::string>(21, "VI_1: priority 100 -> 90\n");  // one more than a reader may send
    running.reader->send(changes);
    stage.send(*running.reader, both());
    take_reload(running, 2);
    const auto done = next_report([](const auto& now) { return now.reloads.done == 1; });
    CHECK(done.reloads.last_changes == std::vector<std::string>(20, "VI_1: priority 100 -> 90 "));
    CHECK(done.reloads.last_changes_left_out == 4);
    CHECK(done.reloads.last_done.unix_us >= first.since.unix_us);

    stage.signal(SIGHUP);
    running.reader->hear<ipc::RoleStartup>();
    running.reader->send(
        ipc::ReadingDone{.exit_code = 2, .summary = std::string(1'001, 'x'), .stays = true, .wants_namespace = {}});
    const auto refused = next_report([](const auto& now) { return now.reloads.refused == 1; });
    CHECK(refused.reloads.done == 1);
    CHECK(refused.reloads.last_done == done.reloads.last_done);
    CHECK(refused.reloads.last_refused.unix_us >= done.reloads.last_done.unix_us);
    CHECK(refused.reloads.last_problem == std::string(1'000, 'x'));

    stage.signal(SIGHUP);
    running.reader->hear<ipc::RoleStartup>();
    running.reader->send(ipc::ReadingDone{.exit_code = 2,
                                          .summary = "x.conf is refused",
                                          .stays = true,
                                          .wants_namespace = {},
                                          .reason = "x.conf:3:1: fatal MS0105: unknown keyword"});
    const auto named = next_report([](const auto& now) { return now.reloads.refused == 2; });
    CHECK(named.reloads.last_problem == "x.conf:3:1: fatal MS0105: unknown keyword");
    stage.until_logged("x.conf is refused: the running configuration stays in use");

    running[Kind::Vrrp].send(ipc::Heartbeat{3});
    const auto lost = next_report([](const auto& now) { return lines_of(now.log_losses, "vrrp") == 3; });
    CHECK(lines_of(lost.log_losses, "supervisor") == 0);
    CHECK(std::ranges::find(lost.log_losses, "vrrp", &report::LogLoss::process)->last.unix_us > first.since.unix_us);

    running.observer->send(ipc::ReadTraffic{});
    running[Kind::Lvs].hear<ipc::ReadTraffic>();

    running[Kind::Lvs].exit(1);
    const auto ended = next_report([](const auto& now) {
        return std::ranges::any_of(now.processes, [](const auto& p) { return p.role == "lvs" && p.ends == 1; });
    });
    CHECK(std::ranges::count(ended.processes, false, &report::ProcessStatus::ready) == 1);
}

TEST_CASE("a failover that a client of the API asks for is carried out where the settings allow it" *
          mainstay::test::kNeedsRoot) {
    for (const bool operate : {false, true}) {
        Stage stage;
        Written written{.needed = {Kind::Vrrp}};
        written.done.api.operate = operate;
        auto running = stage.run(written);
        ipc::InstanceQuestion question;
        question.request = 77;
        question.which = "VI_1";
        question.by = "ana from 192.0.2.7\n";
        question.account = "root";
        running.observer->send(question);
        if (!operate) {
            const auto refused = running.observer->hear<ipc::OperatorAnswered>();
            CHECK(refused.request == 77);
            CHECK(refused.problem == "[api] operate is not set in mainstay.toml");
            continue;
        }
        const auto asked = running[Kind::Vrrp].hear<ipc::InstanceQuestion>();
        CHECK(asked.which == "VI_1");
        CHECK(asked.by == "API: ana from 192.0.2.7 ");
        const auto text = ipc::make_sealed_memfd("text", std::as_bytes(std::span{std::string_view{"outcome"}}));
        REQUIRE(text.has_value());
        running[Kind::Vrrp].send(ipc::OperatorAnswered{asked.request, 1, {}}, text->get());
        const auto answered = running.observer->hear_with_descriptor<ipc::OperatorAnswered>();
        CHECK(std::get<ipc::OperatorAnswered>(answered.message).request == 77);
        CHECK(std::get<ipc::OperatorAnswered>(answered.message).exit_code == 1);
        CHECK(answered.descriptor);
    }
}

TEST_CASE("a level of the log that a client of the API sets is set where the settings allow it" *
          mainstay::test::kNeedsRoot) {
    for (const bool operate : {false, true}) {
        Stage stage;
        Written written{.needed = {Kind::Vrrp}};
        written.done.api.operate = operate;
        auto running = stage.run(written);
        ipc::LogLevelQuestion question;
        question.request = 78;
        question.level = "debug";
        question.by = "ana from 192.0.2.7";
        running.observer->send(question);
        const auto answered = running.observer->hear_with_descriptor<ipc::OperatorAnswered>();
        const auto& done = std::get<ipc::OperatorAnswered>(answered.message);
        CHECK(done.request == 78);
        CHECK(done.problem == (operate ? "" : "[api] operate is not set in mainstay.toml"));
        CHECK(static_cast<bool>(answered.descriptor) == operate);
        if (operate)
            CHECK(running[Kind::Vrrp].hear<ipc::LogLevelOrder>().levels.at(static_cast<std::size_t>(LogModule::Vrrp)) ==
                  LogLevel::Debug);
    }
}

TEST_CASE("an operator sets the level of a module, and every process gets all levels" * mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run({.needed = {Kind::Vrrp, Kind::Lvs}});
    ipc::LogLevelQuestion question;
    question.module = "lvs";
    question.level = "debug";
    question.account = "alice\n";
    const auto done = answer<ipc::OperatorAnswered>(stage.ask(question));
    REQUIRE(done);
    CHECK(done->exit_code == 0);
    CHECK(done->problem.empty());
    const auto order = running[Kind::Lvs].hear<ipc::LogLevelOrder>();
    CHECK(level_of(order.levels, LogModule::Lvs, LogLevel::Info) == LogLevel::Debug);
    CHECK(level_of(order.levels, LogModule::Vrrp, LogLevel::Info) == LogLevel::Info);
    stage.until_logged("log levels changed until the daemon restarts (alice : uid 0");
    stage.until_logged("lvs: info -> debug");
    question.level = "loud";
    CHECK(answer<ipc::OperatorAnswered>(stage.ask(question))->problem ==
          "\"loud\" is no level: there are debug, info, notice, warning, error and default");
}
