#include "mainstay/config/tools/pair.hpp"

#include <doctest/doctest.h>

#include <filesystem>

#include "mainstay/config/load.hpp"
#include "nowhere.hpp"
#include "pair_files.hpp"

using namespace mainstay::config;
using namespace mainstay::config::testing;

namespace {

Lines course(const std::string& a, const std::string& b) {
    const std::string folder = MAINSTAY_TEST_DATA "/course/";
    const Loaded first = load_file(folder + a, kNowhere), second = load_file(folder + b, kNowhere);
    REQUIRE(first.can_run());
    REQUIRE(second.can_run());
    return render_all(first.config, second.config);
}

std::string script(const std::string& weight) {
    return "vrrp_script chk {\nscript \"/bin/true\"\n" + (weight.empty() ? "" : "weight " + weight + "\n") + "}\n";
}

const std::string kTrack = "track_script {\nchk\n}\n";

}  // namespace

TEST_CASE("the course's 105 and 100 with weight -2 cannot move the address, and the arithmetic says why") {
    const std::string reported =
        "A: warning MS0609: VI_1: when script chk_haproxy fails, the priority of A falls to 105 - 2 = 103, still above "
        "the 100 of B: B does not take over\n"
        "  fix: set weight -6 or lower (more than 105 - 100 = 5); or remove the weight: a failure then means FAULT, "
        "and B takes over";

    CHECK(course("haproxy-pair-master.conf", "haproxy-pair-backup.conf") == Lines{reported});
}

TEST_CASE("the course's HAProxy pair without a weight is a good pair") {
    CHECK(course("haproxy-pair-noweight-master.conf", "haproxy-pair-noweight-backup.conf").empty());
}

TEST_CASE("the course's two directors with priority 100 each: the higher address wins") {
    CHECK(course("lvs-dr-natmask-master.conf", "lvs-dr-natmask-backup.conf") ==
          Lines{"A, B: note MS0600: both have router_id LVS_DEVEL: their mails cannot be distinguished\n"
                "  fix: set a different router_id in each, or omit it: the default is the host name",
                "A, B: warning MS0606: VI_1: both have priority 100: the router with the higher source address wins\n"
                "  fix: set different priorities, for example 150 and 100"});
}

TEST_CASE("the course's pair whose second file lacks a brace is still a pair") {
    CHECK(course("lvs-dr-wrr-master.conf", "lvs-dr-wrr-backup-missing-brace.conf").empty());
}

TEST_CASE("a weight counts against the priority that the other router really has") {
    struct Row {
        int high;
        std::string weight;
        int low;
        bool both_track;
        std::string reported;
    };
    const std::string keeps = ": B does not take over";
    const Row rows[] = {
        {105, "-6", 100, true, ""},
        {105, "-5", 100, true, "105 - 5 = 100, not below the 100 of B" + keeps},
        {100, "20", 110, false, ""},                                               // 120 against 110, then 100
        {100, "20", 90, true, ""},                                                 // 120 against 110, then 100
        {110, "5", 100, true, "115 - 5 = 110, still above the 105 of B" + keeps},  // both gain 5
        {105, "-253", 1, true, "105 - 104 = 1, not below the 1 of B" + keeps},
    };
    for (const Row& row : rows) {
        CAPTURE(row.high);
        CAPTURE(row.weight);
        const std::string a = script(row.weight) + instance("BACKUP", row.high, kTrack);
        const std::string b = row.both_track ? script(row.weight) + instance("BACKUP", row.low, kTrack)
                                             : script(row.weight) + instance("BACKUP", row.low);
        std::string found;
        for (const std::string& line : compared(a, b))
            if (line.contains("falls to ")) found = line;

        if (row.reported.empty())
            CHECK(found.empty());
        else
            CHECK(found.contains(row.reported));
    }
}

