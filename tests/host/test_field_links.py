"""What users of keepalived reported of interfaces that go, come and change: docs/field-cases.md has the numbers."""

import pytest

from support.capture import Capture
from support.vmac import links
from support.vrrp import VIP, fast, instance, logged, office, reload, wait_holds, wait_ready, wait_released
from support.wait import stays, wait_until

DYNAMIC = "global_defs {\n dynamic_interfaces\n}\n"


def group(*names):
    return "vrrp_sync_group G {\n group {\n " + "\n ".join(names) + "\n }\n}\n"


def test_a_tracked_interface_that_a_network_restart_makes_anew_is_tracked_on(lan):
    (one,) = office(lan, "one")
    lan.plug(one, "dummy0", "office")
    daemon = wait_ready(one.mainstayd(fast(more="track_interface {\n dummy0\n}")))
    wait_holds(one)

    for turn in (1, 2):
        one.run(["ip", "link", "del", "dummy0"])
        wait_released(one)
        lan.plug(one, "dummy0", "office")
        wait_holds(one)
        one.run(["ip", "link", "set", "dummy0", "down"])
        wait_released(one)
        one.run(["ip", "link", "set", "dummy0", "up"])
        wait_holds(one)
        # The address is there before the line is.
        wait_until(lambda turn=turn: daemon.output().count("Entering MASTER STATE") == 1 + 2 * turn, 10, daemon.output)


def test_a_tracked_interface_that_was_in_a_bridge_is_a_fault_of_the_group_when_it_goes_down(lan):
    (one,) = office(lan, "one")
    lan.plug(one, "other", "office", "10.40.0.11/24")
    lan.plug(one, "tracked", "office")
    one.run(["ip", "link", "add", "br0", "type", "bridge"])
    daemon = wait_ready(one.mainstayd(group("VI_1", "VI_2") + fast(more="track_interface {\n tracked\n}")
                                      + fast("VI_2", 2, "10.40.0.200", interface="other")))
    wait_holds(one)

    one.run(["ip", "link", "set", "tracked", "master", "br0"])
    one.run(["ip", "link", "set", "tracked", "nomaster"])
    one.run(["ip", "link", "set", "tracked", "down"])
    wait_released(one)
    wait_released(one, "10.40.0.200")
    one.run(["ip", "link", "set", "tracked", "up"])
    wait_holds(one, "10.40.0.200")

    # The tracked interface leaves the bridge while the instance's own is down; later its own goes down again.
    one.run(["ip", "link", "set", "tracked", "master", "br0"])
    one.run(["ip", "link", "set", "eth0", "down"])
    wait_released(one, "10.40.0.200")
    one.run(["ip", "link", "set", "tracked", "nomaster"])
    one.run(["ip", "link", "set", "eth0", "up"])
    wait_holds(one, "10.40.0.200")
    before = len(daemon.output())
    one.run(["ip", "link", "set", "eth0", "down"])
    wait_released(one, "10.40.0.200")
    logged(daemon, "(VI_2) Entering FAULT STATE")
    assert "(VI_2) Entering BACKUP STATE" not in daemon.output()[before:]


def test_a_driver_that_is_loaded_anew_on_both_nodes_leaves_one_master_of_the_whole_group(lan):
    one, two = office(lan, "one", "two")

    def nodes(priority):
        return (DYNAMIC + group("VI_1", "VI_2") + fast("VI_1", 1, "192.168.4.200", priority)
                + fast("VI_2", 2, "10.40.0.200", priority, interface="lan1"))
    lan.switch("inner")
    for number, host in enumerate((one, two)):
        lan.plug(host, "lan1", "inner", f"10.40.0.{11 + number}/24")
    wait_ready(one.mainstayd(nodes(150)))
    wait_ready(two.mainstayd(nodes(100)))
    wait_holds(one, "10.40.0.200")

    for _ in range(2):
        for number, host in ((0, one), (1, two)):
            for name in ("eth0", "lan1"):
                host.run(["ip", "link", "del", name])
            # The kernel's own name first, then the system's; the addresses come last.
            lan.plug(host, "new0", "office")
            lan.plug(host, "new1", "inner")
            for new, name, address in (("new0", "eth0", "192.168.4"), ("new1", "lan1", "10.40.0")):
                host.run(["ip", "link", "set", new, "down"])
                host.run(["ip", "link", "set", new, "name", name])
                host.run(["ip", "link", "set", name, "up"])
                host.run(["ip", "addr", "add", f"{address}.{11 + number}/24", "dev", name])

        def settled():
            return all(one.holds(v) and not two.holds(v) for v in ("192.168.4.200", "10.40.0.200"))
        wait_until(settled, 20, "one to be master of both")
        assert stays(settled, 1)


