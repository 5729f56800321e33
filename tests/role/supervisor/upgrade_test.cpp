// What stays of a running supervisor when another program takes its place, or cannot.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
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
namespace fs = std::filesystem;

namespace {

// The client of an upgrade to mainstayd-next, whose trial has begun.
struct Begun {
    UniqueFd client;
    Played& trial;
};

Begun begin_upgrade(Stage& stage) {
    auto client = stage.ask(ipc::Upgrade{stage.at("mainstayd-next")});
    auto& trial = stage.started("mainstayd-next");
    trial.hear<ipc::UpgradeTrial>();
    return {std::move(client), trial};
}

void allow(Played& trial) {
    trial.send(ipc::UpgradeChecked{{}, "9"});
    trial.exit(0);
}

// An upgrade whose trial went well and whose new program runs.
Begun resumed_upgrade(Stage& stage) {
    auto upgrade = begin_upgrade(stage);
    allow(upgrade.trial);
    stage.until_logged("state resumed from version ");
    return upgrade;
}

// The successor of this role, which loads its configuration and waits for the end of the old process.
Played& prepared_successor(Stage& stage, const char* program, Played& old) {
    auto* successor = &stage.started(program);
    while (!successor->hear<ipc::RoleStartup>().spare || successor->is_gone()) successor = &stage.started(program);
    successor->hear<ipc::Prepare>();
    successor->send(ipc::Prepared{1, {}});
    old.hear<ipc::Retire>();
    return *successor;
}

Played& replace(Stage& stage, const char* program, Played& old) {
    auto& successor = prepared_successor(stage, program, old);
    old.exit(0);
    successor.hear<ipc::Commit>();
    successor.send(ipc::Committed{1});
    return successor;
}

std::string shown_to(const UniqueFd& client) {
    const auto got = next_received(client.get(), std::chrono::seconds{20});
    REQUIRE(got);
    return text_of(got->descriptor);
}

std::string read_from(int file) {
    std::array<char, 100> bytes{};
    const auto got = ::read(file, bytes.data(), bytes.size());
    return got < 0 ? "" : std::string{bytes.data(), static_cast<std::size_t>(got)};
}

Written of_both(const Stage& stage) {
    Written written{.needed = {Kind::Vrrp, Kind::Lvs}};
    written.host.fifos = {{ipc::FifoPlan::Lines::All, stage.at("fifo"), 0, 0, {}}};
    written.host.fifo_names = ipc::FifoSubjects{{"VI_1"}, {}, {}};
    written.scripts["vrrp_script/chk"] = {
        .argv = {"sh", "-c", "until [ -e " + stage.at("go") + " ]; do sleep 0.02; done; exit 4", "sh"},
        .path = "/bin/sh",
        .uid = 0,
        .gid = 0,
        .timeout = Micros{0},
        .groups = {},
        .requested_by = alert::Requester::Vrrp};
    return written;
}

}  // namespace

