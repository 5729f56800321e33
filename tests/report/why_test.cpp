// Why things are in their states: situations, each with the whole chain of reasons.
#include "mainstay/report/why.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace mainstay;
using namespace mainstay::report;
using namespace std::chrono_literals;
using Strings = std::vector<std::string>;

namespace {

constexpr std::int64_t kNow_us = 1'795'163'866'000'000;  // 2026-11-20T08:37:46Z
constexpr WallTime ago(std::int64_t seconds_ago) { return {kNow_us - seconds_ago * 1'000'000}; }
IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }
using What = vrrp::Fault::What;

struct Scene {
    DaemonStatus status{.now = {kNow_us}};
    std::vector<HistoryEntry> events;

    Scene() {
        status.clock = Instant{1000s};
        status.vrrp.emplace();
        status.lvs.emplace();
        status.lvs->ipvs_available = true;
    }
    vrrp::InstanceSnapshot& instance(const std::string& name, vrrp::State state) {
        auto& one = status.vrrp->router.instances.emplace_back();
        one.name = name, one.interface = "eth0", one.state = state;
        one.since = ago(60);
        return one;
    }
    vrrp::InstanceSnapshot& in_fault(const std::string& name, std::vector<vrrp::Fault> faults) {
        auto& one = instance(name, vrrp::State::Fault);
        one.fault = vrrp::text_of(faults), one.faults = std::move(faults);
        return one;
    }
    ServiceStatus& service() {
        auto& one = status.lvs->services.emplace_back();
        one.name = "[10.0.0.1]:tcp:80";
        one.key = {.family = Family::V4, .protocol = 6, .address = ip("10.0.0.1"), .port = 80};
        one.quorum = 1, one.quorum_up = true;
        return one;
    }
    void happened(Event::Kind kind, const std::string& name, Transition transition, std::int64_t seconds_ago,
                  const std::string& parent = {}, std::uint32_t priority = 0) {
        Event event{.kind = kind, .name = name, .parent = parent, .transition = transition};
        event.priority = priority, event.at = ago(seconds_ago);
        events.push_back({.id = events.size() + 1, .source = "x", .event = std::move(event)});
    }
    [[nodiscard]] WhyAnswer ask(std::string_view name) const {
        return why({.status = status, .events = events, .utc_offset_s = 3600}, name);
    }
    [[nodiscard]] Strings reasons(std::string_view name) const {
        const auto answer = ask(name);
        return answer.found ? answer.found->reasons : Strings{answer.problem};
    }
};

