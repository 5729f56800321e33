// Reloads of a supervisor whose programs the test plays.
#include <unistd.h>

#include <array>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <regex>

#include "../../needs.hpp"
#include "mainstay/ipc/shared.hpp"
#include "written.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using Texts = std::vector<std::string>;
namespace fs = std::filesystem;

namespace {

Written refused(const std::string& summary) {
    Written written;
    written.done = {};
    written.done.exit_code = 2;
    written.done.summary = summary;
    written.done.stays = true;
    return written;
}

// The roles' part of a reload that all of them take.
void take(Stage::Running& running, std::uint64_t generation) {
    for (auto& [kind, role] : running.roles) {
        CHECK(role->hear<ipc::Prepare>().generation == generation);
        role->send(ipc::Prepared{generation, {}});
    }
    CHECK(running.observer->hear<ipc::Prepare>().generation == generation);
    running.observer->send(ipc::Prepared{generation, {}});
    for (auto& [kind, role] : running.roles) {
        CHECK(role->hear<ipc::Commit>().generation == generation);
        role->send(ipc::Committed{generation});
    }
    CHECK(running.observer->hear<ipc::Commit>().generation == generation);
    running.observer->send(ipc::Committed{generation});
}

}  // namespace

TEST_CASE("a reload reaches all roles when all are ready, and the reader compares with what runs" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run(both());
    const auto before = running.reader->passed.size();
    stage.signal(SIGHUP);
    for (const auto audience : {ipc::Snapshot::For::Vrrp, ipc::Snapshot::For::Lvs, ipc::Snapshot::For::Observer}) {
        const auto part = running.reader->hear_with_descriptor<ipc::Snapshot>();
        CHECK(std::get<ipc::Snapshot>(part.message).audience == audience);
        CHECK(part.descriptor);
    }
    const auto orders = running.reader->hear<ipc::RoleStartup>();
    CHECK(orders.report == ipc::RoleStartup::DryRunAs::No);
    CHECK_FALSE(orders.force);
    CHECK_FALSE(orders.check_first);
    CHECK(running.reader->passed.size() == before);
    stage.send(*running.reader, both());
    for (auto& [kind, role] : running.roles) CHECK(role->hear_with_descriptor<ipc::Prepare>().descriptor);
    running[Kind::Vrrp].send(ipc::Prepared{2, {}});
    running.observer->send(ipc::Prepared{2, {}});
    CHECK(running[Kind::Vrrp].hears_none<ipc::Commit>());
    running[Kind::Lvs].send(ipc::Prepared{2, {}});
    CHECK(running[Kind::Vrrp].hear<ipc::Commit>().generation == 2);
    CHECK(running[Kind::Lvs].hear<ipc::Commit>().generation == 2);
    for (auto& [kind, role] : running.roles) role->send(ipc::Committed{2});
    stage.until_logged("Reload complete");
    CHECK(stage.logged("Reloading ...") == 1);
    CHECK(stage.stop(running) == 0);
}

TEST_CASE("a configuration that cannot run changes nothing, and its client hears why" * mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    const auto client = stage.ask(ipc::Reload{.force = true});
    const auto orders = running.reader->hear<ipc::RoleStartup>();
    CHECK(orders.force);
    CHECK(orders.report == ipc::RoleStartup::DryRunAs::Text);
    stage.send(*running.reader, refused("line 7 is wrong"));
    CHECK(answer<ipc::ReloadDone>(client)->problem == "line 7 is wrong");
    CHECK(stage.logged("line 7 is wrong: the running configuration stays in use") == 1);
    CHECK(running[Kind::Vrrp].hears_none<ipc::Prepare>());
    stage.reload(running, {});
    take(running, 2);
    stage.until_logged("Reload complete");
    CHECK(stage.stop(running) == 0);
}

