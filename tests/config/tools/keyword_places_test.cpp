// Where a keyword stands: by the names of a difference, in the file that was read.
#include "mainstay/config/tools/keyword_places.hpp"

#include <doctest/doctest.h>

using namespace mainstay;
using namespace mainstay::config;

namespace {

const std::string kText =
    "global_defs {\n"                           // 1
    "    router_id lb1\n"                       // 2
    "    notification_email {\n"                // 3
    "        a@example.org\n"                   // 4
    "        b@example.org c@example.org\n"     // 5
    "    }\n"                                   // 6
    "}\n"                                       // 7
    "vrrp_script chk { script \"/bin/true\"\n"  // 8
    "    interval 2 }\n"                        // 9
    "vrrp_instance VI_1 {\n"                    // 10
    "    interface eth0\n"                      // 11
    "    virtual_router_id 51\n"                // 12
    "    priority 90\n"                         // 13
    "    priority 100\n"                        // 14
    "    authentication {\n"                    // 15
    "        auth_type PASS\n"                  // 16
    "        auth_pass secret\n"                // 17
    "    }\n"                                   // 18
    "    unicast_peer {\n"                      // 19
    "        192.0.2.7\n"                       // 20
    "        192.0.2.8 min_ttl 3\n"             // 21
    "    }\n"                                   // 22
    "    track_script\n"                        // 23
    "    {\n"                                   // 24
    "        chk weight 5\n"                    // 25
    "    }\n"                                   // 26
    "    virtual_ipaddress {\n"                 // 27
    "        192.0.2.9 label eth0:1\n"          // 28
    "    }\n"                                   // 29
    "}\n";                                      // 30

const std::string kServices =
    "virtual_server 192.0.2.9 53 {\n"               // 1
    "    protocol UDP\n"                            // 2
    "    delay_loop 9\n"                            // 3
    "    real_server 192.0.2.21 53 {\n"             // 4
    "        weight 4\n"                            // 5
    "    }\n"                                       // 6
    "}\n"                                           // 7
    "virtual_server 192.0.2.9 53 { protocol TCP\n"  // 8
    "    lvs_sched rr\n"                            // 9
    "    lb_kind DR\n"                              // 10
    "    delay_loop 6\n"                            // 11
    "    real_server 192.0.2.21 53 {\n"             // 12
    "        weight 3\n"                            // 13
    "        HTTP_GET {\n"                          // 14
    "            url {\n"                           // 15
    "                path /a\n"                     // 16
    "            }\n"                               // 17
    "            url { path /b\n"                   // 18
    "            }\n"                               // 19
    "            connect_timeout 3\n"               // 20
    "        }\n"                                   // 21
    "    }\n"                                       // 22
    "}\n"                                           // 23
    "virtual_server fwmark 5 { protocol TCP\n"      // 24
    "    quorum 2\n"                                // 25
    "    real_server 192.0.2.21 0 {\n"              // 26
    "    }\n"                                       // 27
    "}\n";                                          // 28

Difference at(std::string keyword, std::string now = {}) {
    return {.keyword = std::move(keyword), .text = {}, .now = std::move(now), .worse = false};
}

struct Served {
    Loaded loaded;
    KeywordPlaces places{loaded};
    [[nodiscard]] const VirtualServer& service(std::size_t which) const {
        return loaded.config.virtual_servers.at(which);
    }
    std::string of(std::size_t which, std::string keyword, bool in_server = false, std::string now = {}) {
        const auto& one = service(which);
        return places.of(at(std::move(keyword), std::move(now)), one, in_server ? &one.real_servers.at(0) : nullptr);
    }
};

}  // namespace

TEST_CASE("a keyword of a named block is found in it, in its blocks and in their lines") {
    const auto loaded = load_text("ha.conf", kText, {});
    KeywordPlaces places{loaded};
    const auto instance = [&](const char* keyword) { return places.of(at(keyword), "vrrp_instance VI_1"); };
    CHECK(places.of(at("router_id"), "global_defs") == "ha.conf:2");
    CHECK(places.of(at("notification_email c@example.org"), "global_defs") == "ha.conf:5");
    CHECK(places.of(at("script"), "vrrp_script chk") == "ha.conf:8");
    CHECK(places.of(at("interval"), "vrrp_script chk") == "ha.conf:9");
    CHECK(instance("interface") == "ha.conf:11");
    CHECK(instance("authentication auth_pass") == "ha.conf:17");
    CHECK(instance("unicast_peer 192.0.2.8") == "ha.conf:21");
    CHECK(instance("track_script chk") == "ha.conf:25");
    CHECK(instance("virtual_ipaddress 192.0.2.9/32") == "ha.conf:28");
}