TEST_CASE("a failure of the backup's own script that lifts its priority, but not far enough, moves nothing") {
    struct Row {
        int high, low;
        std::string weight, reported;
    };
    const Row rows[] = {
        {110, 100, "-10 reverse", "100 + 10 = 110, which is not above the 110 of A: no takeover follows"},
        {110, 100, "-11 reverse", ""},                                              // 111: B takes over
        {110, 20, "30 reverse", "1 + 19 = 20, which is not above the 110 of A: "},  // 1 is the least priority
        {255, 254, "-5 reverse", ""},  // 254 is the most beside the owner's
    };
    for (const Row& row : rows) {
        CAPTURE(row.weight);
        const std::string b = script(row.weight) + instance("BACKUP", row.low, kTrack);
        std::string found;
        for (const std::string& line : compared(instance("BACKUP", row.high), b))
            if (line.contains("rises to ")) found = line;

        if (row.reported.empty())
            CHECK(found.empty());
        else
            CHECK(found.contains(row.reported));
    }
}

TEST_CASE("two small weights that only move the address together are a note") {
    const std::string scripts =
        "vrrp_script x {\nscript \"/bin/true\"\nweight -3\n}\n"
        "vrrp_script y {\nscript \"/bin/true\"\nweight -3\n}\n";
    const std::string track = "track_script {\nx\ny\n}\n";
    const Lines lines = compared(scripts + instance("MASTER", 105, track), scripts + instance("BACKUP", 100, track));

    REQUIRE(lines.size() == 2);
    CHECK(lines[0].starts_with(
        "A: note MS0609: VI_1: when script x fails, the priority of A falls to 105 - 3 = 102, "
        "still above the 100 of B: B takes over only when other tracked objects fail at the same time\n"));
    CHECK(lines[1].starts_with("A: note MS0609: VI_1: when script y fails"));
}

TEST_CASE("nopreempt on the other router makes a good weight useless") {
    const std::string a = script("-20") + instance("BACKUP", 110, kTrack);
    const std::string b = script("-20") + instance("BACKUP", 100, kTrack + "nopreempt\n");
    const Lines lines = compared(a, b);

    CHECK(lines == Lines{"A, B: note MS0607: VI_1: both have state BACKUP: the priority alone decides, after about "
                         "three missed advertisements",
                         "A, B: warning MS0608: VI_1: nopreempt is only in B, which has the lower priority: A still "
                         "preempts when it returns\n"
                         "  fix: set nopreempt and state BACKUP in A",
                         "B: warning MS0609: VI_1: B has nopreempt: it does not take over from a MASTER whose priority "
                         "has fallen, so the weights of A have no effect\n"
                         "  fix: remove the weight in A: a failure then means FAULT, and the MASTER resigns"});
}

TEST_CASE("a script that only one of them tracks is a warning for the other") {
    CHECK(compared(script("") + instance("MASTER", 150, kTrack), instance("BACKUP", 100)) ==
          Lines{"B: warning MS0609: VI_1: A tracks script chk, B does not: B keeps the addresses when its own service "
                "has failed\n  fix: add it to track_script in B"});
}

TEST_CASE("passwords are compared and never shown") {
    const auto with = [](const std::string& pass) {
        return "authentication {\nauth_type PASS\nauth_pass " + pass + "\n}\n";
    };
    const std::string refused = ": each refuses the other's packets, and both become MASTER\n";

    CHECK(compared(instance("MASTER", 150, with("secret")), instance("BACKUP", 100, with("secret"))).empty());
    CHECK(compared(instance("MASTER", 150, with("secretX1")), instance("BACKUP", 100, with("secretY2"))) ==
          Lines{"A, B: error MS0603: VI_1: the passwords (auth_pass) differ" + refused +
                "  fix: set the same `auth_pass` in both; 8 characters count"});
    CHECK(compared(instance("MASTER", 150, with("secret")), instance("BACKUP", 100)) ==
          Lines{"A, B: error MS0603: VI_1: authentication PASS in A, none in B" + refused +
                "  fix: set the same `auth_type`, in capitals, and the same `auth_pass` in both"});
}

