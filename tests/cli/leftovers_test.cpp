// What a mainstay that is ended again has added beside keepalived, in a network namespace of the test's own.
#include "cli/leftovers.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

#include "../kernel/own_network.hpp"
#include "../needs.hpp"
#include "mainstay/config/load.hpp"

using namespace mainstay;
using namespace mainstay::cli;
using mainstay::test::in_own_network;
using mainstay::test::ip;
using mainstay::test::join_two_interfaces;

namespace {

config::Config two_instances() {
    auto loaded = config::load_text("x.conf",
                                    "static_routes {\n10.77.0.0/24 via 10.0.0.9 dev eth0\n}\n"
                                    "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\npriority 100\n"
                                    "virtual_ipaddress {\n10.0.0.1/24\n10.0.0.2/24\n}\n"
                                    "virtual_rules {\nfrom 10.0.0.1 table 100 preference 70\n}\n}\n"
                                    "vrrp_instance B {\ninterface eth0\nvirtual_router_id 2\npriority 100\nuse_vmac\n"
                                    "virtual_ipaddress {\n10.0.0.3/24\n}\n}\n",
                                    {});
    REQUIRE(loaded.can_run());
    return std::move(loaded.config);
}

bool holds(const std::string& address) { return ip("-o address show to " + address + " | grep -q ."); }

// As mainstay sets it.
void add_the_rest() {
    REQUIRE(ip("address add 10.0.0.2/24 dev eth0"));
    REQUIRE(ip("address add 10.0.0.50/24 dev eth0"));  // by somebody else
    REQUIRE(ip("route add 10.77.0.0/24 via 10.0.0.9 dev eth0 proto 18"));
    REQUIRE(ip("rule add from 10.0.0.1 table 100 pref 70 protocol 18"));
    REQUIRE(ip("link add vrrp.2 link eth0 address 00:00:5e:00:01:02 type macvlan mode private"));
    REQUIRE(ip("address add 10.0.0.3/24 dev vrrp.2"));
}

}  // namespace

TEST_CASE("what was not there before, and only that, is removed" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        join_two_interfaces();
        const auto config = two_instances();
        REQUIRE(ip("address add 10.0.0.1/24 dev eth0"));
        const auto before = read_host_state(config).value();
        add_the_rest();

        CHECK(remove_leftovers(before, config, {}).has_value());

        CHECK(holds("10.0.0.1"));
        CHECK_FALSE(holds("10.0.0.2"));
        CHECK(holds("10.0.0.50"));
        CHECK_FALSE(holds("10.0.0.3"));
        CHECK_FALSE(ip("link show vrrp.2"));
        CHECK_FALSE(ip("route show 10.77.0.0/24 | grep -q via"));
        CHECK_FALSE(ip("rule show pref 70 | grep -q 100"));
        CHECK(remove_leftovers(before, config, {}).has_value());
    });
}

TEST_CASE("what another program has of an instance by now stays" * mainstay::test::kNeedsRoot) {
    in_own_network([] {
        join_two_interfaces();
        const auto config = two_instances();
        const auto before = read_host_state(config).value();
        add_the_rest();

        CHECK(remove_leftovers(before, config, {"A", "B"}).has_value());

        CHECK(holds("10.0.0.2"));
        CHECK(holds("10.0.0.3"));
        CHECK(ip("rule show pref 70 | grep -q 100"));
        CHECK_FALSE(ip("route show 10.77.0.0/24 | grep -q via"));  // of no instance
    });
}
