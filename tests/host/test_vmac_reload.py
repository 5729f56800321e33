"""Reloads that change VMACs: each gets the name and the MAC address that a start would give it. A number is that of a report
from the field (docs/field-cases.md)."""

from support.capture import Capture
from support.vmac import MAC4, instance, links
from support.vrrp import (VIP, fast, office, reload, role_pid, sync_group, vrids_on_the_wire, wait_holds, wait_ready,
                          wait_released)
from support.wait import stays, wait_until

MAC_OF_52 = "00:00:5e:00:01:34"
ROUTE = "virtual_routes {\n 10.7.0.0/16 dev vips\n }"


def vmacs(host):
    """Name, MAC address and parent of each."""
    return {(name, link["address"], link["link"]) for name, link in links(host).items()
            if link.get("linkinfo", {}).get("info_kind") == "macvlan"}


def wait_vmacs(host, wanted):
    wait_until(lambda: vmacs(host) == wanted, 5, lambda: f"the VMACs {wanted}, not {vmacs(host)}")


def route_of(host, network="10.7.0.0/16"):
    return host.run(["ip", "route", "show", network]).stdout.strip()


def test_a_named_vmac_of_a_group_s_member_keeps_its_name_and_its_process_when_its_vrid_changes(lan):
    """Report 1779."""
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(sync_group("VI_1") + instance(use_vmac="use_vmac vips", more=ROUTE)))
    wait_holds(one)
    index, process = links(one)["vips"]["ifindex"], role_pid(one, "mainstayd-vrrp")

    for vrid, mac in ((52, MAC_OF_52), (51, MAC4)):
        said = reload(one, daemon, sync_group("VI_1") + instance(use_vmac="use_vmac vips", vrid=vrid, more=ROUTE))
        assert "taken by another interface" not in said
        wait_vmacs(one, {("vips", mac, "eth0")})
        vrids_on_the_wire(one, {VIP: vrid})
        wait_until(lambda: one.addresses("vips") == {f"{VIP}/32"}, 5, "the VIP")
        wait_until(lambda: route_of(one), 2, "the route over the VMAC")
    assert links(one)["vips"]["ifindex"] == index
    assert role_pid(one, "mainstayd-vrrp") == process
    assert "Entering FAULT STATE" not in daemon.output()


def test_a_vmac_that_is_renamed_gains_or_loses_its_name_stays_master(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(instance()))
    wait_holds(one)

    for use_vmac, name in (("use_vmac vips", "vips"), ("use_vmac other", "other"), ("use_vmac", "vrrp.51")):
        reload(one, daemon, instance(use_vmac=use_vmac))
        wait_vmacs(one, {(name, MAC4, "eth0")})
        wait_until(lambda: one.addresses(name) == {f"{VIP}/32"}, 1, "the VIP at once")
    assert daemon.output().count("Entering MASTER STATE") == 1


def test_another_mac_of_a_vmac_is_announced_and_loses_no_address(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(instance(use_vmac="use_vmac vips 02:00:00:00:00:01", more=ROUTE)))
    wait_holds(one)
    index = links(one)["vips"]["ifindex"]

    with Capture(one, what="arp or vrrp") as capture:
        reload(one, daemon, instance(use_vmac="use_vmac vips 02:00:00:00:00:02", more=ROUTE))
        capture.wait_for(1, which=lambda p: "ARP" in p and p.src == "02:00:00:00:00:02")
        capture.wait_for(1, which=lambda p: "VRRPv3" in p and p.src == "02:00:00:00:00:02")

    assert daemon.output().count("Entering MASTER STATE") == 1
    assert vmacs(one) == {("vips", "02:00:00:00:00:02", "eth0")}
    assert links(one)["vips"]["ifindex"] == index
    assert one.addresses("vips") == {f"{VIP}/32"}
    assert route_of(one)


