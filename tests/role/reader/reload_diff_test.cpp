#include "mainstay/role/reader/reload_diff.hpp"

#include <doctest/doctest.h>

#include "diff_text.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/role/reader/diagnostic_json.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;

namespace {

const std::string kInstance =
    "vrrp_instance VI_1 {\nstate BACKUP\ninterface eth0\nvirtual_router_id 51\npriority 100\n"
    "authentication {\nauth_type PASS\nauth_pass secret\n}\nvirtual_ipaddress {\n10.9.9.9/24\n}\n}\n";
const std::string kService =
    "virtual_server 10.9.9.9 80 {\nlb_algo rr\nlb_kind DR\nprotocol TCP\n"
    "real_server 10.1.1.1 80 {\nweight 1\nTCP_CHECK {\nconnect_timeout 3\n}\n}\n"
    "real_server 10.1.1.2 80 {\nweight 1\n}\n}\n";

}  // namespace

TEST_CASE("of many losses the first are named in the log, and the others are counted") {
    const std::vector<std::string> names{"instance A", "service B", "service C"};
    CHECK(lines_of_losses(names, 3) == std::vector<std::string>{"would be removed: instance A",
                                                                "would be removed: service B",
                                                                "would be removed: service C"});
    CHECK(lines_of_losses(names, 1) ==
          std::vector<std::string>{"would be removed: instance A", "would be removed: 2 more"});
    CHECK(lines_of_losses({}, 1).empty());
}

TEST_CASE("a reload of the same file does nothing") {
    CHECK(text_of(kInstance + kService, kInstance + kService) ==
          "no changes\nunchanged: 1 instance, 1 service; IPVS table changes: 0\n");
}

TEST_CASE("a source of servers is told by its name, and one that goes is worse") {
    const auto service = [](const std::string& sources) {
        return "virtual_server 10.9.9.9 80 {\nlb_algo rr\nlb_kind DR\nprotocol TCP\n" + sources + "}\n";
    };
    const std::string a = "real_server_file /a.json {\n}\n", b = "real_server_file /b.json {\n}\n";
    CHECK(text_of(service(a), service(a + b)) ==
          "add    source TCP 10.9.9.9:80 -> real_server_file /b.json\n"
          "unchanged: 0 instances, 0 services; IPVS table changes: 0\n");
    CHECK(text_of(service(a + b), service(b)) ==
          "worse: remove source TCP 10.9.9.9:80 -> real_server_file /a.json\n"
          "         its servers are removed\n"
          "unchanged: 0 instances, 0 services; IPVS table changes: 0\n");
    CHECK(text_of(service(a + b), service("real_server_file /b.json {\nweight 5\n}\n" + a)) ==
          "change settings TCP 10.9.9.9:80 -> real_server_file /b.json\n"
          "         weight 1 -> 5\n"
          "unchanged: 0 instances, 0 services; IPVS table changes: 0\n");
    CHECK(text_of("", service(a)) ==
          "add    service TCP 10.9.9.9:80\n"
          "add    source TCP 10.9.9.9:80 -> real_server_file /a.json\n"
          "unchanged: 0 instances, 0 services; IPVS table changes: 1\n");
}

TEST_CASE("an instance keeps its state over other settings, and even another name") {
    const std::string after = replaced(replaced(replaced(kInstance, "VI_1", "VI_WEB"), "priority 100", "priority 150"),
                                       "auth_pass secret", "auth_pass hidden");

    CHECK(text_of(kInstance, after) ==
          "change instance VI_WEB\n"
          "         it keeps its state, timers and counters\n" +
              kRefused +
              "         name VI_1 -> VI_WEB\n"
              "         priority 100 -> 150\n"
              "         authentication auth_pass changed\n"
              "unchanged: 0 instances, 0 services; IPVS table changes: 0\n");
}

