// The objects on D-Bus: their paths, properties and signals.
#include "mainstay/report/dbus.hpp"

#include <doctest/doctest.h>

#include "mainstay/config/keyword_values.hpp"

using namespace mainstay;
using namespace mainstay::report;

namespace {

config::Config with(config::KeywordValues global, config::KeywordValues root = {}) {
    config::Config config;
    config.global.more.edit().values = std::move(global);
    config.more.edit().values = std::move(root);
    return config;
}

config::Instance instance(const char* interface, int vrid, Family family, const char* name = "VI_1") {
    config::Instance instance;
    instance.name = name;
    instance.interface = interface;
    instance.virtual_router_id = static_cast<std::uint8_t>(vrid);
    instance.family = family;
    return instance;
}

}  // namespace

TEST_CASE("an object's path has interface, VRID and family, and an underline for what a path cannot hold") {
    // effect: global_defs: enable_dbus dbus_no_interface_name
    const auto names = dbus_names(with({{"enable_dbus", true}}));
    CHECK(names.enabled);
    CHECK(names.service == "org.keepalived.Vrrp1");
    CHECK(dbus_path(names, instance("eth0", 51, Family::V4)) == "/org/keepalived/Vrrp1/Instance/eth0/51/IPv4");
    CHECK(dbus_path(names, instance("bond0.100", 7, Family::V6)) == "/org/keepalived/Vrrp1/Instance/bond0_100/7/IPv6");
    CHECK(dbus_path(names, instance("", 255, Family::V4)) == "/org/keepalived/Vrrp1/Instance/none/255/IPv4");

    const auto other = dbus_names(with({{"dbus_no_interface_name", config::WordList{"no-if"}}}));
    CHECK_FALSE(other.enabled);
    CHECK(dbus_path(other, instance("", 1, Family::V4)) == "/org/keepalived/Vrrp1/Instance/no_if/1/IPv4");
}

TEST_CASE("the namespace and the instance of the daemon stand in every path") {
    const auto names =
        dbus_names(with({{"dbus_service_name", config::WordList{"org.example.Ha"}}},
                        {{"instance", config::WordList{"b-2"}}, {"net_namespace", config::WordList{"red"}}}));
    CHECK(names.service == "org.example.Ha");
    CHECK(names.root == "/org/keepalived/Vrrp1/red/b_2");
    const auto named = dbus_names(with({}, {{"net_namespace", config::WordList{"red"}}}), "blue");
    CHECK(named.root == "/org/keepalived/Vrrp1/blue");
    CHECK(dbus_names(with({}), "blue").root == "/org/keepalived/Vrrp1/blue");
}

TEST_CASE("a state has keepalived's number and text on the bus") {
    CHECK(dbus_state(vrrp::State::Init) == DbusState{0, "Init"});
    CHECK(dbus_state(vrrp::State::Backup) == DbusState{1, "Backup"});
    CHECK(dbus_state(vrrp::State::Master) == DbusState{2, "Master"});
    CHECK(dbus_state(vrrp::State::Fault) == DbusState{3, "Fault"});
    CHECK(dbus_state(Transition::Backup) == DbusState{1, "Backup"});
    CHECK(dbus_state(Transition::Master) == DbusState{2, "Master"});
    CHECK(dbus_state(Transition::Fault) == DbusState{3, "Fault"});
    CHECK(dbus_state(Transition::Stop) == DbusState{98, "Stop"});
    CHECK(dbus_state(Transition::Deleted) == DbusState{97, "Deleted"});
    CHECK(dbus_state(Transition::MasterPriority) == DbusState{0, "Unknown"});
}

TEST_CASE("the property State is that of the state document, and Init before the instance is in it") {
    VrrpStatus status;
    status.router.instances = {{.name = "VI_1", .state = vrrp::State::Fault},
                               {.name = "VI_2", .state = vrrp::State::Master}};
    const auto states = dbus_states(status);
    CHECK(dbus_state(states, "VI_1") == DbusState{3, "Fault"});
    CHECK(dbus_state(states, "VI_2") == DbusState{2, "Master"});
    CHECK(dbus_state(states, "VI_3") == DbusState{0, "Init"});
}

