// The reader's process: its settings one by one, and what it does when something is missing or fails.
#include "../../needs.hpp"
#include "reader_bench.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;

namespace {

std::string second_instance(int number) {
    const auto text = std::to_string(number);
    return "vrrp_instance VI_" + text + " {\nstate BACKUP\ninterface ms-none\nvirtual_router_id " + text +
           "\nvirtual_ipaddress {\n10.9.8." + text + "\n}\n}\n";
}

// Whether the process that was started last gets this name.
bool is_called(const std::string& name) {
    for (int tries = 0; tries < 2'000; ++tries) {
        std::string all = contents("/proc/thread-self/children");  // "17 18 "
        all = all.substr(0, all.find_last_not_of(' ') + 1);
        if (contents("/proc/" + all.substr(all.rfind(' ') + 1) + "/comm") == name + "\n") return true;
        ::poll(nullptr, 0, 10);
    }
    return false;
}

}  // namespace

// Each of them runs the whole process, which takes its account and its limits.
TEST_SUITE_BEGIN("reader process" * mainstay::test::kNeedsRoot);

TEST_CASE("each level of the log has the diagnostics of its severity and of those above it") {
    const std::string warned = "include /nowhere/at/all.conf\n" + kService, wrong = kService + "nonsense 1\n";
    const auto lines = [&](LogLevel level, const std::string& text) {
        Bench b;
        b.startup.log_level = level;
        return b.read(text).log;
    };
    const auto info = lines(LogLevel::Info, warned);
    CHECK(has(info, "Configuration file "));
    CHECK(has(info, "/nowhere/at/all.conf"));
    const auto warning = lines(LogLevel::Warning, warned);
    CHECK_FALSE(has(warning, "Configuration file "));
    CHECK(has(warning, "/nowhere/at/all.conf"));
    CHECK(lines(LogLevel::Error, warned).empty());
    CHECK(has(lines(LogLevel::Error, wrong), "nonsense"));
    CHECK_FALSE(lines(LogLevel::Error, kFatal).empty());
}

TEST_CASE("each setting of mainstay.toml reaches the supervisor") {
    Bench b;
    b.write("mainstay.toml",
            "[api]\nlisten = [\"[::1]:9112\"]\ntls_certificate = \"/a.pem\"\ntls_key = \"/a.key\"\n"
            "tls_client_ca = \"/a.ca\"\ncredentials = \"/c\"\noperate = true\npeer = \"https://lb2:9112\"\n"
            "peer_token = \"/t\"\npeer_ca = \"/p.ca\"\n"
            "[recorder]\nsize = 7\n[mail]\nrelays = [\"smtp://mx1\"]\n"
            "[[webhook]]\nname = \"pager\"\nurl = \"https://pager.example/\"\n");
    const auto done = b.read(kInstance).done;
    CHECK(done.api == ipc::ApiSettings{.listen = {"[::1]:9112"},
                                       .tls_certificate = "/a.pem",
                                       .tls_key = "/a.key",
                                       .tls_client_ca = "/a.ca",
                                       .credentials = "/c",
                                       .operate = true,
                                       .peer = "https://lb2:9112",
                                       .peer_token = "/t",
                                       .peer_ca = "/p.ca"});
    CHECK(done.daemon.recorder_mib == 7);
    CHECK(done.mail.relays == std::vector<ipc::MailRelay>{{"mx1", 25, 0}});
    REQUIRE(done.webhooks.webhooks.size() == 1);
    CHECK(done.webhooks.webhooks[0].name == "pager");
}

TEST_CASE("what is wrong in the settings of a TOML configuration is said once") {
    Bench b;
    b.startup.config_path = b.folder / "x.toml";
    b.write("x.toml", "[lvs]\naudit_interval = 21\nodd = 1\n");
    const auto lines = b.read_again().log;
    CHECK(std::ranges::count_if(lines, [](const std::string& line) { return line.contains("odd"); }) == 1);
}

TEST_CASE("lines with a condition are those of the id with which the daemon was started") {
    Bench b;
    const std::string text = "global_defs {\n@blue router_id B\n@red router_id R\n}\n";
    const auto id = [&] { return b.read(text).part<config::Config>(For::Observer).global.router_id; };
    b.startup.config_id = "blue";
    CHECK(id() == "B");
    b.startup.config_id = "red";
    CHECK(id() == "R");
}

