// What a pair must agree on, part by part: which instances belong together, addresses, groups, VMACs, virtual servers.
#include <doctest/doctest.h>

#include <algorithm>

#include "pair_files.hpp"

using namespace mainstay::config;
using namespace mainstay::config::testing;

namespace {

// The findings of one code: the first line of each.
Lines findings(const std::string& a, const std::string& b, const std::string& code) {
    Lines lines;
    for (const std::string& line : compared(a, b))
        if (line.contains(" " + code + ": ")) lines.push_back(line.substr(0, line.find('\n')));
    return lines;
}

std::string master(const std::string& more) { return instance("MASTER", 150, more); }
std::string backup(const std::string& more) { return instance("BACKUP", 100, more); }

std::string service(const std::string& address, const std::string& more) {
    return "virtual_server " + address + " {\nlb_algo wrr\nlb_kind NAT\nprotocol TCP\n" + more +
           "\nreal_server 10.1.1.1 80 {\nweight 1\n}\n}\n";
}

}  // namespace

TEST_CASE("sources of servers are compared by what they are, not by their port") {
    const std::string dns = "real_server_dns www.example.org {\ndns_resolver 10.0.0.53\n}";
    CHECK(findings(service("10.9.9.9 80", "real_server_file /a.json {\n}"), service("10.9.9.9 80", dns), "MS0611") ==
          Lines{"B: warning MS0611: virtual_server [10.9.9.9]:tcp:80: real_server_file /a.json is in A only",
                "A: warning MS0611: virtual_server [10.9.9.9]:tcp:80: real_server_dns www.example.org is in B only"});
    CHECK(findings(service("10.9.9.9 80", dns), service("10.9.9.9 80", dns), "MS0611").empty());
}

TEST_CASE("interfaces of different names are right on one network, which is noted") {
    const auto on = [](const char* state, int priority, const char* interface) {
        return instance(state, priority, "", "VI_1", 51, "10.9.9.9/24", interface);
    };
    CHECK(
        compared(on("MASTER", 150, "eth0"), on("BACKUP", 100, "eth1")) ==
        Lines{"A, B: note MS0602: VI_1: interface eth0 in A, eth1 in B: correct only if both are on the same network"});
}

TEST_CASE(
    "of several instances of one router id those of one interface are a pair, else those of one address or name") {
    const auto one = [](const std::string& name, const std::string& vip, const std::string& interface) {
        return instance("BACKUP", 100, "advert_int " + std::string(name.starts_with("X") ? "2" : "1"), name, 51, vip,
                        interface);
    };
    // Who is told to differ in advert_int was compared with the other kind.
    CHECK(findings(one("V1", "10.9.9.9", "eth0") + one("X1", "10.9.9.8", "eth1"),
                   one("X2", "10.9.9.9", "eth1") + one("V2", "10.9.9.8", "eth0"), "MS0602")
              .empty());
    CHECK(
        findings(one("V1", "10.9.9.9", "eth0") + one("X1", "10.9.9.8", "eth1"),
                 one("X2", "10.9.9.8", "eth2") + one("V2", "10.9.9.9", "eth3"), "MS0602") ==
        Lines{
            "A, B: note MS0602: V1/V2: interface eth0 in A, eth3 in B: correct only if both are on the same network",
            "A, B: note MS0602: X1/X2: interface eth1 in A, eth2 in B: correct only if both are on the same network"});
    CHECK(findings(one("V1", "10.9.9.9", "eth0") + one("X1", "10.9.9.8", "eth1"),
                   one("X1", "10.7.7.8", "eth2") + one("V1", "10.7.7.9", "eth3"), "MS0602")
              .size() == 2);
    CHECK(findings(one("V1", "10.9.9.9", "eth0"), one("X2", "10.7.7.8", "eth2"), "MS0602").size() == 2);
}

TEST_CASE("an instance whose counterpart is of another family or of another router id is reported with it, once") {
    CHECK(findings(instance("MASTER", 150), instance("BACKUP", 100, "", "VI_1", 51, "fe80::9"), "MS0601") ==
          Lines{"A, B: error MS0601: VI_1: IPv4 in A, 6 in B: they are different virtual routers, and both become "
                "MASTER"});
    CHECK(findings(instance("MASTER", 150), instance("BACKUP", 100, "", "other", 7), "MS0601") ==
          Lines{"A, B: error MS0601: VI_1: virtual_router_id 51 in A, 7 in B: they are different virtual routers, and "
                "both become MASTER"});
    CHECK(findings(instance("MASTER", 150), instance("BACKUP", 100, "", "other", 7, "fe80::9"), "MS0601") ==
          Lines{"B: warning MS0601: VI_1 (virtual_router_id 51, IPv4) is in A only: B never takes over its addresses",
                "A: warning MS0601: other (virtual_router_id 7, IPv6) is in B only: A never takes over its addresses"});
    // The twin has a counterpart of its own.
    CHECK(findings(instance("MASTER", 150) + instance("MASTER", 150, "", "VI_2", 52, "10.8.8.8"),
                   instance("BACKUP", 100, "", "VI_2", 51, "10.9.9.9/24"), "MS0601") ==
          Lines{"B: warning MS0601: VI_2 (virtual_router_id 52, IPv4) is in A only: B never takes over its addresses"});
}

