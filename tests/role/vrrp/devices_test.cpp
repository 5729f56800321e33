// What the devices of instances ask of the host: its settings and its interfaces, in a network namespace of the test's
// own. Kernels without macvlan refuse the devices themselves; tests/lab has one with.
#include "role/vrrp/devices.hpp"
#include "../../needs.hpp"

#include <fstream>

#include "mainstay/kernel/sysctl.hpp"
#include "office.hpp"
#include "sysctl_value.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;
using mainstay::test::in_own_network;

namespace {

const std::string kAll = "net/ipv4/conf/all/rp_filter", kDefault = "net/ipv4/conf/default/rp_filter",
                  kEth0 = "net/ipv4/conf/eth0/rp_filter", kEth1 = "net/ipv4/conf/eth1/rp_filter",
                  kReports = "net/ipv4/igmp_link_local_mcast_reports",
                  kPromotes = "net/ipv4/conf/eth0/promote_secondaries";

void set(const std::string& name, const std::string& to) { REQUIRE(kernel::write_sysctl(name, to)); }

struct DevicesHost {
    Cable cable;
    kernel::Rtnetlink netlink = kernel::Rtnetlink::open().value();
    Links links;
    KeptLog log;
    VrrpDevices devices{log};

    DevicesHost() {
        read();
        for (const auto& name : {kAll, kDefault, kEth0, kEth1}) set(name, "0");
    }
    void read() { REQUIRE(links.refresh(netlink)); }
    config::Config plan(const std::string& text) { return devices.plan(Office::written(text), links); }
    void keep() {
        for (int round = 0; round < VrrpDevices::kRounds && devices.keep(links, netlink); ++round) read();
    }
    std::size_t logged(std::string_view part) const { return log.count(part); }
};

}  // namespace

TEST_CASE("an interface group is a number or a name of iproute2's list") {
    CHECK(interface_group("7") == 7U);
    CHECK(interface_group("4294967295") == 4294967295U);
    CHECK_FALSE(interface_group(""));
    CHECK_FALSE(interface_group("7x"));
    CHECK_FALSE(interface_group("4294967296"));
    CHECK_FALSE(interface_group("no-such-group"));
    CHECK_FALSE(interface_group("#"));
    if (std::ifstream{"/etc/iproute2/group"}) CHECK(interface_group("default") == 0U);
}

TEST_CASE("for an IPv4 VMAC reverse path filtering moves from all interfaces to each, until the VMAC is not needed" *
          mainstay::test::kNeedsRoot) {
    on_host<DevicesHost>([](DevicesHost& host) {
        set(kAll, "1");
        set(kEth1, "2");
        (void)host.plan(instance("use_vmac"));
        CHECK(value(kAll) == "1");
        host.keep();
        CHECK(value(kAll) == "0");
        CHECK(value(kDefault) == "1");
        CHECK(value(kEth0) == "1");
        CHECK(value(kEth1) == "2");
        CHECK(host.logged("NOTICE: setting sysctl net.ipv4.conf.all.rp_filter from 1 to 0") == 1);
        CHECK(host.logged("NOTICE: setting sysctl net.ipv4.conf.default.rp_filter from 0 to 1") == 1);
        CHECK(host.logged("net.ipv4.conf.eth0.rp_filter") == 0);
        (void)host.plan(instance());
        host.keep();
        CHECK(value(kAll) == "0");
        host.devices.drop_unwanted(host.links, host.netlink);
        CHECK(value(kAll) == "1");
        CHECK(value(kDefault) == "0");
        CHECK(value(kEth0) == "0");
        CHECK(value(kEth1) == "2");
        CHECK(host.devices.saved_settings().empty());
    });
}

TEST_CASE("what filters reverse paths as all interfaces do already is neither changed nor put back" *
          mainstay::test::kNeedsRoot) {
    on_host<DevicesHost>([](DevicesHost& host) {
        for (const auto& name : {kAll, kDefault, kEth0}) set(name, "1");
        (void)host.plan(instance("use_vmac"));
        host.keep();
        CHECK(value(kAll) == "0");
        CHECK(host.logged("net.ipv4.conf.default.rp_filter") == 0);
        const auto is_saved = [&](const std::string& name) {
            return std::ranges::any_of(host.devices.saved_settings(),
                                       [&](const auto& one) { return one.name == name; });
        };
        CHECK(is_saved(kAll));
        CHECK(is_saved(kEth1));
        CHECK_FALSE(is_saved(kDefault));
        CHECK_FALSE(is_saved(kEth0));
    });
}

