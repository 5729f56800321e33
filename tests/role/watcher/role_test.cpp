// The watcher's process: what it tells the supervisor of the plan that it was given.
#include "mainstay/role/watcher/role.hpp"
#include "../../needs.hpp"

#include <fstream>
#include <map>

#include "../role_process.hpp"
#include "mainstay/ipc/host_plan.hpp"
#include "role/common/process.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using SeenKind = ipc::Observation::Kind;
using Lines = std::vector<std::string>;

namespace {

struct RoleBench {
    Folder folder;
    LogLines log{folder / "log"};
    RoleProcess process{run_watcher};

    void start(bool restarted = false) const {
        ipc::RoleStartup startup;
        startup.user = "root";
        startup.log_ident = "test";
        startup.log_socket = folder / "log";
        startup.restarted = restarted;
        startup.process_name = "test-watch";
        process.send(startup);
    }
    void plan(std::uint64_t generation, const vrrp::WatchPlan& watch) const {
        const auto memfd = ipc::encode_sealed("plan", ipc::HostPlan{.fifos = {}, .watch = watch, .fifo_names = {}});
        REQUIRE(memfd.has_value());
        process.send(ipc::Prepare{generation}, memfd->get());
    }
    [[nodiscard]] vrrp::FileTracker file(const char* name, const std::string& text) const {
        std::ofstream{folder / name} << text;
        vrrp::FileTracker tracker;
        tracker.name = name;
        tracker.path = folder / name;
        return tracker;
    }
    // What is told up to the answer to the plan of this generation, how many messages it took, and the refusal.
    struct Told {
        std::map<std::pair<SeenKind, std::string>, std::int64_t> seen;
        std::vector<std::size_t> batches;
        std::uint64_t generation = 0;
        std::string refused;
    };
    [[nodiscard]] Told reported() const {
        Told all;
        for (;;) {
            const auto got = process.hear();
            REQUIRE(got.has_value());
            if (const auto* prepared = std::get_if<ipc::Prepared>(&got->message)) {
                all.generation = prepared->generation;
                all.refused = prepared->refused;
                return all;
            }
            const auto& list = std::get<ipc::Observations>(got->message).list;
            all.batches.push_back(list.size());
            for (const auto& one : list) all.seen[{one.kind, one.name}] = one.value;
        }
    }
};

std::string contents(const std::string& path) {
    std::ifstream file{path};
    return {std::istreambuf_iterator<char>{file}, {}};
}

}  // namespace

// Each of them runs the whole process, which takes its account and its limits.
TEST_SUITE_BEGIN("watcher process" * mainstay::test::kNeedsRoot);

TEST_CASE("all that a plan names is reported before its answer, then what changes") {
    RoleBench b;
    b.start();
    vrrp::WatchPlan plan;
    plan.files = {b.file("F", "7\n"), b.file("G", "8\n")};
    plan.links = {{vrrp::PolledLink::Method::Any, "no-such-link"}};
    vrrp::ProcessTracker tracker;
    tracker.name = "P";
    tracker.command = {"mainstay-no-such-process"};
    plan.processes = {tracker};
    b.plan(5, plan);
    const auto first = b.reported();
    CHECK(first.generation == 5);
    CHECK(first.refused.empty());
    CHECK(first.seen == decltype(first.seen){{{SeenKind::File, "F"}, 7},
                                             {{SeenKind::File, "G"}, 8},
                                             {{SeenKind::Process, "P"}, 0},
                                             {{SeenKind::Link, "no-such-link"}, -1}});
    std::ofstream{b.folder / "F"} << "9\n";
    std::int64_t value = 7;
    while (value != 9) {  // it may be seen while it is empty
        const auto got = b.process.hear();
        REQUIRE(got.has_value());
        for (const auto& one : std::get<ipc::Observations>(got->message).list)
            if (one.name == "F") value = one.value;
    }
    b.process.send(ipc::Stop{});
    CHECK_FALSE(b.process.hear().has_value());
    CHECK(b.process.status() == 0);
}

TEST_CASE("the next plan replaces the one before, and all of it is reported again") {
    RoleBench b;
    b.start();
    vrrp::WatchPlan plan;
    plan.files = {b.file("F", "7\n"), b.file("G", "8\n")};
    b.plan(1, plan);
    CHECK(b.reported().seen.size() == 2);
    plan.files.pop_back();
    b.plan(2, plan);
    const auto next = b.reported();
    CHECK(next.generation == 2);
    CHECK(next.seen == decltype(next.seen){{{SeenKind::File, "F"}, 7}});
    b.plan(3, {});
    CHECK(b.reported().generation == 3);
    std::ofstream{b.folder / "F"} << "9\n";
    b.plan(4, {});
    CHECK(b.reported().seen.empty());
}

