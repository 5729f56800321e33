#include "role/supervisor/script_runner.hpp"
#include "../../needs.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <functional>

#include "../../kept_log.hpp"
#include "../../temporary_folder.hpp"
#include "mainstay/kernel/clock.hpp"
#include "role/supervisor/script_errors.hpp"

using namespace mainstay;
using namespace mainstay::role;
using How = ipc::ScriptResult::How;
using mainstay::test::KeptLog;
using mainstay::test::TemporaryFolder;

namespace {

// Runs real scripts as this user, in a folder of its own, until a condition holds.
struct Stage {
    alert::ScriptEntry shell(const std::string& text, Micros timeout = Micros{0}) const {
        return {{"sh", "-c", text, "sh"}, "/bin/sh", ::getuid(), ::getgid(), timeout};
    }
    void until(const std::function<bool()>& condition) {
        const auto limit = kernel::monotonic_now() + std::chrono::seconds{20};
        while (!condition()) {
            REQUIRE(kernel::monotonic_now() < limit);
            loop.restart();
            loop.run_for(std::chrono::milliseconds{5});
            while (const auto ended = kernel::reap()) runner.ended(*ended);
        }
    }
    std::string content(const std::string& name) const {
        std::ifstream file{folder + "/" + name};
        return {std::istreambuf_iterator<char>{file}, {}};
    }

    TemporaryFolder home;
    const std::string folder = home.path;
    KeptLog log;
    boost::asio::io_context loop;
    std::vector<ipc::ScriptResult> results;
    ScriptRunner runner{loop, log, [this](Kind, const ipc::ScriptResults& batch) {
                            results.insert(results.end(), batch.results.begin(), batch.results.end());
                        }};
};

}  // namespace

TEST_CASE("the exit status of a script comes back with the number of its request") {
    Stage stage;
    stage.runner.set_table({{"good", stage.shell("exit 0")}, {"bad", stage.shell("exit 7")}});

    stage.runner.run(Kind::Vrrp, {1, "good", "", {}});
    stage.runner.run(Kind::Vrrp, {2, "bad", "", {}});
    stage.until([&] { return stage.results.size() == 2; });

    for (const auto& result : stage.results) {
        CHECK(result.how == How::Exited);
        CHECK(result.status == (result.request == 1 ? 0 : 7));
    }
}

TEST_CASE("a script that others may change by now is refused or warned of once, as configured" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    const std::string path = stage.folder + "/script";
    std::ofstream{path} << "#!/bin/sh\nexit 3\n";
    ::chmod(path.c_str(), 0755);
    const auto entry = [&](alert::ScriptSecurity security) {
        return alert::ScriptEntry{.argv = {path}, .path = path, .security = security};
    };
    using alert::ScriptSecurity;
    stage.runner.set_table({{"refused", entry(ScriptSecurity::Refuse)},
                            {"warned", entry(ScriptSecurity::Warn)},
                            {"unchecked", entry(ScriptSecurity::Unchecked)}});
    const auto run_all = [&](std::uint64_t first) {
        stage.results.clear();
        for (const char* key : {"refused", "warned", "unchecked"}) stage.runner.run(Kind::Vrrp, {first++, key, "", {}});
        stage.until([&] { return stage.results.size() == 3; });
        std::ranges::sort(stage.results, {}, &ipc::ScriptResult::request);
    };

    run_all(1);
    CHECK(stage.results[0].how == How::Exited);
    CHECK(stage.log.texts.empty());
    ::chmod(path.c_str(), 0777);
    for (const std::uint64_t round : {10U, 20U}) {
        run_all(round);
        CHECK(stage.results[0].how == How::NotRun);
        CHECK(stage.results[0].status == EPERM);
        CHECK(stage.results[1].how == How::Exited);
        CHECK(stage.results[2].how == How::Exited);
    }
    REQUIRE(stage.log.texts.size() == 2);
    CHECK(stage.log.texts[0] ==
          "script " + path + " of refused is not run: accounts other than root may modify it (enable_script_security)");
    CHECK(stage.log.texts[1] == "script " + path + " of warned became unsafe: accounts other than root may modify it");
    ::chmod(path.c_str(), 0755);
    run_all(30);
    CHECK(stage.results[0].how == How::Exited);
}

