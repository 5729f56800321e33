#include "role/reader/host_plan.hpp"
#include "../../kept_log.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace mainstay;
using namespace mainstay::role;
using mainstay::test::KeptLog;

namespace {

using Strings = std::vector<std::string>;

config::Config config_of(const std::string& text) {
    auto loaded = config::load_text("x.conf", text, {});
    REQUIRE(loaded.can_run());
    return std::move(loaded.config);
}

// /bin/plain is not executable, /bin/open may be modified by others, /bin/absent does not exist.
config::Environment host() {
    config::Environment environment;
    environment.script_facts = [](const config::Command& command, const config::Global&) {
        config::Environment::ScriptFacts facts;
        const auto& path = command.argv.front();
        facts.found = path != "/bin/absent";
        facts.executable = facts.found && path != "/bin/plain";
        facts.insecure = path == "/bin/open";
        facts.resolved = path.starts_with('/') ? "/real" + path : "/path/" + path;
        return facts;
    };
    return environment;
}

std::string shown(const alert::ScriptTable& table) {
    std::string all;
    for (const auto& [key, entry] : table)
        all += fmt::format("{}: {} = {} {}:{} [{}] {}us by {} security {}\n", key, fmt::join(entry.argv, "|"),
                           entry.path, entry.uid, entry.gid, fmt::join(entry.groups, " "), entry.timeout.count(),
                           static_cast<int>(entry.requested_by), static_cast<int>(entry.security));
    return all;
}

std::string instance(const std::string& lines) {
    return "vrrp_instance VI_1 {\nstate BACKUP\ninterface eth0\nvirtual_router_id 51\n"
           "virtual_ipaddress {\n10.9.9.9\n}\n" +
           lines + "}\n";
}
std::string global(const std::string& lines) { return "global_defs {\n" + lines + "}\n"; }

struct Made {
    std::string table;
    Strings log;
};
Made table_of(const std::string& text) {
    KeptLog log;
    auto table = shown(script_table(config_of(text), host(), log));
    return {std::move(table), std::move(log.texts)};
}

const std::string kWarning = "SECURITY VIOLATION - scripts are being executed but script_security not enabled.";

}  // namespace

TEST_CASE("a script's entry has its path, its account, its timeout and who may ask for it") {
    const auto made = table_of(global("script_user daemon\nenable_script_security\n") +
                               "vrrp_script chk {\nscript \"/bin/true 'a b'\"\ninterval 5\ntimeout 3\n}\n" +
                               instance("notify_master \"finder -x\" root\nnotify \"/bin/any\" root tty\n"
                                        "track_script {\nchk\n}\n"));
    CHECK(made.table ==
          "instance/VI_1/any: /bin/any = /real/bin/any 0:5 [] 0us by 2 security 2\n"
          "instance/VI_1/master: finder|-x = /path/finder 0:0 [] 0us by 2 security 2\n"
          "vrrp_script/chk: /bin/true|a b = /real/bin/true 1:1 [] 3000000us by 2 security 2\n");
    CHECK(made.log.empty());
}

TEST_CASE("without enable_script_security scripts run, with a warning") {
    const auto made = table_of(global("script_user root\n") + instance("notify_master /bin/true\n"));
    CHECK(made.table == "instance/VI_1/master: /bin/true = /real/bin/true 0:0 [] 0us by 2 security 1\n");
    CHECK(made.log == Strings{kWarning});
    const auto open = table_of(global("script_user root\n") + instance("notify_master /bin/open\n"));
    CHECK(open.table == "instance/VI_1/master: /bin/open = /real/bin/open 0:0 [] 0us by 2 security 0\n");
    CHECK(open.log == Strings{kWarning + " There are insecure scripts."});
    CHECK(table_of(global("script_user root\n") + instance("")).log.empty());
}

TEST_CASE("what cannot be run is left out, with the reason") {
    const auto made = table_of(global("script_user root\nenable_script_security\n") +
                               instance("notify_master /bin/absent\nnotify_backup /bin/plain\nnotify_fault /bin/open\n"
                                        "notify_stop /bin/true nosuchuser\n"));
    CHECK(made.table.empty());
    CHECK(made.log ==
          Strings{"script /bin/absent of instance/VI_1/master is not run: it does not exist",
                  "script /bin/plain of instance/VI_1/backup is not run: it is not executable",
                  "script /real/bin/open of instance/VI_1/fault is not run: accounts other than root may modify it "
                  "(enable_script_security)",
                  "script /bin/true of instance/VI_1/stop is not run: there is no user nosuchuser"});
}

