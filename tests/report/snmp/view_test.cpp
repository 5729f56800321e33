// The views as snmpwalk prints them, and the traps of events.
#include "mainstay/report/snmp.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

using namespace mainstay;
using namespace mainstay::report;

namespace {

std::string text_of(const Oid& oid) {
    std::string text;
    for (const auto part : oid) text += fmt::format(".{}", part);
    return text;
}
// As snmpwalk prints it.
std::string text_of(const SnmpValue& value) {
    using Type = SnmpValue::Type;
    std::string hex;
    switch (value.type) {
        case Type::Integer:
            return fmt::format("INTEGER: {}", static_cast<std::int32_t>(value.number));
        case Type::Octets:
            if (std::ranges::all_of(value.octets, [](char c) { return c >= ' ' && c < '\x7f'; }))
                return fmt::format("STRING: \"{}\"", value.octets);
            for (const char c : value.octets) hex += fmt::format("{:02X} ", static_cast<unsigned char>(c));
            return "Hex-STRING: " + hex;
        case Type::IpAddress:
            for (const char c : value.octets) hex += fmt::format(".{}", static_cast<unsigned char>(c));
            return "IpAddress: " + hex.substr(1);
        case Type::Counter32:
            return fmt::format("Counter32: {}", value.number);
        case Type::Gauge32:
            return fmt::format("Gauge32: {}", value.number);
        case Type::TimeTicks:
            return fmt::format("Timeticks: {}", value.number);
        case Type::Counter64:
            return fmt::format("Counter64: {}", value.number);
        case Type::ObjectId:
            return "OID: " + text_of(value.oid);
    }
    return {};
}

// A director that is master of VI_1, with one address of its own.
struct MasterScene {
    config::Config config;
    report::VrrpStatus status;
    report::LvsStatus lvs;
    std::map<std::string, SnmpLink> links{
        {"eth0",
         {.index = 2,
          .mac = {"\x02\x00\x00\x00\x00\x01", 6},
          .addresses = {*IpAddress::parse("192.168.4.11"), *IpAddress::parse("192.168.4.200")}}}};
    WallTime now{1'000'000'000'000};

    MasterScene() {
        config.global.router_id = "LVS_1";
        config::Instance instance;
        instance.name = "VI_1";
        instance.interface = "eth0";
        instance.virtual_router_id = 51;
        instance.priority = 150;
        instance.initial_master = true;
        instance.auth_type = config::AuthType::Pass;
        instance.addresses = {{.prefix = *Prefix::parse("192.168.4.200/32")}};
        instance.notify.master = config::Command{.argv = {"/bin/go", "up"}};
        config.instances = {instance};
        vrrp::InstanceSnapshot snapshot;
        snapshot.name = "VI_1";
        snapshot.state = vrrp::State::Master;
        snapshot.base_priority = 150;
        snapshot.effective_priority = 130;
        snapshot.owns_addresses = true;
        snapshot.counters.become_master = 3;
        snapshot.counters.pri_zero_sent = 1;
        status.router.instances = {snapshot};
    }
    SnmpFacts facts() const {
        return {config,
                status,
                lvs,
                links,
                "mainstay v1",
                "LVS_1",
                now,
                WallTime{now.unix_us - 9'000'000},
                {{"VI_1", {.up_since = WallTime{now.unix_us - 7'040'000}, .became_master = {}}}}};
    }
    std::string shown(const SnmpParts& parts, const Oid& oid) const {
        const auto view = snmp_view(parts, facts());
        const auto found = view.find(oid);
        return found != view.end() ? text_of(found->second) : "absent";
    }
};

const SnmpParts kAll{.vrrp = true, .checker = true, .rfc_v2 = true, .rfc_v3 = true, .traps = true, .socket = {}};

}  // namespace

