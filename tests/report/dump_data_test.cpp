// The dumps of keepalived.data and its siblings, whole and in the corners.
#include <cstdlib>
#include <ctime>
#include <sstream>

#include <fmt/format.h>

#include "../golden.hpp"
#include "dump_scene.hpp"

using namespace mainstay;
using namespace mainstay::report;
using namespace mainstay::test;

namespace {

// The part of a dump from this section's header up to the next one.
std::string section_of(const std::string& dump, const std::string& name) {
    const auto from = dump.find("------< " + name + " >------\n");
    REQUIRE(from != std::string::npos);
    return dump.substr(from, dump.find("------< ", from + 1) - from);
}

}  // namespace

TEST_CASE("a director's data are dumped in keepalived's sections, without a secret") {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    const DumpScene scene;
    const auto text = dump_data(scene.source);
    CHECK(text == golden("dump_data.txt"));
    CHECK(text.find("s3cret") == std::string::npos);
    CHECK(text.find("hidden") == std::string::npos);
}

TEST_CASE("without the vrrp role the configuration is dumped, and no state") {
    DumpScene scene;
    const auto running = dump_data(scene.source);
    scene.source.vrrp = nullptr;
    const auto text = dump_data(scene.source);
    CHECK(section_of(text, "VRRP Topology") == "------< VRRP Topology >------\n");
    CHECK(section_of(text, "VRRP Track BFDs").find("   Bfd is up") == std::string::npos);
    CHECK(section_of(text, "VRRP Scripts").find("Status = GOOD") == std::string::npos);
    CHECK(section_of(text, "VRRP Scripts").find("Tracking instances") == std::string::npos);
    CHECK(section_of(text, "VRRP Sync groups")
              .starts_with("------< VRRP Sync groups >------\n VRRP Sync Group = G1, INIT\n"));
    CHECK(section_of(text, "VRRP Track files").find("   Status = 0\n   Weight = 3 reverse\n") != std::string::npos);
    CHECK(section_of(text, "VRRP Track processes").find("   Current processes = 0\n   Have quorum = false\n") !=
          std::string::npos);
    for (const char* same : {"Static Routes", "Static Track groups", "VRRP Sockpool"})
        CHECK(section_of(text, same) == section_of(running, same));
}

TEST_CASE("mail settings that are not given are dumped as what is used, where there is a mail server") {
    const std::string instance =
        "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\n10.9.9.9\n}\n}\n";
    const auto mail_lines = [&](const std::string& settings) {
        const DumpScene scene{"global_defs {\n" + settings + "}\n" + instance};
        const auto text = dump_data(scene.source);
        const auto from = text.find(" Router ID"), to = text.find(" Default smtp_alert");
        return text.substr(from, to - from);
    };
    CHECK(mail_lines("notification_email {\na@example.com\n}\n") == " Router ID = vm\n");
    CHECK(mail_lines("smtp_server 192.168.4.1\nnotification_email {\na@example.com\n}\n") ==
          " Router ID = vm\n Smtp server = 192.168.4.1\n Smtp server port = 25\n Smtp HELO name = vm\n"
          " Smtp server connection timeout = 30\n Email notification from = root@vm\n Email notification to:\n"
          "   a@example.com\n");
}

TEST_CASE("the network namespace that is dumped is that of the command line, else the configuration's") {
    DumpScene scene{"net_namespace blue\nvrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\n}\n"};
    CHECK(dump_data(scene.source).find(" Network namespace = blue\n") != std::string::npos);
    scene.source.net_namespace = "red";
    CHECK(dump_data(scene.source).find(" Network namespace = red\n") != std::string::npos);
}

TEST_CASE("an instance whose source address is not there has one fault, as keepalived counts") {
    DumpScene scene;
    scene.status.router.instances[0].faults = {{.what = vrrp::Fault::What::Other, .name = {}, .value = "no source"}};
    CHECK(dump_data(scene.source).find("   Number of interface and track script faults = 1\n") != std::string::npos);
}

