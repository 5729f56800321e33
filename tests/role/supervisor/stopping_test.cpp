// What a supervisor does, and refuses, while it starts and while it stops.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>

#include "../../needs.hpp"
#include "mainstay/ipc/shared.hpp"
#include "role/supervisor/stopping.hpp"
#include "written.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
namespace fs = std::filesystem;

namespace {

// It waits until the test makes this file.
std::string waits_for(const std::string& path) { return "until [ -e " + path + " ]; do sleep 0.02; done"; }

void make(const std::string& path) { std::ofstream{path} << ""; }

}  // namespace

TEST_CASE("while startup_script runs commands are refused, and a reload waits" * mainstay::test::kNeedsRoot) {
    Stage stage;
    Written written;
    written.scripts["startup_script"] = script(waits_for(stage.at("go")), alert::Requester::Supervisor);
    auto& reader = stage.started("mainstayd-read");
    reader.hear<ipc::RoleStartup>();
    stage.send(reader, written);
    stage.until_logged("Running startup_script");
    const std::string refusal = "the daemon is starting or stopping";
    CHECK(answer<ipc::OperatorAnswered>(stage.ask(ipc::InstanceQuestion{}))->problem == refusal);
    CHECK(answer<ipc::DryRunDone>(stage.ask(ipc::DryRun{}))->problem == refusal);
    CHECK(answer<ipc::OperatorAnswered>(stage.ask(ipc::ServerQuestion{}))->problem ==
          "the load balancing process is not running");
    CHECK(answer<ipc::UpgradeDone>(stage.ask(ipc::Upgrade{}))->problem ==
          "the daemon is starting, stopping, reloading or being upgraded: try again");
    const auto client = stage.ask(ipc::Reload{});
    stage.until_logged("Reload already in progress, request queued");
    CHECK(reader.hears_none<ipc::RoleStartup>());
    make(stage.at("go"));
    CHECK(reader.hear<ipc::RoleStartup>().report == ipc::RoleStartup::DryRunAs::Text);
    CHECK(stage.logged("Reloading ...") == 1);
    CHECK(stage.logged("startup_script ended") == 0);
}

TEST_CASE("the stop waits for the scripts that the roles wanted last, and then ends the observer" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    Written written;
    written.scripts["vrrp_script/chk"] =
        script(waits_for(stage.at("go")) + "; echo said >" + stage.at("said"), alert::Requester::Vrrp);
    auto running = stage.run(written);
    stage.signal(SIGTERM);
    running[Kind::Vrrp].hear<ipc::Stop>();
    running[Kind::Vrrp].send(ipc::RunScript{7, "vrrp_script/chk", "", {}});
    running[Kind::Vrrp].send(ipc::Stopped{});
    running[Kind::Vrrp].exit(0);
    CHECK(running.observer->hears_none<ipc::Stop>());
    make(stage.at("go"));
    running.observer->hear<ipc::Stop>();
    CHECK(stage.text("said") == "said\n");
    running.observer->exit(0);
    CHECK(stage.exit_code() == 0);
}

TEST_CASE("the reader of a FIFO sees its end at the stop, which waits for it" * mainstay::test::kNeedsRoot) {
    Stage stage;
    Written written;
    written.host.fifos = {{ipc::FifoPlan::Lines::All, stage.at("fifo"), 0, 0, "fifo_script"}};
    written.host.fifo_names = ipc::FifoSubjects{{"VI_1"}, {}, {}};
    written.scripts["fifo_script"] =
        script("cat \"$1\" >" + stage.at("read") + "; " + waits_for(stage.at("go")), alert::Requester::Supervisor);
    auto running = stage.run(written);
    running[Kind::Vrrp].send(ipc::FifoLine{"INSTANCE \"VI_1\" MASTER 100\n"});
    stage.until([&] { return stage.text("read") == "INSTANCE \"VI_1\" MASTER 100\n"; }, "the line");
    stage.signal(SIGTERM);
    running[Kind::Vrrp].hear<ipc::Stop>();
    running[Kind::Vrrp].exit(0);
    CHECK(running.observer->hears_none<ipc::Stop>());
    CHECK(fs::exists(stage.at("fifo")));
    make(stage.at("go"));
    running.observer->hear<ipc::Stop>();
    CHECK_FALSE(fs::exists(stage.at("fifo")));
    running.observer->exit(0);
    CHECK(stage.exit_code() == 0);
}

TEST_CASE("a role that dies in the stop is followed by one that removes what it has left" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run(both());
    stage.signal(SIGTERM);
    running[Kind::Vrrp].hear<ipc::Stop>();
    running[Kind::Lvs].hear<ipc::Stop>();
    running[Kind::Lvs].exit(0);
    running[Kind::Vrrp].exit(1);
    auto& again = stage.started("mainstayd-vrrp");
    CHECK(stage.logged("VRRP process(") == 1);
    CHECK(stage.logged("died in the stop (exit status 1): another one removes what it has left") == 1);
    CHECK(again.hear<ipc::Prepare>().generation == 1);
    again.send(ipc::Prepared{1, {}});
    again.hear<ipc::Commit>();
    again.send(ipc::Committed{1});
    again.hear<ipc::Stop>();
    again.exit(1);  // it is the last one
    running.observer->hear<ipc::Stop>();
    running.observer->exit(0);
    CHECK(stage.exit_code() == 0);
}