TEST_CASE("a missing include is a warning, or with the checks of all includes the end with code 6") {
    Bench b;
    const std::string text = "include /nowhere/at/all.conf\n" + kInstance;
    CHECK(b.read(text).done.can_run);
    b.startup.all_include_checks = true;
    const auto refused = b.read(text);
    CHECK_FALSE(refused.done.can_run);
    CHECK(refused.done.exit_code == 6);
}

TEST_CASE("a reload's changes go to the supervisor for its log, without a text, and nothing where nothing changes") {
    Bench b;
    const auto running = b.read(kInstance);
    CHECK_FALSE(running.report.has_value());
    b.runs(running);
    const auto changed = b.read(kInstance + second_instance(52));
    REQUIRE(changed.report.has_value());
    CHECK(changed.report->exit_code == 1);
    CHECK(changed.report->lines ==
          Lines{"add instance VI_52: virtual_router_id 52 on ms-none, priority 100: it starts in its initial state",
                "add address 10.9.8.52/32 on ms-none: of VI_52, where it is MASTER"});
    CHECK(changed.report->lines_left_out == 0);
    CHECK(changed.report_text.empty());
    CHECK(changed.done.can_run);
    b.runs(running);
    const auto same = b.read(kInstance);
    REQUIRE(same.report.has_value());
    CHECK(same.report->exit_code == 0);
    CHECK(same.report->lines.empty());
}

TEST_CASE("of services the ones that differ are compared, as all are when something else differs, too") {
    const auto service = [](int host, int weight, const std::string& server = "10.1.1.1") {
        return "virtual_server 10.9.9." + std::to_string(host) +
               " 80 {\nlb_algo rr\nlb_kind DR\nprotocol TCP\nreal_server " + server + " 80 {\nweight " +
               std::to_string(weight) + "\n}\n}\n";
    };
    const std::string others = "global_defs {\nlvs_flush\n}\n";
    Bench b;
    b.startup.report = ipc::RoleStartup::DryRunAs::Text;
    const auto reports = [&](const std::string& before, const std::string& after) {
        const auto report = [&](const std::string& more) {
            b.startup.report = ipc::RoleStartup::DryRunAs::No;
            const auto running = b.read(before);
            b.startup.report = ipc::RoleStartup::DryRunAs::Text;
            b.runs(running);
            const auto text = b.read(after + more).report_text;
            const auto from = std::min(text.find(" service "), text.find(" server "));
            const auto summary = text.find("unchanged: ");
            return text.substr(std::min(from, summary), text.find('\n', summary) + 1 - std::min(from, summary));
        };
        const auto partly = report("");
        CHECK(report(others) == partly);
        return partly;
    };
    CHECK(reports(service(1, 1) + service(2, 1) + service(3, 1), service(1, 1) + service(2, 7) + service(3, 1)) ==
          " server TCP 10.9.9.2:80 -> 10.1.1.1:80\n         weight 1 -> 7 (" + b.file +
              ":14)\nunchanged: 0 instances, 2 services; IPVS table changes: 1\n");
    // The first of two services with the same key is the one that IPVS has.
    CHECK(reports(service(1, 1) + service(2, 1) + service(1, 1, "10.1.1.2"),
                  service(1, 1) + service(2, 1) + service(1, 7, "10.1.1.2")) ==
          "unchanged: 0 instances, 2 services; IPVS table changes: 0\n");
}

TEST_CASE("of many changes twenty are for the log, and the others are counted") {
    Bench b;
    const auto running = b.read(kInstance);
    std::string many = kInstance;
    for (int i = 60; i < 75; ++i) many += second_instance(i);
    b.runs(running);
    const auto changed = b.read(many);
    REQUIRE(changed.report.has_value());
    CHECK(changed.report->lines.size() == 20);
    CHECK(changed.report->lines_left_out == 10);
}

TEST_CASE("one running object that broken blocks would take away is one, not several") {
    Bench b;
    const auto running = b.read(kInstance + kService);
    b.runs(running);
    const auto refused = b.read(kInstance.substr(0, kInstance.size() - 2) + kService);
    CHECK_FALSE(refused.done.can_run);
    CHECK(refused.done.exit_code == 2);
    CHECK(refused.done.summary == b.file + " is refused: its blocks are broken, and 1 running object would be removed");
    CHECK(refused.parts.empty());
}

TEST_CASE("errors that the running configuration has, too, are counted where others take objects away") {
    Bench b;
    const auto running = b.read("nonsense 1\n" + kInstance + kService);
    b.startup.errors = running.done.errors;
    b.startup.report = ipc::RoleStartup::DryRunAs::Text;
    b.runs(running);
    const auto refused = b.read("nonsense 1\n" + kInstance.substr(0, kInstance.size() - 2) + kService);
    CHECK(refused.report_text.find("nonsense") == std::string::npos);
    CHECK(refused.report_text.ends_with(
        "\n1 more warning or error in this configuration: see mainstayctl config check " + b.file + "\n"));
}