TEST_CASE("an IPv6 VMAC leaves reverse path filtering alone, and so does a host that has none" *
          mainstay::test::kNeedsRoot) {
    on_host<DevicesHost>([](DevicesHost& host) {
        set(kAll, "1");
        (void)host.plan(instance("use_vmac", "2001:db8::100/64"));
        host.keep();
        CHECK(value(kAll) == "1");
        CHECK(host.logged("rp_filter") == 0);
        set(kAll, "0");
        (void)host.plan(instance("use_vmac"));
        host.keep();
        CHECK(value(kEth0) == "0");
        CHECK(host.logged("rp_filter") == 0);
    });
}

TEST_CASE("with disable_local_igmp no reports are sent for groups of the link while there is a VMAC" *
          mainstay::test::kNeedsRoot) {
    on_host<DevicesHost>([](DevicesHost& host) {
        REQUIRE(value(kReports) == "1");
        (void)host.plan("global_defs {\ndisable_local_igmp\n}\n" + instance("use_vmac"));
        host.keep();
        CHECK(value(kReports) == "0");
        (void)host.plan(instance("use_vmac"));
        host.keep();
        host.devices.drop_unwanted(host.links, host.netlink);
        CHECK(value(kReports) == "1");
        (void)host.plan("global_defs {\ndisable_local_igmp\n}\n" + instance());
        host.keep();
        CHECK(value(kReports) == "1");
    });
}

TEST_CASE("promote_secondaries is set on the instance's interface, again when that was made anew, and put back" *
          mainstay::test::kNeedsRoot) {
    on_host<DevicesHost>([](DevicesHost& host) {
        (void)host.plan(instance("promote_secondaries"));
        CHECK(value(kPromotes) == "1");
        REQUIRE(ip("link del eth0"));
        host.read();
        host.keep();
        REQUIRE(ip("link add eth0 type veth peer name eth1"));
        CHECK(value(kPromotes) == "0");
        host.read();
        host.keep();
        CHECK(value(kPromotes) == "1");
        set(kPromotes, "0");  // by another program
        host.keep();
        CHECK(value(kPromotes) == "0");
        set(kPromotes, "1");
        (void)host.plan(instance());
        host.devices.drop_unwanted(host.links, host.netlink);
        CHECK(value(kPromotes) == "0");
        (void)host.plan(instance("promote_secondaries"));
        CHECK(value(kPromotes) == "1");
        host.devices.remove_all(host.links);
        CHECK(value(kPromotes) == "0");
        CHECK(host.log.texts.empty());
    });
}

TEST_CASE("a device whose parent is not there waits for it; on one that is no Ethernet it is refused, once" *
          mainstay::test::kNeedsRoot) {
    on_host<DevicesHost>([](DevicesHost& host) {
        (void)host.plan(
            "vrrp_instance VI_1 {\ninterface nowhere\nversion 3\nvirtual_router_id 51\nuse_vmac\n"
            "virtual_ipaddress {\n10.0.0.100\n}\n}\n");
        host.keep();
        CHECK(host.log.texts.empty());
        REQUIRE(host.devices.wanted().size() == 1);
        CHECK(host.devices.wanted()[0].parent == "nowhere");
        CHECK(host.devices.ours().empty());
        if (!ip("tuntap add tun9 mode tun")) return;
        host.read();
        const std::string on_tun =
            "vrrp_instance VI_1 {\ninterface tun9\nversion 3\nvirtual_router_id 51\nuse_vmac\n"
            "virtual_ipaddress {\n10.0.0.100\n}\n}\n";
        (void)host.plan(on_tun);
        host.keep();
        host.keep();
        CHECK(host.logged("(VI_1) vrrp.51 cannot be created: tun9 is not an Ethernet interface") == 1);
        (void)host.plan(on_tun);
        host.keep();
        CHECK(host.logged("(VI_1) vrrp.51 cannot be created: tun9 is not an Ethernet interface") == 2);
    });
}

