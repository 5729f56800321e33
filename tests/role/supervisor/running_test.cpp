// The supervisor from its start to its stop, with programs that the test plays (stage.hpp).
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "../../needs.hpp"
#include "mainstay/ipc/shared.hpp"
#include "mainstay/kernel/clock.hpp"
#include "stage.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using Kinds = std::set<Kind>;
using Texts = std::vector<std::string>;
namespace fs = std::filesystem;

namespace {

ipc::ReadingDone refused(std::int32_t exit_code, const std::string& summary) {
    ipc::ReadingDone done;
    done.exit_code = exit_code;
    done.summary = summary;
    return done;
}

}  // namespace

TEST_CASE("the start reads the configuration, starts its roles, then the observer, and the stop ends them in turn" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto& reader = stage.started("mainstayd-read");
    const auto orders = reader.hear<ipc::RoleStartup>();
    CHECK(orders.config_path == stage.at("ha.conf"));
    CHECK(orders.user == "root");
    CHECK(orders.run_vrrp);
    CHECK_FALSE(orders.check_first);
    CHECK(reader.passed.empty());
    CHECK_FALSE(fs::exists(stage.at("run/mainstayd.pid")));
    stage.send(reader, {.needed = {Kind::Vrrp, Kind::Lvs}});

    auto &vrrp = stage.started("mainstayd-vrrp"), &lvs = stage.started("mainstayd-lvs");
    CHECK(stage.text("run/mainstayd.pid") == std::to_string(stage.pid()) + "\n");
    CHECK(fs::exists(stage.at("spool")));
    const auto startup = vrrp.hear<ipc::RoleStartup>();
    CHECK_FALSE(startup.restarted);
    CHECK_FALSE(startup.spare);
    CHECK(startup.log_ident == "mainstayd-vrrp");
    CHECK(startup.process_name == "mainstayd-vrrp");
    CHECK(startup.control_socket == stage.at("run/control.sock"));
    CHECK(startup.spool_directory == stage.at("spool"));
    CHECK_FALSE(startup.may_schedule);
    CHECK_FALSE(startup.has_ipvs_namespace);
    stage.take_configuration(vrrp, 1);
    CHECK(lvs.hear<ipc::RoleStartup>().log_ident == "mainstayd-lvs");
    CHECK(stage.logged("Startup complete") == 0);
    stage.take_configuration(lvs, 1);
    stage.until_logged("Startup complete");
    CHECK(stage.text("run/vrrp.pid") == std::to_string(vrrp.pid) + "\n");
    CHECK(stage.text("run/lvs.pid") == std::to_string(lvs.pid) + "\n");
    CHECK(vrrp.passed == Texts{"PeerChannel"});
    CHECK(lvs.passed == Texts{"PeerChannel"});
    auto& observer = stage.started("mainstayd-obs");
    observer.hear<ipc::RoleStartup>();
    stage.take_configuration(observer, 1);

    stage.signal(SIGTERM);
    vrrp.hear<ipc::Stop>();
    lvs.hear<ipc::Stop>();
    CHECK(observer.hears_none<ipc::Stop>());
    vrrp.exit(0);
    lvs.exit(0);
    observer.hear<ipc::Stop>();
    observer.send(ipc::Stopped{});
    observer.exit(0);
    CHECK(stage.exit_code() == 0);
    CHECK_FALSE(fs::exists(stage.at("run/mainstayd.pid")));
    CHECK_FALSE(fs::exists(stage.at("run/vrrp.pid")));
    CHECK_FALSE(fs::exists(stage.at("run/supervisor.sock")));
    CHECK(stage.logged("Starting VRRP child process, pid=" + std::to_string(vrrp.pid)) == 1);
    CHECK(stage.logged("Stopping\n") == 1);
    CHECK(stage.logged("Stopped mainstay v") == 1);
    CHECK(stage.logged("died") == 0);
}

TEST_CASE("a configuration that cannot run ends the start with the reader's exit code" * mainstay::test::kNeedsRoot) {
    for (const auto& [given, code, option] :
         {std::tuple{2, 2, ", and so does the option -t"}, {6, 6, ", and so does the option -t"}, {0, 1, ""}}) {
        Stage stage;
        auto& reader = stage.started("mainstayd-read");
        reader.hear<ipc::RoleStartup>();
        reader.send(refused(given, "line 7 is wrong"));
        CHECK(stage.exit_code() == code);
        CHECK(stage.logged("line 7 is wrong: not started") == 1);
        CHECK(stage.text("start") ==
              std::to_string(code) + " 'line 7 is wrong: not started; the log says why" + option + "'\n");
        CHECK(stage.logged("Stopped") == 0);
        CHECK(stage.logged("Stopping") == 0);
    }
}