TEST_CASE("what two routers must agree on to hear each other") {
    const std::string a = instance("MASTER", 150);
    const auto first = [&](const std::string& b) { return compared(a, b).at(0); };

    CHECK(compared(a, instance("BACKUP", 100)).empty());
    CHECK(first(instance("BACKUP", 100, "version 3\n"))
              .starts_with("A, B: error MS0602: VI_1: VRRP version 2 in A, 3 in B: each refuses the other's packets"));
    CHECK(first(instance("BACKUP", 100, "advert_int 2\n"))
              .starts_with("A, B: error MS0602: VI_1: advert_int 1 s in A, 2 s in B: each refuses"));
    CHECK(first(instance("BACKUP", 100, "", "VI_1", 52)) ==
          "A, B: error MS0601: VI_1: virtual_router_id 51 in A, 52 in B: they are different virtual routers, and both "
          "become MASTER\n"
          "  fix: set the same virtual_router_id and addresses of the same family in both");
    CHECK(first(instance("BACKUP", 100, "", "VI_1", 51, "10.9.9.10/24"))
              .starts_with("B: error MS0604: VI_1: virtual address 10.9.9.9 is in A only: the other does not take it "
                           "over, and logs an address list mismatch for each packet"));
    CHECK(first(instance("BACKUP", 100, "", "VI_1", 51, "10.9.9.9")) ==
          "A, B: warning MS0604: VI_1: prefix lengths differ: 10.9.9.9/24 in A, 10.9.9.9/32 in B\n"
          "  fix: set the same prefix lengths in both");
    CHECK(first(instance("BACKUP", 100, "virtual_ipaddress_excluded {\n10.8.8.8\n}\n"))
              .starts_with("A: warning MS0604: VI_1: virtual address (excluded) 10.8.8.8 is in B only"));
    CHECK(
        compared(a, a + instance("BACKUP", 100, "", "VI_2", 60, "10.7.7.7"))
            .back()
            .starts_with(
                "A: warning MS0601: VI_2 (virtual_router_id 60, IPv4) is in B only: A never takes over its addresses"));
}

TEST_CASE("vmac_xmit_base in one of two files makes that router deaf for the other") {
    const std::string vmac = "use_vmac\n", base = "use_vmac\nvmac_xmit_base\n";
    const auto of = [](const std::string& a, const std::string& b) {
        const Lines reported = compared(instance("MASTER", 150, a), instance("BACKUP", 100, b));
        return reported.empty() ? std::string{} : reported.at(0);
    };

    CHECK(of(vmac, vmac).empty());
    CHECK(of(base, base).empty());
    CHECK(of(vmac, base) ==
          "A, B: error MS0602: VI_1: vmac_xmit_base in B only: B does not receive what A sends from its VMAC, and both "
          "become MASTER\n  fix: set vmac_xmit_base in both or in neither");
    CHECK(of(base, vmac) ==
          "A, B: warning MS0602: VI_1: vmac_xmit_base in A only: A does not receive what B sends from its VMAC, and "
          "takes "
          "the addresses whenever it starts; while its priority is below that of B there are two MASTERs\n"
          "  fix: set vmac_xmit_base in both or in neither");
    CHECK(of("use_vmac vrrp.51 02:00:00:00:00:99\n", base).empty());
    CHECK_FALSE(of("use_vmac vrrp.51 00:00:5e:00:01:99\n", base).empty());
    CHECK(of(vmac, "").starts_with("B: note MS0602: VI_1: use_vmac in A only: "));
}

TEST_CASE("passwords of IPv6 are not looked at, so that they keep no backup from its master") {
    const auto six = [](const std::string& state, int priority, const std::string& pass) {
        return instance(state + "\nversion 2", priority,
                        "authentication {\nauth_type PASS\nauth_pass " + pass + "\n}\n", "VI_1", 51, "fe80::9");
    };

    CHECK(compared(six("MASTER", 150, "one"), six("BACKUP", 100, "two")) ==
          Lines{"A, B: warning MS0603: VI_1: the passwords (auth_pass) differ; over IPv6 they are not checked, so the "
                "backup stays BACKUP\n  fix: set the same `auth_pass` in both; 8 characters count"});
}

