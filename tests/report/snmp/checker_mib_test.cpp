// The section of KEEPALIVED-MIB with virtual and real servers, table by table.
#include <doctest/doctest.h>

#include "../../golden.hpp"
#include "shown.hpp"

using namespace mainstay;
using namespace mainstay::test;
using namespace mainstay::report;

namespace {

constexpr const char* kServices = R"(virtual_server_group GRP {
    10.0.2.1 80
}
virtual_server 10.0.1.1 80 {
    delay_loop 6.5
    lb_algo wrr
    lb_kind TUN type gue port 6080
    protocol TCP
    persistence_timeout 50
    persistence_granularity 255.255.255.0
    ha_suspend
    alpha
    omega
    quorum 3
    hysteresis 2
    quorum_up "/bin/true up"
    quorum_down "/bin/true 'd n'"
    retry 4
    delay_before_retry 2.5
    warmup 3.5
    connect_timeout 7.5
    weight 8
    inhibit_on_failure
    smtp_alert
    snmp_name shop
    sorry_server 10.0.9.1 81
    sorry_server_lvs_method DR
    real_server 10.0.1.11 8080 {
        weight 5
        uthreshold 100
        lthreshold 90
        notify_up "/bin/true rs up"
        notify_down "/bin/true rs down"
        snmp_name till
        retry 14
        delay_before_retry 12.5
        warmup 13.5
        connect_timeout 17.5
        delay_loop 16.5
        TCP_CHECK {
        }
    }
    real_server 10.0.1.12 8080 {
        inhibit_on_failure off
        smtp_alert off
        lvs_method DR
        TCP_CHECK {
            connect_timeout 1
        }
    }
    real_server 10.0.1.13 8080 {
        lvs_method NAT
        TCP_CHECK {
        }
    }
}
virtual_server fwmark 5 {
    ip_family inet6
    lb_algo sh
    hashed
    sh-port
    sh-fallback
    flag-3
    lb_kind DR
    persistence_timeout 60
    persistence_granularity 64
    real_server 2001:db8::11 0 {
    }
}
virtual_server group GRP {
    lb_algo nosuch
    lb_kind NAT
    protocol UDP
    ops
    real_server 10.0.2.11 53 {
    }
}
virtual_server 10.0.4.1 90 {
    lb_algo mh
    protocol SCTP
    lb_kind NAT
    real_server 10.0.4.11 90 {
    }
}
)";

report::LvsStatus lvs_status() {
    report::LvsStatus status;
    report::ServiceStatus one;
    one.name = "[10.0.1.1]:tcp:80";
    one.quorum_up = true;
    one.servers.resize(3);
    one.servers[0].name = "[10.0.1.11]:tcp:8080";
    one.servers[0].weight = 55;
    one.servers[0].checks = {{.up = false}, {.up = true}, {.up = false}};
    one.servers[1].name = "[10.0.1.12]:tcp:8080";
    one.servers[1].alive = false;
    one.servers[2].name = "[10.0.1.13]:tcp:8080";
    report::ServiceStatus two;
    two.name = "FWM 5";
    two.servers.resize(1);
    status.services = {two, one};
    netlink::IpvsStats stats;
    std::uint64_t number = 1000;
    for (auto* value : {&stats.connections, &stats.in_packets, &stats.out_packets, &stats.in_bytes, &stats.out_bytes})
        *value = number++;
    stats.cps = 1, stats.in_pps = 2, stats.out_pps = 3, stats.in_bps = 4, stats.out_bps = 5;
    auto other = stats;
    other.connections = 2000;
    auto sorry = stats;
    sorry.connections = 3000;
    status.traffic = {{}, {.stats = stats, .servers = {{other, 21, 22, 23}}, .sorry_server = {sorry, 31, 32, 33}}};
    return status;
}