TEST_CASE("an instance on another interface is another router: the old one resigns") {
    CHECK(text_of(kInstance, replaced(kInstance, "interface eth0", "interface eth1")) ==
          "worse: remove instance VI_1\n"
          "         it resigns and removes its addresses\n"
          "         VI_1 replaces it as another virtual router: interface eth0 -> eth1\n"
          "worse: remove address 10.9.9.9/24 on eth0\n"
          "         of VI_1, where it is MASTER\n"
          "add    instance VI_1\n"
          "         virtual_router_id 51 on eth1, priority 100: it starts in its initial state\n"
          "add    address 10.9.9.9/24 on eth1\n"
          "         of VI_1, where it is MASTER\n"
          "unchanged: 0 instances, 0 services; IPVS table changes: 0\n");
}

TEST_CASE("from multicast to unicast is another router too") {
    const std::string after = replaced(kInstance, "priority 100\n", "priority 100\nunicast_peer {\n10.0.0.2\n}\n");
    const std::string until =
        "         until its peers have the same, neither hears the other, and both are MASTER: change them at the same "
        "time\n";
    CHECK(text_of(kInstance, after)
              .contains("replaces it as another virtual router: addressing multicast -> unicast\n" + until));
    CHECK_FALSE(text_of(kInstance, replaced(kInstance, "interface eth0", "interface eth1")).contains(until));
}

TEST_CASE("only the addresses that differ are touched") {
    const std::string after = replaced(kInstance, "10.9.9.9/24\n", "10.9.9.9/24\n10.9.9.10/24\n");

    CHECK(text_of(kInstance, after) ==
          "change instance VI_1\n"
          "         it keeps its state, timers and counters\n"
          "add    address 10.9.9.10/24 on eth0\n"
          "         of VI_1, where it is MASTER\n"
          "unchanged: 0 instances, 0 services; IPVS table changes: 0\n");
}

TEST_CASE("addresses are those of the interface that they are put on") {
    const std::string vmac = replaced(kInstance, "priority 100\n", "priority 100\nuse_vmac\n");
    CHECK(text_of(vmac, replaced(vmac, "10.9.9.9/24\n", "10.9.9.9/24\n10.9.9.10/24\n"))
              .contains("add    address 10.9.9.10/24 on vrrp.51\n"));
    const auto moved = text_of(vmac, replaced(vmac, "use_vmac", "use_vmac front0"));
    CHECK(moved.contains("worse: remove address 10.9.9.9/24 on vrrp.51\n"));
    CHECK(moved.contains("add    address 10.9.9.9/24 on front0\n"));
    // The interface by its name is the same place.
    CHECK_FALSE(
        text_of(kInstance, replaced(kInstance, "10.9.9.9/24\n", "10.9.9.9/24 dev eth0\n")).contains("address 10"));
    const std::string without = replaced(replaced(kInstance, "interface eth0\n", ""), "priority 100\n",
                                         "priority 100\nunicast_src_ip 10.9.9.1\nunicast_peer {\n10.9.9.2\n}\n");
    const auto added = text_of("", without);
    CHECK(added.contains("virtual_router_id 51, priority 100: it starts in its initial state\n"));
    CHECK(added.contains("add    address 10.9.9.9/24\n"));
}

TEST_CASE("an address that moves between the lists stays, and is reported with its options") {
    const std::string label = "10.9.9.8/24 label eth0:1\n";
    const std::string before = replaced(kInstance, "10.9.9.9/24\n", "10.9.9.9/24\n" + label);
    const auto excluded = [](const std::string& line) {
        return replaced(kInstance, "priority 100\n", "priority 100\nvirtual_ipaddress_excluded {\n" + line + "}\n");
    };
    const std::string kept = "change instance VI_1\n         it keeps its state, timers and counters\n";
    const std::string moves = "         virtual_ipaddress 10.9.9.8/24 moves to virtual_ipaddress_excluded\n";
    const std::string end = "unchanged: 0 instances, 0 services; IPVS table changes: 0\n";
    CHECK(text_of(before, excluded(label)) == kept + moves + end);
    CHECK(text_of(before, excluded("10.9.9.8/24\n")) ==
          kept + moves + "         virtual_ipaddress_excluded 10.9.9.8/24 label eth0:1 -> none\n" + end);
}

