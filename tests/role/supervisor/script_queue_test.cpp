// Queues of notify scripts, and scripts that outlive an upgrade of the daemon.
#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>

#include "../../temporary_folder.hpp"
#include "mainstay/kernel/clock.hpp"
#include "role/supervisor/script_runner.hpp"
#include "supervisor_parts.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace std::chrono_literals;
using How = ipc::ScriptResult::How;
using Texts = std::vector<std::string>;
using mainstay::test::TemporaryFolder;

namespace {

struct ScriptsBench {
    ~ScriptsBench() {
        runner->end_all();
        until([this] { return runner->running() == 0; });
    }

    // Notes its first argument, and then does `then`.
    [[nodiscard]] alert::ScriptEntry script(const std::string& then, Micros timeout = Micros{0}) const {
        return {{"sh", "-c", "echo \"$1\" >>" + folder + "/order; " + then, "sh"},
                "/bin/sh",
                ::getuid(),
                ::getgid(),
                timeout};
    }
    // One that runs until a file is there.
    [[nodiscard]] alert::ScriptEntry waiting(const std::string& file, Micros timeout = Micros{0}) const {
        return script("until [ -e " + folder + "/" + file + " ]; do sleep 0.02; done", timeout);
    }
    void go(const std::string& file) const { std::ofstream{folder + "/" + file} << ""; }
    [[nodiscard]] std::string order() const {
        std::ifstream file{folder + "/order"};
        return {std::istreambuf_iterator<char>{file}, {}};
    }
    void until(const std::function<bool()>& condition) {
        const auto limit = kernel::monotonic_now() + 20s;
        while (!condition()) {
            REQUIRE(kernel::monotonic_now() < limit);
            loop.restart();
            loop.run_for(5ms);
            while (const auto ended = kernel::reap()) static_cast<void>(runner->ended(*ended));
        }
    }
    ScriptRunner::Deliver deliver() {
        return [this](Kind, const ipc::ScriptResults& batch) {
            results.insert(results.end(), batch.results.begin(), batch.results.end());
        };
    }
    // The program after an upgrade, with the same table.
    void hand_over(const alert::ScriptTable& table) {
        const auto handed = runner->hand_over();
        runner = std::make_unique<ScriptRunner>(loop, log, deliver());
        runner->set_table(table);
        runner->adopt(handed);
    }

    TemporaryFolder home;
    const std::string folder = home.path;
    mainstay::test::KeptLog log;
    boost::asio::io_context loop;
    std::vector<ipc::ScriptResult> results;
    std::unique_ptr<ScriptRunner> runner = std::make_unique<ScriptRunner>(loop, log, deliver());
};

}  // namespace

TEST_CASE("a script that runs for longer than notify_wait no longer keeps the next one waiting") {
    ScriptsBench bench;
    bench.runner->set_table({{"slow", bench.waiting("go")}, {"fast", bench.script("exit 0")}});
    bench.runner->set_notify_wait(1s);
    const auto began = kernel::monotonic_now();
    bench.runner->run(Kind::Vrrp, {1, "slow", "VI_1", {"slow"}});
    bench.runner->run(Kind::Vrrp, {2, "fast", "VI_1", {"first"}});
    bench.runner->run(Kind::Vrrp, {3, "fast", "VI_1", {"second"}});
    bench.until([&] { return bench.order() == "slow\nfirst\nsecond\n"; });
    CHECK(kernel::monotonic_now() - began >= 1s);
    CHECK(bench.log.texts ==
          Texts{"a notify script of VI_1 has been running for 1 s: the next one starts in parallel"});
    bench.go("go");
    bench.until([&] { return bench.results.size() == 3; });
}

TEST_CASE("without a wait, and in different queues, scripts run beside each other") {
    ScriptsBench bench;
    bench.runner->set_table({{"waits", bench.waiting("go")}, {"fast", bench.script("exit 0")}});
    bench.runner->run(Kind::Vrrp, {1, "waits", "VI_1", {"a"}});
    bench.runner->run(Kind::Vrrp, {2, "fast", "VI_2", {"b"}});
    bench.until([&] { return bench.results.size() == 1; });
    CHECK(bench.results[0].request == 2);
    bench.runner->set_notify_wait(0s);
    bench.runner->run(Kind::Vrrp, {3, "fast", "VI_1", {"c"}});
    CHECK(bench.runner->running() == 2);
    bench.until([&] { return bench.results.size() == 2; });
    bench.go("go");
    bench.until([&] { return bench.results.size() == 3; });
    CHECK(bench.log.texts.empty());
}

TEST_CASE("a queue holds a bound of scripts; what comes then is dropped, and answered") {
    ScriptsBench bench;
    bench.runner->set_table({{"waits", bench.waiting("go")}});
    bench.runner->run(Kind::Vrrp, {1, "waits", "VI_1", {}});
    for (std::size_t i = 0; i < kQueueMax; ++i) bench.runner->run(Kind::Vrrp, {0, "waits", "VI_1", {}});
    CHECK(bench.log.texts.empty());
    bench.runner->run(Kind::Vrrp, {7, "waits", "VI_1", {}});
    CHECK(bench.log.texts ==
          Texts{"script waits is dropped: " + std::to_string(kQueueMax) + " scripts are queued before it"});
    bench.until([&] { return bench.results.size() == 1; });
    CHECK(bench.results[0].request == 7);
    CHECK(bench.results[0].how == How::NotRun);
    CHECK(bench.results[0].status == 0);
    bench.log.texts.clear();
}

