"""Interfaces that misbehave: flapping carriers, lost notifications, renames; told once, counted, and got over."""

import json

from support.capture import Capture
from support.netlink import BURST
from support.paths import program
from support.vrrp import VIP, office, wait_holds, wait_ready, wait_released
from support.wait import stays, wait_until

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


def instance(priority=150, vips=(VIP,), more=""):
    return f"""vrrp_instance VI_1 {{
    interface eth0
    virtual_router_id 51
    version 3
    priority {priority}
    advert_int 0.2
    garp_master_delay 0
    {more}
    virtual_ipaddress {{
        {chr(10).join(vips)}
    }}
}}
"""


def status(host):
    return json.loads(host.run([program("mainstayctl"), "status", "--json"]).stdout)["vrrp"]


def port_of(lan, host):
    """The switch's end of the host's cable."""
    switch = lan.switches["office"]
    return switch, next(p["ifname"] for p in json.loads(switch.run(["ip", "-json", "link"]).stdout)
                        if p["ifname"].startswith(f"{host.name}."))


def test_a_carrier_that_flaps_fifty_times_a_second_is_got_over(lan):
    one, two = office(lan, "one", "two")
    daemon = wait_ready(one.mainstayd(instance(150)))
    wait_ready(two.mainstayd(instance(100)))
    wait_holds(one)
    switch, port = port_of(lan, one)

    flaps = int(switch.run(["/usr/bin/python3", "-c", FLAP, port, "2"]).stdout)

    wait_holds(one)
    wait_released(two)
    with Capture(two) as capture:
        capture.wait_for(3, which=lambda p: p["IP"].src == "192.168.4.11")
        assert {p["IP"].src for p in capture.packets()} == {"192.168.4.11"}
    assert daemon.alive()
    assert status(one)["instances"][0]["state"] == "MASTER"
    assert 1 <= daemon.output().count("Netlink reports eth0 down") <= flaps


def test_lost_notifications_are_made_good_by_reading_everything(lan):
    one, two = office(lan, "one", "two")
    daemon = wait_ready(one.mainstayd(instance(150)))
    wait_ready(two.mainstayd(instance(100)))
    wait_holds(one)
    pid = one.run(["pgrep", "-x", "mainstayd-vrrp"]).stdout.split()[0]

    # While the role stands still, more happens than its socket holds; its address is among what goes.
    one.run(["kill", "-STOP", pid])
    one.run(["/usr/bin/python3", "-c", BURST])
    one.run(["ip", "addr", "del", f"{VIP}/32", "dev", "eth0"])
    one.run(["kill", "-CONT", pid])

    wait_until(lambda: "netlink notifications were lost" in daemon.output(), 10, "the loss to be told")
    wait_holds(one)
    wait_released(two)
    # The state block follows within a moment.
    wait_until(lambda: daemon.output().count("netlink notifications were lost") == status(one)["netlink_overruns"], 10,
               "the losses to be counted as they are told")
    assert status(one)["netlink_overruns"] <= 2


def test_an_interface_that_is_renamed_is_a_fault_until_its_name_is_back(lan):
    # effect: global_defs: dynamic_interfaces
    one, two = office(lan, "one", "two")
    daemon = wait_ready(one.mainstayd("global_defs {\n dynamic_interfaces allow_if_changes\n}\n" + instance(150)))
    wait_ready(two.mainstayd(instance(100)))
    wait_holds(one)

    one.run(["ip", "link", "set", "eth0", "name", "wan0"])
    wait_holds(two)
    assert daemon.output().count("Interface eth0 deleted") == 1
    wait_until(lambda: "Entering FAULT STATE" in daemon.output(), 5, "FAULT")

    one.run(["ip", "link", "set", "wan0", "name", "eth0"])
    wait_holds(one)
    wait_released(two)


def test_an_interface_that_is_replaced_by_another_kind_is_used(lan):
    # effect: global_defs: dynamic_interfaces
    (one,) = office(lan, "one")
    settings = "global_defs {\n dynamic_interfaces allow_if_changes\n}\n"
    path = one.write("/run/check.conf", settings + instance().replace("eth0", "later0"))
    assert one.run([program("mainstayd"), "-t", "-f", path], check=False).returncode == 0
    one.write("/run/check.conf", instance().replace("eth0", "later0"))
    assert one.run([program("mainstayd"), "-t", "-f", path], check=False).returncode != 0

    daemon = wait_ready(one.mainstayd(settings + instance()))
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


def test_a_source_address_that_goes_is_a_fault_with_track_src_ip(lan):
    # effect: vrrp_instance: track_src_ip
    one, two = office(lan, "one", "two")
    one.run(["ip", "addr", "add", "192.168.4.61/24", "dev", "eth0"])
    daemon = wait_ready(one.mainstayd(instance(150, more="mcast_src_ip 192.168.4.61\ntrack_src_ip")))
    wait_ready(two.mainstayd(instance(100)))
    wait_holds(one)

    one.run(["ip", "addr", "del", "192.168.4.61/24", "dev", "eth0"])
    wait_holds(two)
    wait_released(one)
    assert daemon.output().count("entering FAULT state (source address 192.168.4.61 is not on the interface)") == 1
    one.run(["ip", "addr", "add", "192.168.4.61/24", "dev", "eth0"])

    wait_holds(one)


def test_a_unicast_source_address_that_comes_late_is_a_fault_until_then(lan):
    # effect: vrrp_instance: unicast_src_ip unicast_peer
    one, two = office(lan, "one", "two")
    peers = "unicast_src_ip {}\nunicast_peer {{\n{}\n}}"
    daemon = wait_ready(one.mainstayd(instance(150, more=peers.format("192.168.4.61", "192.168.4.12"))))
    wait_ready(two.mainstayd(instance(100, more=peers.format("192.168.4.12", "192.168.4.61"))))
    wait_holds(two)
    assert not one.holds(VIP)
    assert "entering FAULT state (source address 192.168.4.61 is not on this host)" in daemon.output()
    one.run(["ip", "addr", "add", "192.168.4.61/32", "dev", "lo"])

    wait_holds(one)
    wait_released(two)


def test_addresses_that_others_remove_are_counted(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(instance(vips=[VIP, "192.168.4.201"])))
    wait_holds(one)
    for address in (VIP, "192.168.4.201"):
        one.run(["ip", "addr", "del", f"{address}/32", "dev", "eth0"])

    wait_holds(one)
    wait_holds(one, "192.168.4.201")
    wait_until(lambda: status(one)["instances"][0]["counters"]["addresses_restored"] == 2, 5, lambda: str(status(one)))
    assert stays(lambda: one.holds(VIP), 0.5)
    assert "Entering BACKUP STATE" not in daemon.output().split("Entering MASTER STATE")[1]