TEST_CASE("the state of an instance that is not configured is left out") {
    DumpScene scene;
    scene.status.router.instances = {{.name = "VI_9"}};
    CHECK(section_of(dump_data(scene.source), "VRRP Topology") == "------< VRRP Topology >------\n");
}

TEST_CASE("the addresses of a master that does not own them are not said to be set") {
    DumpScene scene;
    scene.status.router.instances[0].owns_addresses = false;
    CHECK(dump_data(scene.source).find("     192.168.4.201 dev eth1 scope site\n") != std::string::npos);
    scene.status.router.instances[0].owns_addresses = true;
    scene.status.router.instances[0].state = vrrp::State::Backup;
    CHECK(dump_data(scene.source).find("     192.168.4.201 dev eth1 scope site\n") != std::string::npos);
}

TEST_CASE("what is not configured is not dumped, nor a section without entries") {
    const DumpScene scene{
        "vrrp_instance VI_1 {\nstate BACKUP\ninterface eth0\nvirtual_router_id 51\n"
        "virtual_ipaddress {\n10.9.9.9\n}\n}\n"};
    const auto text = dump_data(scene.source);
    for (const char* absent : {"Excluded", "Routes :", "Rules :", "Unicast", "Tracked", "transition script",
                               "Sync group", "Preempt delay", "Master router", "Password", "Kernel rx", "Debug"})
        CHECK(section_of(text, "VRRP Topology").find(absent) == std::string::npos);
    CHECK(
        text.ends_with("------< VRRP Sockpool >------\n   Interface = eth0\n   Family = IPv4\n   Protocol = VRRP\n"
                       "   Type = Multicast\n   Rx buf size = 0\n   VRRP instances\n     VI_1 vrid 51\n"
                       "------< Interfaces >------\n Name = eth0\n"));
    CHECK(text.find("Static") == std::string::npos);
}

TEST_CASE("a script has a result between 0 and rise + fall - 1, and a state that exporters know") {
    DumpScene scene;
    auto& chk = scene.status.router.scripts[0];
    REQUIRE(chk.name == "chk");  // rise 6, fall 7
    struct {
        bool known, up, running;
        std::uint32_t streak;
        const char *result, *init, *status, *state;
    } const rows[] = {{false, false, true, 0, "0", "INIT", "BAD", "running"},
                      {true, true, false, 0, "12", "unknown", "GOOD", "idle"},
                      {true, true, false, 6, "6", "unknown", "GOOD", "idle"},
                      {true, false, true, 5, "5", "unknown", "BAD", "running"}};
    for (const auto& row : rows) {
        chk.known = row.known, chk.up = row.up, chk.running = row.running, chk.streak = row.streak;
        const auto text = dump_data(scene.source);
        CAPTURE(row.result);
        CHECK(text.find(fmt::format("   Fall = 7\n   Result = {}\n   Insecure = no\n   Init state = {}\n"
                                    "   Status = {}\n   VRRP instances :\n",
                                    row.result, row.init, row.status)) != std::string::npos);
        CHECK(section_of(text, "VRRP Scripts").find(fmt::format("   State = {}\n VRRP Script = rev\n", row.state)) !=
              std::string::npos);
    }
}

TEST_CASE("up to the virtual addresses each line of an instance has a value, because a reader ends at one without") {
    DumpScene scene;
    const auto text = section_of(dump_data(scene.source), "VRRP Topology");
    auto from = text.find(" VRRP Instance = ");
    std::size_t instances = 0;
    while (from != std::string::npos) {
        const auto to = text.find("   Virtual IP", from);
        REQUIRE(to != std::string::npos);
        std::istringstream lines{text.substr(from, to - from)};
        for (std::string line; std::getline(lines, line);) CHECK(line.find(" = ") != std::string::npos);
        from = text.find(" VRRP Instance = ", to);
        ++instances;
    }
    CHECK(instances == scene.status.router.instances.size());
}

