"""Interfaces that go, come late, flap, are renamed, replaced or bridged, an instance's own and those that it tracks: it is in
FAULT meanwhile, and nothing else is lost. A number is that of a report from the field (docs/field-cases.md)."""

import json

import pytest

from support.capture import Capture
from support.netlink import burst
from support.paths import program
from support.vrrp import VIP, fast, logged, office, sync_group, vrrp_status, wait_holds, wait_ready, wait_released
from support.wait import stays, wait_until

DYNAMIC = "global_defs {\n dynamic_interfaces\n}\n"
CHANGES = "global_defs {\n dynamic_interfaces allow_if_changes\n}\n"
FLAP = """
import subprocess, sys, time
end = time.monotonic() + float(sys.argv[2])
count = 0
while time.monotonic() < end:
    count += 1
    for state in ("down", "up"):
        subprocess.run(["ip", "link", "set", sys.argv[1], state], check=True)
        time.sleep(0.01)
print(count)
"""


def pair(lan, settings=""):
    """Two hosts, of which the first one is master, and its daemon."""
    one, two = office(lan, "one", "two")
    daemon = wait_ready(one.mainstayd(settings + fast()))
    wait_ready(two.mainstayd(fast(priority=100)))
    wait_holds(one)
    return one, two, daemon


# ---- its own interface ----

@pytest.mark.parametrize("settings, lost, found, says", [
    ("", "set eth0 down", "set eth0 up", "(VI_1) entering FAULT state (interface eth0 down)"),
    ("", "del eth0", None, "Interface eth0 deleted"),
    (CHANGES, "set eth0 name wan0", "set wan0 name eth0", "Interface name has changed from eth0 to wan0"),
], ids=("down", "deleted", "renamed"))
def test_an_interface_that_goes_is_a_fault_and_is_used_again_when_it_is_back(lan, settings, lost, found, says):
    # effect: global_defs: dynamic_interfaces
    one, two, daemon = pair(lan, settings)

    one.run(["ip", "link", *lost.split()])
    wait_holds(two)
    logged(daemon, "(VI_1) Entering FAULT STATE")
    assert daemon.output().count(says) == 1
    wait_released(one)  # under its new name, too
    if found:
        one.run(["ip", "link", *found.split()])
    else:
        lan.plug(one, "eth0", "office", "192.168.4.11/24")

    wait_holds(one)
    wait_released(two)
    assert daemon.alive()


def test_an_interface_that_is_missing_at_start_is_waited_for(lan):
    """Report 2237."""
    (one,) = office(lan, "one")

    daemon = wait_ready(one.mainstayd(fast(interface="eth7")))
    logged(daemon, "(VI_1) Entering FAULT STATE")
    assert "eth7" in daemon.output()
    lan.plug(one, "eth7", "office", "192.168.4.99/24")

    wait_holds(one)


def test_an_interface_that_is_replaced_by_another_kind_is_used(lan):
    # effect: global_defs: dynamic_interfaces
    (one,) = office(lan, "one")
    path = one.write("/run/check.conf", CHANGES + fast().replace("eth0", "later0"))
    assert one.run([program("mainstayd"), "-t", "-f", path], check=False).returncode == 0
    one.write("/run/check.conf", fast(interface="later0"))
    assert one.run([program("mainstayd"), "-t", "-f", path], check=False).returncode != 0

    daemon = wait_ready(one.mainstayd(CHANGES + fast()))
    wait_holds(one)
    one.run(["ip", "link", "del", "eth0"])
    wait_until(lambda: "Entering FAULT STATE" in daemon.output(), 5, "FAULT")
    one.run(["ip", "link", "add", "eth0", "type", "bridge"])
    one.run(["ip", "addr", "add", "192.168.4.11/24", "dev", "eth0"])
    one.run(["ip", "link", "add", "inner", "type", "veth", "peer", "name", "outer"])
    for device in ("inner", "outer", "eth0"):
        one.run(["ip", "link", "set", device, "up"])
    one.run(["ip", "link", "set", "inner", "master", "eth0"])

    wait_holds(one)


def port_of(lan, host):
    """The switch's end of the host's cable."""
    switch = lan.switches["office"]
    return switch, next(p["ifname"] for p in json.loads(switch.run(["ip", "-json", "link"]).stdout)
                        if p["ifname"].startswith(f"{host.name}."))


def test_a_carrier_that_flaps_fifty_times_a_second_is_got_over(lan):
    one, two, daemon = pair(lan)
    switch, port = port_of(lan, one)

    flaps = int(switch.run(["/usr/bin/python3", "-c", FLAP, port, "2"]).stdout)

    wait_holds(one)
    wait_released(two)
    with Capture(two) as capture:
        capture.wait_for(3, which=lambda p: p["IP"].src == "192.168.4.11")
        assert {p["IP"].src for p in capture.packets()} == {"192.168.4.11"}
    assert daemon.alive()
    assert vrrp_status(one)["instances"][0]["state"] == "MASTER"
    assert 1 <= daemon.output().count("Netlink reports eth0 down") <= flaps


def test_lost_notifications_are_made_good_by_reading_everything(lan):
    """Report 392."""
    one, two, daemon = pair(lan)
    pid = one.run(["pgrep", "-x", "mainstayd-vrrp"]).stdout.split()[0]

    # While the role stands still, more happens than its socket holds; its address is among what goes.
    one.run(["kill", "-STOP", pid])
    one.call(burst)
    one.run(["ip", "addr", "del", f"{VIP}/32", "dev", "eth0"])
    one.run(["kill", "-CONT", pid])

    wait_until(lambda: "netlink notifications were lost" in daemon.output(), 10, "the loss to be told")
    wait_holds(one)
    wait_released(two)
    # The state block follows within a moment.
    wait_until(lambda: daemon.output().count("netlink notifications were lost") == vrrp_status(one)["netlink_overruns"], 10,
               "the losses to be counted as they are told")
    assert vrrp_status(one)["netlink_overruns"] <= 2


def test_an_interface_that_is_taken_down_stripped_and_brought_up_again_gets_its_address_back(lan):
    """Report 2564."""
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
    """Report 2528."""
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


def test_a_driver_that_is_loaded_anew_on_both_nodes_leaves_one_master_of_the_whole_group(lan):
    """Report 2190."""
    one, two = office(lan, "one", "two")

    def nodes(priority):
        return (DYNAMIC + sync_group("VI_1", "VI_2") + fast("VI_1", 1, "192.168.4.200", priority)
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


def test_a_failover_of_one_bridge_s_instance_leaves_those_on_other_bridges_where_they_are(lan):
    """Report 2039."""
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


# ---- interfaces that it tracks ----

def test_a_tracked_interface_that_a_network_restart_makes_anew_is_tracked_on(lan):
    """Reports 2142 and 2156."""
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
    """Reports 1823 and 2685."""
    (one,) = office(lan, "one")
    lan.plug(one, "other", "office", "10.40.0.11/24")
    lan.plug(one, "tracked", "office")
    one.run(["ip", "link", "add", "br0", "type", "bridge"])
    daemon = wait_ready(one.mainstayd(sync_group("VI_1", "VI_2") + fast(more="track_interface {\n tracked\n}")
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
