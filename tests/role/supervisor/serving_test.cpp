// What a running supervisor does for its roles and for mainstayctl, with programs that the test plays.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "../../needs.hpp"
#include "mainstay/ipc/shared.hpp"
#include "written.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using Texts = std::vector<std::string>;
using Seen = ipc::Observation::Kind;
using What = ipc::ControlRequest::What;
using How = ipc::ScriptResult::How;
namespace fs = std::filesystem;

namespace {

UniqueFd sealed_text(const std::string& text) {
    auto memory = ipc::make_sealed_memfd("text", std::as_bytes(std::span{text}));
    REQUIRE(memory.has_value());
    return std::move(*memory);
}

}  // namespace

TEST_CASE("a role that sends what it may not, or not now, is killed and started again" * mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run(both());
    running[Kind::Vrrp].send(ipc::ReadingDone{});
    is_killed_at_first(stage, running[Kind::Vrrp], "VRRP", "sent a message ReadingDone, which it may not send");
    CHECK(stage.started("mainstayd-vrrp").hear<ipc::RoleStartup>().restarted);
    running[Kind::Lvs].send(ipc::Committed{1});
    is_killed_at_first(stage, running[Kind::Lvs], "Healthcheck", "sent a message Committed, which is not expected now");
    running.observer->send(ipc::RunScript{});
    is_killed_at_first(stage, *running.observer, "Observer", "sent a message RunScript, which it may not send");
    CHECK(stage.started("mainstayd-obs").hear<ipc::RoleStartup>().restarted);
}

TEST_CASE("a role that floods is killed" * mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    stage.until(
        [&] {
            for (int i = 0; i < 100 && !running[Kind::Vrrp].is_gone(); ++i)
                if (!running[Kind::Vrrp].try_say(ipc::Heartbeat{})) break;
            return running[Kind::Vrrp].is_gone();
        },
        "the end of the flood");
    is_killed_at_first(stage, running[Kind::Vrrp], "VRRP", "exceeded its message rate");
}

TEST_CASE("messages of unknown kinds are ignored for a while, and said once, damaged ones are an offence" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run(both());
    for (int i = 0; i < 16; ++i) running[Kind::Vrrp].send_bytes("\xf0");
    running[Kind::Vrrp].send(ipc::DumpRequested{1});  // what comes next is judged
    running[Kind::Lvs].send_bytes("\x07");
    is_killed_at_first(stage, running[Kind::Vrrp], "VRRP", "sent a message DumpRequested, which is not expected now");
    CHECK(stage.logged("messages of unknown kinds are ignored") == 1);
    running[Kind::Lvs].until_gone();
    stage.until_logged("Healthcheck process(" + std::to_string(running[Kind::Lvs].pid) + ") sent what cannot be read");
    auto& again = stage.started("mainstayd-vrrp");
    for (int i = 0; i < 17; ++i) again.send_bytes("\xf0");
    again.until_gone();
    stage.until_logged("VRRP process(" + std::to_string(again.pid) + ") sent what cannot be read");
}

TEST_CASE("a role has its own scripts run, and hears how they ended" * mainstay::test::kNeedsRoot) {
    Stage stage;
    auto written = both();
    written.scripts["vrrp_script/chk"] = script("exit 4", alert::Requester::Vrrp);
    written.scripts["misc_check/a of b/0"] = script("exit 5", alert::Requester::Lvs);
    auto running = stage.run(written);
    running[Kind::Vrrp].send(ipc::RunScript{7, "vrrp_script/chk", "", {}});
    running[Kind::Lvs].send(ipc::RunScript{8, "misc_check/a of b/0", "", {}});
    const auto vrrp = running[Kind::Vrrp].hear<ipc::ScriptResults>(),
               lvs = running[Kind::Lvs].hear<ipc::ScriptResults>();
    REQUIRE(vrrp.results.size() == 1);
    CHECK(vrrp.results[0].request == 7);
    CHECK(vrrp.results[0].how == How::Exited);
    CHECK(vrrp.results[0].status == 4);
    CHECK(lvs.results.at(0).request == 8);
    CHECK(lvs.results.at(0).status == 5);
    running[Kind::Vrrp].send(ipc::RunScript{9, "misc_check/a of b/0", "", {}});
    is_killed_at_first(stage, running[Kind::Vrrp], "VRRP",
                       "asked for the script misc_check/a of b/0, which is refused: it belongs to another role");
}

