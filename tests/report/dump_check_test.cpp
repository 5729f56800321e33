// keepalived_check.data. lab/test_check_dump.py compares it with keepalived's own.
#include <fstream>
#include <sstream>

#include "../golden.hpp"
#include "dump_scene.hpp"

using namespace mainstay;
using namespace mainstay::report;
using namespace mainstay::test;

namespace {

config::Config config_of(std::string text) {
    auto loaded = config::load_text("x.conf", std::move(text), {});
    REQUIRE(loaded.can_run());
    return std::move(loaded.config);
}

std::string contents(const char* path) {
    std::ostringstream text;
    text << std::ifstream{path}.rdbuf();
    return text.str();
}

constexpr const char* kTwoServers = R"(SSL {
    password hidden
    key /etc/key.pem
}
virtual_server 10.0.0.1 80 {
    protocol TCP
    real_server 10.0.0.11 80 {
        weight 3
        FILE_CHECK {
            track_file load
        }
        MISC_CHECK {
            misc_path "/bin/true"
        }
    }
    real_server 10.0.0.12 80 {
        alpha
    }
}
track_file load {
    file /run/load
    weight 2 reverse
}
)";

std::string part_of(const std::string& dump, const std::string& from, const std::string& to) {
    const auto begin = dump.find(from);
    REQUIRE(begin != std::string::npos);
    return dump.substr(begin, dump.find(to, begin) - begin);
}

}  // namespace

TEST_CASE("each kind of service, server and check has keepalived's lines") {
    const auto config = config_of(contents(DUMPED_CHECKERS));
    const auto text = dump_check_data({.config = config});
    CHECK(text.substr(text.find("------< LVS Topology")) == golden("dump_check.txt"));
}

TEST_CASE("states, weights and the number in a file are the role's") {
    const auto config = config_of(kTwoServers);
    LvsStatus lvs;
    lvs.services = {{.name = "[10.0.0.1]:tcp:80", .quorum_up = true}};
    lvs.services[0].servers = {{.weight = -11, .alive = false, .in_table = true}, {.weight = 1}};
    lvs.services[0].servers[0].checks = {{.up = true, .has_run = true, .weight = 3 - 2 * 7},
                                         {.up = false, .has_run = true, .failures_in_row = 4}};
    const auto text = dump_check_data({.config = config, .lvs = &lvs});
    CHECK(
        part_of(text, "   initial weight", "   ------<") ==
        "   initial weight = 3\n   effective weight = -11\n   previous effective_weight = 0\n   alive = 0\n"
        "   num failed checkers = 1\n   RS set = 1\n   reloaded = 0\n   Tracked Files\n     load, weight 2 reverse\n");
    CHECK(text.contains("   RIP = 10.0.0.11, RPORT = 80, WEIGHT = 0 EFF WEIGHT = -11\n"));
    CHECK(part_of(text, "   alive = 1\n   quorum_state_up", "   reloaded") == "   alive = 1\n   quorum_state_up = 1\n");
    CHECK(part_of(text, "   Retries iterations", "   Default") == "   Retries iterations = 4\n");
    CHECK(
        text.ends_with("------< Checker track files >------\n Track file = load\n   File = /run/load\n   Status = 7\n"
                       "   Weight = 2 reverse\n   Tracking instances :\n"
                       "     [10.0.0.1]:tcp:80 -> [10.0.0.11]:tcp:80, weight 2 reverse\n"));
    CHECK(part_of(text, "------< SSL", "------< LVS") == "------< SSL definitions >------\n Key file : /etc/key.pem\n");
}

TEST_CASE("a service that the role has not told of is down, and one at another place is found by its name") {
    const auto config = config_of(kTwoServers);
    LvsStatus lvs;
    CHECK(dump_check_data({.config = config, .lvs = &lvs}).contains("   alive = 0\n   quorum_state_up = 0\n"));
    lvs.services = {{.name = "[10.0.0.9]:tcp:80"}, {.name = "[10.0.0.1]:tcp:80", .quorum_up = true}};
    CHECK(dump_check_data({.config = config, .lvs = &lvs}).contains("   alive = 1\n   quorum_state_up = 1\n"));
}

TEST_CASE("without services there are none, and without checks no section of them") {
    const config::Config config;
    CHECK(dump_check_data({.config = config}) ==
          dump_parent_data({.config = config}) + "------< LVS Topology >------\n System is compiled with LVS v1.2.1\n");
}

TEST_CASE("servers of a file are those that the role has, with the settings of their block") {
    const auto config = config_of(R"(virtual_server 10.0.0.1 80 {
    protocol TCP
    real_server_file /run/web.json {
        weight 5
        TCP_CHECK {
        }
    }
    real_server 10.0.0.11 80 {
    }
}
)");
    LvsStatus lvs;
    lvs.services = {{.name = "[10.0.0.1]:tcp:80", .quorum_up = true}};
    const auto at = [](const char* address, bool alive) {
        return ServerStatus{.endpoint = {*IpAddress::parse(address), 80}, .alive = alive};
    };
    lvs.services[0].servers = {at("10.0.0.11", false), at("10.2.0.1", true), at("10.2.0.2", false)};
    std::string servers;
    std::istringstream lines{dump_check_data({.config = config, .lvs = &lvs})};
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with("   RIP = ") || line.starts_with("   alive = ") || line.starts_with("   initial weight"))
            servers += line.substr(0, line.find(" EFF")) + "\n";
    CHECK(servers ==
          "   alive = 1\n"  // the service
          "   RIP = 10.0.0.11, RPORT = 80, WEIGHT = 1\n   initial weight = 1\n   alive = 0\n"
          "   RIP = 10.2.0.1, RPORT = 80, WEIGHT = 1\n   initial weight = 5\n   alive = 1\n"
          "   RIP = 10.2.0.2, RPORT = 80, WEIGHT = 1\n   initial weight = 5\n   alive = 0\n");
    CHECK_FALSE(dump_check_data({.config = config}).contains("RPORT = 0"));
}
