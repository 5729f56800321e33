#include "mainstay/alert/scripts.hpp"

#include <doctest/doctest.h>

#include "script_command.hpp"

namespace mainstay::alert {
namespace {

config::Config sample() {
    config::Config config;
    config.scripts.push_back(
        {.name = "chk_haproxy", .command = command("/usr/bin/killall"), .timeout = Micros{3'000'000}});
    config::Instance instance;
    instance.name = "VI_1";
    instance.notify.master = command("/etc/master.sh");
    instance.notify.any = command("/etc/any.sh");
    config.instances.push_back(instance);
    config::SyncGroup group;
    group.name = "G1";
    group.notify.any = command("/etc/group.sh");
    config.sync_groups.push_back(group);
    config::VirtualServer service;
    service.endpoint = {*IpAddress::parse("10.0.0.1"), 80};
    service.quorum_down = command("/etc/quorum_down.sh");
    config::RealServer server;
    server.endpoint = {*IpAddress::parse("10.0.0.11"), 80};
    server.notify_up = command("/etc/up.sh");
    service.real_servers.push_back(server);
    config.virtual_servers.push_back(service);
    return config;
}

Event event_of(Event::Kind kind, const char* name, const char* state, const char* parent = "") {
    return {
        .kind = kind, .name = name, .parent = parent, .transition = transition_from(state).value(), .priority = 101};
}

}  // namespace

TEST_CASE("an instance runs the script of its state and then the generic one with four arguments") {
    const auto calls = NotifyScripts{sample()}.calls(event_of(Event::Kind::Instance, "VI_1", "MASTER"));

    REQUIRE(calls.size() == 2);
    CHECK(calls[0].key == "instance/VI_1/master");
    CHECK(calls[0].queue == "instance/VI_1");
    CHECK(calls[0].extra.empty());
    CHECK(calls[1].key == "instance/VI_1/any");
    CHECK(calls[1].queue == "instance/VI_1");
    CHECK(calls[1].extra == std::vector<std::string>{"INSTANCE", "VI_1", "MASTER", "101"});
}

TEST_CASE("a state without a script of its own runs only the generic one") {
    for (const char* state : {"BACKUP", "FAULT", "STOP", "DELETED"}) {
        CAPTURE(state);
        const auto calls = NotifyScripts{sample()}.calls(event_of(Event::Kind::Instance, "VI_1", state));
        REQUIRE(calls.size() == 1);
        CHECK(calls[0].key == "instance/VI_1/any");
        CHECK(calls[0].extra[2] == state);
    }
}

TEST_CASE("a group's generic script gets priority 0") {
    const auto calls = NotifyScripts{sample()}.calls(event_of(Event::Kind::Group, "G1", "BACKUP"));

    REQUIRE(calls.size() == 1);
    CHECK(calls[0].key == "group/G1/any");
    CHECK(calls[0].extra == std::vector<std::string>{"GROUP", "G1", "BACKUP", "0"});
}

TEST_CASE("notify_up and quorum_down run without added arguments") {
    const auto up = NotifyScripts{sample()}.calls(
        event_of(Event::Kind::RealServer, "[10.0.0.11]:tcp:80", "UP", "[10.0.0.1]:tcp:80"));
    const auto down = NotifyScripts{sample()}.calls(event_of(Event::Kind::VirtualServer, "[10.0.0.1]:tcp:80", "DOWN"));

    REQUIRE(up.size() == 1);
    CHECK(up[0].key == "real_server/[10.0.0.11]:tcp:80 of [10.0.0.1]:tcp:80/up");
    CHECK(up[0].queue == "real_server/[10.0.0.11]:tcp:80 of [10.0.0.1]:tcp:80");
    CHECK(up[0].extra.empty());
    REQUIRE(down.size() == 1);
    CHECK(down[0].key == "virtual_server/[10.0.0.1]:tcp:80/down");
    CHECK(down[0].queue == "virtual_server/[10.0.0.1]:tcp:80");
    CHECK(down[0].extra.empty());
}

TEST_CASE("a server of a firewall-mark service is known by its name without protocol") {
    config::Config config = sample();
    config.virtual_servers[0].fwmark = 5;

    const auto up =
        NotifyScripts{config}.calls(event_of(Event::Kind::RealServer, "[10.0.0.11]:none:80", "UP", "FWM 5"));

    REQUIRE(up.size() == 1);
    CHECK(up[0].key == "real_server/[10.0.0.11]:none:80 of FWM 5/up");
    CHECK(wanted_scripts(config).back().key == up[0].key);
}

TEST_CASE("the scripts of a service that changes are its new ones, and those of others of its name stay") {
    config::Config config = sample();
    config.virtual_servers.push_back(config.virtual_servers[0]);
    auto after = config.virtual_servers[0];
    after.quorum_down.reset();
    after.quorum_up.edit().argv = {"/bin/true"};
    NotifyScripts scripts{config};
    const auto runs = [&scripts](const char* state) {
        return !scripts.calls(event_of(Event::Kind::VirtualServer, "[10.0.0.1]:tcp:80", state)).empty();
    };
    CHECK(runs("DOWN"));
    CHECK_FALSE(runs("UP"));

    scripts.change({0, config.virtual_servers[0], after});
    CHECK(runs("UP"));
    CHECK(runs("DOWN"));
    scripts.change({1, config.virtual_servers[1], after});
    CHECK(runs("UP"));
    CHECK_FALSE(runs("DOWN"));
}

TEST_CASE("what is not configured runs nothing") {
    const auto config = sample();

    CHECK(NotifyScripts{config}.calls(event_of(Event::Kind::Instance, "VI_2", "MASTER")).empty());
    CHECK(NotifyScripts{config}.calls(event_of(Event::Kind::Group, "G2", "MASTER")).empty());
    CHECK(NotifyScripts{config}.calls(event_of(Event::Kind::VirtualServer, "[10.0.0.1]:tcp:80", "UP")).empty());
    CHECK(NotifyScripts{config}
              .calls(event_of(Event::Kind::RealServer, "[10.0.0.11]:tcp:80", "DOWN", "[10.0.0.1]:tcp:80"))
              .empty());
    CHECK(NotifyScripts{config}
              .calls(event_of(Event::Kind::RealServer, "[10.0.0.11]:tcp:80", "UP", "[10.0.0.2]:tcp:80"))
              .empty());
}

TEST_CASE("an event that is not to be notified runs nothing") {
    Event quiet = event_of(Event::Kind::Instance, "VI_1", "MASTER");
    quiet.notify = false;

    CHECK(NotifyScripts{sample()}.calls(quiet).empty());
}

TEST_CASE("a script check is wanted under its server and its place among the checkers, with its time limit") {
    config::Config config;
    config::VirtualServer service;
    service.endpoint = {*IpAddress::parse("10.0.0.1"), 80};
    service.delay_loop = Micros{6'000'000};
    config::RealServer server;
    server.endpoint = {*IpAddress::parse("10.0.0.11"), 80};
    config::Checker limited;
    limited.type = config::Checker::Type::Misc;
    limited.misc_path = command("/etc/check");
    limited.misc_timeout = Micros{2'000'000};
    config::Checker unlimited = limited;
    unlimited.misc_timeout = Micros{0};
    server.checkers = {config::Checker{}, limited, unlimited};
    service.real_servers.push_back(server);
    config.virtual_servers.push_back(service);

    const auto wanted = wanted_scripts(config);

    REQUIRE(wanted.size() == 2);
    CHECK(wanted[0].key == "misc_check/[10.0.0.11]:tcp:80 of [10.0.0.1]:tcp:80/1");
    CHECK(wanted[0].timeout == Micros{2'000'000});
    CHECK(wanted[1].key == "misc_check/[10.0.0.11]:tcp:80 of [10.0.0.1]:tcp:80/2");
    CHECK(wanted[1].timeout == Micros{6'000'000});
    CHECK(misc_check_key(service, server, 1) == wanted[0].key);
}

TEST_CASE("every configured command is wanted under the key that its event asks for") {
    const auto wanted = wanted_scripts(sample());

    std::vector<std::string> keys;
    for (const auto& entry : wanted) keys.push_back(entry.key);
    CHECK(keys == std::vector<std::string>{"vrrp_script/chk_haproxy", "instance/VI_1/master", "instance/VI_1/any",
                                           "group/G1/any", "virtual_server/[10.0.0.1]:tcp:80/down",
                                           "real_server/[10.0.0.11]:tcp:80 of [10.0.0.1]:tcp:80/up"});
    CHECK(wanted[0].timeout == Micros{3'000'000});
    CHECK(wanted[1].timeout == Micros{0});
    CHECK(wanted[1].command.argv == std::vector<std::string>{"/etc/master.sh"});
}

}  // namespace mainstay::alert
