// The dumps of keepalived.data and its siblings, whole and in the corners.
#include <cstdlib>
#include <ctime>

#include "../golden.hpp"
#include "dump_scene.hpp"

using namespace mainstay;
using namespace mainstay::report;
using namespace mainstay::test;

namespace {

// The part of a dump from this section's header up to the next one.
std::string section_of(const std::string& dump, const std::string& name) {
    const auto from = dump.find("------< " + name + " >------\n");
    REQUIRE(from != std::string::npos);
    return dump.substr(from, dump.find("------< ", from + 1) - from);
}

}  // namespace

TEST_CASE("a director's data are dumped in keepalived's sections, without a secret") {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
    const DumpScene scene;
    const auto text = dump_data(scene.source);
    CHECK(text == golden("dump_data.txt"));
    CHECK(text.find("s3cret") == std::string::npos);
    CHECK(text.find("hidden") == std::string::npos);
    CHECK(dump_parent_data(scene.source) == section_of(text, "Global definitions"));
}

TEST_CASE("without the vrrp role the configuration is dumped, and no state") {
    DumpScene scene;
    const auto running = dump_data(scene.source);
    scene.source.vrrp = nullptr;
    const auto text = dump_data(scene.source);
    CHECK(section_of(text, "VRRP Topology") == "------< VRRP Topology >------\n");
    CHECK(section_of(text, "VRRP Track BFDs") == "------< VRRP Track BFDs >------\n");
    CHECK(section_of(text, "VRRP Scripts").find("Status") == std::string::npos);
    CHECK(section_of(text, "VRRP Scripts").find("last") == std::string::npos);
    CHECK(section_of(text, "VRRP Sync groups")
              .starts_with("------< VRRP Sync groups >------\n VRRP Sync Group = G1, INIT\n"));
    CHECK(section_of(text, "VRRP Track files").find("   Status = 0\n   Weight = 3 reverse\n") != std::string::npos);
    CHECK(section_of(text, "VRRP Track processes").find("   Current processes = 0\n   Have quorum = false\n") !=
          std::string::npos);
    for (const char* same : {"Static Addresses", "Static Track groups", "VRRP Sockpool", "Interfaces"})
        CHECK(section_of(text, same) == section_of(running, same));
}

TEST_CASE("the state of an instance that is not configured is left out") {
    DumpScene scene;
    scene.status.router.instances = {{.name = "VI_9"}};
    CHECK(section_of(dump_data(scene.source), "VRRP Topology") == "------< VRRP Topology >------\n");
}

TEST_CASE("the addresses of a master that does not own them are not said to be set") {
    DumpScene scene;
    scene.status.router.instances[0].owns_addresses = false;
    CHECK(dump_data(scene.source).find("     192.168.4.201 dev eth1 scope site\n") != std::string::npos);
    scene.status.router.instances[0].owns_addresses = true;
    scene.status.router.instances[0].state = vrrp::State::Backup;
    CHECK(dump_data(scene.source).find("     192.168.4.201 dev eth1 scope site\n") != std::string::npos);
}

TEST_CASE("what is not configured is not dumped") {
    const DumpScene scene{
        "vrrp_instance VI_1 {\nstate BACKUP\ninterface eth0\nvirtual_router_id 51\n"
        "virtual_ipaddress {\n10.9.9.9\n}\n}\n"};
    const auto text = dump_data(scene.source);
    CHECK(dump_parent_data(scene.source) ==
          "------< Global definitions >------\n"
          " Dynamic interfaces = false\n Default interface = eth0\n Gratuitous ARP delay = 5\n"
          " Gratuitous ARP repeat = 5\n Gratuitous ARP refresh timer = 0\n Gratuitous ARP refresh repeat = 1\n"
          " Num adverts before down = 3\n Send advert after receive lower priority advert = true\n"
          " Send advert after receive higher priority advert = false\n VRRP default protocol version = 2\n"
          " VRRP skip check advert addresses = false\n VRRP strict mode = false\n LVS flush = false\n"
          " Script security disabled\n");
    for (const char* absent : {"Excluded", "Routes :", "Rules :", "Unicast", "Tracked", "transition script",
                               "Sync group", "Preempt delay", "src_ip", "Fault", "Master router"})
        CHECK(section_of(text, "VRRP Topology").find(absent) == std::string::npos);
    CHECK(text.ends_with(
        "------< VRRP Sync groups >------\n------< VRRP Scripts >------\n------< VRRP Track files >------\n"
        "------< VRRP Track processes >------\n------< VRRP Track BFDs >------\n"
        " Track BFD = B1\n   Status = UP\n Track BFD = B2\n   Status = DOWN\n"
        "------< Interfaces >------\n Name = eth0\n"));
}