TEST_CASE("all that a role sent before its end is carried out in the stop" * mainstay::test::kNeedsRoot) {
    Stage stage;
    Written written;
    written.host.fifos = {{ipc::FifoPlan::Lines::All, stage.at("fifo"), 0, 0, {}}};
    written.host.fifo_names = ipc::FifoSubjects{{"VI_1"}, {}, {}};
    auto running = stage.run(written);
    const UniqueFd fifo{::open(stage.at("fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
    stage.signal(SIGTERM);
    running[Kind::Vrrp].hear<ipc::Stop>();
    stage.signal(SIGSTOP);
    const std::string line = "INSTANCE \"VI_1\" STOP 100\n";
    constexpr int kLines = 200;
    for (int i = 0; i < kLines; ++i) running[Kind::Vrrp].send(ipc::FifoLine{line});
    running[Kind::Vrrp].exit(0);
    stage.signal(SIGCONT);
    running.observer->hear<ipc::Stop>();
    std::string got(64UL << 10, '\0');
    const auto bytes = ::read(fifo.get(), got.data(), got.size());
    CHECK(bytes == kLines * static_cast<ssize_t>(line.size()));
    running.observer->exit(0);
    CHECK(stage.exit_code() == 0);
}

TEST_CASE("a stopping daemon does nothing any more of what it is asked for" * mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    stage.signal(SIGTERM);
    running[Kind::Vrrp].hear<ipc::Stop>();
    stage.signal(SIGTERM);
    stage.signal(SIGHUP);
    stage.signal(SIGUSR1);
    CHECK(running[Kind::Vrrp].hears_none<ipc::Stop>());
    running.reader->until_gone();
    CHECK(stage.starts_none("mainstayd-read"));
    CHECK(stage.logged("Stopping\n") == 1);
    CHECK(stage.logged("Reload") == 0);
    CHECK(stage.logged("Printing") == 0);
    CHECK_FALSE(fs::exists(stage.at("run/supervisor.sock")));
    CHECK(fs::exists(stage.at("run/mainstayd.pid")));
    running[Kind::Vrrp].exit(0);
    running.observer->hear<ipc::Stop>();
    running.observer->exit(0);
    CHECK(stage.exit_code() == 0);
}

TEST_CASE("a stop takes less than five seconds, a longer child_wait_time makes it longer") {
    using std::chrono::milliseconds, std::chrono::seconds;
    const auto usual = stop_bounds(seconds{5}), short_wait = stop_bounds(seconds{1}),
               long_wait = stop_bounds(seconds{30});
    CHECK(usual.roles == milliseconds{2'800});
    CHECK(usual.again == milliseconds{3'800});
    CHECK(usual.notify_scripts == milliseconds{4'100});
    CHECK(usual.firewall == milliseconds{4'200});
    CHECK(usual.observer == milliseconds{4'400});
    CHECK(usual.shutdown_script == milliseconds{4'600});
    CHECK(usual.all == milliseconds{4'800});
    CHECK(short_wait.roles == milliseconds{1'000});
    CHECK(short_wait.again == milliseconds{3'800});
    CHECK(short_wait.all == milliseconds{4'800});
    CHECK(long_wait.roles == milliseconds{30'000});
    CHECK(long_wait.again == milliseconds{31'000});
    CHECK(long_wait.firewall == milliseconds{31'400});
    CHECK(long_wait.all == milliseconds{32'000});
}

TEST_CASE("an observer that does not stop is killed before five seconds are over" * mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    stage.signal(SIGTERM);
    running[Kind::Vrrp].exit(0);
    running.observer->hear<ipc::Stop>();
    const auto begin = std::chrono::steady_clock::now();
    running.observer->until_gone();
    const auto took = std::chrono::steady_clock::now() - begin;
    CHECK(took > std::chrono::seconds{3});
    CHECK(took < std::chrono::seconds{5});
    CHECK(stage.exit_code() == 0);
}

TEST_CASE("shutdown_script that does not end is killed before five seconds are over, unless its own limit is longer" *
          mainstay::test::kNeedsRoot) {
    for (const bool limited : {false, true}) {
        CAPTURE(limited);
        Stage stage;
        Written written;
        written.scripts["shutdown_script"] = script(waits_for(stage.at("never")), alert::Requester::Supervisor);
        written.scripts["shutdown_script"].timeout = Micros{limited ? 5'000'000 : 0};
        auto running = stage.run(written);
        stage.signal(SIGTERM);
        running[Kind::Vrrp].exit(0);
        running.observer->hear<ipc::Stop>();
        running.observer->exit(0);
        CHECK(stage.exit_code() == 0);
        CHECK(stage.logged("shutdown_script timed out and was killed\n") == (limited ? 1 : 0));
        CHECK(stage.logged("shutdown_script did not end within 4.6 s of the stop: killed") == (limited ? 0 : 1));
    }
}

TEST_CASE("shutdown_script that ends badly is named, one that a signal ends too" * mainstay::test::kNeedsRoot) {
    for (const auto& [text, end] : {std::pair{"exit 3", "status 3"}, {"kill -9 $$", "signal 9"}}) {
        Stage stage;
        Written written;
        written.scripts["shutdown_script"] = script(text, alert::Requester::Supervisor);
        auto running = stage.run(written);
        CHECK(stage.stop(running) == 0);
        CHECK(stage.logged("Running shutdown_script\n") == 1);
        CHECK(stage.logged(std::string{"shutdown_script ended with "} + end + "\n") == 1);
        CHECK(stage.logged("startup_script") == 0);
    }
}

TEST_CASE("startup_script that does not end in its time is killed, and the daemon starts" *
          mainstay::test::kNeedsRoot) {
    Stage hangs, missing;
    Written written;
    written.scripts["startup_script"] = script("sleep 100", alert::Requester::Supervisor);
    written.scripts["startup_script"].timeout = Micros{100'000};
    auto running = hangs.run(written);
    CHECK(hangs.logged("startup_script timed out and was killed\n") == 1);
    written.scripts["startup_script"].path = "/no/such/script";
    running = missing.run(written);
    CHECK(missing.logged("startup_script was not run\n") == 1);
}
