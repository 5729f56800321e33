// What a running supervisor passes on between the API, lvs, the watcher and the observer, and what it keeps for them.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

#include "../../needs.hpp"
#include "mainstay/config/server_file.hpp"
#include "mainstay/ipc/shared.hpp"
#include "written.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

UniqueFd sealed(const std::string& text) {
    auto memory = ipc::make_sealed_memfd("text", std::as_bytes(std::span{text}));
    REQUIRE(memory.has_value());
    return std::move(*memory);
}

ipc::ServerQuestion question(std::uint64_t request, const std::string& by) {
    ipc::ServerQuestion asked;
    asked.request = request;
    asked.which = "10.0.0.11";
    asked.weight = 3;
    asked.by = by;
    return asked;
}

ipc::OperatorAnswered refusal(Stage::Running& running, const ipc::ServerQuestion& asked) {
    running.observer->send(asked);
    return running.observer->hear<ipc::OperatorAnswered>();
}

ipc::DaemonSettings recording(std::uint32_t mib) {
    ipc::DaemonSettings settings;
    settings.recorder_mib = mib;
    return settings;
}

std::uint64_t size_of(const UniqueFd& memory) {
    struct stat facts{};
    REQUIRE(::fstat(memory.get(), &facts) == 0);
    return static_cast<std::uint64_t>(facts.st_size);
}

}  // namespace

TEST_CASE("a command for servers of the API goes to lvs as the API's, and its answer to the client that gave it" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run(with_api());
    running.observer->send(question(7, "ana b\nat\x7f" + std::string(200, 'x')));
    const auto asked = running[Kind::Lvs].hear<ipc::ServerQuestion>();
    CHECK(asked.which == "10.0.0.11");
    CHECK(asked.weight == 3);
    CHECK(asked.by == "API: ana b at " + std::string(119, 'x'));
    CHECK(asked.request == 1);
    // An operator's command meanwhile has an answer of its own.
    const auto client = stage.ask(question(0, {}));
    const auto of_operator = running[Kind::Lvs].hear<ipc::ServerQuestion>();
    CHECK(of_operator.request == 2);
    CHECK(of_operator.by.starts_with("uid 0"));
    running[Kind::Lvs].send(ipc::OperatorAnswered{asked.request, 1, "no such server"}, sealed("one server").get());
    const auto got = running.observer->hear_with_descriptor<ipc::OperatorAnswered>();
    const auto& answered = std::get<ipc::OperatorAnswered>(got.message);
    CHECK(answered.request == 7);
    CHECK(answered.exit_code == 1);
    CHECK(answered.problem == "no such server");
    CHECK(text_of(got.descriptor) == "one server");
    CHECK_FALSE(next_received(client.get(), 100ms));
    running[Kind::Lvs].send(ipc::ServerAnswered{of_operator.request, 0, {}});  // of a role of a former version
    CHECK(answer<ipc::OperatorAnswered>(client)->request == 2);
    CHECK(running.observer->hears_none<ipc::OperatorAnswered>());
}

TEST_CASE("a command for servers of the API is refused without [api] operate, and where lvs does not run" *
          mainstay::test::kNeedsRoot) {
    Stage closed, without;
    auto running = closed.run({.needed = {Kind::Vrrp, Kind::Lvs}});
    const auto refused = refusal(running, question(7, "ana"));
    CHECK(refused.request == 7);
    CHECK(refused.exit_code == 2);
    CHECK(refused.problem == "[api] operate is not set in mainstay.toml");
    CHECK(running[Kind::Lvs].hears_none<ipc::ServerQuestion>());

    auto alone = without.run(with_api({Kind::Vrrp}));
    const auto nobody = refusal(alone, question(8, "ana"));
    CHECK(nobody.request == 8);
    CHECK(nobody.exit_code == 2);
    CHECK(nobody.problem == "the load balancing process is not running");
}

TEST_CASE("a command for servers of the API is refused while lvs has not its configuration yet" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run(with_api());
    running[Kind::Lvs].exit(1);
    auto& again = stage.started("mainstayd-lvs");
    again.hear<ipc::Prepare>();
    CHECK(refusal(running, question(9, "ana")).problem == "the load balancing process is not running");
    CHECK(answer<ipc::OperatorAnswered>(stage.ask(question(0, {})))->problem ==
          "the load balancing process is not running");
    running.observer->send(ipc::ReadTraffic{});
    CHECK(again.hears_none<ipc::ReadTraffic>());
    again.send(ipc::Prepared{1, {}});
    again.hear<ipc::Commit>();
    again.send(ipc::Committed{1});
    running.observer->send(ipc::ReadTraffic{});
    again.hear<ipc::ReadTraffic>();
    running.observer->send(question(10, "ana"));
    CHECK(again.hear<ipc::ServerQuestion>().which == "10.0.0.11");
}

