#include "cli/status_view.hpp"

#include <doctest/doctest.h>

#include "cli/json_view.hpp"

namespace mainstay::cli {

TEST_CASE("the status is shown as tables") {
    const auto shown = status_tables(R"({
      "version":"0.1.0","host":"dir1","generation":2,"now_unix_us":1000000000,"supervisor":{"pid":77},
      "vrrp":{"instances":[
        {"name":"VI_1","state":"MASTER","since_unix_us":875000000,"priority":150,"virtual_router_id":51,
         "interface":"eth0","group":"G1","master":"192.168.4.11","addresses":["192.168.4.200/32"],"fault":""},
        {"name":"VI_Zürich","state":"FAULT","since_unix_us":990000000,"priority":100,"virtual_router_id":52,
         "interface":"eth1","group":"","master":"","addresses":[],"fault":"interface eth1 is down"}],
        "groups":[{"name":"G1","state":"MASTER"}],
        "scripts":[{"name":"chk","state":"DOWN","runs":7,"failures":2,"last_failure":"exited with status 1"}]},
      "bfd":{"sessions":[
        {"name":"uplink","state":"Up","since_unix_us":998000000,"neighbor":"192.168.4.1","detection_time_us":500000,
         "diagnostic":"No Diagnostic","counters":{"sent":12,"received":11}},
        {"name":"far","state":"Down","neighbor":"fd00::2","detection_time_us":0,
         "diagnostic":"Control Detection Time Expired","counters":{"sent":3,"received":0}}]},
      "lvs":{"ipvs_available":true,"services":[{"name":"[10.0.0.1]:tcp:80","scheduler":"wrr","quorum_up":true,
        "sorry_server":"","servers":[
          {"name":"[10.0.0.11]:tcp:80","alive":true,"in_table":true,"weight":1,"forwarding":"DR","since_unix_us":0,
           "checks":[{"type":"TCP_CHECK","target":"10.0.0.11:80","has_run":true,"last_result":"connected",
                      "last_run_unix_us":998000000,"failures_in_row":0}]},
          {"name":"[10.0.0.12]:tcp:80","alive":false,"in_table":false,"weight":2,"forwarding":"DR",
           "since_unix_us":940000000,
           "checks":[{"type":"TCP_CHECK","target":"10.0.0.12:80","has_run":true,"last_result":"connection refused",
                      "last_run_unix_us":999000000,"failures_in_row":3}]}]}]},
      "problems":[{"text":"VI_Zürich is in FAULT: interface eth1 is down"},{"text":"mails are not delivered"}],
      "mail":{"enabled":true,"queued":1,"sent":4,"failed":0,"last_problem":"451 later"}})");

    REQUIRE(shown.has_value());
    CHECK(*shown ==
          "mainstay 0.1.0 on dir1, configuration 2, process 77\n"
          "\n"
          "2 PROBLEMS:\n"
          "  VI_Zürich is in FAULT: interface eth1 is down\n"
          "  mails are not delivered\n"
          "\n"
          "INSTANCE   STATE   FOR    PRIORITY  VRID  INTERFACE  GROUP  MASTER        ADDRESSES\n"
          "VI_1       MASTER  2 min  150       51    eth0       G1     192.168.4.11  192.168.4.200/32\n"
          "VI_Zürich  FAULT   10 s   100       52    eth1       -      -             -\n"
          "\n"
          "GROUP  STATE\n"
          "G1     MASTER\n"
          "\n"
          "SCRIPT  STATE  RUNS  FAILURES  LAST FAILURE\n"
          "chk     DOWN   7     2         exited with status 1\n"
          "\n"
          "BFD SESSION  STATE  FOR  NEIGHBOR     DETECTION  SENT  RECEIVED  DIAGNOSTIC\n"
          "uplink       Up     2 s  192.168.4.1  500 ms     12    11        No Diagnostic\n"
          "far          Down   -    fd00::2      -          3     0         Control Detection Time Expired\n"
          "\n"
          "[10.0.0.1]:tcp:80 wrr, quorum up\n"
          "  SERVER              STATE  FOR    WEIGHT  FORWARD  IN TABLE  LAST CHECK\n"
          "  [10.0.0.11]:tcp:80  UP     -      1       DR       yes       TCP_CHECK 10.0.0.11:80: connected, 2 s ago\n"
          "  [10.0.0.12]:tcp:80  DOWN   1 min  2       DR       no        TCP_CHECK 10.0.0.12:80: connection refused, "
          "1 s ago, 3 failures in a row\n"
          "\n"
          "Mail: 1 queued, 4 sent, 0 failed; last problem: 451 later\n");
}

