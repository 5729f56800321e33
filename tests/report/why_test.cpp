// Why instances are in their states, and the answer as such: situations, each with the whole chain of reasons.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "why_scene.hpp"

using namespace mainstay;
using namespace mainstay::report;
using namespace mainstay::report::test;

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

TEST_CASE("an instance that hears nobody, and that another member of its group keeps back") {
    Scene s;
    s.instance("VI_1", vrrp::State::Backup).group = "G1";
    auto& other = s.instance("VI_2", vrrp::State::Backup);
    other.group = "G1", other.master = ip("10.9.0.3"), other.master_priority = 150;

    CHECK(s.reasons("VI_1") == Strings{"VI_1 is BACKUP since 09:36:46 because no other router advertises, and its sync "
                                       "group G1 waits for VI_2, for which 10.9.0.3 advertises priority 150, this "
                                       "router has 100"});
}

TEST_CASE("a rival master is among the reasons, with how often and when it was heard last") {
    Scene s;
    auto& one = s.instance("VI_1", vrrp::State::Master);
    one.reason = "no other router advertised";
    one.problems = {{"rival_master", ip("10.9.0.3"), Instant{995s}, 7, "10.9.0.3 is MASTER, too, with priority 50"}};

    CHECK(s.reasons("VI_1") == Strings{"VI_1 is MASTER since 09:36:46 because no other router advertised",
                                       "09:37:41: 10.9.0.3 is MASTER, too, with priority 50 (10.9.0.3; seen 7 times)"});
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

TEST_CASE("a link-local address that two instances have is of neither before one is chosen") {
    Scene scene;
    scene.instance("VI_0", vrrp::State::Master);
    scene.instance("VI_1", vrrp::State::Backup);
    scene.status.vrrp->addresses = {{"fe80::1/128"}, {"fe80::1/128", "2001:db8::1/64"}};
    CHECK(scene.reasons("fe80::1") == Strings{"fe80::1 matches 2 objects, name one of them: VI_0, VI_1"});
    CHECK(scene.ask("2001:db8::1").found.value().name == "VI_1");
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