TEST_CASE("a reader that dies or sends what it may not ends the start" * mainstay::test::kNeedsRoot) {
    Stage dies, lies;
    auto& dead = dies.started("mainstayd-read");
    dead.hear<ipc::RoleStartup>();
    dead.exit(9);
    CHECK(dies.exit_code() == 1);
    CHECK(dies.logged("the reader died (exit status 9): not started") == 1);
    CHECK(dies.text("start") == "1 'the reader died (exit status 9): not started; the log says why'\n");
    auto& liar = lies.started("mainstayd-read");
    liar.hear<ipc::RoleStartup>();
    liar.send(ipc::Heartbeat{});
    liar.until_gone();
    CHECK(lies.exit_code() == 1);
    CHECK(lies.logged("the reader sent a message Heartbeat, which it may not send: killing it") == 1);
}

TEST_CASE("a table of scripts that cannot be read is no configuration" * mainstay::test::kNeedsRoot) {
    Stage stage;
    auto& reader = stage.started("mainstayd-read");
    reader.hear<ipc::RoleStartup>();
    const auto garbage = ipc::make_sealed_memfd("x", std::as_bytes(std::span{"garbage", 7}));
    reader.send(ipc::Snapshot{ipc::Snapshot::For::Scripts, true}, garbage->get());
    ipc::ReadingDone done;
    done.can_run = true;
    reader.send(done);
    CHECK(stage.exit_code() == 1);
    CHECK(stage.logged("the script table cannot be read: ") == 1);
}

TEST_CASE("a role that refuses the first configuration ends the start with keepalived's code" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto& reader = stage.started("mainstayd-read");
    reader.hear<ipc::RoleStartup>();
    stage.send(reader, {});
    auto& vrrp = stage.started("mainstayd-vrrp");
    vrrp.hear<ipc::Prepare>();
    vrrp.send(ipc::Prepared{1, "no such interface"});
    vrrp.hear<ipc::Stop>();
    vrrp.exit(0);
    CHECK(stage.exit_code() == 2);
    CHECK(stage.logged("mainstayd-vrrp: the configuration is refused: no such interface") == 1);
}

TEST_CASE("a role that ends with a permanent error before it ever ran ends the daemon with that code" *
          mainstay::test::kNeedsRoot) {
    for (const int code : {2, 4}) {
        Stage stage;
        auto& reader = stage.started("mainstayd-read");
        reader.hear<ipc::RoleStartup>();
        stage.send(reader, {});
        stage.started("mainstayd-vrrp").exit(code);
        CHECK(stage.exit_code() == code);
        CHECK(stage.logged("exited with permanent error exit status " + std::to_string(code) + ". Terminating") == 1);
    }
}

TEST_CASE("a role that died and ran before is started again, and resumes, whatever its code" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    const int first = running[Kind::Vrrp].pid;
    running[Kind::Vrrp].exit(2);
    auto& again = stage.started("mainstayd-vrrp");
    const auto startup = again.hear<ipc::RoleStartup>();
    CHECK(startup.restarted);
    CHECK_FALSE(startup.spare);
    stage.take_configuration(again, 1);
    stage.until_logged("VRRP child process(" + std::to_string(first) + ") died: Respawning (exit status 2, at once)");
    CHECK(stage.text("run/vrrp.pid") == std::to_string(again.pid) + "\n");
    again.exit(5);
    stage.until_logged("died: Respawning (exit status 5: out of memory, in 1 s)");
    auto& third = stage.started("mainstayd-vrrp");
    stage.take_configuration(third, 1);
    running.roles[Kind::Vrrp] = &third;
    CHECK(stage.stop(running) == 0);
}