def test_an_interface_that_is_taken_down_stripped_and_brought_up_again_gets_its_address_back(lan):
    one, two = office(lan, "one", "two")
    unicast = "unicast_src_ip 192.168.4.%d\nunicast_peer {\n 192.168.4.%d\n}"
    wait_ready(one.mainstayd(fast(priority=150, more=unicast % (11, 12))))
    wait_ready(two.mainstayd(fast(priority=100, more=unicast % (12, 11))))
    wait_holds(one)

    for host, own in ((two, 12), (one, 11), (one, 11)):
        host.run(["ip", "link", "set", "eth0", "down"])
        host.run(["ip", "addr", "flush", "dev", "eth0"])
        host.run(["ip", "link", "set", "eth0", "up"])
        host.run(["ip", "addr", "add", f"192.168.4.{own}/24", "dev", "eth0"])

        wait_until(lambda: one.holds(VIP) and not two.holds(VIP), 20, "one to hold the address again")

    one.run(["ip", "addr", "flush", "dev", "eth0"])  # all that NetworkManager may leave, without a word on the link
    one.run(["ip", "addr", "add", "192.168.4.11/24", "dev", "eth0"])
    wait_until(lambda: one.holds(VIP) and not two.holds(VIP), 20, "one to hold the address again")


def test_a_network_that_is_applied_anew_on_the_master_costs_it_the_addresses_for_a_while_only(lan):
    one, two = office(lan, "one", "two")
    script = 'vrrp_script chk {\n script "/run/check"\n interval 1\n weight 3\n}\n'
    more = "preempt_delay 1\ntrack_interface {\n eth0\n}\ntrack_script {\n chk\n}\n"

    def node(own, other, priority):
        peers = f"unicast_src_ip 192.168.4.{own}\nunicast_peer {{\n 192.168.4.{other}\n}}\n"
        return script + fast(vip="10.94.195.52/32 dev inner\n192.168.4.200/32 dev eth0", priority=priority, more=more + peers)

    def make(host, number):
        host.run(["ip", "link", "add", "inner", "link", "eth0", "type", "macvlan"])
        host.run(["ip", "addr", "add", f"10.94.195.{number}/24", "dev", "inner"])
        host.run(["ip", "link", "set", "inner", "up"])
    for number, host in ((11, one), (12, two)):
        host.write("/run/check", "#!/bin/sh\necho >>/run/checks\n", 0o755)
        make(host, number)
    wait_ready(two.mainstayd(node(12, 11, 99)))
    daemon = wait_ready(one.mainstayd(node(11, 12, 100)))
    wait_holds(one)

    for _ in range(2):
        one.run(["ip", "link", "del", "eth0"])
        wait_holds(two)
        checks = len(one.read("/run/checks"))
        lan.plug(one, "eth0", "office", "192.168.4.11/24")
        make(one, 11)

        wait_until(lambda: one.holds(VIP) and one.holds("10.94.195.52") and not two.holds(VIP), 20, daemon.output)
        wait_until(lambda before=checks: len(one.read("/run/checks")) > before, 10, "the script to run")


