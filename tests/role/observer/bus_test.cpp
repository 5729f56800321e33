// The observer on the bus: what its ring and its block say of instances.
#include "fake_bus.hpp"
#include "mainstay/config/load.hpp"
#include "mainstay/report/dbus.hpp"
#include "observer_bench.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using report::kDbusInstanceInterface;

namespace {

config::Config config_of() {
    auto loaded = config::load_text("x.conf",
                                    "global_defs {\nenable_dbus\n}\nvrrp_instance VI_1 {\nstate BACKUP\n"
                                    "interface eth0\nvirtual_router_id 51\nvirtual_ipaddress {\n10.9.9.9\n}\n}\n",
                                    {});
    REQUIRE(loaded.can_run());
    return std::move(loaded.config);
}

Event transition(const char* state) {
    return {.kind = Event::Kind::Instance, .name = "VI_1", .transition = transition_from(state).value()};
}

report::VrrpStatus status_of(const char* name) {
    report::VrrpStatus status;
    status.router.instances.resize(1);
    status.router.instances[0].name = name;
    status.router.instances[0].state = vrrp::State::Master;
    return status;
}

}  // namespace

TEST_CASE("transitions are signals on D-Bus, and the objects' states those of the state block") {
    FakeBus bus;
    ObserverBench b;
    bus.open();
    b.vrrp_ring.append(transition("MASTER"));
    ipc::ObserverStatus before{.vrrp_acknowledged = 1};
    b.runtime.publish_state([&](std::span<std::byte> room) { return encode_into(room, before); });
    b.vrrp_ring.append(transition("BACKUP"));
    REQUIRE(b.start(config_of()) == "");
    const std::string path = "/org/keepalived/Vrrp1/Instance/eth0/51/IPv4";
    const std::string change = path + " org.keepalived.Vrrp1.Instance.VrrpStatusChange ";
    bus.until(b.runtime.loop_, [&] { return bus.heard.size() == 3; });
    CHECK(bus.heard.back() == change + "1");  // the first one was told by the incarnation before
    const auto state = [&] { return bus.call(b.runtime.loop_, path, kDbusInstanceInterface, nullptr, "State"); };
    CHECK(state() == "0 Init");
    ObserverBench::publish(b.memory.vrrp_block, status_of("VI_1"));
    CHECK(state() == "2 Master");
    ObserverBench::publish(b.memory.vrrp_block, status_of("VI_9"));
    CHECK(state() == "0 Init");
    CHECK(bus.call(b.runtime.loop_, path, kDbusInstanceInterface, "SendGarp") == "");
    REQUIRE(b.runtime.asked.size() == 1);
    CHECK(b.runtime.asked[0].instance == "VI_1");
    for (int i = 0; i < 300; ++i) b.vrrp_ring.append(transition("MASTER"));
    REQUIRE(b.role->prepare(config_of()));
    b.role->commit();
    bus.until(b.runtime.loop_, [&] { return bus.heard.size() == 304; });
    CHECK(bus.heard[302] == change + "2");
    CHECK(bus.heard.back() == "/org/keepalived/Vrrp1/Vrrp org.keepalived.Vrrp1.Vrrp.VrrpReloaded");
    b.vrrp_ring.append(transition("STOP"));
    bool stopped = false;
    b.role->stop([&] { stopped = true; });
    bus.until(b.runtime.loop_, [&] { return stopped && !bus.connected(); });
    CHECK(bus.heard[304] == change + "98");
    CHECK(bus.heard.back() == "/org/keepalived/Vrrp1/Vrrp org.keepalived.Vrrp1.Vrrp.VrrpStopped");
}
