// The D-Bus service on a bus of the test's own.
#include "role/observer/dbus_service.hpp"

#include "../../kept_log.hpp"
#include "fake_bus.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using report::kDbusInstanceInterface;
using report::kDbusVrrpInterface;
using Strings = std::vector<std::string>;
using What = ipc::ControlRequest::What;
using mainstay::test::KeptLog;

namespace {

const std::string kVrrpPath = "/org/keepalived/Vrrp1/Vrrp";
const std::string kOne = "/org/keepalived/Vrrp1/Instance/eth0/51/IPv4";
const std::string kTwo = "/org/keepalived/Vrrp1/Instance/eth1/52/IPv6";
const std::string kStarted = kVrrpPath + " org.keepalived.Vrrp1.Vrrp.VrrpStarted";
const std::string kChange = " org.keepalived.Vrrp1.Instance.VrrpStatusChange ";

config::Instance instance(const char* name, const char* interface, int vrid, Family family) {
    config::Instance instance;
    instance.name = name;
    instance.interface = interface;
    instance.virtual_router_id = static_cast<std::uint8_t>(vrid);
    instance.family = family;
    return instance;
}

config::Config config_with_dbus(config::KeywordValues global = {{"enable_dbus", true}}) {
    config::Config config;
    config.global.more.edit().values = std::move(global);
    config.instances = {instance("VI_1", "eth0", 51, Family::V4), instance("VI_2", "eth1", 52, Family::V6)};
    return config;
}

struct Bench {
    FakeBus bus;
    boost::asio::io_context loop;
    KeptLog log;
    std::map<std::string, vrrp::State> states;
    std::vector<ipc::ControlRequest> asked;
    std::unique_ptr<DbusService> service =
        make_dbus_service(loop, log,
                          {.state = [this](const std::string& name) { return report::dbus_state(states[name]); },
                           .ask = [this](const ipc::ControlRequest& wanted) { asked.push_back(wanted); },
                           .net_namespace = {}});

    void until_heard(const std::string& what) {
        bus.until(loop, [&] { return !bus.heard.empty() && bus.heard.back() == what; });
    }
    void start() {
        bus.open();
        service->configure(config_with_dbus());
        until_heard(kStarted);
    }
    void emit(const char* name, const char* state, Event::Kind kind = Event::Kind::Instance) {
        service->emit({.kind = kind, .name = name, .transition = transition_from(state).value()});
    }
};

}  // namespace

TEST_CASE("the service takes its name on the bus, and says that VRRP has started") {
    Bench b;
    CHECK(b.service->settled());
    b.bus.open();
    b.service->configure(config_with_dbus());
    CHECK_FALSE(b.service->settled());
    b.until_heard(kStarted);
    CHECK(b.service->settled());
    CHECK(b.bus.all() == "RequestName org.keepalived.Vrrp1\n" + kStarted + "\n");
    CHECK(b.log.texts == Strings{"Acquired DBus bus org.keepalived.Vrrp1"});
}

TEST_CASE("the network namespace of the command line stands in the paths") {
    Bench b;
    b.service = make_dbus_service(b.loop, b.log, {.state = {}, .ask = {}, .net_namespace = "blue"});
    b.bus.open();
    b.service->configure(config_with_dbus());
    b.until_heard("/org/keepalived/Vrrp1/blue/Vrrp org.keepalived.Vrrp1.Vrrp.VrrpStarted");
}

TEST_CASE("without enable_dbus nothing connects") {
    Bench b;
    b.bus.open();
    b.service->configure(config_with_dbus({}));
    b.loop.run_for(std::chrono::milliseconds{1});
    CHECK(b.service->settled());
    b.emit("VI_1", "MASTER");
    b.service->emit_reloaded();
    b.service->stop();
    CHECK(b.bus.heard.empty());
    CHECK(b.log.texts.empty());
}

TEST_CASE("a transition of an instance is a signal of its object, other events are none") {
    Bench b;
    b.start();
    b.emit("VI_1", "MASTER", Event::Kind::Group);
    b.emit("VI_1", "DELETED");
    b.emit("VI_3", "MASTER");
    b.emit("VI_1", "MASTER");
    b.emit("VI_2", "FAULT");
    b.service->emit_reloaded();
    b.until_heard(kVrrpPath + " org.keepalived.Vrrp1.Vrrp.VrrpReloaded");
    CHECK(Strings{b.bus.heard.begin() + 2, b.bus.heard.end() - 1} ==
          Strings{kOne + kChange + "2", kTwo + kChange + "3"});
}