TEST_CASE("a role that refuses a configuration has it aborted in all, and the client hears why" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run(both());
    const auto client = stage.ask(ipc::Reload{});
    running.reader->hear<ipc::RoleStartup>();
    stage.send(*running.reader, both());
    running[Kind::Vrrp].hear<ipc::Prepare>();
    running[Kind::Vrrp].send(ipc::Prepared{2, {}});
    running[Kind::Lvs].send(ipc::Prepared{2, "no memory"});
    CHECK(running[Kind::Vrrp].hear<ipc::Abort>().generation == 2);
    CHECK(answer<ipc::ReloadDone>(client)->problem == "mainstayd-lvs refused it: no memory");
    CHECK(stage.logged(
              "reload refused (mainstayd-lvs refused it: no memory): the running configuration stays in use") == 1);
    CHECK(stage.logged("Reload complete") == 0);
}

TEST_CASE("a role that dies while it prepares has the reload begin again, with what it ran, and a second time abort" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run(both());
    stage.reload(running, both());
    running[Kind::Lvs].hear<ipc::Prepare>();
    running[Kind::Lvs].exit(1);
    running[Kind::Vrrp].hear<ipc::Abort>();
    stage.until_logged("Healthcheck process died meanwhile: the reload begins again");
    auto& again = stage.started("mainstayd-lvs");
    CHECK(again.hear<ipc::Prepare>().generation == 1);
    again.send(ipc::Prepared{1, {}});
    again.hear<ipc::Commit>();
    again.send(ipc::Committed{1});
    CHECK(again.hear<ipc::Prepare>().generation == 3);
    again.exit(1);
    CHECK(running[Kind::Vrrp].hear<ipc::Abort>().generation == 3);
    stage.until_logged("reload refused (Healthcheck process died meanwhile): the running configuration stays in use");
}

TEST_CASE("a vrrp process that died before a reload runs what the one before ran first, and then what runs now" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run(both());
    running[Kind::Vrrp].exit(1);
    auto& second = stage.started("mainstayd-vrrp");
    second.hear<ipc::Prepare>();
    second.exit(1);
    stage.until_logged("VRRP child process");
    stage.until_logged("in 1 s)");
    stage.reload(running, both());
    running.roles.erase(Kind::Vrrp);
    take(running, 2);
    stage.until_logged("Reload complete");
    auto& third = stage.started("mainstayd-vrrp");
    CHECK(third.hear<ipc::Prepare>().generation == 1);
    third.send(ipc::Prepared{1, {}});
    CHECK(third.hear<ipc::Commit>().generation == 1);
    third.send(ipc::Committed{1});
    CHECK(third.hear<ipc::Prepare>().generation == 2);
    third.send(ipc::Prepared{2, {}});
    CHECK(third.hear<ipc::Commit>().generation == 2);
}

TEST_CASE("a role that is starting has its configuration before a reload begins" * mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run(both());
    running[Kind::Lvs].exit(1);
    auto& again = stage.started("mainstayd-lvs");
    again.hear<ipc::Prepare>();
    stage.reload(running, both());
    CHECK(running[Kind::Vrrp].hears_none<ipc::Prepare>());
    again.send(ipc::Prepared{1, {}});
    again.hear<ipc::Commit>();
    again.send(ipc::Committed{1});
    running.roles[Kind::Lvs] = &again;
    take(running, 2);
    stage.until_logged("Reload complete");
}

TEST_CASE("requests that come during a reload are one further reload" * mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    stage.signal(SIGHUP);
    running.reader->hear<ipc::RoleStartup>();
    stage.signal(SIGHUP);
    stage.until_logged("Reload already in progress, request queued");
    const auto client = stage.ask(ipc::Reload{.as_json = true});
    stage.until_logged("Reload already in progress, request queued", 2);
    stage.send(*running.reader, {});
    take(running, 2);
    CHECK(running.reader->hear<ipc::RoleStartup>().report == ipc::RoleStartup::DryRunAs::Json);
    stage.send(*running.reader, {});
    take(running, 3);
    CHECK(answer<ipc::ReloadDone>(client)->problem.empty());
    stage.until_logged("Reload complete", 2);
    CHECK(running.reader->hears_none<ipc::RoleStartup>());
}