struct CheckerScene {
    config::Config config;
    report::VrrpStatus status;
    report::LvsStatus lvs = lvs_status();
    std::map<std::string, SnmpLink> links;
    std::vector<config::VirtualServer> former;
    explicit CheckerScene(std::string text = kServices) : config{read(std::move(text))} {}
    [[nodiscard]] SnmpFacts facts() const {
        return {config, status, lvs, links, "mainstay v1", "LVS_9", {}, {}, {}, {}, former};
    }
    [[nodiscard]] SnmpView view() const { return snmp_view({.checker = true}, facts()); }
    [[nodiscard]] std::string table(std::uint32_t number) const {
        return rows(view(), kKeepalivedMib + Oid{3, number, 1});
    }
    [[nodiscard]] std::string traps(Event::Kind kind, const char* name, const char* parent, const char* state) const {
        return shown(snmp_checker_traps(
            {.checker = true, .traps = true}, facts(),
            {.kind = kind, .name = name, .parent = parent, .transition = transition_from(state).value()}));
    }
};

}  // namespace

TEST_CASE("services and servers stand in KEEPALIVED-MIB with their settings, states and traffic") {
    const CheckerScene scene;
    CHECK(scene.table(3) + scene.table(4) == golden("checker_mib.txt"));
    CHECK(scalars(scene.view(), kKeepalivedMib + Oid{3, 6}) == "1=I2");
    CHECK(scalars(scene.view(), kKeepalivedMib + Oid{3, 7}).empty());
}

TEST_CASE("what checks inherit is the server's own setting, else the service's, else the default") {
    // effect: virtual_server: retry delay_before_retry warmup connect_timeout weight
    // effect: virtual_server/real_server: retry delay_before_retry warmup connect_timeout delay_loop
    const auto columns = [](const std::string& lines, const std::string& server) {
        const CheckerScene scene{"virtual_server 10.0.1.1 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n" + lines +
                                 "real_server 10.0.1.11 80 {\n" + server + "}\n}\n"};
        const auto service = scene.table(3), real = scene.table(4);
        return service.substr(service.find(" 57="), service.find(" 61=") - service.find(" 57=")) + "|" +
               service.substr(service.find(" 64="), service.find('\n') - service.find(" 64=")) + "|" +
               real.substr(real.find(" 43="), real.find('\n') - real.find(" 43="));
    };
    CHECK(columns("", "") ==
          " 57=G0 58=G0 59=G0 60=I1| 64=G60000000 65=G0 66=G0 67=G5000000|"
          " 43=G0 44=G0 45=G0 46=G60 47=I1 48=G0 49=G0 50=G60000000 51=G5000000");
    CHECK(columns("retry 4\ndelay_before_retry 2\nwarmup 3\nconnect_timeout 7\nweight 8\ndelay_loop 9\n", "") ==
          " 57=G4 58=G2 59=G3 60=I8| 64=G9000000 65=G2000000 66=G3000000 67=G7000000|"
          " 43=G4 44=G2 45=G3 46=G9 47=I1 48=G2000000 49=G3000000 50=G9000000 51=G7000000");
    CHECK(columns("retry 4\n", "retry 5\ndelay_before_retry 1.5\nwarmup 2.5\nconnect_timeout 3.5\ndelay_loop 4.5\n") ==
          " 57=G4 58=G0 59=G0 60=I1| 64=G60000000 65=G0 66=G0 67=G5000000|"
          " 43=G5 44=G1 45=G2 46=G4 47=I1 48=G1500000 49=G2500000 50=G4500000 51=G3500000");
}

TEST_CASE("before the state of a service is known its quorum is the one that its weights can reach") {
    CheckerScene scene;
    scene.lvs = {};
    scene.config.virtual_servers[0].quorum = 100;
    scene.config.virtual_servers[0].hysteresis = 100;
    CHECK(scene.table(3).find(" 21=G0 22=G21 ") != std::string::npos);  // weights 5, 8 and 8
    CHECK(scene.table(3).find(" 26=G20 ") != std::string::npos);
    CHECK(scene.traps(Event::Kind::VirtualServer, "[10.0.1.1]:tcp:80", "", "UP").find(".22=G21 ") != std::string::npos);
}