TEST_CASE("an instance stands in KEEPALIVED-MIB with keepalived's columns") {
    const MasterScene scene;
    const auto column = [&](std::uint32_t number) {
        return scene.shown(kAll, kKeepalivedMib + Oid{2, 3, 1, number, 1});
    };
    CHECK(column(2) == "STRING: \"VI_1\"");
    CHECK(column(3) == "Gauge32: 51");
    CHECK(column(4) == "INTEGER: 2");
    CHECK(column(5) == "INTEGER: 2");
    CHECK(column(7) == "INTEGER: 150");
    CHECK(column(8) == "INTEGER: 130");
    CHECK(column(9) == "INTEGER: 1");
    CHECK(column(12) == "Gauge32: 1");
    CHECK(column(15) == "INTEGER: 1");
    CHECK(column(18) == "absent");
    CHECK(column(22) == "STRING: \"'/bin/go' 'up'\"");
    CHECK(column(27) == "INTEGER: 0");
    CHECK(column(35) == "Hex-STRING: E0 00 00 12 ");
    CHECK(scene.shown(kAll, kKeepalivedMib + Oid{2, 6, 1, 3, 1, 1}) == "Hex-STRING: C0 A8 04 C8 ");
    CHECK(scene.shown(kAll, kKeepalivedMib + Oid{2, 6, 1, 10, 1, 1}) == "INTEGER: 1");
    CHECK(scene.shown(kAll, kKeepalivedMib + Oid{1, 2, 0}) == "STRING: \"LVS_1\"");
    CHECK(scene.shown({.rfc_v2 = true}, kKeepalivedMib + Oid{1, 2, 0}) == "absent");
}

TEST_CASE("the RFCs' tables are indexed by interface and VRID") {
    const MasterScene scene;
    const auto v2 = [&](std::uint32_t column) { return scene.shown(kAll, kVrrpMib + Oid{1, 3, 1, column, 2, 51}); };
    CHECK(v2(2) == "Hex-STRING: 02 00 00 00 00 01 ");
    CHECK(v2(3) == "INTEGER: 3");
    CHECK(v2(7) == "IpAddress: 192.168.4.11");
    CHECK(v2(9) == "INTEGER: 2");
    CHECK(v2(13) == "Timeticks: 196");  // of SNMP's clock, when it left INIT
    CHECK(scene.shown(kAll, kVrrpMib + Oid{1, 4, 1, 2, 2, 51, 192, 168, 4, 200}) == "INTEGER: 1");
    CHECK(scene.shown(kAll, kVrrpMib + Oid{2, 4, 1, 1, 2, 51}) == "Counter32: 3");
    CHECK(scene.shown(kAll, kVrrpMib + Oid{2, 4, 1, 7, 2, 51}) == "Counter32: 1");
    const auto v3 = [&](std::uint32_t column) {
        return scene.shown(kAll, kVrrpv3Mib + Oid{1, 1, 1, 1, column, 2, 51, 1});
    };
    CHECK(v3(3) == "Hex-STRING: C0 A8 04 0B ");
    CHECK(v3(9) == "INTEGER: 100");
    CHECK(v3(12) == "Timeticks: 704");
    CHECK(scene.shown(kAll, kVrrpv3Mib + Oid{1, 2, 5, 1, 8, 2, 51, 1}) == "Counter64: 1");
    CHECK(scene.shown({.vrrp = true}, kVrrpv3Mib + Oid{1, 2, 5, 1, 8, 2, 51, 1}) == "absent");
}

TEST_CASE("a new master causes three traps, and another change one") {
    // effect: global_defs: enable_traps
    const MasterScene scene;
    const auto names = [&](const SnmpParts& parts, Event::Kind kind, const char* state) {
        std::string all;
        const Event event{.kind = kind, .name = "VI_1", .transition = transition_from(state).value()};
        for (const auto& trap : snmp_traps(parts, scene.facts(), event)) {
            all += text_of(trap.oid);
            for (const auto& [oid, value] : trap.objects) all += " " + text_of(oid) + "=" + text_of(value);
            all += "\n";
        }
        return all;
    };
    CHECK(names(kAll, Event::Kind::Instance, "MASTER") ==
          ".1.3.6.1.4.1.9586.100.5.2.10.0.2 .1.3.6.1.4.1.9586.100.5.2.3.1.2=STRING: \"VI_1\" "
          ".1.3.6.1.4.1.9586.100.5.2.3.1.4=INTEGER: 2 .1.3.6.1.4.1.9586.100.5.2.3.1.5=INTEGER: 2 "
          ".1.3.6.1.4.1.9586.100.5.1.2.0=STRING: \"LVS_1\"\n"
          ".1.3.6.1.2.1.68.0.1 .1.3.6.1.2.1.68.1.3.1.7.2.51=IpAddress: 192.168.4.11\n"
          ".1.3.6.1.2.1.207.0.1 .1.3.6.1.2.1.207.1.1.1.1.3.2.51.1=Hex-STRING: C0 A8 04 0B  "
          ".1.3.6.1.2.1.207.1.2.5.1.2.2.51.1=INTEGER: 3\n");
    CHECK(names({.vrrp = true, .traps = true}, Event::Kind::Group, "FAULT") ==
          ".1.3.6.1.4.1.9586.100.5.2.10.0.1 .1.3.6.1.4.1.9586.100.5.2.1.1.2=STRING: \"VI_1\" "
          ".1.3.6.1.4.1.9586.100.5.2.1.1.3=INTEGER: 3 .1.3.6.1.4.1.9586.100.5.1.2.0=STRING: \"LVS_1\"\n");
    CHECK(names({.rfc_v2 = true, .traps = true}, Event::Kind::Instance, "BACKUP").empty());
    CHECK(names({.vrrp = true}, Event::Kind::Instance, "MASTER").empty());
}

