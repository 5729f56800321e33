#include "role/supervisor/dumps.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "../../temporary_folder.hpp"
#include "supervisor_parts.hpp"

using namespace mainstay;
using namespace mainstay::role;
using DumpKind = ipc::DumpText::What;
using DumpStep = ipc::DumpFile::Step;
using Texts = std::vector<std::string>;
using mainstay::test::TemporaryFolder;

namespace {

// The observer's end of the line is the test's; hand_out_dump_files() runs in a thread.
struct DumpFilesBench {
    void begin(std::chrono::milliseconds limit = std::chrono::seconds{20}, bool with_stats = false) {
        auto line = ipc::make_channel();
        REQUIRE(line.has_value());
        observer = std::move(line->second);
        DumpFiles files{.paths = {{DumpKind::Data, folder + "/data"}}, .mode = 0640};
        if (with_stats) files.paths[DumpKind::Stats] = folder + "/no/s";
        thread = std::thread{[this, end = std::move(line->first), files, limit] {
            honest = hand_out_dump_files(end.get(), files, limit, log);
        }};
    }
    void send(DumpKind what, DumpStep step) const {
        REQUIRE(ipc::send_message(observer.get(), ipc::DumpFile{what, step}).has_value());
    }
    std::tuple<DumpKind, DumpStep, UniqueFd> hear() const {
        for (int tried = 0; tried < 2000; ++tried) {
            auto got = ipc::receive_message(observer.get());
            REQUIRE(got.has_value());
            if (*got) {
                auto* received = std::get_if<ipc::Received>(&**got);
                REQUIRE(received != nullptr);
                const auto& told = std::get<ipc::DumpFile>(received->message);
                return {told.what, told.step, std::move(received->descriptor)};
            }
            std::this_thread::sleep_for(std::chrono::milliseconds{5});
        }
        FAIL("no answer");
        return {};
    }
    // The first file that is handed out.
    UniqueFd file_of(DumpKind what) const {
        auto [told, step, file] = hear();
        CHECK(told == what);
        CHECK(step == DumpStep::Opened);
        REQUIRE(file.get() >= 0);
        return std::move(file);
    }
    void end() { thread.join(); }
    void leave() {
        observer.reset();
        end();
    }
    Texts files() const {
        Texts names;
        for (const auto& entry : std::filesystem::directory_iterator{folder}) names.push_back(entry.path().filename());
        return names;
    }
    std::string read(const std::string& name) const {
        std::ostringstream text;
        text << std::ifstream{folder + "/" + name}.rdbuf();
        return text.str();
    }
    [[nodiscard]] bool logged(const std::string& part) const {
        return log.texts.size() == 1 && log.texts[0].find(part) != std::string::npos;
    }

    TemporaryFolder home;
    const std::string folder = home.path;
    UniqueFd observer;
    std::thread thread;
    bool honest = false;  // when it has ended
    mainstay::test::KeptLog log;
};

}  // namespace

TEST_CASE("a file is in its place, with its mode, when its writer says that it is whole, not before") {
    DumpFilesBench bench;
    bench.begin();
    const UniqueFd file = bench.file_of(DumpKind::Data);
    CHECK((::fcntl(file.get(), F_GETFL) & O_ACCMODE) == O_WRONLY);
    REQUIRE(::write(file.get(), "text", 4) == 4);
    CHECK_FALSE(std::filesystem::exists(bench.folder + "/data"));
    bench.send(DumpKind::Data, DumpStep::Written);
    bench.send({}, DumpStep::Over);
    bench.end();
    CHECK(bench.honest);
    CHECK(bench.read("data") == "text");
    struct stat facts{};
    REQUIRE(::stat((bench.folder + "/data").c_str(), &facts) == 0);
    CHECK((facts.st_mode & 07777) == 0640);
    CHECK(bench.files() == Texts{"data"});
    CHECK(bench.log.texts.empty());
}

TEST_CASE("an observer that goes away before it has its files is told of like one that goes away later") {
    DumpFilesBench bench;
    auto line = ipc::make_channel();
    REQUIRE(line.has_value());
    line->second.reset();
    CHECK(hand_out_dump_files(line->first.get(), {.paths = {{DumpKind::Data, bench.folder + "/data"}}},
                              std::chrono::seconds{20}, bench.log));
    CHECK(bench.log.texts == Texts{"a dump was not finished: the observer went away"});
    CHECK(bench.files().empty());

    // The kernel answers in another way where it left something unread.
    auto other = ipc::make_channel();
    REQUIRE(other.has_value());
    REQUIRE(ipc::send_message(other->first.get(), ipc::DumpFile{DumpKind::Data, DumpStep::Opened}));
    other->second.reset();
    CHECK(hand_out_dump_files(other->first.get(), {.paths = {{DumpKind::Data, bench.folder + "/data"}}},
                              std::chrono::seconds{20}, bench.log));
    CHECK(bench.log.texts.size() == 2);
    CHECK(bench.log.texts.back() == "a dump was not finished: the observer went away");
}

