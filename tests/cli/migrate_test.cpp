#include "cli/migrate.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "../temporary_folder.hpp"

using namespace mainstay;
using namespace mainstay::cli;
using Words = std::vector<std::string>;
using Difference = MigrationReport::Difference;

namespace {

MigrateFacts facts_of(
    const std::string& configuration = "vrrp_instance V {\ninterface eth0\nvirtual_router_id 1\n}\n") {
    MigrateFacts facts;
    facts.configuration_path = "/etc/keepalived/keepalived.conf";
    facts.configuration_found = true;
    facts.loaded = config::load_text("keepalived.conf", configuration, {});
    return facts;
}

bool has(const MigrationReport& report, const Difference& wanted) {
    return std::ranges::find(report.differs, wanted) != report.differs.end();
}
bool has(const Words& lines, const std::string& wanted) { return std::ranges::find(lines, wanted) != lines.end(); }

}  // namespace

TEST_CASE("keepalived's options are those of the unit with the variables of its files") {
    MigrateFacts facts;
    facts.option_files = {{"/etc/default/keepalived", "DAEMON_ARGS=\"-D -x\"\n"},
                          {"/etc/sysconfig/keepalived", "KEEPALIVED_OPTIONS=\"--log-detail\"\n"}};
    CHECK(keepalived_options(facts) == Words{"-D", "-x", "--log-detail"});

    facts.units = {{"/etc/systemd/system/keepalived.service.d/a.conf",
                    "[Service]\nExecStart=\nExecStart=/usr/sbin/keepalived -n -f '/etc/ka/my file' ${DAEMON_ARGS}\n"}};
    CHECK(keepalived_options(facts) == Words{"-f", "/etc/ka/my file", "-D", "-x"});
}

TEST_CASE("an option without effect and one that mainstayd refuses are differences") {
    MigrateFacts facts = facts_of();
    facts.option_files = {{"/etc/default/keepalived", "DAEMON_ARGS='-D -d -x'\n"}};
    const auto report = evaluate_migration(facts);

    CHECK(has(report.found, "options of keepalived: -D -d -x"));
    CHECK(has(report, {"-d/--dump-conf has no effect yet", "leave it out"}));
    CHECK(has(report.found, "SNMP over AgentX"));
    CHECK(has(report.steps,
              "write the options that stay to /etc/default/mainstay (or /etc/sysconfig/mainstay): "
              "MAINSTAY_OPTIONS=\"-D -x\""));

    facts.option_files = {{"/etc/default/keepalived", "DAEMON_ARGS='-D --frobnicate -x'\n"}};
    CHECK(has(evaluate_migration(facts), {"mainstayd refuses --frobnicate", "leave it out; see mainstayd(8)"}));
}

TEST_CASE("pid files that keepalived's options name stay its own, and takeover gets them") {
    MigrateFacts facts = facts_of();
    facts.option_files = {
        {"/etc/default/keepalived", "DAEMON_ARGS='-D -p /run/kp.pid --vrrp_pid=/run/kv.pid -c /run/kc.pid -x'\n"}};
    const auto report = evaluate_migration(facts);
    CHECK(has(report.steps,
              "write the options that stay to /etc/default/mainstay (or /etc/sysconfig/mainstay): "
              "MAINSTAY_OPTIONS=\"-D -x\""));
    CHECK(has(report, {"pid files are /run/mainstay/*.pid instead of /run/kp.pid, /run/kv.pid, /run/kc.pid",
                       "change what reads them, or install mainstay-keepalived-compat, which keeps the names"}));
    CHECK(std::ranges::any_of(report.steps, [](const std::string& step) {
        return step.starts_with("mainstayctl takeover --pid-file /run/kp.pid: ");
    }));
    CHECK(std::ranges::any_of(report.steps, [](const std::string& step) {
        return step.starts_with("way back: mainstayctl takeover --undo --pid-file /run/kp.pid ");
    }));
}

TEST_CASE("where mainstay has keepalived's place already, nothing is left to do") {
    const test::TemporaryFolder root;
    std::filesystem::create_directories(root.path + "/lib/systemd/system");
    std::filesystem::create_directories(root.path + "/etc/keepalived");
    std::filesystem::copy(MAINSTAY_ROOT "/packaging/systemd/keepalived.service", root.path + "/lib/systemd/system");
    root.write("etc/keepalived/keepalived.conf", "vrrp_instance V {\ninterface eth0\nvirtual_router_id 1\n}\n");
    const auto facts = gather_migrate_facts(root.path);
    CHECK(facts.in_place_of_keepalived);
    const auto report = evaluate_migration(facts);
    CHECK(has(report.found, "keepalived.service: of mainstay-keepalived-compat, which has keepalived's place"));
    CHECK(std::ranges::none_of(report.differs, [](const Difference& d) { return d.fix.contains("compat"); }));
    CHECK(report.steps ==
          Words{"mainstay has keepalived's place here already, and nothing is left to change over",
                "mainstayctl status && mainstayctl doctor",
                "way back: the package keepalived comes back first, see \"Back again\" in docs/guide/migration.md"});
}

