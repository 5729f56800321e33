// One state document, and renderings that agree: what JSON, the metrics, SNMP, D-Bus and keepalived's dumps say of the
// same instance, script, group, service and server.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "configured_scene.hpp"
#include "mainstay/report/dbus.hpp"
#include "snmp/shown.hpp"

using namespace mainstay;
using namespace mainstay::report;
using namespace mainstay::test;
using nlohmann::json;

namespace {

// Every rendering of one scene.
struct Renderings {
    explicit Renderings(const ConfiguredScene& scene)
        : document(json::parse(status_json(scene.daemon))),
          samples(metrics(scene.daemon, {.servers = true, .mehdy = true})),
          view(scene.view()),
          data(dump_data(scene.source())),
          check_data(dump_check_data(scene.source())),
          dump(json::parse(dump_json(scene.source()))[0]["data"]) {}

    json document;
    std::string samples;
    SnmpView view;
    std::string data, check_data;
    json dump;  // of the first instance

    [[nodiscard]] const json& instance() const { return document["vrrp"]["instances"][0]; }
    [[nodiscard]] const json& service() const { return document["lvs"]["services"][0]; }
    // The value of this series, as text; empty: there is none.
    [[nodiscard]] std::string metric(const std::string& series) const {
        const auto at = samples.find("\n" + series + " ");
        if (at == std::string::npos) return {};
        const auto value = at + series.size() + 2;
        return samples.substr(value, samples.find('\n', value) - value);
    }
    [[nodiscard]] std::string snmp(const Oid& oid) const {
        const auto found = view.find(kKeepalivedMib + oid);
        return found != view.end() ? shown(found->second) : "absent";
    }
    // What stands behind " = " in the first line of keepalived.data that begins so, after the instance's first line.
    [[nodiscard]] std::string dumped(const std::string& name) const {
        const auto instance = data.find(" VRRP Instance = VI_1\n");
        REQUIRE(instance != std::string::npos);
        const auto at = data.find("\n   " + name + " = ", instance);
        REQUIRE(at != std::string::npos);
        const auto value = at + name.size() + 7;
        return data.substr(value, data.find('\n', value) - value);
    }
};

const std::string kInstance = R"(name="VI_1",interface="eth0",vrid="51",family="inet")";

}  // namespace

TEST_CASE("each rendering has the same state of an instance, whatever it is") {
    struct {
        vrrp::State state;
        const char *word, *number, *rfc;
        DbusState dbus;
    } const rows[] = {{vrrp::State::Init, "INIT", "0", "I1", {0, "Init"}},
                      {vrrp::State::Backup, "BACKUP", "1", "I2", {1, "Backup"}},
                      {vrrp::State::Master, "MASTER", "2", "I3", {2, "Master"}},
                      {vrrp::State::Fault, "FAULT", "3", "I1", {3, "Fault"}}};
    for (const auto& row : rows) {
        CAPTURE(row.word);
        ConfiguredScene scene;
        scene.vrrp.router.instances[0].state = row.state;
        const Renderings shown_as{scene};
        CHECK(shown_as.instance()["state"] == row.word);
        for (const auto& other : rows)
            CHECK(shown_as.metric("mainstay_vrrp_state{" + kInstance + ",state=\"" + other.word + "\"}") ==
                  (other.state == row.state ? "1" : "0"));
        CHECK(shown_as.metric(R"(keepalived_vrrp_state{iname="VI_1",intf="eth0",vrid="51",ip_address="10.9.9.9"})") ==
              row.number);
        CHECK(shown_as.snmp({2, 3, 1, 4, 1}) == std::string{"I"} + row.number);
        CHECK(shown(shown_as.view.at(kVrrpMib + Oid{1, 3, 1, 3, 2, 51})) == row.rfc);
        CHECK(shown(shown_as.view.at(kVrrpv3Mib + Oid{1, 1, 1, 1, 6, 2, 51, 1})) == row.rfc);
        CHECK(dbus_state(dbus_states(scene.vrrp), "VI_1") == row.dbus);
        CHECK(shown_as.dump["state"].dump() == row.number);
        CHECK(shown_as.dumped("State") == row.word);
    }
}

