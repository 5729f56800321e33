// What status --check, status NAME, top and events show of the daemon's answers.
#include <doctest/doctest.h>

#include <functional>

#include "cli/ctl_events.hpp"
#include "cli/output.hpp"
#include "cli/status_view.hpp"

using namespace mainstay;
using namespace mainstay::cli;
using nlohmann::json;

namespace {

json server(const char* address, bool alive) {
    return {{"name", std::string{"["} + address + "]:tcp:80"},
            {"address", std::string{address} + ":80"},
            {"alive", alive},
            {"in_table", alive}};
}

json status() {
    json all{{"now_unix_us", 1'000'000'000}};
    all["vrrp"] = {{"instances", json::array({{{"name", "VI_1"}, {"state", "MASTER"}, {"group", "G1"}},
                                              {{"name", "VI_2"}, {"state", "BACKUP"}}})},
                   {"groups", json::array({{{"name", "G1"}, {"state", "MASTER"}}})},
                   {"scripts", json::array()},
                   {"bfd", json::array()}};
    all["lvs"] = {{"ipvs_available", true}, {"overrides", json::array()}};
    all["lvs"]["services"] =
        json::array({{{"name", "[10.0.0.1]:tcp:80"},
                      {"quorum_up", true},
                      {"servers", json::array({server("10.0.0.11", true), server("10.0.0.12", true)})}},
                     {{"name", "FWM 5"}, {"quorum_up", true}, {"servers", json::array({server("10.0.0.11", true)})}}});
    all["problems"] = json::array();
    return all;
}

std::string line_of(const json& all, const std::vector<std::string>& names = {}, const std::string& daemon = {}) {
    const auto result = check_status(all.dump(), names, daemon);
    return std::to_string(result.exit_code) + " " + result.line;
}

}  // namespace

TEST_CASE("a check of a director that is well is one line with performance data") {
    CHECK(line_of(status()) ==
          "0 MAINSTAY OK - 1 instance BACKUP, 1 instance MASTER, 2 of 2 services have their quorum, 3 of 3 servers are "
          "up | instances_master=1 instances_backup=1 instances_fault=0 services_up=2;;;0;2 servers_up=3;;;0;3\n");
    // Of several daemons on a host another one may have answered.
    CHECK(line_of(status(), {}, "blue").starts_with("0 MAINSTAY OK - blue: 1 instance BACKUP, "));
}

TEST_CASE("the daemon's problems are a warning or critical, five with their texts") {
    auto all = status();
    all["problems"].push_back({{"severity", "warning"}, {"text", "script\nchk | fails"}});
    CHECK(line_of(all).starts_with("1 MAINSTAY WARNING - script chk   fails | instances_master=1 "));
    const json worse{{"severity", "critical"}, {"text", "a is in FAULT"}};
    all["problems"].insert(all["problems"].begin(), worse);
    CHECK(line_of(all).starts_with("2 MAINSTAY CRITICAL - a is in FAULT; script chk   fails | "));
    for (const char* text : {"c", "d", "e", "f"}) all["problems"].push_back({{"severity", "warning"}, {"text", text}});
    CHECK(line_of(all).starts_with("2 MAINSTAY CRITICAL - a is in FAULT; script chk   fails; c; d; e; and 1 more | "));
    all.erase("problems");
    CHECK(line_of(all) == "3 MAINSTAY UNKNOWN - the daemon is of another version, which does not list its problems\n");
}

TEST_CASE("a check of one name sees the problems of that one, a check of a part those of the part") {
    auto all = status();
    const auto add = [&](const char* part, const char* object, const char* text, const char* parent = nullptr) {
        json problem{{"severity", "warning"}, {"part", part}, {"object", object}, {"text", text}};
        if (parent != nullptr) problem["parent"] = parent;
        all["problems"].push_back(problem);
    };
    add("vrrp", "VI_1", "one");
    add("vrrp", "VI_2", "two");
    add("lvs", "", "ipvs");
    add("lvs", "[10.0.0.1]:tcp:80", "quorum");
    add("lvs", "10.0.0.11:80", "server", "[10.0.0.1]:tcp:80");
    add("lvs", "10.0.0.11:80", "mark", "FWM 5");
    add("lvs", "10.0.0.1", "announced");
    add("daemon", "", "mail");
    add("daemon", "vrrp", "process");
    const auto kept = [&](const char* name, StatusSection section = StatusSection::All) {
        auto copy = all;
        keep_section(copy, section);
        if (name != nullptr) REQUIRE(keep_only(copy, {name}).has_value());
        std::string out;
        for (const auto& one : copy["problems"]) out += one["text"].get<std::string>() + " ";
        return out;
    };
    CHECK(kept("VI_1") == "one ");
    CHECK(kept("G1") == "one ");
    CHECK(kept("10.0.0.1") == "ipvs quorum server announced ");
    CHECK(kept("10.0.0.11") == "ipvs quorum server mark ");
    CHECK(kept("fwmark 5") == "ipvs mark ");
    CHECK(kept(nullptr, StatusSection::Vrrp) == "one two ");
    CHECK(kept(nullptr, StatusSection::Lvs) == "ipvs quorum server mark announced ");
}

TEST_CASE("a check of one name sees only that one") {
    auto all = status();
    all["vrrp"]["instances"][1]["state"] = "FAULT";
    CHECK(line_of(all, {"VI_1"}).starts_with("0 MAINSTAY OK - 1 instance MASTER | "));
    CHECK(line_of(all, {"VI_3"}) == "3 MAINSTAY UNKNOWN - nothing here is called VI_3; did you mean VI_1?\n");
    CHECK(check_status("no JSON", {}).exit_code == 3);
    CHECK(check_failed(Error{Errc::NotFound, "mainstayd is not running"}).line ==
          "MAINSTAY CRITICAL - mainstayd is not running\n");
    CHECK(check_failed(Error{Errc::Permission, "only root"}).exit_code == 3);
}

TEST_CASE("names select instances, groups with their members, services and servers") {
    const auto kept = [](const char* name, const std::function<void(json&)>& change = {}) {
        auto all = status();
        if (change) change(all);
        REQUIRE(keep_only(all, {name}).has_value());
        std::string out;
        for (const auto& one : all["vrrp"]["instances"]) out += one["name"].get<std::string>() + " ";
        for (const auto& one : all["lvs"]["services"])
            out += one["name"].get<std::string>() + "=" + std::to_string(one["servers"].size()) + " ";
        return out;
    };
    CHECK(kept("VI_*") == "VI_1 VI_2 ");
    CHECK(kept("eth0/VI_1", [](json& all) { all["vrrp"]["instances"][0]["name"] = "eth0/VI_1"; }) == "eth0/VI_1 ");
    CHECK(kept("G1") == "VI_1 ");
    CHECK(kept("10.0.0.1") == "[10.0.0.1]:tcp:80=2 ");
    CHECK(kept("10.0.0.1:80") == "[10.0.0.1]:tcp:80=2 ");
    CHECK(kept("fwmark 5") == "FWM 5=1 ");
    CHECK(kept("10.0.0.12") == "[10.0.0.1]:tcp:80=1 ");
    CHECK(kept("10.0.0.11") == "[10.0.0.1]:tcp:80=1 FWM 5=1 ");
    CHECK(kept("10.0.0.1:80/10.0.0.11") == "[10.0.0.1]:tcp:80=1 ");
    CHECK(is_called("[2001:db8::1]:tcp:80", "[2001:db8::1]:80"));
    CHECK(is_called("[2001:db8::1]:tcp:80", "2001:db8::1"));
    CHECK_FALSE(is_called("VI_1", "VI"));
    CHECK(status_tables(status().dump(), {"nobody"}).error().code() == Errc::NotFound);
}

TEST_CASE("a section has no objects of the other, and names of those are none in it") {
    const std::string answer = status().dump();
    const auto vrrp = status_tables(answer, {}, StatusSection::Vrrp),
               lvs = status_tables(answer, {}, StatusSection::Lvs);
    REQUIRE(vrrp.has_value());
    REQUIRE(lvs.has_value());
    const auto has = [](const std::string& text, const char* part) { return text.find(part) != std::string::npos; };
    CHECK(has(*vrrp, "VI_1"));
    CHECK_FALSE(has(*vrrp, "10.0.0.11"));
    CHECK_FALSE(has(*vrrp, "Mail"));
    CHECK(has(*lvs, "10.0.0.11"));
    CHECK_FALSE(has(*lvs, "VI_1"));
    CHECK(status_tables(answer, {"10.0.0.11"}, StatusSection::Vrrp).error().code() == Errc::NotFound);
    CHECK(status_tables(answer, {"10.0.0.11"}, StatusSection::Lvs).has_value());
}

TEST_CASE("the busiest come first, and without traffic it is said why") {
    auto all = status();
    CHECK(busiest(all.dump(), 5)->starts_with("The traffic of services and servers has not been read yet"));
    auto without = all;
    without["lvs"]["ipvs_available"] = false;
    without["lvs"]["ipvs_problem"] = "modprobe ip_vs";
    CHECK(*busiest(without.dump(), 5) == "The traffic of services and servers cannot be read: modprobe ip_vs\n");
    CHECK(*busiest("{}", 5) == "No services are configured.\n");
    auto& services = all["lvs"]["services"];
    services[0]["traffic"] = {{"connections_per_s", 3}, {"in_bytes_per_s", 10}, {"out_bytes_per_s", 20}};
    services[1]["traffic"] = {{"connections_per_s", 1}, {"in_bytes_per_s", 1'500}, {"out_bytes_per_s", 2'000'000}};
    services[0]["servers"][1]["traffic"] = {{"in_bytes_per_s", 7}, {"active", 5}};
    CHECK(*busiest(all.dump(), 1) ==
          "SERVICE  CONN/S  IN/S    OUT/S   ACTIVE  INACTIVE\n"
          "FWM 5    1       1.5 kB  2.0 MB  0       0\n"
          "\n"
          "SERVER              CONN/S  IN/S  OUT/S  ACTIVE  INACTIVE  SERVICE\n"
          "[10.0.0.12]:tcp:80  0       7 B   0 B    5       0         [10.0.0.1]:tcp:80\n");
    services[1]["sorry_server"] = "[10.0.0.99]:tcp:80", services[1]["sorry_in_use"] = true;
    services[1]["sorry_server_traffic"] = {{"in_bytes_per_s", 1'500}, {"inactive", 5}};
    CHECK(*busiest(all.dump(), 1) ==
          "SERVICE  CONN/S  IN/S    OUT/S   ACTIVE  INACTIVE\n"
          "FWM 5    1       1.5 kB  2.0 MB  0       5\n"
          "\n"
          "SERVER              CONN/S  IN/S    OUT/S  ACTIVE  INACTIVE  SERVICE\n"
          "[10.0.0.99]:tcp:80  0       1.5 kB  0 B    0       5         FWM 5\n");
}

TEST_CASE("an event is a line, and is shown for its instance or its service") {
    const json instance{{"at_unix_us", 1'795'163'866'000'000},
                        {"kind", "instance"},
                        {"name", "VI_1"},
                        {"transition", "BACKUP"},
                        {"priority", 80},
                        {"detail", "no longer owning"}};
    const json server{{"at_unix_us", 1'795'163'866'000'000},
                      {"kind", "server"},
                      {"name", "[10.0.0.11]:tcp:80"},
                      {"parent", "[10.0.0.1]:tcp:80"},
                      {"transition", "DOWN"}};
    json explained = instance;
    explained["reason"] = "192.0.2.1 resigned";
    CHECK(event_line(explained, 0) == "2026-11-20 08:37:46  instance VI_1  BACKUP  priority 80  192.0.2.1 resigned\n");
    CHECK(event_line(instance, 3600) == "2026-11-20 09:37:46  instance VI_1  BACKUP  priority 80  no longer owning\n");
    json heard = instance;
    heard["transition"] = "MASTER_RX_LOWER_PRI";
    heard["detail"] = "";
    CHECK(event_line(heard, 0) ==
          "2026-11-20 08:37:46  instance VI_1  MASTER, heard another MASTER with a lower priority  priority 80\n");
    CHECK(event_line(server, 0) == "2026-11-20 08:37:46  server [10.0.0.11]:tcp:80 of [10.0.0.1]:tcp:80  DOWN\n");
    CHECK(is_shown(instance, {}));
    CHECK(is_shown(instance, {.since_us = 0, .instance = "VI_*", .service = {}}));
    CHECK_FALSE(is_shown(server, {.since_us = 0, .instance = "VI_*", .service = {}}));
    CHECK(is_shown(server, {.since_us = 0, .instance = {}, .service = "10.0.0.1:80"}));
    CHECK_FALSE(is_shown(server, {.since_us = 0, .instance = {}, .service = "10.0.0.2"}));
    CHECK_FALSE(is_shown(server, {.since_us = 1'795'163'866'000'001, .instance = {}, .service = {}}));
}

TEST_CASE("a gap of the history says between which events it is, as far as that is known") {
    const nlohmann::json between{
        {"after_unix_us", 1'795'163'866'000'000}, {"before_unix_us", 1'795'163'926'000'000}, {"why", "w"}},
        until{{"after_unix_us", nullptr}, {"before_unix_us", 1'795'163'926'000'000}, {"why", "w"}},
        open{{"after_unix_us", 1'795'163'866'000'000}, {"before_unix_us", nullptr}, {"why", "w"}};
    CHECK(gap_line(between, {}, 0) == "events from 2026-11-20 08:37:46 to 2026-11-20 08:38:46 may be missing: w\n");
    CHECK(gap_line(until, {}, 0) == "events to 2026-11-20 08:38:46 may be missing: w\n");
    CHECK(gap_line(open, {1'795'163'927'000'000}, 0) == "events from 2026-11-20 08:37:46 may be missing: w\n");
    CHECK(gap_line(between, {1'795'163'927'000'000}, 0).empty());
}

TEST_CASE("states are coloured as whole words") {
    CHECK(with_colours("VI_1  MASTER  UPPER\nx: DOWN") == "VI_1  \033[32mMASTER\033[0m  UPPER\nx: \033[31mDOWN\033[0m");
    CHECK(with_colours("") == "");
    // A column of a table that is called like a state.
    CHECK(with_colours("\nINSTANCE  STATE  FOR  MASTER  ADDRESSES\nWEB  MASTER\n") ==
          "\nINSTANCE  STATE  FOR  MASTER  ADDRESSES\nWEB  \033[32mMASTER\033[0m\n");
    CHECK(with_colours("GROUP  STATE\nG  UP") == "GROUP  STATE\nG  \033[32mUP\033[0m");
}