TEST_CASE("the servers of a file go from the watcher to lvs, also to one that starts later" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    Written written{.needed = {Kind::Vrrp, Kind::Lvs}};
    const config::ServerFileSource source{.path = "/servers"};
    written.host.watch.server_files = {source};
    auto& reader = stage.started("mainstayd-read");
    stage.send(reader, written);
    auto& watcher = stage.started("mainstayd-track");
    auto &vrrp = stage.started("mainstayd-vrrp"), &lvs = stage.started("mainstayd-lvs");
    lvs.hear<ipc::Prepare>();
    lvs.send(ipc::Prepared{1, {}});
    CHECK(watcher.hear<ipc::Prepare>().generation == 1);
    watcher.send(ipc::ServerFileRead{config::key_of(source), {}}, sealed("two servers").get());
    watcher.send(ipc::ServerFileRead{"/elsewhere", {}}, sealed("none").get());
    watcher.send(ipc::Prepared{1, {}});
    const auto first = lvs.hear_with_descriptor<ipc::ServerFileRead>();
    CHECK(std::get<ipc::ServerFileRead>(first.message).source == "/servers");
    CHECK(text_of(first.descriptor) == "two servers");
    lvs.hear<ipc::Commit>();
    CHECK(std::ranges::count(lvs.passed, "ServerFileRead") == 0);
    lvs.send(ipc::Committed{1});
    stage.take_configuration(vrrp, 1);
    stage.take_configuration(stage.started("mainstayd-obs"), 1);
    lvs.hear_with_descriptor<ipc::ServerFileRead>();  // once more, now that it runs

    watcher.send(ipc::ServerFileRead{config::key_of(source), "entry 3: no port"});
    const auto next = lvs.hear_with_descriptor<ipc::ServerFileRead>();
    CHECK(std::get<ipc::ServerFileRead>(next.message).problem == "entry 3: no port");
    CHECK_FALSE(next.descriptor);
    CHECK(std::ranges::count(vrrp.passed, "ServerFileRead") == 0);
    CHECK(vrrp.hears_none<ipc::ServerFileRead>());
}

TEST_CASE("servers that the watcher read while lvs takes its first configuration are given to it at once" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    Written written{.needed = {Kind::Lvs}};
    const config::ServerFileSource source{.path = "/servers"};
    written.host.watch.server_files = {source};
    auto& reader = stage.started("mainstayd-read");
    stage.send(reader, written);
    auto& watcher = stage.started("mainstayd-track");
    auto& lvs = stage.started("mainstayd-lvs");
    lvs.hear<ipc::Prepare>();
    watcher.send(ipc::ServerFileRead{config::key_of(source), {}}, sealed("one server").get());
    CHECK(lvs.hears_none<ipc::ServerFileRead>());  // it has no configuration yet
    lvs.send(ipc::Prepared{1, {}});
    watcher.send(ipc::Prepared{1, {}});
    lvs.hear<ipc::ServerFileRead>();
    lvs.hear<ipc::Commit>();
    watcher.send(ipc::ServerFileRead{config::key_of(source), {}}, sealed("two servers").get());
    CHECK(text_of(lvs.hear_with_descriptor<ipc::ServerFileRead>().descriptor) == "two servers");
    lvs.send(ipc::Committed{1});
}

TEST_CASE("servers of more files than lvs has room for are not lost" * mainstay::test::kNeedsRoot) {
    constexpr int kFiles = 600;
    Stage stage;
    Written written{.needed = {Kind::Lvs}};
    for (int i = 0; i < kFiles; ++i)
        written.host.watch.server_files.push_back({.path = "/servers/" + std::to_string(i)});
    auto running = stage.run(written);
    auto& watcher = stage.started("mainstayd-track");
    for (const auto& source : written.host.watch.server_files)
        watcher.send(ipc::ServerFileRead{config::key_of(source), "no such file"});
    std::set<std::string> got;
    while (got.size() < kFiles) got.insert(running[Kind::Lvs].hear<ipc::ServerFileRead>().source);
    CHECK(stage.logged("was lost") == 0);
}

TEST_CASE("the servers that lvs knows are kept in a file, and given to its next process" * mainstay::test::kNeedsRoot) {
    Stage stage;
    Written written{.needed = {Kind::Vrrp, Kind::Lvs}};
    auto running = stage.run(written);
    CHECK(std::ranges::count(running[Kind::Lvs].passed, "DiscoveryMemory") == 0);
    running[Kind::Lvs].send(ipc::DiscoveryMemory{}, sealed("what it knows").get());
    stage.until([&] { return stage.text("state/discovered") == "what it knows"; }, "the file");
    running[Kind::Lvs].exit(1);
    auto& again = stage.started("mainstayd-lvs");
    const auto known = again.hear_with_descriptor<ipc::DiscoveryMemory>();
    CHECK(text_of(known.descriptor) == "what it knows");
    CHECK(std::ranges::count(again.passed, "Prepare") == 0);
    stage.take_configuration(again, 1);
    running[Kind::Vrrp].exit(1);
    auto& vrrp = stage.started("mainstayd-vrrp");
    vrrp.hear<ipc::Prepare>();
    CHECK(std::ranges::count(vrrp.passed, "DiscoveryMemory") == 0);
    again.send(ipc::DiscoveryMemory{});
    is_killed(stage, again, "Healthcheck", "sent known servers that cannot be read: ");
}