TEST_CASE("a script that is reached by links is the one that they lead to when it runs" * mainstay::test::kNeedsRoot) {
    Stage stage;
    for (const char* version : {"1", "2"}) {
        std::filesystem::create_directory(stage.folder + "/" + version);
        const std::string path = stage.folder + "/" + version + "/check";
        std::ofstream{path} << "#!/bin/sh\nexit 1" << version << "\n";
        ::chmod(path.c_str(), 0755);
    }
    const auto lead_to = [&](const char* version) {
        std::filesystem::remove(stage.folder + "/..data");
        std::filesystem::create_symlink(version, stage.folder + "/..data");
    };
    lead_to("1");
    std::filesystem::create_symlink("..data/check", stage.folder + "/check");
    const std::string link = stage.folder + "/check", resolved = stage.folder + "/1/check";
    stage.runner.set_table(
        {{"followed", {.argv = {link}, .path = resolved}}, {"as written", {.argv = {link}, .path = link}}});
    const auto run_both = [&](std::uint64_t first) {
        stage.results.clear();
        for (const char* key : {"followed", "as written"}) stage.runner.run(Kind::Vrrp, {first++, key, "", {}});
        stage.until([&] { return stage.results.size() == 2; });
        std::ranges::sort(stage.results, {}, &ipc::ScriptResult::request);
        return std::pair{stage.results[0].status, stage.results[1].status};
    };

    CHECK(run_both(1) == std::pair{11, 11});
    lead_to("2");
    std::filesystem::remove_all(stage.folder + "/1");
    CHECK(run_both(10) == std::pair{12, 12});
    std::filesystem::remove(stage.folder + "/..data");
    CHECK(run_both(20) == std::pair{ENOENT, ENOENT});
    REQUIRE(stage.log.texts.size() == 2);
    CHECK(stage.log.texts[0] == "script followed: start " + link + ": No such file or directory");
}

TEST_CASE("a script of vrrp does not wait for the many checks that are due with it") {
    constexpr std::uint64_t kChecks = 200, kScript = 1000;
    Stage stage;
    stage.runner.set_table({{"check", stage.shell("exit 0")}, {"script", stage.shell("exit 3")}});

    for (std::uint64_t i = 1; i <= kChecks; ++i) stage.runner.run(Kind::Lvs, {i, "check", "", {}});
    CHECK(stage.runner.running() <= kChecksPerTurn);
    stage.runner.run(Kind::Vrrp, {kScript, "script", "", {}});
    CHECK(stage.runner.running() <= kChecksPerTurn + 1);
    CHECK(stage.runner.hand_over().size() == kChecks + 1);

    stage.until([&] { return stage.results.size() == kChecks + 1; });
    const auto found = std::ranges::find(stage.results, kScript, &ipc::ScriptResult::request);
    REQUIRE(found != stage.results.end());
    CHECK(found->status == 3);
    CHECK(found - stage.results.begin() < static_cast<std::ptrdiff_t>(kChecks) / 2);
}

TEST_CASE("a script that hangs is ended when its time is up, children and all") {
    Stage stage;
    stage.runner.set_table({{"hangs", stage.shell("sleep 600 & wait", std::chrono::milliseconds{50})}});

    stage.runner.run(Kind::Vrrp, {1, "hangs", "", {}});
    stage.until([&] { return stage.results.size() == 1; });

    CHECK(stage.results[0].how == How::TimedOut);
    CHECK(stage.runner.running() == 0);
}

TEST_CASE("a script that ignores TERM is killed") {
    Stage stage;
    stage.runner.set_table(
        {{"stubborn", stage.shell("trap '' TERM; while :; do sleep 1; done", std::chrono::milliseconds{100})}});

    stage.runner.run(Kind::Vrrp, {1, "stubborn", "", {}});
    stage.until([&] { return stage.results.size() == 1; });

    CHECK(stage.results[0].how == How::TimedOut);
}