TEST_CASE("a backup that has heard no master names none") {
    DumpScene scene;
    scene.status.router.instances[1].master = {};
    CHECK(dump_data(scene.source).find("Master router") == std::string::npos);
}

TEST_CASE("each kind of value has its form") {
    config::Config config;
    config.global.more.edit().values = {{"a", true},
                                        {"b", std::int64_t{-3}},
                                        {"c", Micros{12'000'345}},
                                        {"d", config::Command{.argv = {"/bin/x", "y z"}, .user = {}, .group = {}}},
                                        {"e", config::WordList{"p", "q"}},
                                        {"f", config::IntegerList{1, 2}},
                                        {"g", *IpAddress::parse("10.0.0.1")},
                                        {"h", *Prefix::parse("10.0.0.0/8")},
                                        {"i", false}};
    const auto text = dump_parent_data({.config = config});
    CHECK(
        text.ends_with(" Script security disabled\n a = true\n b = -3\n c = 12.000345\n d = '/bin/x' 'y z'\n"
                       " e = p q\n f = 1 2\n g = 10.0.0.1\n h = 10.0.0.0/8\n i = false\n"));
}

TEST_CASE("a line of a block is written as in a file: first what has no keyword") {
    using config::Block;
    const config::Section line{.keyword = {},
                               .names = {"n"},
                               .values = {{"address", config::WordList{"10.0.0.1"}},
                                          {"dev", config::WordList{"eth0"}},
                                          {"home", true},
                                          {"other", false}},
                               .sections = {}};
    CHECK(line_text(line, Block::VirtualRules) == "n address 10.0.0.1 dev eth0 home other off");
    CHECK(line_text({}, Block::VirtualRules).empty());
    const config::Section rule{
        .keyword = {},
        .names = {},
        .values = {{"fwmark", config::IntegerList{5, 7}}, {"other", config::IntegerList{5, 7}}},
        .sections = {{.keyword = "inner", .names = {}, .values = {{"x", std::int64_t{1}}}, .sections = {}}}};
    CHECK(line_text(rule, Block::VirtualRules) == "fwmark 5/7 other 5 7 inner x 1");
}

TEST_CASE("the check data have each service with its servers") {
    config::Config config;
    DumpSource source{.config = config};
    const auto global = dump_parent_data(source);
    CHECK(dump_check_data(source) == global + "------< LVS Topology >------\n");
    report::LvsStatus lvs;
    lvs.services = {{.name = "S1", .scheduler = "rr", .quorum_up = true}, {.name = "S2", .scheduler = "wlc"}};
    lvs.services[0].servers = {{.name = "R1", .weight = 3, .alive = true}, {.name = "R2", .weight = 4, .alive = false}};
    source.lvs = &lvs;
    CHECK(dump_check_data(source) == global +
                                         "------< LVS Topology >------\n"
                                         " VirtualServer = S1\n   lvs_sched = rr\n   quorum = UP\n"
                                         "   ------< Real server >------\n    RIP = R1, weight = 3, alive\n"
                                         "   ------< Real server >------\n    RIP = R2, weight = 4, down\n"
                                         " VirtualServer = S2\n   lvs_sched = wlc\n   quorum = DOWN\n");
}
