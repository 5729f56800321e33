#include "mainstay/alert/script_requests.hpp"

#include <doctest/doctest.h>

namespace mainstay::alert {

TEST_CASE("the firewall's command is wanted with vrrp_iptables, unless nftables do it") {
    config::Config config;
    auto& values = config.global.more.edit().values;
    CHECK_FALSE(wants_firewall_script(config));
    values = {{"nftables", config::WordList{}}};
    CHECK_FALSE(wants_firewall_script(config));
    CHECK(wanted_scripts(config).empty());
    values = {{"vrrp_iptables", config::WordList{}}};
    CHECK(wants_firewall_script(config));
    REQUIRE(wanted_scripts(config).size() == 1);
    CHECK(wanted_scripts(config)[0].key == "firewall");
    values = {{"nftables", config::WordList{}}, {"vrrp_iptables", config::WordList{}}};
    CHECK_FALSE(wants_firewall_script(config));
}

TEST_CASE("the firewall's command is run by root's shell within a minute") {
    const Wanted wanted = firewall_script();
    REQUIRE(wanted.command.argv.size() == 4);
    CHECK(wanted.command.argv[0] == "/bin/sh");
    CHECK(wanted.command.argv[1] == "-c");
    CHECK(wanted.command.argv[2].starts_with("PATH="));
    CHECK(wanted.command.argv[3] == "firewall");
    CHECK(wanted.command.user == "root");
    CHECK(wanted.command.group == "root");
    CHECK(wanted.timeout == Micros{60'000'000});
}

}  // namespace mainstay::alert