TEST_CASE("lines of FIFOs are written, those of names that nobody configured are not, and others are an offence" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    Written written;
    written.host.fifos = {{ipc::FifoPlan::Lines::All, stage.at("fifo"), 0, 0, {}}};
    written.host.fifo_names = ipc::FifoSubjects{{"VI_1"}, {}, {}};
    auto running = stage.run(written);
    auto& vrrp = running[Kind::Vrrp];
    vrrp.send(ipc::FifoLine{"INSTANCE \"VI_2\" MASTER 100\n"});
    vrrp.send(ipc::FifoLine{"INSTANCE \"VI_1\" MASTER 100\n"});
    const UniqueFd reader{::open(stage.at("fifo").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
    std::string line;
    stage.until(
        [&] {
            std::array<char, 100> bytes;
            const auto got = ::read(reader.get(), bytes.data(), bytes.size());
            if (got > 0) line.append(bytes.data(), static_cast<std::size_t>(got));
            return !line.empty();
        },
        "the line");
    CHECK(line == "INSTANCE \"VI_1\" MASTER 100\n");
    CHECK(stage.logged("; not written (1 so far)") == 1);
    for (int i = 0; i < 3; ++i) vrrp.send(ipc::FifoLine{"INSTANCE \"VI_2\" MASTER 100\n"});
    vrrp.send(ipc::FifoLine{"rubbish"});
    vrrp.until_gone();
    stage.until_logged("sent a FIFO line that is refused: ");
    CHECK(stage.logged("; not written (2 so far)") == 1);
    CHECK(stage.logged("; not written (3 so far)") == 0);
    CHECK(stage.logged("; not written (4 so far)") == 1);
    auto& again = stage.started("mainstayd-vrrp");
    stage.take_configuration(again, 1);
    running.roles[Kind::Vrrp] = &again;
    CHECK(stage.stop(running) == 0);
    CHECK_FALSE(fs::exists(stage.at("fifo")));
}

TEST_CASE("what D-Bus asks of an instance goes to vrrp, a reload is one, and too many requests are ignored" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    running.observer->send(ipc::ControlRequest{What::SendGarp, "VI_1", 0, "DBus"});
    const auto wanted = running[Kind::Vrrp].hear<ipc::ControlRequest>();
    CHECK(wanted.what == What::SendGarp);
    CHECK(wanted.instance == "VI_1");
    running.observer->send(ipc::ControlRequest{What::Reload, {}, 0, "DBus"});
    running.reader->hear<ipc::RoleStartup>();
    CHECK(stage.logged("Reloading ...") == 1);
    stage.until(
        [&] {
            for (int i = 0; i < 20; ++i) running.observer->send(ipc::ControlRequest{What::SendGarp, "VI_1", 0, "DBus"});
            return stage.logged("too many requests over D-Bus, SNMP or the API or by signals, 1 ignored") == 1;
        },
        "the bound of requests");
    CHECK_FALSE(running.observer->is_gone());
    running.observer->send(ipc::ControlRequest{What::SetPriority, "VI_1", 3, "DBus"});
    is_killed_at_first(stage, *running.observer, "Observer",
                       "sent a message ControlRequest, which is not expected now");
}

TEST_CASE("signals that a role hands on are one reload, too many are ignored, and TERM is none of them" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    auto& vrrp = running[Kind::Vrrp];
    vrrp.send(ipc::SignalReceived{SIGHUP});
    running.reader->hear<ipc::RoleStartup>();
    stage.until(
        [&] {
            for (int i = 0; i < 20; ++i) vrrp.send(ipc::SignalReceived{SIGHUP});
            return stage.logged("too many requests over D-Bus, SNMP or the API or by signals, 1 ignored") == 1;
        },
        "the bound of requests");
    CHECK(stage.logged("Reloading ...") == 1);
    CHECK_FALSE(vrrp.is_gone());
    vrrp.send(ipc::SignalReceived{SIGTERM});
    is_killed_at_first(stage, vrrp, "VRRP", "sent a message SignalReceived, which is not expected now");
}

TEST_CASE("what the watcher sees goes to the roles; lvs has it before its first Commit" * mainstay::test::kNeedsRoot) {
    Stage stage;
    auto written = both();
    written.host.watch.files.push_back({.name = "a"});
    auto& reader = stage.started("mainstayd-read");
    reader.hear<ipc::RoleStartup>();
    stage.send(reader, written);
    auto& watcher = stage.started("mainstayd-track");
    const auto startup = watcher.hear<ipc::RoleStartup>();
    CHECK(startup.log_ident == "mainstayd-vrrp");
    CHECK(startup.process_name == "mainstayd-track");
    CHECK_FALSE(startup.restarted);
    CHECK(watcher.hear<ipc::Prepare>().generation == 1);
    auto &vrrp = stage.started("mainstayd-vrrp"), &lvs = stage.started("mainstayd-lvs");
    lvs.hear<ipc::Prepare>();
    lvs.send(ipc::Prepared{1, {}});
    watcher.send(ipc::Observations{{{Seen::File, "a", 7}}});
    CHECK(lvs.hears_none<ipc::Commit>());
    watcher.send(ipc::Prepared{1});
    const auto seen = lvs.hear<ipc::Observations>();
    REQUIRE(seen.list.size() == 1);
    CHECK(seen.list[0].value == 7);
    CHECK(lvs.hear<ipc::Commit>().generation == 1);
    lvs.send(ipc::Committed{1});
    stage.take_configuration(vrrp, 1);
    CHECK(vrrp.hear<ipc::Observations>().list.at(0).value == 7);
    auto& observer = stage.started("mainstayd-obs");
    stage.take_configuration(observer, 1);
    watcher.send(ipc::Observations{{{Seen::File, "a", 8}}});
    CHECK(vrrp.hear<ipc::Observations>().list.at(0).value == 8);
    stage.signal(SIGTERM);
    watcher.until_gone();
    vrrp.hear<ipc::Stop>();
}

TEST_CASE("a Commit that waits for tracked files comes after a second, even if nobody can look at them" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    Written written{.needed = {Kind::Lvs}};
    written.host.watch.files.push_back({.name = "a"});
    auto& reader = stage.started("mainstayd-read");
    stage.send(reader, written);
    auto& lvs = stage.started("mainstayd-lvs");
    lvs.hear<ipc::Prepare>();
    lvs.send(ipc::Prepared{1, {}});
    CHECK(lvs.hear<ipc::Commit>().generation == 1);
    lvs.send(ipc::Committed{1});
    stage.until_logged("Startup complete");
}

TEST_CASE("a command for servers goes to lvs and its answer back; one that is not sealed is an offence" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run(both());
    ipc::ServerQuestion question;
    question.which = "10.0.0.11";
    const auto client = stage.ask(question);
    const auto asked = running[Kind::Lvs].hear<ipc::ServerQuestion>();
    CHECK(asked.which == "10.0.0.11");
    running[Kind::Lvs].send(ipc::OperatorAnswered{asked.request, 1, {}}, sealed_text("one server").get());
    const auto got = next_received(client.get(), std::chrono::seconds{20});
    REQUIRE(got);
    CHECK(std::get<ipc::OperatorAnswered>(got->message).exit_code == 1);
    CHECK(got->descriptor);
    const auto second = stage.ask(question);
    const auto request = running[Kind::Lvs].hear<ipc::ServerQuestion>().request;
    const auto open = ipc::make_memfd("open", 10);
    running[Kind::Lvs].send(ipc::OperatorAnswered{request, 0, {}}, open->get());
    running[Kind::Lvs].until_gone();
    stage.until_logged("sent an answer that cannot be read: ");
}

TEST_CASE("a failover goes to vrrp and its answer back, while other operators are served" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    ipc::InstanceQuestion question;
    question.which = "VI_1";
    question.account = "alice\n";
    const auto client = stage.ask(question);
    const auto asked = running[Kind::Vrrp].hear<ipc::InstanceQuestion>();
    CHECK(asked.which == "VI_1");
    CHECK(asked.by.starts_with("alice : uid 0"));
    CHECK(answer<ipc::OperatorAnswered>(stage.ask(ipc::ServerQuestion{})));  // is not kept waiting
    running[Kind::Vrrp].send(ipc::OperatorAnswered{asked.request, 1, {}}, sealed_text("outcome").get());
    const auto got = next_received(client.get(), std::chrono::seconds{20});
    REQUIRE(got);
    CHECK(std::get<ipc::OperatorAnswered>(got->message).exit_code == 1);
    CHECK(got->descriptor);
}

TEST_CASE("an operator whose failover ends with the vrrp process is answered" * mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    const auto client = stage.ask(ipc::InstanceQuestion{});
    running[Kind::Vrrp].hear<ipc::InstanceQuestion>();
    const auto open = ipc::make_memfd("open", 10);
    running[Kind::Vrrp].send(ipc::OperatorAnswered{1, 0, {}}, open->get());
    running[Kind::Vrrp].until_gone();
    stage.until_logged("sent an answer that cannot be read: ");
    const auto got = next_received(client.get(), std::chrono::seconds{20});
    REQUIRE(got);
    CHECK(std::get<ipc::OperatorAnswered>(got->message).problem == "the VRRP process died; see the log");
}

TEST_CASE("a command for servers is refused while the lvs role is not ready" * mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    CHECK(answer<ipc::OperatorAnswered>(stage.ask(ipc::ServerQuestion{}))->problem ==
          "the load balancing process is not running");
}

TEST_CASE("a dry run has a reader of its own, which compares with what runs, and changes nothing" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    const auto client = stage.ask(ipc::DryRun{.as_json = true});
    auto& dry = stage.started("mainstayd-read");
    const auto orders = dry.hear<ipc::RoleStartup>();
    CHECK(orders.dry_run == ipc::RoleStartup::DryRunAs::Json);
    CHECK(orders.config_path == stage.at("ha.conf"));
    dry.send(ipc::DryRunDone{1, {}}, sealed_text("{}").get());
    dry.exit(0);
    CHECK(answer<ipc::DryRunDone>(client)->exit_code == 1);
    const auto text = stage.ask(ipc::DryRun{});
    CHECK(stage.started("mainstayd-read").hear<ipc::RoleStartup>().dry_run == ipc::RoleStartup::DryRunAs::Text);
    CHECK(running[Kind::Vrrp].hears_none<ipc::Prepare>());
}

TEST_CASE(
    "a dump asks vrrp, and for the data lvs, for their state, then the observer, which gets a line for its files" *
    mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run(both());
    stage.signal(SIGUSR2);
    CHECK(running[Kind::Vrrp].hear<ipc::DumpRequested>().signal == SIGUSR2);
    running[Kind::Vrrp].send(ipc::DumpRequested{SIGUSR2});
    auto got = running.observer->hear_with_descriptor<ipc::DumpRequested>();
    REQUIRE(got.descriptor);
    const int line = got.descriptor.get();
    using Step = ipc::DumpFile::Step;
    const auto file = next_received(line, std::chrono::seconds{20});
    REQUIRE(file);
    REQUIRE(std::get<ipc::DumpFile>(file->message).step == Step::Opened);
    REQUIRE(::write(file->descriptor.get(), "stats", 5) == 5);
    REQUIRE(ipc::send_message(line, ipc::DumpFile{ipc::DumpText::What::Stats, Step::Written}));
    REQUIRE(ipc::send_message(line, ipc::DumpFile{{}, Step::Over}));
    stage.until([&] { return stage.text("keepalived.stats") == "stats"; }, "the file");
    CHECK((static_cast<unsigned>(fs::status(stage.at("keepalived.stats")).permissions()) & 0777) == 0600);
    CHECK(stage.logged("Printing VRRP stats on signal " + std::to_string(SIGUSR2)) == 1);

    running.observer->send(ipc::ControlRequest{What::PrintData, {}, 0, "DBus"});
    CHECK(running[Kind::Vrrp].hear<ipc::DumpRequested>().signal == SIGUSR1);
    CHECK(stage.logged("Printing VRRP data on DBus request") == 1);
    CHECK(stage.logged("Printing process data on signal") == 1);
    running[Kind::Vrrp].send(ipc::DumpRequested{SIGUSR1});
    running[Kind::Lvs].hear<ipc::DumpRequested>();
    running[Kind::Lvs].send(ipc::DumpRequested{SIGUSR1});
    got = running.observer->hear_with_descriptor<ipc::DumpRequested>();
    REQUIRE(ipc::send_message(got.descriptor.get(), ipc::DumpFile{ipc::DumpText::What::Json, Step::Written}));
    running.observer->until_gone();
    stage.until_logged("sent what it may not on the line of a dump: killing it");
}

TEST_CASE("the umask of the configuration counts for dumps, unless the command line has one" *
          mainstay::test::kNeedsRoot) {
    struct Row {
        Texts options;
        int umask;  // -1: the configuration has none
        unsigned mode;
    };
    for (const Row& row : {Row{{}, 0027, 0640U}, Row{{"umask"}, 0027, 0644U}, Row{{}, 0, 0666U}, Row{{}, -1, 0600U},
                           Row{{"umask"}, -1, 0644U}}) {
        CAPTURE(row.umask);
        Stage stage{row.options};
        Written written;
        written.done.daemon.umask = row.umask;
        auto running = stage.run(written);
        stage.signal(SIGUSR2);
        running[Kind::Vrrp].hear<ipc::DumpRequested>();
        running[Kind::Vrrp].send(ipc::DumpRequested{SIGUSR2});
        const auto got = running.observer->hear_with_descriptor<ipc::DumpRequested>();
        using Step = ipc::DumpFile::Step;
        REQUIRE(ipc::send_message(got.descriptor.get(), ipc::DumpFile{ipc::DumpText::What::Stats, Step::Written}));
        stage.until([&] { return fs::exists(stage.at("keepalived.stats")); }, "the file");
        CHECK((static_cast<unsigned>(fs::status(stage.at("keepalived.stats")).permissions()) & 0777) == row.mode);
        REQUIRE(ipc::send_message(got.descriptor.get(), ipc::DumpFile{{}, Step::Over}));
        CHECK(stage.stop(running) == 0);
    }
}

TEST_CASE("a role answers for its state once" * mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    stage.signal(SIGUSR2);
    running[Kind::Vrrp].hear<ipc::DumpRequested>();
    running[Kind::Vrrp].send(ipc::DumpRequested{SIGUSR2});
    running.observer->hear<ipc::DumpRequested>();
    running[Kind::Vrrp].send(ipc::DumpRequested{SIGUSR2});
    is_killed_at_first(stage, running[Kind::Vrrp], "VRRP", "sent a message DumpRequested, which is not expected now");
}

TEST_CASE("each signal of a dump is one, and is named" * mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    for (const auto& [number, text] : {std::pair{SIGUSR1, "Printing process data on signal "},
                                       {SIGRTMIN + 2, "Printing VRRP as json on signal "},
                                       {SIGRTMAX - 1, "Printing and clearing VRRP stats on signal "}}) {
        stage.signal(number);
        stage.until_logged(text + std::to_string(number));
    }
    CHECK(running[Kind::Vrrp].hear<ipc::DumpRequested>().signal == SIGUSR1);
}

TEST_CASE("an upgrade that its trial does not allow changes nothing" * mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    const auto client = stage.ask(ipc::Upgrade{stage.at("mainstayd-next")});
    auto& trial = stage.started("mainstayd-next");
    CHECK(trial.arguments == "--role upgrade-trial");
    const auto parts = trial.hear<ipc::UpgradeTrial>();
    CHECK(parts.format == 1);
    REQUIRE(parts.parts.size() == 5);
    CHECK(parts.parts[0].kind == 1);
    CHECK(parts.parts[0].snapshot >= 0);
    CHECK(parts.parts[0].block >= 0);
    trial.send(ipc::UpgradeChecked{"another format", "9"});
    trial.exit(0);
    CHECK(answer<ipc::UpgradeDone>(client)->problem == "another format");
    CHECK(stage.logged("upgrade refused (another format): the running program continues") == 1);
    CHECK_FALSE(running[Kind::Vrrp].is_gone());
    const auto next_refused = [&running] {
        while (true)
            if (const auto now = running.observer->hear<ipc::SupervisionReport>().now;
                now.upgrade_refused.at.unix_us > 0)
                return now.upgrade_refused.problem;
    };
    CHECK(next_refused() == "another format");
    const std::string missing = "start /nowhere/mainstayd: No such file or directory";
    CHECK(answer<ipc::UpgradeDone>(stage.ask(ipc::Upgrade{"/nowhere/mainstayd"}))->problem == missing);
    CHECK(next_refused() == missing);
    stage.signal(SIGHUP);
    running.reader->hear<ipc::RoleStartup>();
    CHECK(answer<ipc::UpgradeDone>(stage.ask(ipc::Upgrade{}))->problem ==
          "the daemon is starting, stopping, reloading or being upgraded: try again");
}

TEST_CASE("an upgrade executes the new program, whose roles take the place of the old ones, one after the other" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto written = both();
    written.scripts["vrrp_script/chk"] = script("exit 4", alert::Requester::Vrrp);
    auto running = stage.run(written);
    const auto client = stage.ask(ipc::Upgrade{stage.at("mainstayd-next")});
    auto& trial = stage.started("mainstayd-next");
    trial.hear<ipc::UpgradeTrial>();
    trial.send(ipc::UpgradeChecked{{}, "9"});
    trial.exit(0);
    stage.until_logged("executing " + stage.at("mainstayd-next") + " 9");
    stage.until_logged("state resumed from version ");
    auto replace = [&](const char* program, Played& old) -> Played& {
        auto* successor = &stage.started(program);
        auto startup = successor->hear<ipc::RoleStartup>();
        while (!startup.spare || successor->is_gone()) {  // the spare of the program before
            successor = &stage.started(program);
            startup = successor->hear<ipc::RoleStartup>();
        }
        CHECK(startup.restarted);
        CHECK(successor->hear<ipc::Prepare>().generation == 1);
        successor->send(ipc::Prepared{1, {}});
        old.hear<ipc::Retire>();
        old.exit(0);
        CHECK(successor->hear<ipc::Commit>().generation == 1);
        successor->send(ipc::Committed{1});
        return *successor;
    };
    running.observer = &replace("mainstayd-obs", *running.observer);
    running.roles[Kind::Lvs] = &replace("mainstayd-lvs", running[Kind::Lvs]);
    running.roles[Kind::Vrrp] = &replace("mainstayd-vrrp", running[Kind::Vrrp]);
    const auto done = answer<ipc::UpgradeDone>(client);
    REQUIRE(done);
    CHECK(done->problem.empty());
    CHECK(done->roles == 3);
    CHECK(stage.logged("upgrade complete: 3 roles run the new program") == 1);
    CHECK(stage.logged("died") == 0);
    running[Kind::Vrrp].send(ipc::RunScript{7, "vrrp_script/chk", "", {}});
    CHECK(running[Kind::Vrrp].hear<ipc::ScriptResults>().results.at(0).status == 4);
    CHECK(stage.text("run/mainstayd.pid") == std::to_string(stage.pid()) + "\n");
    CHECK(stage.text("run/vrrp.pid") == std::to_string(running[Kind::Vrrp].pid) + "\n");
    running.reader = nullptr;
    stage.signal(SIGHUP);
    auto& reader = stage.started("mainstayd-read");
    reader.hear<ipc::RoleStartup>();
    stage.send(reader, written);
    CHECK(running[Kind::Vrrp].hear<ipc::Prepare>().generation == 2);
}

TEST_CASE("SNMP is started if it is needed, gets its socket, and is no reason to end when it dies" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    Written written{.needed = {Kind::Vrrp, Kind::Snmp}};
    written.done.daemon.snmp_socket = "tcp:127.0.0.1:705";
    auto running = stage.run(written);
    auto& snmp = stage.started("mainstayd-snmp");
    CHECK(snmp.hear<ipc::RoleStartup>().snmp_socket == "tcp:127.0.0.1:705");
    stage.take_configuration(snmp, 1);
    snmp.send(ipc::ControlRequest{What::SetPriority, "VI_1", 9, "SNMP"});
    CHECK(running[Kind::Vrrp].hear<ipc::ControlRequest>().value == 9);
    snmp.exit(1);
    stage.until_logged("SNMP process died: Respawning (in 1 s)");
    auto& again = stage.started("mainstayd-snmp");
    again.hear<ipc::RoleStartup>();
    again.exit(75);
    CHECK(stage.starts_none("mainstayd-snmp"));
    CHECK(stage.logged("SNMP process died") == 1);
    CHECK(stage.stop(running) == 0);
}