TEST_CASE("an interface that got the name of a device after it was planned is not taken, and stays" *
          mainstay::test::kNeedsRoot) {
    on_host<DevicesHost>([](DevicesHost& host) {
        (void)host.plan(instance("use_vmac"));
        REQUIRE(ip("link add vrrp.51 type veth peer name other"));
        host.read();
        host.keep();
        host.keep();
        CHECK(host.logged("(VI_1) vrrp.51 cannot be created: another interface has this name") == 1);
        CHECK(host.devices.ours().empty());
        CHECK(host.devices.vmacs().empty());
        host.devices.remove_all(host.links);
        CHECK(ip("link show dev vrrp.51"));
    });
}

TEST_CASE("a group that is not in iproute2's list is named with the group that is used instead" *
          mainstay::test::kNeedsRoot) {
    on_host<DevicesHost>([](DevicesHost& host) {
        (void)host.plan(instance("use_vmac group no-such-group"));
        CHECK(host.logged("(VI_1) interface group no-such-group is not in /etc/iproute2/group: "
                          "vrrp.51 gets the group of eth0") == 1);
        (void)host.plan(instance("use_vmac group 5"));
        CHECK(host.logged("interface group") == 1);
    });
}

TEST_CASE("the adverts of an IPv4 VMAC have an address of its parent" * mainstay::test::kNeedsRoot) {
    on_host<DevicesHost>([](DevicesHost& host) {
        const auto config = host.plan(instance("use_vmac"));
        CHECK(config.instances.at(0).interface == "vrrp.51");
        (void)host.links.take({netlink::LinkChanged{{.index = 99, .name = "vrrp.51", .up = true, .running = true}}});
        const auto fact = host.links.fact("vrrp.51");
        REQUIRE(fact.addresses.size() == 1);
        CHECK(fact.addresses[0] == IpAddress::parse("10.0.0.1"));
        CHECK(fact.borrows);
        (void)host.plan(instance());
        CHECK(host.links.fact("vrrp.51").addresses.empty());
    });
}

TEST_CASE("a device that a crashed process made goes when the configuration has it no more, and its settings go back" *
          mainstay::test::kNeedsRoot) {
    on_host<DevicesHost>([](DevicesHost& host) {
        REQUIRE(ip("link add vrrp.51 type veth peer name other"));
        REQUIRE(ip("link add kept type veth peer name another"));
        set(kAll, "0");
        report::VrrpStatus previous;
        previous.devices = {"vrrp.51", "long-gone"};
        previous.saved_settings = {{kAll, "1", "0"}};
        host.read();
        host.devices.adopt(previous);
        CHECK(host.devices.ours() == Texts{"long-gone", "vrrp.51"});
        (void)host.plan(instance());
        host.keep();
        CHECK(ip("link show dev vrrp.51"));
        host.devices.drop_unwanted(host.links, host.netlink);
        CHECK_FALSE(ip("link show dev vrrp.51"));
        CHECK(ip("link show dev kept"));
        CHECK(host.devices.ours().empty());
        CHECK(value(kAll) == "1");
        CHECK(host.log.texts.empty());
    });
}

TEST_CASE("an interface that was away, be it with its old index, promotes its secondaries again" *
          mainstay::test::kNeedsRoot) {
    on_host<DevicesHost>([](DevicesHost& host) {
        set(kPromotes, "0");
        set("net/ipv4/conf/default/promote_secondaries", "0");
        (void)host.plan(instance("promote_secondaries"));
        CHECK(value(kPromotes) == "1");
        const auto index = kernel::interface_index("eth0");
        mainstay::test::move_away_and_back("eth0");
        REQUIRE(kernel::interface_index("eth0") == index);
        REQUIRE(value(kPromotes) == "0");
        (void)host.links.take_from(host.netlink, host.log);
        (void)host.devices.keep(host.links, host.netlink);
        CHECK(value(kPromotes) == "1");
    });
}