TEST_CASE("a drop-in's settings are kept, left out, or mainstay's unit has its own") {
    MigrateFacts facts = facts_of();
    facts.units = {{"/etc/systemd/system/keepalived.service.d/a.conf",
                    "[Unit]\nAfter=frr.service\n[Service]\nNice=-5\nUser=ka\nKillMode=process\n"}};
    const auto report = evaluate_migration(facts);

    const std::string file = "/etc/systemd/system/keepalived.service.d/a.conf";
    const std::string add = "add it to a drop-in in /etc/systemd/system/mainstay.service.d";
    CHECK(has(report, {file + ":2: After=frr.service: mainstay.service does not have it", add}));
    CHECK(has(report, {file + ":4: Nice=-5: mainstay.service does not have it", add}));
    CHECK(has(report, {file + ":5: User=ka: the supervisor starts as root and each of its processes has an account of "
                              "its own: User and Group break that",
                       "leave it out"}));
    CHECK(has(report.steps,
              "write /etc/systemd/system/mainstay.service.d/local.conf with: [Unit] After=frr.service; "
              "[Service] Nice=-5"));
    CHECK(std::ranges::none_of(report.differs,
                               [](const Difference& d) { return d.what.find("KillMode") != std::string::npos; }));
}

TEST_CASE("a script that others than root may change is a difference with its fix") {
    MigrateFacts facts = facts_of();
    facts.scripts = {{.used_by = "vrrp_script chk",
                      .path = "/opt/ha/check",
                      .found = true,
                      .owner = "1000:1000",
                      .mode = "0775",
                      .loose = {"/opt/ha/check", "/opt/ha"}}};
    const auto report = evaluate_migration(facts);

    CHECK(has(report.found, "script /opt/ha/check of vrrp_script chk: owner 1000:1000, mode 0775"));
    CHECK(
        has(report,
            {"/opt/ha/check: others than root may change /opt/ha/check, /opt/ha; with enable_script_security it is not "
             "run, without it a warning is logged, also when that changes while the daemon runs",
             "chown root:root /opt/ha/check /opt/ha; chmod go-w /opt/ha/check /opt/ha"}));
}

TEST_CASE("what scripts get of keepalived's environment, and not of mainstay's, is named") {
    using namespace std::string_literals;
    MigrateFacts facts = facts_of();
    facts.scripts = {{.used_by = "vrrp_script chk", .path = "/x", .found = true, .owner = "0:0", .mode = "0755"}};
    const std::string fix =
        "let a script set what else it needs, or name it in pass_environment of [scripts] in mainstay.toml";
    const std::string what = "scripts get PATH, HOME, TZ, LANG, LANGUAGE and LC_* of the environment, and nothing else";
    CHECK(has(evaluate_migration(facts), {what, fix}));

    facts.environment = "PATH=/bin\0HCLOUD_TOKEN=hidden\0KEEPALIVED_OPTIONS=-D\0"s;
    facts.units = {
        {"/etc/systemd/system/keepalived.service.d/a.conf", "[Service]\nEnvironment=AWS_KEY=hidden \"AWS_ID=a b\"\n"}};
    CHECK(has(evaluate_migration(facts), {what + "; keepalived has AWS_ID, AWS_KEY, HCLOUD_TOKEN", fix}));
}

TEST_CASE("the FIFO of a reader and SNMP of the configuration are found") {
    MigrateFacts facts = facts_of("global_defs {\nenable_snmp_vrrp\nnotify_fifo /run/ka.fifo\n}\n");
    facts.fifos = {{.keyword = "notify_fifo", .path = "/run/ka.fifo"}};
    const auto report = evaluate_migration(facts);

    CHECK(has(report.found, "notify_fifo /run/ka.fifo: it does not exist now"));
    CHECK(has(report, {"lines in /run/ka.fifo end in a newline and no NUL follows",
                       "let the program that reads it accept that"}));
    CHECK(has(report, {"KEEPALIVED-MIB has no tables of virtual routes and rules", ""}));
}

