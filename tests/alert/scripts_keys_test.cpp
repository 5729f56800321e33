// Which scripts there are, under which keys, and who runs which: every kind and every state.
#include <doctest/doctest.h>

#include "mainstay/alert/fifos.hpp"
#include "mainstay/alert/scripts.hpp"
#include "script_command.hpp"

namespace mainstay::alert {
namespace {

using Names = std::vector<std::string>;
using Kind = Event::Kind;

config::Notifies all_notifies() {
    config::Notifies all;
    all.master = command("/m"), all.backup = command("/b"), all.fault = command("/f"), all.stop = command("/s");
    all.any = command("/a");
    return all;
}

Event event(Kind kind, std::string name, std::string_view state, std::string parent = {}) {
    return {.kind = kind,
            .name = std::move(name),
            .parent = std::move(parent),
            .transition = transition_from(state).value(),
            .priority = 7};
}

config::VirtualServer service(const char* address) {
    config::VirtualServer made;
    made.endpoint = {*IpAddress::parse(address), 80};
    return made;
}

config::RealServer server(const char* address) {
    config::RealServer made;
    made.endpoint = {*IpAddress::parse(address), 80};
    return made;
}

Names wanted(const config::Config& config) {
    Names all;
    for (const auto& one : wanted_scripts(config)) all.push_back(one.key + " " + one.command.argv[0]);
    return all;
}
Names keys(const std::vector<NotifyCall>& calls) {
    Names all;
    for (const auto& call : calls) all.push_back(call.key);
    return all;
}

}  // namespace

TEST_CASE("the key of an event names kind, subject and transition") {
    CHECK(notify_key(event(Kind::Instance, "V", "MASTER"), false) == "instance/V/master");
    CHECK(notify_key(event(Kind::Instance, "V", "BACKUP"), false) == "instance/V/backup");
    CHECK(notify_key(event(Kind::Instance, "V", "FAULT"), false) == "instance/V/fault");
    CHECK(notify_key(event(Kind::Instance, "V", "STOP"), false) == "instance/V/stop");
    CHECK(notify_key(event(Kind::Instance, "V", "DELETED"), false) == "instance/V/deleted");
    CHECK(notify_key(event(Kind::Instance, "V", "MASTER_RX_LOWER_PRI"), false) == "instance/V/master_rx_lower_pri");
    CHECK(notify_key(event(Kind::Instance, "V", "MASTER_PRIORITY"), false) == "instance/V/other");
    CHECK(notify_key(event(Kind::Group, "G", "MASTER"), true) == "group/G/any");
    CHECK(notify_key(event(Kind::RealServer, "R", "UP", "S"), false) == "real_server/R of S/up");
    CHECK(notify_key(event(Kind::VirtualServer, "S", "DOWN"), false) == "virtual_server/S/down");
    CHECK(track_script_key("chk") == "vrrp_script/chk");
}

TEST_CASE("instances and groups run the script of each state, then the generic one") {
    config::Config config;
    config::Instance other, instance;
    other.name = "V0", instance.name = "V1";
    instance.notify = all_notifies();
    config.instances = {other, instance};
    config::SyncGroup first, group;
    first.name = "G0", group.name = "G1";
    group.notify = all_notifies();
    config.sync_groups = {first, group};
    for (const auto& [state, word] :
         {std::pair{"MASTER", "master"}, {"BACKUP", "backup"}, {"FAULT", "fault"}, {"STOP", "stop"}}) {
        CAPTURE(state);
        const auto calls = NotifyScripts{config}.calls(event(Kind::Instance, "V1", state));
        CHECK(keys(calls) == Names{std::string{"instance/V1/"} + word, "instance/V1/any"});
        const auto of_group = NotifyScripts{config}.calls(event(Kind::Group, "G1", state));
        CHECK(keys(of_group) == Names{std::string{"group/G1/"} + word, "group/G1/any"});
        CHECK(of_group.at(0).queue == "group/G1");
        CHECK(of_group.at(1).extra == Names{"GROUP", "G1", state, "0"});
        CHECK(calls.at(1).extra == Names{"INSTANCE", "V1", state, "7"});
        CHECK(NotifyScripts{config}.calls(event(Kind::Instance, "V0", state)).empty());
        CHECK(NotifyScripts{config}.calls(event(Kind::Group, "G0", state)).empty());
    }
    CHECK(NotifyScripts{config}.calls(event(Kind::RealServer, "V1", "UP", "S")).empty());
    CHECK(NotifyScripts{config}.calls(event(Kind::VirtualServer, "V1", "UP")).empty());
    CHECK(wanted(config) == Names{"instance/V1/master /m", "instance/V1/backup /b", "instance/V1/fault /f",
                                  "instance/V1/stop /s", "instance/V1/any /a", "group/G1/master /m",
                                  "group/G1/backup /b", "group/G1/fault /f", "group/G1/stop /s", "group/G1/any /a"});
}

TEST_CASE("an instance with a script for one state runs nothing in another") {
    config::Config config;
    config::Instance instance;
    instance.name = "V1";
    instance.notify.backup = command("/b");
    config.instances = {instance};
    CHECK(NotifyScripts{config}.calls(event(Kind::Instance, "V1", "MASTER")).empty());
    CHECK(keys(NotifyScripts{config}.calls(event(Kind::Instance, "V1", "BACKUP"))) == Names{"instance/V1/backup"});
}

TEST_CASE("of a removed instance, which ends as FAULT, the generic script alone runs") {
    config::Config config;
    config::Instance instance;
    instance.name = "V1";
    instance.notify.fault = command("/f");
    instance.notify.any = command("/any");
    config.instances = {instance};
    auto gone = event(Kind::Instance, "V1", "FAULT");
    CHECK(keys(NotifyScripts{config}.calls(gone)) == Names{"instance/V1/fault", "instance/V1/any"});
    gone.removed = true;
    CHECK(keys(NotifyScripts{config}.calls(gone)) == Names{"instance/V1/any"});
}

TEST_CASE("quorum and servers' scripts are wanted and run each for its own transition") {
    config::Config config;
    auto both = service("10.0.0.1");
    both.quorum_up = command("/qu"), both.quorum_down = command("/qd");
    both.real_servers = {server("10.0.0.11"), server("10.0.0.12"), server("10.0.0.13")};
    both.real_servers[0].notify_up = command("/u");
    both.real_servers[1].notify_down = command("/d");
    config.virtual_servers = {both};
    const std::string of = " of [10.0.0.1]:tcp:80";
    CHECK(wanted(config) ==
          Names{"virtual_server/[10.0.0.1]:tcp:80/up /qu", "virtual_server/[10.0.0.1]:tcp:80/down /qd",
                "real_server/[10.0.0.11]:tcp:80" + of + "/up /u", "real_server/[10.0.0.12]:tcp:80" + of + "/down /d"});
    const NotifyScripts scripts{config};
    const auto runs = [&scripts](const char* name, const char* state) {
        return scripts.calls(event(Kind::RealServer, name, state, "[10.0.0.1]:tcp:80")).size();
    };
    CHECK(runs("[10.0.0.11]:tcp:80", "UP") == 1);
    CHECK(runs("[10.0.0.11]:tcp:80", "DOWN") == 0);
    CHECK(runs("[10.0.0.12]:tcp:80", "DOWN") == 1);
    CHECK(runs("[10.0.0.13]:tcp:80", "UP") == 0);
    CHECK(scripts.calls(event(Kind::VirtualServer, "[10.0.0.1]:tcp:80", "UP")).size() == 1);
    // An instance whose name makes the same key is none of its business.
    CHECK(scripts.calls(event(Kind::Instance, "[10.0.0.1]:tcp:80", "UP")).empty());
    Event quiet = event(Kind::VirtualServer, "[10.0.0.1]:tcp:80", "UP");
    quiet.notify = false;
    CHECK(scripts.calls(quiet).empty());
    CHECK(NotifyScripts{}.calls(event(Kind::VirtualServer, "[10.0.0.1]:tcp:80", "UP")).empty());
}

TEST_CASE(
    "servers of a source have its scripts and checks, and neither those of another source nor of a fixed server") {
    const auto source = [](std::uint16_t port, config::WordList file, const char* command_of) {
        config::RealServer one;
        one.endpoint = {IpAddress{}, port};
        one.notify_down = command(command_of);
        config::Checker misc;
        misc.type = config::Checker::Type::Misc;
        misc.misc_path = command(command_of);
        one.checkers = {misc};
        one.more.edit().values = {{"real_server_file", std::move(file)}};
        return one;
    };
    config::Config config;
    auto web = service("10.0.0.1");
    web.real_servers = {source(80, {"/a", "80"}, "/down-a"), source(80, {"/b", "80"}, "/down-b"), server("10.0.0.11")};
    auto zoned = source(80, {"/a", "80"}, "/down-z");
    auto& values = zoned.more.edit().values;
    values.insert(values.begin(), {"labels_keep", config::WordList{"zone", "z"}});
    web.real_servers.push_back(zoned);
    config.virtual_servers = {web};
    CHECK(wanted(config) ==
          Names{"misc_check/real_server_file /a 80 of [10.0.0.1]:tcp:80/0 /down-a",
                "misc_check/real_server_file /b 80 of [10.0.0.1]:tcp:80/0 /down-b",
                "misc_check/real_server_file /a 80 labels_keep zone z of [10.0.0.1]:tcp:80/0 /down-z",
                "real_server/real_server_file /a 80 of [10.0.0.1]:tcp:80/down /down-a",
                "real_server/real_server_file /b 80 of [10.0.0.1]:tcp:80/down /down-b",
                "real_server/real_server_file /a 80 labels_keep zone z of [10.0.0.1]:tcp:80/down /down-z"});

    const NotifyScripts scripts{config};
    Event down = event(Kind::RealServer, "[10.0.0.77]:tcp:80", "DOWN", "[10.0.0.1]:tcp:80");
    CHECK(scripts.calls(down).empty());  // no source: a fixed server, which has no script
    down.source = std::string{"real_server_file /b 80"};
    CHECK(keys(scripts.calls(down)) == Names{"real_server/real_server_file /b 80 of [10.0.0.1]:tcp:80/down"});

    auto found = server("10.0.0.77");
    CHECK(misc_check_key(web, found, 3) == "misc_check/[10.0.0.77]:tcp:80 of [10.0.0.1]:tcp:80/3");
    found.more.edit().values = {{"real_server_dns", config::WordList{"x"}}};
    CHECK(misc_check_key(web, found, 3) == "misc_check/real_server_dns x of [10.0.0.1]:tcp:80/3");
}

TEST_CASE("a change takes the scripts of the service as it was, and of that alone") {
    config::Config config;
    auto first = service("10.0.0.1"), second = service("10.0.0.2");
    first.quorum_up = command("/1"), second.quorum_up = command("/2");
    config.virtual_servers = {first, second};
    NotifyScripts scripts{config};
    auto after = first;
    after.quorum_up.reset();
    scripts.change({0, first, after});
    CHECK(scripts.calls(event(Kind::VirtualServer, "[10.0.0.1]:tcp:80", "UP")).empty());
    CHECK(scripts.calls(event(Kind::VirtualServer, "[10.0.0.2]:tcp:80", "UP")).size() == 1);
    scripts.change({0, after, first});
    CHECK(scripts.calls(event(Kind::VirtualServer, "[10.0.0.1]:tcp:80", "UP")).size() == 1);
}

TEST_CASE("the reader of a FIFO is wanted under the FIFO's keyword") {
    config::Config config;
    config.global.more.edit().values = {{"notify_fifo", config::WordList{"/run/a", "user"}},
                                        {"notify_fifo_script", command("/reader")},
                                        {"vrrp_notify_fifo", config::WordList{}},
                                        {"lvs_notify_fifo", config::WordList{"/run/l"}}};
    CHECK(wanted(config) == Names{"fifo/notify_fifo /reader"});
    const auto all = fifos(config.global);
    REQUIRE(all.size() == 2);
    CHECK(all[0].user == "user");
    CHECK(all[0].group.empty());
    CHECK(all[1].path == "/run/l");
    CHECK(all[1].user.empty());
}

}  // namespace mainstay::alert
