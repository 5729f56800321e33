// From bfd_instance blocks to settings.
#include "mainstay/bfd/configured.hpp"

#include <doctest/doctest.h>

#include "bench.hpp"
#include "mainstay/config/load.hpp"

using namespace mainstay;
using namespace mainstay::bfd;
using namespace mainstay::bfd::test;

namespace {

std::vector<Settings> sessions(std::string text) {
    return configured_sessions(config::load_text("ha.conf", std::move(text), {}).config);
}

// One bfd_instance "peer" of these lines.
Settings session(std::string lines) { return sessions("bfd_instance peer {\n" + lines + "\n}\n").at(0); }

}  // namespace

TEST_CASE("a bfd_instance that says only its neighbour has keepalived's defaults") {
    const Settings expected{.name = "peer",
                            .neighbor = ip("10.0.0.2"),
                            .min_rx = 10ms,
                            .min_tx = 10ms,
                            .idle_tx = 1s,
                            .multiplier = 5,
                            .ttl = 255};
    CHECK(session("neighbor_ip 10.0.0.2") == expected);
    CHECK(session("neighbour_ip 10.0.0.2") == expected);
}

TEST_CASE("of a keyword with two names the last one given counts") {
    CHECK(session("neighbor_ip 10.0.0.2\nneighbour_ip 10.0.0.3").neighbor == ip("10.0.0.3"));
    CHECK(session("neighbour_ip 10.0.0.3\nneighbor_ip 10.0.0.2").neighbor == ip("10.0.0.2"));
    CHECK(session("neighbor_ip 10.0.0.2\nttl 100\nhoplimit 50").ttl == 50);
    CHECK(session("neighbor_ip 10.0.0.2\nttl 100\nhoplimit 50\nttl 70").ttl == 70);
}

TEST_CASE("every keyword of a bfd_instance arrives in its own unit") {
    const Settings expected{.name = "peer",
                            .neighbor = ip("10.0.0.2"),
                            .source = ip("10.0.0.1"),
                            .min_rx = 150ms,
                            .min_tx = 20'500us,
                            .idle_tx = 2s,
                            .multiplier = 3,
                            .passive = true,
                            .ttl = 100,
                            .max_hops = 10,
                            .multihop = true};
    CHECK(session("source_ip 10.0.0.1\nneighbor_ip 10.0.0.2\nmin_rx 150\nmin_tx 20.5\nidle_tx 2000\nmultiplier 3\n"
                  "passive\nttl 100\nmax_hops 10\nmultihop") == expected);
}

TEST_CASE("the TTL, the hops and the reporting follow keepalived's rules") {
    CHECK(session("neighbor_ip fe80::2").ttl == 64);
    CHECK(session("neighbor_ip fe80::2\nhoplimit 255").ttl == 255);
    CHECK(session("neighbor_ip 10.0.0.2\nttl 100\nmax_hops 200").max_hops == 100);
    CHECK(session("neighbor_ip 10.0.0.2\nmax_hops -1").max_hops == -1);
    CHECK_FALSE(session("neighbor_ip 10.0.0.2\nmultihop no").multihop);

    const Settings both = session("neighbor_ip 10.0.0.2\nvrrp\nchecker");
    CHECK((both.reports_to_vrrp && both.reports_to_checkers));
    const Settings vrrp = session("neighbor_ip 10.0.0.2\nvrrp");
    CHECK((vrrp.reports_to_vrrp && !vrrp.reports_to_checkers));
    const Settings checker = session("neighbor_ip 10.0.0.2\nchecker");
    CHECK((!checker.reports_to_vrrp && checker.reports_to_checkers));
}

TEST_CASE("blocks that cannot be a session are left out, and the others stay in their order") {
    const auto all = sessions(
        "bfd_instance a {\nneighbor_ip 10.0.0.1\n}\n"
        "bfd_instance none {\nmin_rx 20\n}\n"
        "bfd_instance mixed {\nneighbor_ip 10.0.0.3\nsource_ip fe80::1\n}\n"
        "bfd_instance twin {\nneighbor_ip 10.0.0.1\n}\n"
        "bfd_instance far {\nneighbor_ip 10.0.0.1\nmultihop\n}\n"
        "bfd_instance other {\nneighbor_ip 10.0.0.1\nsource_ip 10.0.0.9\n}\n"
        "bfd_instance one {\nneighbor_ip 10.0.0.4\nsource_ip 10.0.0.8\n}\n"
        "bfd_instance two {\nneighbor_ip 10.0.0.4\nsource_ip 10.0.0.9\n}\n"
        "bfd_instance three {\nneighbor_ip 10.0.0.4\n}\n");
    REQUIRE(all.size() == 4);
    CHECK(all[0].name == "a");
    CHECK(all[1].name == "far");
    CHECK(all[2].name == "one");
    CHECK(all[3].name == "two");
    CHECK(sessions("").empty());
}

TEST_CASE("of two blocks with one name the first is used") {
    const auto all = sessions(
        "bfd_instance a {\nneighbor_ip 10.0.0.1\n}\n"
        "bfd_instance a {\nneighbor_ip 10.0.0.2\n}\n");
    REQUIRE(all.size() == 1);
    CHECK(all[0].neighbor == ip("10.0.0.1"));
}