TEST_CASE("a running configuration that cannot be read is logged, and the new one is read all the same") {
    Bench b;
    const auto memfd = ipc::make_sealed_memfd("part", std::as_bytes(std::span{"nonsense", 8}));
    REQUIRE(memfd.has_value());
    for (const For part : {For::Vrrp, For::Lvs, For::Observer}) b.process.send(ipc::Snapshot{part, true}, memfd->get());
    const auto read = b.read(kInstance);
    CHECK(read.done.can_run);
    CHECK_FALSE(read.report.has_value());
    CHECK(has(read.log, "the running configuration: "));
}

TEST_CASE("a dry run in a network namespace is done where the daemon is") {
    Bench first;
    const auto running = first.read(kInstance);
    Bench b{{{ipc::inherited::kRunningVrrp, running.snapshots.at(For::Vrrp).get()},
             {ipc::inherited::kRunningLvs, running.snapshots.at(For::Lvs).get()},
             {ipc::inherited::kRunningObserver, running.snapshots.at(For::Observer).get()}}};
    b.startup.dry_run = ipc::RoleStartup::DryRunAs::Text;
    const auto read = b.read("net_namespace mainstay-no-such\n" + kInstance);
    REQUIRE(read.report.has_value());
    CHECK(read.report_text.contains("would be refused because a reload cannot change the network namespace: "));
}

TEST_CASE("a reader that cannot be confined fails, and one that waits has the name of one that reads nothing") {
    Bench b;
    b.startup.user = "no-such-account";
    b.write(kInstance);
    b.process.send(b.startup);
    CHECK_FALSE(b.process.hear().has_value());
    CHECK(b.process.status() == 1);
    CHECK(has(b.log.read(), "cannot drop privileges: "));
    Bench waits;
    static_cast<void>(waits.read(kInstance));
    CHECK(is_called("mainstayd-read"));
    CHECK(waits.read(kInstance + second_instance(52)).done.can_run);
}

TEST_CASE("a reader gets its own name while it reads") {
    Bench b;
    REQUIRE(::mkfifo((b.folder / "x.fifo").c_str(), 0600) == 0);
    b.startup.settings_path = b.folder / "x.fifo";  // it waits there for somebody who writes
    b.write(kInstance);
    b.process.send(b.startup);
    CHECK(is_called("test-read"));
    std::ofstream{b.folder / "x.fifo"} << "[lvs]\naudit_interval = 33\n";
    for (auto got = b.process.hear(); got; got = b.process.hear())
        if (const auto* done = std::get_if<ipc::ReadingDone>(&got->message)) {
            CHECK(done->audit_seconds == 33);
            break;
        }
}

TEST_CASE("a dry run compares the scripts that run with those of the file, unless there is no vrrp role") {
    const auto script = [](int interval) {
        return "vrrp_script web {\nscript /bin/true\ninterval " + std::to_string(interval) + "\n}\n";
    };
    const auto with = [&](int interval) {
        auto text = kInstance;
        return script(interval) + text.insert(text.find("priority"), "track_script {\nweb\n}\n");
    };
    Bench first;
    const auto running = first.read(with(1));
    const auto changes = [&](const std::string& text, bool run_vrrp = true) {
        Bench b{{{ipc::inherited::kRunningVrrp, running.snapshots.at(For::Vrrp).get()},
                 {ipc::inherited::kRunningLvs, running.snapshots.at(For::Lvs).get()},
                 {ipc::inherited::kRunningObserver, running.snapshots.at(For::Observer).get()}}};
        b.startup.dry_run = ipc::RoleStartup::DryRunAs::Text;
        b.startup.run_vrrp = run_vrrp;
        const auto shown = b.read(text).report_text;
        const auto begin = shown.find('\n') + 1;
        return shown.substr(begin, shown.find("unchanged:") - begin);
    };
    CHECK(changes(with(1)) == "no changes\n");
    CHECK(changes(with(2)).find("change script web\n") == 0);
    CHECK(changes(kInstance).starts_with("change instance VI_1\n"));  // which has lost what it tracked: worse
    CHECK(changes(kInstance).contains("worse: track_script web removed ("));
    CHECK(changes(kInstance).ends_with(":4)\nremove script web\n"));
    CHECK(changes(with(2), false) == "no changes\n");
}

TEST_SUITE_END();