TEST_CASE("at most 256 observations are reported at once") {
    RoleBench b;
    b.start();
    vrrp::WatchPlan plan;
    for (int i = 0; i < 300; ++i) {
        vrrp::FileTracker tracker;
        tracker.name = "F" + std::to_string(i);
        tracker.path = b.folder / tracker.name.c_str();
        plan.files.push_back(tracker);
    }
    b.plan(1, plan);
    const auto all = b.reported();
    CHECK(all.batches == std::vector<std::size_t>{256, 44});
    CHECK(all.seen.size() == 300);
}

TEST_CASE("init_file makes a file at the start of the daemon, not at a reload or after a crash") {
    const auto made = [](bool restarted) {
        RoleBench b;
        b.start(restarted);
        vrrp::WatchPlan plan;
        plan.files = {b.file("kept", "7\n"), b.file("over", "8\n"), b.file("absent", ""), b.file("plain", "")};
        std::filesystem::remove(plan.files[2].path);
        std::filesystem::remove(plan.files[3].path);
        plan.files[0].init = 1;
        plan.files[1].init = 2, plan.files[1].overwrite = true;
        plan.files[2].init = 3;
        b.plan(1, plan);
        std::string all;
        for (const auto& [key, value] : b.reported().seen) all += key.second + " " + std::to_string(value) + " ";
        CHECK_FALSE(std::filesystem::exists(plan.files[3].path));
        return all + std::to_string(std::filesystem::exists(plan.files[2].path));
    };
    CHECK(made(false) == "absent 3 kept 7 over 2 plain 0 1");
    CHECK(made(true) == "absent 0 kept 7 over 8 plain 0 0");
    RoleBench b;
    b.start();
    b.plan(1, {});
    CHECK(b.reported().generation == 1);
    vrrp::WatchPlan plan;
    plan.files = {b.file("later", "7\n")};
    plan.files[0].init = 4, plan.files[0].overwrite = true;
    b.plan(2, plan);
    CHECK(b.reported().seen.begin()->second == 7);
    CHECK(contents(plan.files[0].path) == "7\n");
}

TEST_CASE("a file that cannot be made is reported") {
    RoleBench b;
    b.start();
    vrrp::WatchPlan plan;
    plan.files = {{}};
    plan.files[0].name = "F", plan.files[0].path = "/nowhere/at/all", plan.files[0].init = 1;
    b.plan(1, plan);
    CHECK(b.reported().generation == 1);
    const auto lines = b.log.read();
    REQUIRE_FALSE(lines.empty());
    CHECK(lines[0].starts_with("track_file F: init_file: "));
}

TEST_CASE("a plan that cannot be read ends a watcher that is still root") {
    RoleBench b;
    b.start();
    const auto memfd = ipc::make_sealed_memfd("plan", std::as_bytes(std::span{"nonsense", 8}));
    REQUIRE(memfd.has_value());
    b.process.send(ipc::Prepare{1}, memfd->get());
    CHECK_FALSE(b.process.hear().has_value());
    CHECK(b.process.status() == kExitUnconfined);
    const auto lines = b.log.read();
    REQUIRE(lines.size() == 1);
    CHECK(lines[0].starts_with("the plan of the watcher cannot be read: "));
}

TEST_CASE("a plan that cannot be read later is passed over, and still answered") {
    RoleBench b;
    b.start();
    vrrp::WatchPlan plan;
    plan.files = {b.file("F", "7\n")};
    b.plan(1, plan);
    CHECK(b.reported().generation == 1);
    const auto memfd = ipc::make_sealed_memfd("plan", std::as_bytes(std::span{"nonsense", 8}));
    REQUIRE(memfd.has_value());
    b.process.send(ipc::Prepare{2}, memfd->get());
    CHECK(b.reported().generation == 2);
}

TEST_CASE("the watcher ends with the supervisor, and does not begin without its first message") {
    RoleBench b;
    b.start();
    b.plan(1, {});
    CHECK(b.reported().generation == 1);
    b.process.close();
    CHECK(b.process.status() == 0);
    RoleBench other;
    other.process.send(ipc::Stop{});
    CHECK(other.process.status() == 1);
}

TEST_CASE("it says that it is alive from the start on, again and again") {
    RoleBench b;
    b.start();
    for (int i = 0; i < 3; ++i) {
        const auto got = b.process.hear_any();
        REQUIRE(got.has_value());
        CHECK(std::holds_alternative<ipc::Heartbeat>(got->message));
    }
}

TEST_SUITE_END();