TEST_CASE("another order is said to be one") {
    const std::string second =
        replaced(replaced(kInstance, "VI_1", "VI_2"), "virtual_router_id 51", "virtual_router_id 52");
    const std::string other = replaced(kService, "virtual_server 10.9.9.9", "virtual_server 10.9.9.8");
    CHECK(text_of(kInstance + second + kService + other, second + kInstance + other + kService) ==
          "change settings the order of blocks\nunchanged: 2 instances, 2 services; IPVS table changes: 0\n");
    const std::string last = "real_server 10.1.1.2 80 {\nweight 1\n}\n";
    const std::string servers = replaced(replaced(kService, last, ""), "real_server", last + "real_server");
    CHECK(text_of(kService, servers) ==
          "change settings the order of blocks\nunchanged: 0 instances, 0 services; IPVS table changes: 0\n");
    const auto addresses = [](const std::string& lines) { return replaced(kInstance, "10.9.9.9/24\n", lines); };
    CHECK(text_of(addresses("10.9.9.9/24\n10.9.9.8/24\n"), addresses("10.9.9.8/24\n10.9.9.9/24\n")) ==
          "change instance VI_1\n         it keeps its state, timers and counters\n"
          "         the order of virtual_ipaddress changes\nunchanged: 0 instances, 0 services; IPVS table changes: "
          "0\n");
}

TEST_CASE("the IPVS table gets the difference only") {
    const std::string after = replaced(
        replaced(replaced(kService, "lb_algo rr", "lb_algo wrr"), "weight 1", "weight 5"), "10.1.1.2", "10.1.1.3");

    CHECK(text_of(kService, after) ==
          "worse: remove server TCP 10.9.9.9:80 -> 10.1.1.2:80\n"
          "change service TCP 10.9.9.9:80\n"
          "         lb_algo rr -> wrr\n"
          "change server TCP 10.9.9.9:80 -> 10.1.1.1:80\n"
          "         weight 1 -> 5\n"
          "add    server TCP 10.9.9.9:80 -> 10.1.1.3:80\n"
          "unchanged: 0 instances, 0 services; IPVS table changes: 4\n");
    CHECK(text_of(kService, kInstance).contains("remove service TCP 10.9.9.9:80\n"));
}

TEST_CASE("checks and quorum change without a write to the table") {
    CHECK(text_of(kService, replaced(replaced(kService, "connect_timeout 3", "connect_timeout 4"), "lb_kind DR",
                                     "lb_kind DR\nquorum 2")) ==
          "change settings TCP 10.9.9.9:80\n"
          "         quorum 1 -> 2\n"
          "change checks TCP 10.9.9.9:80 -> 10.1.1.1:80\n"
          "         TCP_CHECK connect_timeout 3 -> 4\n"
          "         a check with the same target keeps its result until it runs again\n"
          "unchanged: 0 instances, 0 services; IPVS table changes: 0\n");
}

TEST_CASE("the log gets a line for each change, and not more than it asks for") {
    const auto diff =
        diff_reload(config_of(kInstance + kService), config_of(replaced(kInstance, "priority 100", "priority 150")));
    const auto lines = as_log_lines(diff, 20);
    REQUIRE(lines.size() >= 2);
    CHECK(lines.front() == "remove service TCP 10.9.9.9:80: its connections are dropped and its servers are removed");
    CHECK(lines.back() == "change instance VI_1: it keeps its state, timers and counters; priority 100 -> 150");
    CHECK(as_log_lines(diff, 1) == std::vector{lines.front()});
    CHECK(as_log_lines(diff, 0).empty());
    CHECK(as_log_lines({}, 20).empty());
    const auto line_of = [](const std::string& name) {
        ReloadDiff one;
        one.changes.push_back({ReloadChange::Action::Add, "service", name, {}});
        return as_log_lines(one, 20).front();
    };
    CHECK(line_of(std::string(388, 'x')) == "add service " + std::string(388, 'x'));  // 400 bytes
    CHECK(line_of(std::string(389, 'x')) == "add service " + std::string(385, 'x') + "...");
}

