#include "cli/doctor.hpp"

#include <doctest/doctest.h>

#include <sstream>

#include "../temporary_folder.hpp"
#include "mainstay/config/load.hpp"

namespace mainstay::cli {
namespace {

// A director on which nothing is wrong.
DoctorFacts healthy() {
    DoctorFacts facts;
    facts.configuration_read = true;
    facts.configuration_path = "/etc/keepalived/keepalived.conf";
    config::Instance instance;
    instance.name = "VI_1";
    instance.interface = "eth0";
    facts.configuration.instances = {instance};
    config::VirtualServer service;
    service.endpoint = {*IpAddress::parse("10.0.0.1"), 80};
    service.scheduler = "wrr";
    service.real_servers.push_back({.endpoint = {*IpAddress::parse("10.0.0.11"), 80}});
    facts.configuration.virtual_servers = {service};
    facts.interfaces = {{.name = "eth0",
                         .exists = true,
                         .up = true,
                         .running = true,
                         .has_ipv4 = true,
                         .rp_filter = 0,
                         .send_redirects = 0}};
    facts.ipvs_available = true;
    facts.ip_forward = 1;
    facts.ip6_forward = 1;
    return facts;
}

Finding only(const DoctorFacts& facts) {
    const auto found = evaluate_host(facts);
    REQUIRE(found.size() == 1);
    return found[0];
}

bool has(const Finding& finding, const char* what, const char* fix) {
    CAPTURE(finding.what);
    CAPTURE(finding.fix);
    return finding.what.find(what) != std::string::npos && finding.fix.find(fix) != std::string::npos;
}

}  // namespace

TEST_CASE("nothing is found on a host that is right") { CHECK(evaluate_host(healthy()).empty()); }

TEST_CASE("what IPVS lacks is named, but only when services are configured") {
    DoctorFacts facts = healthy();
    facts.ipvs_available = false;
    facts.ipvs_problem = "no IPVS in this kernel";
    CHECK(has(only(facts), "no IPVS in this kernel", "modprobe ip_vs"));

    facts.configuration.virtual_servers.clear();
    CHECK(evaluate_host(facts).empty());

    DoctorFacts scheduler = healthy();
    scheduler.missing_schedulers = {"wrr"};
    CHECK(has(only(scheduler), "scheduler wrr", "modprobe ip_vs_wrr"));
}

TEST_CASE("forwarding matters for NAT alone") {
    DoctorFacts facts = healthy();
    facts.ip_forward = 0;
    facts.ip6_forward = 0;
    CHECK(has(only(facts), "net.ipv4.ip_forward is 0", "sysctl -w net.ipv4.ip_forward=1"));

    facts.configuration.virtual_servers[0].real_servers[0].forwarding = config::Forwarding::DirectRoute;
    CHECK(evaluate_host(facts).empty());
}

TEST_CASE("strict reverse path filters and redirects are named with their interface") {
    DoctorFacts facts = healthy();
    facts.interfaces[0].rp_filter = 1;
    CHECK(has(only(facts), "rp_filter is 1", "net.ipv4.conf.eth0.rp_filter=2"));

    facts.interfaces[0].rp_filter = 2;
    facts.interfaces[0].send_redirects = 1;
    facts.interfaces[0].networks = {*Prefix::parse("10.0.0.250/24")};
    CHECK(has(only(facts), "ICMP redirects", "net.ipv4.conf.eth0.send_redirects=0"));
}

TEST_CASE("redirects do no harm where clients and NAT servers are on different networks") {
    DoctorFacts facts = healthy();
    facts.interfaces[0].send_redirects = 1;
    facts.interfaces[0].networks = {*Prefix::parse("10.0.0.1/29")};  // the address of the service, without its server
    CHECK(evaluate_host(facts).empty());
    facts.interfaces[0].networks = {*Prefix::parse("192.168.4.11/24")};
    CHECK(evaluate_host(facts).empty());
}

TEST_CASE("an interface is missing, down, without carrier or without address") {
    DoctorFacts facts = healthy();
    facts.interfaces[0].has_ipv4 = false;
    CHECK(has(only(facts), "no IPv4 address", "assign an address to eth0"));
    facts.interfaces[0].running = false;
    CHECK(has(only(facts), "no carrier", "cable"));
    facts.interfaces[0].up = false;
    CHECK(has(only(facts), "eth0 is down", "ip link set eth0 up"));
    facts.interfaces[0].exists = false;
    CHECK(has(only(facts), "eth0 does not exist", "/etc/keepalived/keepalived.conf"));
}

TEST_CASE("an IPv6 instance needs a link-local address of its interface") {
    DoctorFacts facts = healthy();
    auto& instance = facts.configuration.instances[0];
    instance.family = Family::V6;
    facts.interfaces[0].networks = {*Prefix::parse("2001:db8::2/64")};
    CHECK(has(only(facts), "interface eth0 has no link-local IPv6 address", "net.ipv6.conf.eth0.disable_ipv6=0"));
    facts.interfaces[0].networks.push_back(*Prefix::parse("fe80::2/64"));
    CHECK(evaluate_host(facts).empty());
    facts.interfaces[0].networks.clear();
    instance.vmac.edit().enabled = true;
    CHECK(evaluate_host(facts).empty());
    instance.vmac.edit().enabled = false;
    instance.unicast_peers = {{.address = *IpAddress::parse("2001:db8::3")}};
    CHECK(evaluate_host(facts).empty());
}

TEST_CASE("other programs that do the same work are named") {
    DoctorFacts facts = healthy();
    facts.rivals = {{.pid = 42, .name = "keepalived"}};
    CHECK(has(only(facts), "keepalived (process 42)", "systemctl disable --now keepalived"));
}

TEST_CASE("keepalived that runs alone is no rival: nothing advises to stop it, or to start a second program") {
    DoctorFacts facts = healthy();
    facts.rivals = {{.pid = 42, .name = "keepalived"}};
    facts.not_running = "mainstayd is not running: no answer at /run/mainstay/control.sock";
    CHECK(only(facts) == Finding{"keepalived (process 42) runs here, and mainstayd does not",
                                 "to change over without a gap: mainstayctl takeover"});
}

TEST_CASE("variables that scripts do not get are named where there are scripts") {
    DoctorFacts facts = healthy();
    facts.withheld_variables = {"AWS_KEY", "HCLOUD_TOKEN"};
    CHECK(evaluate_host(facts).empty());
    facts.configuration.scripts = {{.name = "chk"}};
    CHECK(
        has(only(facts), "scripts do not get these variables of the daemon's environment: AWS_KEY, HCLOUD_TOKEN",
            "name those that a script needs in pass_environment of [scripts] in mainstay.toml; remove the others from "
            "the daemon's environment"));
    facts.configuration.scripts.clear();
    facts.configuration.instances[0].notify.master.edit().argv = {"/x"};
    CHECK(evaluate_host(facts).size() == 1);
}

TEST_CASE("a daemon that does not run is a finding") {
    DoctorFacts facts = healthy();
    facts.not_running = "mainstayd is not running: no answer at /run/mainstay/control.sock";
    CHECK(has(only(facts), "mainstayd is not running: no answer at /run/mainstay/control.sock",
              "systemctl start mainstay; if it ends again, journalctl -u mainstay has why"));
}

TEST_CASE("trouble with a peer is reported while it lasts: ten seconds, or four adverts where they are rarer") {
    DoctorFacts facts = healthy();
    facts.peer_problems = {{.instance = "VI_1", .kind = "clock", .peer = "10.0.0.2", .text = "", .age_us = 10'000'000}};
    CHECK(evaluate_host(facts).size() == 1);
    facts.peer_problems[0].age_us = 10'000'001;
    CHECK(evaluate_host(facts).empty());
    facts.configuration.instances[0].advert_int = Seconds{30};
    CHECK(evaluate_host(facts).size() == 1);
    facts.peer_problems[0].age_us = 120'000'001;
    CHECK(evaluate_host(facts).empty());
    facts.peer_problems[0].age_us = 14LL * 60 * 1'000'000;
    CHECK(evaluate_host(facts).empty());
}

TEST_CASE("what two directors must have alike is named with both and the log's words") {
    DoctorFacts facts = healthy();
    facts.peer_problems = {{.instance = "VI_1",
                            .kind = "advert_interval",
                            .peer = "10.0.0.2",
                            .text = "advertisement interval mismatch with 10.0.0.2 mine=1 sec rcv'd=2 sec"}};
    CHECK(only(facts) == Finding{"VI_1 and 10.0.0.2 have different advert_int: advertisement interval mismatch with "
                                 "10.0.0.2 mine=1 sec rcv'd=2 sec",
                                 "set the same advert_int on all directors"});
    facts.peer_problems[0].kind = "password";
    CHECK(has(only(facts), "VI_1 and 10.0.0.2 have different passwords", "the same auth_pass"));
    facts.peer_problems[0].kind = "auth_type";
    CHECK(has(only(facts), "VI_1 and 10.0.0.2 authenticate differently", "the same auth_type"));
    facts.peer_problems[0].kind = "unknown_peer";
    CHECK(has(only(facts), "VI_1 drops the advertisements of 10.0.0.2", "add 10.0.0.2 to unicast_peer of VI_1"));
    facts.peer_problems[0] = {.instance = "VI_1",
                              .kind = "other_vrid",
                              .peer = "10.0.0.2",
                              .text = "10.0.0.2 advertises 10.0.0.1 with VRID 52, this router has VRID 51",
                              .age_us = 0};
    CHECK(only(facts) == Finding{"VI_1: 10.0.0.2 advertises 10.0.0.1 with VRID 52, this router has VRID 51",
                                 "set the same virtual_router_id on all directors of these addresses"});
    facts.peer_problems[0].kind = "of a later version";
    CHECK(evaluate_host(facts).empty());
}

TEST_CASE("an address that another host has, too, is named with its interface and who has it") {
    DoctorFacts facts = healthy();
    facts.duplicates = {{.address = "10.0.0.1", .interface = "eth0", .mac = "02:00:00:00:00:09"}};
    CHECK(has(only(facts), "address 10.0.0.1 on eth0 is used by this host and by another one: 02:00:00:00:00:09",
              "remove the address there (the switch shows the port of that MAC address); if it is the other director, "
              "both are MASTER"));
}

TEST_CASE("what the daemon lists is found, with a fix for its kind, and ten of a kind are enough") {
    DoctorFacts facts = healthy();
    facts.problems = {{"server_down", "10.0.0.12:80", "[10.0.0.12]:tcp:80 of [10.0.0.1]:tcp:80 is down"}};
    CHECK(only(facts) == Finding{"[10.0.0.12]:tcp:80 of [10.0.0.1]:tcp:80 is down",
                                 "run mainstayctl why 10.0.0.12:80; while it is out on purpose: mainstayctl server "
                                 "disable 10.0.0.12:80"});
    facts.problems.assign(12, facts.problems[0]);
    facts.problems.push_back({"of a later version", "", "something is wrong"});
    const auto found = evaluate_host(facts);
    REQUIRE(found.size() == 12);
    CHECK(found[10] == Finding{"something is wrong", "run mainstayctl status"});
    CHECK(found[11].what == "2 more problems of the kind server_down");
}

TEST_CASE("IPVS that the doctor does not find either is named once") {
    DoctorFacts facts = healthy();
    facts.problems = {{"ipvs_unavailable", "", "IPVS cannot be programmed: the daemon's words"}};
    CHECK(has(only(facts), "the daemon's words", "modprobe ip_vs"));
    facts.ipvs_available = false;
    facts.ipvs_problem = "IPVS: the doctor's words";
    CHECK(has(only(facts), "IPVS cannot be programmed: the doctor's words", "modprobe ip_vs"));
}

TEST_CASE("how a server's answers must travel depends on how its packets come") {
    DoctorFacts facts = healthy();
    facts.problems = {{"clients_unanswered", "10.0.0.11:80", "3 of 4 connections do not finish"}};
    CHECK(has(only(facts), "3 of 4 connections", "come back through this director"));
    facts.configuration.virtual_servers[0].real_servers[0].forwarding = config::Forwarding::DirectRoute;
    CHECK(has(only(facts), "3 of 4 connections", "run mainstay-realserver status 10.0.0.1 on the server"));
    facts.problems[0].object = "10.0.0.99:80";
    CHECK(has(only(facts), "3 of 4 connections", "look whether the server has the virtual address"));
}

TEST_CASE("the daemon's status says what it hears of peers and what it lists as problems") {
    DoctorFacts facts = healthy();
    read_status(facts, R"({"now_unix_us": 20000000, "vrrp": {"instances": [
        {"name": "VI_1", "state": "MASTER", "fault": "", "problems": [{"kind": "clock", "peer": "10.0.0.2",
         "text": "t", "count": 7, "last": "", "last_unix_us": 15000000}]}]}, "lvs": null,
        "problems": [{"kind": "no_quorum", "severity": "critical", "part": "lvs", "object": "b", "text": "b has none"}]})");
    REQUIRE(facts.peer_problems.size() == 1);
    CHECK(facts.peer_problems[0].age_us == 5'000'000);
    CHECK(facts.peer_problems[0].peer == "10.0.0.2");
    CHECK(facts.problems == std::vector<DoctorFacts::Problem>{{"no_quorum", "b", "b has none"}});

    DoctorFacts nothing = healthy();
    read_status(nothing, "");
    CHECK(evaluate_host(nothing).empty());
}

