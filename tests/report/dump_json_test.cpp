// keepalived.json and keepalived.stats, whole and in the corners.
#include <nlohmann/json.hpp>

#include "../golden.hpp"
#include "dump_scene.hpp"

using namespace mainstay;
using namespace mainstay::report;
using namespace mainstay::test;

namespace {

// The data of an instance with these lines, without the role's state.
nlohmann::ordered_json data_of(const std::string& lines, const std::string& before = {}) {
    DumpScene scene{before + "vrrp_instance VI_1 {\nstate BACKUP\ninterface eth0\nvirtual_router_id 51\n" + lines +
                    "virtual_ipaddress {\n10.9.9.9\n}\n}\n"};
    scene.status.router.instances.resize(1);
    return nlohmann::ordered_json::parse(dump_json(scene.source))[0]["data"];
}

std::vector<std::uint64_t*> all_of(vrrp::Counters& c) {
    return {&c.advert_rcvd,      &c.advert_sent,         &c.become_master,        &c.release_master,
            &c.packet_len_err,   &c.advert_interval_err, &c.ip_ttl_err,           &c.invalid_type_rcvd,
            &c.addr_list_err,    &c.invalid_authtype,    &c.authtype_mismatch,    &c.auth_failure,
            &c.auth_ext_missing, &c.auth_ext_malformed,  &c.auth_ext_unknown_key, &c.auth_ext_invalid_hmac,
            &c.auth_ext_stale,   &c.auth_ext_replay,     &c.pri_zero_rcvd,        &c.pri_zero_sent};
}

}  // namespace

TEST_CASE("a director's instances are dumped as JSON with keepalived's fields in their order") {
    DumpScene scene;
    CHECK(dump_json(scene.source) == golden("dump.json"));
    auto first = dump_json(scene.source);
    first.pop_back();  // the end of the line
    scene.source.json_version_2 = true;
    CHECK(dump_json(scene.source) ==
          "{\"vrrp\":" + first +
              R"(,"track_process":[{"process":"\/bin\/pinger","parameters":"-x -y","param_match":"initial",)"
              R"("min_processes":2,"max_processes":9,"current_processes":4,"have_quorum":true,"weight":-6,)"
              R"("terminate_delay":4,"fork_delay":1.5,"fork_delay_timer_running":false,)"
              R"("terminate_delay_timer_running":false,"full_command":true},)"
              R"({"process":"sleeper","parameters":"","param_match":"none","min_processes":1,"current_processes":0,)"
              R"("have_quorum":false,"weight":1,"terminate_delay":0,"fork_delay":0,"fork_delay_timer_running":false,)"
              R"("terminate_delay_timer_running":false,"full_command":false}]})"
              "\n");
}

TEST_CASE("each way to match parameters has a name") {
    DumpScene scene{
        "vrrp_track_process P1 {\nprocess /bin/x -a\n}\nvrrp_track_process P2 {\nprocess /bin/x -a\nparam_match "
        "partial\n"
        "}\nvrrp_instance VI_1 {\nstate BACKUP\ninterface eth0\nvirtual_router_id 51\ntrack_process {\nP1\nP2\n}\n"
        "virtual_ipaddress {\n10.9.9.9\n}\n}\n"};
    scene.source.json_version_2 = true;
    const auto list = nlohmann::json::parse(dump_json(scene.source))["track_process"];
    CHECK(list[0]["param_match"] == "exact");
    CHECK(list[1]["param_match"] == "partial");
}

TEST_CASE("the rules of an instance are dumped as lines, and the processes that it tracks by their names") {
    const auto data = data_of("virtual_rules {\nfrom 10.0.0.0/8 table 5 preference 9\n}\ntrack_process {\nP\n}\n",
                              "vrrp_track_process P {\nprocess /bin/x\n}\n");
    CHECK(data["vrules"].dump() == R"(["from 10.0.0.0/8 priority 9 tos 0x0 protocol 18 lookup 5"])");
    CHECK(data["track_process"].dump() == R"(["P"])");
    const auto without = data_of("");
    for (const char* absent : {"vrules", "vroutes", "evips", "track_process", "track_script", "track_ifp"})
        CHECK_FALSE(without.contains(absent));
}

