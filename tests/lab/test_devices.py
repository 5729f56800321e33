"""Devices that only the lab's kernel has: ipvlan and VRF."""

import json

from support.capture import Capture
from support.vrrp import VIP, office, reload, wait_holds, wait_ready, wait_released
from support.wait import wait_until


def instance(more="", vips=(VIP,), priority=150, interface="interface eth0", name="VI_1", vrid=51):
    return f"""vrrp_instance {name} {{
    {interface}
    virtual_router_id {vrid}
    version 3
    priority {priority}
    advert_int 0.5
    garp_master_delay 0
    {more}
    virtual_ipaddress {{
        {chr(10).join(vips)}
    }}
}}
"""


def links(host):
    return {link["ifname"]: link for link in json.loads(host.run(["ip", "-json", "-details", "link"]).stdout)}


def put_into_vrf(host):
    host.run(["ip", "link", "add", "blue", "type", "vrf", "table", "10"])
    host.run(["ip", "link", "set", "blue", "up"])
    host.run(["ip", "link", "set", "eth0", "master", "blue"])


def talk_in_vrf(lan, text):
    """Of two hosts in a VRF, with unicast between them, one is master. text(own address, the other's, priority)"""
    one, two = office(lan, "one", "two")
    for host in (one, two):
        put_into_vrf(host)
    with Capture(two, what="vrrp") as capture:
        wait_ready(one.mainstayd(text("192.168.4.11", "192.168.4.12", 150)))
        wait_ready(two.mainstayd(text("192.168.4.12", "192.168.4.11", 100)))
        wait_holds(one, timeout=30)
        capture.wait_for(4, timeout=30, which=lambda p: p["IP"].src == "192.168.4.11")

    assert not two.holds(VIP)


def test_an_instance_runs_on_an_ipvlan_with_an_address_of_its_own(lan):
    # effect: vrrp_instance: use_ipvlan
    (one,) = office(lan, "one")
    with Capture(one, what="vrrp") as capture:
        daemon = wait_ready(one.mainstayd(instance("use_ipvlan 192.168.4.31/24 private group 7")))
        wait_holds(one, timeout=30)
        capture.wait_for(2, timeout=30)

    device = links(one)["vrrp.51"]
    assert device["link"] == "eth0"
    assert device["group"] == "7"
    assert device["linkinfo"]["info_kind"] == "ipvlan"
    assert device["linkinfo"]["info_data"]["mode"] == "l2"
    assert device["linkinfo"]["info_data"]["private"] is True
    assert "192.168.4.31/24" in one.addresses("vrrp.51")
    assert f"{VIP}/32" in one.addresses("eth0")
    assert {p["IP"].src for p in capture.packets()} == {"192.168.4.31"}
    assert {p.src for p in capture.packets()} == {links(one)["eth0"]["address"]}

    daemon.stop(timeout=20)
    assert "vrrp.51" not in links(one)


def test_a_vmac_is_in_the_vrf_of_its_parent_and_follows_it(lan):
    (one,) = office(lan, "one")
    put_into_vrf(one)
    wait_ready(one.mainstayd(instance("use_vmac")))
    wait_holds(one, timeout=30)

    assert links(one)["vrrp.51"]["master"] == "blue"

    one.run(["ip", "link", "set", "eth0", "nomaster"])
    wait_until(lambda: "master" not in links(one)["vrrp.51"], 30, "the VMAC to leave the VRF")
    wait_holds(one, timeout=30)
    one.run(["ip", "link", "set", "eth0", "master", "blue"])
    wait_until(lambda: links(one)["vrrp.51"].get("master") == "blue", 30, "the VMAC to enter the VRF")
    wait_holds(one, timeout=30)


def test_a_unicast_instance_on_an_interface_of_a_vrf_talks_there(lan):
    def text(own, other, priority):
        return instance(f"unicast_src_ip {own}\nunicast_peer {{\n {other}\n }}", priority=priority)
    talk_in_vrf(lan, text)


def test_a_unicast_instance_without_an_interface_talks_within_its_vrf(lan):
    # effect: vrrp_instance: vrf
    def text(own, other, priority):
        return instance(f"vrf blue\nunicast_src_ip {own}\nunicast_peer {{\n {other}\n }}", [f"{VIP}/32 dev eth0"],
                        priority, interface="")
    talk_in_vrf(lan, text)


def test_an_interface_that_moves_to_a_vrf_goes_on_with_its_addresses(lan):
    one, two = office(lan, "one", "two")
    daemon = wait_ready(one.mainstayd(instance(priority=150)))
    wait_ready(two.mainstayd(instance(priority=100)))
    wait_holds(one, timeout=30)

    put_into_vrf(one)

    with Capture(two, what="vrrp") as capture:
        capture.wait_for(3, timeout=30, which=lambda p: p["IP"].src == "192.168.4.11")
    wait_holds(one, timeout=30)
    wait_released(two, timeout=30)
    assert daemon.alive()
    assert daemon.output().count("Entering MASTER STATE") <= 2


def test_a_reload_changes_the_mode_of_an_ipvlan_in_place(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(instance("use_ipvlan 192.168.4.31/24 private")))
    wait_holds(one, timeout=30)
    before = links(one)["vrrp.51"]

    def mode():
        data = links(one)["vrrp.51"]["linkinfo"]["info_data"]
        return [name for name in ("private", "vepa") if data.get(name)]
    for said, flags in (("vepa", ["vepa"]), ("bridge", []), ("private", ["private"])):
        reload(one, daemon, instance(f"use_ipvlan 192.168.4.31/24 {said}"))
        wait_until(lambda flags=flags: mode() == flags, timeout=30)

    assert links(one)["vrrp.51"]["ifindex"] == before["ifindex"]