TEST_CASE("while the next vrrp process has to wait, another program gets its configuration to remove the addresses" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    running[Kind::Vrrp].exit(1);
    auto& second = stage.started("mainstayd-vrrp");
    CHECK(stage.starts_none("mainstayd-yield"));
    second.exit(1);

    auto& yield = stage.started("mainstayd-yield");
    CHECK(std::stoi(yield.arguments) >= 150);  // since the first one died, which starts_none() has waited for
    const auto startup = yield.hear<ipc::RoleStartup>();
    CHECK(startup.process_name == "mainstayd-yield");
    CHECK(yield.hear<ipc::Prepare>().generation == 1);
    yield.send(ipc::Prepared{1, {}});
    CHECK(yield.hear<ipc::Commit>().generation == 1);

    auto& third = stage.started("mainstayd-vrrp");
    yield.until_gone();
    third.exit(1);
    stage.started("mainstayd-yield").exit(3);
    stage.until_logged("virtual addresses may have stayed on this host while no VRRP process runs: exit status 3");
    auto& fourth = stage.started("mainstayd-vrrp");
    CHECK(fourth.hear<ipc::RoleStartup>().restarted);
    stage.take_configuration(fourth, 1);
    CHECK(stage.logged("may have stayed") == 1);
}

TEST_CASE("a daemon that may not respawn ends with its role" * mainstay::test::kNeedsRoot) {
    Stage stage{{"no-respawn"}};
    auto running = stage.run();
    running[Kind::Vrrp].exit(7);
    auto& last = stage.started("mainstayd-vrrp");  // it puts the addresses away
    stage.take_configuration(last, 1);
    last.hear<ipc::Stop>();
    last.exit(0);
    running.observer->hear<ipc::Stop>();
    running.observer->exit(0);
    CHECK(stage.exit_code() == 7);
    CHECK(stage.logged("exited with permanent error exit status 7. Terminating") == 1);
}

TEST_CASE("the vrrp role has a spare, which takes its place at once when it dies" * mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run({.needed = {Kind::Vrrp, Kind::Lvs}});
    auto& spare = stage.started("mainstayd-vrrp");
    CHECK(spare.hear<ipc::RoleStartup>().spare);
    CHECK(spare.hear<ipc::Prepare>().generation == 1);
    CHECK(stage.starts_none("mainstayd-lvs"));
    spare.send(ipc::Heartbeat{});
    spare.send(ipc::Prepared{1, {}});
    ::kill(running[Kind::Vrrp].pid, SIGSEGV);
    CHECK(spare.hear<ipc::Commit>().generation == 1);
    CHECK(std::ranges::count(spare.passed, "PeerChannel") == 1);
    spare.send(ipc::Committed{1});
    stage.until_logged("(signal 11, at once)");
    stage.until([&] { return stage.text("run/vrrp.pid") == std::to_string(spare.pid) + "\n"; }, "the pid file");
    CHECK(stage.logged("Starting VRRP child process, pid=" + std::to_string(spare.pid)) == 1);
    auto& next = stage.started("mainstayd-vrrp");
    CHECK(next.hear<ipc::RoleStartup>().spare);
    running.roles[Kind::Vrrp] = &spare;
    CHECK(stage.stop(running) == 0);
    next.until_gone();
}

TEST_CASE("a spare that refuses its configuration is replaced, one that keeps dying is not" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    auto& refuses = stage.started("mainstayd-vrrp");
    refuses.hear<ipc::Prepare>();
    refuses.send(ipc::Prepared{1, "no memory"});
    refuses.until_gone();
    stage.started("mainstayd-vrrp").exit(1);
    stage.until_logged("the spare VRRP process died");
    CHECK_FALSE(running[Kind::Vrrp].is_gone());
    CHECK(stage.stop(running) == 0);
    CHECK(stage.logged("the spare VRRP process died") == 1);
}

TEST_CASE("a spare that sends what it may not is killed, and the role goes on" * mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    auto& lies = stage.started("mainstayd-vrrp");
    lies.hear<ipc::Prepare>();
    lies.send(ipc::Committed{1});
    lies.until_gone();
    stage.until_logged("VRRP process(" + std::to_string(lies.pid) +
                       ") sent a message Committed, which it may not send: killing it (offence 1 of this role)");
    CHECK_FALSE(running[Kind::Vrrp].is_gone());
    CHECK(stage.stop(running) == 0);
}

