// VMACs as the kernel has them after VrrpDevices made, changed, repaired and removed them; read back by iproute2. Where
// the kernel has no macvlan, tests/lab has one with.
#include <sched.h>
#include <sys/mount.h>

#include "../../needs.hpp"
#include "../../temporary_folder.hpp"
#include "mainstay/kernel/sysctl.hpp"
#include "sysctl_value.hpp"
#include "vmac_host.hpp"

using namespace mainstay;
using namespace mainstay::role;
using namespace mainstay::role::test;

namespace {

const std::string kMac = "00:00:5e:00:01:33", kMac6 = "00:00:5e:00:02:33", kLinkLocal = "fe80::ff:fe00:a/64";

std::string v4(const std::string& name) { return value("net/ipv4/conf/vrrp.51/" + name); }
const std::string kOf6 = "2001:db8::100/64";
std::string on(const std::string& interface, const std::string& more) {
    auto text = instance(more);
    return text.replace(text.find("eth0"), 4, interface);
}

}  // namespace

TEST_CASE(
    "an IPv4 VMAC is a private macvlan that is up with the virtual MAC address and its settings, and is made once" *
    mainstay::test::kNeedsRoot) {
    with_macvlan([](VmacHost& host) {
        REQUIRE(ip("link set eth0 group 7"));
        host.read();
        host.plan(instance("use_vmac"));
        CHECK(host.devices.vmacs().empty());
        CHECK(host.keep());
        CHECK(shows("vrrp.51", "macvlan mode private"));
        CHECK(shows("vrrp.51", kMac));
        CHECK(shows("vrrp.51", ",UP"));
        CHECK(shows("vrrp.51", "group 7 "));
        CHECK(shows("vrrp.51", "addrgenmode none"));
        CHECK(v4("arp_ignore") == "1");
        CHECK(v4("accept_local") == "1");
        CHECK(v4("rp_filter") == "0");
        CHECK(v4("promote_secondaries") == "1");
        CHECK(value("net/ipv6/conf/vrrp.51/disable_ipv6") == "1");
        CHECK(value("net/ipv4/conf/eth0/arp_ignore") == "1");
        CHECK(value("net/ipv4/conf/eth0/arp_filter") == "1");
        CHECK(host.before_up == Texts{"down"});
        CHECK(host.devices.ours() == Texts{"vrrp.51"});
        const auto vmacs = host.devices.vmacs();
        REQUIRE(vmacs.size() == 1);
        CHECK(vmacs[0].index == index("vrrp.51"));
        CHECK(vmacs[0].parent == index("eth0"));
        CHECK(vmacs[0].family == Family::V4);
        CHECK_FALSE(host.keep());
        CHECK(host.before_up == Texts{"down"});
        CHECK(host.devices.remade() == 0);
        CHECK(host.logged("(VI_1): Success creating VMAC interface vrrp.51") == 1);
        CHECK(host.log.texts.size() == 1);
    });
}

TEST_CASE("a VMAC that the configuration has no more goes, and its parent's settings are as before" *
          mainstay::test::kNeedsRoot) {
    with_macvlan([](VmacHost& host) {
        host.use(instance("use_vmac") + on("eth1", "use_vmac").replace(14, 4, "VI_2"));
        CHECK(value("net/ipv4/conf/eth1/arp_ignore") == "1");
        REQUIRE(host.devices.ours().size() == 2);
        host.plan(instance("use_vmac"));
        host.keep();
        CHECK(index("vrrp1.51") != 0);  // its addresses are still in use
        host.devices.drop_unwanted(host.links, host.netlink);
        CHECK(index("vrrp1.51") == 0);
        CHECK(index("vrrp.51") != 0);
        CHECK(host.devices.ours() == Texts{"vrrp.51"});
        CHECK(value("net/ipv4/conf/eth1/arp_ignore") == "0");
        CHECK(value("net/ipv4/conf/eth1/arp_filter") == "0");
        CHECK(value("net/ipv4/conf/eth0/arp_filter") == "1");
        host.devices.remove_all(host.links);
        CHECK(index("vrrp.51") == 0);
        CHECK(value("net/ipv4/conf/eth0/arp_filter") == "0");
        CHECK(host.devices.vmacs().empty());
        CHECK(host.devices.saved_settings().empty());
    });
}

