// The reader's process: what it sends to the supervisor, and what it logs.
#include "../../needs.hpp"
#include "reader_bench.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;

// Each of them runs the whole process, which takes its account and its limits.
TEST_SUITE_BEGIN("reader process" * mainstay::test::kNeedsRoot);

TEST_CASE("a reading ends with a part for each role, and the reader stays for the next one") {
    Bench b;
    const auto first = b.read(kGlobal + kInstance);
    CHECK(first.parts == "vrrp bfd- snmp- observer host- scripts lvs-");
    CHECK(first.done.can_run);
    CHECK(first.done.stays);
    CHECK(first.done.summary.empty());
    CHECK(first.part<config::Config>(For::Vrrp).instances.at(0).name == "VI_1");
    CHECK(first.log.back() == "Configuration file " + b.file);
    const auto second = b.read(kGlobal + kService + kBfd);
    CHECK(second.parts == "vrrp- bfd snmp- observer host- scripts lvs");
    CHECK(second.part<config::Config>(For::Lvs).virtual_servers.size() == 1);
    CHECK(second.part<config::Config>(For::Observer).instances.empty());
    b.process.close();
    CHECK(b.process.status() == 0);
}

TEST_CASE("a role is needed for what it does without instances or servers too") {
    Bench b;
    CHECK(b.read("static_routes {\n10.0.0.0/8 via 10.9.9.1 dev lo\n}\n").parts.starts_with("vrrp "));
    CHECK(b.read("static_routes {\n}\n").parts.starts_with("vrrp- "));
    CHECK(b.read("global_defs {\nlvs_sync_daemon lo\n}\n").parts.ends_with(" lvs"));
    CHECK(b.read("global_defs {\nenable_snmp_checker\n}\n" + kService).parts ==
          "vrrp- bfd- snmp observer host- scripts lvs");
    CHECK(b.read("track_file F {\nfile /run/f\n}\n" + kInstance.substr(0, kInstance.size() - 2) +
                 "track_file {\nF\n}\n}\n")
              .parts.find(" host ") != std::string::npos);
}

TEST_CASE("SNMP's part has all services only if it is needed, and what was asked of it on the command line") {
    Bench b;
    CHECK(b.read(kService).part<config::Config>(For::Snmp).virtual_servers.size() == 1);
    const std::string two = kService +
                            "virtual_server 10.9.9.7 80 {\nlb_algo rr\nlb_kind DR\nprotocol TCP\n"
                            "real_server 10.1.1.1 80 {\nTCP_CHECK {\n}\n}\n}\n";
    CHECK(b.read(two).part<config::Config>(For::Snmp).virtual_servers.size() == 1);
    b.startup.snmp = true;
    b.startup.snmp_socket = "tcp:host:705";
    const auto all = b.read(two);
    CHECK(all.part<config::Config>(For::Snmp).virtual_servers.size() == 2);
    CHECK(all.done.daemon.snmp_socket == "tcp:host:705");
}

TEST_CASE("the lvs role gets the contents of the TLS files") {
    Bench b;
    b.write("ca.pem", "CA");
    const auto read = b.read("SSL {\nca " + b.folder.path.string() + "/ca.pem\n}\n" + kService);
    const auto lvs = read.part<config::Config>(For::Lvs);
    const auto* block = config::find_section(lvs.more->sections, config::KeywordName{"SSL"});
    REQUIRE(block != nullptr);
    CHECK(config::value_of<config::WordList>(block->values, config::KeywordName{"ca contents"}) ==
          config::WordList{"CA"});
}

TEST_CASE("what is wrong is logged by its severity's level, and a file that cannot run is refused") {
    Bench b;
    b.startup.log_level = LogLevel::Warning;
    const auto fatal = b.read(kFatal);
    CHECK_FALSE(fatal.done.can_run);
    CHECK(fatal.done.exit_code == 2);
    CHECK(fatal.done.summary == b.file + " is refused");
    CHECK(fatal.done.reason ==
          b.file + ":1:15: fatal MS0402: (VI_1) interface is missing; this configuration cannot run, and 1 more");
    CHECK(fatal.parts.empty());
    CHECK_FALSE(fatal.log.empty());
    b.startup.config_path = b.folder / "absent.conf";
    const auto absent = b.read_again();
    CHECK(absent.done.exit_code == 6);
    CHECK(absent.done.summary == b.folder / "absent.conf" + std::string{" is refused"});
}