TEST_CASE("a script of the table before the last one still runs, an older one does not") {
    ScriptsBench bench;
    bench.runner->set_table({{"old", bench.script("exit 3")}});
    CHECK(bench.runner->has("old"));
    bench.runner->set_table({});
    CHECK_FALSE(bench.runner->has("old"));
    bench.runner->run(Kind::Vrrp, {1, "old", "", {}});
    bench.until([&] { return bench.results.size() == 1; });
    CHECK(bench.results[0].status == 3);
    bench.runner->set_table({});
    bench.runner->run(Kind::Vrrp, {2, "old", "", {}});
    bench.until([&] { return bench.results.size() == 2; });
    CHECK(bench.results[1].how == How::NotRun);
}

TEST_CASE("a removed object has the script that it had, whoever has its name now") {
    ScriptsBench bench;
    bench.runner->set_table({{"virtual_server/[g]:0/down", bench.script("exit 3")}});
    bench.runner->set_table(
        {{"virtual_server/[g]:0/down", bench.script("exit 4")}, {"virtual_server/[g]:1/down", bench.script("exit 5")}});
    bench.runner->run(Kind::Lvs, {1, "virtual_server/[g]:0/down", "", {}, true});
    bench.until([&] { return bench.results.size() == 1; });
    CHECK(bench.results[0].status == 3);
    bench.runner->run(Kind::Lvs, {2, "virtual_server/[g]:0/down", "", {}});
    bench.until([&] { return bench.results.size() == 2; });
    CHECK(bench.results[1].status == 4);
    bench.runner->run(Kind::Lvs, {3, "virtual_server/[g]:1/down", "", {}, true});
    bench.until([&] { return bench.results.size() == 3; });
    CHECK(bench.results[2].how == How::NotRun);
}

TEST_CASE("a script that a signal ends is answered so, and one that nobody asked about is not answered") {
    ScriptsBench bench;
    bench.runner->set_table({{"killed", bench.script("kill -9 $$")}, {"fine", bench.script("exit 0")}});
    bench.runner->run(Kind::Vrrp, {0, "fine", "", {}});
    bench.runner->run(Kind::Vrrp, {5, "killed", "", {}});
    bench.until([&] { return bench.runner->running() == 0; });
    bench.until([&] { return !bench.results.empty(); });
    REQUIRE(bench.results.size() == 1);
    CHECK(bench.results[0].request == 5);
    CHECK(bench.results[0].how == How::Signalled);
    CHECK(bench.results[0].status == 9);
    CHECK_FALSE(bench.runner->ended({.pid = mainstay::role::test::kNobody}));
}

TEST_CASE("scripts that run, and those that wait for them, go over into the next program") {
    ScriptsBench bench;
    const alert::ScriptTable table{{"waits", bench.waiting("go")}, {"fast", bench.script("exit 3")}};
    bench.runner->set_table(table);
    bench.runner->run(Kind::Vrrp, {1, "waits", "VI_1", {"a"}});
    bench.runner->run(Kind::Vrrp, {2, "fast", "VI_1", {"b"}});
    bench.runner->run(Kind::Lvs, {3, "waits", "", {"c"}});
    const auto handed = bench.runner->hand_over();
    REQUIRE(handed.size() == 3);
    for (const auto& one : handed) {
        CHECK(one.from == (one.request == 3 ? 2 : 1));
        CHECK(one.key == (one.request == 2 ? "fast" : "waits"));
        CHECK(one.queue == (one.request == 3 ? "" : "VI_1"));
        CHECK((one.pid != 0) == (one.request != 2));
        CHECK(one.extra == (one.request == 2 ? Texts{"b"} : Texts{}));
        CHECK_FALSE(one.timed_out);
        CHECK(one.due == Instant{});
    }
    bench.hand_over(table);
    CHECK(bench.runner->running() == 2);
    bench.until([&] { return bench.order().size() == 4; });  // both have begun
    bench.go("go");
    bench.until([&] { return bench.results.size() == 3; });
    std::ranges::sort(bench.results, {}, &ipc::ScriptResult::request);
    CHECK(bench.results[0].status == 0);
    CHECK(bench.results[1].status == 3);
    CHECK(bench.order().ends_with("b\n"));
    CHECK(bench.log.texts.empty());
}

TEST_CASE("the time limit of a script goes over, too, and checks that wait for their turn") {
    ScriptsBench bench;
    const alert::ScriptTable table{{"hangs", bench.waiting("never", 600ms)}, {"check", bench.script("exit 0")}};
    bench.runner->set_table(table);
    bench.runner->run(Kind::Vrrp, {1, "hangs", "", {"a"}});
    for (std::uint64_t i = 2; i < 30; ++i) bench.runner->run(Kind::Lvs, {i, "check", "", {"x"}});
    const auto handed = bench.runner->hand_over();
    CHECK(handed.size() == 29);
    CHECK(handed[0].due != Instant{});
    bench.hand_over(table);
    bench.until([&] { return bench.results.size() == 29; });
    std::ranges::sort(bench.results, {}, &ipc::ScriptResult::request);
    CHECK(bench.results[0].how == How::TimedOut);
    CHECK(bench.results[28].how == How::Exited);
}