TEST_CASE("the two must not both be first") {
    CHECK(compared(instance("MASTER", 150), instance("MASTER", 100))
              .at(0)
              .starts_with(
                  "A, B: warning MS0607: VI_1: both have state MASTER: both claim the addresses when they start\n"));
    CHECK(compared(instance("MASTER", 100), instance("BACKUP", 150))
              .at(0)
              .starts_with(
                  "A: warning MS0607: VI_1: A has state MASTER, but B has the higher priority (100 in A, 150 in B)"));
    CHECK(compared(instance("MASTER", 255), instance("MASTER", 255))
              .at(0)
              .starts_with("A, B: error MS0606: VI_1: both have priority 255 and own the addresses"));
}

TEST_CASE("preempt_delay works where the priority is higher, and only there") {
    const auto delays = [](const char* first, const char* second) {
        Lines found;
        for (const std::string& line : compared(instance("BACKUP", 150, first), instance("BACKUP", 100, second)))
            if (line.contains("preempt_delay")) found.push_back(line.substr(0, line.find('\n')));
        return found;
    };
    CHECK(delays("preempt_delay 5", "preempt_delay 5").empty());
    CHECK(delays("preempt_delay 5", "").empty());
    CHECK(delays("", "preempt_delay 5") ==
          Lines{"B: note MS0608: VI_1: preempt_delay is only in B, which has the lower priority: it has no effect"});
}

TEST_CASE("unicast peers must name each other") {
    const auto unicast = [](const std::string& source, const std::string& peer) {
        return (source.empty() ? "" : "unicast_src_ip " + source + "\n") + "unicast_peer {\n" + peer + "\n}\n";
    };
    const std::string a = instance("MASTER", 150, unicast("10.0.0.1", "10.0.0.2"));

    CHECK(compared(a, instance("BACKUP", 100, unicast("10.0.0.2", "10.0.0.1"))).empty());
    CHECK(
        compared(a, instance("BACKUP", 100, unicast("10.0.0.3", "10.0.0.1"))) ==
        Lines{"A: error MS0605: VI_1: B sends from 10.0.0.3, which is not among the peers of A: A does not send to it\n"
              "  fix: add 10.0.0.3 to unicast_peer of A"});
    CHECK(compared(a, instance("BACKUP", 100, unicast("10.0.0.2", "10.0.0.2"))).at(0) ==
          "B: warning MS0605: VI_1: B lists its own address 10.0.0.2 as a peer\n"
          "  fix: unicast_peer lists the other routers: set the address of A");
    CHECK(compared(a, instance("BACKUP", 100, unicast("", "10.0.0.1")))
              .at(0)
              .starts_with(
                  "B: note MS0605: VI_1: B has no unicast_src_ip: whether A lists it as a peer cannot be checked"));
    CHECK(
        compared(a, instance("BACKUP", 100))
            .at(0)
            .starts_with(
                "A, B: error MS0605: VI_1: unicast in A, multicast in B: neither receives the other's advertisements"));
    CHECK(compared(a, a).at(0).starts_with("A, B: error MS0605: VI_1: both send from 10.0.0.1"));
}

TEST_CASE("sync groups must hold the same instances") {
    const auto two = [](const std::string& state, int priority) {
        return instance(state, priority) + instance(state, priority, "", "VI_2", 52, "10.8.8.8");
    };
    const std::string grouped = "vrrp_sync_group G {\ngroup {\nVI_1\nVI_2\n}\n}\n";

    CHECK(compared(grouped + two("MASTER", 150), grouped + two("BACKUP", 100)).empty());
    CHECK(compared(grouped + two("MASTER", 150), two("BACKUP", 100)).at(0) ==
          "B: warning MS0610: VI_1: it is in a sync group in A only: in B it fails over without the others\n"
          "  fix: set the same vrrp_sync_group in both");
}

