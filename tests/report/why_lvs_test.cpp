// Why servers and services are in their states: situations, each with the whole chain of reasons.
#include <doctest/doctest.h>

#include "why_scene.hpp"

using namespace mainstay;
using namespace mainstay::report;
using namespace mainstay::report::test;

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

TEST_CASE("an address that is to be announced says whether it is, and how its services are") {
    Scene s;
    s.service().servers = {server("10.0.0.11", true)};
    auto& second = s.service();
    second.name = "web";
    second.key.address = {};
    second.group_keys = {{.family = Family::V4, .protocol = 6, .address = ip("10.0.0.1"), .port = 443}};
    second.quorum_up = false;
    s.service().key.address = ip("10.0.0.9");
    CHECK(s.ask("10.0.0.1").found->kind == "service");  // it is the only one at an address that nobody announces

    auto& address = s.status.lvs->announced.emplace_back();
    address = {.address = ip("10.0.0.1"),
               .interface = "ms-vip",
               .drain_interface = "ms-drain",
               .state = "withdrawn",
               .reason = "its quorum is lost",
               .since = ago(30)};
    const Strings services{
        "[10.0.0.1]:tcp:80 has its quorum because 1 of its 1 servers is up with a total weight of 1, and its quorum is "
        "1",
        "web has no quorum because it has no servers, and its quorum is 1"};
    const auto expect = [&](const char* state, const std::string& sentence) {
        const auto found = s.ask("10.0.0.1").found.value();
        CHECK(found.kind == "address");
        CHECK(found.name == "10.0.0.1");
        CHECK(found.state == state);
        CHECK(found.reasons == Strings{sentence, services[0], services[1]});
    };
    expect("WITHDRAWN", "10.0.0.1 is not announced since 09:37:16: its quorum is lost");
    address.reason.clear();
    address.state = "announced";
    expect("ANNOUNCED", "10.0.0.1 is announced on ms-vip since 09:37:16");
    address.state = "draining";
    expect(
        "DRAINING",
        "10.0.0.1 is announced on ms-drain as a last resort since 09:37:16, because this director is in maintenance");
    CHECK(s.ask("10.0.0.1:80").found->kind == "service");
    CHECK(s.ask("10.0.0.3").nearest == "10.0.0.1");
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
    // The check took it out, whatever the operator did later.
    CHECK(s.reasons("10.0.0.11") ==
          Strings{"[10.0.0.11]:tcp:80 is out of the table since 09:37:16 because TCP_CHECK 10.0.0.11:80 failed: "
                  "connection refused (3 failures in a row, last 2 s ago, took 1.2 ms)",
                  "09:35:46: root (uid 0) drained it: it will have weight 0 when it is back: new disk; this ends at "
                  "09:38:46"});
    CHECK(s.ask("10.0.0.11").found->since == ago(30));
    service.servers[0].leave = LeaveStatus{.until = {}, .connections = {}, .over = true};
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

TEST_CASE("checks that ha_suspend stops are named, of the service and of each server") {
    Scene s;
    auto& service = s.service();
    service.suspended = true;
    service.servers = {server("10.0.0.11", false)};
    const std::string suspended =
        "its checks do not run, because no address of the service is on this host (ha_suspend): what they found last "
        "stays";
    CHECK(s.reasons("10.0.0.1:80").at(1) == suspended);
    CHECK(s.reasons("10.0.0.11").at(1) == suspended);
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
    s.happened(Event::Kind::VirtualServer, service.name, Transition::Up, 28);  // of the run before this one
    CHECK(s.reasons("10.0.0.1:80").at(0).starts_with("[10.0.0.1]:tcp:80 has no quorum because 1 of its 2 servers"));
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