TEST_CASE("a warning is one only with --strict") {
    Bench b;
    const std::string odd = kGlobal + kService + "nonsense 1\n";
    CHECK(b.read(odd).done.can_run);
    b.startup.strict = true;
    const auto strict = b.read(odd);
    CHECK_FALSE(strict.done.can_run);
    CHECK(strict.done.exit_code == 2);
    CHECK(strict.done.summary == b.file + " is refused: --strict allows no warnings");
    CHECK(strict.done.reason ==
          "--strict allows no warnings: " + b.file +
              ":14:1: error MS0105: unknown keyword 'nonsense' outside of all blocks; the line is ignored");
    CHECK(b.read("static_routes {\n}\n").done.can_run);
}

TEST_CASE("reload_check_config refuses a file with a warning, and writes why to its own file") {
    Bench b;
    b.startup.check_first = true;
    CHECK(b.read("static_routes {\n}\n").done.can_run);
    const std::string odd = "nonsense 1\n";
    const auto logged = b.read(odd);
    CHECK_FALSE(logged.done.can_run);
    CHECK(logged.done.stays);
    CHECK(logged.done.summary == b.file + " is refused");
    CHECK(logged.done.reason ==
          b.file + ":1:1: error MS0105: unknown keyword 'nonsense' outside of all blocks; the line is ignored");
    CHECK(logged.parts.empty());
    REQUIRE(logged.log.size() == 2);
    CHECK(logged.log[0] == "New config failed validation");
    CHECK(logged.log[1].find("nonsense") != std::string::npos);
    b.startup.check_log = "/run/check.log";
    const auto lost = b.read(odd);
    REQUIRE(lost.log.size() == 3);
    CHECK(lost.log[0] == "/run/check.log cannot be written");
    CHECK(lost.log[1] == "New config failed validation");
    const UniqueFd file{::open((b.folder / "check").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
    const auto written = b.read(odd, file.get());
    CHECK(written.log == Lines{"New config failed validation, see /run/check.log for details"});
    CHECK(contents(b.folder / "check") == logged.log[1] + "\n");
}

TEST_CASE("the daemon's own settings come from mainstay.toml, or from a TOML configuration that has them") {
    Bench b;
    CHECK(b.read("static_routes {\n}\n").done.audit_seconds == 10);
    b.write("mainstay.toml",
            "[lvs]\naudit_interval = 11\n[scripts]\nnotify_wait = 12\n[mail]\nkeep = 61\n[other]\nx = 1\n");
    const auto read = b.read("static_routes {\n}\n");
    CHECK(read.done.audit_seconds == 11);
    CHECK(read.done.notify_wait_seconds == 12);
    CHECK(read.done.mail_keep_seconds == 61);
    REQUIRE(read.log.size() == 2);
    CHECK(read.log[0].starts_with(b.folder / "mainstay.toml" + std::string{":7:"}));
    b.startup.config_path = b.folder / "x.toml";
    b.write("x.toml", "[lvs]\naudit_interval = 21\n");
    CHECK(b.read_again().done.audit_seconds == 21);
    b.write("x.toml", "[api]\nlisten = [\"[::1]:9112\"]\ncredentials = \"/c\"\noperate = true\n");
    CHECK(b.read_again().done.api == ipc::ApiSettings{.listen = {"[::1]:9112"}, .credentials = "/c", .operate = true});
    b.write("x.toml", "[global_defs]\nrouter_id = \"x\"\n");
    CHECK(b.read_again().done.audit_seconds == 11);
}

TEST_CASE("a configuration of another network namespace is read there, and one of this reader's own here") {
    Bench b;
    const auto there = b.read("net_namespace mainstay-no-such\n" + kInstance);
    CHECK(there.done.wants_namespace == "mainstay-no-such");
    CHECK(there.done.exit_code == 1);
    CHECK_FALSE(there.done.stays);
    CHECK(there.done.summary == "no reader can be started in network namespace mainstay-no-such: upgrade the daemon");
    CHECK(there.parts.empty());
    CHECK(b.process.status() == 0);
    Bench in;
    in.startup.in_namespace = "mainstay-no-such";
    CHECK(in.read("net_namespace mainstay-no-such\n" + kInstance).done.wants_namespace.empty());
    Bench named;
    named.startup.net_namespace = "mainstay-other";
    CHECK(named.read(kInstance).done.wants_namespace == "mainstay-other");
}

TEST_CASE("a seed of the configuration makes its random numbers the same each time") {
    const std::string text = "global_defs {\nrandom_seed 7\nrouter_id r${_RANDOM 0 1000000000}\n}\n";
    const auto id = [&](const std::string& file) {
        Bench b;
        return b.read(file).part<config::Config>(For::Observer).global.router_id;
    };
    const auto first = id(text);
    CHECK(first.size() > 1);
    CHECK(id(text) == first);
    CHECK(id("global_defs {\nrandom_seed 8\nrouter_id r${_RANDOM 0 1000000000}\n}\n") != first);
}

TEST_CASE("a copy of the configuration is sent where one is kept") {
    Bench b;
    CHECK(b.read("global_defs {\ntmp_config_directory /tmp\n}\n").parts.ends_with(" lvs- copy-"));
    CHECK(b.read("global_defs {\nconfig_save_dir /tmp\n}\n").parts.ends_with(" lvs- copy-"));
    const auto bytes =
        ipc::read_memfd(b.read("global_defs {\nconfig_save_dir /tmp\n}\n").snapshots.at(For::Copy).get());
    REQUIRE(bytes.has_value());
    CHECK(std::string{reinterpret_cast<const char*>(bytes->data()), bytes->size()}.find("config_save_dir /tmp") !=
          std::string::npos);
}

TEST_CASE("a script that others may modify is reported, and whether it is disabled for that") {
    Bench b;
    const auto script = b.folder / "script";
    std::ofstream{script} << "#!/bin/sh\n";
    ::chmod(script.c_str(), 0777);
    const auto reported = [&](const std::string& global) {
        const auto lines = b.read("global_defs {\nscript_user root\n" + global + "}\n" +
                                  kInstance.substr(0, kInstance.size() - 2) + "notify_master " + script + "\n}\n")
                               .log;
        for (const auto& line : lines)
            if (line.starts_with("Unsafe permissions")) return line;
        return std::string{};
    };
    CHECK(reported("enable_script_security\n") == "Unsafe permissions found for script '" + script + "' - disabling");
    CHECK(reported("") == "Unsafe permissions found for script '" + script + "'");
}

TEST_CASE("what broken blocks would take away refuses a reload, unless that is permitted") {
    const std::string second =
        "vrrp_instance VI_2 {\nstate BACKUP\ninterface ms-none\nvirtual_router_id 52\n"
        "virtual_ipaddress {\n10.9.9.8\n}\n}\n";
    const std::string broken = kInstance.substr(0, kInstance.size() - 2) + second;
    Bench b;
    const auto running = b.read(kInstance + second);
    b.runs(running);
    const auto refused = b.read(broken);
    CHECK_FALSE(refused.done.can_run);
    CHECK(refused.done.summary == b.file + " is refused: its blocks are broken, and 1 running object would be removed");
    const auto has = [](const Lines& lines, const std::string& line) {
        return std::ranges::find(lines, line) != lines.end();
    };
    // VI_1 goes on behind the line of VI_2, as with keepalived: it becomes VI_2's virtual router, with both addresses.
    CHECK(has(refused.log, "would be removed: instance VI_1"));
    CHECK(has(refused.log,
              "fix the file, or permit the removal with mainstayctl reload --force or [reload] "
              "accept_losses in mainstay.toml"));
    CHECK(b.read(broken).done.can_run);  // nothing is known to run
    b.runs(running);
    b.startup.force = true;
    CHECK(b.read(broken).done.can_run);
    b.startup.force = false;
    b.write("mainstay.toml", "[reload]\naccept_losses = true\n");
    b.runs(running);
    CHECK(b.read(broken).done.can_run);
}

TEST_CASE("an empty file takes nothing away that runs, unless that is permitted") {
    Bench b;
    const auto running = b.read(kInstance);
    for (const std::string nothing : {"", " \n\t\r\n"}) {
        b.runs(running);
        const auto refused = b.read(nothing);
        CHECK_FALSE(refused.done.can_run);
        CHECK(refused.done.summary == b.file + " is refused: it is empty, and 1 running object would be removed");
        CHECK(std::ranges::count(refused.log, "would be removed: instance VI_1") == 1);
    }
    b.runs(running);
    CHECK(b.read("# nothing any more\n").done.can_run);
    b.runs(running);
    b.startup.force = true;
    CHECK(b.read("").done.can_run);
    CHECK(b.read("").done.can_run);  // nothing is known to run
}

TEST_CASE("a reload reports its changes when it is asked to, and goes on") {
    Bench b;
    const auto running = b.read(kGlobal + kInstance);
    b.startup.report = ipc::RoleStartup::DryRunAs::Text;
    CHECK_FALSE(b.read(kGlobal + kInstance).report.has_value());
    b.runs(running);
    const auto same = b.read(kGlobal + kInstance);
    REQUIRE(same.report.has_value());
    CHECK(same.report->exit_code == 0);
    CHECK(same.done.can_run);
    CHECK(same.report_text.starts_with("read: " + b.file + "\nno changes\n"));
    b.runs(running);
    b.startup.report = ipc::RoleStartup::DryRunAs::Json;
    const auto changed = b.read(kGlobal + kInstance + kService);
    REQUIRE(changed.report.has_value());
    CHECK(changed.report->exit_code == 1);
    CHECK(changed.report_text.starts_with("{\n \"file\": \"" + b.file + "\",\n"));
}

TEST_CASE("a dry run reports from the descriptors that it inherits, and ends") {
    Bench first;
    const auto running = first.read(kGlobal + kInstance);
    const auto report = [&](const std::string& text) {
        Bench b{{{ipc::inherited::kRunningVrrp, running.snapshots.at(For::Vrrp).get()},
                 {ipc::inherited::kRunningLvs, running.snapshots.at(For::Lvs).get()},
                 {ipc::inherited::kRunningObserver, running.snapshots.at(For::Observer).get()}}};
        b.startup.dry_run = ipc::RoleStartup::DryRunAs::Text;
        auto read = b.read(text);
        CHECK(b.process.status() == 0);
        CHECK(read.parts.empty());
        return std::to_string(read.report->exit_code) + " " + read.report->problem + "|" +
               read.report_text.substr(0, read.report_text.find(b.folder.path));
    };
    CHECK(report(kGlobal + kInstance) == "0 |a reload would read ");
    CHECK(report(kGlobal) == "1 |a reload would read ");
    CHECK(report(kFatal) == "2 |a reload of ");
}

TEST_CASE("a dry run shows the settings of mainstay.toml that change, and when they act") {
    Bench first;
    const auto running = first.read(kInstance + kService);
    const auto dry = [&](const std::string& text, const std::string& settings, const auto& change) {
        Bench b{{{ipc::inherited::kRunningVrrp, running.snapshots.at(For::Vrrp).get()},
                 {ipc::inherited::kRunningLvs, running.snapshots.at(For::Lvs).get()},
                 {ipc::inherited::kRunningObserver, running.snapshots.at(For::Observer).get()}}};
        b.startup.dry_run = ipc::RoleStartup::DryRunAs::Text;
        b.write("mainstay.toml", settings);
        change(b.startup);
        auto shown = b.read(text).report_text;
        for (auto at = shown.find(b.folder.path); at != std::string::npos; at = shown.find(b.folder.path))
            shown.replace(at, b.folder.path.string().size(), "DIR");
        return shown;
    };
    const auto nothing = [](ipc::RoleStartup&) {};
    const auto as_json = [](ipc::RoleStartup& s) { s.dry_run = ipc::RoleStartup::DryRunAs::Json; };
    const std::string read = "a reload would read DIR/x.conf\n";
    const std::string same = "unchanged: 1 instance, 1 service; IPVS table changes: 0\n";
    CHECK(dry(kInstance + kService, "", nothing) == read + "no changes\n" + same);
    CHECK(dry(kInstance + kService, "[scripts]\nnotify_wait = 11\n[lvs]\naudit_interval = 12\n[mail]\nkeep = 61\n",
              nothing) == read +
                              "change settings DIR/mainstay.toml\n"
                              "         [scripts] notify_wait 10 -> 11, immediately\n"
                              "         [lvs] audit_interval 10 -> 12, at the next start of its process\n"
                              "         [mail] keep 259200 -> 61, at the next start of its process\n" +
                              same);
    CHECK(dry(kInstance + kService, "[lvs]\nx = 1\n", nothing)
              .starts_with(read + "  DIR/mainstay.toml:2:1: unknown setting x in [lvs]: ignored"));
    // Without a role its part is not compared.
    CHECK(dry("global_defs {\ndynamic_interfaces\n}\n" + kService, "", [](ipc::RoleStartup& startup) {
              startup.run_vrrp = false;
          }) == read + "no changes\nunchanged: 0 instances, 1 service; IPVS table changes: 0\n");
    CHECK(dry(kInstance, "", [](ipc::RoleStartup& startup) { startup.run_lvs = false; }) ==
          read + "no changes\nunchanged: 1 instance, 0 services; IPVS table changes: 0\n");
    CHECK(dry(kInstance + kService + "nonsense 1\n", "", nothing)
              .starts_with(read + "no changes\n" + same +
                           "1 error that the running configuration does not have:\n  DIR/x.conf:22:1: error MS"));
    const auto strict = dry(kInstance + kService + "nonsense 1\n", "", [](ipc::RoleStartup& s) { s.strict = true; });
    CHECK(
        strict.starts_with("a reload of DIR/x.conf would be refused because --strict allows no warnings; the running "
                           "configuration would stay in use\n  DIR/x.conf:"));
    CHECK(strict.find("in this configuration") == std::string::npos);
    CHECK(dry("nonsense 1\n" + kFatal, "", nothing)
              .starts_with("a reload of DIR/x.conf would be refused; the running configuration would stay in use\n"));
    const auto broken = dry(kInstance.substr(0, kInstance.size() - 2) + kService, "", nothing);
    CHECK(
        broken.starts_with("a reload of DIR/x.conf would be refused because its blocks are broken, and running "
                           "objects would be removed; the running configuration would stay in use\n"
                           "lost   service TCP 10.9.9.8:80\nfix the file, or permit the removal with mainstayctl "
                           "reload --force or [reload] accept_losses in mainstay.toml\n"));
    for (const auto& [line, what] : {std::pair{"instance other\n", "instance name"},
                                     {"global_defs {\nnftables other\n}\n", "nftables table name"},
                                     {"net_namespace other\n", "network namespace"}}) {
        CHECK(dry(line + kInstance + kService, "", nothing) ==
              fmt::format("a reload of DIR/x.conf would be refused because a reload cannot change the {}: restart the "
                          "daemon; the running configuration would stay in use\n",
                          what));
        CHECK(dry(line + kInstance + kService, "", as_json)
                  .contains(fmt::format("\"lost\": [],\n \"needs_restart\": \"{}\",\n", what)));
    }
    const auto json = dry(kInstance, "", as_json);
    CHECK(json.starts_with(
        "{\n \"file\": \"DIR/x.conf\",\n \"config_id\": \"\",\n \"refused\": false,\n \"changes\": ["));
    CHECK(json.ends_with(
        "\"lost\": [],\n \"needs_restart\": \"\",\n \"settings_problems\": [],\n \"diagnostics\": []\n}\n"));
}

TEST_CASE("a group that becomes a firewall mark changes the table, though nothing of the group changes") {
    const std::string group =
        "virtual_server_group G {\n10.9.9.8 80\n}\nvirtual_server group G {\nlb_algo rr\nlb_kind DR\nprotocol TCP\n"
        "real_server 10.1.1.1 80 {\n}\n}\n";
    Bench first;
    const auto running = first.read(group);
    Bench b{{{ipc::inherited::kRunningVrrp, running.snapshots.at(For::Vrrp).get()},
             {ipc::inherited::kRunningLvs, running.snapshots.at(For::Lvs).get()},
             {ipc::inherited::kRunningObserver, running.snapshots.at(For::Observer).get()}}};
    b.startup.dry_run = ipc::RoleStartup::DryRunAs::Text;
    CHECK(b.read("global_defs {\nnftables_ipvs\n}\n" + group).report_text ==
          "a reload would read " + b.file +
              "\nworse: remove service TCP 10.9.9.8:80\n"
              "         its connections are dropped and its servers are removed\n"
              "change settings global_defs\n"
              "         nftables_ipvs off -> on (" +
              b.file +
              ":2)\n"
              "add    service FWM 1000\n"
              "add    server FWM 1000 -> 10.1.1.1:0\n"
              "unchanged: 0 instances, 1 service; IPVS table changes: 3\n");
}

TEST_CASE("a reload that is refused says so in its report") {
    Bench b;
    const auto running = b.read(kGlobal + kInstance);
    b.startup.report = ipc::RoleStartup::DryRunAs::Text;
    b.startup.check_first = true;
    b.runs(running);
    const auto refused = b.read("nonsense 1\n");
    REQUIRE(refused.report.has_value());
    CHECK(refused.report->exit_code == 2);
    CHECK(refused.report_text.starts_with("the reload of " + b.file +
                                          " was refused because reload_check_config allows no warnings; the running "
                                          "configuration stays in use\n  " +
                                          b.file + ":1:"));
}

TEST_CASE("without a readable running configuration there is no report, only the reason") {
    const auto memfd = ipc::make_sealed_memfd("part", std::as_bytes(std::span{"nonsense", 8}));
    REQUIRE(memfd.has_value());
    Bench b{{{ipc::inherited::kRunningVrrp, memfd->get()},
             {ipc::inherited::kRunningLvs, memfd->get()},
             {ipc::inherited::kRunningObserver, memfd->get()}}};
    b.startup.dry_run = ipc::RoleStartup::DryRunAs::Text;
    const auto read = b.read(kInstance);
    CHECK(read.report->exit_code == 2);
    CHECK(read.report->problem.starts_with("the running configuration: "));
    CHECK(read.report_text.empty());
}

TEST_CASE("without the vrrp role its groups and scripts are not compared either") {
    const std::string global = "global_defs {\ndynamic_interfaces\nscript_user root\n}\n";
    Bench first;
    const auto running =
        first.read(global + "vrrp_script chk {\nscript /bin/true\n}\n" + "vrrp_sync_group G {\ngroup {\nVI_1\n}\n}\n" +
                   kInstance.substr(0, kInstance.size() - 2) + "track_script {\nchk\n}\n}\n");
    Bench b{{{ipc::inherited::kRunningVrrp, running.snapshots.at(For::Vrrp).get()},
             {ipc::inherited::kRunningLvs, running.snapshots.at(For::Lvs).get()},
             {ipc::inherited::kRunningObserver, running.snapshots.at(For::Observer).get()}}};
    b.startup.dry_run = ipc::RoleStartup::DryRunAs::Text;
    b.startup.run_vrrp = false;
    CHECK(b.read(global).report_text.find("\nno changes\n") != std::string::npos);
}

TEST_CASE("warnings and errors are a reason to refuse with --strict, and are counted without it") {
    const std::string warned =
        "virtual_server 10.9.9.8 80 {\nlb_kind DR\nprotocol TCP\nreal_server 10.1.1.1 80 {\nTCP_CHECK {\n}\n}\n}\n"
        "vrrp_instance VI_1 {\nstate BACKUP\ninterface nosuch0\nvirtual_router_id 51\n"
        "virtual_ipaddress {\n10.9.9.9/32\n}\n}\n";
    Bench b;
    const std::string see = " in this configuration: see mainstayctl config check " + b.file + "\n";
    const auto running = b.read(kService);
    b.startup.report = ipc::RoleStartup::DryRunAs::Text;
    b.runs(running);
    CHECK(b.read(kService).report_text.find("warnings") == std::string::npos);
    b.runs(running);
    const auto taken = b.read(warned).report_text;
    CHECK(taken.find("1 error that the running configuration does not have:\n  " + b.file + ":1:") !=
          std::string::npos);
    CHECK(taken.ends_with("\n1 warning: see mainstayctl config check " + b.file + "\n"));
    b.runs(running);
    const auto refused = b.read(warned + "virtual_server_group\n");
    CHECK(refused.report->exit_code == 2);
    CHECK(refused.report_text.starts_with("the reload of " + b.file + " was refused; the running configuration stays " +
                                          "in use\n  " + b.file + ":17:1: "));
    CHECK(refused.report_text.ends_with("\n2 more warnings and errors" + see));
    b.startup.strict = true;
    b.runs(running);
    const auto strict = b.read(warned).report_text;
    for (const char* line : {":1:", ":11:"}) CHECK(strict.find("\n  " + b.file + line) != std::string::npos);
}

TEST_CASE("errors that run already are counted, new ones are shown with what is missing because of them") {
    Bench b;
    const auto running = b.read(kService + "nonsense 1\n");
    CHECK(running.done.errors.size() == 1);
    b.startup.errors = running.done.errors;
    b.startup.report = ipc::RoleStartup::DryRunAs::Text;
    const auto has = [](const std::string& text, const std::string& part) {
        return text.find(part) != std::string::npos;
    };
    std::string broken = kService;
    broken.replace(broken.find("TCP_CHECK"), 9, "TCP_CHECKS");
    b.runs(running);
    const auto next = b.read("# first\n" + broken + "nonsense 1\n");
    CHECK(next.done.can_run);
    CHECK(has(next.report_text,
              "1 error that the running configuration does not have:\n  " + b.file + ":7:1: error MS0106: "));
    CHECK(next.report_text.ends_with(
        "--yes\n1 error that the running configuration has, too: see mainstayctl config check " + b.file + "\n"));
    const std::string gone =
        "change checks TCP 10.9.9.8:80 -> 10.1.1.1:80: worse: TCP_CHECK removed: no check is left, the server is "
        "always "
        "up (" +
        b.file + ":6)";
    CHECK(next.report->removed_by_errors == Lines{gone});
    CHECK(std::ranges::find(next.log, "1 error in " + b.file +
                                          " that the running configuration does not have, with which something is "
                                          "missing: " +
                                          gone) != next.log.end());
    // The same without an error is the operator's wish, and an error that takes nothing away asks nothing.
    std::string bare = kService;
    bare.replace(bare.find("TCP_CHECK {\n}\n"), 14, "");
    b.runs(running);
    CHECK(b.read(bare).report->removed_by_errors.empty());
    b.runs(running);
    CHECK(b.read(kService + "nonsense 1\nother 2\n").report->removed_by_errors.empty());
    b.startup.report = ipc::RoleStartup::DryRunAs::Json;
    b.runs(running);
    CHECK(has(b.read(broken + "nonsense 1\n").report_text, "\"errors\": {\n  \"new\": 1,\n  \"running_too\": 1\n }"));
}

TEST_CASE("a reader that gets something else than a start ends") {
    RoleProcess process{run_reader};
    process.send(ipc::Stop{});
    CHECK(process.status() == 1);
    RoleProcess other{run_reader};
    other.close();
    CHECK(other.status() == 0);
}

TEST_SUITE_END();
