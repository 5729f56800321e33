"""Reloads that change VMACs: each gets the name and the MAC address that a start would give it."""

from support.capture import Capture
from support.vmac import MAC4, instance, links
from support.vrrp import VIP, office, reload, wait_holds, wait_ready
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


def test_a_named_vmac_keeps_its_name_when_its_vrid_changes(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(instance(use_vmac="use_vmac vips", more=ROUTE)))
    wait_holds(one)
    index = links(one)["vips"]["ifindex"]

    for vrid, mac in ((52, MAC_OF_52), (51, MAC4)):
        said = reload(one, daemon, instance(use_vmac="use_vmac vips", vrid=vrid, more=ROUTE))
        assert "taken by another interface" not in said
        wait_vmacs(one, {("vips", mac, "eth0")})
        wait_until(lambda: one.addresses("vips") == {f"{VIP}/32"}, 5, "the VIP")
        wait_until(lambda: route_of(one), 2, "the route over the VMAC")
    assert links(one)["vips"]["ifindex"] == index
    assert "FAULT" not in daemon.output()


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
