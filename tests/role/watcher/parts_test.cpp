// The watcher's parts on this very host: what they tell when files and processes change.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include "../../temporary_folder.hpp"
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

// Tracked files in a folder of their own, which are reached through links.
struct LinksBench : PartsBench {
    test::TemporaryFolder home;
    std::unique_ptr<FileWatcher> watcher;

    void track(std::initializer_list<const char*> paths) {
        std::vector<vrrp::FileTracker> files;
        for (const char* path : paths) {
            files.emplace_back().name = path;
            files.back().path = home.at(path);
        }
        watcher = std::make_unique<FileWatcher>(loop, log, report, files);
    }
    void folder(const std::string& name, const char* text) const {
        std::filesystem::create_directories(home.at(name));
        home.write(name + "/weight", text);
    }
    // As ln -sfn, but in one step.
    void link(const std::string& name, const char* to) const {
        std::filesystem::create_symlink(to, home.at(name + ".new"));
        move(name + ".new", name);
    }
    void move(const std::string& from, const std::string& to) const {
        std::filesystem::rename(home.at(from), home.at(to));
    }
    void remove(const std::string& name) const { std::filesystem::remove_all(home.at(name)); }
};

// How many folders this process watches, for each copy of a descriptor, and how many descriptors it has.
std::pair<int, int> watches_and_descriptors() {
    int watches = 0, open = 0;
    for (const auto& file : std::filesystem::directory_iterator{"/proc/self/fdinfo"}) {
        const std::string text = test::text_of(file.path());
        for (std::size_t at = 0; (at = text.find("inotify wd:", at)) != std::string::npos; ++at) ++watches;
        ++open;
    }
    return {watches, open};
}

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

TEST_CASE("a file is followed through links that are turned, as Kubernetes does it") {
    LinksBench b;
    b.folder("etc/..1", "1\n");
    b.link("etc/..data", "..1");
    b.link("etc/weight", "..data/weight");
    b.link("far", "etc/weight");  // nothing changes beside it
    b.track({"etc/weight", "far"});
    CHECK(b.sees("etc/weight", 1));
    for (int turn = 2; turn <= 4; ++turn) {
        const std::string next = ".." + std::to_string(turn);
        b.folder("etc/" + next, (std::to_string(turn) + "\n").c_str());
        b.link("etc/..data", next.c_str());
        b.remove("etc/.." + std::to_string(turn - 1));
        CHECK(b.sees("etc/weight", turn));
        CHECK(b.sees("far", turn));
    }
    b.home.write("etc/..4/weight", "9\n");  // in place
    CHECK(b.sees("etc/weight", 9));
    CHECK(b.sees("far", 9));
    CHECK(b.log.all.empty());
}

TEST_CASE("a file is followed when a folder far above it is swapped, removed and made again") {
    LinksBench b;
    b.folder("a/b/c", "1\n");
    b.track({"a/b/c/weight"});
    b.folder("next/b/c", "2\n");
    b.move("a", "old");
    b.move("next", "a");
    CHECK(b.sees("a/b/c/weight", 2));
    b.home.write("old/b/c/weight", "8\n");
    b.home.write("a/b/c/weight", "3\n");
    CHECK(b.sees("a/b/c/weight", 3));
    b.move("a", "next");
    CHECK(b.sees("a/b/c/weight", 0));
    b.folder("a/b/c", "4\n");
    CHECK(b.sees("a/b/c/weight", 4));
    b.home.write("a/b/c/weight", "5\n");
    CHECK(b.sees("a/b/c/weight", 5));
    CHECK(std::ranges::count(b.reported, "a/b/c/weight 8") == 0);
}

TEST_CASE("a link that dangles or loops holds 0 until it leads to a file, and may become one") {
    LinksBench b;
    b.link("weight", "later/weight");
    b.track({"weight"});
    CHECK(b.sees("weight", 0));
    b.folder("later", "1\n");
    CHECK(b.sees("weight", 1));
    b.link("weight", "weight");
    CHECK(b.sees("weight", 0));
    b.link("weight", "later/weight");
    CHECK(b.sees("weight", 1));
    b.home.write("new", "2\n");
    b.move("new", "weight");
    CHECK(b.sees("weight", 2));
    b.link("weight", "later/weight");
    CHECK(b.sees("weight", 1));
    b.remove("later");
    CHECK(b.sees("weight", 0));
}

TEST_CASE("a file that is being written is not read before it is closed, also through a link") {
    LinksBench b;
    b.folder("real", "7\n");
    b.link("weight", "real/weight");
    b.link("mark", "later/weight");
    b.track({"weight", "mark"});
    CHECK(b.sees("weight", 7));
    std::ofstream slow{b.home.at("real/weight")};
    b.folder("later", "1\n");
    CHECK(b.sees("mark", 1));  // seen in a look at both
    CHECK(b.seen["weight"] == 7);
    slow << "8\n";
    slow.close();
    CHECK(b.sees("weight", 8));
    CHECK(std::ranges::count(b.reported, "weight 0") == 0);
}

TEST_CASE("folders that a path led to before are no longer watched") {
    LinksBench b;
    for (int i = 0; i < 5; ++i) b.folder("real" + std::to_string(i), (std::to_string(i) + "\n").c_str());
    b.link("now", "real0");
    b.link("weight", "now/weight");
    b.track({"weight"});
    CHECK(b.sees("weight", 0));
    const auto before = watches_and_descriptors();
    CHECK(before.first == 2 * 2);  // the loop has a copy
    for (int i = 1; i < 5; ++i) {
        b.link("now", ("real" + std::to_string(i)).c_str());
        CHECK(b.sees("weight", i));
        b.move("real" + std::to_string(i), "moved");
        b.move("moved", "real" + std::to_string(i));
        b.home.write("real" + std::to_string(i) + "/weight", "77\n");
        CHECK(b.sees("weight", 77));
    }
    CHECK(watches_and_descriptors() == before);
}

TEST_CASE("a file is followed without inotify too, which is reported") {
    LinksBench b;
    b.folder("real", "1\n");
    b.link("weight", "real/weight");
    const boost::asio::steady_timer first{b.loop};  // the loop opens its own descriptors
    rlimit limit{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
    const rlimit none{.rlim_cur = 0, .rlim_max = limit.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    b.track({"weight"});
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK(b.log.has("files are looked at every 1 s only: inotify: Too many open files"));
    b.home.write("real/weight", "23\n");
    CHECK(b.sees("weight", 23));
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