TEST_CASE("the connection synchronisation and its timeouts are scalars") {
    // effect: global_defs: lvs_sync_daemon lvs_timeouts
    const auto of = [](const std::string& lines) {
        const CheckerScene scene{"global_defs {\n" + lines +
                                 "}\nvrrp_instance VI_1 {\nstate BACKUP\ninterface eth0\nvirtual_router_id 51\n"
                                 "virtual_ipaddress {\n10.9.9.9\n}\n}\n"};
        return scalars(scene.view(), kKeepalivedMib + Oid{3, 6}) + "|" +
               scalars(scene.view(), kKeepalivedMib + Oid{3, 7});
    };
    CHECK(of("") == "1=I2|");
    CHECK(of("lvs_sync_daemon eth6 VI_1 id 3\n") == "1=I1 2='eth6' 3='VI_1' 4=I3 5=I0 6=I0 7=I0|");
    CHECK(of("lvs_sync_daemon eth6 inst VI_1\n") == "1=I1 2='eth6' 3='VI_1' 4=I51 5=I0 6=I0 7=I0|");
    CHECK(of("lvs_sync_daemon eth6 VI_1 id 3 maxlen 1400 port 8899 ttl 3 group 224.0.0.88\n") ==
          "1=I1 2='eth6' 3='VI_1' 4=I3 5=I1400 6=I8899 7=I3 8=I1 9=xe0000058|");
    CHECK(of("lvs_timeouts tcp 901 tcpfin 31 udp 61\n") == "1=I2|1=I901 2=I31 3=I61");
    CHECK(of("lvs_timeouts udp 61\n") == "1=I2|3=I61");
}

TEST_CASE("groups are numbered in their order, with their marks first") {
    const CheckerScene scene{
        "virtual_server_group g1 {\n10.1.0.8-9 54\n10.1.0.2 53\nfwmark 77\n}\nvirtual_server_group g2 {\n"
        "2001:db8::1 53\nfwmark 5\n10.1.0.0/31 54\n}\nvirtual_server group g1 {\nlb_algo rr\nlb_kind NAT\nprotocol "
        "UDP\n"
        "real_server 10.1.1.1 53 {\n}\n}\n"};
    CHECK(scene.table(1) == "1: 2='g1'\n2: 2='g2'\n");
    CHECK(scene.table(2) ==
          "1.1: 2=I1 3=G77\n"
          "1.2: 2=I3 4=I1 6=x0a010008 7=x0a010009 8=G54\n"
          "1.3: 2=I2 4=I1 5=x0a010002 8=G53\n"
          "2.1: 2=I1 3=G5\n"
          "2.2: 2=I2 4=I2 5=x20010db8000000000000000000000001 8=G53\n"
          "2.3: 2=I3 4=I1 6=x0a010000 7=x0a010001 8=G54\n");
}

TEST_CASE("a tunnel's port and checksum, and a host name, are shown of a service and of each server that has them") {
    const CheckerScene scene{
        "virtual_server 10.0.1.1 80 {\nlb_algo rr\nlb_kind TUN type gue port 6080 remcsum\nprotocol TCP\n"
        "virtualhost a.example.com\nsorry_server 10.0.9.1 80\nsorry_server_lvs_method TUN type gue port 99\n"
        "real_server 10.0.1.11 80 {\n}\nreal_server 10.0.1.12 80 {\nlvs_method TUN type gre csum\n"
        "virtualhost b.example.com\n}\nreal_server 10.0.1.13 80 {\nlvs_method TUN\n}\n"
        "real_server 10.0.1.14 80 {\nlvs_method DR\n}\n}\n"};
    const auto columns = [](const std::string& text, std::initializer_list<const char*> wanted) {
        std::string all;
        for (std::size_t line = 0; line < text.size(); line = text.find('\n', line) + 1) {
            const auto one = text.substr(line, text.find('\n', line) - line);
            for (const char* column : wanted)
                if (const auto at = one.find(column); at != std::string::npos)
                    all += one.substr(at, one.find(' ', at + 1) - at);
            all += ";";
        }
        return all;
    };
    CHECK(columns(scene.table(3), {" 12=", " 68=", " 69=", " 70="}) == " 12='a.example.com' 68=I2 69=G6080 70=I3;");
    CHECK(columns(scene.table(4), {" 41=", " 52=", " 53=", " 54="}) ==
          " 52=I2 53=G99 54=I1; 52=I2 53=G6080 54=I3; 41='b.example.com' 52=I3 54=I2; 52=I1;;");
}