TEST_CASE("a VMAC that another program removed is made again with its settings, which is counted and logged" *
          mainstay::test::kNeedsRoot) {
    with_macvlan([](VmacHost& host) {
        host.use(instance("use_vmac"));
        for (std::uint64_t times = 1; times <= 2; ++times) {
            REQUIRE(ip("link del vrrp.51"));
            host.read();
            CHECK(host.keep());
            CHECK(shows("vrrp.51", kMac));
            CHECK(shows("vrrp.51", ",UP"));
            CHECK(v4("accept_local") == "1");
            CHECK(host.devices.remade() == times);
            CHECK(host.devices.vmacs().at(0).index == index("vrrp.51"));
            CHECK(host.before_up.size() == 1 + times);
            CHECK(host.logged("(VI_1) vrrp.51 was removed by another program: created again") == times);
        }
        CHECK(host.logged("Success creating") == 1);
        host.use(instance());
        host.use(instance("use_vmac"));  // this one was removed by the daemon itself
        CHECK(host.devices.remade() == 2);
        CHECK(host.logged("Success creating") == 2);
    });
}

TEST_CASE("a VMAC gets another MAC address without being made again, and two that exchange theirs are made again" *
          mainstay::test::kNeedsRoot) {
    with_macvlan([](VmacHost& host) {
        const auto two = [](const std::string& first, const std::string& second) {
            return instance("use_vmac a1 " + first) + instance("use_vmac a2 " + second, "10.0.0.200", "VI_2", 52);
        };
        host.use(two("02:00:00:00:00:01", "02:00:00:00:00:02"));
        const auto first = index("a1"), second = index("a2");
        REQUIRE(first != 0);
        host.use(two("02:00:00:00:00:03", "02:00:00:00:00:01"));  // a1's can be given to a2 once a1 has another
        CHECK(shows("a1", "02:00:00:00:00:03"));
        CHECK(shows("a2", "02:00:00:00:00:01"));
        CHECK(index("a1") == first);
        CHECK(index("a2") == second);
        CHECK(host.logged("(VI_1) MAC address of a1 changed to 02:00:00:00:00:03") == 1);
        CHECK(host.logged("(VI_2) MAC address of a2 changed to 02:00:00:00:00:01") == 1);
        CHECK(host.logged("Success creating") == 2);
        host.use(two("02:00:00:00:00:01", "02:00:00:00:00:03"));
        CHECK(shows("a1", "02:00:00:00:00:01"));
        CHECK(shows("a2", "02:00:00:00:00:03"));
        CHECK(index("a1") != first);
        CHECK(host.logged("MAC address of") == 2);
        CHECK(host.logged("Success creating") == 4);
        CHECK(host.devices.remade() == 0);
    });
}

TEST_CASE("a VMAC with another name, or over another interface, takes the place of the one before" *
          mainstay::test::kNeedsRoot) {
    with_macvlan([](VmacHost& host) {
        host.use(instance("use_vmac old"));
        host.plan(instance("use_vmac new"));
        CHECK(host.keep());
        CHECK(index("old") == 0);  // two of one MAC address cannot be up on one parent
        CHECK(shows("new", ",UP"));
        CHECK(host.devices.ours() == Texts{"new"});
        host.plan(on("eth1", "use_vmac new"));
        CHECK(host.keep());
        CHECK(shows("new", "new@eth1: "));
        CHECK(shows("new", kMac));
        CHECK(shows("new", ",UP"));
        host.plan(on("eth0", "use_vmac other"));
        CHECK(host.keep());
        CHECK(shows("new", "new@eth1: "));  // it is in nobody's way
        host.devices.drop_unwanted(host.links, host.netlink);
        CHECK(index("new") == 0);
        CHECK(shows("other", "other@eth0: "));
        CHECK(shows("other", kMac));
        CHECK(host.devices.remade() == 0);
    });
}