TEST_CASE("a transition has the number of the state to which it leads, in a trap and in a signal") {
    const ConfiguredScene scene;
    const auto objects = dbus_objects(dbus_names(scene.config), scene.config);
    const std::pair<Transition, int> rows[] = {
        {Transition::Backup, 1}, {Transition::Master, 2}, {Transition::Fault, 3}};
    for (const auto& [transition, number] : rows) {
        const Event event{.kind = Event::Kind::Instance, .name = "VI_1", .transition = transition};
        const auto traps = snmp_traps({.vrrp = true, .traps = true}, scene.facts(), event);
        REQUIRE(traps.size() == 1);
        CHECK(shown(traps[0].objects[1].second) == fmt::format("I{}", number));
        CHECK(dbus_signal(objects, event)->status == static_cast<std::uint32_t>(number));
    }
}

TEST_CASE("each rendering has the same priorities, and the same time of the last transition") {
    const ConfiguredScene scene;
    const Renderings shown_as{scene};
    CHECK(shown_as.instance()["base_priority"] == 150);
    CHECK(shown_as.metric("mainstay_vrrp_base_priority{" + kInstance + "}") == "150");
    CHECK(shown_as.snmp({2, 3, 1, 7, 1}) == "I150");
    CHECK(shown(shown_as.view.at(kVrrpMib + Oid{1, 3, 1, 5, 2, 51})) == "I150");
    CHECK(shown_as.dump["base_priority"] == 150);
    CHECK(shown_as.dumped("Priority") == "150");
    CHECK(shown_as.instance()["priority"] == 145);
    CHECK(shown_as.metric("mainstay_vrrp_priority{" + kInstance + "}") == "145");
    CHECK(shown_as.snmp({2, 3, 1, 8, 1}) == "I145");
    CHECK(shown_as.dump["effective_priority"] == 145);
    CHECK(shown_as.dumped("Effective priority") == "145");
    CHECK(shown_as.instance()["since_unix_us"] == 1'795'163'800'500'000);
    CHECK(shown_as.metric("mainstay_vrrp_last_transition_timestamp_seconds{" + kInstance + "}") == "1795163800.5");
    CHECK(shown_as.dump["last_transition"] == 1'795'163'800.5);
    CHECK(shown_as.dumped("Last transition").starts_with("1795163800.500000 "));
}

TEST_CASE("each rendering says the same of whether the addresses are held, and who is master") {
    for (const bool owns : {true, false})
        for (const auto state : {vrrp::State::Master, vrrp::State::Backup, vrrp::State::Fault}) {
            ConfiguredScene scene;
            scene.vrrp.router.instances[0].state = state;
            scene.vrrp.router.instances[0].owns_addresses = owns;
            const bool held = owns && state == vrrp::State::Master;
            const Renderings shown_as{scene};
            CHECK(shown_as.instance()["owns_addresses"] == held);
            CHECK(shown_as.dump["vipset"] == held);
            CHECK(shown_as.snmp({2, 3, 1, 9, 1}) == (held ? "I1" : "I2"));
            CHECK(shown_as.data.contains("     10.9.9.9 dev eth0 scope global set\n") == held);
            const bool known = state != vrrp::State::Fault;
            CHECK(shown_as.instance()["master"] == (known ? "10.0.0.2" : ""));
            CHECK(shown_as.metric("mainstay_vrrp_master_info{" + kInstance + R"(,master="10.0.0.2"})") ==
                  (known ? "1" : ""));
        }
}

TEST_CASE("each rendering has the same state of a group and of a script") {
    ConfiguredScene scene;
    struct {
        bool known, up;
        const char *word, *metric, *snmp, *dumped;
    } const rows[] = {{false, true, "UNKNOWN", "", "I1", "BAD"},
                      {true, true, "UP", "1", "I3", "GOOD"},
                      {true, false, "DOWN", "0", "I2", "BAD"}};
    for (const auto& row : rows) {
        scene.vrrp.router.scripts[0].known = row.known;
        scene.vrrp.router.scripts[0].up = row.up;
        const Renderings shown_as{scene};
        CHECK(shown_as.document["vrrp"]["scripts"][0]["state"] == row.word);
        CHECK(shown_as.metric(R"(mainstay_vrrp_script_up{script="chk"})") == row.metric);
        CHECK(shown_as.metric(R"(keepalived_script_status{name="chk"})") == (row.known && row.up ? "1" : "0"));
        CHECK(shown_as.snmp({2, 9, 1, 6, 1}) == row.snmp);
        CHECK(shown_as.data.contains(std::string{"   Status = "} + row.dumped + "\n   VRRP instances :\n"));
    }
    const Renderings shown_as{scene};
    CHECK(shown_as.document["vrrp"]["groups"][0]["state"] == "BACKUP");
    CHECK(shown_as.metric(R"(mainstay_vrrp_group_state{group="G1",state="BACKUP"})") == "1");
    CHECK(shown_as.snmp({2, 1, 1, 3, 1}) == "I1");
    CHECK(shown_as.data.contains(" VRRP Sync Group = G1, BACKUP\n"));
}

TEST_CASE("each rendering has the same servers alive, with the same weights and counters") {
    ConfiguredScene scene;
    scene.lvs.overrides.clear();
    scene.lvs.services[0].servers[0].weight_in_table = 5;
    for (const bool alive : {true, false}) {
        scene.lvs.services[0].servers[0].alive = alive;
        const Renderings shown_as{scene};
        const auto& server = shown_as.service()["servers"][0];
        const std::string labels = R"({service="[10.0.0.1]:tcp:80",server="[10.0.0.11]:tcp:80"})";
        CHECK(server["alive"] == alive);
        CHECK(shown_as.metric("mainstay_server_up" + labels) == (alive ? "1" : "0"));
        CHECK(shown_as.snmp({3, 4, 1, 6, 1, 2}) == (alive ? "I1" : "I2"));  // the sorry server is row 1
        const auto in_dump = shown_as.check_data.substr(
            shown_as.check_data.find("   RIP = 10.0.0.11, RPORT = 80, WEIGHT = 5 EFF WEIGHT = 5\n"));
        CHECK(in_dump.substr(in_dump.find("   alive = ")).starts_with(alive ? "   alive = 1\n" : "   alive = 0\n"));
        CHECK(server["weight"] == 5);
        CHECK(shown_as.metric("mainstay_server_weight" + labels) == "5");
        CHECK(shown_as.snmp({3, 4, 1, 7, 1, 2}) == "I5");
        CHECK(server["traffic"]["connections"] == 1'100);
        CHECK(shown_as.metric("mainstay_server_connections_total" + labels) == "1100");
        CHECK(shown_as.snmp({3, 4, 1, 14, 1, 2}) == "G1100");
        CHECK(server["traffic"]["active"] == 1'105);
        CHECK(shown_as.snmp({3, 4, 1, 15, 1, 2}) == "G1105");
        const char* count = alive ? "2" : "1";
        CHECK(shown_as.metric(R"(mainstay_lvs_servers{service="[10.0.0.1]:tcp:80",state="up"})") == count);
        CHECK(shown_as.snmp({3, 3, 1, 21, 1}) == std::string{"G"} + count);
    }
}

TEST_CASE("each rendering has the same quorum: the one in use, not one that the weights cannot reach") {
    ConfiguredScene scene;
    scene.config.virtual_servers[0].quorum = 9;
    scene.config.virtual_servers[0].hysteresis = 8;
    scene.lvs.services[0].quorum = 4;
    scene.lvs.services[0].hysteresis = 3;
    for (const bool up : {true, false}) {
        scene.lvs.services[0].quorum_up = up;
        const Renderings shown_as{scene};
        CHECK(shown_as.service()["quorum"] == 4);
        CHECK(shown_as.snmp({3, 3, 1, 22, 1}) == "G4");
        CHECK(shown_as.service()["hysteresis"] == 3);
        CHECK(shown_as.snmp({3, 3, 1, 26, 1}) == "G3");
        CHECK(shown_as.service()["quorum_up"] == up);
        CHECK(shown_as.metric(R"(mainstay_lvs_quorum_up{service="[10.0.0.1]:tcp:80"})") == (up ? "1" : "0"));
        CHECK(shown_as.snmp({3, 3, 1, 23, 1}) == (up ? "I1" : "I2"));
        CHECK(shown_as.check_data.contains(std::string{"   quorum_state_up = "} + (up ? "1\n" : "0\n")));
    }
}
