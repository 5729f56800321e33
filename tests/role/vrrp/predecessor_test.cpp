// What a new vrrp process goes on from, and what it writes for the next one.
#include "role/vrrp/resumed.hpp"

#include <doctest/doctest.h>

#include "../lvs/fakes.hpp"
#include "mainstay/config/load.hpp"
#include "role/vrrp/state_writer.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using Texts = std::vector<std::string>;

namespace {

config::Config written() {
    const auto instance = [](const std::string& name, const std::string& number) {
        return "vrrp_instance " + name + " {\ninterface eth0\nvirtual_router_id " + number +
               "\nvirtual_ipaddress {\n10.0.0.1" + number + "\n}\nvirtual_ipaddress_excluded {\n10.0.1.1" + number +
               "\n}\n}\n";
    };
    auto loaded = config::load_text("x.conf", instance("VI_1", "51") + instance("VI_2", "52"), {});
    REQUIRE(loaded.can_run());
    return std::move(loaded.config);
}

vrrp::HostFacts host_with(const std::vector<const char*>& addresses) {
    vrrp::InterfaceFact eth0{.name = "eth0", .index = 2, .up = true, .mtu = 1500};
    for (const char* address : addresses) eth0.addresses.push_back(IpAddress::parse(address).value());
    return {.interfaces = {eth0}, .sources = {}};
}

}  // namespace

TEST_CASE("the state of a crashed process is resumed, whatever the host holds") {
    FakeRuntime runtime;
    runtime.startup.adopt = true;
    report::VrrpStatus found;
    found.router.instances.push_back({.name = "VI_9"});
    for (const bool restarted : {true, false}) {
        const auto state =
            state_to_go_on_from(runtime, restarted, found, written(), host_with({"10.0.0.1", "10.0.0.151"}));
        REQUIRE(state);
        REQUIRE(state->instances.size() == 1);
        CHECK(state->instances[0].name == "VI_9");
    }
    CHECK(runtime.log_.texts ==
          Texts{"state of the previous process resumed", "state of the previous process resumed"});
}

TEST_CASE("what the host holds is taken over at a first start that is told to, and not after a crash") {
    FakeRuntime runtime;
    const auto names = [&](bool restarted, const std::vector<const char*>& addresses) -> std::optional<Texts> {
        const auto state = state_to_go_on_from(runtime, restarted, std::nullopt, written(), host_with(addresses));
        if (!state) return std::nullopt;
        Texts all;
        for (const auto& instance : state->instances) all.push_back(instance.name);
        return all;
    };
    const std::vector<const char*> all{"10.0.0.1", "10.0.0.151", "10.0.1.151", "10.0.0.152", "10.0.1.152"};
    CHECK_FALSE(names(false, all));
    runtime.startup.adopt = true;
    CHECK_FALSE(names(true, all));
    CHECK(runtime.log_.texts.empty());
    CHECK(names(false, all) == Texts{"VI_1", "VI_2"});
    CHECK(runtime.log_.texts.back() ==
          "--takeover: MASTER at once, with the addresses that this host holds: VI_1 VI_2");
    CHECK(names(false, {"10.0.0.1", "10.0.0.152", "10.0.1.152"}) == Texts{"VI_2"});
    CHECK(names(false, {"10.0.0.1"}) == Texts{});
    CHECK(runtime.log_.texts.back() == "--takeover: this host holds no instance's addresses, nothing is taken over");
}

TEST_CASE("only after a crash, and of a block that can be read, there is a state before") {
    FakeRuntime runtime;
    CHECK_FALSE(left_by_crash(runtime, true));
    runtime.state = std::vector(3, std::byte{1});
    CHECK_FALSE(left_by_crash(runtime, true));
    vrrp::Router router{std::make_shared<const config::Config>(written())};
    StateWriter{}.write(runtime, router, {});
    CHECK_FALSE(left_by_crash(runtime, false));
    REQUIRE(left_by_crash(runtime, true));
    CHECK(left_by_crash(runtime, true)->router.instances.size() == 2);
}

TEST_CASE("a block has each instance with its addresses, the excluded ones last, and since when it is as it is") {
    FakeRuntime runtime;
    vrrp::Router router{std::make_shared<const config::Config>(written())};
    StateWriter writer;
    writer.write(runtime, router, {.netlink_overruns = 7});
    auto before = left_by_crash(runtime, true).value();
    CHECK(before.generation == 1);
    CHECK(before.netlink_overruns == 7);
    CHECK(before.addresses ==
          std::vector<Texts>{{"10.0.0.151/32", "10.0.1.151/32"}, {"10.0.0.152/32", "10.0.1.152/32"}});
    REQUIRE(before.router.instances.size() == 2);
    CHECK(before.router.instances[0].name == "VI_1");
    CHECK(before.router.instances[1].name == "VI_2");
    CHECK(before.router.instances[1].since == WallTime{1});
    before.router.instances[1].since = WallTime{77};
    StateWriter next;
    next.adopt(before);
    next.write(runtime, router, {});
    CHECK(left_by_crash(runtime, true)->router.instances[0].since == WallTime{1});
    CHECK(left_by_crash(runtime, true)->router.instances[1].since == WallTime{77});
}