TEST_CASE("a status that cannot be read whole is not taken for one without problems") {
    for (const char* other : {"[]", "{}", R"({"now_unix_us": "x"})", R"({"now_unix_us": 1, "vrrp": {"instances": 7}})",
                              R"({"now_unix_us": 1, "vrrp": null, "lvs": null})"}) {
        CAPTURE(other);
        DoctorFacts facts = healthy();
        read_status(facts, other);
        CHECK(only(facts) ==
              Finding{"the running daemon is of another version: its problems are not known, or not all of them",
                      "run mainstayctl upgrade, or use the mainstayctl of its version"});
    }
}

TEST_CASE("a firewall, a missing capability and an unusable configuration are named") {
    DoctorFacts facts = healthy();
    facts.firewall_drops_vrrp = {"nft table inet filter chain input"};
    CHECK(has(only(facts), "nft table inet filter chain input", "vrrp accept"));
    facts = healthy();
    facts.missing_capabilities = {"CAP_NET_RAW"};
    CHECK(has(only(facts), "CAP_NET_RAW", "--cap-add"));
    facts = healthy();
    facts.hidden_from = 7;
    CHECK(evaluate_host(facts).empty());  // no process is tracked
    facts.configuration = config::load_text("x.conf", "vrrp_track_process web {\nprocess web\n}\n", {}).config;
    CHECK(has(only(facts), "track_process does not count them", "mount -o remount,gid=7 /proc"));
    facts = healthy();
    facts.configuration_read = false;
    CHECK(has(only(facts), "/etc/keepalived/keepalived.conf cannot run",
              "run mainstayctl config check /etc/keepalived/keepalived.conf: it shows why"));
    facts.configuration_path.clear();
    CHECK(has(only(facts), "there is no configuration", "write /etc/mainstay/mainstay.conf"));
    facts.not_asked = "no";
    CHECK(has(only(facts), "the running daemon was not asked", "run this as root"));
}