TEST_CASE("the servers known before the start are given to lvs, but not from a file that others may write to" *
          mainstay::test::kNeedsRoot) {
    for (const unsigned mode : {0644U, 0664U}) {
        Stage stage;
        fs::create_directory(stage.at("state"));
        const std::string path = stage.at("state/discovered");
        std::ofstream{path} << "what it knew";
        fs::permissions(path, fs::perms{mode});
        auto& reader = stage.started("mainstayd-read");
        stage.send(reader, {.needed = {Kind::Lvs}});
        auto& lvs = stage.started("mainstayd-lvs");
        const std::string lost = "the real servers that were known before are lost: ";
        if (mode == 0644) {
            CHECK(text_of(lvs.hear_with_descriptor<ipc::DiscoveryMemory>().descriptor) == "what it knew");
            CHECK(stage.logged(lost) == 0);
        } else {
            CHECK(stage.logged(lost + path + " is not a file that only root may write to") == 1);
        }
        lvs.hear<ipc::Prepare>();
        CHECK(std::ranges::count(lvs.passed, "DiscoveryMemory") == 0);
    }
}

TEST_CASE("flight records are made once for vrrp and lvs, given to the observer, and to an operator who asks" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    Written written{.needed = {Kind::Vrrp, Kind::Bfd}};
    written.done.daemon = recording(2);
    auto& reader = stage.started("mainstayd-read");
    stage.send(reader, written);
    auto &bfd = stage.started("mainstayd-bfd"), &vrrp = stage.started("mainstayd-vrrp");
    CHECK_FALSE(bfd.hear<ipc::RoleStartup>().has_record);
    CHECK(vrrp.hear<ipc::RoleStartup>().has_record);
    stage.take_configuration(bfd, 1);
    stage.take_configuration(vrrp, 1);
    auto& observer = stage.started("mainstayd-obs");
    CHECK_FALSE(observer.hear<ipc::RoleStartup>().has_record);
    stage.take_configuration(observer, 1);
    const auto saved = observer.hear_with_descriptor<ipc::RecordMemory>();
    CHECK(size_of(saved.descriptor) == 2U * 1024 * 1024);
    CHECK(::pwrite(saved.descriptor.get(), "x", 1, 0) == -1);
    CHECK(observer.hears_none<ipc::RecordMemory>());

    using Of = ipc::RecordQuestion::Of;
    const auto asked = stage.ask(ipc::RecordQuestion{Of::Vrrp});
    const auto got = next_received(asked.get(), 20s);
    REQUIRE(got);
    CHECK(std::get<ipc::RecordMemory>(got->message).problem.empty());
    CHECK(size_of(got->descriptor) == 2U * 1024 * 1024);
    CHECK(::pwrite(got->descriptor.get(), "x", 1, 0) == -1);
    CHECK(stage.logged("flight record requested by uid 0") == 1);
    CHECK(answer<ipc::RecordMemory>(stage.ask(ipc::RecordQuestion{Of::Lvs}))->problem ==
          "there is no flight record: the Healthcheck process has not run since the start or upgrade");
}

TEST_CASE("the observer hears of the flight record of a role that a reload starts" * mainstay::test::kNeedsRoot) {
    Stage stage;
    Written written{.needed = {Kind::Vrrp}};
    written.done.daemon = recording(1);
    auto running = stage.run(written);
    running.observer->hear<ipc::RecordMemory>();
    written.needed.insert(Kind::Lvs);
    stage.reload(running, written);
    for (auto* role : {&running[Kind::Vrrp], running.observer}) {
        role->hear<ipc::Prepare>();
        role->send(ipc::Prepared{2, {}});
    }
    CHECK(stage.started("mainstayd-lvs").hear<ipc::RoleStartup>().has_record);
    CHECK(size_of(running.observer->hear_with_descriptor<ipc::RecordMemory>().descriptor) == 1U * 1024 * 1024);
    CHECK(stage.logged("records will not be saved") == 0);
}

TEST_CASE("an operator who asks for a flight record hears that the recorder is off" * mainstay::test::kNeedsRoot) {
    Stage stage;
    auto running = stage.run();
    CHECK(answer<ipc::RecordMemory>(stage.ask(ipc::RecordQuestion{}))->problem ==
          "the flight recorder is off: [recorder] size of mainstay.toml is 0");
    CHECK(running.observer->hears_none<ipc::RecordMemory>());
}
