// What a role's process asks of the supervisor, and what of the supervisor's messages reaches the role at which time.
#include "../../needs.hpp"
#include "runtime_bench.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;

namespace {

config::Config with_service(const std::string& name, std::uint32_t weight = 1) {
    auto config = named(name);
    config.virtual_servers = {lvs::test::service({lvs::test::server("10.0.0.11", weight)}),
                              lvs::test::service({lvs::test::server("10.0.0.12")}, "10.0.0.2")};
    return config;
}

// The bytes of the descriptor that came with a message.
std::size_t size_of(const std::optional<ipc::Received>& got) {
    REQUIRE(got.has_value());
    REQUIRE(got->descriptor);
    return ipc::sealed_size(got->descriptor.get()).value();
}

}  // namespace

TEST_CASE("an event runs the scripts of its instance, and the old ones of one that a reload removes" *
          mainstay::test::kNeedsRoot) {
    auto before = named("VI_old"), after = named("VI_1");
    before.instances[0].notify.stop.edit().argv = {"/bin/true"};
    after.instances[0].notify.any.edit().argv = {"/bin/true"};
    Bench bench;
    bench.start(before);
    bench.notes();
    bench.prepare(2, after);
    bench.hear_a<ipc::Prepared>();
    bench.send(ipc::Commit{2});
    bench.hear_a<ipc::Committed>();
    CHECK(bench.notes() == Texts{"prepare VI_1", "commit", "running VI_1", "instance/VI_old/stop in instance/VI_old"});
    bench.ask("ended");  // nobody knows it any more
    bench.ask("event");  // one without notification
    bench.ask("master");
    bench.ask("generation");
    bench.until_noted("generation 2");
    CHECK(bench.notes() == Texts{"instance/VI_1/any in instance/VI_1 INSTANCE VI_1 MASTER 150", "generation 2"});
    CHECK(bench.logged("(VI_1) is MASTER: nobody was heard"));
}

TEST_CASE("an event is a line for the FIFO, if there is one" * mainstay::test::kNeedsRoot) {
    Bench bench, without;
    auto config = named("VI_1");
    config.global.more.edit().values = {{"notify_fifo", config::WordList{"/run/fifo"}}};
    bench.start(config);
    bench.ask("event");
    bench.ask("master");
    CHECK(bench.hear_a<ipc::FifoLine>().line == "INSTANCE \"VI_1\" MASTER 150\n");
    without.start();
    without.ask("master");
    without.send(ipc::Stop{});
    without.hear_a<ipc::Stopped>();
}