TEST_CASE("maintenance, levels of the log, FIFOs, known servers and running scripts outlive an upgrade" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run(of_both(stage));
    ipc::LogLevelQuestion level;
    level.module = "vrrp";
    level.level = "debug";
    CHECK(shown_to(stage.ask(level)) == "vrrp       debug (default: info)\n");
    const auto waits = stage.ask(maintenance(Verb::MaintenanceOn));
    const auto order = running[Kind::Vrrp].hear<ipc::MaintenanceOrder>();
    auto known = ipc::make_sealed_memfd("known", std::as_bytes(std::span{std::string_view{"what it knows"}}));
    running[Kind::Lvs].send(ipc::DiscoveryMemory{}, known->get());
    stage.until([&] { return stage.text("state/discovered") == "what it knows"; }, "the file");
    running[Kind::Vrrp].send(ipc::RunScript{7, "vrrp_script/chk", "", {}});
    const UniqueFd fifo{::open(stage.at("fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
    running[Kind::Vrrp].send(ipc::FifoLine{"INSTANCE \"VI_1\" MASTER 100\n"});
    stage.until([&] { return read_from(fifo.get()) == "INSTANCE \"VI_1\" MASTER 100\n"; }, "the line");

    auto upgrade = begin_upgrade(stage);
    allow(upgrade.trial);
    CHECK(answer<ipc::OperatorAnswered>(waits)->problem ==
          "the daemon is being upgraded; see `mainstayctl status` for the outcome");
    stage.until_logged("state resumed from version ");
    auto& observer = replace(stage, "mainstayd-obs", *running.observer);
    auto& lvs = replace(stage, "mainstayd-lvs", running[Kind::Lvs]);
    auto& vrrp = replace(stage, "mainstayd-vrrp", running[Kind::Vrrp]);
    CHECK(answer<ipc::UpgradeDone>(upgrade.client)->roles == 3);
    CHECK_FALSE(observer.is_gone());
    CHECK(std::ranges::count(lvs.passed, "MaintenanceOrder") == 1);
    CHECK(std::ranges::count(lvs.passed, "DiscoveryMemory") == 1);
    CHECK(std::ranges::count(vrrp.passed, "MaintenanceOrder") == 1);

    CHECK(shown_to(stage.ask(maintenance(Verb::MaintenanceShow)))
              .ends_with(", until it is ended, by " + order.by + "\n"));
    level.level.clear();
    CHECK(shown_to(stage.ask(level)) == "vrrp       debug (default: info)\n");
    vrrp.send(ipc::FifoLine{"INSTANCE \"VI_1\" BACKUP 100\n"});
    stage.until([&] { return read_from(fifo.get()) == "INSTANCE \"VI_1\" BACKUP 100\n"; }, "the next line");
    std::ofstream{stage.at("go")} << "";
    const auto results = vrrp.hear<ipc::ScriptResults>().results;
    REQUIRE(results.size() == 1);
    CHECK(results[0].request == 7);
    CHECK(results[0].status == 4);
    Stage::Running now{.reader = nullptr, .observer = &observer, .roles = {{Kind::Vrrp, &vrrp}, {Kind::Lvs, &lvs}}};
    CHECK(stage.stop(now) == 0);
    CHECK_FALSE(fs::exists(stage.at("fifo")));
    CHECK_FALSE(fs::exists(stage.at("run/mainstayd.pid")));
}

TEST_CASE("a daemon whose new program cannot be executed goes on, and says so to its client" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    auto& spare = stage.started("mainstayd-vrrp");
    spare.hear<ipc::Prepare>();
    auto upgrade = begin_upgrade(stage);
    fs::remove(stage.at("mainstayd-next"));
    allow(upgrade.trial);
    const auto done = answer<ipc::UpgradeDone>(upgrade.client);
    REQUIRE(done);
    CHECK(done->problem.find("No such file or directory") != std::string::npos);
    CHECK(done->roles == 0);
    CHECK(stage.logged("upgrade refused (" + done->problem + "): the running program continues") == 1);
    CHECK_FALSE(running[Kind::Vrrp].is_gone());
    spare.until_gone();
    running.reader->until_gone();
    auto& next = stage.started("mainstayd-vrrp");  // another spare
    CHECK(next.hear<ipc::RoleStartup>().spare);
    stage.signal(SIGHUP);
    running.reader = &stage.started("mainstayd-read");
    running.reader->hear<ipc::RoleStartup>();
    stage.send(*running.reader, {});
    CHECK(running[Kind::Vrrp].hear<ipc::Prepare>().generation == 2);
}

TEST_CASE("a signal that comes just before the new program takes over is heard by that" * mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    auto upgrade = begin_upgrade(stage);
    stage.signal(SIGSTOP);
    allow(upgrade.trial);
    const auto is_zombie = [&] {
        std::ifstream state{"/proc/" + std::to_string(upgrade.trial.pid) + "/stat"};
        return std::string{std::istreambuf_iterator<char>{state}, {}}.find(") Z ") != std::string::npos;
    };
    stage.until(is_zombie, "the end of the trial");
    stage.signal(SIGRTMAX - 1);  // it comes after CHLD, at which the upgrade goes on
    stage.signal(SIGCONT);
    stage.until_logged("state resumed from version ");
    stage.until_logged("Printing and clearing VRRP stats on signal");
    replace(stage, "mainstayd-obs", *running.observer);
}

TEST_CASE("a role whose successor dies is not replaced, which the client hears, and the others are" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    auto upgrade = resumed_upgrade(stage);
    auto& observer = replace(stage, "mainstayd-obs", *running.observer);
    auto* successor = &stage.started("mainstayd-vrrp");
    while (!successor->hear<ipc::RoleStartup>().spare || successor->is_gone())
        successor = &stage.started("mainstayd-vrrp");
    successor->hear<ipc::Prepare>();
    CHECK(observer.hears_none<ipc::SupervisionReport>());  // which one of the version before might not know
    stage.signal(SIGHUP);
    stage.until_logged("Reload already in progress, request queued");
    successor->send(ipc::Prepared{1, "no memory"});
    const auto done = answer<ipc::UpgradeDone>(upgrade.client);
    REQUIRE(done);
    CHECK(done->problem == "VRRP: no memory");
    CHECK(done->roles == 1);
    CHECK_FALSE(running[Kind::Vrrp].is_gone());
    observer.hear<ipc::SupervisionReport>();
    stage.started("mainstayd-read").hear<ipc::RoleStartup>();  // the reload, now
}

TEST_CASE("maintenance that was ended does not come back with an upgrade when its file could not be removed" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    const auto begin = stage.ask(maintenance(Verb::MaintenanceOn));
    CHECK(running[Kind::Vrrp].hear<ipc::MaintenanceOrder>().on);
    fs::copy_file(stage.at("state/maintenance"), stage.at("kept"));
    const auto end = stage.ask(maintenance(Verb::MaintenanceOff));
    CHECK_FALSE(running[Kind::Vrrp].hear<ipc::MaintenanceOrder>().on);
    fs::copy_file(stage.at("kept"), stage.at("state/maintenance"));
    auto upgrade = resumed_upgrade(stage);
    CHECK(stage.logged("this director is in maintenance") == 0);
    CHECK_FALSE(fs::exists(stage.at("state/maintenance")));
}

TEST_CASE("an operator who asks for an upgrade while one is under way is refused" * mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    auto upgrade = resumed_upgrade(stage);
    CHECK(answer<ipc::UpgradeDone>(stage.ask(ipc::Upgrade{stage.at("mainstayd-next")}))->problem ==
          "the daemon is starting, stopping, reloading or being upgraded: try again");
    CHECK_FALSE(running[Kind::Vrrp].is_gone());
}

TEST_CASE("a stop in an upgrade removes what a role has left that had ended for its successor" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    auto upgrade = resumed_upgrade(stage);
    auto& observer = replace(stage, "mainstayd-obs", *running.observer);
    auto& successor = prepared_successor(stage, "mainstayd-vrrp", running[Kind::Vrrp]);
    stage.signal(SIGTERM);
    successor.until_gone();
    running[Kind::Vrrp].exit(0);
    auto& again = stage.started("mainstayd-vrrp");
    CHECK(again.hear<ipc::Prepare>().generation == 1);
    again.send(ipc::Prepared{1, {}});
    again.hear<ipc::Commit>();
    again.send(ipc::Committed{1});
    again.hear<ipc::Stop>();
    again.exit(0);
    observer.hear<ipc::Stop>();
    observer.exit(0);
    CHECK(stage.exit_code() == 0);
    CHECK(stage.logged("ended for its successor in the upgrade: another one removes what it has left") == 1);
}

TEST_CASE("a stop in an upgrade kills a role that hangs instead of ending for its successor" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    auto upgrade = resumed_upgrade(stage);
    auto& observer = replace(stage, "mainstayd-obs", *running.observer);
    prepared_successor(stage, "mainstayd-vrrp", running[Kind::Vrrp]);
    stage.signal(SIGTERM);
    running[Kind::Vrrp].until_gone();
    auto& again = stage.started("mainstayd-vrrp");
    Stage::take_configuration(again, 1);
    again.hear<ipc::Stop>();
    again.exit(0);
    CHECK(stage.logged("failed to stop within 2.8 s - forcing termination") == 1);
    observer.hear<ipc::Stop>();
    observer.exit(0);
    CHECK(stage.exit_code() == 0);
}