TEST_CASE("a file that is never said to be whole is removed, and what lay in its place stays") {
    DumpFilesBench bench;
    std::ofstream{bench.folder + "/data"} << "before";
    bench.begin();
    SUBCASE("the observer goes away") {
        const UniqueFd file = bench.file_of(DumpKind::Data);
        bench.leave();
        CHECK(bench.logged("the observer went away"));
        CHECK(bench.honest);
    }
    SUBCASE("the observer says that there is no more") {
        const UniqueFd file = bench.file_of(DumpKind::Data);
        bench.send({}, DumpStep::Over);
        bench.end();
        CHECK(bench.log.texts.empty());
    }
    SUBCASE("the observer talks nonsense") {
        const UniqueFd file = bench.file_of(DumpKind::Data);
        bench.send(DumpKind::Data, DumpStep::Opened);
        bench.end();
        CHECK(bench.logged("what only the supervisor says"));
    }
    SUBCASE("the observer sends another kind of message") {
        const UniqueFd file = bench.file_of(DumpKind::Data);
        REQUIRE(ipc::send_message(bench.observer.get(), ipc::Reload{}).has_value());
        bench.end();
        CHECK(bench.logged("something else than a word about a file"));
        CHECK_FALSE(bench.honest);
    }
    SUBCASE("the observer sends what cannot be read") {
        const UniqueFd file = bench.file_of(DumpKind::Data);
        REQUIRE(::write(bench.observer.get(), "\x20\xff", 2) == 2);
        bench.end();
        CHECK(bench.logged("not answered any more"));
    }
    CHECK(bench.files() == Texts{"data"});
    CHECK(bench.read("data") == "before");
}

TEST_CASE("an observer that does not come to an end is not waited for longer than the limit") {
    DumpFilesBench bench;
    bench.begin(std::chrono::milliseconds{300});
    const UniqueFd file = bench.file_of(DumpKind::Data);
    bench.end();
    CHECK(bench.logged("has not written it within"));
    CHECK(bench.files().empty());
}

TEST_CASE("a word about a file that is not handed out, or is in its place already, ends it") {
    DumpFilesBench bench;
    bench.begin();
    SUBCASE("not of this dump") { bench.send(DumpKind::Json, DumpStep::Written); }
    SUBCASE("none that there is") { bench.send(static_cast<DumpKind>(77), DumpStep::Written); }
    SUBCASE("twice") {
        bench.send(DumpKind::Data, DumpStep::Written);
        bench.send(DumpKind::Data, DumpStep::Written);
    }
    bench.end();
    CHECK_FALSE(bench.honest);
    CHECK(bench.log.texts.size() == 1);
}

TEST_CASE("an observer of a former version asks for its file, which came already") {
    DumpFilesBench bench;
    bench.begin();
    bench.send(DumpKind::Data, DumpStep::Wanted);
    const UniqueFd file = bench.file_of(DumpKind::Data);
    bench.send(DumpKind::Data, DumpStep::Written);
    bench.send({}, DumpStep::Over);
    bench.end();
    CHECK(bench.honest);
    CHECK(bench.files() == Texts{"data"});
}

TEST_CASE("a file that cannot be made is refused, which is logged, and the others are made") {
    DumpFilesBench bench;
    bench.begin(std::chrono::seconds{20}, true);
    const UniqueFd file = bench.file_of(DumpKind::Data);
    const auto [what, step, none] = bench.hear();
    CHECK(what == DumpKind::Stats);
    CHECK(step == DumpStep::Refused);
    CHECK(none.get() < 0);
    CHECK(std::get<DumpStep>(bench.hear()) == DumpStep::Over);
    bench.send(DumpKind::Data, DumpStep::Written);
    bench.send({}, DumpStep::Over);
    bench.end();
    CHECK(bench.files() == Texts{"data"});
    CHECK(bench.logged("create a file beside " + bench.folder + "/no/s"));
}

TEST_CASE("a link at the place of a dump is replaced, not followed") {
    DumpFilesBench bench;
    std::ofstream{bench.folder + "/precious"} << "precious";
    std::filesystem::create_symlink(bench.folder + "/precious", bench.folder + "/data");
    bench.begin();
    const UniqueFd file = bench.file_of(DumpKind::Data);
    REQUIRE(::write(file.get(), "text", 4) == 4);
    bench.send(DumpKind::Data, DumpStep::Written);
    bench.send({}, DumpStep::Over);
    bench.end();
    CHECK_FALSE(std::filesystem::is_symlink(bench.folder + "/data"));
    CHECK(bench.read("data") == "text");
    CHECK(bench.read("precious") == "precious");
}

TEST_CASE("a signal's files lie where the configuration and the folder say") {
    ipc::DaemonSettings settings;
    CHECK(dump_files(SIGUSR1, settings, "/tmp", "_red").paths.at(DumpKind::DataCheck) == "/tmp/keepalived_check.data");
    CHECK(dump_files(SIGUSR1, settings, "/tmp", "_red").paths.size() == 4);
    settings.state_dump_file = "/var/ha/";
    settings.data_use_instance = true;
    CHECK(dump_files(SIGUSR1, settings, "/tmp", "_red").paths.at(DumpKind::Data) == "/var/ha/keepalived.red.data");
    using Paths = std::map<DumpKind, std::string>;
    CHECK(dump_files(SIGUSR2, settings, "/tmp", "_red").paths == Paths{{DumpKind::Stats, "/tmp/keepalived.red.stats"}});
    CHECK(dump_files(SIGRTMAX - 1, settings, "/run", "").paths == Paths{{DumpKind::Stats, "/run/keepalived.stats"}});
    CHECK(dump_files(SIGRTMIN + 2, settings, "/tmp", "_red").paths ==
          Paths{{DumpKind::Json, "/tmp/keepalived.red.json"}});
}