TEST_CASE("the steps go over without a gap and back in the same way; with BFD sessions by an election") {
    CHECK(
        evaluate_migration(facts_of()).steps ==
        Words{"begin with the BACKUP: a pair of one keepalived and one mainstay works",
              "mainstayd -t -f /etc/keepalived/keepalived.conf",
              "mainstayctl takeover: keepalived goes on until mainstay holds everything that it holds, and no address "
              "moves (by an election: systemctl disable --now keepalived && systemctl enable --now mainstay)",
              "mainstayctl status && mainstayctl doctor",
              "mainstayctl takeover --confirm: without it the next boot starts keepalived",
              "way back: mainstayctl takeover --undo (by an election: systemctl disable --now mainstay && systemctl "
              "enable --now keepalived)"});
    CHECK(evaluate_migration(facts_of("bfd_instance b {\nneighbor_ip 10.0.0.2\n}\nvrrp_instance V {\ninterface eth0\n"
                                      "virtual_router_id 1\n}\n"))
              .steps == Words{"begin with the BACKUP: a pair of one keepalived and one mainstay works",
                              "mainstayd -t -f /etc/keepalived/keepalived.conf",
                              "systemctl disable --now keepalived && systemctl enable --now mainstay (mainstayctl "
                              "takeover is not possible: two programs on one host cannot have BFD sessions)",
                              "mainstayctl status && mainstayctl doctor",
                              "way back: systemctl disable --now mainstay && systemctl enable --now keepalived"});
}

TEST_CASE("without a configuration that can run, the only step is to get one") {
    MigrateFacts none;
    none.configuration_path = "/etc/keepalived/keepalived.conf";
    const auto missing = evaluate_migration(none);
    CHECK(!missing.can_run);
    CHECK(missing.found == Words{"no configuration: /etc/keepalived/keepalived.conf does not exist"});
    CHECK(missing.steps ==
          Words{"write a configuration; `mainstayctl migrate --from` converts the ones of ldirectord and ipvsadm"});

    const auto broken = evaluate_migration(facts_of("vrrp_instance V {\n}\n"));
    CHECK(!broken.can_run);
    CHECK(broken.steps == Words{"correct /etc/keepalived/keepalived.conf until `mainstayd -t -f "
                                "/etc/keepalived/keepalived.conf` accepts it"});
}

TEST_CASE("variables of any name in ExecStart have the values of the unit's files, else of its Environment") {
    MigrateFacts facts;
    facts.units = {{"/etc/systemd/system/keepalived.service.d/a.conf",
                    "[Service]\nEnvironment=\"OPTS=-x\" ID=lb1\nExecStart=\nExecStart=/usr/sbin/keepalived $OPTS "
                    "--config-id=${ID} $NONE\n"}};
    CHECK(keepalived_options(facts) == Words{"-x", "--config-id=lb1"});
    facts.option_files = {{"/etc/keepalived/env", "OPTS=\"-D -P\"\n"}};
    CHECK(keepalived_options(facts) == Words{"-D", "-P", "--config-id=lb1"});
}

TEST_CASE("options are read as mainstayd reads them, without those that it refuses") {
    const auto given = read_keepalived_options({"-Df", "/etc/keepalived/x.conf", "--frob", "-i", "lb1"}).supervisor;
    CHECK(given.config_path == "/etc/keepalived/x.conf");
    CHECK(given.config_id == "lb1");

    MigrateFacts facts = facts_of();
    facts.option_files = {{"/etc/default/keepalived", "DAEMON_ARGS='-Df /etc/x.conf --frob -i lb1 -s blue'\n"}};
    const auto report = evaluate_migration(facts);
    CHECK(has(report, {"mainstayd refuses --frob", "leave it out; see mainstayd(8)"}));
    CHECK(has(report.steps, "mainstayd -t -f /etc/keepalived/keepalived.conf -i lb1 -s blue"));
}

TEST_CASE("the set-up in a folder is judged by the file, and the id, that keepalived's options name") {
    const test::TemporaryFolder root;
    const std::string drop_ins = "etc/systemd/system/keepalived.service.d";
    std::filesystem::create_directories(root.at(drop_ins));
    std::filesystem::create_directories(root.at("etc/keepalived"));
    root.write(drop_ins + "/a.conf",
               "[Service]\nEnvironmentFile=-/etc/keepalived/env\nExecStart=\nExecStart=/usr/sbin/keepalived $OPTS\n");
    root.write("etc/keepalived/env", "OPTS=\"-Df /etc/keepalived/x.conf -i lb1\"\n");
    root.write("etc/keepalived/x.conf",
               "@lb1 vrrp_instance VI_1 {\n@lb1 interface eth0\n@lb1 virtual_router_id 1\n@lb1 "
               "virtual_ipaddress {\n@lb1 10.9.9.9/24\n@lb1 }\n@lb1 }\n");
    const auto facts = gather_migrate_facts(root.path);
    CHECK(facts.configuration_path == "/etc/keepalived/x.conf");
    CHECK(facts.configuration_found);
    CHECK(facts.loaded.config.instances.size() == 1);
}