TEST_CASE("how the interval differs says what comes of it in each version") {
    CHECK(findings(master("version 3\nadvert_int 0.5"), backup("version 3\nadvert_int 1"), "MS0602") ==
          Lines{"A, B: warning MS0602: VI_1: advert_int 0.5 s in A, 1 s in B: the delay of a takeover depends on which "
                "router was MASTER"});
    CHECK(findings(master("advert_int 3"), backup("advert_int 1"), "MS0602") ==
          Lines{"A, B: error MS0602: VI_1: advert_int 3 s in A, 1 s in B: each refuses the other's packets, and both "
                "become MASTER"});
}

TEST_CASE("an address that one of them lacks is no error where both take every list") {
    const std::string two = "10.9.9.9/24\n10.9.9.10/24\n10.9.9.11/24", skip = "skip_check_adv_addr";
    const auto of = [&](const std::string& vips, const std::string& more) {
        return instance("BACKUP", 100, more, "VI_1", 51, vips);
    };
    CHECK(compared(of(two, ""), of("10.9.9.9/24", skip)).at(0) ==
          "B: error MS0604: VI_1: virtual address 10.9.9.10, 10.9.9.11 are in A only: the other does not take it over, "
          "and logs an address list mismatch for each packet\n  fix: add them to B, or remove them from A");
    CHECK(compared(of("10.9.9.9/24", skip), of("10.9.9.9/24\n10.9.9.10/24", skip)).at(0) ==
          "A: warning MS0604: VI_1: virtual address 10.9.9.10 is in B only: the other does not take it over\n"
          "  fix: add it to A, or remove it from B");
    CHECK(findings(of("10.9.9.9/24\n10.9.9.10/24", ""), of("10.9.9.10/24\n10.9.9.9/24", ""), "MS0604").empty());
}

TEST_CASE("multicast groups must be the same, however they are written") {
    CHECK(findings(master(""), backup("mcast_dst_ip 224.0.0.18"), "MS0605").empty());
    const std::string other = "global_defs {\nvrrp_mcast_group4 224.0.0.19\n}\n";
    CHECK(findings(other + master(""), other + backup(""), "MS0605").empty());
    CHECK(findings(other + master(""), backup(""), "MS0605") ==
          Lines{"A, B: error MS0605: VI_1: multicast group 224.0.0.19 in A, 224.0.0.18 in B: neither receives the "
                "other's advertisements"});
}

TEST_CASE("sync groups of other members are reported once, by the router ids of their members") {
    const auto three = [](const std::string& state, int priority) {
        return instance(state, priority) + instance(state, priority, "", "VI_2", 52, "10.8.8.8") +
               instance(state, priority, "", "VI_3", 53, "fe80::7");
    };
    const auto group = [](const std::string& members) {
        return "vrrp_sync_group G {\ngroup {\n" + members + "\n}\n}\n";
    };
    const Lines told = findings(group("VI_1\nVI_2") + three("MASTER", 150),
                                group("VI_1\nVI_2\nVI_3") + three("BACKUP", 100), "MS0610");
    CHECK(told == Lines{"A, B: warning MS0610: sync group G has other members in A than in B (virtual_router_id 51 "
                        "IPv4, 52 IPv4 in A, 51 IPv4, 52 IPv4, 53 IPv6 in B)",
                        "A: warning MS0610: VI_3: it is in a sync group in B only: in A it fails over without the "
                        "others"});
}

TEST_CASE("routers of one priority that differ in vmac_xmit_base both become MASTER") {
    const std::string base = "use_vmac\nvmac_xmit_base\n";
    const auto of = [](int a, const std::string& first, int b, const std::string& second) {
        return findings(instance("BACKUP", a, first), instance("BACKUP", b, second), "MS0602");
    };
    const std::string both =
        "A, B: error MS0602: VI_1: vmac_xmit_base in A only: A does not receive what B sends from its VMAC, and both "
        "become MASTER";
    CHECK(of(100, base, 100, "use_vmac\n") == Lines{both});
    CHECK(of(99, base, 100, "use_vmac\n") == Lines{both});
    CHECK(
        of(101, base, 100, "use_vmac\n").at(0).contains(": A does not receive what B sends from its VMAC, and takes "));
}