TEST_CASE("the stop of a daemon whose role has just died puts its addresses away with a new process" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    running[Kind::Vrrp].exit(1);
    auto& second = stage.started("mainstayd-vrrp");
    stage.take_configuration(second, 1);
    second.exit(1);
    stage.until_logged("in 1 s)");
    stage.signal(SIGTERM);
    auto& last = stage.started("mainstayd-vrrp");
    CHECK(last.hear<ipc::RoleStartup>().restarted);
    last.hear<ipc::Prepare>();
    CHECK(last.hears_none<ipc::Stop>());
    last.send(ipc::Prepared{1, {}});
    last.hear<ipc::Commit>();
    last.send(ipc::Committed{1});
    last.hear<ipc::Stop>();
    last.exit(0);
    running.observer->hear<ipc::Stop>();
    running.observer->exit(0);
    CHECK(stage.exit_code() == 0);
}

TEST_CASE("a role that does not stop in its time is killed, and another process does what it left undone" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    Written written{.needed = {Kind::Vrrp, Kind::Bfd}};
    written.done.daemon.child_wait_seconds = 1;
    auto running = stage.run(written);
    CHECK(running[Kind::Bfd].passed == Texts{"PeerChannel"});
    stage.signal(SIGINT);
    running[Kind::Bfd].hear<ipc::Stop>();
    running[Kind::Bfd].exit(0);
    running[Kind::Vrrp].hear<ipc::Stop>();
    running[Kind::Vrrp].until_gone();
    auto& other = stage.started("mainstayd-vrrp");
    CHECK(other.hear<ipc::RoleStartup>().restarted);
    stage.take_configuration(other, 1);
    other.hear<ipc::Stop>();
    other.exit(0);
    running.observer->hear<ipc::Stop>();
    running.observer->exit(0);
    CHECK(stage.exit_code() == 0);
    CHECK(stage.logged("VRRP process(" + std::to_string(running[Kind::Vrrp].pid) +
                       ") failed to stop within 1 s - forcing termination") == 1);
    CHECK(stage.logged("BFD process") == 0);
}

TEST_CASE("a role that is silent for ten seconds is killed and started again, one that has a heartbeat is not" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run({.needed = {Kind::Lvs}});
    const auto& lvs = running[Kind::Lvs];
    Instant last{};
    stage.until(
        [&] {
            const Instant now = kernel::monotonic_now();
            if (now - last > std::chrono::milliseconds{500}) {  // as a role does, and below the limit of its messages
                running.observer->send(ipc::Heartbeat{});
                last = now;
            }
            return lvs.is_gone();
        },
        "the end of the silent role");
    stage.until_logged("Healthcheck process(" + std::to_string(lvs.pid) + ") has been silent for 10 s: killing it");
    CHECK_FALSE(running.observer->is_gone());
    CHECK(stage.started("mainstayd-lvs").hear<ipc::RoleStartup>().restarted);
}

TEST_CASE("a second daemon in the same folder leaves the first one alone, and says so with an exit code of its own" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    CHECK(stage.text("start") == "0 ''\n");
    const int second = ::fork();
    if (second == 0) {
        const std::string path = stage.at("mainstayd");
        ::execl(path.c_str(), "mainstayd", nullptr);
        ::_exit(127);
    }
    auto& reader = stage.started("mainstayd-read");
    reader.hear<ipc::RoleStartup>();
    stage.send(reader, {});
    int status = -1;
    stage.until([&] { return ::waitpid(second, &status, WNOHANG) == second; }, "the end of the second daemon");
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 3);
    CHECK(stage.logged("daemon is already running: " + stage.at("run/mainstayd.pid")) == 1);
    CHECK(stage.text("start").starts_with("0 ''\n3 'daemon is already running: " + stage.at("run/mainstayd.pid")));
    CHECK(stage.text("run/mainstayd.pid") == std::to_string(stage.pid()) + "\n");
    CHECK(stage.stop(running) == 0);
}

TEST_CASE("a role that is switched off, or not needed, is not started; without any there is a warning" *
          mainstay::test::kNeedsRoot) {
    Stage stage{{"no-lvs"}};
    auto running = stage.run({.needed = {Kind::Vrrp}});
    CHECK(stage.starts_none("mainstayd-lvs"));
    CHECK(stage.logged("has no configuration to run") == 0);
    stage.reload(running, {.needed = {Kind::Lvs}});
    CHECK(running[Kind::Vrrp].hear<ipc::Prepare>().generation == 2);
    running[Kind::Vrrp].send(ipc::Prepared{2, {}});
    running.observer->send(ipc::Prepared{2, {}});
    stage.until_logged("Warning - mainstay has no configuration to run");
    CHECK(stage.starts_none("mainstayd-lvs"));
    CHECK(stage.stop(running) == 0);
}