TEST_CASE("an nftables input chain that drops by default needs a rule for VRRP") {
    const std::string chain =
        R"({"chain":{"family":"inet","table":"filter","name":"input","type":"filter","hook":"input","policy":"drop"}},)";
    const auto ruleset = [&](const std::string& rule) {
        return R"({"nftables":[{"metainfo":{"version":"1.0.6"}},)" + chain +
               R"({"rule":{"family":"inet","table":"filter","chain":"input","expr":[)" + rule + "]}}]}";
    };
    const auto match = [](const char* left, const char* right) {
        return std::string{R"({"match":{"op":"==","left":)"} + left + R"(,"right":)" + right + "}}";
    };
    const char* kProtocol = R"({"payload":{"protocol":"ip","field":"protocol"}})";
    const char* kMeta = R"({"meta":{"key":"l4proto"}})";
    const char* kInterface = R"({"meta":{"key":"iifname"}})";
    const char* kDestination = R"({"payload":{"protocol":"ip","field":"daddr"}})";
    const std::string accept = R"(,{"accept":null})";

    CHECK(nft_drops_vrrp(ruleset(match(kProtocol, "\"vrrp\"") + accept)).empty());
    CHECK(nft_drops_vrrp(ruleset(match(kMeta, "112") + accept)).empty());
    CHECK(nft_drops_vrrp(ruleset(match(kMeta, R"({"set":["icmp","vrrp"]})") + accept)).empty());
    CHECK(nft_drops_vrrp(ruleset(match(kDestination, "\"224.0.0.18\"") + accept)).empty());
    CHECK(nft_drops_vrrp(ruleset(match(kInterface, "\"eth0\"") + accept)).empty());
    CHECK(nft_drops_vrrp(ruleset(match(kInterface, "\"lo\"") + accept)).size() == 1);
    CHECK(nft_drops_vrrp(ruleset(match(kProtocol, "\"tcp\"") + accept)).size() == 1);
    CHECK(nft_drops_vrrp(ruleset(match(kProtocol, "\"vrrp\"") + R"(,{"drop":null})")).size() == 2);
    CHECK(nft_drops_vrrp(ruleset(match(kProtocol, "\"tcp\"") + accept))[0] ==
          "nft table inet filter chain input drops by default and has no rule for VRRP");
}