TEST_CASE("each scheduler and each kind of forwarding has its number") {
    CheckerScene scene{
        "virtual_server 10.0.1.1 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nreal_server 10.0.1.11 80 {\n}\n}\n"};
    auto& service = scene.config.virtual_servers[0];
    const auto column = [&](const char* from) {
        const auto text = scene.table(3);
        return text.substr(text.find(from) + std::string{from}.size(),
                           text.find(' ', text.find(from) + 1) - text.find(from) - std::string{from}.size());
    };
    int number = 0;
    for (const char* name :
         {"rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh", "twos"}) {
        service.scheduler = name;
        CHECK(column(" 9=") == "I" + std::to_string(++number));
    }
    service.scheduler = "other";
    CHECK(column(" 9=") == "I99");
    using config::Forwarding;
    for (const auto& [kind, shown] : {std::pair{Forwarding::Nat, "I1"}, std::pair{Forwarding::DirectRoute, "I2"},
                                      std::pair{Forwarding::Tunnel, "I3"}}) {
        service.real_servers[0].forwarding = kind;
        CHECK(column(" 10=") == shown);
    }
    for (const auto& [type, shown] :
         {std::pair{config::Tunnel::Type::Ipip, "I1"}, std::pair{config::Tunnel::Type::Gre, "I3"}}) {
        service.real_servers[0].tunnel = config::Tunnel{.type = type};
        const auto text = scene.table(3);
        CHECK(text.substr(text.find(" 68=") + 4, 2) == shown);
    }
    service.real_servers.clear();
    CHECK(column(" 10=") == "I1");
}