TEST_CASE("what only a restart can change has the reload refused" * mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    Written other;
    other.done.daemon.instance = "a";
    stage.reload(running, other);
    stage.until_logged("Cannot change instance name at a reload - please restart mainstay");
    stage.until_logged(
        "the new configuration is refused: a reload cannot change the instance name: the running configuration stays");
    CHECK(running[Kind::Vrrp].hears_none<ipc::Prepare>());
    Written elsewhere;
    elsewhere.done.wants_namespace = "blue";
    stage.reload(running, elsewhere);
    stage.until_logged("Cannot change network namespace at a reload - please restart mainstay");
    CHECK(running.reader->hears_none<ipc::RoleStartup>());
}

TEST_CASE("a reload starts a role that comes with it, and lets go the spare of one that goes" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    auto& spare = stage.started("mainstayd-vrrp");
    spare.hear<ipc::Prepare>();
    spare.send(ipc::Prepared{1, {}});
    stage.reload(running, {.needed = {Kind::Lvs}});
    take(running, 2);
    auto& lvs = stage.started("mainstayd-lvs");
    lvs.hear<ipc::RoleStartup>();
    stage.take_configuration(lvs, 2);
    spare.until_gone();
}

TEST_CASE("the spare loads the configuration of a reload" * mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    auto& spare = stage.started("mainstayd-vrrp");
    spare.hear<ipc::Prepare>();
    spare.send(ipc::Prepared{1, {}});
    stage.reload(running, {});
    take(running, 2);
    CHECK(spare.hear<ipc::Prepare>().generation == 2);
    CHECK_FALSE(spare.is_gone());
}

TEST_CASE("a reader that dies at a reload, and one that does not stay, are replaced by another one" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    stage.signal(SIGHUP);
    running.reader->hear<ipc::RoleStartup>();
    running.reader->exit(3);
    stage.until_logged("the reader died (exit status 3): the running configuration stays in use");
    stage.signal(SIGHUP);
    running.reader = &stage.started("mainstayd-read");
    running.reader->hear<ipc::RoleStartup>();
    Written leaves;
    leaves.done.stays = false;
    stage.send(*running.reader, leaves);
    running.reader->exit(0);
    take(running, 2);
    stage.signal(SIGHUP);
    running.reader = &stage.started("mainstayd-read");
    running.reader->hear<ipc::RoleStartup>();
}

TEST_CASE("a marker stands while the configuration is read, if the file asks for it" * mainstay::test::kNeedsRoot) {
    Stage stage;
    Written written;
    written.done.daemon.has_reload_file = true;
    auto running = stage.run(written);
    const std::string mark = stage.at("run/keepalived.reload");
    CHECK_FALSE(fs::exists(mark));
    stage.signal(SIGHUP);
    running.reader->hear<ipc::RoleStartup>();
    CHECK(fs::exists(mark));
    written.done.daemon.reload_file = stage.at("mark");
    stage.send(*running.reader, written);
    take(running, 2);
    CHECK_FALSE(fs::exists(mark));
    stage.signal(SIGHUP);
    running.reader->hear<ipc::RoleStartup>();
    CHECK(fs::exists(stage.at("mark")));
    CHECK_FALSE(fs::exists(mark));
    stage.signal(SIGTERM);
    for (auto& [kind, role] : running.roles) role->exit(0);
    running.observer->hear<ipc::Stop>();
    running.observer->exit(0);
    CHECK(stage.exit_code() == 0);
    CHECK_FALSE(fs::exists(stage.at("mark")));
}

TEST_CASE("a reload that is to be checked first goes to the reader with its log, of which an empty one is removed" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    Written written;
    written.done.daemon.reload_check = true;
    written.done.daemon.reload_check_log = stage.at("problems");
    auto running = stage.run(written);
    CHECK_FALSE(fs::exists(stage.at("problems")));
    stage.signal(SIGHUP);
    auto got = running.reader->hear_with_descriptor<ipc::RoleStartup>();
    CHECK(std::get<ipc::RoleStartup>(got.message).check_first);
    CHECK(std::get<ipc::RoleStartup>(got.message).check_log == stage.at("problems"));
    CHECK(got.descriptor);
    CHECK(fs::exists(stage.at("problems")));
    stage.send(*running.reader, written);
    take(running, 2);
    CHECK_FALSE(fs::exists(stage.at("problems")));
    stage.signal(SIGHUP);
    got = running.reader->hear_with_descriptor<ipc::RoleStartup>();
    REQUIRE(::write(got.descriptor.get(), "bad\n", 4) == 4);
    stage.send(*running.reader, refused("bad"));
    stage.until_logged("bad: the running configuration stays in use");
    CHECK(stage.text("problems") == "bad\n");
}