TEST_CASE("the results of very many scripts come in messages that can be sent") {
    Stage stage;
    constexpr std::uint64_t kScripts = 6'000;
    std::vector<ipc::ScriptResults> messages;
    ScriptRunner runner{stage.loop, stage.log,
                        [&](Kind, const ipc::ScriptResults& batch) { messages.push_back(batch); }};
    for (std::uint64_t i = 1; i <= kScripts; ++i) runner.run(Kind::Vrrp, {i, "gone", "", {}});
    stage.until([&] { return !messages.empty(); });
    std::uint64_t answered = 0;
    for (const auto& one : messages) {
        CHECK(ipc::encode_message(one).size() <= ipc::kMessageBytesMax);
        for (const auto& result : one.results) CHECK(result.request == ++answered);
    }
    CHECK(answered == kScripts);
}

TEST_CASE("a script that is missing, or not in the table, is answered at once") {
    Stage stage;
    stage.runner.set_table({{"gone", {{"gone"}, stage.folder + "/gone", ::getuid(), ::getgid(), Micros{0}}}});

    stage.runner.run(Kind::Vrrp, {1, "gone", "", {}});
    stage.runner.run(Kind::Vrrp, {2, "unknown", "", {}});
    stage.until([&] { return stage.results.size() == 2; });

    CHECK(stage.results[0].how == How::NotRun);
    CHECK(stage.results[1].how == How::NotRun);
    REQUIRE(stage.log.texts.size() == 2);
    CHECK(stage.log.texts[0] == "script gone: start " + stage.folder + "/gone: No such file or directory");
    CHECK(stage.log.texts[1] == "script unknown is not in the configuration: not run");
}

TEST_CASE("scripts of one queue run one after the other, in the order they were asked for") {
    Stage stage;
    const std::string file = stage.folder + "/order";
    stage.runner.set_table(
        {{"slow", stage.shell("sleep 0.2; echo \"$1\" >>" + file)}, {"fast", stage.shell("echo \"$1\" >>" + file)}});

    stage.runner.run(Kind::Vrrp, {1, "slow", "VI_1", {"first"}});
    stage.runner.run(Kind::Vrrp, {2, "fast", "VI_1", {"second"}});
    stage.runner.run(Kind::Vrrp, {3, "fast", "VI_1", {"third"}});
    stage.until([&] { return stage.results.size() == 3; });

    CHECK(stage.content("order") == "first\nsecond\nthird\n");
}

TEST_CASE("at the stop a script does not wait for a slow one before it, and what is cut short is named") {
    Stage stage;
    const std::string file = stage.folder + "/order";
    stage.runner.set_table({{"slow", stage.shell("sleep 600")},
                            {"stop", stage.shell("sleep 0.05; echo \"$1\" >>" + file)},
                            {"check", stage.shell("sleep 600")}});

    stage.runner.run(Kind::Vrrp, {1, "slow", "VI_1", {}});
    stage.runner.run(Kind::Vrrp, {2, "stop", "VI_1", {"first"}});
    stage.runner.run(Kind::Vrrp, {3, "stop", "VI_1", {"second"}});
    stage.runner.run(Kind::Vrrp, {4, "check", "", {}});
    stage.runner.hurry();
    stage.until([&] { return stage.results.size() == 2; });
    CHECK(stage.content("order") == "first\nsecond\n");

    stage.runner.run(Kind::Vrrp, {5, "slow", "VI_1", {}});
    stage.runner.run(Kind::Vrrp, {6, "stop", "VI_1", {"third"}});
    stage.runner.end_all();
    stage.until([&] { return stage.runner.running() == 0; });

    CHECK(stage.log.texts ==
          std::vector<std::string>{
              "a notify script of VI_1 is still running at the stop: the next one starts in parallel",
              "script slow did not end in time at the stop: killed",
              "script slow did not end in time at the stop: killed",
              "script stop is not run because the daemon stops"});
}

TEST_CASE("the calls that change the firewall keep their order, also at the stop and without an order of the others") {
    for (const bool all_at_once : {false, true}) {
        CAPTURE(all_at_once);
        Stage stage;
        const std::string file = stage.folder + "/order";
        stage.runner.set_table({{"firewall", stage.shell("[ $1 = second ] || sleep 0.4; echo \"$1\" >>" + file)}});
        if (all_at_once) stage.runner.set_notify_wait(std::chrono::seconds{0});
        CHECK_FALSE(stage.runner.changes_firewall());

        stage.runner.run(Kind::Vrrp, {1, "firewall", "firewall", {"first"}});
        stage.runner.run(Kind::Vrrp, {2, "firewall", "firewall", {"second"}});
        stage.runner.run(Kind::Vrrp, {3, "firewall", "firewall", {"third"}});
        CHECK(stage.runner.changes_firewall());
        stage.runner.hurry();
        stage.until([&] { return !stage.runner.changes_firewall(); });

        CHECK(stage.content("order") == "first\nsecond\nthird\n");
        CHECK(stage.log.texts.empty());
    }
}