TEST_CASE("the events of one turn wake the observer once, and the last ones before the process ends" *
          mainstay::test::kNeedsRoot) {
    Bench bench;
    bench.start();
    CHECK(bench.woken() == 0);
    bench.ask("three");
    pollfd wait{bench.kicks.get(), POLLIN, 0};
    REQUIRE(::poll(&wait, 1, 20'000) == 1);
    CHECK(bench.woken() == 1);
    bench.ask("three");
    REQUIRE(::poll(&wait, 1, 20'000) == 1);
    CHECK(bench.woken() == 1);
    Bench heard;
    heard.start(named("heard"));
    heard.send(ipc::Stop{});
    heard.hear_a<ipc::Stopped>();
    CHECK(heard.exit_code() == 0);
    CHECK(heard.woken() == 1);
}

TEST_CASE("servers that change too often for the log are counted in it within seconds" * mainstay::test::kNeedsRoot) {
    Bench bench;
    bench.start();
    bench.ask("servers");
    bench.until_logged(" servers more changed their state within a second; mainstayctl events shows them");
}

TEST_CASE("the services that a reload changes have their new scripts" * mainstay::test::kNeedsRoot) {
    auto config = with_service("VI_1");
    Bench bench;
    bench.start(config);
    bench.notes();
    bench.ask("server");
    config.virtual_servers[0].real_servers[0].notify_up.edit().argv = {"/bin/true"};
    bench.prepare(2, config);
    CHECK(bench.hear_a<ipc::Prepared>().refused.empty());
    bench.ask("server");
    bench.send(ipc::Commit{2});
    bench.hear_a<ipc::Committed>();
    bench.ask("server");
    bench.ask("generation");
    bench.until_noted("generation 2");
    CHECK(bench.notes() == Texts{"changes 1", "commit", "running VI_1",
                                 "real_server/[10.0.0.11]:tcp:80 of [10.0.0.1]:tcp:80/up in "
                                 "real_server/[10.0.0.11]:tcp:80 of [10.0.0.1]:tcp:80",
                                 "generation 2"});
}

TEST_CASE("changes that the role does not take are prepared from the whole configuration" *
          mainstay::test::kNeedsRoot) {
    auto config = with_service("VI_1");
    Bench bench{{}, "observer"};  // which shows the configuration
    bench.start(config);
    bench.notes();
    for (auto& service : config.virtual_servers) service.real_servers[0].weight = 7;
    bench.prepare(2, config);
    CHECK(bench.hear_a<ipc::Prepared>().refused.empty());
    CHECK(bench.notes() == Texts{"changes 2", "prepare VI_1"});
    bench.send(ipc::Commit{2});
    CHECK(bench.hear_a<ipc::Committed>().generation == 2);
    bench.ask("services");
    bench.until_noted("services 2 with 0 servers");
}

TEST_CASE("only what was prepared last is committed, and nothing is aborted that never began" *
          mainstay::test::kNeedsRoot) {
    Bench bench;
    bench.prepare(1, named("VI_0"));
    bench.hear_a<ipc::Prepared>();
    bench.send(ipc::Abort{1});
    bench.start();
    bench.prepare(2, named("VI_2"));
    bench.hear_a<ipc::Prepared>();
    bench.send(ipc::Commit{3});
    bench.until_logged("configuration 3 was committed without having been prepared");
    bench.prepare(3, named("refused"));
    CHECK(bench.hear_a<ipc::Prepared>().refused == "no such interface");
    bench.send(ipc::Commit{2});
    bench.until_logged("configuration 2 was committed without having been prepared");
    CHECK(bench.notes() == Texts{"start VI_1", "prepare VI_2", "prepare refused"});
}

TEST_CASE("what comes before the start reaches the role, but for commands" * mainstay::test::kNeedsRoot) {
    Bench bench;
    const auto file = ipc::make_sealed_memfd("x", std::vector<std::byte>(5));
    bench.send(ipc::DiscoveryMemory{}, file->get());
    bench.send(ipc::ServerFileRead{"S", {}}, file->get());
    bench.send(ipc::OperatorAnswered{1, 0, "early"});
    bench.send(ipc::ReadTraffic{});
    bench.until_noted("running nothing");
    CHECK(bench.notes() == Texts{"remembered", "discovered S with a list", "relayed traffic", "running nothing"});
    bench.start();
    bench.notes();
    bench.send(ipc::DiscoveryMemory{}, file->get());  // it is too late for that one
    bench.send(ipc::ServerFileRead{"T", "no such file"});
    bench.send(ipc::SupervisionReport{});
    bench.until_noted("relayed");
    CHECK(bench.notes() == Texts{"discovered T", "relayed"});
}

TEST_CASE("answers, settings and files of the supervisor reach a running role" * mainstay::test::kNeedsRoot) {
    Bench bench;
    bench.start();
    bench.notes();
    const auto file = ipc::make_sealed_memfd("x", std::vector<std::byte>(5));
    bench.send(ipc::OperatorAnswered{1, 0, {}}, file->get());
    bench.send(ipc::OperatorAnswered{1, 2, "no such instance"});
    bench.send(ipc::ApiSettings{.listen = {}, .credentials = "/c"});
    bench.send(ipc::ApiFile{ipc::ApiFile::What::Credentials, {}}, file->get());
    bench.send(ipc::WebhookSettings{{{}, {}}});
    bench.send(ipc::RecordMemory{}, file->get());
    bench.until_noted("record");
    CHECK(bench.notes() == Texts{"answered  with a text", "answered no such instance", "API /c", "API file  opened",
                                 "webhooks 2", "record"});
}

TEST_CASE("a role's questions and requests go to the supervisor" * mainstay::test::kNeedsRoot) {
    Bench bench;
    bench.start();
    bench.ask("questions");
    const auto wanted = bench.hear_a<ipc::ControlRequest>();
    CHECK(wanted.what == What::PrintData);
    CHECK(wanted.by == "SNMP");
    bench.hear_a<ipc::ReadTraffic>();
    CHECK(bench.hear_a<ipc::ServerQuestion>().which == "S");
    CHECK(bench.hear_a<ipc::InstanceQuestion>().which == "I");
    CHECK(bench.hear_a<ipc::LogLevelQuestion>().module == "vrrp");
    const auto memory = bench.hear();
    CHECK(size_of(memory) == 5);
    CHECK(std::holds_alternative<ipc::DiscoveryMemory>(memory->message));
}

TEST_CASE("a role that is stopping gets no more commands, and stops once" * mainstay::test::kNeedsRoot) {
    Bench bench;
    bench.start(named("patient"));
    bench.notes();
    bench.send(ipc::Stop{});
    bench.send(ipc::Stop{});
    bench.send(ipc::Retire{});
    bench.send(ipc::Observations{{{}, {}}});
    bench.send(ipc::ServerFileRead{"S", {}});
    bench.send(ipc::DiscoveryMemory{});
    bench.send(ipc::MaintenanceOrder{.on = true, .by = {}, .reason = "late", .note = {}});
    bench.ask("generation");
    bench.send(ipc::ServerQuestion{});
    const auto servers = bench.hear_a<ipc::OperatorAnswered>();
    CHECK(servers.exit_code == 2);
    CHECK(servers.problem == "the process is starting or stopping");
    bench.send(ipc::InstanceQuestion{});
    const auto instances = bench.hear_a<ipc::OperatorAnswered>();
    CHECK(instances.exit_code == 2);
    CHECK(instances.problem == "the process is starting or stopping");
    bench.prepare(2, named("VI_2"));
    bench.hear_a<ipc::Prepared>();
    bench.send(ipc::Commit{2});  // nobody waits for it any more
    bench.send(ipc::ReadTraffic{});
    bench.hear_a<ipc::Stopped>();
    CHECK_FALSE(bench.hear().has_value());
    CHECK(bench.notes() == Texts{"stop", "prepare VI_2", "commit", "running VI_2", "relayed traffic"});
    CHECK(bench.exit_code() == 0);
}

TEST_CASE("without a supervisor no script runs, and one that dies while the role stops is no news" *
          mainstay::test::kNeedsRoot) {
    Bench asking, late;
    asking.start(named("asking"));
    asking.line.reset();
    CHECK(asking.exit_code() == 0);
    CHECK(asking.logged("the last script was not run: 11"));
    late.start(named("late"));
    late.send(ipc::Stop{});
    late.until_noted("stop");
    late.line.reset();
    CHECK(late.exit_code() == 0);
    CHECK_FALSE(late.logged("the supervisor has died"));
}

TEST_CASE("what the supervisor has not read yet waits, also beyond the end of the process" *
          mainstay::test::kNeedsRoot) {
    Bench bench;
    bench.start();
    bench.ask("flood");
    bench.send(ipc::Stop{});
    ::poll(nullptr, 0, 50);  // a moment in which it would end, and what waits would be lost
    for (int read = 0; read < 5000; ++read) bench.hear_a<ipc::ReadTraffic>();
    bench.hear_a<ipc::Stopped>();
    CHECK(bench.exit_code() == 0);
    CHECK_FALSE(bench.logged("was lost"));
}

TEST_CASE("a process whose supervisor reads nothing ends all the same" * mainstay::test::kNeedsRoot) {
    Bench bench;
    bench.start();
    bench.ask("flood");
    bench.send(ipc::Stop{});
    CHECK(bench.exit_code() == 0);
}

TEST_CASE("a script whose request is too large for a message was not run" * mainstay::test::kNeedsRoot) {
    Bench bench;
    bench.start();
    bench.ask("large script");
    bench.until_noted("the large script was not run: 11");
    CHECK(bench.logged("a message to the supervisor was lost (1 so far): a message between processes is too large"));
}

TEST_CASE("a state that is too large is reported, and the one before it stays" * mainstay::test::kNeedsRoot) {
    Bench bench;
    bench.start();
    bench.ask("state");
    bench.ask("large state");
    bench.ask("previous");
    bench.until_noted("previous 9");
    CHECK(bench.logged("state is not saved for a restart: state of 1073741824 bytes does not fit a slot of "));
}

TEST_CASE("the levels of the log are those of an operator's order" * mainstay::test::kNeedsRoot) {
    Bench bench;
    bench.start();
    bench.ask("levels");
    bench.until_noted("levels 0");
    bench.ask("lines");
    bench.until_logged("a line of the role\n");
    bench.send(ipc::LogLevelOrder{LogLevels(kLogModules.size(), LogLevel::Error)});
    bench.ask("lines");
    bench.ask("levels");
    bench.until_noted("levels 11");
    const auto log = bench.log();
    CHECK(log.find("a line of the role\n") == log.rfind("a line of the role\n"));
    bench.send(ipc::LogLevelOrder{LogLevels(kLogModules.size(), LogLevel::Debug)});
    bench.ask("lines");
    bench.until_logged("a line of the API\n");
}

TEST_CASE("a spare keeps the name that its configuration gives it" * mainstay::test::kNeedsRoot) {
    Bench bench{{.spare = true}};
    auto config = named("VI_1");
    config.global.more.edit().values = {{"vrrp_process_name", config::WordList{"odd-name"}}};
    bench.start(config);
    CHECK(bench.process_name() == "odd-name");
    config.instances[0].name = "VI_2";
    bench.prepare(2, config);
    bench.hear_a<ipc::Prepared>();
    bench.send(ipc::Commit{2});
    bench.hear_a<ipc::Committed>();
    CHECK(bench.process_name() == "odd-name");
}

TEST_CASE("a process that comes late gets a real-time priority where that is configured" * mainstay::test::kNeedsRoot) {
    Bench bench{{.may_schedule = true}};
    auto config = named("VI_1");
    config.global.more.edit().values = {{"max_auto_priority", std::int64_t{1}},
                                        {"min_auto_priority_delay", std::int64_t{1000}}};
    bench.start(config);
    const std::string raised = " us late: real-time priority raised to 1\n";
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    while (!bench.logged(raised)) {
        REQUIRE(std::chrono::steady_clock::now() < end);
        REQUIRE(::kill(bench.pid, SIGSTOP) == 0);
        ::poll(nullptr, 0, 100);
        REQUIRE(::kill(bench.pid, SIGCONT) == 0);
        ::poll(nullptr, 0, 20);
    }
    const auto log = bench.log();
    const auto number = log.rfind(' ', log.find(raised) - 1) + 1;
    CHECK(log.find(raised) - number <= 8);  // less than two minutes
}