TEST_CASE("an object has its instance's name and state, as they are when they are asked for") {
    Bench b;
    b.start();
    const auto get = [&](const std::string& path, const char* property) {
        return b.bus.call(b.loop, path, kDbusInstanceInterface, nullptr, property);
    };
    CHECK(get(kOne, "Name") == "VI_1");
    CHECK(get(kTwo, "Name") == "VI_2");
    CHECK(get(kOne, "State") == "0 Init");
    b.states = {{"VI_1", vrrp::State::Master}, {"VI_2", vrrp::State::Backup}};
    CHECK(get(kOne, "State") == "2 Master");
    CHECK(get(kTwo, "State") == "1 Backup");
    CHECK(get("/org/keepalived/Vrrp1/Instance/eth9/1/IPv4", "State").starts_with("org.freedesktop.DBus.Error."));
}

TEST_CASE("methods are answered and asked of the supervisor") {
    Bench b;
    b.start();
    for (const char* method : {"PrintData", "PrintStats", "PrintStatsClear", "ReloadConfig"})
        CHECK(b.bus.call(b.loop, kVrrpPath, kDbusVrrpInterface, method) == "");
    CHECK(b.bus.call(b.loop, kTwo, kDbusInstanceInterface, "SendGarp") == "");
    REQUIRE(b.asked.size() == 5);
    const What expected[] = {What::PrintData, What::PrintStats, What::PrintStatsClear, What::Reload, What::SendGarp};
    for (std::size_t i = 0; i < 5; ++i) {
        CHECK(b.asked[i].what == expected[i]);
        CHECK(b.asked[i].by == "DBus");
        CHECK(b.asked[i].instance == (i == 4 ? "VI_2" : ""));
    }
    CHECK(b.bus.call(b.loop, kVrrpPath, kDbusVrrpInterface, "Nonsense") == "org.freedesktop.DBus.Error.UnknownMethod");
}

TEST_CASE("after a reload an instance that has gone ends as Fault, and its object is away") {
    Bench b;
    b.start();
    auto next = config_with_dbus();
    next.instances.erase(next.instances.begin());
    next.instances.push_back(instance("VI_3", "eth2", 53, Family::V4));
    b.service->configure(next);
    b.until_heard(kOne + kChange + "3");
    CHECK(b.bus.call(b.loop, kOne, kDbusInstanceInterface, nullptr, "Name").starts_with("org.freedesktop.DBus.Error."));
    CHECK(b.bus.call(b.loop, kTwo, kDbusInstanceInterface, nullptr, "Name") == "VI_2");
    CHECK(b.bus.call(b.loop, "/org/keepalived/Vrrp1/Instance/eth2/53/IPv4", kDbusInstanceInterface, nullptr, "Name") ==
          "VI_3");
    b.emit("VI_1", "MASTER");
    b.emit("VI_3", "BACKUP");
    b.until_heard("/org/keepalived/Vrrp1/Instance/eth2/53/IPv4" + kChange + "1");
    CHECK(b.bus.heard.size() == 4);
}

TEST_CASE("another name of the service is a new connection") {
    Bench b;
    b.start();
    b.bus.heard.clear();
    b.service->configure(
        config_with_dbus({{"dbus_service_name", config::WordList{"org.example.Ha"}}, {"enable_dbus", true}}));
    b.bus.until(b.loop, [&] { return !b.bus.connected() || !b.bus.heard.empty(); });
    b.until_heard(kStarted);
    CHECK(b.bus.all() == "RequestName org.example.Ha\n" + kStarted + "\n");
    b.service->configure(config_with_dbus({}));
    b.bus.until(b.loop, [&] { return !b.bus.connected(); });
    CHECK(b.service->settled());
}