TEST_CASE("a chain that accepts by default but rejects the rest needs a rule for VRRP too") {
    const std::string head =
        R"({"nftables":[{"chain":{"family":"inet","table":"firewalld","name":"filter_INPUT","type":"filter",)"
        R"("hook":"input","prio":10,"policy":"accept"}},)"
        R"({"rule":{"family":"inet","table":"firewalld","chain":"filter_INPUT","expr":[{"match":{"op":"in",)"
        R"("left":{"ct":{"key":"state"}},"right":["established","related"]}},{"accept":null}]}},)"
        R"({"rule":{"family":"inet","table":"firewalld","chain":"filter_INPUT","expr":[{"jump":{"target":"zones"}}]}},)"
        R"({"rule":{"family":"inet","table":"firewalld","chain":"filter_INPUT","expr":[{"reject":{"type":"icmpx",)"
        R"("expr":"admin-prohibited"}}]}})";
    const std::string vrrp =
        R"(,{"rule":{"family":"inet","table":"firewalld","chain":"zones","expr":[{"match":{"op":"==",)"
        R"("left":{"meta":{"key":"l4proto"}},"right":"vrrp"}},{"accept":null}]}})";

    CHECK(nft_drops_vrrp(head + "]}").size() == 1);
    CHECK(nft_drops_vrrp(head + vrrp + "]}").empty());
}