TEST_CASE("the group of a VMAC is the one that is configured, also when it is changed" * mainstay::test::kNeedsRoot) {
    with_macvlan([](VmacHost& host) {
        host.use(instance("use_vmac group 5"));
        CHECK(shows("vrrp.51", "group 5 "));
        host.use(instance("use_vmac group 6"));
        CHECK(shows("vrrp.51", "group 6 "));
        host.use(instance("use_vmac"));
        CHECK(shows("vrrp.51", "group default "));
        CHECK(host.logged("Success creating") == 1);
    });
}

TEST_CASE("an IPv6 VMAC has its parent's link-local address, deprecated, or one of the parent's MAC address" *
          mainstay::test::kNeedsRoot) {
    with_macvlan([](VmacHost& host) {
        REQUIRE(ip("addr flush dev eth0 scope link"));
        host.read();
        host.use(instance("use_vmac", kOf6));
        CHECK(shows("vrrp.51", kMac6));
        CHECK(has_address(kLinkLocal, "vrrp.51"));
        CHECK(ip("addr show dev vrrp.51 | grep -F " + kLinkLocal + " | grep -q deprecated"));
        CHECK(ip("-6 -o addr show dev vrrp.51 | wc -l | grep -qx 1"));
        CHECK(value("net/ipv6/conf/vrrp.51/disable_ipv6") == "0");
        CHECK(value("net/ipv4/conf/eth0/arp_ignore") == "0");
        CHECK(v4("arp_ignore") == "1");
        CHECK_FALSE(host.keep());
        REQUIRE(ip("addr del " + kLinkLocal + " dev vrrp.51"));
        REQUIRE(ip("addr add fe80::5/64 dev eth0"));
        host.read();
        CHECK(host.keep());
        CHECK(has_address("fe80::5/64", "vrrp.51"));
        REQUIRE(ip("addr del fe80::5/64 dev vrrp.51"));
        REQUIRE(ip("addr add fe80::6/64 dev vrrp.51"));  // by somebody else: it does
        host.read();
        CHECK_FALSE(host.keep());
        CHECK_FALSE(has_address("fe80::5/64", "vrrp.51"));
        CHECK(host.log.texts.size() == 1);
    });
}

TEST_CASE("where new interfaces have IPv6 off, the VMACs that need it have it, and the others do not" *
          mainstay::test::kNeedsRoot) {
    with_macvlan([](VmacHost& host) {
        REQUIRE(kernel::write_sysctl("net/ipv6/conf/default/disable_ipv6", "1"));
        host.use(instance("use_vmac", kOf6));
        CHECK(value("net/ipv6/conf/vrrp.51/disable_ipv6") == "0");
        CHECK(ip("-6 -o addr show dev vrrp.51 scope link | grep -q fe80"));
        host.use(instance("use_vmac"));
        CHECK(value("net/ipv6/conf/vrrp.51/disable_ipv6") == "1");
        host.use(instance("use_vmac", kOf6));
        CHECK(value("net/ipv6/conf/vrrp.51/disable_ipv6") == "0");
        CHECK(host.logged("cannot be set") == 0);
    });
}

TEST_CASE("an address that a VMAC is refused is named with the reason, once" * mainstay::test::kNeedsRoot) {
    with_macvlan([](VmacHost& host) {
        host.use(instance("use_vmac", kOf6));
        REQUIRE(kernel::write_sysctl("net/ipv6/conf/vrrp.51/disable_ipv6", "1"));
        host.read();
        host.keep();
        CHECK(host.logged("cannot be set: Permission denied") == 1);
    });
}