TEST_CASE("notify_deleted is said to be set, with a script and without") {
    CHECK(data_of("")["notify_deleted"] == false);
    CHECK(data_of("notify_deleted\n")["notify_deleted"] == true);
    CHECK_FALSE(data_of("notify_deleted\n").contains("script_deleted"));
    const auto data = data_of("notify_deleted /bin/true\n");
    CHECK(data["notify_deleted"] == true);
    CHECK(data["script_deleted"] == "'/bin/true'");
}

TEST_CASE("an instance accepts packets unless its firewall rules refuse them") {
    CHECK(data_of("priority 100\n")["accept"] == 1);
    CHECK(data_of("priority 100\nno_accept\n")["accept"] == 0);
    CHECK(data_of("priority 100\nstrict_mode\n")["accept"] == 0);
    CHECK(data_of("priority 255\nno_accept\n")["accept"] == 1);
    CHECK(data_of("priority 255\nstrict_mode\n")["accept"] == 1);
}

TEST_CASE("there is no JSON without an instance that runs") {
    DumpScene scene;
    scene.status.router.instances.resize(1);
    scene.status.router.instances[0].name = "VI_9";
    CHECK(dump_json(scene.source) == "[]\n");
    scene.status.router.instances.clear();
    CHECK(dump_json(scene.source).empty());
    scene.source.vrrp = nullptr;
    CHECK(dump_json(scene.source).empty());
}

TEST_CASE("names of any bytes leave valid JSON") {
    DumpScene scene;
    scene.config.instances[0].name = scene.status.router.instances[0].name = "bad\xFF";
    CHECK(dump_json(scene.source).starts_with("[{\"data\":{\"iname\":\"bad\uFFFD\","));
}

TEST_CASE("strings are escaped as keepalived escapes them") {
    DumpScene scene;
    scene.config.instances[0].name = scene.status.router.instances[0].name = "a/b\"c\\d\n";
    CHECK(dump_json(scene.source).starts_with(R"([{"data":{"iname":"a\/b\"c\\d\n",)"));
}

TEST_CASE("version 2 without a tracked process has no such list") {
    DumpScene scene{
        "vrrp_instance VI_1 {\nstate BACKUP\ninterface eth0\nvirtual_router_id 51\n"
        "virtual_ipaddress {\n10.9.9.9\n}\n}\n"};
    scene.source.json_version_2 = true;
    CHECK_FALSE(nlohmann::json::parse(dump_json(scene.source)).contains("track_process"));
}

TEST_CASE("the statistics have keepalived's form to the byte") {
    DumpScene scene;
    scene.status.router.instances.resize(2);
    CHECK(dump_stats(scene.source) == golden("dump_stats.txt"));
    scene.source.vrrp = nullptr;
    CHECK(dump_stats(scene.source).empty());
}

TEST_CASE("cleared statistics count from there, and from 0 where an instance has started again") {
    DumpScene scene;
    auto& now = scene.status.router.instances[0].counters;
    vrrp::Counters before;
    const auto values = all_of(now);
    std::uint64_t more = 1;
    for (auto* value : all_of(before)) *value = 100 - 1;
    for (auto* value : values) *value = 99 + more++;
    scene.source.cleared = {{"VI_1", before}, {"VI_2", before}};
    auto counted_now = counted(scene.source, scene.status.router.instances[0]);
    std::uint64_t expected = 1;
    for (const auto* value : all_of(counted_now)) CHECK(*value == expected++);
    for (auto* value : values) *value = 98;
    counted_now = counted(scene.source, scene.status.router.instances[0]);
    for (const auto* value : all_of(counted_now)) CHECK(*value == 98);
    for (auto* value : values) *value = 99;
    counted_now = counted(scene.source, scene.status.router.instances[0]);
    for (const auto* value : all_of(counted_now)) CHECK(*value == 0);
    scene.status.router.instances[0].name = "VI_3";  // nobody has cleared that one's
    counted_now = counted(scene.source, scene.status.router.instances[0]);
    for (const auto* value : all_of(counted_now)) CHECK(*value == 99);
}