TEST_CASE("a rule that drops VRRP by name is found where none before it accepts VRRP") {
    const auto chains = [](const std::string& rules) {
        return R"({"nftables":[{"chain":{"family":"inet","table":"f","name":"in","type":"filter","hook":"input","prio":0,)"
               R"("policy":"accept"}},{"chain":{"family":"inet","table":"f","name":"user"}},)"
               R"({"chain":{"family":"inet","table":"f","name":"out","type":"filter","hook":"output","prio":0}},)"
               R"({"rule":{"family":"inet","table":"f","chain":"in","expr":[{"jump":{"target":"user"}}]}})" +
               rules + "]}";
    };
    const auto rule = [](const char* chain, const std::string& expressions) {
        return R"(,{"rule":{"family":"inet","table":"f","chain":")" + std::string{chain} + R"(","expr":[)" +
               expressions + "]}}";
    };
    const std::string vrrp = R"({"match":{"op":"==","left":{"meta":{"key":"l4proto"}},"right":"vrrp"}})";
    const std::string group =
        R"({"match":{"op":"==","left":{"payload":{"protocol":"ip","field":"daddr"}},"right":"224.0.0.18"}})";
    const std::string peer =
        R"(,{"match":{"op":"==","left":{"payload":{"protocol":"ip","field":"saddr"}},"right":"192.0.2.3"}})";
    const std::string others =
        R"(,{"match":{"op":"!=","left":{"payload":{"protocol":"ip","field":"saddr"}},"right":"192.0.2.3"}})";
    const std::string port =
        R"(,{"match":{"op":"==","left":{"payload":{"protocol":"tcp","field":"dport"}},"right":22}})";
    const std::string drop = R"(,{"counter":{"packets":0,"bytes":0}},{"drop":null})", accept = R"(,{"accept":null})";
    using Found = std::vector<std::string>;

    CHECK(nft_drops_vrrp(chains(rule("in", vrrp + drop))) ==
          Found{"nft table inet f chain in has a rule that drops VRRP"});
    CHECK(nft_drops_vrrp(chains(rule("in", group + R"(,{"reject":null})"))) ==
          Found{"nft table inet f chain in has a rule that drops VRRP"});
    CHECK(nft_drops_vrrp(chains(rule("user", vrrp + peer + drop))) ==
          Found{"nft table inet f chain user has a rule that drops VRRP from 192.0.2.3"});
    CHECK(nft_drops_vrrp(chains(rule("out", vrrp + drop))) ==
          Found{"nft table inet f chain out has a rule that drops VRRP on its way out"});
    CHECK(nft_drops_vrrp(chains(rule("in", vrrp + R"(,{"xt":{"type":"match","name":"comment"}})" + drop))).size() == 1);
    const std::string on_eth0 = R"(,{"match":{"op":"==","left":{"meta":{"key":"iifname"}},"right":"eth0"}})";
    const std::vector<std::string> other{"eth1"}, same{"eth0"};
    CHECK(nft_drops_vrrp(chains(rule("in", vrrp + on_eth0 + drop)), other).empty());
    CHECK(nft_drops_vrrp(chains(rule("in", vrrp + on_eth0 + drop)), same) ==
          Found{"nft table inet f chain in has a rule that drops VRRP on eth0"});
    for (const std::string& harmless :
         {rule("in", vrrp + others + drop), rule("in", vrrp + peer + accept) + rule("in", vrrp + drop),
          rule("in", vrrp + R"(,{"xt":{"type":"match","name":"set"}})" + drop), rule("in", vrrp + port + drop),
          rule("in", vrrp + R"(,{"limit":{"rate":9,"per":"second"}})" + drop), rule("unused", vrrp + drop)}) {
        CAPTURE(harmless);
        CHECK(nft_drops_vrrp(chains(harmless)).empty());
    }
}