TEST_CASE("a reload that takes enable_dbus out is a stop on the bus") {
    Bench b;
    b.start();
    b.service->configure(config_with_dbus({}));
    b.service->emit_reloaded();
    b.bus.until(b.loop, [&] { return !b.bus.connected(); });
    CHECK(b.bus.heard.back() == kVrrpPath + " org.keepalived.Vrrp1.Vrrp.VrrpStopped");
    CHECK(b.log.texts.back() == "Released DBus");
}

TEST_CASE("a reload that puts enable_dbus in is a start on the bus, and no signal counts as lost") {
    Bench b;
    b.bus.open();
    b.service->configure(config_with_dbus({}));
    b.service->configure(config_with_dbus());
    b.service->emit_reloaded();
    b.until_heard(kStarted);
    b.emit("VI_1", "BACKUP");
    b.until_heard(kOne + kChange + "1");
    CHECK(b.log.texts == Strings{"Acquired DBus bus org.keepalived.Vrrp1"});
}

TEST_CASE("a stop is reported, and leaves the bus for good") {
    Bench b;
    b.start();
    b.service->stop();
    b.bus.until(b.loop, [&] { return !b.bus.connected(); });
    CHECK(b.bus.heard.back() == kVrrpPath + " org.keepalived.Vrrp1.Vrrp.VrrpStopped");
    CHECK(b.log.texts.back() == "Released DBus");
    CHECK(b.service->settled());
    CHECK(b.loop.run_for(std::chrono::milliseconds{1}) == 0);
}

TEST_CASE("a bus that is not there is tried again, and reported once") {
    Bench b;
    b.service->configure(config_with_dbus());
    REQUIRE(b.log.texts.size() == 1);
    CHECK(b.log.texts[0] == "the D-Bus system bus cannot be reached: No such file or directory; retrying");
    CHECK(b.service->settled());
    b.bus.open();
    b.until_heard(kStarted);
    CHECK(b.log.texts.size() == 2);
}

TEST_CASE("a bus that ends its connection is reported each time, and connected again") {
    Bench b;
    b.start();
    for (std::size_t time = 1; time < 3; ++time) {
        b.bus.heard.clear();
        b.bus.drop();
        b.until_heard(kStarted);
        CHECK(b.bus.all() == "RequestName org.keepalived.Vrrp1\n" + kStarted + "\n");
        CHECK(b.log.texts.size() == 1 + 2 * time);
        CHECK(b.log.texts[2 * time - 1] == "the D-Bus system bus is gone: Connection reset by peer; retrying");
    }
}

TEST_CASE("signals that no bus took are counted, and logged when one takes them again") {
    Bench b;
    b.start();
    b.bus.heard.clear();
    b.bus.drop();
    b.bus.until(b.loop, [&] { return b.log.texts.size() == 2; });
    b.emit("VI_1", "MASTER");
    b.emit("VI_3", "MASTER");  // no object
    b.emit("VI_2", "FAULT");
    b.until_heard(kStarted);
    CHECK(b.log.texts.back() == "2 D-Bus signals were lost, because the bus was away or did not read");
    b.emit("VI_1", "BACKUP");
    b.until_heard(kOne + kChange + "1");
    CHECK(b.log.texts.size() == 4);
}

TEST_CASE("a name that another one has is reported once and asked for again") {
    Bench b;
    b.bus.open();
    b.bus.name_result = 3;
    b.service->configure(config_with_dbus());
    b.bus.until(b.loop, [&] { return b.bus.heard.size() == 2; });
    b.bus.name_result = 4;  // it is ours already
    b.until_heard(kStarted);
    REQUIRE(b.log.texts.size() == 2);
    CHECK(b.log.texts[0] ==
          "D-Bus name org.keepalived.Vrrp1 not acquired: another process owns it (is another one running, and is "
          "mainstay's policy file in /usr/share/dbus-1/system.d?); retrying");
    CHECK(b.log.texts[1] == "Acquired DBus bus org.keepalived.Vrrp1");
}

TEST_CASE("a name that the policy forbids is reported with the bus's own words") {
    Bench b;
    b.bus.open();
    b.bus.name_error = "org.freedesktop.DBus.Error.AccessDenied";
    b.service->configure(config_with_dbus());
    b.bus.until(b.loop, [&] { return !b.log.texts.empty(); });
    CHECK(b.log.texts[0].starts_with("D-Bus name org.keepalived.Vrrp1 not acquired: not allowed (is another one"));
}