TEST_CASE("use_symlink_paths runs an absolute path as it is written") {
    const auto made = table_of(global("script_user root\nenable_script_security\nuse_symlink_paths\n") +
                               instance("notify_master /bin/true\nnotify_backup finder\n"));
    CHECK(made.table ==
          "instance/VI_1/backup: finder = /path/finder 0:0 [] 0us by 2 security 2\n"
          "instance/VI_1/master: /bin/true = /bin/true 0:0 [] 0us by 2 security 2\n");
}

TEST_CASE("supplementary groups come with set_supplementary_groups, or with a group that begins with a colon") {
    const auto all = table_of(global("script_user daemon\nenable_script_security\nset_supplementary_groups\n") +
                              instance("notify_master /bin/true\n"));
    CHECK(all.table == "instance/VI_1/master: /bin/true = /real/bin/true 1:1 [1] 0us by 2 security 2\n");
    const auto one = table_of(global("script_user root\nenable_script_security\n") +
                              instance("notify_master /bin/true daemon :tty\nnotify_backup /bin/true daemon tty\n"));
    CHECK(one.table ==
          "instance/VI_1/backup: /bin/true = /real/bin/true 1:5 [] 0us by 2 security 2\n"
          "instance/VI_1/master: /bin/true = /real/bin/true 1:5 [5] 0us by 2 security 2\n");
}

TEST_CASE("a script that is a redirection tests whether a file can be read") {
    const auto made = table_of(global("script_user root\nenable_script_security\n") +
                               "vrrp_script chk {\nscript \"</run/ready\"\n}\n" + instance("track_script {\nchk\n}\n"));
    CHECK(made.table == "vrrp_script/chk: sh|-c|: <\"$1\"|sh|/run/ready = /bin/sh 0:0 [] 1000000us by 2 security 0\n");
}

TEST_CASE("the firewall's own commands alone are no reason for a warning") {
    const auto made = table_of(global("script_user root\nvrrp_iptables\n") + instance("no_accept\n"));
    CHECK(made.log.empty());
}

TEST_CASE("scripts that others may modify are noted while a configuration is read") {
    auto environment = host();
    const auto noted = note_unsafe_scripts(environment);
    config::Global checked, unchecked;
    checked.enable_script_security = true;
    CHECK(environment.script_facts({.argv = {"/bin/open"}, .user = {}, .group = {}}, checked).insecure);
    CHECK(environment.script_facts({.argv = {"/bin/true"}, .user = {}, .group = {}}, checked).executable);
    CHECK(*noted == UnsafeScripts{{"/real/bin/open", true}});
    CHECK(environment.script_facts({.argv = {"/bin/open"}, .user = {}, .group = {}}, unchecked).insecure);
    CHECK(*noted == UnsafeScripts{{"/real/bin/open", false}});
}

TEST_CASE("each FIFO has its lines, its owner and its reader, and their subjects are listed") {
    KeptLog log;
    const auto plan = host_plan(
        config_of(
            global("script_user root\nnotify_fifo /run/all daemon tty\nvrrp_notify_fifo /run/vrrp nosuchuser\n"
                   "lvs_notify_fifo /run/lvs\nlvs_notify_fifo_script /bin/reads\n") +
            "vrrp_sync_group G1 {\ngroup {\nVI_1\n}\n}\n" + instance("") +
            "virtual_server 10.9.9.8 80 {\nlb_algo rr\nlb_kind DR\nprotocol TCP\nreal_server 10.1.1.1 80 {\n}\n}\n"),
        log);
    using Lines = ipc::FifoPlan::Lines;
    CHECK(plan.fifos ==
          std::vector<ipc::FifoPlan>{
              {.lines = Lines::All, .path = "/run/all", .uid = 1, .gid = 5, .script = {}},
              {.lines = Lines::Vrrp, .path = "/run/vrrp", .uid = 0, .gid = 0, .script = {}},
              {.lines = Lines::Lvs, .path = "/run/lvs", .uid = 0, .gid = 0, .script = "fifo/lvs_notify_fifo"}});
    REQUIRE(plan.fifo_names.has_value());
    CHECK(plan.fifo_names->instances == Strings{"VI_1"});
    CHECK(plan.fifo_names->groups == Strings{"G1"});
    CHECK(plan.fifo_names->services == Strings{"[10.9.9.8]:tcp:80"});
    CHECK(log.texts == Strings{"vrrp_notify_fifo /run/vrrp will be owned by root: there is no user nosuchuser"});
}

TEST_CASE("without FIFOs no subjects are listed, and what is watched is planned") {
    KeptLog log;
    const auto plan =
        host_plan(config_of("track_file F {\nfile /run/f\nweight 2\n}\n" + instance("track_file {\nF\n}\n")), log);
    CHECK(plan.fifos.empty());
    CHECK_FALSE(plan.fifo_names.has_value());
    REQUIRE(plan.watch.files.size() == 1);
    CHECK(plan.watch.files[0].path == "/run/f");
}
