// A supervisor for whose work there is no memory at some moment (stage_main.cpp plants that), from its start to its
// stop.
#include <csignal>
#include <string>

#include "../../needs.hpp"
#include "written.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;

namespace {

constexpr const char* kNoMemory = "std::bad_alloc";

Written without_spare() {
    Written written;
    written.done.daemon.without_spare = true;
    return written;
}

// Its table of scripts takes more memory than "fail-large" leaves.
Written too_large() {
    Written written = without_spare();
    written.scripts["vrrp_script/chk"] = script(std::string(2'000'000, 'x'), alert::Requester::Vrrp);
    return written;
}

// What a running supervisor does with a configuration after a trouble: as ever.
void reloads(Stage& stage, Stage::Running& running) {
    stage.reload(running, without_spare());
    for (auto* role : {running.roles.at(Kind::Vrrp), running.observer}) {
        CHECK(role->hear<ipc::Prepare>().generation == 2);
        role->send(ipc::Prepared{2, {}});
    }
    for (auto* role : {running.roles.at(Kind::Vrrp), running.observer}) {
        CHECK(role->hear<ipc::Commit>().generation == 2);
        role->send(ipc::Committed{2});
    }
    stage.until_logged("Reload complete");
}

}  // namespace

TEST_CASE("a start without memory says so and ends with a status" * mainstay::test::kNeedsRoot) {
    Stage stage{{"fail-after=Starting "}};
    CHECK(stage.exit_code() == 1);
    CHECK(stage.logged("cannot start: std::bad_alloc") == 1);
}

TEST_CASE("a first configuration for which there is no memory is refused, and the daemon ends with a status" *
          mainstay::test::kNeedsRoot) {
    Stage stage{{"fail-large"}};
    auto& reader = stage.started("mainstayd-read");
    reader.hear<ipc::RoleStartup>();
    stage.send(reader, too_large());
    CHECK(stage.exit_code() == 1);
    CHECK(stage.logged("reading the configuration caused an error: std::bad_alloc: not started") == 1);
}

TEST_CASE("a reload that cannot begin for lack of memory is refused, and the next one is made" *
          mainstay::test::kNeedsRoot) {
    Stage stage{{"fail-after=Reloading ..."}};
    auto running = stage.run(without_spare());
    const auto client = stage.ask(ipc::Reload{});
    const auto done = answer<ipc::ReloadDone>(client);
    REQUIRE(done);
    CHECK(done->problem == "reading the configuration caused an error: std::bad_alloc");
    CHECK(stage.logged(done->problem + ": the running configuration stays in use") == 1);
    CHECK_FALSE(running[Kind::Vrrp].is_gone());
    reloads(stage, running);
    CHECK(stage.stop(running) == 0);
}

TEST_CASE("a new configuration for which there is no memory is refused, and the next one is taken" *
          mainstay::test::kNeedsRoot) {
    Stage stage{{"fail-large"}};
    auto running = stage.run(without_spare());
    stage.reload(running, too_large());
    stage.until_logged(
        "reading the configuration caused an error: std::bad_alloc: the running configuration stays in use");
    CHECK(running[Kind::Vrrp].hears_none<ipc::Prepare>());
    reloads(stage, running);
    CHECK(stage.stop(running) == 0);
}

TEST_CASE("an upgrade for which there is no memory is refused, and the running program goes on" *
          mainstay::test::kNeedsRoot) {
    Stage stage{{"fail-after=executing "}};
    auto running = stage.run(without_spare());
    const auto client = stage.ask(ipc::Upgrade{stage.at("mainstayd-next")});
    auto& trial = stage.started("mainstayd-next");
    trial.hear<ipc::UpgradeTrial>();
    trial.send(ipc::UpgradeChecked{{}, "9"});
    trial.exit(0);
    const auto done = answer<ipc::UpgradeDone>(client);
    REQUIRE(done);
    CHECK(done->problem == kNoMemory);
    CHECK(stage.logged("upgrade refused (std::bad_alloc): the running program continues") == 1);
    CHECK_FALSE(running[Kind::Vrrp].is_gone());
    stage.signal(SIGHUP);
    running.reader = &stage.started("mainstayd-read");  // the one before went for the upgrade
    running.reader->hear<ipc::RoleStartup>();
    CHECK(stage.stop(running) == 0);
}

TEST_CASE("a new program that cannot take over lets go of the roles and starts anew" * mainstay::test::kNeedsRoot) {
    Stage stage{{"fail-adopting"}};
    auto running = stage.run(without_spare());
    const auto client = stage.ask(ipc::Upgrade{stage.at("mainstayd-next")});
    auto& trial = stage.started("mainstayd-next");
    trial.hear<ipc::UpgradeTrial>();
    trial.send(ipc::UpgradeChecked{{}, "9"});
    trial.exit(0);
    CHECK_FALSE(answer<ipc::UpgradeDone>(client));
    stage.until_logged("starting without the state of the program before the upgrade");
    CHECK(stage.logged("cannot start: std::bad_alloc") == 1);
    auto again = stage.run(without_spare());
    CHECK_FALSE(running[Kind::Vrrp].try_say(ipc::Heartbeat{}));  // its line is closed: a role resigns then
    CHECK_FALSE(running.observer->try_say(ipc::Heartbeat{}));
    CHECK(stage.stop(again) == 0);
}

TEST_CASE("a role that dies while memory lacks is started again, and signals are heard" * mainstay::test::kNeedsRoot) {
    Stage stage{{"fail-after=died: Respawning", "fail-often"}};
    auto running = stage.run(without_spare());
    running[Kind::Vrrp].exit(1);
    auto& again = stage.started("mainstayd-vrrp");
    CHECK(again.hear<ipc::RoleStartup>().restarted);
    Stage::take_configuration(again, 1);
    running.roles[Kind::Vrrp] = &again;
    CHECK(stage.stop(running) == 0);
}

TEST_CASE("an observer that dies while memory lacks is started again" * mainstay::test::kNeedsRoot) {
    Stage stage{{"fail-after=died: Respawning"}};
    auto running = stage.run(without_spare());
    running.observer->exit(1);
    auto& again = stage.started("mainstayd-obs");
    again.hear<ipc::RoleStartup>();
    Stage::take_configuration(again, 1);
    running.observer = &again;
    CHECK(stage.stop(running) == 0);
}

TEST_CASE("a stop during which memory lacks ends, with each role's death or its stop" * mainstay::test::kNeedsRoot) {
    Stage stage{{"fail-after=Stopping"}};
    auto running = stage.run(without_spare());
    stage.signal(SIGTERM);
    running[Kind::Vrrp].until_gone();  // it was not asked to stop; another process takes over what it held, and stops
    auto& again = stage.started("mainstayd-vrrp");
    CHECK(again.hear<ipc::RoleStartup>().restarted);
    Stage::take_configuration(again, 1);
    again.hear<ipc::Stop>();
    again.exit(0);
    running.observer->hear<ipc::Stop>();
    running.observer->exit(0);
    CHECK(stage.exit_code() == 0);
}