TEST_CASE("neither the marker nor an empty log stays when the reader cannot be started" * mainstay::test::kNeedsRoot) {
    Stage stage;
    Written written;
    written.done.daemon.has_reload_file = true;
    written.done.daemon.reload_check = true;
    written.done.daemon.reload_check_log = stage.at("problems");
    auto running = stage.run(written);
    running.reader->exit(0);
    stage.until([&] { return !fs::exists("/proc/" + std::to_string(running.reader->pid)); }, "the end of the reader");
    fs::remove(stage.at("mainstayd-read"));
    stage.signal(SIGHUP);
    stage.until_logged("the reader cannot be started: ");
    CHECK_FALSE(fs::exists(stage.at("run/keepalived.reload")));
    CHECK_FALSE(fs::exists(stage.at("problems")));
}

TEST_CASE("a reload that is not to be checked first, or has no log for that, makes none and gives the reader none" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    Written written;
    written.done.daemon.reload_check_log = stage.at("problems");
    auto running = stage.run(written);
    stage.signal(SIGHUP);
    auto got = running.reader->hear_with_descriptor<ipc::RoleStartup>();
    CHECK_FALSE(got.descriptor);
    CHECK_FALSE(fs::exists(stage.at("problems")));
    written.done.daemon.reload_check = true;
    written.done.daemon.reload_check_log.clear();
    stage.send(*running.reader, written);
    take(running, 2);
    stage.signal(SIGHUP);
    got = running.reader->hear_with_descriptor<ipc::RoleStartup>();
    CHECK(std::get<ipc::RoleStartup>(got.message).check_first);
    CHECK_FALSE(got.descriptor);
    stage.send(*running.reader, written);
    take(running, 3);
}

TEST_CASE("copies of the configuration are kept, the running one until the stop" * mainstay::test::kNeedsRoot) {
    Stage stage;
    fs::create_directory(stage.at("saved"));
    fs::create_directory(stage.at("running"));
    Written written{.text = "the text"};
    written.done.daemon.config_save_dir = stage.at("saved");
    written.done.daemon.tmp_config_directory = stage.at("running");
    auto running = stage.run(written);
    const std::string copy = "running/mainstay-" + std::to_string(stage.pid()) + ".conf";
    stage.until([&] { return stage.text(copy) == "the text"; }, "the copy");
    stage.until([&] { return !fs::is_empty(stage.at("saved")); }, "the saved one");
    const std::string name = fs::directory_iterator { stage.at("saved") } -> path().filename();
    CHECK(std::regex_match(name, std::regex{R"(ha\.conf\.20\d{6}-\d{6})"}));
    CHECK(stage.stop(running) == 0);
    CHECK_FALSE(fs::exists(stage.at(copy)));
    CHECK(stage.logged("cannot be kept") == 0);
}

TEST_CASE("a reload at a time of a file: its time is in the past, wrong, or comes" * mainstay::test::kNeedsRoot) {
    Stage stage;
    Written written;
    const std::string file = stage.at("time");
    written.done.daemon.reload_time_file = file;
    auto running = stage.run(written);
    const auto write = [&](const std::string& text) {
        std::ofstream{file + ".new"} << text;
        fs::rename(file + ".new", file);
    };
    write("2020-01-01 00:00:00");
    stage.until_logged("reload_time_file " + file + ": the time is in the past");
    write("noon");
    stage.until_logged("reload_time_file " + file + ": ", 2);
    const std::time_t soon = ::time(nullptr) + 3;
    std::tm at{};
    ::gmtime_r(&soon, &at);
    std::array<char, 32> text{};
    (void)std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%SZ", &at);
    write(text.data());
    stage.until_logged("s by " + file);
    CHECK(fs::exists(file));
    running.reader->hear<ipc::RoleStartup>();
    CHECK(stage.logged("Reloading at the time of " + file) == 1);
    CHECK_FALSE(fs::exists(file));
    stage.send(*running.reader, written);
    take(running, 2);
}