TEST_CASE("of a keyword that is given twice the last one counts, or the one that has the value") {
    const auto loaded = load_text("ha.conf", kText, {});
    KeywordPlaces places{loaded};
    CHECK(places.of(at("priority"), "vrrp_instance VI_1") == "ha.conf:14");
    CHECK(places.of(at("priority", "90"), "vrrp_instance VI_1") == "ha.conf:13");
}

TEST_CASE("what is not given has the place of its block, and what has no block has none") {
    const auto loaded = load_text("ha.conf", kText, {});
    KeywordPlaces places{loaded};
    CHECK(places.of(at("advert_int"), "vrrp_instance VI_1") == "ha.conf:10");
    CHECK(places.of(at("unicast_peer 192.0.2.99"), "vrrp_instance VI_1") == "ha.conf:19");
    CHECK(places.of(at("priority"), "vrrp_instance VI_2").empty());
    CHECK(places.of(at("track_file f"), "").empty());
}

TEST_CASE("a service is found by its address, port and protocol, or by its mark") {
    Served served{load_text("ha.conf", kServices, {})};
    CHECK(served.of(0, "delay_loop") == "ha.conf:3");
    CHECK(served.of(1, "delay_loop") == "ha.conf:11");
    CHECK(served.of(2, "quorum") == "ha.conf:25");
    CHECK(served.of(2, "hysteresis") == "ha.conf:24");
}

TEST_CASE("a keyword is found by its other name") {
    Served served{load_text("ha.conf", kServices, {})};
    CHECK(served.of(1, "lb_algo") == "ha.conf:9");
}

TEST_CASE("a server's keyword is found in it, or where its service sets it for all") {
    Served served{load_text("ha.conf", kServices, {})};
    CHECK(served.of(0, "weight", true) == "ha.conf:5");
    CHECK(served.of(1, "weight", true) == "ha.conf:13");
    CHECK(served.of(1, "lb_kind", true) == "ha.conf:10");
    CHECK(served.of(1, "HTTP_GET connect_timeout", true) == "ha.conf:20");
    CHECK(served.of(1, "HTTP_GET delay_loop", true) == "ha.conf:11");
    CHECK(served.of(1, "HTTP_GET url path", true) == "ha.conf:16");
    CHECK(served.of(1, "HTTP_GET url 2 path", true) == "ha.conf:18");
    CHECK(served.of(1, "HTTP_GET url digest", true) == "ha.conf:15");
    CHECK(served.of(1, "TCP_CHECK", true) == "ha.conf:12");
    CHECK(served.of(2, "weight", true) == "ha.conf:26");
}

TEST_CASE("a line of the top has its place, and one that a definition makes has that of its use") {
    const auto loaded =
        load_text("ha.conf", "$P=90\n# none\nvrrp_instance VI_1 {\n interface eth0\n priority $P\n}\n", {});
    KeywordPlaces places{loaded};
    CHECK(places.of(at("priority"), "vrrp_instance VI_1") == "ha.conf:5");
    CHECK(places.of(at("vrrp_instance"), "") == "ha.conf:3");
}

TEST_CASE("a TOML file has the places of its own lines") {
    const auto loaded =
        load_text("ha.toml", "[vrrp_instance.VI_1]\ninterface = \"eth0\"\nvirtual_router_id = 51\npriority = 90\n", {});
    KeywordPlaces places{loaded};
    CHECK(places.of(at("priority"), "vrrp_instance VI_1") == "ha.toml:4");
}

TEST_CASE("where braces do not fit no place is given") {
    const auto loaded = load_text("ha.conf", kText + "}\n", {});
    KeywordPlaces places{loaded};
    CHECK(places.of(at("priority"), "vrrp_instance VI_1").empty());
    const auto unread = load_file("/nowhere/ha.conf", {});
    KeywordPlaces nothing{unread};
    CHECK(nothing.of(at("priority"), "vrrp_instance VI_1").empty());
}