TEST_CASE("a packet that fails its authentication, or breaks the protocol, is a trap") {
    // effect: global_defs: enable_traps
    MasterScene scene;
    const auto before = scene.status;
    CHECK(snmp_packet_traps(kAll, scene.facts(), before).empty());
    scene.status.router.instances[0].counters.auth_failure = 2;
    scene.status.router.instances[0].counters.checksum_err = 1;
    const auto traps = snmp_packet_traps(kAll, scene.facts(), before);
    REQUIRE(traps.size() == 2);
    CHECK(text_of(traps[0].oid) == ".1.3.6.1.2.1.68.0.2");
    CHECK(text_of(traps[0].objects[1].second) == "INTEGER: 3");
    CHECK(text_of(traps[1].oid) == ".1.3.6.1.2.1.207.0.2");
    CHECK(text_of(traps[1].objects[0].second) == "INTEGER: 3");
    CHECK(snmp_packet_traps({.vrrp = true, .traps = true}, scene.facts(), before).empty());
}

TEST_CASE("virtual and real servers stand in KEEPALIVED-MIB, and their changes are traps") {
    // effect: global_defs: enable_snmp_checker
    // effect: virtual_server: snmp_name
    // effect: virtual_server/real_server: snmp_name
    MasterScene scene;
    config::VirtualServer service;
    service.endpoint = {*IpAddress::parse("10.1.0.1"), 80};
    service.scheduler = "wrr";
    service.quorum = 2;
    service.delay_loop = Micros{6'000'000};
    service.sorry_server = config::SorryServer{.endpoint = {*IpAddress::parse("10.9.0.9"), 80}};
    config::RealServer server;
    server.endpoint = {*IpAddress::parse("127.1.0.1"), 80};
    server.weight = 3;
    server.more.edit().values = {{"snmp_name", config::WordList{"till 1"}}};
    service.more.edit().values = {{"snmp_name", config::WordList{"shop"}}};
    service.real_servers = {server};
    scene.config.virtual_servers = {service};
    report::ServiceStatus status;
    status.name = "[10.1.0.1]:tcp:80";
    status.servers = {{.name = "[127.1.0.1]:tcp:80", .endpoint = server.endpoint, .weight = 3, .alive = false}};
    scene.lvs.services = {status};

    const auto of_service = [&](std::uint32_t column) {
        return scene.shown(kAll, kKeepalivedMib + Oid{3, 3, 1, column, 1});
    };
    CHECK(of_service(2) == "INTEGER: 2");
    CHECK(of_service(6) == "Hex-STRING: 0A 01 00 01 ");
    CHECK(of_service(8) == "INTEGER: 1");
    CHECK(of_service(9) == "INTEGER: 2");
    CHECK(of_service(16) == "Gauge32: 6");
    CHECK(of_service(21) == "Gauge32: 0");
    CHECK(of_service(23) == "INTEGER: 2");
    CHECK(of_service(27) == "absent");  // not read yet
    const auto of_server = [&](std::uint32_t column, std::uint32_t row) {
        return scene.shown(kAll, kKeepalivedMib + Oid{3, 4, 1, column, 1, row});
    };
    CHECK(of_server(2, 1) == "INTEGER: 2");  // the sorry server comes first
    CHECK(of_server(2, 2) == "INTEGER: 1");
    CHECK(of_server(6, 1) == "absent");
    CHECK(of_server(6, 2) == "INTEGER: 2");
    CHECK(of_server(7, 2) == "INTEGER: 3");
    CHECK(of_service(71) == "STRING: \"shop\"");
    CHECK(of_server(55, 2) == "STRING: \"till 1\"");
    CHECK(scene.shown({.vrrp = true}, kKeepalivedMib + Oid{3, 3, 1, 2, 1}) == "absent");

    constexpr std::uint64_t kWide = 0x1'0000'0000;
    const netlink::IpvsStats stats{kWide + 1, kWide + 2, kWide + 3, kWide + 4, kWide + 5, 6, 7, 8, 9, 10};
    const report::ServerTraffic of_one{stats, 11, 12, 13};
    scene.lvs.traffic = {{.stats = stats, .servers = {of_one}, .sorry_server = {{}, 14, 0, 0}}};
    const auto joined = [](std::uint32_t first, std::uint32_t last, const auto& shown) {
        std::string all;
        for (std::uint32_t column = first; column <= last; ++column) all += shown(column) + "\n";
        return all;
    };
    const std::string kCounts =
        "Counter32: 2\nCounter32: 3\nCounter64: 4294967300\nCounter64: 4294967301\n"
        "Gauge32: 6\nGauge32: 7\nGauge32: 8\nGauge32: 9\nGauge32: 10\n";
    const std::string kWideCounts = "Counter64: 4294967297\nCounter64: 4294967298\nCounter64: 4294967299\n";
    CHECK(joined(27, 36, of_service) == "Gauge32: 1\n" + kCounts);
    CHECK(joined(38, 41, of_service) == kWideCounts + "Gauge32: 0\n");
    CHECK(of_service(50) == "Gauge32: 0");
    const auto of_real = [&](std::uint32_t column) { return of_server(column, 2); };
    CHECK(joined(14, 26, of_real) == "Gauge32: 1\nGauge32: 11\nGauge32: 12\nGauge32: 13\n" + kCounts);
    CHECK(joined(27, 30, of_real) == kWideCounts + "Gauge32: 0\n");
    CHECK(of_real(39) == "Gauge32: 0");
    CHECK(of_server(15, 1) == "Gauge32: 14");

    scene.lvs.services[0].servers[0].alive = true;  // the state is older than the event
    const auto traps = snmp_checker_traps(kAll, scene.facts(),
                                          {.kind = Event::Kind::RealServer,
                                           .name = "[127.1.0.1]:tcp:80",
                                           .parent = "[10.1.0.1]:tcp:80",
                                           .transition = Transition::Down});
    REQUIRE(traps.size() == 1);
    std::string all = text_of(traps[0].oid);
    for (const auto& [oid, value] : traps[0].objects) all += fmt::format("\n{}={}", text_of(oid), text_of(value));
    CHECK(all ==
          ".1.3.6.1.4.1.9586.100.5.3.5.0.1\n"
          ".1.3.6.1.4.1.9586.100.5.3.4.1.3=INTEGER: 1\n"
          ".1.3.6.1.4.1.9586.100.5.3.4.1.4=Hex-STRING: 7F 01 00 01 \n"
          ".1.3.6.1.4.1.9586.100.5.3.4.1.5=Gauge32: 80\n"
          ".1.3.6.1.4.1.9586.100.5.3.4.1.6=INTEGER: 2\n"
          ".1.3.6.1.4.1.9586.100.5.3.3.1.2=INTEGER: 2\n"
          ".1.3.6.1.4.1.9586.100.5.3.3.1.5=INTEGER: 1\n"
          ".1.3.6.1.4.1.9586.100.5.3.3.1.6=Hex-STRING: 0A 01 00 01 \n"
          ".1.3.6.1.4.1.9586.100.5.3.3.1.7=Gauge32: 80\n"
          ".1.3.6.1.4.1.9586.100.5.3.3.1.8=INTEGER: 1\n"
          ".1.3.6.1.4.1.9586.100.5.3.3.1.21=Gauge32: 0\n"
          ".1.3.6.1.4.1.9586.100.5.3.3.1.20=Gauge32: 1\n"
          ".1.3.6.1.4.1.9586.100.5.1.2.0=STRING: \"LVS_1\"");
}