TEST_CASE("the virtual servers must be the same") {
    const auto service = [](const std::string& algorithm, const std::string& kind, const std::string& servers) {
        return "virtual_server 10.9.9.9 80 {\nlb_algo " + algorithm + "\nlb_kind " + kind + "\nprotocol TCP\n" +
               servers + "}\n";
    };
    const auto server = [](const std::string& address, int weight) {
        return "real_server " + address + " 80 {\nweight " + std::to_string(weight) + "\n}\n";
    };
    const std::string a = service("wrr", "DR", server("10.1.1.1", 1) + server("10.1.1.2", 2));

    CHECK(compared(a, a) == Lines{"A, B: note MS0601: neither file has a vrrp_instance"});
    CHECK(compared(a, service("rr", "NAT", server("10.1.1.1", 5) + server("10.1.1.3", 2))) ==
          Lines{"A, B: note MS0601: neither file has a vrrp_instance",
                "A, B: warning MS0611: virtual_server [10.9.9.9]:tcp:80: lb_algo wrr in A, rr in B\n"
                "  fix: set the same value in both",
                "B: warning MS0611: virtual_server [10.9.9.9]:tcp:80: real_server 10.1.1.2:80 is in A only\n"
                "  fix: add it to B",
                "A: warning MS0611: virtual_server [10.9.9.9]:tcp:80: real_server 10.1.1.3:80 is in B only\n"
                "  fix: add it to A",
                "A, B: warning MS0611: virtual_server [10.9.9.9]:tcp:80: forwarding to 10.1.1.1:80: DR in A, NAT in B\n"
                "  fix: set the same lb_kind in both",
                "A, B: warning MS0611: virtual_server [10.9.9.9]:tcp:80: weight of 10.1.1.1:80: 1 in A, 5 in B\n"
                "  fix: set the same weight in both"});
    const std::string flags = service("sh", "DR", server("10.1.1.1", 1));
    std::string port = flags;
    port.insert(port.find("lb_kind"), "sh-port\n");
    CHECK(compared(flags, port).at(1) ==
          "A, B: warning MS0611: virtual_server [10.9.9.9]:tcp:80: scheduler flags 0 in A, 16 in B\n"
          "  fix: set the same value in both");
    CHECK(compared(port, service("rr", "DR", server("10.1.1.1", 1))).size() == 2);
    CHECK(compared(a, "global_defs {\nrouter_id b\n}\n").back() ==
          "B: error MS0611: virtual_server [10.9.9.9]:tcp:80 is in A only: clients get no service while B is MASTER\n  "
          "fix: add it to B");
}

TEST_CASE("one owner of the addresses is no fault, two are") {
    const auto owners = [](int a, int b) {
        Lines lines = compared(instance("BACKUP", a), instance("BACKUP", b));
        std::erase_if(lines, [](const std::string& line) { return !line.contains("255"); });
        return lines.size();
    };
    CHECK(owners(255, 255) == 1);
    CHECK(owners(255, 100) == 0);
    CHECK(owners(100, 255) == 0);
}

TEST_CASE("servers that differ in one way are one finding, which says how many more there are") {
    const auto service = [](int servers, const char* weight) {
        std::string text = "virtual_server 10.9.9.9 80 {\nlb_algo rr\nlb_kind DR\nprotocol TCP\n";
        for (int i = 1; i <= servers; ++i)
            text += "real_server 10.1.1." + std::to_string(i) + " 80 {\nweight " + weight + "\n}\n";
        return text + "}\n";
    };
    const auto reported = [&](int servers) {
        Lines lines = compared(service(servers, "1"), service(servers, "2"));
        std::erase_if(lines, [](const std::string& line) { return !line.contains("weight of"); });
        return lines;
    };
    REQUIRE(reported(1).size() == 1);
    CHECK_FALSE(reported(1)[0].contains("more servers"));
    REQUIRE(reported(4).size() == 1);
    CHECK(reported(4)[0].contains("(and 3 more servers)"));
}