TEST_CASE("chains that accept by default, and text that is no ruleset, drop nothing") {
    CHECK(nft_drops_vrrp(R"({"nftables":[{"chain":{"family":"ip","table":"filter","name":"INPUT","type":"filter",)"
                         R"("hook":"input","policy":"accept"}}]})")
              .empty());
    for (const char* text : {"", "not json", "[]", "{}", R"({"nftables":7})", R"({"nftables":[7,null,{"chain":7}]})",
                             R"({"nftables":[{"chain":{"hook":7,"policy":[]}}]})"}) {
        CAPTURE(text);
        CHECK(nft_drops_vrrp(text).empty());
    }
}

TEST_CASE("an iptables INPUT chain that drops by default needs a rule for VRRP") {
    const std::string drop = "*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n";

    CHECK(iptables_drops_vrrp(drop + "-A INPUT -p tcp -j ACCEPT\nCOMMIT\n").size() == 1);
    CHECK(iptables_drops_vrrp(drop + "-A INPUT -p vrrp -j ACCEPT\nCOMMIT\n").empty());
    CHECK(iptables_drops_vrrp(drop + "-A INPUT -p 112 -j ACCEPT\nCOMMIT\n").empty());
    CHECK(iptables_drops_vrrp(drop + "-A INPUT -d 224.0.0.0/8 -j ACCEPT\nCOMMIT\n").empty());
    CHECK(iptables_drops_vrrp("*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n").empty());
    CHECK(iptables_drops_vrrp("*nat\n:INPUT DROP [0:0]\nCOMMIT\n").empty());
    CHECK(iptables_drops_vrrp("").empty());
}