TEST_CASE("a virtual link-local address counts neither as the parent's own nor as the VMAC's, nor does one of before" *
          mainstay::test::kNeedsRoot) {
    with_macvlan([](VmacHost& host) {
        REQUIRE(ip("addr flush dev eth0 scope link"));
        const auto with = [](const std::string& vip) { return instance("use_vmac", vip + "\n" + kOf6); };
        REQUIRE(ip("addr add fe80::100/64 dev eth0 nodad"));
        host.read();
        host.use(with("fe80::100/64"));
        CHECK(has_address(kLinkLocal, "vrrp.51"));
        REQUIRE(ip("addr add fe80::100/64 dev vrrp.51 nodad"));
        REQUIRE(ip("addr del " + kLinkLocal + " dev vrrp.51"));
        host.read();
        host.use(with("fe80::200/64"));
        CHECK(has_address(kLinkLocal, "vrrp.51"));
        REQUIRE(ip("addr del " + kLinkLocal + " dev vrrp.51"));
        host.read();
        host.use(with("fe80::200/64"));  // by now the first one is nobody's virtual address
        CHECK_FALSE(has_address(kLinkLocal, "vrrp.51"));
    });
}

TEST_CASE("the link-local address goes after a change to adverts of the parent, not before it" *
          mainstay::test::kNeedsRoot) {
    with_macvlan([](VmacHost& host) {
        REQUIRE(ip("addr flush dev eth0 scope link"));
        host.read();
        host.use(instance("use_vmac", kOf6));
        REQUIRE(has_address(kLinkLocal, "vrrp.51"));
        host.plan(instance("use_vmac\nvmac_xmit_base", kOf6));
        host.keep();
        CHECK(has_address(kLinkLocal, "vrrp.51"));
        host.devices.drop_unwanted(host.links, host.netlink);
        CHECK_FALSE(has_address(kLinkLocal, "vrrp.51"));
        CHECK(host.logged("Success creating") == 1);
    });
}

TEST_CASE("a link-local address stays that a further reload wants again before it went" * mainstay::test::kNeedsRoot) {
    with_macvlan([](VmacHost& host) {
        REQUIRE(ip("addr flush dev eth0 scope link"));
        host.read();
        host.use(instance("use_vmac", kOf6));
        host.plan(instance("use_vmac\nvmac_xmit_base", kOf6));
        host.keep();
        host.use(instance("use_vmac", kOf6));
        CHECK(has_address(kLinkLocal, "vrrp.51"));
    });
}