TEST_CASE("only a MAC address of its own keeps the kernel from taking the other router for itself") {
    const auto deaf = [](const std::string& mac) {
        return !findings(master("use_vmac vrrp.51 " + mac), backup("use_vmac\nvmac_xmit_base"), "MS0602").empty();
    };
    CHECK_FALSE(deaf("02:00:00:00:00:99"));
    CHECK_FALSE(deaf("12:00:00:00:00:99"));
    for (const char* unused : {"00:00:5e:00:01:09", "00:00:5e:00:02:09", "00:00:5E:00:01:09", "00:00:5E:00:02:09",
                               "01:00:00:00:00:99", "03:00:00:00:00:99"}) {
        CAPTURE(unused);
        CHECK(deaf(unused));
    }
    CHECK_FALSE(deaf("00:00:5e:00:03:09"));
    // Strict mode takes no notice of vmac_xmit_base, and unicast leaves from the parent.
    CHECK(findings(master("use_vmac\nstrict_mode"), backup("use_vmac\nvmac_xmit_base\nstrict_mode"), "MS0602").empty());
    const auto unicast = [](const char* own, const char* peer) {
        return "\nunicast_src_ip " + std::string{own} + "\nunicast_peer {\n" + peer + "\n}\n";
    };
    CHECK(findings(master("use_vmac" + unicast("10.0.0.1", "10.0.0.2")),
                   backup("use_vmac\nvmac_xmit_base" + unicast("10.0.0.2", "10.0.0.1")), "MS0602")
              .empty());
}

TEST_CASE("a virtual server that one of them lacks gives no service while that one is MASTER") {
    const std::string both = service("10.9.9.9 80", "");
    CHECK(findings(both, both + service("10.9.9.8 80", ""), "MS0611") ==
          Lines{"A: error MS0611: virtual_server [10.9.9.8]:tcp:80 is in B only: clients get no service while A is "
                "MASTER"});
    CHECK(findings(both + service("fwmark 7", ""), both, "MS0611") ==
          Lines{"B: error MS0611: virtual_server FWM 7 is in A only: clients get no service while B is MASTER"});
    CHECK(findings(service("fwmark 7", ""), service("fwmark 7", ""), "MS0611").empty());
    CHECK(findings(both, service("10.9.9.9 81", ""), "MS0611").size() == 2);
}

TEST_CASE("each setting of a virtual server that differs is reported with both values") {
    const auto differ = [](const std::string& a, const std::string& b) {
        Lines lines = findings(service("10.9.9.9 80", a), service("10.9.9.9 80", b), "MS0611");
        for (std::string& line : lines) line = line.substr(line.find("80: ") + 4);
        return lines;
    };
    CHECK(differ("persistence_timeout 50", "") == Lines{"persistence_timeout 50 s in A, off in B"});
    CHECK(differ("persistence_timeout 50", "persistence_timeout 51") ==
          Lines{"persistence_timeout 50 s in A, 51 s in B"});
    CHECK(differ("persistence_timeout 50\npersistence_granularity 255.255.255.0", "persistence_timeout 50") ==
          Lines{"persistence_granularity differs"});
    CHECK(differ("quorum 1", "real_server 10.1.1.2 80 {\nweight 1\n}\nquorum 2") ==
          Lines{"quorum 1 in A, 2 in B", "real_server 10.1.1.2:80 is in B only"});
    CHECK(differ("sorry_server 10.1.1.9 80", "") == Lines{"sorry_server 10.1.1.9:80 NAT in A, none in B"});
    CHECK(differ("sorry_server 10.1.1.9 80\nsorry_server_lvs_method TUN", "sorry_server 10.1.1.9 80") ==
          Lines{"sorry_server 10.1.1.9:80 TUN in A, 10.1.1.9:80 NAT in B"});
    CHECK(differ("real_server 10.1.1.2 80 {\nweight 2\nlvs_method TUN\n}\n", "real_server 10.1.1.2 80 {\n}\n") ==
          Lines{"forwarding to 10.1.1.2:80: TUN in A, NAT in B", "weight of 10.1.1.2:80: 2 in A, 1 in B"});
}

TEST_CASE("a finding names its severity, in colours where they are wanted, and its fix on a line of its own") {
    const PairNames names{"one", "two"};
    PairFinding finding{Severity::Error, Code::PairService, PairFinding::Where::Second, "what", "add it"};
    CHECK(render(finding, names, false) == "two: error MS0611: what\n  fix: add it\n");
    CHECK(render(finding, names, true) == "two: \x1b[1;31merror\x1b[0m MS0611: what\n  fix: add it\n");
    finding = {Severity::Note, Code::PairService, PairFinding::Where::Both, "what", ""};
    CHECK(render(finding, names, true) == "one, two: \x1b[36mnote\x1b[0m MS0611: what\n");
    finding.severity = Severity::Warning;
    finding.where = PairFinding::Where::First;
    CHECK(render(finding, names, true) == "one: \x1b[35mwarning\x1b[0m MS0611: what\n");
}