TEST_CASE("a daemon that may not be asked, and one that nothing starts at boot, are findings") {
    DoctorFacts facts;
    facts.configuration_read = facts.ipvs_available = true;
    CHECK(evaluate_host(facts).empty());
    facts.not_asked = "no";
    facts.not_at_boot = "mainstay.service";
    CHECK(evaluate_host(facts) ==
          std::vector<Finding>{{"the running daemon was not asked, and what it knows is left out: no",
                                "run this as root, or as a member of the group mainstay"},
                               {"mainstay.service runs, but is not enabled: nothing starts it at the next boot",
                                "systemctl enable mainstay.service"}});
}

TEST_CASE("an iptables rule that drops VRRP by name is found where none before it accepts VRRP") {
    const std::string head = "*filter\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n";
    using Found = std::vector<std::string>;

    CHECK(iptables_drops_vrrp(head + "-A INPUT -p vrrp -j DROP\nCOMMIT\n") ==
          Found{"iptables chain INPUT has a rule that drops VRRP"});
    CHECK(iptables_drops_vrrp(head + "-A INPUT -s 192.0.2.3/32 -i eth0 -p vrrp -j DROP\nCOMMIT\n") ==
          Found{"iptables chain INPUT has a rule that drops VRRP from 192.0.2.3 on eth0"});
    CHECK(iptables_drops_vrrp(head + "-A INPUT -d 224.0.0.18/32 -j REJECT --reject-with icmp-port-unreachable\n") ==
          Found{"iptables chain INPUT has a rule that drops VRRP"});
    CHECK(iptables_drops_vrrp(head + "-A OUTPUT -p 112 -j DROP\n") ==
          Found{"iptables chain OUTPUT has a rule that drops VRRP on its way out"});
    CHECK(iptables_drops_vrrp("*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -p vrrp -j DROP\nCOMMIT\n") ==
          Found{"iptables chain PREROUTING has a rule that drops VRRP"});
    const std::vector<std::string> other{"eth1"}, same{"eth0"};
    const std::string on_eth0 = head + "-A INPUT -i eth0 -p vrrp -j DROP\n";
    CHECK(iptables_drops_vrrp(on_eth0, other).empty());
    CHECK(iptables_drops_vrrp(on_eth0, same).size() == 1);
    for (const char* harmless : {"-A INPUT ! -s 192.0.2.3/32 -p vrrp -j DROP\n", "-A FORWARD -p vrrp -j DROP\n",
                                 "-A INPUT -s 192.0.2.3/32 -p vrrp -j ACCEPT\n-A INPUT -p vrrp -j DROP\n",
                                 "-A INPUT -p vrrp -m limit --limit 9/sec -j DROP\n", "-A INPUT -p tcp -j DROP\n"}) {
        CAPTURE(harmless);
        CHECK(iptables_drops_vrrp(head + harmless).empty());
    }
}

TEST_CASE("the file of a daemon with an id is read with its lines of that id") {
    const test::TemporaryFolder folder;
    folder.write("x.conf",
                 "@lb1 vrrp_instance VI_1 {\n@lb1 interface lo0\n@lb1 virtual_router_id 1\n@lb1 "
                 "virtual_ipaddress {\n@lb1 10.9.9.9/24\n@lb1 }\n@lb1 }\n");
    const auto of = [&](const std::string& status) { return gather_facts(folder.at("x.conf"), status).configuration; };
    CHECK(of(R"({"configuration": {"file": "x.conf", "config_id": "lb1"}})").instances.size() == 1);
    CHECK(of("").instances.empty());
}

TEST_CASE("the network is not judged by another namespace than that of the daemon's command line") {
    const test::TemporaryFolder folder;
    folder.write(
        "x.conf",
        "vrrp_instance VI_1 {\ninterface eth-blue\nvirtual_router_id 1\nvirtual_ipaddress {\n10.9.9.9/24\n}\n}\n");
    const auto facts = gather_facts(folder.at("x.conf"), R"({"configuration": {"net_namespace": "no-such-blue"}})");
    CHECK(facts.interfaces.empty());
    CHECK(facts.firewall_unknown);
}

}  // namespace mainstay::cli