TEST_CASE("a setting of a VMAC that cannot be put back to the usual one is named" * mainstay::test::kNeedsRoot) {
    with_macvlan([](VmacHost& host) {
        host.use(instance("use_vmac"));
        const mainstay::test::TemporaryFolder folder;
        folder.write("value", "1\n");
        // From here on this thread has mounts of its own, one of which nobody can write to; rtnetlink has no such
        // setting.
        REQUIRE(::unshare(CLONE_NEWNS) == 0);
        const std::string file = "/proc/sys/net/ipv6/conf/vrrp.51/disable_ipv6";
        REQUIRE(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
        REQUIRE(::mount(folder.at("value").c_str(), file.c_str(), nullptr, MS_BIND, nullptr) == 0);
        REQUIRE(::mount("none", file.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) == 0);
        host.use(instance("use_vmac", kOf6));
        CHECK(shows("vrrp.51", kMac6));
        CHECK(host.logged("net/ipv6/conf/vrrp.51/disable_ipv6") == 1);
        CHECK(host.logged("Read-only file system") == 1);
        REQUIRE(::umount(file.c_str()) == 0);
    });
}

TEST_CASE("where /proc/sys is read-only a VMAC and its parent get their settings all the same" *
          mainstay::test::kNeedsRoot) {
    with_macvlan([](VmacHost& host) {
        REQUIRE(kernel::write_sysctl("net/ipv4/conf/default/rp_filter", "1"));
        mainstay::test::make_proc_sys_read_only();
        host.use(instance("use_vmac"));
        CHECK(shows("vrrp.51", ",UP"));
        CHECK(v4("arp_ignore") == "1");
        CHECK(v4("accept_local") == "1");
        CHECK(v4("rp_filter") == "0");
        CHECK(value("net/ipv4/conf/eth0/arp_ignore") == "1");
        CHECK(value("net/ipv4/conf/eth0/arp_filter") == "1");
        CHECK(host.devices.kept_down().empty());
        CHECK(host.logged("vrrp.51/disable_ipv6: Read-only file system") == 1);
        host.use(instance(""));
        CHECK(value("net/ipv4/conf/eth0/arp_ignore") == "0");
        CHECK(value("net/ipv4/conf/eth0/arp_filter") == "0");
    });
}

TEST_CASE("a VMAC at which the kernel would drop adverts stays down, with the reason" * mainstay::test::kNeedsRoot) {
    with_macvlan([](VmacHost& host) {
        REQUIRE(kernel::write_sysctl("net/ipv4/conf/all/rp_filter", "1"));
        mainstay::test::make_proc_sys_read_only();
        host.use(instance("use_vmac"));
        CHECK_FALSE(shows("vrrp.51", ",UP"));
        CHECK(value("net/ipv4/conf/eth0/rp_filter") == "0");  // not raised for nothing
        CHECK(host.logged("setting sysctl") == 0);
        const auto kept = host.devices.kept_down();
        REQUIRE(kept.size() == 1);
        CHECK(kept[0].name == "vrrp.51");
        CHECK(
            kept[0].reason ==
            "it stays down: net.ipv4.conf.all.rp_filter is 1 and cannot be changed, so that adverts of other directors "
            "would be dropped there and two could be MASTER. Set it to 0 (on the host, or for a container with "
            "a network of its own by --sysctl net.ipv4.conf.all.rp_filter=0) or use vmac_xmit_base, then reload");
        CHECK(host.logged("(VI_1) vrrp.51: " + kept[0].reason) == 1);

        host.use(instance("use_vmac\nvmac_xmit_base"));  // adverts arrive at eth0
        CHECK(shows("vrrp.51", ",UP"));
        CHECK(host.devices.kept_down().empty());
        CHECK(host.logged(
                  "(VI_1) vrrp.51: net.ipv4.conf.all.rp_filter is 1 and cannot be changed: packets to its addresses "
                  "may be dropped") == 1);
        host.use(instance("use_vmac"));  // it was up
        CHECK_FALSE(shows("vrrp.51", ",UP"));
        CHECK(host.devices.kept_down().size() == 1);
    });
}

TEST_CASE("a VMAC that becomes the other family's has the MAC address and the settings of that family" *
          mainstay::test::kNeedsRoot) {
    with_macvlan([](VmacHost& host) {
        REQUIRE(ip("addr flush dev eth0 scope link"));
        host.read();
        host.use(instance("use_vmac"));
        const auto first = index("vrrp.51");
        host.use(instance("use_vmac", kOf6));
        CHECK(index("vrrp.51") == first);
        CHECK(shows("vrrp.51", kMac6));
        CHECK(v4("accept_local") == "0");
        CHECK(v4("promote_secondaries") == value("net/ipv4/conf/default/promote_secondaries"));
        CHECK(value("net/ipv6/conf/vrrp.51/disable_ipv6") == "0");
        CHECK(has_address(kLinkLocal, "vrrp.51"));
        CHECK(value("net/ipv4/conf/eth0/arp_ignore") == "0");
        REQUIRE(ip("addr add fe80::7/64 dev vrrp.51"));
        host.read();
        host.use(instance("use_vmac\nvirtual_ipaddress_excluded {\n2001:db8:1::7/64\n}"));
        CHECK(shows("vrrp.51", kMac));
        CHECK(v4("accept_local") == "1");
        CHECK_FALSE(has_address(kLinkLocal, "vrrp.51"));
        CHECK(has_address("fe80::7/64", "vrrp.51"));  // not deprecated: not the daemon's
        CHECK(value("net/ipv4/conf/eth0/arp_ignore") == "1");
    });
}

TEST_CASE("a VMAC of a crashed process is taken over with its settings, and made again when it is removed" *
          mainstay::test::kNeedsRoot) {
    with_macvlan([](VmacHost& host) {
        host.use(instance("use_vmac"));
        const auto first = index("vrrp.51");
        report::VrrpStatus previous;
        previous.devices = host.devices.ours();
        previous.saved_settings = host.devices.saved_settings();
        REQUIRE(kernel::write_sysctl("net/ipv4/conf/vrrp.51/accept_local", "0"));
        VrrpDevices next{host.log};
        next.adopt(previous);
        (void)next.plan(Office::written(instance("use_vmac group 9")), host.links);
        CHECK(next.keep(host.links, host.netlink));
        host.read();
        CHECK_FALSE(next.keep(host.links, host.netlink));
        CHECK(index("vrrp.51") == first);
        CHECK(v4("accept_local") == "1");
        CHECK(shows("vrrp.51", "group 9 "));
        CHECK(next.vmacs().at(0).index == first);
        CHECK(host.logged("Success creating") == 1);
        REQUIRE(ip("link del vrrp.51"));
        host.read();
        CHECK(next.keep(host.links, host.netlink));
        CHECK(next.remade() == 1);
        host.read();
        next.remove_all(host.links);
        CHECK(index("vrrp.51") == 0);
        CHECK(value("net/ipv4/conf/eth0/arp_ignore") == "0");
    });
}

TEST_CASE("a macvlan of another program that serves is used as it is" * mainstay::test::kNeedsRoot) {
    with_macvlan([](VmacHost& host) {
        REQUIRE(ip("link add theirs link eth0 address " + kMac + " type macvlan mode private"));
        host.read();
        const auto theirs = index("theirs");
        host.use(instance("use_vmac mine"));
        CHECK(index("mine") == 0);
        CHECK(index("theirs") == theirs);
        CHECK(shows("theirs", ",UP"));
        CHECK(host.logged("(VI_1) Found matching interface theirs") == 1);
        CHECK(host.logged("Success creating") == 0);
        host.use(instance("use_vmac mine"));
        CHECK(index("theirs") == theirs);
        CHECK(host.logged("Found matching interface") == 1);
    });
}

TEST_CASE("a VMAC over a macvlan, as a container has one, is made once and used again" * mainstay::test::kNeedsRoot) {
    with_macvlan([](VmacHost& host) {
        REQUIRE(ip("link add mv0 link eth0 type macvlan mode bridge"));
        REQUIRE(ip("link set mv0 up"));
        host.read();
        host.use(on("mv0", "use_vmac"));
        const auto made = index("vrrp.51");
        CHECK(made != 0);
        CHECK(shows("vrrp.51", "vrrp.51@eth0"));
        CHECK(shows("vrrp.51", ",UP"));
        CHECK_FALSE(host.keep());
        host.use(on("mv0", "use_vmac"));
        CHECK(index("vrrp.51") == made);
        CHECK(host.devices.remade() == 0);
        CHECK(host.logged("Success creating") == 1);
        host.use(on("mv0", ""));
        CHECK(index("vrrp.51") == 0);
    });
}

TEST_CASE("reverse path filtering of a new VMAC is not raised with that of the other interfaces" *
          mainstay::test::kNeedsRoot) {
    with_macvlan([](VmacHost& host) {
        const std::string filter = "net/ipv4/conf/all/rp_filter";
        host.use(instance("use_vmac"));
        REQUIRE(kernel::write_sysctl(filter, "2"));
        host.use(instance("use_vmac") + instance("use_vmac", "10.0.0.200", "VI_2", 52));
        CHECK(value(filter) == "0");
        CHECK(value("net/ipv4/conf/eth0/rp_filter") == "2");
        CHECK(v4("rp_filter") == "0");
        CHECK(value("net/ipv4/conf/vrrp.52/rp_filter") == "0");
    });
}

TEST_CASE("the interface below a VMAC gets its settings again when it was away" * mainstay::test::kNeedsRoot) {
    with_macvlan([](VmacHost& host) {
        host.use(instance("use_vmac"));
        REQUIRE(value("net/ipv4/conf/eth0/arp_ignore") == "1");
        mainstay::test::move_away_and_back("eth0");
        REQUIRE(value("net/ipv4/conf/eth0/arp_ignore") == "0");
        (void)host.links.take_from(host.netlink, host.log);
        CHECK(host.keep());
        CHECK(value("net/ipv4/conf/eth0/arp_ignore") == "1");
        CHECK(value("net/ipv4/conf/eth0/arp_filter") == "1");
        CHECK_FALSE(host.keep());
    });
}