def test_one_file_for_all_nodes_with_the_source_of_each_leaves_no_address_on_two_of_them(lan):
    hosts = office(lan, "one", "two", "three")
    text = "".join(
        fast(f"VI_{own}", own, f"192.168.4.2{own}", 100 + own,
             f"unicast_src_ip 192.168.4.{own}\nunicast_peer {{\n"
             + "".join(f" 192.168.4.{peer}\n" for peer in (11, 12, 13) if peer != own) + "}")
        for own in (11, 12, 13))
    daemons = [wait_ready(host.mainstayd(text)) for host in hosts]

    def settled():
        return all(host.holds(f"192.168.4.2{11 + vip}") == (vip == number)
                   for number, host in enumerate(hosts) for vip in range(3))
    wait_until(settled, 15, "each node to hold the address of its own")
    assert stays(settled, 2)
    logged(daemons[0], "(VI_12) entering FAULT state (source address 192.168.4.12 is not on this host)")


def test_a_failover_of_one_bridge_s_instance_leaves_those_on_other_bridges_where_they_are(lan):
    one, two = office(lan, "one", "two")
    for bridge in ("br1", "br2"):
        lan.switch(bridge)
    for host in (one, two):
        for number, bridge in ((1, "br1"), (2, "br2")):
            host.run(["ip", "link", "add", bridge, "type", "bridge"])
            lan.plug(host, f"port{number}", bridge)
            host.run(["ip", "link", "set", f"port{number}", "master", bridge])
            host.run(["ip", "link", "set", bridge, "up"])
            host.run(["ip", "addr", "add", f"10.40.{number}.{11 if host is one else 12}/24", "dev", bridge])

    def node(own, other, priority):
        peers = "unicast_src_ip 10.40.{0}.%d\nunicast_peer {{\n 10.40.{0}.%d\n}}\n" % (own, other)
        return (fast("VI_222", 222, priority=priority)
                + fast("VI_1", 1, "10.40.1.200", priority, peers.format(1) + "track_interface {\n port1\n}\n", "br1")
                + fast("VI_2", 2, "10.40.2.200", priority, peers.format(2), "br2"))
    wait_ready(one.mainstayd(node(11, 12, 150)))
    daemon = wait_ready(two.mainstayd(node(12, 11, 100)))
    for vip in (VIP, "10.40.1.200", "10.40.2.200"):
        wait_holds(one, vip)

    one.run(["ip", "link", "set", "port1", "down"])
    wait_holds(two, "10.40.1.200")

    assert stays(lambda: one.holds(VIP) and one.holds("10.40.2.200") and not two.holds("10.40.2.200"), 2)
    for name in ("VI_222", "VI_2"):
        assert f"({name}) Backup received priority 0 advertisement" not in daemon.output()
        assert f"({name}) Entering MASTER STATE" not in daemon.output()


def six(name="vrrp", interface="eth0", more=""):
    return fast(vip="fd00:100::1/64", priority=200, interface=interface, more=f"use_vmac {name}\n{more}")


@pytest.fixture
def bare(lan):
    """A host whose interface has no IPv4 address."""
    lan.switch("office")
    return lan.host("one", eth0=("office", "fd00:100::3/64"))


def test_an_ipv6_instance_on_a_vmac_needs_no_ipv4_address(bare):
    wait_ready(bare.mainstayd(DYNAMIC + group("VI_1") + six()))
    wait_holds(bare, "fd00:100::1")


def test_an_ipv6_instance_on_a_vmac_begins_when_its_interface_that_was_down_at_the_start_is_up(bare):
    bare.run(["ip", "link", "set", "eth0", "down"])
    daemon = wait_ready(bare.mainstayd(DYNAMIC + group("VI_1") + six()))
    assert "Entering FAULT STATE" in daemon.output()

    bare.run(["ip", "link", "set", "eth0", "up"])

    wait_holds(bare, "fd00:100::1")


def test_an_instance_on_a_named_vmac_begins_when_an_interface_gets_its_name(bare):
    bare.run(["ip", "addr", "add", "10.0.0.2/24", "dev", "eth0"])
    bare.run(["ip", "link", "set", "eth0", "down"])
    daemon = wait_ready(bare.mainstayd(DYNAMIC + six(interface="iface4")))
    assert "Entering FAULT STATE" in daemon.output()

    bare.run(["ip", "link", "set", "eth0", "name", "iface4", "up"])

    wait_holds(bare, "fd00:100::1")
    assert links(bare)["vrrp"]["link"] == "iface4"