ServerStatus server(const char* address, bool alive) {
    ServerStatus one;
    one.name = "[" + std::string{address} + "]:tcp:80";
    one.endpoint = {ip(address), 80};
    one.alive = one.in_table = alive;
    one.weight = one.weight_in_table = 1;
    one.since = ago(30);
    one.checks = {{.type = "TCP_CHECK",
                   .target = one.endpoint.to_string(),
                   .up = alive,
                   .has_run = true,
                   .failures_in_row = alive ? 0U : 3U,
                   .last_result = alive ? "connected" : "connection refused",
                   .last_run = ago(2),
                   .last_duration = 1'200us}};
    return one;
}

vrrp::ScriptSnapshot failing_script() {
    return {.name = "chk_http",
            .known = true,
            .last_status = 1,
            .last_failure = "exited with status 1",
            .runs = 100,
            .failures = 40,
            .since = ago(63),
            .failures_in_row = 3};
}

OverrideStatus held(std::uint8_t hold, const char* text, std::int64_t weight = 0) {
    return {.service = "[10.0.0.1]:tcp:80",
            .server = {ip("10.0.0.11"), 80},
            .hold = hold,
            .weight = weight,
            .since = ago(120),
            .by = "root (uid 0)",
            .text = text};
}

}  // namespace

TEST_CASE("a backup that an operator handed over, on a director in maintenance") {
    Scene s;
    auto& one = s.instance("VI_1", vrrp::State::Backup);
    one.master = ip("10.9.0.2");
    one.master_priority = 90;
    one.effective_priority = 1;
    one.failed_over = true;
    s.status.vrrp->maintenance = {.since = ago(70), .until = {}, .by = "ana", .reason = "new kernel"};
    const auto reasons = s.reasons("VI_1");
    for (const auto& reason : reasons) CHECK_FALSE(reason.starts_with("an operator handed it over"));
    CHECK(
        reasons.back().ends_with(": ana began maintenance of this director (new kernel): its instances have priority 1 "
                                 "and are MASTER only if no other router is heard"));
}

TEST_CASE("earlier changes have their reasons, and the newest one where nothing else says it") {
    Scene s;
    auto& one = s.instance("VI_1", vrrp::State::Master);
    one.reason = "10.9.0.2 resigned (priority 0)";
    for (const auto& [transition, seconds, reason] :
         {std::tuple{Transition::Master, 4000, "no other router advertised"},
          std::tuple{Transition::Backup, 90, "an operator handed it over"},
          std::tuple{Transition::Master, 60, "10.9.0.2 resigned (priority 0)"}}) {
        s.happened(Event::Kind::Instance, "VI_1", transition, seconds, "", 100);
        s.events.back().event.reason = reason;
    }
    const Strings earlier{"09:36:16: VI_1 changed to BACKUP (priority 100): an operator handed it over",
                          "08:31:06: VI_1 changed to MASTER (priority 100): no other router advertised"};
    CHECK(s.reasons("VI_1") == Strings{"VI_1 is MASTER since 09:36:46 because 10.9.0.2 resigned (priority 0)",
                                       "09:36:46: VI_1 changed to MASTER (priority 100)", earlier[0], earlier[1]});
}

TEST_CASE("a backup that an operator handed over does not blame nopreempt, and one process is one") {
    Scene s;
    auto& one = s.instance("VI_1", vrrp::State::Backup);
    one.master = ip("10.9.0.2");
    one.master_priority = 90;
    one.effective_priority = 150;
    one.failed_over = true;
    one.priority_parts = {{"track_process work", true, 50}};
    s.status.vrrp->router.trackers = {{vrrp::TrackerSnapshot::Kind::Process, "work", 1, true}};

    CHECK(s.reasons("VI_1").front() ==
          "VI_1 is BACKUP since 09:36:46 because 10.9.0.2 is MASTER with priority 90, and this router, which has 150: "
          "base 100, +50 by track_process work (1 process), does not preempt it (an operator handed it over)");
}

TEST_CASE("a tracker that counts no process says who looks for one of another name") {
    Scene s;
    s.status.vrrp->router.trackers = {{vrrp::TrackerSnapshot::Kind::Process, "work", 0, false},
                                      {vrrp::TrackerSnapshot::Kind::Process, "more", 2, true}};
    CHECK(s.reasons("work") ==
          Strings{"work is DOWN: 0 processes match",
                  "mainstayctl doctor says whether the process that is meant goes by another name"});
    CHECK(s.reasons("more") == Strings{"more is UP: 2 processes match"});
}

TEST_CASE("a backup whose script fails: the master's priority and the sum that made its own") {
    Scene s;
    auto& one = s.instance("VI_1", vrrp::State::Backup);
    one.master = ip("10.9.0.2");
    one.master_priority = 150;
    one.effective_priority = 80;
    one.priority_parts = {{"track_script chk_http", false, -20}};
    one.reason = "10.9.0.2 advertises priority 150, this router had 80";
    s.status.vrrp->router.scripts = {failing_script()};
    s.happened(Event::Kind::Instance, "VI_1", Transition::Master, 4000, "", 100);
    s.happened(Event::Kind::Instance, "VI_1", Transition::Backup, 60, "", 80);
    s.happened(Event::Kind::Instance, "VI_2", Transition::Backup, 50);

    CHECK(s.reasons("VI_1") ==
          Strings{"VI_1 is BACKUP since 09:36:46 because 10.9.0.2 advertises priority 150, this router has 80: base "
                  "100, -20 by track_script chk_http (DOWN since 09:36:43: exited with status 1, 3 failures in a row)",
                  "09:36:46: it came to BACKUP because 10.9.0.2 advertises priority 150, this router had 80",
                  "09:36:46: VI_1 changed to BACKUP (priority 80)", "08:31:06: VI_1 changed to MASTER (priority 100)"});
}

TEST_CASE("a master because the other router fell silent, and what changes its priority") {
    Scene s;
    auto& one = s.instance("VI_1", vrrp::State::Master);
    one.reason = "no advertisement of 10.9.0.2 (priority 150) arrived for 3.61 s";
    one.effective_priority = 105;
    one.priority_parts = {{"track_interface eth1", true, 10}, {"track_file load", true, -5}};
    s.status.vrrp->router.trackers = {{vrrp::TrackerSnapshot::Kind::File, "load", 5, true}};

    CHECK(
        s.reasons("VI_1") ==
        Strings{"VI_1 is MASTER since 09:36:46 because no advertisement of 10.9.0.2 (priority 150) arrived for 3.61 s",
                "its priority is 105: base 100, +10 by track_interface eth1 (UP), -5 by track_file load (it holds 5)"});
}

TEST_CASE("a master since yesterday is shown with the date") {
    Scene s;
    s.instance("VI_1", vrrp::State::Master).since = ago(86'400);

    CHECK(s.reasons("VI_1") ==
          Strings{"VI_1 is MASTER since 2026-11-19 09:37:46: the reason is not known, its state is that of a process "
                  "before"});
}

TEST_CASE("a fault whose reason nobody has kept, and a clock that was set back since the change") {
    Scene s;
    s.instance("VI_1", vrrp::State::Fault);
    CHECK(s.reasons("VI_1") == Strings{"VI_1 is FAULT since 09:36:46: the reason is not known"});

    auto& later = s.instance("VI_2", vrrp::State::Master);
    later.since = ago(-7'200);
    later.reason = "10.9.0.2 resigned (priority 0)";
    CHECK(s.reasons("VI_2").at(0) ==
          "VI_2 is MASTER since an unknown time (the clock was set back from 11:37:46) because 10.9.0.2 resigned "
          "(priority 0)");
}

TEST_CASE("a backup that does not preempt a weaker master") {
    Scene s;
    auto& one = s.instance("VI_1", vrrp::State::Backup);
    one.master = ip("10.9.0.2");
    one.master_priority = 90;

    CHECK(s.reasons("VI_1") == Strings{"VI_1 is BACKUP since 09:36:46 because 10.9.0.2 is MASTER with priority 90, and "
                                       "this router, which has 100, does not preempt it (nopreempt, or preempt_delay "
                                       "has not passed)"});
}

TEST_CASE("an instance in fault because of its interface") {
    Scene s;
    s.in_fault("VI_1", {{What::Interface, "eth0", "down"}});

    CHECK(s.reasons("VI_1") == Strings{"VI_1 is FAULT since 09:36:46 because interface eth0 down"});
    CHECK(s.reasons("eth0") == Strings{"eth0 is DOWN: its link is down", "VI_1 is FAULT since 09:36:46 because of it"});
    s.status.vrrp->addresses = {{"10.0.0.9/24", "fd00::9/64"}};
    CHECK(s.reasons("10.0.0.9") == s.reasons("VI_1"));
    CHECK(s.reasons("fd00:0::9/64") == s.reasons("VI_1"));
    CHECK(s.ask("10.0.0.8").problem.starts_with("nothing here is called 10.0.0.8"));
    s.status.vrrp->kept_down = {{"eth", "another device"}, {"eth0", "it stays down: a second MASTER"}};
    CHECK(s.reasons("VI_1") ==
          Strings{"VI_1 is FAULT since 09:36:46 because interface eth0 down", "eth0: it stays down: a second MASTER"});
    CHECK(s.reasons("eth0") ==
          Strings{"eth0 is DOWN: it stays down: a second MASTER", "VI_1 is FAULT since 09:36:46 because of it"});
}

TEST_CASE("an interface that is tracked without a weight is known while it is the fault") {
    Scene s;
    s.in_fault("VI_1", {{What::Script, "chk", "fails"},
                        {What::Interface, "eth1", "down"},
                        {What::Interface, "eth2", "does not exist"}});

    CHECK(s.reasons("eth1") == Strings{"eth1 is DOWN: its link is down", "VI_1 is FAULT since 09:36:46 because of it"});
    CHECK(s.reasons("eth2") ==
          Strings{"eth2 is DOWN: it does not exist", "VI_1 is FAULT since 09:36:46 because of it"});
    CHECK(s.reasons("eth3").front().starts_with("nothing here is called eth3"));
}

TEST_CASE("an interface that is tracked without a weight is known while it is up, too") {
    Scene s;
    s.instance("VI_1", vrrp::State::Master);
    using Kind = vrrp::TrackedObject::Kind;
    s.status.vrrp->tracked = {{{.kind = Kind::Interface, .name = "eth1", .known = true, .up = true},
                               {.kind = Kind::Script, .name = "chk", .known = true, .up = true}}};

    CHECK(s.reasons("eth1") == Strings{"eth1 is UP: no instance reports a fault of it",
                                       "VI_1 tracks it without a weight: it would be FAULT while the link is down"});
    CHECK(s.reasons("eth2").front().starts_with("nothing here is called eth2"));
    s.status.vrrp->tracked[0][0].reverse = true;
    CHECK(s.reasons("eth1").back() == "VI_1 tracks it without a weight: it would be FAULT while the link is up");
}

TEST_CASE("a check by a script is named with the script's path") {
    Scene s;
    auto one = server("10.0.0.11", false);
    one.checks[0].type = "MISC_CHECK";
    one.checks[0].script = "/usr/local/bin/check_app";
    one.checks[0].last_result = "exited with status 1";
    s.service().servers = {one};

    CHECK(s.reasons("10.0.0.11").front() ==
          "[10.0.0.11]:tcp:80 is out of the table since 09:37:16 because MISC_CHECK /usr/local/bin/check_app for "
          "10.0.0.11:80 failed: exited with status 1 (3 failures in a row, last 2 s ago, took 1.2 ms)");
}

TEST_CASE("an instance in fault because of a script without a weight") {
    Scene s;
    s.in_fault("VI_1", {{What::Script, "chk_http", "fails"}});
    s.status.vrrp->router.scripts = {failing_script()};

    CHECK(s.reasons("VI_1") ==
          Strings{"VI_1 is FAULT since 09:36:46 because script chk_http fails",
                  "track_script chk_http is DOWN since 09:36:43: exited with status 1, 3 failures in a row"});
    CHECK(s.reasons("chk_http") ==
          Strings{"chk_http is DOWN since 09:36:43 because it exited with status 1 (3 failures in a row)",
                  "40 of its 100 runs failed", "VI_1 is FAULT because of it"});
}

TEST_CASE("an instance in fault because another member of its group is") {
    Scene s;
    s.in_fault("VI_1", {{What::Group, "G1", ""}}).group = "G1";
    s.in_fault("VI_2", {{What::Interface, "eth1", "down"}}).group = "G1";
    s.status.vrrp->router.groups = {{.name = "G1", .state = vrrp::State::Fault}};
    s.happened(Event::Kind::Group, "G1", Transition::Fault, 60);

    CHECK(s.reasons("VI_1") == Strings{"VI_1 is FAULT since 09:36:46 because sync group G1",
                                       "VI_2 of sync group G1 is FAULT since 09:36:46: interface eth1 down"});
    CHECK(s.reasons("G1") == Strings{"G1 is FAULT since 09:36:46 because 1 of its 2 instances is FAULT: VI_2",
                                     "VI_2 is FAULT since 09:36:46 because interface eth1 down",
                                     "09:36:46: G1 changed to FAULT"});
}

TEST_CASE("a rival master is among the reasons, with how often and when it was heard last") {
    Scene s;
    auto& one = s.instance("VI_1", vrrp::State::Master);
    one.reason = "no other router advertised";
    one.problems = {{"rival_master", ip("10.9.0.3"), Instant{995s}, 7, "10.9.0.3 is MASTER, too, with priority 50"}};

    CHECK(s.reasons("VI_1") == Strings{"VI_1 is MASTER since 09:36:46 because no other router advertised",
                                       "09:37:41: 10.9.0.3 is MASTER, too, with priority 50 (10.9.0.3; seen 7 times)"});
}

TEST_CASE("a server whose check fails is out of the table") {
    Scene s;
    s.service().servers = {server("10.0.0.11", false), server("10.0.0.12", true)};
    s.happened(Event::Kind::RealServer, "[10.0.0.11]:tcp:80", Transition::Down, 30, "[10.0.0.1]:tcp:80");

    const Strings expected{
        "[10.0.0.11]:tcp:80 is out of the table since 09:37:16 because TCP_CHECK 10.0.0.11:80 failed: connection "
        "refused "
        "(3 failures in a row, last 2 s ago, took 1.2 ms)",
        "09:37:16: [10.0.0.11]:tcp:80 changed to DOWN"};
    for (const char* name : {"10.0.0.11", "10.0.0.11:80", "[10.0.0.11]:tcp:80", "10.0.0.1/10.0.0.11"})
        CHECK(s.reasons(name) == expected);
    CHECK(s.ask("10.0.0.11").found->state == "DOWN");
    CHECK(s.reasons("10.0.0.12") ==
          Strings{"[10.0.0.12]:tcp:80 is in the table with weight 1 since 09:37:16 because its health checks pass",
                  "TCP_CHECK 10.0.0.12:80 passes: connected (last 2 s ago, took 1.2 ms)"});
}

TEST_CASE("a server that an operator drained") {
    Scene s;
    auto one = server("10.0.0.11", true);
    one.weight_in_table = 0;
    one.leave = LeaveStatus{.until = ago(-60), .connections = 5};
    s.service().servers = {one};
    s.status.lvs->overrides = {held(2, "drained")};

    CHECK(
        s.reasons("10.0.0.11") ==
        Strings{"[10.0.0.11]:tcp:80 gets no new connections (weight 0) since 09:35:46 because root (uid 0) drained it",
                "5 of its connections remain; it leaves the table at 09:38:46 at the latest",
                "TCP_CHECK 10.0.0.11:80 passes: connected (last 2 s ago, took 1.2 ms)"});
    CHECK(s.ask("10.0.0.11").found->state == "DRAINED");
    CHECK(s.ask("10.0.0.11").found->since == ago(120));
}

TEST_CASE("an operator's reason and the end of an override are in the explanation") {
    Scene s;
    auto one = held(2, "drained");
    one.reason = "new disk";
    one.until = ago(-60);
    auto& service = s.service();
    service.servers = {server("10.0.0.11", false)};
    s.status.lvs->overrides = {one};
    CHECK(s.reasons("10.0.0.11").at(0) ==
          "[10.0.0.11]:tcp:80 is out of the table since 09:35:46 because root (uid 0) "
          "drained it: new disk; this ends at 09:38:46");
    one.hold = 1;
    one.weight = 5;
    service.servers = {server("10.0.0.11", true)};
    s.status.lvs->overrides = {one};
    CHECK(s.reasons("10.0.0.11").back() ==
          "09:35:46: root (uid 0) set its weight to 5: new disk; this ends at 09:38:46");
}

TEST_CASE("a server that an operator disabled, and one whose weight an operator set") {
    Scene s;
    s.service().servers = {server("10.0.0.11", false)};
    s.status.lvs->overrides = {held(3, "disabled")};
    CHECK(s.reasons("10.0.0.11") ==
          Strings{"[10.0.0.11]:tcp:80 is out of the table since 09:35:46 because root (uid 0) disabled it"});

    s.status.lvs->services[0].servers = {server("10.0.0.11", true)};
    s.status.lvs->overrides = {held(1, "weight 5", 5)};
    CHECK(s.reasons("10.0.0.11") ==
          Strings{"[10.0.0.11]:tcp:80 is in the table with weight 1 since 09:37:16 because its health checks pass",
                  "TCP_CHECK 10.0.0.11:80 passes: connected (last 2 s ago, took 1.2 ms)",
                  "09:35:46: root (uid 0) set its weight to 5, until it is reset"});
}

TEST_CASE("a server that min_alive keeps, and one that inhibit_on_failure keeps") {
    Scene s;
    auto kept = server("10.0.0.11", false);
    kept.alive = kept.in_table = kept.kept = true;
    s.service().servers = {kept};
    CHECK(
        s.reasons("10.0.0.11") ==
        Strings{"[10.0.0.11]:tcp:80 is kept in the table by min_alive since 09:37:16, although TCP_CHECK 10.0.0.11:80 "
                "failed: connection refused (3 failures in a row, last 2 s ago, took 1.2 ms)"});

    auto inhibited = server("10.0.0.11", false);
    inhibited.in_table = true;
    inhibited.weight_in_table = 0;
    s.status.lvs->services[0].servers = {inhibited};
    CHECK(s.reasons("10.0.0.11") ==
          Strings{"[10.0.0.11]:tcp:80 has weight 0 in the table since 09:37:16 (inhibit_on_failure) because TCP_CHECK "
                  "10.0.0.11:80 failed: connection refused (3 failures in a row, last 2 s ago, took 1.2 ms)"});
}

TEST_CASE("a service that lost its quorum: the sum, the servers, the sorry server") {
    Scene s;
    auto& service = s.service();
    service.quorum = 2;
    service.quorum_up = false;
    service.sorry_in_use = true;
    service.sorry_server = "[10.0.0.99]:tcp:80";
    auto alive = server("10.0.0.12", true);
    alive.in_table = false;
    service.servers = {server("10.0.0.11", false), alive};
    s.happened(Event::Kind::VirtualServer, service.name, Transition::Down, 29);

    CHECK(s.reasons("10.0.0.1:80") ==
          Strings{"[10.0.0.1]:tcp:80 has lost its quorum since 09:37:17 because 1 of its 2 servers is up with a total "
                  "weight of 1, and its quorum is 2",
                  "its sorry server [10.0.0.99]:tcp:80 is in the table instead of them",
                  "09:37:17: [10.0.0.1]:tcp:80 lost its quorum",
                  "[10.0.0.11]:tcp:80 is out of the table since 09:37:16 because TCP_CHECK 10.0.0.11:80 failed: "
                  "connection refused (3 failures in a row, last 2 s ago, took 1.2 ms)"});
    CHECK(
        s.reasons("10.0.0.12") ==
        Strings{"[10.0.0.12]:tcp:80 is out of the table because [10.0.0.1]:tcp:80 has lost its quorum and serves from "
                "its sorry server [10.0.0.99]:tcp:80",
                "TCP_CHECK 10.0.0.12:80 passes: connected (last 2 s ago, took 1.2 ms)"});
}

TEST_CASE("without IPVS nothing is in the table") {
    Scene s;
    s.status.lvs->ipvs_available = false;
    s.status.lvs->ipvs_problem = "the module ip_vs is not loaded";
    auto one = server("10.0.0.11", true);
    one.in_table = false;
    one.checks.clear();
    s.service().servers = {one};

    CHECK(s.reasons("10.0.0.11") == Strings{"[10.0.0.11]:tcp:80 is out of the table because IPVS cannot be programmed: "
                                            "the module ip_vs is not loaded"});
}

TEST_CASE("a BFD session that is down, and what it does to an instance") {
    Scene s;
    auto& one = s.instance("VI_1", vrrp::State::Backup);
    one.priority_parts = {{"track_bfd uplink", false, -30}};
    one.effective_priority = 70;
    s.status.vrrp->router.bfds = {{.name = "uplink", .up = false}};
    s.status.bfd.emplace();
    bfd::SessionSnapshot session;
    session.name = "uplink";
    session.neighbor = ip("10.9.0.9");
    session.diagnostic = bfd::Diagnostic::DetectionTimeExpired;
    session.since = ago(61);
    s.status.bfd->sessions.sessions = {session};

    CHECK(s.reasons("uplink") ==
          Strings{"uplink is DOWN since 09:36:45 because of the diagnostic \"Control Detection Time Expired\" for "
                  "neighbor 10.9.0.9",
                  "it adds -30 to the priority of VI_1, which is 70"});
    CHECK(s.reasons("VI_1") == Strings{"VI_1 is BACKUP since 09:36:46 because it waits whether another router "
                                       "advertises; its priority is 70: base 100, -30 by track_bfd uplink (DOWN)"});
}

TEST_CASE("an unknown name gets the nearest one, and a server of two services has to be chosen") {
    Scene s;
    s.instance("VI_WEB", vrrp::State::Master);
    s.service().servers = {server("10.0.0.11", true)};
    auto second = s.status.lvs->services[0];
    second.name = "[10.0.0.2]:tcp:80";
    second.key.address = ip("10.0.0.2");
    s.status.lvs->services.push_back(second);

    CHECK(s.ask("VI_WEV").problem == "nothing here is called VI_WEV; did you mean VI_WEB?");
    CHECK(s.ask("VI_WEV").nearest == "VI_WEB");
    CHECK(s.ask("10.0.0.11").problem ==
          "10.0.0.11 matches 2 objects, name one of them: [10.0.0.1]:tcp:80/[10.0.0.11]:tcp:80, "
          "[10.0.0.2]:tcp:80/[10.0.0.11]:tcp:80");
    CHECK(s.ask("10.0.0.2/10.0.0.11").found);
    CHECK(s.ask("").problem == "nothing here is called ");
    CHECK(s.ask(std::string(513, 'x')).problem == "a name has at most 512 bytes");
}

TEST_CASE("the answer as JSON") {
    Scene s;
    s.in_fault("VI_1", {{What::Interface, "eth0", "down"}});

    CHECK(nlohmann::ordered_json::parse(why_json(s.ask("VI_1"))).dump() ==
          R"({"name":"VI_1","kind":"instance","state":"FAULT","since":"2026-11-20T08:36:46Z",)"
          R"("since_unix_us":1795163806000000,)"
          R"("reasons":["VI_1 is FAULT since 09:36:46 because interface eth0 down"]})");
    CHECK(nlohmann::ordered_json::parse(why_json(s.ask("VI_9"))).dump() ==
          R"({"error":"nothing here is called VI_9; did you mean VI_1?","nearest":"VI_1"})");
}