namespace {

constexpr const char* kOne = "/org/keepalived/Vrrp1/Instance/eth0/51/IPv4";
constexpr const char* kTwo = "/org/keepalived/Vrrp1/Instance/eth1/52/IPv6";

// VI_1 at kOne, VI_2 at kTwo, and VI_3 whose path is VI_1's.
DbusObjects three_objects() {
    config::Config config;
    config.instances = {instance("eth0", 51, Family::V4), instance("eth1", 52, Family::V6, "VI_2"),
                        instance("eth0", 51, Family::V4, "VI_3")};
    return dbus_objects(dbus_names(config), config);
}

Event event_of(Event::Kind kind, const char* name, Transition transition) {
    return {.kind = kind, .name = name, .transition = transition};
}

}  // namespace

TEST_CASE("each instance has an object, and of two with the same path the first one") {
    const auto objects = three_objects();
    CHECK(objects.instances == std::map<std::string, std::string>{{kOne, "VI_1"}, {kTwo, "VI_2"}});
    CHECK(objects.paths == std::map<std::string, std::string>{{"VI_1", kOne}, {"VI_2", kTwo}, {"VI_3", kOne}});
}

TEST_CASE("a transition of an instance is VrrpStatusChange with the number of its state") {
    const auto objects = three_objects();
    const auto signal = [&](Transition transition, const char* name = "VI_2",
                            Event::Kind kind = Event::Kind::Instance) {
        return dbus_signal(objects, event_of(kind, name, transition));
    };
    CHECK(signal(Transition::Master) ==
          DbusSignal{kTwo, "org.keepalived.Vrrp1.Instance", "VrrpStatusChange", std::uint32_t{2}});
    CHECK(signal(Transition::Stop) ==
          DbusSignal{kTwo, "org.keepalived.Vrrp1.Instance", "VrrpStatusChange", std::uint32_t{98}});
    CHECK(signal(Transition::BackupPriority)->status == 0U);
    CHECK(signal(Transition::Master, "VI_1")->path == kOne);
    CHECK_FALSE(signal(Transition::Deleted));
    CHECK_FALSE(signal(Transition::Master, "VI_9"));
    CHECK_FALSE(signal(Transition::Master, "VI_2", Event::Kind::Group));
    auto replaced = event_of(Event::Kind::Instance, "VI_2", Transition::Fault);
    CHECK(dbus_signal(objects, replaced)->status == 3U);
    replaced.cause = Cause::Reload;  // the router that had this name
    CHECK_FALSE(dbus_signal(objects, replaced));
}

TEST_CASE("an object that a reload removes ends as Fault, with notify_deleted as Deleted") {
    const auto before = three_objects();
    config::Config config;
    config.instances = {instance("eth1", 52, Family::V6, "VI_9")};  // another name at the same path
    const auto now = dbus_objects(dbus_names(config), config);
    const DbusSignal removed{kOne, "org.keepalived.Vrrp1.Instance", "VrrpStatusChange", std::uint32_t{3}};
    CHECK(dbus_removals(before, now) == std::vector<DbusSignal>{removed, removed});
    config.instances.front().more.edit().values = {{"notify_deleted", true}};
    const DbusSignal deleted{kTwo, "org.keepalived.Vrrp1.Instance", "VrrpStatusChange", std::uint32_t{97}};
    CHECK(dbus_removals(dbus_objects(dbus_names(config), config), {}) == std::vector<DbusSignal>{deleted});
    CHECK(dbus_removals(before, before).empty());
    CHECK(dbus_removals(now, before).empty());
}

TEST_CASE("the start, a reload and the stop are signals of the daemon's object") {
    const auto names = dbus_names(with({}, {{"instance", config::WordList{"b"}}}));
    const auto signal = [&](const char* name) {
        return DbusSignal{"/org/keepalived/Vrrp1/b/Vrrp", "org.keepalived.Vrrp1.Vrrp", name, std::nullopt};
    };
    CHECK(dbus_vrrp_path(names) == "/org/keepalived/Vrrp1/b/Vrrp");
    CHECK(dbus_signal(names, DbusMoment::Started) == signal("VrrpStarted"));
    CHECK(dbus_signal(names, DbusMoment::Reloaded) == signal("VrrpReloaded"));
    CHECK(dbus_signal(names, DbusMoment::Stopped) == signal("VrrpStopped"));
}