TEST_CASE("the next deadline is dumped by the wall clock, and a backup's master-down time") {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    DumpScene scene{
        "vrrp_instance VI_1 {\nstate BACKUP\ninterface eth0\nvirtual_router_id 51\npriority 100\n"
        "virtual_ipaddress {\n10.9.9.9\n}\n}\n"};
    auto& now = scene.status.router.instances;
    now = {{.name = "VI_1", .effective_priority = 100, .state = vrrp::State::Backup}};
    now[0].deadline = Instant{Seconds{100}};
    scene.source.now = Instant{Seconds{98}};
    scene.source.wall = {1'795'163'800'500'000};
    const auto text = dump_data(scene.source);
    CHECK(text.find("   Read timeout = 1795163802.500000 (Fri Nov 20 08:36:42.500000 2026)\n"
                    "   Master down timer = 3609375 usecs\n") != std::string::npos);
    now[0].state = vrrp::State::Fault;
    CHECK(dump_data(scene.source).find("   Read timeout = DISABLED\n") != std::string::npos);
}

TEST_CASE("a backup that has heard no master names none") {
    DumpScene scene;
    scene.status.router.instances[1].master = {};
    CHECK(dump_data(scene.source).find("Master router") == std::string::npos);
}

TEST_CASE("routes and rules are written as keepalived writes them") {
    DumpScene scene{R"(static_routes {
    10.9.0.0/16 via 192.168.4.1 dev eth0
    10.21.0.0/16 src 192.168.4.200 via 192.168.4.1 dev eth0 metric 9 no_track
    10.32.0.0/16 via 192.168.4.1 dev eth0 onlink rtt 30ms mtu 1400 advmss 1360 realms 1/2 features ecn congctl cubic
    unreachable 10.34.0.0/16 metric 50
    default via 192.168.4.1 dev eth0 table 77
    fd00:9::/64 via fd00:4::1 dev eth0 pref high expires 100
}
static_rules {
    from 10.12.0.0/16 table 100 priority 1200
    not to 10.40.0.0/16 table 40 priority 100 no_track
    fwmark 8/0xff tos 8 iif eth0 oif eth1 goto 32766 priority 103
    from 10.49.0.0/16 ipproto tcp sport 100-200 dport 80-81 table 45 priority 113
    from 10.43.0.0/16 unreachable priority 106
}
vrrp_instance VI_1 {
    state BACKUP
    interface eth0
    virtual_router_id 51
    virtual_ipaddress {
        10.9.9.9
    }
}
)"};
    const auto text = dump_data(scene.source);
    CHECK(section_of(text, "Static Routes") ==
          "------< Static Routes >------\n"
          "     prepend 10.9.0.0/16 via inet 192.168.4.1 dev eth0 proto 18\n"
          "     prepend 10.21.0.0/16 src 192.168.4.200 via inet 192.168.4.1 dev eth0 metric 9 no_track\n"
          "     prepend 10.32.0.0/16 via inet 192.168.4.1 dev eth0 proto 18 onlink realms 1/2 congctl cubic rtt 30ms "
          "features ecn mtu 1400 advmss 1360\n"
          "     add unreachable 10.34.0.0/16 proto 18 metric 50 no_track\n"
          "     prepend 0.0.0.0/0 via inet 192.168.4.1 dev eth0 table 77 proto 18\n"
          "     prepend fd00:9::/64 via inet6 fd00:4::1 dev eth0 proto 18 expires 100sec pref high\n");
    CHECK(section_of(text, "Static Rules") ==
          "------< Static Rules >------\n"
          "     from 10.12.0.0/16 priority 1200 tos 0x0 protocol 18 lookup 100\n"
          "     not from all to 10.40.0.0/16 priority 100 tos 0x0 lookup 40 no_track\n"
          "     from all priority 103 tos 0x8 fwmark 0x8/0xff iif eth0 oif eth1 protocol 18 goto 32766\n"
          "     from 10.49.0.0/16 priority 113 tos 0x0 protocol 18 ipproto 6 sport 100-200 dport 80-81 lookup 45\n"
          "     from 10.43.0.0/16 priority 106 tos 0x0 protocol 18 type unreachable\n");
}
