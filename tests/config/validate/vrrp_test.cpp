// What an instance's own lines make of each other.
#include <doctest/doctest.h>

#include <algorithm>

#include "../samples.hpp"
#include "mainstay/config/keywords.hpp"

using namespace mainstay::config;
using namespace mainstay::config::testing;

using Lines = std::vector<std::string>;

TEST_CASE("an address that is in the list already is ignored, also where its device is named") {
    const Loaded plain = load_sample(vrrp(12, "10.9.9.9/24\n10.9.9.8/24\n10.9.9.9/24"));
    CHECK(lines_of(plain) == Lines{"14:1 warning MS0406 (VI_1) 10.9.9.9/24 is in the list already"});
    CHECK(plain.config.instances.at(0).addresses.size() == 2);

    const Loaded named = load_sample(vrrp(12, "10.9.9.9/24 dev eth1\n10.9.9.9/24 dev eth0\n10.9.9.9/24 dev eth1"));
    CHECK(lines_of(named) == Lines{"14:1 warning MS0406 (VI_1) 10.9.9.9/24 is in the list already"});
    CHECK(named.config.instances.at(0).addresses.size() == 2);

    // The line before them is refused, so that they move up in the list.
    const Loaded moved = load_sample(vrrp(12, "2001:db8::1/64\n10.9.9.9/24 dev eth1\n10.9.9.9/24 dev eth1"));
    CHECK(moved.config.instances.at(0).addresses.size() == 1);
}

TEST_CASE("hundreds of instances are all there, each with its own lines") {
    std::string text;
    for (int n = 0; n < 1100; ++n)
        text += "vrrp_instance VI_" + std::to_string(n) + " {\ninterface eth0\nvirtual_router_id " +
                std::to_string(n % 255 + 1) + "\nunicast_peer {\n10." + std::to_string(n / 250) + "." +
                std::to_string(n % 250) + ".1\n}\nvirtual_ipaddress {\n10.9." + std::to_string(n / 250) + "." +
                std::to_string(n % 250) + "/32\n}\n}\n";
    const Loaded loaded = load_sample(text);
    REQUIRE(loaded.config.instances.size() == 1100);
    for (int n : {0, 511, 512, 1023, 1024, 1099}) {
        const Instance& instance = loaded.config.instances.at(static_cast<std::size_t>(n));
        CHECK(instance.name == "VI_" + std::to_string(n));
        REQUIRE(instance.addresses.size() == 1);
        CHECK(instance.addresses.at(0).prefix.to_string() ==
              "10.9." + std::to_string(n / 250) + "." + std::to_string(n % 250) + "/32");
    }
}

TEST_CASE("the last one of accept and no_accept counts") {
    for (const bool accepts : {true, false}) {
        const Loaded loaded = load_sample(vrrp(2, accepts ? "no_accept\naccept" : "accept\nno_accept"));
        CHECK(lines_of(loaded).empty());
        const auto& values = loaded.config.instances.at(0).more->values;
        CHECK(is_given(values, keyword::accept) == accepts);
        CHECK(is_given(values, keyword::no_accept) != accepts);
    }
}

TEST_CASE("strict mode takes the state MASTER back before nopreempt is judged") {
    const Loaded loaded = load_sample(
        "vrrp_instance VI_1 {\ninterface eth0\nvirtual_router_id 51\npriority "
        "150\nstrict_mode\nstate MASTER\nnopreempt\nvirtual_ipaddress {\n10.9.9.9/24\n}\n}\n");
    CHECK(lines_of(loaded) ==
          Lines{"6:7 warning MS0412 (VI_1) in strict mode only an address owner (priority 255) has state MASTER"});
    CHECK(loaded.config.instances.at(0).nopreempt);
    CHECK_FALSE(loaded.config.instances.at(0).initial_master);
}