TEST_CASE("an instance that an operator handed over, and a check that has not run yet, are shown as such") {
    const auto shown = status_tables(R"({
      "version":"0.1.0","host":"dir1","generation":2,"now_unix_us":1000000000,"supervisor":{"pid":77},"problems":[],
      "vrrp":{"instances":[
        {"name":"VI_1","state":"BACKUP","since_unix_us":875000000,"priority":150,"virtual_router_id":51,"interface":"eth0",
         "group":"","master":"192.168.4.12","addresses":["192.168.4.200/32"],"fault":"","failed_over":true}]},
      "lvs":{"ipvs_available":true,"services":[{"name":"[10.0.0.1]:tcp:80","scheduler":"wrr","quorum_up":true,
        "sorry_server":"","servers":[
          {"name":"[10.0.0.11]:tcp:80","alive":true,"in_table":true,"weight":1,"forwarding":"DR","since_unix_us":0,
           "checks":[{"type":"TCP_CHECK","target":"10.0.0.11:80","has_run":false,"last_result":""}]}]}]},
      "mail":{"enabled":true,"queued":0,"sent":0,"failed":0,"last_problem":""}})");

    REQUIRE(shown.has_value());
    CHECK(*shown ==
          "mainstay 0.1.0 on dir1, configuration 2, process 77\n"
          "\n"
          "INSTANCE  STATE   FOR    PRIORITY  VRID  INTERFACE  GROUP  MASTER        ADDRESSES\n"
          "VI_1      BACKUP  2 min  150       51    eth0       -      192.168.4.12  192.168.4.200/32\n"
          "  VI_1: handed over by an operator; it preempts nobody until `mainstayctl failover --back VI_1`\n"
          "\n"
          "[10.0.0.1]:tcp:80 wrr, quorum up\n"
          "  SERVER              STATE  FOR  WEIGHT  FORWARD  IN TABLE  LAST CHECK\n"
          "  [10.0.0.11]:tcp:80  UP     -    1       DR       yes       TCP_CHECK 10.0.0.11:80: has not run yet\n"
          "\n"
          "Mail: 0 queued, 0 sent, 0 failed\n");
}

TEST_CASE("sources of servers are shown with what is wrong with them") {
    const auto shown = status_tables(R"({"version":"0.1.0","host":"dir1","generation":2,"now_unix_us":1000000000,
      "supervisor":{"pid":77},"lvs":{"ipvs_available":true,"services":[],"discovered":[
        {"source":"/a.json","servers":3,"held":"","problem":"","last_good_unix_us":998000000},
        {"source":"/b.json","servers":4,"held":"it is empty","held_servers":0,"held_since_unix_us":940000000,
         "problem":"","last_good_unix_us":880000000},
        {"source":"web.example.org","servers":0,"held":"","problem":"no answer"}]},"mail":{"enabled":false}})");
    REQUIRE(shown.has_value());
    CHECK(
        shown->contains("\n"
                        "SOURCE OF SERVERS  SERVERS  LAST GOOD  STATE\n"
                        "/a.json            3        2 s        ok\n"
                        "/b.json            4        2 min      answer of 0 servers held for 1 min: it is empty\n"
                        "web.example.org    0        never      no answer\n"));
}

TEST_CASE("switched-off mail is said, and of many problems the first twenty") {
    std::string list;
    for (int i = 1; i <= 22; ++i)
        list += (list.empty() ? "" : ",") + (R"({"text":"problem )" + std::to_string(i)) + R"("})";
    const auto shown = status_tables(R"({"mail":{"enabled":false},"problems":[)" + list + "]}");

    REQUIRE(shown.has_value());
    CHECK(shown->contains("\n22 PROBLEMS:\n  problem 1\n"));
    CHECK(shown->contains("  problem 20\n  and 2 more\n"));
    CHECK(shown->contains("Mail: off"));
}

TEST_CASE("an answer of another version is shown as far as it is understood") {
    CHECK(status_tables("{}").has_value());
    CHECK(status_tables(R"({"vrrp":7,"lvs":[],"mail":null})").has_value());
    CHECK(status_tables(R"({"vrrp":{"instances":[{"name":7,"state":null,"addresses":"x"}]}})").has_value());
    CHECK_FALSE(status_tables("").has_value());
    CHECK_FALSE(status_tables("[]").has_value());
    CHECK_FALSE(status_tables("<html>").has_value());
}

TEST_CASE("a daemon that lists no problems is not said to have none") {
    CHECK(status_tables(R"({"version":"0.0.9","host":"dir1","generation":2,"supervisor":{"pid":77}})") ==
          "mainstay 0.0.9 on dir1, configuration 2, process 77\n"
          "\n"
          "The daemon is of another version, which does not list its problems.\n");
}

TEST_CASE("how long ago something was is not known where the clock was set back since") {
    CHECK(age(5'000'000, 6'000'000) == "-");
    CHECK(age(5'000'000, 0) == "-");
    CHECK(age(65'000'000, 5'000'000) == "1 min");
}

TEST_CASE("a maintenance stands above everything else") {
    const auto shown = status_tables(R"({"version":"0.1.0","host":"dir1","generation":2,"now_unix_us":1000000000,
      "supervisor":{"pid":77},"maintenance":{"since_unix_us":940000000,"by":"alice: uid 0, pid 5","reason":"new kernel",
      "until":null},"problems":[],"vrrp":{"instances":[]}})");
    REQUIRE(shown.has_value());
    CHECK(*shown ==
          "mainstay 0.1.0 on dir1, configuration 2, process 77\n"
          "\n"
          "MAINTENANCE for 1 min, until it is ended, by alice: uid 0, pid 5: new kernel\n");
}

}  // namespace mainstay::cli