TEST_CASE("startup_script runs before the roles start, shutdown_script when they are gone, and bad ends are named" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    const auto script = [&](const std::string& text) {
        return alert::ScriptEntry{.argv = {"sh", "-c", text},
                                  .path = "/bin/sh",
                                  .uid = 0,
                                  .gid = 0,
                                  .timeout = Micros{0},
                                  .groups = {},
                                  .requested_by = alert::Requester::Supervisor};
    };
    Written written;
    written.scripts["startup_script"] = script("echo began >" + stage.at("began") + "; until [ -e " + stage.at("go") +
                                               " ]; do sleep 0.02; done; exit 3");
    written.scripts["shutdown_script"] = script("echo ended >" + stage.at("ended"));
    auto& reader = stage.started("mainstayd-read");
    reader.hear<ipc::RoleStartup>();
    stage.send(reader, written);
    stage.until([&] { return stage.text("began") == "began\n"; }, "the script");
    CHECK(stage.starts_none("mainstayd-vrrp"));
    std::ofstream{stage.at("go")} << "";
    auto& vrrp = stage.started("mainstayd-vrrp");
    stage.take_configuration(vrrp, 1);
    stage.until_logged("Startup complete");
    CHECK(stage.logged("Running startup_script") == 1);
    CHECK(stage.logged("startup_script ended with status 3") == 1);
    auto& observer = stage.started("mainstayd-obs");
    stage.take_configuration(observer, 1);
    stage.signal(SIGTERM);
    vrrp.hear<ipc::Stop>();
    CHECK_FALSE(fs::exists(stage.at("ended")));
    vrrp.exit(0);
    observer.hear<ipc::Stop>();  // the script runs beside the observer's end
    observer.exit(0);
    CHECK(stage.exit_code() == 0);
    CHECK(stage.text("ended") == "ended\n");
    CHECK(stage.logged("shutdown_script ended") == 0);
}

TEST_CASE("a daemon without any role warns of that, and has its observer" * mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run({.needed = {}});
    CHECK(stage.logged("Warning - mainstay has no configuration to run") == 1);
    CHECK(stage.stop(running) == 0);
}

TEST_CASE("a role's pid file is where the command line says; one that cannot be written is a warning" *
          mainstay::test::kNeedsRoot) {
    Stage named{{"named"}}, nowhere{{"named-nowhere"}};
    auto running = named.run();
    CHECK(named.text("own.pid") == std::to_string(running[Kind::Vrrp].pid) + "\n");
    CHECK_FALSE(fs::exists(named.at("run/vrrp.pid")));
    CHECK(named.stop(running) == 0);
    CHECK_FALSE(fs::exists(named.at("own.pid")));
    running = nowhere.run();
    CHECK(nowhere.logged(nowhere.at("no/own.pid")) == 1);
    CHECK(nowhere.stop(running) == 0);
}

TEST_CASE("a role has the right to its class and its memory if the configuration gives it" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    Written written{.needed = {Kind::Vrrp, Kind::Lvs}};
    written.done.daemon.scheduling_roles = {1};
    written.done.daemon.locking_roles = {2};
    written.done.audit_seconds = 33;
    auto& reader = stage.started("mainstayd-read");
    stage.send(reader, written);
    const auto vrrp = stage.started("mainstayd-vrrp").hear<ipc::RoleStartup>();
    const auto lvs = stage.started("mainstayd-lvs").hear<ipc::RoleStartup>();
    CHECK(vrrp.may_schedule);
    CHECK_FALSE(vrrp.may_lock);
    CHECK_FALSE(lvs.may_schedule);
    CHECK(lvs.may_lock);
    CHECK(lvs.audit_seconds == 33);
}

TEST_CASE("SNMP whose program was removed is not started again, with what to install" * mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run({.needed = {Kind::Vrrp, Kind::Snmp}});
    auto& snmp = stage.started("mainstayd-snmp");
    stage.take_configuration(snmp, 1);
    REQUIRE(::unlink(stage.at("mainstayd-snmp").c_str()) == 0);
    snmp.exit(1);
    stage.until_logged(
        "SNMP has no effect: mainstayd-snmp is not installed; install the package mainstay-snmp (a build: "
        "-Dsnmp=enabled)");
    CHECK(stage.stop(running) == 0);
}
