// What the processes are to be like, and where the daemon's files are: pure functions of the configuration.
#include <doctest/doctest.h>

#include "mainstay/config/load.hpp"
#include "mainstay/config/parse/reload_time.hpp"
#include "options_of.hpp"
#include "role/common/daemon_settings.hpp"
#include "role/common/process.hpp"

using namespace mainstay;
using role::test::options_of;

namespace {

config::Config configured(const std::string& text) { return config::load_text("ha.conf", text, {}).config; }

}  // namespace

TEST_CASE("a role without options runs as it is, with keepalived's limit") {
    const auto options = options_of("", role::Kind::Vrrp);
    CHECK(options == role::ProcessOptions{});
    CHECK(options.rt_limit == Micros{10'000});
}

TEST_CASE("each role has the options of its own prefix") {
    const std::string all =
        "vrrp_priority -5\nchecker_priority 6\nvrrp_cpu_affinity 1 3\nchecker_no_swap\n"
        "vrrp_rt_priority 7\nchecker_rt_priority 100\nvrrp_rlimit_rttime 1";
    const auto vrrp = options_of(all, role::Kind::Vrrp), lvs = options_of(all, role::Kind::Lvs);
    CHECK(vrrp.nice == -5);
    CHECK(lvs.nice == 6);
    CHECK(vrrp.cpus == std::vector<std::int64_t>{1, 3});
    CHECK(lvs.cpus.empty());
    CHECK(!vrrp.no_swap);
    CHECK(lvs.no_swap);
    CHECK(vrrp.rt_priority == 7);
    CHECK(lvs.rt_priority == 99);
    CHECK(vrrp.rt_limit == Micros{2});
    CHECK(options_of(all, role::Kind::Observer) == role::ProcessOptions{});
}

TEST_CASE("a process's own name beats process_names, and the new keyword the old one") {
    CHECK(options_of("process_names", role::Kind::Lvs).name == "keepalived_lvs");
    CHECK(options_of("process_names", role::Kind::Vrrp).name == "keepalived_vrrp");
    CHECK(options_of("process_names\nvrrp_process_name vip", role::Kind::Vrrp).name == "vip");
    CHECK(options_of("lvs_process_name old\nchecker_process_name new", role::Kind::Lvs).name == "new");
}

TEST_CASE("a late process rises by one, never above the ceiling, never without one") {
    const auto options = options_of("max_auto_priority 2\nmin_auto_priority_delay 500000", role::Kind::Vrrp);
    CHECK(role::raised_priority(options, 0, Micros{499'999}) == 0);
    CHECK(role::raised_priority(options, 0, Micros{500'000}) == 1);
    CHECK(role::raised_priority(options, 1, Micros{9'000'000}) == 2);
    CHECK(role::raised_priority(options, 2, Micros{9'000'000}) == 2);
    CHECK(role::raised_priority(options_of("", role::Kind::Vrrp), 0, Micros{9'000'000}) == 0);
}

TEST_CASE("the umask is a number of any base or the names of its bits") {
    const auto mask = [](const std::string& text) {
        return role::daemon_settings(configured("global_defs {\n" + text + "\n}\n"), {}).umask;
    };
    CHECK(mask("umask 027") == 027);
    CHECK(mask("umask IRWXO|IWGRP") == 027);
    CHECK(mask("umask IRUSR|IXOTH") == 0401);
    CHECK(mask("") == -1);
}

TEST_CASE("files are where keepalived has them, and apart for each copy of the daemon") {
    const role::Identity own, compat{true};
    ipc::DaemonSettings settings;
    auto paths = role::paths_of(own, "/run/mainstay", "/var/spool/mainstay", settings);
    CHECK(paths.pid_file(own, role::Kind::Vrrp) == "/run/mainstay/vrrp.pid");
    CHECK(role::paths_of(compat, "/run/mainstay", "", settings).pid_file(compat, role::Kind::Lvs) ==
          "/run/checkers.pid");
    settings.use_pid_dir = true;
    CHECK(role::paths_of(compat, "/r", "", settings).pid_file(compat, role::Kind::Vrrp) == "/run/keepalived/vrrp.pid");
    settings.net_namespace = "blue";
    settings.instance = "a";
    paths = role::paths_of(own, "/run/mainstay", "/var/spool/mainstay", settings);
    CHECK(paths.run_directory == "/run/mainstay/blue_a");
    CHECK(paths.spool_directory == "/var/spool/mainstay/blue_a");
    CHECK(paths.suffix == "_blue_a");
    CHECK(role::paths_of(compat, "/r", "", settings).pid_file(compat, role::Kind::Supervisor) ==
          "/run/keepalived/keepalived_a.pid");
}

TEST_CASE("a dump's name takes the process and the instance before its extension") {
    CHECK(role::dump_path("/tmp", "keepalived.data", "", "", "") == "/tmp/keepalived.data");
    CHECK(role::dump_path("/tmp", "keepalived.data", "", "_check", "_blue_a") == "/tmp/keepalived_check.blue_a.data");
    CHECK(role::dump_path("/tmp", "keepalived.data", "/var/lib/ha/", "_parent", "") ==
          "/var/lib/ha/keepalived_parent.data");
    CHECK(role::dump_path("/tmp", "keepalived.data", "state", "", "_a") == "/tmp/state.a");
    CHECK(role::dump_path("/tmp", "keepalived.data", "/x.y/state", "_check", "") == "/x.y/state_check");
}

TEST_CASE("a time to reload is today's or tomorrow's, or that of its date") {
    constexpr std::int64_t kNow = 1'763'640'000;  // 2025-11-20 12:00:00 UTC
    const auto next = [&](const char* text, std::int64_t offset = 0) {
        const auto time = config::parse_reload_time(text);
        REQUIRE(time);
        return config::next_reload(*time, kNow, [offset](std::int64_t) { return offset; });
    };
    CHECK(next("12:00:01\n") == kNow + 1);
    CHECK(next("12:00:00") == kNow + 86400);
    CHECK(next("13:00:01", 3600) == kNow + 1);
    CHECK(next("12:00:01Z", 3600) == kNow + 1);
    CHECK(next("25-11-21 12:00:00") == kNow + 86400);
    CHECK(next("2025-11-21 12:00:00 Z", 7200) == kNow + 86400);
    CHECK(!next("2025-11-20 12:00:00"));
    for (const char* bad : {"", "noon", "24:00:00", "12:60:00", "1:2:3", "12:00", "2025-02-30 12:00:00", "12:00:00 x",
                            "-1:00:00", "2025-11-20", "12:00:00:00"})
        CHECK_MESSAGE(!config::parse_reload_time(bad), bad);
}
