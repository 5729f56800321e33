// The FIFOs of notify_fifo and its like, in a folder, and the scripts that read them.
#include "role/supervisor/notify_fifos.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "../../temporary_folder.hpp"
#include "supervisor_parts.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using Lines = ipc::FifoPlan::Lines;
using Texts = std::vector<std::string>;
using mainstay::test::TemporaryFolder;

namespace {

struct FifosBench {
    ~FifosBench() {
        fifos->terminate_scripts();
        until([this] { return fifos->scripts_running() == 0; });
        fifos.reset();
    }

    [[nodiscard]] std::string at(const std::string& name) const { return folder + "/" + name; }
    [[nodiscard]] ipc::FifoPlan plan(const std::string& name, Lines lines = Lines::All,
                                     const std::string& script = {}) const {
        return {lines, at(name), ::getuid(), ::getgid(), script};
    }
    void follow(std::vector<ipc::FifoPlan> plans, const alert::ScriptTable& scripts = {}) {
        ipc::HostPlan host;
        host.fifos = std::move(plans);
        fifos->follow(host, scripts);
    }
    // What a reader finds in the FIFO now.
    [[nodiscard]] std::string read(const std::string& name) const {
        const UniqueFd fd{::open(at(name).c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
        std::string all(1 << 17, '\0');
        const auto got = ::read(fd.get(), all.data(), all.size());
        return got > 0 ? all.substr(0, static_cast<std::size_t>(got)) : "";
    }
    [[nodiscard]] bool exists(const std::string& name) const { return std::filesystem::exists(at(name)); }
    [[nodiscard]] std::string text(const std::string& name) const {
        std::ifstream file{at(name)};
        return {std::istreambuf_iterator<char>{file}, {}};
    }
    // A script that notes its start and its arguments, and then does `then`.
    [[nodiscard]] alert::ScriptEntry script(const std::string& then) const {
        return {{"sh", "-c", "echo \"$@\" >>" + at("started") + "; " + then, "sh", "own"},
                "/bin/sh",
                ::getuid(),
                ::getgid()};
    }
    void until(const std::function<bool()>& condition) {
        const auto limit = kernel::monotonic_now() + std::chrono::seconds{20};
        while (!condition()) {
            REQUIRE(kernel::monotonic_now() < limit);
            loop.restart();
            loop.run_for(std::chrono::milliseconds{5});
            while (const auto ended = kernel::reap())  // it may be a process that an earlier test left
                if (fifos->ended(*ended)) ++scripts_ended;
        }
    }
    [[nodiscard]] std::size_t starts() const {
        const auto lines = text("started");
        return static_cast<std::size_t>(std::ranges::count(lines, '\n'));
    }
    [[nodiscard]] std::size_t logged(const std::string& part) const {
        return static_cast<std::size_t>(std::ranges::count_if(
            log.texts, [&](const std::string& text) { return text.find(part) != std::string::npos; }));
    }

    TemporaryFolder home;
    const std::string folder = home.path;
    KeptLog log;
    boost::asio::io_context loop;
    std::size_t scripts_ended = 0;
    std::unique_ptr<NotifyFifos> fifos = std::make_unique<NotifyFifos>(loop, log);
};

}  // namespace

TEST_CASE("each FIFO gets the lines of its roles") {
    FifosBench bench;
    bench.follow({bench.plan("all"), bench.plan("vrrp", Lines::Vrrp), bench.plan("lvs", Lines::Lvs)});
    bench.fifos->write(Kind::Vrrp, "from vrrp\n");
    bench.fifos->write(Kind::Lvs, "from lvs\n");
    CHECK(bench.read("all") == "from vrrp\nfrom lvs\n");
    CHECK(bench.read("vrrp") == "from vrrp\n");
    CHECK(bench.read("lvs") == "from lvs\n");
    CHECK(bench.log.texts.empty());
}

TEST_CASE("a line is written once, also after a call that a signal interrupted") {
    FifosBench bench;
    bench.follow({bench.plan("all")});
    errno = EINTR;  // of a call before, which a write that succeeds leaves as it is
    bench.fifos->write(Kind::Vrrp, "line\n");
    CHECK(bench.read("all") == "line\n");
    CHECK(bench.log.texts.empty());
}

TEST_CASE("a FIFO that is made has the mode of the plan, and goes with it; one that was there stays") {
    FifosBench bench;
    REQUIRE(::mkfifo(bench.at("own").c_str(), 0600) == 0);
    ipc::HostPlan host;
    host.fifos = {bench.plan("own"), bench.plan("made")};
    host.fifo_mode = 0640;
    bench.fifos->follow(host, {});
    struct stat facts{};
    REQUIRE(::stat(bench.at("made").c_str(), &facts) == 0);
    CHECK((facts.st_mode & 07777) == 0640);
    REQUIRE(::stat(bench.at("own").c_str(), &facts) == 0);
    CHECK((facts.st_mode & 07777) == 0600);
    bench.follow({});
    CHECK(bench.exists("own"));
    CHECK_FALSE(bench.exists("made"));
    bench.fifos->write(Kind::Vrrp, "x\n");
    CHECK(bench.log.texts.empty());
}

TEST_CASE("what is no FIFO is refused, and the others are used") {
    FifosBench bench;
    std::ofstream{bench.at("file")} << "text";
    bench.follow({bench.plan("file"), bench.plan("fifo")});
    CHECK(bench.log.texts ==
          Texts{"FIFO " + bench.at("file") + " cannot be used: " + bench.at("file") + " is not a FIFO"});
    bench.fifos->write(Kind::Vrrp, "line\n");
    CHECK(bench.read("fifo") == "line\n");
    CHECK(bench.text("file") == "text");
}

TEST_CASE("a FIFO that both plans have keeps its lines, one that changed is made anew") {
    FifosBench bench;
    bench.follow({bench.plan("same"), bench.plan("other")});
    bench.fifos->write(Kind::Vrrp, "early\n");
    bench.follow({bench.plan("other", Lines::Lvs), bench.plan("same")});
    bench.fifos->write(Kind::Vrrp, "late\n");
    CHECK(bench.read("same") == "early\nlate\n");
    CHECK(bench.read("other") == "");
    bench.fifos->write(Kind::Lvs, "x\n");
    CHECK(bench.read("other") == "x\n");
}

TEST_CASE("lines for a full FIFO wait, and follow in their order") {
    FifosBench bench;
    bench.follow({bench.plan("f")});
    std::string all, got;
    for (int i = 0; i < 50; ++i) {
        const std::string line = std::string(3990, 'x') + std::to_string(1000 + i) + "\n";
        bench.fifos->write(Kind::Vrrp, line);
        all += line;
    }
    CHECK(bench.log.texts == Texts{"FIFO " + bench.at("f") + " is full because no process reads it: lines wait"});
    bench.until([&] { return (got += bench.read("f")).size() >= all.size(); });
    CHECK(got == all);
    bench.fifos->write(Kind::Vrrp, "more\n");
    CHECK(bench.read("f") == "more\n");
    CHECK(bench.log.texts.size() == 1);
}

TEST_CASE("of more lines than may wait the rest is lost, which is said once, and how many when there is room again") {
    FifosBench bench;
    bench.follow({bench.plan("f")});
    constexpr std::size_t kInPipe = 65'536 / 2;
    for (std::size_t i = 0; i < kInPipe + kFifoLinesWaitingMax + 5; ++i) bench.fifos->write(Kind::Vrrp, "x\n");
    const std::string name = "FIFO " + bench.at("f");
    REQUIRE(bench.log.texts.size() == 2);
    CHECK(bench.log.texts[1] == name + ": 100000 lines wait for a reader, and further ones are lost");
    std::size_t got = 0;
    bench.until([&] { return (got += bench.read("f").size()) == 2 * (kInPipe + kFifoLinesWaitingMax); });
    bench.until([&] { return bench.log.texts.size() == 3; });
    CHECK(bench.log.texts[2] == name + " accepts lines again: 5 lines were lost (5 in total)");
}

TEST_CASE("lines that still wait when a FIFO is closed are counted") {
    FifosBench bench;
    bench.follow({bench.plan("f")});
    for (int i = 0; i < 20; ++i) bench.fifos->write(Kind::Vrrp, std::string(4000, 'x') + "\n");
    bench.fifos->close_writers();
    REQUIRE(bench.log.texts.size() == 2);
    CHECK(bench.log.texts[1] == "FIFO " + bench.at("f") + " is closed: 4 lines that waited for a reader are lost");
}

TEST_CASE("a line may name what is configured for its role, or was before the last reload") {
    FifosBench bench;
    const auto names = [](const std::string& instance) {
        ipc::HostPlan host;
        host.fifo_names = ipc::FifoSubjects{{instance}, {"G_" + instance}, {}};
        return host;
    };
    const auto check = [&](Kind from, const std::string& line) {
        const auto allowed = bench.fifos->check(from, line);
        return allowed ? std::string{"allowed"} : allowed.error().code() == Errc::NotFound ? "unknown" : "refused";
    };
    const std::string first = "INSTANCE \"VI_1\" MASTER 100\n", second = "INSTANCE \"VI_2\" MASTER 100\n";
    CHECK(check(Kind::Vrrp, first) == "allowed");  // there is no list of names yet
    bench.fifos->follow(names("VI_1"), {});
    CHECK(check(Kind::Vrrp, first) == "allowed");
    CHECK(check(Kind::Vrrp, "GROUP \"G_VI_1\" MASTER 0\n") == "allowed");
    CHECK(check(Kind::Vrrp, second) == "unknown");
    CHECK(check(Kind::Vrrp, "rubbish\n") == "refused");
    CHECK(check(Kind::Lvs, first) == "refused");
    CHECK(check(Kind::Bfd, first) == "refused");
    bench.fifos->follow(names("VI_2"), {});
    CHECK(check(Kind::Vrrp, second) == "allowed");
    CHECK(check(Kind::Vrrp, first) == "allowed");
    bench.fifos->follow(names("VI_3"), {});
    CHECK(check(Kind::Vrrp, first) == "unknown");
}

TEST_CASE("the script of a FIFO gets its path after its own arguments, and reads what is written") {
    FifosBench bench;
    bench.follow({bench.plan("f", Lines::All, "reader")},
                 {{"reader", bench.script("head -n 1 \"$2\" >" + bench.at("read"))}});
    CHECK(bench.fifos->scripts_running() == 1);
    bench.fifos->write(Kind::Vrrp, "a line\n");
    bench.until([&] { return bench.text("read") == "a line\n"; });
    CHECK(bench.text("started") == "own " + bench.at("f") + "\n");
}

TEST_CASE("a script that ends is started again a second later, and then after a longer pause") {
    FifosBench bench;
    bench.follow({bench.plan("f", Lines::All, "reader")}, {{"reader", bench.script("exit 3")}});
    const auto began = kernel::monotonic_now();
    bench.until([&] { return bench.scripts_ended == 1; });
    CHECK(bench.fifos->scripts_running() == 0);
    CHECK(bench.log.texts == Texts{"the script that reads " + bench.at("f") + " ended (exit status 3): restarting it"});
    bench.until([&] { return bench.scripts_ended == 2; });
    CHECK(kernel::monotonic_now() - began >= std::chrono::seconds{1});
    bench.until([&] { return bench.scripts_ended == 3; });
    CHECK(kernel::monotonic_now() - began >= std::chrono::seconds{3});
    CHECK(bench.starts() == 3);
    CHECK_FALSE(bench.fifos->ended({.pid = kNobody}));
    CHECK_FALSE(bench.fifos->ended({.pid = 0}));
}

TEST_CASE("the script of a FIFO that goes is terminated, that of one that stays keeps running") {
    FifosBench bench;
    const alert::ScriptTable scripts{{"reader", bench.script("sleep 600")}};
    bench.follow({bench.plan("a", Lines::All, "reader"), bench.plan("b", Lines::All, "reader")}, scripts);
    CHECK(bench.fifos->scripts_running() == 2);
    bench.until([&] { return bench.starts() == 2; });
    bench.follow({bench.plan("b", Lines::All, "reader")}, scripts);
    CHECK(bench.fifos->scripts_running() == 2);  // one of them is leaving
    bench.until([&] { return bench.fifos->scripts_running() == 1; });
    CHECK(bench.log.texts.empty());
    CHECK(bench.starts() == 2);
}

TEST_CASE("a script is started again when other variables are passed to it") {
    FifosBench bench;
    const alert::ScriptTable scripts{{"reader", bench.script("sleep 600")}};
    bench.follow({bench.plan("f", Lines::All, "reader")}, scripts);
    bench.until([&] { return bench.starts() == 1; });
    bench.fifos->set_pass_environment({"HCLOUD_TOKEN"});
    bench.follow({bench.plan("f", Lines::All, "reader")}, scripts);
    bench.until([&] { return bench.starts() == 2 && bench.fifos->scripts_running() == 1; });
    bench.follow({bench.plan("f", Lines::All, "reader")}, scripts);
    CHECK(bench.fifos->scripts_running() == 1);
}

TEST_CASE("another script for the same FIFO is another reader") {
    FifosBench bench;
    bench.follow({bench.plan("f", Lines::All, "reader")}, {{"reader", bench.script("sleep 600")}});
    bench.until([&] { return bench.starts() == 1; });
    bench.follow({bench.plan("f", Lines::All, "reader")}, {{"reader", bench.script("sleep 601")}});
    bench.until([&] { return bench.starts() == 2 && bench.fifos->scripts_running() == 1; });
}

TEST_CASE("a script that is missing from the table or from the disk leaves the FIFO as it is") {
    FifosBench bench;
    bench.follow({bench.plan("f", Lines::All, "nowhere")});
    CHECK(bench.fifos->scripts_running() == 0);
    CHECK(bench.log.texts.empty());
    bench.follow({bench.plan("g", Lines::All, "gone")},
                 {{"gone", {{"gone"}, "/nowhere/gone", ::getuid(), ::getgid()}}});
    CHECK(bench.log.texts == Texts{"the script that reads " + bench.at("g") +
                                   " cannot be started: start /nowhere/gone: No such file or directory"});
    bench.until([&] { return bench.log.texts.size() == 2; });  // and tried again
    bench.fifos->write(Kind::Vrrp, "line\n");
    CHECK(bench.read("g") == "line\n");
}

TEST_CASE("at the stop readers see the end, are terminated, and are not started again; what was made goes") {
    FifosBench bench;
    REQUIRE(::mkfifo(bench.at("own").c_str(), 0600) == 0);
    bench.follow({bench.plan("made", Lines::All, "reader"), bench.plan("own")},
                 {{"reader", bench.script("sleep 600")}});
    bench.until([&] { return bench.starts() == 1; });
    bench.fifos->close_writers();
    bench.fifos->write(Kind::Vrrp, "too late\n");
    CHECK(bench.read("own") == "");
    CHECK(bench.fifos->scripts_running() == 1);
    bench.fifos->terminate_scripts();
    bench.until([&] { return bench.fifos->scripts_running() == 0; });
    CHECK(bench.log.texts.empty());
    CHECK(bench.exists("made"));
    bench.fifos->remove();
    CHECK_FALSE(bench.exists("made"));
    CHECK(bench.exists("own"));
}

TEST_CASE("a FIFO that is handed over keeps its lines and its script, and is removed by its new owner") {
    FifosBench bench;
    const alert::ScriptTable scripts{{"reader", bench.script("sleep 600")}};
    bench.follow({bench.plan("f", Lines::All, "reader"), bench.plan("g"), bench.plan("h", Lines::All, "reader")},
                 scripts);
    bench.until([&] { return bench.starts() == 2; });
    bench.fifos->write(Kind::Vrrp, "early\n");
    auto handed = bench.fifos->hand_over();
    REQUIRE(handed.size() == 3);
    CHECK(handed[0].path == bench.at("f"));
    CHECK(handed[0].created);
    CHECK(handed[0].pid != 0);
    CHECK(handed[1].pid == 0);
    const int of_h = std::exchange(handed[2].pid, 0);  // whose script had ended
    const UniqueFd kept[] = {UniqueFd{::dup(handed[0].fd)}, UniqueFd{::dup(handed[1].fd)},
                             UniqueFd{::dup(handed[2].fd)}};
    std::size_t next = 0;
    auto before = std::exchange(bench.fifos, std::make_unique<NotifyFifos>(bench.loop, bench.log));
    bench.fifos->adopt(handed, [&](int) { return UniqueFd{::dup(kept[next++].get())}; });
    bench.follow({bench.plan("f", Lines::All, "reader"), bench.plan("g"), bench.plan("h", Lines::All, "reader")},
                 scripts);
    CHECK(bench.fifos->scripts_running() == 2);
    bench.until([&] { return bench.starts() == 3; });  // h's alone
    CHECK(bench.read("g") == "early\n");
    bench.fifos->write(Kind::Vrrp, "late\n");
    CHECK(bench.read("g") == "late\n");
    ::kill(-of_h, SIGTERM);
    bench.fifos->terminate_scripts();
    bench.until([&] { return bench.fifos->scripts_running() < 2; });
    bench.fifos->close_writers();
    bench.fifos->remove();
    CHECK_FALSE(bench.exists("g"));
    for (auto& one : handed) one.pid = 0;
}

TEST_CASE("a FIFO that goes in the very moment in which its script was to start again is not touched any more") {
    FifosBench bench;
    bench.follow({bench.plan("f", Lines::All, "reader")}, {{"reader", bench.script("exit 3")}});
    bool gone = false;
    boost::asio::steady_timer first{bench.loop, std::chrono::milliseconds{500}};
    first.async_wait([&](const boost::system::error_code&) {
        bench.follow({});
        gone = true;
    });
    bench.until([&] { return bench.scripts_ended == 1; });
    std::this_thread::sleep_for(kFifoScriptPause + std::chrono::milliseconds{100});  // both are due now
    bench.until([&] { return gone; });
    bench.until([&] { return bench.fifos->scripts_running() == 0; });
    CHECK(bench.log.texts.size() == 1);
    CHECK(bench.starts() == 1);
}

TEST_CASE("a FIFO that somebody removed or replaced is made or opened anew by a reload") {
    FifosBench bench;
    const std::vector<ipc::FifoPlan> plans{bench.plan("gone"), bench.plan("other"), bench.plan("same")};
    bench.follow(plans);
    bench.fifos->write(Kind::Vrrp, "early\n");
    std::filesystem::remove(bench.at("gone"));
    std::filesystem::remove(bench.at("other"));
    REQUIRE(::mkfifo(bench.at("other").c_str(), 0600) == 0);
    bench.follow(plans);
    bench.fifos->write(Kind::Vrrp, "late\n");
    CHECK(bench.read("gone") == "late\n");
    CHECK(bench.read("other") == "late\n");
    CHECK(bench.read("same") == "early\nlate\n");
    bench.follow({});
    CHECK_FALSE(bench.exists("gone"));
    CHECK(bench.exists("other"));  // it is another's
    CHECK_FALSE(bench.exists("same"));
    CHECK(bench.log.texts.empty());
}