TEST_CASE("the notify scripts of a stop are cut short while the firewall's calls go on, until those take too long") {
    Stage stage;
    const std::string file = stage.folder + "/order";
    stage.runner.set_table(
        {{"firewall", stage.shell("sleep $1; echo \"$1\" >>" + file)}, {"slow", stage.shell("sleep 600")}});

    stage.runner.run(Kind::Vrrp, {1, "slow", "VI_1", {}});
    stage.runner.run(Kind::Vrrp, {2, "slow", "VI_1", {}});
    stage.runner.run(Kind::Vrrp, {3, "firewall", "firewall", {"0.2"}});
    stage.runner.run(Kind::Vrrp, {4, "firewall", "firewall", {"0.1"}});
    stage.runner.end_notify_scripts();
    stage.until([&] { return stage.runner.running() == 0; });
    CHECK(stage.content("order") == "0.2\n0.1\n");

    stage.runner.run(Kind::Vrrp, {5, "firewall", "firewall", {"600"}});
    stage.runner.run(Kind::Vrrp, {6, "firewall", "firewall", {"600"}});
    stage.runner.end_all();
    stage.until([&] { return stage.runner.running() == 0; });

    CHECK(stage.log.texts == std::vector<std::string>{"script slow did not end in time at the stop: killed",
                                                      "script slow is not run because the daemon stops",
                                                      "script firewall did not end in time at the stop: killed",
                                                      "script firewall is not run because the daemon stops"});
}

TEST_CASE("a script gets the extra arguments after its own, a clean environment and its own process group") {
    Stage stage;
    ::setenv("IFS", "x", 1);
    ::setenv("LD_LIBRARY_PATH", "/tmp", 1);
    const std::string file = stage.folder + "/out";
    stage.runner.set_table({{"show", stage.shell("echo \"$*\" >" + file + "; env | grep -c '^LD_' >>" + file +
                                                 "; [ $(ps -o pgid= -p $$) = $$ ] && echo group >>" + file)}});

    stage.runner.run(Kind::Vrrp, {1, "show", "", {"INSTANCE", "VI_1", "MASTER", "150"}});
    stage.until([&] { return stage.results.size() == 1; });
    ::unsetenv("IFS");
    ::unsetenv("LD_LIBRARY_PATH");

    CHECK(stage.content("out") == "INSTANCE VI_1 MASTER 150\n0\ngroup\n");
}

TEST_CASE("a script gets the variables that pass_environment names, from its next run on") {
    Stage stage;
    ::setenv("HCLOUD_TOKEN", "hidden", 1);
    const std::string file = stage.folder + "/out";
    stage.runner.set_table({{"show", stage.shell("echo \"<$HCLOUD_TOKEN>\" >>" + file)}});

    stage.runner.run(Kind::Vrrp, {1, "show", "", {}});
    stage.until([&] { return stage.results.size() == 1; });
    stage.runner.set_pass_environment({"HCLOUD_*"});
    stage.runner.run(Kind::Vrrp, {2, "show", "", {}});
    stage.until([&] { return stage.results.size() == 2; });
    ::unsetenv("HCLOUD_TOKEN");

    CHECK(stage.content("out") == "<>\n<hidden>\n");
    CHECK_FALSE(stage.log.has("HCLOUD_TOKEN"));
}

