#include "mainstay/vrrp/restore.hpp"

#include <doctest/doctest.h>

#include "bench.hpp"
#include "mainstay/vrrp/router.hpp"

using namespace mainstay;

namespace {

config::Instance named_instance(const std::string& name, std::uint8_t vrid, const std::vector<std::string>& addresses) {
    config::Instance made;
    made.name = name;
    made.interface = "eth0";
    made.virtual_router_id = vrid;
    made.priority = 150;
    for (const auto& text : addresses) made.addresses.push_back(vrrp::test::vip(text.c_str()));
    return made;
}

vrrp::InterfaceFact eth0(const std::vector<std::string>& addresses) {
    vrrp::InterfaceFact fact{.name = "eth0", .index = 2, .up = true, .addresses = {*IpAddress::parse("10.0.0.1")}};
    for (const auto& text : addresses) fact.addresses.push_back(*IpAddress::parse(text));
    return fact;
}

std::vector<std::string> masters(const config::Config& config, const std::vector<std::string>& held) {
    std::vector<std::string> names;
    const std::vector<vrrp::InterfaceFact> links{eth0(held)};
    for (const auto& one : vrrp::adopted_state(config, links, vrrp::test::t0).instances) {
        CHECK(one.state == vrrp::State::Master);
        names.push_back(one.name);
    }
    return names;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("an instance is MASTER when the host holds all of its addresses, and they are some") {
    config::Config config;
    config.instances = {named_instance("one", 1, {"10.0.0.11/24", "10.0.0.12/24"}),
                        named_instance("two", 2, {"10.0.0.13/24"}), named_instance("bare", 3, {})};
    config.instances[0].excluded_addresses = {vrrp::test::vip("10.0.0.14/24")};

    CHECK(masters(config, {}) == Names{});
    CHECK(masters(config, {"10.0.0.11", "10.0.0.12", "10.0.0.14"}) == Names{"one"});
    CHECK(masters(config, {"10.0.0.11", "10.0.0.12", "10.0.0.13"}) == Names{"two"});
    CHECK(masters(config, {"10.0.0.11", "10.0.0.12", "10.0.0.13", "10.0.0.14"}) == Names{"one", "two"});
}

TEST_CASE("an address on another interface is not held") {
    config::Config config;
    config.instances = {named_instance("one", 1, {"10.0.0.11/24"})};
    config.instances[0].interface = "eth1";

    CHECK(masters(config, {"10.0.0.11"}) == Names{});
}

TEST_CASE("the members of a group are MASTER together, with those that have no addresses") {
    config::Config config;
    config.instances = {named_instance("one", 1, {"10.0.0.11/24"}), named_instance("two", 2, {"10.0.0.12/24"}),
                        named_instance("bare", 3, {}), named_instance("alone", 4, {"10.0.0.13/24"})};
    config.sync_groups.resize(1);
    config.sync_groups[0].name = "group";
    for (std::size_t i = 0; i < 3; ++i) {
        config.instances[i].sync_group = "group";
        config.sync_groups[0].members.push_back(config.instances[i].name);
    }

    CHECK(masters(config, {"10.0.0.11"}) == Names{});
    CHECK(masters(config, {"10.0.0.11", "10.0.0.13"}) == Names{"alone"});
    CHECK(masters(config, {"10.0.0.11", "10.0.0.12"}) == Names{"one", "two", "bare"});
    const std::vector<vrrp::InterfaceFact> links{eth0({"10.0.0.11", "10.0.0.12"})};
    const auto state = vrrp::adopted_state(config, links, vrrp::test::t0);
    REQUIRE(state.groups.size() == 1);
    CHECK(state.groups[0].name == "group");
    CHECK(state.groups[0].state == vrrp::State::Master);
}

TEST_CASE("a group whose members all lack addresses starts as always") {
    config::Config config;
    config.instances = {named_instance("bare", 3, {})};
    config.instances[0].sync_group = "group";
    config.sync_groups.resize(1);
    config.sync_groups[0].name = "group";

    CHECK(masters(config, {}) == Names{});
}

TEST_CASE("scripts of a master and of its group are up, those of others are not known") {
    config::Config config;
    config.instances = {named_instance("one", 1, {"10.0.0.11/24"}), named_instance("two", 2, {"10.0.0.12/24"})};
    config.instances[0].track_scripts = {{.name = "own"}};
    config.instances[0].sync_group = "group";
    config.instances[1].track_scripts = {{.name = "other"}};
    config.sync_groups.resize(1);
    config.sync_groups[0].name = "group";
    config.sync_groups[0].track_scripts = {{.name = "common"}};
    const std::vector<vrrp::InterfaceFact> links{eth0({"10.0.0.11"})};

    const auto state = vrrp::adopted_state(config, links, vrrp::test::t0);

    REQUIRE(state.scripts.size() == 2);
    CHECK(state.scripts[0].name == "common");
    CHECK(state.scripts[1].name == "own");
    CHECK((state.scripts[0].known && state.scripts[0].up && state.scripts[1].known && state.scripts[1].up));
}

TEST_CASE("a router that starts from it adverts at once, without an election, a script or a mail") {
    config::Config config;
    config.instances = {named_instance("one", 1, {"10.0.0.11/24"}), named_instance("two", 2, {"10.0.0.12/24"})};
    config.instances[0].nopreempt = true;
    const std::vector<vrrp::InterfaceFact> links{eth0({"10.0.0.11"})};
    vrrp::Router router{std::make_shared<const config::Config>(config)};
    (void)router.step(links[0], vrrp::test::t0);

    const auto state = vrrp::adopted_state(config, links, vrrp::test::t0);
    const auto opening = router.start(vrrp::test::t0, &state);

    CHECK(router.snapshot().instances[0].state == vrrp::State::Master);
    CHECK(router.snapshot().instances[0].master.to_string() == "10.0.0.1");
    CHECK(router.snapshot().instances[0].master_priority == 150);
    CHECK(router.snapshot().instances[1].state == vrrp::State::Backup);
    CHECK(router.deadline() == vrrp::test::t0);
    std::vector<Event> told;
    for (const auto& intent : opening) {
        CHECK_FALSE(std::holds_alternative<vrrp::RemoveAddresses>(intent));
        CHECK_FALSE(std::holds_alternative<vrrp::SendGratuitousArp>(intent));
        if (const auto* said = std::get_if<vrrp::Announce>(&intent); said != nullptr && said->event.name == "one")
            told.push_back(said->event);
    }
    REQUIRE(told.size() == 1);  // for the history, and whoever follows it
    CHECK(told[0].transition == Transition::Master);
    CHECK(told[0].reason == "another program on this host was MASTER, and this daemon took over from it");
    CHECK_FALSE(told[0].notify);
    CHECK_FALSE(told[0].mail);
    const auto first = router.step(vrrp::DeadlineReached{}, vrrp::test::t0);
    const auto* advert = first.empty() ? nullptr : std::get_if<vrrp::SendAdvert>(&first.front());
    REQUIRE(advert != nullptr);
}