def test_a_vmac_follows_a_reload_to_an_interface_that_is_not_there_yet(lan, bare):
    daemon = wait_ready(bare.mainstayd(DYNAMIC + group("VI_1") + six()))
    wait_holds(bare, "fd00:100::1")

    reload(bare, daemon, DYNAMIC + group("VI_1") + six(interface="iface5"))
    wait_released(bare, "fd00:100::1")
    lan.plug(bare, "iface5", "office", "fd00:100::5/64")

    wait_holds(bare, "fd00:100::1")
    assert links(bare)["vrrp"]["link"] == "iface5"


def test_forty_vmacs_that_come_by_a_reload_fail_and_recover_together(lan):
    (one,) = office(lan, "one")
    many = range(1, 41)

    def text(numbers):
        return "".join(fast(f"VI_{n}", n, f"10.50.0.{n}", more=f"use_vmac vrrp4.{n}\ngarp_master_delay 0") for n in numbers)

    def held():
        return sum(address.startswith("10.50.0.") for address in one.addresses())
    daemon = wait_ready(one.mainstayd(text((1,))))
    wait_holds(one, "10.50.0.1")

    reload(one, daemon, text(many))
    wait_until(lambda: held() == len(many), 20, lambda: f"{held()} addresses")
    for _ in range(2):
        one.run(["ip", "link", "set", "eth0", "down"])
        wait_until(lambda: held() == 0, 20, lambda: f"no address, not {held()}")
        one.run(["ip", "link", "set", "eth0", "up"])
        wait_until(lambda: held() == len(many), 20, lambda: f"{held()} addresses")


def test_one_link_local_address_may_be_virtual_on_several_interfaces(lan):
    (one,) = office(lan, "one")
    lan.switch("inner")
    lan.plug(one, "lan1", "inner", "10.40.0.11/24")
    daemon = wait_ready(one.mainstayd(fast("VI_1", 1, "fe80::1:1/64") + fast("VI_2", 2, "fe80::1:1/64", interface="lan1")))

    wait_until(lambda: all("fe80::1:1/64" in one.addresses(name) for name in ("eth0", "lan1")), 10, "both addresses")
    assert "duplicate" not in daemon.output()


def test_adverts_leave_from_the_address_that_the_interface_has_now(lan):
    one, two = office(lan, "one", "two")
    wait_ready(one.mainstayd(instance("MASTER", 150, interval=1)))
    wait_holds(one)

    one.run(["ip", "addr", "del", "192.168.4.11/24", "dev", "eth0"])
    one.run(["ip", "addr", "add", "192.168.4.21/24", "dev", "eth0"])

    with Capture(two, what="vrrp") as capture:
        capture.wait_for(2, timeout=15, which=lambda p: "IP" in p and p["IP"].src == "192.168.4.21")
    wait_holds(one)


def test_routes_may_name_the_vmac_that_an_instance_makes_whatever_else_makes_vmacs(lan):
    (one,) = office(lan, "one")
    words = """use_vmac
use_vmac_addr
vmac_xmit_base
promote_secondaries
virtual_rules {
 from 10.100.0.11/32 table 200 preference 200
}
virtual_routes {
 default via 10.100.0.1 dev vrrp.111 src 10.100.0.11 onlink table 200
 10.100.0.0/24 dev vrrp.111 scope link src 10.100.0.11 table 200
}
"""
    daemon = wait_ready(one.mainstayd(DYNAMIC + fast("asdf", 111, "10.100.0.11/24 noprefixroute dev eth0", 50, words)))
    wait_holds(one, "10.100.0.11")

    assert "vrrp.111" in links(one)
    wait_until(lambda: one.run(["ip", "route", "show", "table", "200"], check=False).stdout.count("dev vrrp.111") == 2, 5,
               lambda: one.run(["ip", "route", "show", "table", "all"]).stdout + daemon.output())