TEST_CASE("the first script that fails has the log name what scripts do not get, once and without values") {
    Stage stage;
    ::setenv("AAA_TOKEN", "hidden", 1);  // the first of the alphabet: the line has a few names
    ::setenv("AAA_PASSED", "hidden", 1);
    stage.runner.set_pass_environment({"AAA_PASSED"});
    stage.runner.set_table(
        {{"good", stage.shell("exit 0")}, {"bad", stage.shell("exit 1")}, {"weight", stage.shell("exit 52")}});

    stage.runner.run(Kind::Vrrp, {1, "good", "", {}});
    stage.runner.run(Kind::Lvs, {2, "weight", "", {}});
    stage.until([&] { return stage.results.size() == 2; });
    CHECK_FALSE(stage.log.has("AAA_TOKEN"));
    for (std::uint64_t request = 3; request < 6; ++request) stage.runner.run(Kind::Vrrp, {request, "bad", "", {}});
    stage.until([&] { return stage.results.size() == 5; });
    ::unsetenv("AAA_TOKEN");
    ::unsetenv("AAA_PASSED");

    CHECK(stage.log.count("script bad failed. Scripts do not get these variables of the daemon: AAA_TOKEN") == 1);
    CHECK(stage.log.count("AAA_TOKEN") == 1);
    CHECK_FALSE(stage.log.has("AAA_PASSED"));
    CHECK_FALSE(stage.log.has("hidden"));
}

TEST_CASE("a role may have its own scripts run, with the arguments that belong to them") {
    Stage stage;
    alert::ScriptTable table;
    for (const char* key : {"vrrp_script/chk", "instance/VI_1/any", "misc_check/rs of vs/0", "startup_script"}) {
        table[key] = stage.shell("exit 0");
        table[key].requested_by = alert::requester_of_script(key);
    }
    table["vrrp_script/of an older program"] = stage.shell("exit 0");
    stage.runner.set_table(table);
    const auto may = [&](Kind role, const ipc::RunScript& wanted) {
        return stage.runner.check(role, wanted).has_value();
    };

    CHECK(may(Kind::Vrrp, {1, "vrrp_script/chk", "", {}}));
    CHECK(may(Kind::Vrrp, {1, "vrrp_script/of an older program", "", {}}));
    CHECK(may(Kind::Vrrp, {0, "instance/VI_1/any", "instance/VI_1", {"INSTANCE", "VI_1", "MASTER", "150"}}));
    CHECK(may(Kind::Lvs, {1, "misc_check/rs of vs/0", "", {}}));
    CHECK(may(Kind::Vrrp, {1, "vrrp_script/whose file is missing", "", {}}));

    CHECK_FALSE(may(Kind::Lvs, {1, "vrrp_script/chk", "", {}}));
    CHECK_FALSE(may(Kind::Lvs, {1, "vrrp_script/of an older program", "", {}}));
    CHECK_FALSE(may(Kind::Vrrp, {1, "misc_check/rs of vs/0", "", {}}));
    CHECK_FALSE(may(Kind::Vrrp, {1, "startup_script", "", {}}));
    CHECK_FALSE(may(Kind::Vrrp, {1, "vrrp_script/chk", "", {"--injected"}}));
    CHECK_FALSE(may(Kind::Vrrp, {1, "vrrp_script/chk", "somebody's queue", {}}));
    CHECK_FALSE(may(Kind::Bfd, {1, "vrrp_script/chk", "", {}}));
}

TEST_CASE("a role that asks for scripts that are not there cannot fill the log") {
    constexpr std::uint64_t kRequests = 10'000;
    Stage stage;
    for (std::uint64_t i = 0; i < kRequests; ++i) stage.runner.run(Kind::Vrrp, {0, "nowhere", "", {}});
    REQUIRE(stage.log.texts.size() == 71);  // 64, and then each power of two
    CHECK(stage.log.texts[63] == "script nowhere is not in the configuration: not run");
    CHECK(stage.log.texts[64] == "script nowhere is not in the configuration: not run (128 such lines so far)");
}

TEST_CASE("the last lines that a failed script wrote to stderr are in the log once and in its result") {
    Stage stage;
    stage.runner.set_table({{"check", stage.shell("echo first >&2; echo cannot connect >/dev/stderr; exit 7")},
                            {"silent", stage.shell("echo on stdout; exit 1")},
                            {"good", stage.shell("echo all is well >&2; exit 0")},
                            {"killed", stage.shell("echo about to die >&2; kill -9 $$")}});
    std::uint64_t request = 0;
    const auto errors_of = [&](const char* key) {
        stage.results.clear();
        stage.runner.run(Kind::Vrrp, {++request, key, "", {}});
        stage.until([&] { return stage.results.size() == 1; });
        return stage.results[0].errors;
    };
    CHECK(errors_of("check") == "first | cannot connect");
    CHECK(errors_of("check") == "first | cannot connect");
    CHECK(errors_of("silent").empty());
    CHECK(errors_of("good").empty());
    CHECK(errors_of("killed") == "about to die");
    CHECK(stage.log.texts ==
          std::vector<std::string>{
              "script check failed (exit status 7); its last lines on stderr: first | cannot connect",
              "script killed failed (signal 9); its last lines on stderr: about to die"});
}

