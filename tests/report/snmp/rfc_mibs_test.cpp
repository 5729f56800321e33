// VRRP-MIB and VRRPV3-MIB of one director, table by table, and the traps of transitions and packets.
#include <doctest/doctest.h>

#include "../../director.hpp"
#include "../../golden.hpp"
#include "mainstay/config/load.hpp"
#include "shown.hpp"

using namespace mainstay;
using namespace mainstay::test;
using namespace mainstay::report;

namespace {

struct RfcScene {
    config::Config config;
    report::VrrpStatus status = director_status();
    report::LvsStatus lvs;
    std::map<std::string, SnmpLink> links{
        {"eth0",
         {.index = 2,
          .mac = {"\x02\x00\x00\x00\x00\x05", 6},
          .addresses = {*IpAddress::parse("fe80::7"), *IpAddress::parse("192.168.4.200"),
                        *IpAddress::parse("192.168.4.202"), *IpAddress::parse("192.168.4.11"),
                        *IpAddress::parse("192.168.4.12")}}},
        {"eth4",
         {.index = 4,
          .mac = {},
          .addresses = {*IpAddress::parse("10.0.0.4"), *IpAddress::parse("2001:db8::4"), *IpAddress::parse("fe80::9"),
                        *IpAddress::parse("fe80::4")}}}};
    WallTime now{1'000'000'000'000};
    std::map<std::string, InstanceHistory> histories{
        {"VI_1", {.up_since = WallTime{now.unix_us - 7'040'000}, .became_master = {}}},
        {"VI_2", {.up_since = WallTime{now.unix_us + 50'000}, .became_master = {}}}};

    RfcScene() {
        auto loaded = config::load_text("x.conf", kDirector, {});
        REQUIRE(loaded.can_run());
        config = std::move(loaded.config);
        config.instances[2].source.reset();
        status.router.instances[0].counters.checksum_err = 40;
        status.router.instances[1].counters.checksum_err = 2;
        status.router.instances[0].counters.version_err = 50;
        status.router.instances[1].counters.version_err = 3;
    }
    [[nodiscard]] SnmpFacts facts() const {
        return {config, status, lvs, links, "mainstay v1", "LVS_9", now, WallTime{now.unix_us - 9'000'000}, histories};
    }
    [[nodiscard]] SnmpView view() const { return snmp_view({.rfc_v2 = true, .rfc_v3 = true}, facts()); }
};

}  // namespace

TEST_CASE("a director stands in the RFCs' MIBs, table by table") {
    const RfcScene scene;
    const auto view = scene.view();
    const std::string all = scalars(view, kVrrpMib + Oid{1}) + "\n" + rows(view, kVrrpMib + Oid{1, 3, 1}) +
                            rows(view, kVrrpMib + Oid{1, 4, 1}) + scalars(view, kVrrpMib + Oid{2}) + "\n" +
                            rows(view, kVrrpMib + Oid{2, 4, 1}) + rows(view, kVrrpv3Mib + Oid{1, 1, 1, 1}) +
                            rows(view, kVrrpv3Mib + Oid{1, 1, 2, 1}) + scalars(view, kVrrpv3Mib + Oid{1, 2}) + "\n" +
                            rows(view, kVrrpv3Mib + Oid{1, 2, 5, 1});
    CHECK(all == golden("rfc_mibs.txt"));
}

TEST_CASE("traps are enabled or disabled") {
    RfcScene scene;
    CHECK(scalars(scene.view(), kVrrpMib + Oid{1}) == "1=I2 2=I2");
    scene.config.global.more.edit().values = {{"enable_traps", true}};
    CHECK(scalars(scene.view(), kVrrpMib + Oid{1}) == "1=I2 2=I1");
}

TEST_CASE("an instance without a state is initialising, with its configured priority") {
    RfcScene scene;
    scene.status.router.instances.clear();
    const auto view = scene.view();
    CHECK(rows(view, kVrrpMib + Oid{1, 3, 1}).find(" 3=I1 4=I1 5=I150 6=I4 7=A0.0.0.0 ") != std::string::npos);
    CHECK(rows(view, kVrrpv3Mib + Oid{1, 1, 1, 1}).find(" 6=I1 7=G150 ") != std::string::npos);
    CHECK(rows(view, kVrrpv3Mib + Oid{1, 2, 5, 1}).find(" 2=I3") == std::string::npos);
}

TEST_CASE("the reason for being or having been master is an owner's priority, and the others' silence else") {
    RfcScene scene;
    const auto reason = [&] {
        const auto text = rows(scene.view(), kVrrpv3Mib + Oid{1, 2, 5, 1});
        const auto at = text.find("2.51.1: ");
        return text.substr(text.find(" 2=", at) + 3, 2);
    };
    CHECK(reason() == "I3");
    scene.config.instances[0].priority = 255;
    CHECK(reason() == "I1");
    scene.status.router.instances[0].state = vrrp::State::Backup;
    CHECK(reason() == "I0");
    scene.config.instances[0].priority = 150;
    scene.histories["VI_1"].became_master = Cause::Preemption;
    CHECK(reason() == "I2");
}

TEST_CASE("the last protocol error is the gravest that was counted") {
    RfcScene scene;
    const auto error = [&](std::uint64_t ttl, std::uint64_t version, std::uint64_t checksum) {
        auto& c = scene.status.router.instances[0].counters;
        c.ip_ttl_err = ttl, c.version_err = version, c.checksum_err = checksum;
        const auto text = rows(scene.view(), kVrrpv3Mib + Oid{1, 2, 5, 1});
        return text.substr(text.find(" 6=", text.find("2.51.1: ")) + 3, 2);
    };
    CHECK(error(0, 0, 0) == "I0");
    CHECK(error(0, 0, 1) == "I3");
    CHECK(error(0, 1, 1) == "I2");
    CHECK(error(1, 1, 1) == "I1");
}

TEST_CASE("a configured source is the address of its own, and no VIP is") {
    RfcScene scene;
    const auto own = [&] {
        const auto all = rows(scene.view(), kVrrpMib + Oid{1, 3, 1});
        const auto text = all.substr(all.find("2.51: "));
        return text.substr(text.find(" 8=") + 3, text.find(" 9=") - text.find(" 8=") - 3);
    };
    CHECK(own() == "A192.168.4.11");
    scene.config.instances[0].source = *IpAddress::parse("10.0.0.5");
    CHECK(own() == "A10.0.0.5");
    scene.config.instances[0].source.reset();
    scene.links["eth0"].addresses.resize(3);
    CHECK(own() == "A0.0.0.0");
}

TEST_CASE("each state has its number in traps") {
    const RfcScene scene;
    const auto state = [&](const char* name, Event::Kind kind) {
        const auto text =
            shown(snmp_traps({.vrrp = true, .traps = true}, scene.facts(),
                             {.kind = kind, .name = "VI_9", .transition = transition_from(name).value()}));
        const std::string column = kind == Event::Kind::Group ? "2.1.1.3=" : "2.3.1.4=";
        return text.substr(text.find(column) + column.size(), 2);
    };
    for (const auto kind : {Event::Kind::Instance, Event::Kind::Group})
        CHECK(std::string{state("BACKUP", kind) + state("MASTER", kind) + state("FAULT", kind) + state("STOP", kind) +
                          state("DELETED", kind) + state("MASTER_PRIORITY", kind)} == "I1I2I3I5I6I4");
    CHECK(snmp_traps({.vrrp = true, .traps = true}, scene.facts(), {.kind = Event::Kind::RealServer}).empty());
}

TEST_CASE("a new master is a trap of the MIB of its version, with the address that it sends from") {
    const RfcScene scene;
    const auto traps = [&](const SnmpParts& parts, const char* name, const char* state) {
        return shown(
            snmp_traps(parts, scene.facts(),
                       {.kind = Event::Kind::Instance, .name = name, .transition = transition_from(state).value()}));
    };
    const SnmpParts both{.rfc_v2 = true, .rfc_v3 = true, .traps = true};
    CHECK(traps(both, "VI_3", "MASTER") ==
          "1.3.6.1.2.1.207.0.1 1.3.6.1.2.1.207.1.1.1.1.3.4.53.2=xfe800000000000000000000000000004"
          " 1.3.6.1.2.1.207.1.2.5.1.2.4.53.2=I3\n");
    CHECK(traps(both, "VI_4", "MASTER") ==
          "1.3.6.1.2.1.68.0.1 1.3.6.1.2.1.68.1.3.1.7.0.54=A0.0.0.0\n"
          "1.3.6.1.2.1.207.0.1 1.3.6.1.2.1.207.1.1.1.1.3.0.54.1=x00000000 1.3.6.1.2.1.207.1.2.5.1.2.0.54.1=I1\n");
    CHECK(traps(both, "VI_3", "BACKUP").empty());
    CHECK(traps(both, "VI_9", "MASTER").empty());
    const auto initial = [&](const char* name) {
        const auto text = traps({.vrrp = true, .traps = true}, name, "BACKUP");
        return text.substr(text.find("2.3.1.5=") + 8, 2);
    };
    CHECK(initial("VI_1") == "I2");  // state MASTER
    CHECK(initial("VI_2") == "I1");
    CHECK(initial("VI_4") == "I2");  // an owner
    CHECK(initial("VI_9") == "I1");
}

TEST_CASE("packet errors since the last look are traps, of each kind the first") {
    RfcScene scene;
    auto before = scene.status;
    auto& now = scene.status.router.instances;
    const auto traps = [&](const SnmpParts& parts) { return shown(snmp_packet_traps(parts, scene.facts(), before)); };
    const SnmpParts both{.rfc_v2 = true, .rfc_v3 = true, .traps = true};
    CHECK(traps(both).empty());
    const auto failure = [](const char* number) {
        return std::string{"1.3.6.1.2.1.68.0.2 1.3.6.1.2.1.68.1.5.0=A0.0.0.0 1.3.6.1.2.1.68.1.6.0=I"} + number + "\n";
    };
    ++now[0].counters.auth_failure;
    CHECK(traps(both) == failure("3"));
    ++now[0].counters.authtype_mismatch;
    CHECK(traps(both) == failure("2"));
    ++now[0].counters.invalid_authtype;
    CHECK(traps(both) == failure("1"));
    CHECK(traps({.rfc_v3 = true, .traps = true}).empty());
    CHECK(traps({.rfc_v2 = true}).empty());
    ++now[2].counters.auth_failure;  // of version 3: not in that MIB
    CHECK(traps(both) == failure("1"));
    ++now[2].counters.version_err;
    CHECK(traps({.rfc_v3 = true, .traps = true}) == "1.3.6.1.2.1.207.0.2 1.3.6.1.2.1.207.1.2.5.1.6.4.53.2=I2\n");
    before = scene.status;
    CHECK(traps(both).empty());
    before.router.instances.clear();  // all counters have come since
    CHECK(traps({.rfc_v2 = true, .traps = true}) == failure("1"));
    now.clear();
    CHECK(traps(both).empty());
}

TEST_CASE("an instance is up from BACKUP or MASTER until it fails, stops or goes") {
    std::map<std::string, InstanceHistory> histories;
    const auto note = [&](const char* state, std::int64_t at, Event::Kind kind = Event::Kind::Instance) {
        update_histories(histories, {.kind = kind,
                                     .name = "VI_1",
                                     .transition = transition_from(state).value(),
                                     .cause = Cause::Timeout,
                                     .at = {at}});
        return histories["VI_1"].up_since.value_or(WallTime{-1}).unix_us;
    };
    CHECK(note("BACKUP_PRIORITY", 1) == -1);
    CHECK(note("BACKUP", 2, Event::Kind::Group) == -1);
    CHECK(note("BACKUP", 3) == 3);
    CHECK(note("MASTER", 4) == 3);
    CHECK(note("FAULT", 5, Event::Kind::Group) == 3);
    CHECK(note("FAULT", 6) == -1);
    CHECK(histories["VI_1"].became_master == Cause::Timeout);
    CHECK(note("MASTER", 7) == 7);
    CHECK(note("STOP", 8) == -1);
    CHECK_FALSE(histories["VI_1"].became_master);
    CHECK(note("MASTER", 9) == 9);
    CHECK(note("DELETED", 10) == -1);
}

TEST_CASE("each part has its subtree") {
    const auto roots = [](const SnmpParts& parts) {
        std::string all;
        for (const auto& root : snmp_roots(parts)) all += shown(root) + " ";
        return all;
    };
    CHECK(roots({.vrrp = true}) == "1.3.6.1.4.1.9586.100.5 ");
    CHECK(roots({.checker = true}) == "1.3.6.1.4.1.9586.100.5 ");
    CHECK(roots({.rfc_v2 = true}) == "1.3.6.1.2.1.68 ");
    CHECK(roots({.rfc_v3 = true}) == "1.3.6.1.2.1.207 ");
    CHECK(roots({.vrrp = true, .checker = true, .rfc_v2 = true, .rfc_v3 = true}) ==
          "1.3.6.1.4.1.9586.100.5 1.3.6.1.2.1.68 1.3.6.1.2.1.207 ");
    CHECK(roots({}).empty());
}
