// The watcher's parts on this very host: what they tell when files and processes change.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "role/watcher/parts.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace std::chrono_literals;

namespace {

struct Noted final : Log {
    using Log::line;
    void line(LogLevel, std::string_view text) override { all += std::string{text} + "\n"; }
    bool enabled(LogLevel) const override { return true; }
    [[nodiscard]] bool has(std::string_view part) const { return all.find(part) != std::string::npos; }
    std::string all;
};

struct PartsBench {
    boost::asio::io_context loop{1};
    Noted log;
    std::map<std::string, std::int64_t> seen;
    std::vector<std::string> reported;
    ReportObservation report = [this](ipc::Observation one) {
        seen[one.name] = one.value;
        reported.push_back(one.name + " " + std::to_string(one.value));
    };
    // Runs the loop until it is so.
    template <class Condition>
    bool until(Condition&& condition, std::chrono::milliseconds limit = 15s) {
        const auto end = std::chrono::steady_clock::now() + limit;
        while (!condition()) {
            if (std::chrono::steady_clock::now() >= end) return false;
            loop.run_for(20ms);
            loop.restart();
        }
        return true;
    }
    bool sees(const char* name, std::int64_t value) {
        return until([&] { return seen.contains(name) && seen[name] == value; });
    }
};

// A child of this name that has a child of its own when told to, which becomes another program when told again.
struct Child {
    int pid = 0;
    std::array<int, 2> pipe{};
    explicit Child(const char* name) {
        REQUIRE(::pipe(pipe.data()) == 0);
        pid = ::fork();
        if (pid != 0) return;
        ::prctl(PR_SET_NAME, name);
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        char order = 0;
        int grandchild = 0;
        while (::read(pipe[0], &order, 1) == 1) {
            if (order == 'q') break;
            if (order == 'f' && (grandchild = ::fork()) == 0) {
                ::prctl(PR_SET_PDEATHSIG, SIGKILL);
                while (::read(pipe[0], &order, 1) == 1 && order != 'x') {
                }
                ::execl("/bin/sleep", "sleep", "1000", nullptr);
            }
            if (order == 'f') {  // the grandchild has the next order
                int status = 0;
                ::waitpid(grandchild, &status, 0);
            }
        }
        ::_exit(0);
    }
    void order(char what) const { REQUIRE(::write(pipe[1], &what, 1) == 1); }
    ~Child() {
        ::kill(pid, SIGKILL);
        ::waitpid(pid, nullptr, 0);
    }
};

}  // namespace

TEST_CASE("processes are counted until they end, and their children until they execute another program") {
    // effect: vrrp_track_process: process
    vrrp::ProcessTracker tracker;
    tracker.name = "P";
    tracker.command = {"mainstay-watch"};
    PartsBench bench;
    vrrp::WatchPlan plan;
    plan.processes = {tracker};
    ProcessWatcher watcher{bench.loop, bench.log, bench.report, plan};
    CHECK(bench.sees("P", 0));
    {
        const Child child{"mainstay-watch"};
        CHECK(bench.sees("P", 1));
        child.order('f');
        CHECK(bench.sees("P", 2));
        child.order('x');
        CHECK(bench.sees("P", 1));
    }
    CHECK(bench.sees("P", 0));
}

TEST_CASE("a file is reported when it appears, changes, moves and is removed, even in a folder created later") {
    char name[] = "/tmp/mainstay-watch.XXXXXX";
    const std::filesystem::path folder = std::filesystem::path{::mkdtemp(name)} / "later";
    vrrp::FileTracker tracker;
    tracker.name = "F";
    tracker.path = folder / "file";
    PartsBench bench;
    FileWatcher watcher{bench.loop, bench.log, bench.report, {tracker}};
    CHECK(bench.sees("F", 0));
    std::filesystem::create_directory(folder);
    const auto write = [&](const char* file, const char* text) { std::ofstream{folder / file} << text; };
    write("file", "7\n");
    CHECK(bench.sees("F", 7));
    write("file", "8\n");
    CHECK(bench.sees("F", 8));
    write("other", "9\n");
    std::filesystem::rename(folder / "other", folder / "file");
    CHECK(bench.sees("F", 9));
    write("file", "3000000000\n");
    CHECK(bench.until([&] { return bench.log.has("holds a number that does not fit 32 bits: ignored"); }));
    CHECK(bench.seen["F"] == 9);
    std::filesystem::remove_all(folder);
    CHECK(bench.sees("F", 0));
    std::filesystem::create_directory(folder);
    write("file", "4\n");
    CHECK(bench.sees("F", 4));
    std::filesystem::remove_all(folder.parent_path());
}

TEST_CASE("a link that cannot be polled is reported once") {
    PartsBench bench;
    using Method = vrrp::PolledLink::Method;
    LinkWatcher watcher{bench.loop, bench.log, bench.report, {{Method::Mii, "lo"}, {Method::Any, "no-such-link"}}};
    CHECK(bench.seen["lo"] == -1);
    CHECK(bench.seen["no-such-link"] == -1);
    CHECK(bench.log.has("The link of lo cannot be polled"));
    CHECK_FALSE(bench.log.has("no-such-link"));
}