TEST_CASE("what a reload changes is logged line by line, the rest as a number; a reload that changes nothing says so" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    const auto reload = [&](const ipc::DryRunDone& changes, std::uint64_t generation, const std::string& last,
                            std::size_t times = 1) {
        stage.signal(SIGHUP);
        running.reader->hear<ipc::RoleStartup>();
        running.reader->send(changes);
        stage.send(*running.reader, {});
        take(running, generation);
        stage.until_logged("Reload: " + last + "\n", times);
    };
    reload({.exit_code = 1, .problem = {}, .lines = {"VI_1: priority 100 -> 90", "x\n" + std::string(600, 'y')}}, 2,
           "x " + std::string(498, 'y'));
    CHECK(stage.logged("Reload: VI_1: priority 100 -> 90\n") == 1);
    CHECK(stage.logged("more changes") == 0);
    CHECK(stage.logged("Reload: nothing changed") == 0);
    reload({.exit_code = 1, .problem = {}, .lines = {"one"}, .lines_left_out = 7}, 3,
           "7 more changes (at most 20 are logged)");
    reload({.exit_code = 1, .problem = {}, .lines = Texts(25, "a line")}, 4, "a line", 20);
    CHECK(stage.logged("Reload: a line\n") == 20);
    CHECK(stage.logged("Reload: nothing changed") == 0);
    reload({}, 5, "nothing changed");
}

TEST_CASE("the reader of a reload gets the errors that the running configuration has, not those of a refused one" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    Written written;
    written.done.errors = {7, 8};
    auto running = stage.run(written);
    stage.signal(SIGHUP);
    CHECK(running.reader->hear<ipc::RoleStartup>().errors == std::vector<std::uint64_t>{7, 8});
    auto no = refused("line 7 is wrong");
    no.done.errors = {9};
    running.reader->send(no.done);
    stage.until_logged("line 7 is wrong: the running configuration stays in use");
    stage.signal(SIGHUP);
    CHECK(running.reader->hear<ipc::RoleStartup>().errors == std::vector<std::uint64_t>{7, 8});
    stage.send(*running.reader, {});
    take(running, 2);
    stage.until_logged("Reload complete");
    stage.signal(SIGHUP);
    CHECK(running.reader->hear<ipc::RoleStartup>().errors.empty());
    stage.send(*running.reader, {});
    take(running, 3);
}

TEST_CASE("a reload that is to be repeated every day leaves its file and is scheduled again" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    Written written;
    const std::string file = stage.at("time");
    written.done.daemon.reload_time_file = file;
    written.done.daemon.reload_repeat = true;
    auto running = stage.run(written);
    const std::time_t soon = ::time(nullptr) + 3;
    std::tm at{};
    ::gmtime_r(&soon, &at);
    std::array<char, 32> text{};
    (void)std::strftime(text.data(), text.size(), "%H:%M:%SZ", &at);
    std::ofstream{file + ".new"} << text.data();
    fs::rename(file + ".new", file);
    running.reader->hear<ipc::RoleStartup>();
    CHECK(stage.logged("Reloading at the time of " + file) == 1);
    CHECK(fs::exists(file));
    stage.send(*running.reader, written);
    take(running, 2);
    stage.until_logged("Reload scheduled in ", 2);
    const std::regex tomorrow{R"(Reload scheduled in 863\d\d s by )"};
    CHECK(std::regex_search(stage.log(), tomorrow));
}

TEST_CASE("a role that starts while the others prepare a configuration is asked too, and the reload goes on" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    running.observer->exit(1);
    auto& second = stage.started("mainstayd-obs");
    stage.take_configuration(second, 1);
    second.exit(1);
    stage.until_logged("in 1 s)");
    stage.reload(running, {});
    CHECK(running[Kind::Vrrp].hear<ipc::Prepare>().generation == 2);
    auto& third = stage.started("mainstayd-obs");
    stage.take_configuration(third, 1);
    CHECK(third.hear<ipc::Prepare>().generation == 2);
    running[Kind::Vrrp].send(ipc::Prepared{2, {}});
    third.send(ipc::Prepared{2, {}});
    stage.until_logged("Reload complete");
}