def test_two_vmacs_swap_their_names_and_their_vrids(lan):
    (one,) = office(lan, "one")

    def pair(first, second, vrids=(51, 52)):
        return (instance(use_vmac=f"use_vmac {first}", vrid=vrids[0]) +
                instance(use_vmac=f"use_vmac {second}", vrid=vrids[1], name="VI_2", vips=["192.168.4.201"]))

    daemon = wait_ready(one.mainstayd(pair("va", "vb")))
    wait_holds(one)
    wait_holds(one, "192.168.4.201")

    def hold_theirs():
        return (one.addresses("vb"), one.addresses("va")) == ({f"{VIP}/32"}, {"192.168.4.201/32"})

    reload(one, daemon, pair("vb", "va"))
    wait_vmacs(one, {("vb", MAC4, "eth0"), ("va", MAC_OF_52, "eth0")})
    wait_until(hold_theirs, 1, "both addresses at once")
    assert daemon.output().count("Entering MASTER STATE") == 2

    reload(one, daemon, pair("vb", "va", vrids=(52, 51)))
    wait_vmacs(one, {("vb", MAC_OF_52, "eth0"), ("va", MAC4, "eth0")})
    wait_until(hold_theirs, 5, "both addresses")
    assert "taken by another" not in daemon.output()


def test_a_named_vmac_moves_to_another_interface(lan):
    (one,) = office(lan, "one")
    lan.plug(one, "eth1", "office", "192.168.5.11/24")
    daemon = wait_ready(one.mainstayd(instance(use_vmac="use_vmac vips", more=ROUTE)))
    wait_holds(one)

    reload(one, daemon, instance(use_vmac="use_vmac vips", interface="eth1", more=ROUTE))

    wait_vmacs(one, {("vips", MAC4, "eth1")})
    wait_until(lambda: one.addresses("vips") == {f"{VIP}/32"}, 5, "the VIP")
    assert "taken by another" not in daemon.output()
    wait_until(lambda: route_of(one), 2, "the route over the VMAC")
    assert stays(lambda: one.holds(VIP), 1)


def test_a_reload_that_sends_from_the_vmac_again_leaves_one_master(lan):
    """Report 1865."""
    one, two = office(lan, "one", "two")

    def six(priority, xmit):
        return fast(vip="fd00:100::1/64", priority=priority, more=f"use_vmac vrrp\n{xmit}")
    daemon = wait_ready(one.mainstayd(six(200, "vmac_xmit_base")))
    wait_holds(one, "fd00:100::1")
    backup = wait_ready(two.mainstayd(six(100, "vmac_xmit_base")))
    wait_until(lambda: "Entering BACKUP STATE" in backup.output(), 10, "the backup to listen")

    # Both agree on it: the kernel gives frames from the virtual MAC address to a VMAC and not to its parent.
    reload(two, backup, six(100, ""))
    reload(one, daemon, six(200, ""))

    with Capture(two, what="ip6") as capture:
        capture.wait_for(3, which=lambda p: "IPv6" in p and p["IPv6"].nh == 112)
    wait_holds(one, "fd00:100::1")
    wait_released(two, "fd00:100::1")
    assert stays(lambda: one.holds("fd00:100::1") and not two.holds("fd00:100::1"), 2)


def test_a_vmac_that_was_an_ipv6_instances_keeps_nothing_of_it(lan):
    """The address that adverts were sent from; found by the oracle (seed 7100008)."""
    (one,) = office(lan, "one")

    def six(vrid):
        return instance(name="VI_5", vrid=vrid, use_vmac="use_vmac 02:11:22:33:44:66", vips=["fe80::52/96"])

    def four(vrid):
        return fast("VI_6", vrid, "192.168.4.204 use_vmac", more="virtual_ipaddress_excluded {\n 2001:db8:4::209/64\n}")

    daemon = wait_ready(one.mainstayd(four(56) + six(52)))
    wait_holds(one, "fe80::52")
    assert len(one.addresses("vrrp.52")) == 2

    reload(one, daemon, four(52) + six(56))

    wait_until(lambda: one.addresses("vrrp.52") == {"192.168.4.204/32"}, 5, lambda: f"{one.addresses('vrrp.52')}")