TEST_CASE("a change of a server is a trap with the state that the event has") {
    const CheckerScene scene;
    const std::string service =
        " 1.3.6.1.4.1.9586.100.5.3.3.1.2=I2 1.3.6.1.4.1.9586.100.5.3.3.1.5=I1"
        " 1.3.6.1.4.1.9586.100.5.3.3.1.6=x0a000101 1.3.6.1.4.1.9586.100.5.3.3.1.7=G80"
        " 1.3.6.1.4.1.9586.100.5.3.3.1.8=I1";
    const std::string router = " 1.3.6.1.4.1.9586.100.5.1.2.0='LVS_9'\n";
    const auto server = [](const char* address, const char* port, const char* up) {
        return std::string{"1.3.6.1.4.1.9586.100.5.3.5.0.1 1.3.6.1.4.1.9586.100.5.3.4.1.3=I1"} +
               " 1.3.6.1.4.1.9586.100.5.3.4.1.4=" + address + " 1.3.6.1.4.1.9586.100.5.3.4.1.5=" + port +
               " 1.3.6.1.4.1.9586.100.5.3.4.1.6=" + up;
    };
    const auto alive = [](const char* count) {
        return std::string{" 1.3.6.1.4.1.9586.100.5.3.3.1.21="} + count + " 1.3.6.1.4.1.9586.100.5.3.3.1.20=G3";
    };
    constexpr const char* kService = "[10.0.1.1]:tcp:80";
    using Kind = Event::Kind;
    CHECK(scene.traps(Kind::RealServer, "[10.0.1.13]:tcp:8080", kService, "DOWN") ==
          server("x0a00010d", "G8080", "I2") + service + alive("G1") + router);
    CHECK(scene.traps(Kind::RealServer, "[10.0.1.13]:tcp:8080", kService, "UP") ==
          server("x0a00010d", "G8080", "I1") + service + alive("G2") + router);
    CHECK(scene.traps(Kind::VirtualServer, kService, "", "DOWN") ==
          "1.3.6.1.4.1.9586.100.5.3.5.0.2" + service +
              " 1.3.6.1.4.1.9586.100.5.3.3.1.23=I2 1.3.6.1.4.1.9586.100.5.3.3.1.22=G3" + alive("G2") + router);
    CHECK(scene.traps(Kind::VirtualServer, "FWM 5", "", "UP") ==
          "1.3.6.1.4.1.9586.100.5.3.5.0.2 1.3.6.1.4.1.9586.100.5.3.3.1.2=I1 1.3.6.1.4.1.9586.100.5.3.3.1.4=G5"
          " 1.3.6.1.4.1.9586.100.5.3.3.1.8=I0 1.3.6.1.4.1.9586.100.5.3.3.1.23=I1"
          " 1.3.6.1.4.1.9586.100.5.3.3.1.22=G1 1.3.6.1.4.1.9586.100.5.3.3.1.21=G1"
          " 1.3.6.1.4.1.9586.100.5.3.3.1.20=G1" +
              router);
    CHECK(
        scene.traps(Kind::VirtualServer, "[GRP]:0", "", "UP")
            .starts_with(
                "1.3.6.1.4.1.9586.100.5.3.5.0.2 1.3.6.1.4.1.9586.100.5.3.3.1.2=I3 1.3.6.1.4.1.9586.100.5.3.3.1.3='GRP'"
                " 1.3.6.1.4.1.9586.100.5.3.3.1.8=I2 "));
    CHECK(scene.traps(Kind::RealServer, "[2001:db8::11]:none:0", "FWM 5", "UP")
              .starts_with("1.3.6.1.4.1.9586.100.5.3.5.0.1 1.3.6.1.4.1.9586.100.5.3.4.1.3=I2 "));
}

TEST_CASE("what is no event of a configured service or server is no trap, nor is one without its switches") {
    const CheckerScene scene;
    constexpr const char* kService = "[10.0.1.1]:tcp:80";
    using Kind = Event::Kind;
    CHECK(scene.traps(Kind::RealServer, "[10.0.1.99]:tcp:8080", kService, "DOWN").empty());
    CHECK(scene.traps(Kind::RealServer, "[10.0.1.13]:tcp:8080", "[10.0.1.9]:tcp:80", "DOWN").empty());
    CHECK(scene.traps(Kind::VirtualServer, "[10.0.1.9]:tcp:80", "", "DOWN").empty());
    CHECK(scene.traps(Kind::Instance, kService, "", "UP").empty());
    const Event event{.kind = Kind::VirtualServer, .name = kService, .transition = Transition::Up};
    CHECK(snmp_checker_traps({.checker = true, .traps = false}, scene.facts(), event).empty());
    CHECK(snmp_checker_traps({.vrrp = true, .traps = true}, scene.facts(), event).empty());
    CHECK(snmp_checker_traps({.checker = true, .traps = true}, scene.facts(), event).size() == 1);
}

TEST_CASE("what is only mailed is no trap") {
    const CheckerScene scene;
    Event event{.kind = Event::Kind::RealServer, .name = "[10.0.1.13]:tcp:8080", .parent = "[10.0.1.1]:tcp:80"};
    event.transition = Transition::Up;
    CHECK(snmp_checker_traps({.checker = true, .traps = true}, scene.facts(), event).size() == 1);
    event.notify = false;
    CHECK(snmp_checker_traps({.checker = true, .traps = true}, scene.facts(), event).empty());
}

