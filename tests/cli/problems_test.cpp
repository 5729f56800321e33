// The table of problems, and that each surface shows each of them: JSON (the page shows it), status, status --check,
// doctor, metrics, the alert rules, SNMP and the guide.
#include "mainstay/report/problems.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <functional>
#include <iterator>

#include "../report/configured_scene.hpp"
#include "../report/snmp/shown.hpp"
#include "cli/doctor.hpp"
#include "cli/status_view.hpp"
#include "mainstay/report/metrics.hpp"

using namespace mainstay;
using namespace mainstay::report;
using mainstay::test::ConfiguredScene;
using nlohmann::json;

namespace {

std::string file(const char* path) {
    std::ifstream in{std::string{MAINSTAY_ROOT "/"} + path};
    REQUIRE(in.is_open());
    return {std::istreambuf_iterator<char>{in}, {}};
}

// A director on which all is well.
struct Well : ConfiguredScene {
    Well() {
        vrrp.router.instances[1].state = vrrp::State::Backup;
        lvs.overrides.clear();
        for (auto& service : lvs.services) {
            service.quorum_up = true;
            for (auto& server : service.servers) server.alive = true;
        }
        lvs.services[1].mh_table->digest = lvs.services[1].mh_table->wanted_digest;
        for (auto& one : lvs.announced) one.state = "announced";
        for (auto& one : lvs.discovered) one.held = one.problem = "";
        vrrp.router.bfds = {{.name = "B1", .up = true}, {.name = "of checkers or of nobody", .up = false}};
        vrrp.tracked = {{{.kind = vrrp::TrackedObject::Kind::Bfd, .name = "B1", .known = true, .up = true}}};
    }
    vrrp::InstanceSnapshot& instance() { return vrrp.router.instances[0]; }
    ServiceStatus& service() { return lvs.services[0]; }
    ServerStatus& server() { return lvs.services[0].servers[1]; }
    ProcessStatus& process() { return daemon.supervision->processes[1]; }
};

struct Row {
    const char *name, *severity, *text;
    std::function<void(Well&)> cause;
    Oid oid{};  // of what SNMP has of it
    const char* value = "";
};

const std::vector<Row>& rows() {
    static const std::vector<Row> kAll{
        {"two_masters", "critical", "VI_1: two masters: 10.0.0.3 advertises, too (received an invalid passwd)",
         [](Well& w) {
             w.instance().problems = {
                 {"password", *IpAddress::parse("10.0.0.3"), w.daemon.clock, 7, "received an invalid passwd"}};
         }},
        {"instance_fault",
         "critical",
         "VI_1 is in FAULT: interface eth0 down",
         [](Well& w) { w.instance().state = vrrp::State::Fault, w.instance().fault = "interface eth0 down"; },
         {2, 3, 1, 4, 1},
         "I3"},
        {"address_refused", "critical",
         "VI_1 is MASTER without 10.0.0.7/24: the kernel refused it: Invalid argument (ipv4: Invalid scope value)",
         [](Well& w) {
             w.instance().owns_addresses = true;
             w.vrrp.refused_addresses = {{"VI_1", "10.0.0.7/24", "Invalid argument (ipv4: Invalid scope value)"},
                                         {"VI_9", "10.0.0.8/24", "of an instance that is gone"}};
         }},
        {"no_quorum",
         "critical",
         "[10.0.0.1]:tcp:80 has no quorum, its sorry server is in use",
         [](Well& w) { w.service().quorum_up = false, w.service().sorry_in_use = true; },
         {3, 3, 1, 23, 1},
         "I2"},
        {"ipvs_unavailable", "critical", "IPVS cannot be programmed: modprobe ip_vs",
         [](Well& w) { w.lvs.ipvs_available = false, w.lvs.ipvs_problem = "modprobe ip_vs"; }},
        {"process_down", "critical", "the lvs process does not run: it has ended 1 time, last at 2026-11-20T08:00:00Z",
         [](Well& w) { w.process() = {"lvs", false, 1, {1'795'161'600'000'000}}; }},
        {"process_restarted", "warning",
         "the lvs process was restarted: it has ended 2 times, last at 2026-11-20T08:37:46Z",
         [](Well& w) { w.process() = {"lvs", true, 2, {1'795'163'866'000'000}}; }},
        {"instance_init",
         "warning",
         "VI_1 has not started, or has stopped",
         [](Well& w) { w.instance().state = vrrp::State::Init; },
         {2, 3, 1, 4, 1},
         "I0"},
        {"route_refused", "warning",
         "VI_1 is MASTER without the route 10.5.0.0/16 via 10.0.0.9: the kernel refused it: Network is unreachable",
         [](Well& w) {
             w.instance().owns_addresses = true;
             w.vrrp.refused_routes = {{"VI_1", "route 10.5.0.0/16 via 10.0.0.9", "Network is unreachable"},
                                      {"VI_9", "rule to 10.6.0.0/16 table 7", "of an instance that is gone"}};
         }},
        {"script_down",
         "warning",
         "script chk fails: exited with status 1",
         [](Well& w) {
             w.vrrp.router.scripts[0].up = false;
             w.vrrp.router.scripts[0].last_failure = "exited with status 1";
         },
         {2, 9, 1, 6, 1},
         "I2"},
        {"bfd_down",
         "warning",
         "BFD session B1 is down",
         [](Well& w) { w.vrrp.router.bfds[0].up = false; },
         {2, 18, 1, 3, 1},
         "I0"},
        {"server_down",
         "warning",
         "[10.0.0.12]:tcp:80 of [10.0.0.1]:tcp:80 is down: TCP_CHECK 10.0.0.12:80: connection refused",
         [](Well& w) { w.server().alive = false, w.server().checks[0].last_result = "connection refused"; },
         {3, 4, 1, 6, 1, 3},
         "I2"},
        {"server_kept",
         "warning",
         "[10.0.0.12]:tcp:80 of [10.0.0.1]:tcp:80 fails, min_alive keeps it: TCP_CHECK 10.0.0.12:80: timed out",
         [](Well& w) {
             w.server().alive = false, w.server().kept = true;
             w.server().checks[0].last_result = "timed out";
         },
         {3, 4, 1, 6, 1, 3},
         "I2"},
        {"not_announced", "warning", "10.0.0.1 is not announced: maintenance",
         [](Well& w) { w.lvs.announced[0].state = "withdrawn", w.lvs.announced[0].reason = "maintenance"; }},
        {"mh_table_waits", "warning", "the mh table of FWM 5 waits to be put in order",
         [](Well& w) { w.lvs.services[1].mh_table->digest = 0; }},
        {"servers_held", "warning", "an answer of /etc/mainstay/web.json is held: it is empty",
         [](Well& w) { w.lvs.discovered[0].held = "it is empty"; }},
        {"servers_unknown", "warning", "web.example.org has no answer: timed out",
         [](Well& w) { w.lvs.discovered[1].problem = "timed out"; }},
        {"mail_stuck", "warning", "mails are not delivered (21 queued, 23 given up): connection refused",
         [](Well& w) { w.daemon.mail_problem = "connection refused"; }},
        {"webhook_stuck", "warning",
         "events are not posted to webhook oncall (31 queued, 33 given up): HTTP status 500",
         [](Well& w) { w.daemon.webhooks->receivers[0].problem = "HTTP status 500"; }},
        {"spool_unwritable", "warning",
         "27 mails are in memory only: the mail spool cannot be written: /var/spool/m: No space left on device",
         [](Well& w) { w.daemon.mail_disk_problem = "/var/spool/m: No space left on device"; }},
        {"api_not_served", "warning", "the API is not served at 192.0.2.1:9112: it needs tls",
         [](Well& w) {
             w.daemon.api.emplace().listeners = {{.at = "127.0.0.1:9112", .open = true, .problem = {}},
                                                 {.at = "192.0.2.1:9112", .problem = "it needs tls"}};
         }},
        {"reload_refused", "warning", "the last reload was refused: unknown keyword",
         [](Well& w) {
             w.daemon.supervision->reloads.last_refused = w.daemon.now;
             w.daemon.supervision->reloads.last_problem = "unknown keyword";
         }},
        {"upgrade_refused", "warning", "the upgrade of 2026-11-20T08:37:46Z was refused: the state has another format",
         [](Well& w) {
             w.daemon.supervision->upgrade_refused = {{1'795'163'866'000'000}, "the state has another format"};
         }},
        {"log_lines_lost", "warning", "12 log lines of the lvs process were lost, the last at 2026-11-20T08:37:46Z",
         [](Well& w) {
             w.daemon.supervision->log_losses = {
                 {"vrrp", 3, {1'795'161'600'000'000}}, {"lvs", 12, {1'795'163'866'000'000}}, {"bfd", 0, {}}};
         }},
        {"clients_unanswered", "warning",
         "3 of 4 connections of 10.0.0.1:80 to server 10.0.0.12:80 do not finish: the server's answer does not reach "
         "the clients",
         [](Well& w) {
             w.daemon.unanswered = {{{*IpAddress::parse("10.0.0.1"), 80}, {*IpAddress::parse("10.0.0.12"), 80}, 3, 4}};
         }},
    };
    return kAll;
}

std::string metric_of(const Row& row) {
    return std::string{"\nmainstay_problems{kind=\""} + row.name + "\",severity=\"" + row.severity + "\"} ";
}

}  // namespace

TEST_CASE("the table has the kinds that are shown here, in its order") {
    std::vector<std::string> known, tried;
    for (const auto& row : problem_rows()) {
        known.emplace_back(row.name);
        CHECK(&row_of(row.kind) == &row);
        CHECK(problem_row(row.name) == &row);
    }
    for (const auto& row : rows()) tried.emplace_back(row.name);
    CHECK(known == tried);
    CHECK(problem_row("nothing") == nullptr);
}

TEST_CASE("a static route that the kernel refuses is a problem in any state, that of an instance while it is MASTER") {
    Well well;
    well.vrrp.refused_routes = {{"", "route 10.7.0.0/16 dev eth7", "no eth7"}, {"VI_2", "rule to all", "x"}};
    const auto found = problems(well.daemon);
    REQUIRE(found.size() == 1);
    CHECK(found[0].kind == ProblemKind::RouteRefused);
    CHECK(found[0].text == "the static route 10.7.0.0/16 dev eth7 is not set: the kernel refused it: no eth7");
}

TEST_CASE("a director that is well has no problem, whatever an operator wants of it") {
    Well removed;
    removed.lvs.announced[0].state = "withdrawn";
    removed.lvs.announced[0].on_purpose = true;
    CHECK(problems(removed.daemon).empty());
    Well well;
    CHECK(problems(well.daemon).empty());
    well.vrrp.maintenance = MaintenanceStatus{.since = well.daemon.now, .until = {}, .by = "root", .reason = {}};
    auto& held = well.server();
    auto& disabled = well.lvs.services[0].servers[2];
    held.alive = disabled.alive = false;
    for (const auto& [server, hold] : {std::pair{&held, lvs::Hold::Drained}, std::pair{&disabled, lvs::Hold::Disabled}})
        well.lvs.overrides.push_back({.service = "[10.0.0.1]:tcp:80",
                                      .server = server->endpoint,
                                      .hold = static_cast<std::uint8_t>(hold),
                                      .since = {},
                                      .by = {},
                                      .text = {},
                                      .until = {},
                                      .reason = {}});
    CHECK(problems(well.daemon).empty());
    well.lvs.overrides[0].hold = static_cast<std::uint8_t>(lvs::Hold::Weight);
    CHECK(problems(well.daemon).size() == 1);
    CHECK(problems(DaemonStatus{}).empty());
}

TEST_CASE("each problem is shown by each surface") {
    const auto alerts = file("etc/prometheus/mainstay-alerts.yml");
    const auto any_rule = alerts.substr(alerts.find("- alert: MainstayProblem\n"));
    for (const auto& row : rows()) {
        CAPTURE(row.name);
        const auto& known = *problem_row(row.name);
        CHECK(known.severity() == row.severity);
        Well scene;
        CHECK(metrics(scene.daemon, {}).contains(metric_of(row) + "0\n"));
        row.cause(scene);
        const auto found = problems(scene.daemon);
        REQUIRE(found.size() == 1);
        CHECK(found[0].kind == known.kind);
        CHECK(found[0].text == row.text);

        const auto document = status_json(scene.daemon);
        const auto listed = json::parse(document)["problems"];
        REQUIRE(listed.size() == 1);
        CHECK(listed[0]["kind"] == row.name);
        CHECK(listed[0]["severity"] == row.severity);
        CHECK(listed[0]["text"] == row.text);

        CHECK(cli::status_tables(document)->contains(std::string{"\n1 PROBLEM:\n  "} + row.text + "\n"));
        const auto check = cli::check_status(document, {});
        CHECK(check.exit_code == (std::string_view{row.severity} == "critical" ? 2 : 1));
        CHECK(check.line.contains(std::string{" - "} + row.text + " | "));

        cli::DoctorFacts facts;
        facts.configuration_read = true;
        facts.ipvs_available = true;
        cli::read_status(facts, document);
        const auto is_named = [&](const cli::Finding& one) { return one.what == row.text && !one.fix.empty(); };
        CHECK(std::ranges::count_if(cli::evaluate_host(facts), is_named) == 1);

        CHECK(metrics(scene.daemon, {}).contains(metric_of(row) + "1\n"));
        CHECK(alerts.contains("- alert: " + std::string{known.alert} + "\n"));
        if (known.alert == "MainstayProblem") CHECK(any_rule.substr(0, any_rule.find(" > 0")).contains(row.name));

        CHECK(known.snmp.empty() == row.oid.empty());
        if (!row.oid.empty()) {
            CHECK(mainstay::test::shown(scene.view().at(kKeepalivedMib + row.oid)) == row.value);
            CHECK(mainstay::test::shown(Well{}.view().at(kKeepalivedMib + row.oid)) != row.value);
        }
    }
}

TEST_CASE("a spool of webhooks that cannot be written is a problem of its own") {
    Well scene;
    scene.daemon.webhooks->disk_problem = "No space left on device";
    const auto found = problems(scene.daemon);
    REQUIRE(found.size() == 1);
    CHECK(found[0].kind == ProblemKind::SpoolUnwritable);
    CHECK(found[0].object == "events");
    CHECK(found[0].text ==
          "36 files of events are in memory only: the webhook spool cannot be written: No space left on device");
}

TEST_CASE("the critical problems come first, each kind in the order of its objects") {
    Well scene;
    for (const auto& row : rows())
        if (std::string_view{row.name} == "script_down" || std::string_view{row.name} == "no_quorum") row.cause(scene);
    scene.lvs.services[1].quorum_up = false;
    std::vector<std::string> objects;
    for (const auto& one : problems(scene.daemon)) objects.push_back(one.object);
    CHECK(objects == std::vector<std::string>{"[10.0.0.1]:tcp:80", "FWM 5", "chk"});
}

TEST_CASE("clients wait for servers of ours alone, and a firewall mark's are known by the server") {
    Well scene;
    const auto wait = [&](const char* service, const char* server) {
        scene.daemon.unanswered = {{{*IpAddress::parse(service), 80}, {*IpAddress::parse(server), 80}, 3, 3}};
        std::string parents;
        for (const auto& one : problems(scene.daemon)) parents += one.parent;
        return parents;
    };
    auto& marked = scene.lvs.services[1];
    REQUIRE(marked.name == "FWM 5");
    const auto of_mark = marked.servers[0].endpoint;
    CHECK(wait("10.0.0.1", "10.0.0.12") == "[10.0.0.1]:tcp:80");
    CHECK(wait("10.0.0.1", "10.0.0.77").empty());
    CHECK(wait("10.0.0.99", "10.0.0.12").empty());
    marked.servers[0].endpoint = {*IpAddress::parse("10.0.0.33"), 0};
    CHECK(wait("10.0.0.99", "10.0.0.33") == "FWM 5");
    marked.servers[0].endpoint = {of_mark.address, 81};
    CHECK(wait("10.0.0.99", of_mark.address.to_string().c_str()).empty());
}

TEST_CASE("the guide has the table") {
    const auto guide = file("docs/guide/monitoring.md");
    for (const auto& row : problem_rows()) {
        const auto shown = [](std::string_view name) { return name.empty() ? "–" : "`" + std::string{name} + "`"; };
        const auto line = "| `" + std::string{row.name} + "` | " + std::string{row.severity()} + " | " +
                          std::string{row.meaning} + " | " + shown(row.alert) + " | " + shown(row.snmp) + " |\n";
        CAPTURE(line);
        CHECK(guide.contains(line));
    }
}