TEST_CASE("JSON says the same") {
    CHECK(json_text(as_json(
              diff_reload(config_of(kInstance), config_of(replaced(kInstance, "priority 100", "priority 90"))))) ==
          "{\n \"changes\": [\n  {\n   \"action\": \"change\",\n   \"kind\": \"instance\",\n   \"name\": \"VI_1\",\n"
          "   \"details\": [\n    \"it keeps its state, timers and counters\",\n    \"priority 100 -> 90\"\n   ],\n   "
          "\"worse\": false\n  }\n"
          " ],\n \"instances_unchanged\": 0,\n \"services_unchanged\": 0,\n \"ipvs_operations\": 0\n}\n");
}

TEST_CASE("keywords that have no member in the model are reported with both values, too") {
    const auto garp = [](const std::string& seconds) {
        return replaced(kInstance, "priority 100\n", "priority 100\ngarp_extra_if " + seconds + "\n");
    };
    CHECK(text_of(garp("30"), garp("60")) ==
          "change instance VI_1\n"
          "         it keeps its state, timers and counters\n"
          "         garp_extra_if 30 -> 60\n"
          "unchanged: 0 instances, 0 services; IPVS table changes: 0\n");
    CHECK(text_of(kInstance, "static_routes {\n10.0.0.0/8 via 10.9.9.1 dev eth0\n}\n" + kInstance) ==
          "change settings static_routes\n"
          "         static_routes dev eth0 to 10.0.0.0/8 via 10.9.9.1 added\n"
          "unchanged: 1 instance, 0 services; IPVS table changes: 0\n");
    CHECK(text_of(kService, replaced(kService, "10.1.1.2 80 {\n", "10.1.1.2 80 {\nsnmp_name b\n")) ==
          "change settings TCP 10.9.9.9:80 -> 10.1.1.2:80\n"
          "         snmp_name none -> b\n"
          "unchanged: 0 instances, 0 services; IPVS table changes: 0\n");
}

TEST_CASE("what broken blocks take away from what runs is lost by them, what the operator deletes is not") {
    const std::string second = replaced(replaced(kInstance, "VI_1", "VI_2"), "10.9.9.9/24", "10.9.9.8/24");
    const std::string other = replaced(kService, "virtual_server 10.9.9.9", "virtual_server 10.9.9.8");
    const auto lost = [](const std::string& before, const std::string& after) {
        const auto next = config::load_text("x.conf", after, {});
        const auto running = config_of(before);
        return lost_by_fault(diff_reload(running, next.config), running, next.lost);
    };
    const auto unclosed = [](const std::string& text) { return text.substr(0, text.size() - 2); };

    const std::string before = kInstance + replaced(second, "virtual_router_id 51", "virtual_router_id 52") + kService;
    CHECK(lost(before, unclosed(kInstance) + second + kService) ==
          std::vector<std::string>{"instance VI_2", "service TCP 10.9.9.9:80"});  // its address is VI_1's then
    CHECK(lost(kService, replaced(kService, "weight 1\n}\n}\n", "weight 1\n}\n")).empty());  // it is used all the same
    CHECK(lost(kService, replaced(kService, "connect_timeout 3\n}\n", "connect_timeout 3\n")) ==
          std::vector<std::string>{"server TCP 10.9.9.9:80 -> 10.1.1.2:80"});
    CHECK(lost(kService + other, kService + "}\n").empty());
    CHECK(lost(kInstance + kService, kInstance).empty());
    CHECK(lost(kService, replaced(kService, "virtual_server", "virtual_servr")) ==
          std::vector<std::string>{"service TCP 10.9.9.9:80"});
}