TEST_CASE("what a reload removed is known until the next one: its events may come after the reload") {
    CheckerScene scene;
    constexpr const char* kService = "[10.0.1.1]:tcp:80";
    using Kind = Event::Kind;
    const auto before = scene.config.virtual_servers[0];
    scene.config.virtual_servers[0].real_servers.pop_back();
    CHECK(scene.traps(Kind::RealServer, "[10.0.1.13]:tcp:8080", kService, "DOWN").empty());
    scene.former = {before};
    auto trap = scene.traps(Kind::RealServer, "[10.0.1.13]:tcp:8080", kService, "DOWN");
    CHECK(trap.find(".4.1.6=I2 ") != std::string::npos);
    CHECK(trap.find(".3.1.20=G3 ") != std::string::npos);
    scene.config.virtual_servers.erase(scene.config.virtual_servers.begin());
    scene.lvs.services.pop_back();
    trap = scene.traps(Kind::VirtualServer, kService, "", "DOWN");
    CHECK(trap.find(".3.1.23=I2 ") != std::string::npos);
    CHECK(trap.find(".3.1.21=G0 ") != std::string::npos);
    CHECK(scene.traps(Kind::RealServer, "[10.0.1.13]:tcp:8080", kService, "DOWN").find(".4.1.6=I2 ") !=
          std::string::npos);
}

TEST_CASE("a stop takes all servers and services down, with omega and without") {
    // As keepalived 2.2.7: each server that is up, then the quorum of its service as shutting down.
    CheckerScene scene;
    const auto traps = [&] {
        std::string brief;
        for (const auto& trap : snmp_stop_traps({.checker = true, .traps = true}, scene.facts())) {
            brief += trap.oid.back() == 1 ? "server" : "quorum";
            for (const auto& [oid, value] : trap.objects) {
                const auto column = oid.back();
                const bool of_server =
                    oid.size() == (kKeepalivedMib + Oid{3, 4, 1, 1}).size() && oid[oid.size() - 3] == 4;
                if (of_server ? column == 5 || column == 6 : column >= 20 && column <= 23)
                    brief += fmt::format(" {}={}", column, shown(value));
            }
            brief += "; ";
        }
        return brief;
    };
    CHECK(traps().empty());
    scene.lvs.stopped = true;
    CHECK(traps() ==
          "server 5=G80 6=I2 21=G1 20=G3; server 5=G8080 6=I2 21=G0 20=G3; quorum 23=I3 22=G3 21=G0 20=G3; "
          "server 5=G0 6=I2 21=G0 20=G1; quorum 23=I3 22=G1 21=G0 20=G1; ");
    CHECK(snmp_stop_traps({.checker = true, .traps = false}, scene.facts()).empty());
    CHECK(snmp_stop_traps({.vrrp = true, .traps = true}, scene.facts()).empty());
    auto displaced = scene;
    displaced.lvs.services[1].sorry_in_use = true;
    scene = displaced;
    CHECK(traps().starts_with("quorum 23=I3 22=G3 21=G2 20=G3; server"));
    scene.lvs.services[1].sorry_in_use = false;
    scene.config.global.lvs_flush_on_stop = config::Global::FlushOnStop::All;
    CHECK(traps() == "quorum 23=I3 22=G3 21=G2 20=G3; quorum 23=I3 22=G1 21=G1 20=G1; ");
    Event event{.kind = Event::Kind::VirtualServer, .name = "[10.0.1.1]:tcp:80", .transition = Transition::Down};
    event.cause = Cause::Stop;  // an omega service's own event adds no second trap
    CHECK(snmp_checker_traps({.checker = true, .traps = true}, scene.facts(), event).empty());
}

TEST_CASE("traffic that does not reach as far as the configuration is left out") {
    CheckerScene scene;
    scene.lvs.traffic->pop_back();
    CHECK(scene.table(3).find(" 27=G1000") == std::string::npos);
    CHECK(scene.table(4).find(" 14=") == std::string::npos);
    scene.lvs.traffic.reset();
    CHECK(scene.table(3).find(" 27=") == std::string::npos);
}