TEST_CASE("a failure after a success is news again, one with other words soon after is not") {
    Stage stage;
    const std::string state = stage.folder + "/state";
    stage.runner.set_table({{"check", stage.shell("cat " + state + " >&2; [ \"$(cat " + state + ")\" = good ]")}});
    const auto run_with = [&](const char* words) {
        std::ofstream{state} << words;
        stage.results.clear();
        stage.runner.run(Kind::Lvs, {1, "check", "", {}});
        stage.until([&] { return stage.results.size() == 1; });
        return stage.results[0].errors;
    };
    CHECK(run_with("bad 1") == "bad 1");
    CHECK(run_with("bad 2") == "bad 2");
    CHECK(run_with("good").empty());
    CHECK(run_with("bad 1") == "bad 1");
    CHECK(stage.log.texts ==
          std::vector<std::string>{"script check failed (exit status 1); its last lines on stderr: bad 1",
                                   "script check failed (exit status 1); its last lines on stderr: bad 1"});
}

TEST_CASE("a script that writes more than a pipe holds goes on, and is told with its end") {
    Stage stage;
    stage.runner.set_table(
        {{"check", stage.shell("head -c 500000 /dev/zero | tr '\\0' x >&2; echo; echo end >&2; exit 1")}});
    stage.runner.run(Kind::Vrrp, {1, "check", "", {}});
    stage.until([&] { return stage.results.size() == 1; });
    CHECK(stage.results[0].errors.size() == kernel::kErrorBytesKept);
    CHECK(stage.results[0].errors.ends_with("xend"));
}

TEST_CASE("what a script leaves running goes on when the script has ended, whatever it writes") {
    Stage stage;
    const std::string mark = stage.folder + "/lived";
    stage.runner.set_table(
        {{"notify", stage.shell("(sleep 0.3; echo late >&2; head -c 200000 /dev/zero >&2; echo yes >" + mark +
                                ") & echo oh >&2; exit 1")}});
    stage.runner.run(Kind::Vrrp, {1, "notify", "VI_1", {}});
    stage.until([&] { return stage.results.size() == 1; });
    CHECK(stage.results[0].errors == "oh");
    stage.until([&] { return stage.content("lived") == "yes\n"; });
}

TEST_CASE("a script that is handed over to the next program does not wait for a reader") {
    Stage stage;
    stage.runner.set_table({{"notify", stage.shell("echo x >&2; sleep 0.2; head -c 200000 /dev/zero >&2; echo yes >" +
                                                   stage.folder + "/lived")}});
    stage.runner.run(Kind::Vrrp, {1, "notify", "VI_1", {}});
    CHECK(stage.runner.hand_over().size() == 1);
    stage.until([&] { return stage.content("lived") == "yes\n"; });
    stage.until([&] { return stage.results.size() == 1; });
    CHECK(stage.results[0].errors.empty());
}

TEST_CASE("more scripts at a time than are followed run all the same, without a word on stderr" *
          mainstay::test::kNeedsRoot) {
    Stage stage;
    stage.runner.set_table({{"check", stage.shell("echo no >&2; sleep 0.5; exit 1")}});
    for (std::uint64_t i = 1; i <= kErrorsFollowedMax + 5; ++i) stage.runner.run(Kind::Vrrp, {i, "check", "", {}});
    stage.until([&] { return stage.results.size() == kErrorsFollowedMax + 5; });
    CHECK(std::ranges::count(stage.results, std::string{"no"}, &ipc::ScriptResult::errors) ==
          static_cast<std::ptrdiff_t>(kErrorsFollowedMax));
    stage.results.clear();
    stage.runner.run(Kind::Vrrp, {1, "check", "", {}});
    stage.until([&] { return stage.results.size() == 1; });
    CHECK(stage.results[0].errors == "no");
}
