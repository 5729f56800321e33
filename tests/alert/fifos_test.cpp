// Lines for FIFOs, which FIFOs there are, and the scripts of seldom states.
#include "mainstay/alert/fifos.hpp"

#include <doctest/doctest.h>

#include "mainstay/alert/scripts.hpp"

using namespace mainstay;
using namespace mainstay::alert;
using config::WordList;

TEST_CASE("the lines of FIFOs, to the byte") {
    // effect: global_defs: notify_fifo vrrp_notify_fifo lvs_notify_fifo
    const auto line = [](Event::Kind kind, const char* name, const char* state, const char* parent = "") {
        return fifo_line({.kind = kind,
                          .name = name,
                          .parent = parent,
                          .transition = transition_from(state).value(),
                          .priority = 101});
    };
    CHECK(line(Event::Kind::Instance, "VI 1", "MASTER") == "INSTANCE \"VI 1\" MASTER 101\n");
    CHECK(line(Event::Kind::Instance, "VI_1", "MASTER_RX_LOWER_PRI") == "INSTANCE \"VI_1\" MASTER_RX_LOWER_PRI 101\n");
    CHECK(line(Event::Kind::Instance, "VI_1", "DELETED") == "INSTANCE \"VI_1\" DELETED 101\n");
    CHECK(line(Event::Kind::Group, "G1", "FAULT") == "GROUP \"G1\" FAULT 0\n");
    CHECK(line(Event::Kind::RealServer, "[10.0.0.11]:tcp:80", "DOWN", "[10.0.0.1]:tcp:80") ==
          "RS [10.0.0.11]:tcp:80 [10.0.0.1]:tcp:80 DOWN\n");
    CHECK(line(Event::Kind::VirtualServer, "[10.0.0.1]:tcp:80", "UP") == "VS [10.0.0.1]:tcp:80 UP\n");
}

TEST_CASE("of two FIFOs with one path the first is used") {
    config::Global global;
    global.more.edit().values = {{"lvs_notify_fifo", WordList{"/run/l", "tester", "adm"}},
                                 {"lvs_notify_fifo_script", config::Command{{"/bin/reader", "x"}, {}, {}}},
                                 {"notify_fifo", WordList{"/run/a"}},
                                 {"vrrp_notify_fifo", WordList{"/run/a"}}};
    const auto all = fifos(global);
    REQUIRE(all.size() == 2);
    CHECK(all[0].keyword == "notify_fifo");
    CHECK(all[0].path == "/run/a");
    CHECK_FALSE(all[0].script.has_value());
    CHECK(all[1].keyword == "lvs_notify_fifo");
    CHECK(all[1].user == "tester");
    CHECK(all[1].group == "adm");
    CHECK(all[1].script->argv == WordList{"/bin/reader", "x"});
    CHECK(fifos(config::Global{}).empty());
}

TEST_CASE("a deleted instance and a lower priority that is heard have scripts of their own, a priority has none") {
    // effect: vrrp_instance: notify_deleted notify_master_rx_lower_pri
    config::Config config;
    config::Instance instance;
    instance.name = "VI_1";
    instance.notify.any = config::Command{{"/etc/any"}, {}, {}};
    instance.more.edit().values = {{"notify_deleted", config::Command{{"/etc/deleted"}, {}, {}}},
                                   {"notify_master_rx_lower_pri", config::Command{{"/etc/lower"}, {}, {}}}};
    config.instances = {instance};
    const auto keys = [&](const char* state) {
        std::vector<std::string> all;
        for (const auto& call : NotifyScripts{config}.calls({.kind = Event::Kind::Instance,
                                                             .name = "VI_1",
                                                             .transition = transition_from(state).value(),
                                                             .priority = 9}))
            all.push_back(call.key);
        return all;
    };
    CHECK(keys("DELETED") == std::vector<std::string>{"instance/VI_1/deleted", "instance/VI_1/any"});
    CHECK(keys("MASTER_RX_LOWER_PRI") == std::vector<std::string>{"instance/VI_1/master_rx_lower_pri"});
    CHECK(keys("MASTER_PRIORITY").empty());
    CHECK(keys("BACKUP_PRIORITY").empty());
    std::vector<std::string> wanted;
    for (const auto& script : wanted_scripts(config)) wanted.push_back(script.key + " " + script.command.argv[0]);
    CHECK(wanted == std::vector<std::string>{"instance/VI_1/any /etc/any", "instance/VI_1/deleted /etc/deleted",
                                             "instance/VI_1/master_rx_lower_pri /etc/lower"});
    config.instances[0].more.edit().values = {{"notify_deleted", config::Command{}}};
    CHECK(keys("DELETED") == std::vector<std::string>{"instance/VI_1/any"});
}

TEST_CASE("startup_script has ten seconds unless its limit is set, shutdown_script as long as the stop takes") {
    config::Config config;
    config.global.more.edit().values = {{"shutdown_script", config::Command{{"/bin/down"}, {}, {}}},
                                        {"startup_script", config::Command{{"/bin/up"}, {}, {}}},
                                        {"startup_script_timeout", Micros{3'000'000}}};
    const auto all = wanted_scripts(config);
    REQUIRE(all.size() == 2);
    CHECK(all[0].key == "startup_script");
    CHECK(all[0].timeout == Micros{3'000'000});
    CHECK(all[1].key == "shutdown_script");
    CHECK(all[1].timeout == Micros{0});
    config.global.more.edit().values = {{"shutdown_script", config::Command{{"/bin/down"}, {}, {}}},
                                        {"shutdown_script_timeout", Micros{20'000'000}},
                                        {"startup_script", config::Command{{"/bin/up"}, {}, {}}}};
    CHECK(wanted_scripts(config)[0].timeout == Micros{10'000'000});
    CHECK(wanted_scripts(config)[1].timeout == Micros{20'000'000});
}
