#include "role/observer/dbus_names.hpp"

#include <doctest/doctest.h>

#include "role/common/instance_requests.hpp"

using namespace mainstay;
using namespace mainstay::role;

namespace {

config::Config with(config::KeywordValues global, config::KeywordValues root = {}) {
    config::Config config;
    config.global.more.edit().values = std::move(global);
    config.more.edit().values = std::move(root);
    return config;
}

config::Instance instance(const char* interface, int vrid, Family family) {
    config::Instance instance;
    instance.name = "VI_1";
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
}

TEST_CASE("a state has keepalived's number and text on the bus") {
    CHECK(dbus_state(vrrp::State::Init) == DbusState{0, "Init"});
    CHECK(dbus_state(vrrp::State::Backup) == DbusState{1, "Backup"});
    CHECK(dbus_state(vrrp::State::Master) == DbusState{2, "Master"});
    CHECK(dbus_state(vrrp::State::Fault) == DbusState{3, "Fault"});
    CHECK(dbus_state(Transition::Master).number == 2);
    CHECK(std::string{dbus_state(Transition::Stop).text} == "Stop");
    CHECK(dbus_state(Transition::Stop).number == 98);
    CHECK(dbus_state(Transition::Deleted).number == 99);
}

TEST_CASE("what SNMP sets is a configuration that differs in that one thing") {
    config::Config config;
    config.instances = {instance("eth0", 51, Family::V4), instance("eth0", 52, Family::V4)};
    config.instances[1].name = "VI_2";
    using What = ipc::ControlRequest::What;
    REQUIRE(instance_of(config, "VI_2") == 1U);
    CHECK_FALSE(instance_of(config, "VI_3"));

    const auto raised = with_requested_change(config, 1, {.what = What::SetPriority, .instance = "VI_2", .value = 180});
    REQUIRE(raised);
    CHECK(raised->instances[1].priority == 180);
    CHECK(raised->instances[0] == config.instances[0]);
    CHECK_FALSE(with_requested_change(config, 1, {.what = What::SetPriority, .value = 0}));
    CHECK_FALSE(with_requested_change(config, 1, {.what = What::SetPriority, .value = 256}));

    const auto stays = with_requested_change(config, 0, {.what = What::SetPreempt, .value = 0});
    REQUIRE(stays);
    CHECK(stays->instances[0].nopreempt);
    const auto closed = with_requested_change(config, 0, {.what = What::SetAccept, .value = 0});
    REQUIRE(closed);
    CHECK(config::value_of<bool>(closed->instances[0].more->values, "no_accept") == true);
    CHECK_FALSE(config::value_of<bool>(closed->instances[0].more->values, "accept"));
    CHECK_FALSE(with_requested_change(config, 0, {.what = What::SetAccept, .value = 2}));
    CHECK_FALSE(with_requested_change(config, 0, {.what = What::Reload, .value = 1}));
}
