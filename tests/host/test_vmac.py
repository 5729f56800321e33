"""VMACs: instances on macvlans with the virtual MAC address, on a switch that learns."""

import json

from support.capture import Capture
from support.vmac import MAC4, MAC6, instance, links, sysctl
from support.vrrp import VIP, office, role_pid, signal_role, wait_holds, wait_ready, wait_released
from support.wait import stays, wait_until


def sources(capture, what):
    return {packet.src for packet in capture.packets() if what in packet}


def test_a_vmac_is_made_with_the_virtual_mac_and_goes_with_the_daemon(lan):
    # effect: vrrp_instance: use_vmac
    (one,) = office(lan, "one")
    with Capture(one, what="vrrp or arp") as capture:
        daemon = wait_ready(one.mainstayd(instance(use_vmac="use_vmac group 7")))
        wait_holds(one)
        capture.wait_for(2, which=lambda p: "VRRPv3" in p)

    assert "(VI_1): Success creating VMAC interface vrrp.51" in daemon.output()
    device = links(one)["vrrp.51"]
    assert device["address"] == MAC4
    assert device["link"] == "eth0"
    assert device["group"] == "7"
    assert device["linkinfo"] == {"info_kind": "macvlan", "info_data": {**device["linkinfo"]["info_data"], "mode": "private"}}
    assert one.addresses("vrrp.51") == {f"{VIP}/32"}
    # Adverts and gratuitous ARP carry the virtual MAC address, the IP source is the parent's.
    assert sources(capture, "VRRPv3") == {MAC4}
    assert sources(capture, "ARP") == {MAC4}
    assert {p["IP"].src for p in capture.packets() if "VRRPv3" in p} == {"192.168.4.11"}
    settings = {name: sysctl(one, f"ipv4/conf/{name}") for name in
                ("vrrp.51/arp_ignore", "vrrp.51/accept_local", "vrrp.51/rp_filter", "vrrp.51/promote_secondaries",
                 "eth0/arp_ignore", "eth0/arp_filter", "eth0/arp_announce")}
    assert settings == {"vrrp.51/arp_ignore": "1", "vrrp.51/accept_local": "1", "vrrp.51/rp_filter": "0",
                        "vrrp.51/promote_secondaries": "1", "eth0/arp_ignore": "1", "eth0/arp_filter": "1",
                        "eth0/arp_announce": "2"}
    assert sysctl(one, "ipv6/conf/vrrp.51/disable_ipv6") == "1"

    assert daemon.stop() == 0
    assert set(links(one)) == {"lo", "eth0"}
    assert sysctl(one, "ipv4/conf/eth0/arp_ignore") == "0"
    assert sysctl(one, "ipv4/conf/eth0/arp_filter") == "0"
    assert sysctl(one, "ipv4/conf/eth0/arp_announce") == "0"


def test_a_vmac_for_ipv6_sends_from_the_parents_link_local_address(lan):
    (one,) = office(lan, "one")
    link_local = next(a for a in one.addresses("eth0") if a.startswith("fe80")).split("/")[0]
    with Capture(one, what="ip6") as capture:
        wait_ready(one.mainstayd(instance(vips=["fe80::1:51", "2001:db8::200/64"])))
        wait_holds(one, "2001:db8::200")
        capture.wait_for(2, which=lambda p: "IPv6" in p and p["IPv6"].nh == 112)

    adverts = [p for p in capture.packets() if p["IPv6"].nh == 112]
    assert {(p.src, p["IPv6"].src) for p in adverts} == {(MAC6, link_local)}
    assert links(one)["vrrp.51"]["inet6_addr_gen_mode"] == "none"
    assert one.addresses("vrrp.51") == {f"{link_local}/64", "fe80::1:51/128", "2001:db8::200/64"}


def test_a_vmac_does_not_answer_for_the_link_local_address_of_its_parent(lan):
    # The answer of a backup's VMAC would bring the switch to send the master's packets to the backup.
    one, two = office(lan, "one", "two")
    client = lan.host("client", eth0=("office", "192.168.4.50/24"))
    for host, priority in ((one, 150), (two, 100)):
        wait_ready(host.mainstayd(instance(priority, vips=["fe80::1:51", "2001:db8::200/64"])))
    wait_holds(one, "2001:db8::200")
    link_local = next(a for a in two.addresses("eth0") if a.startswith("fe80")).split("/")[0]
    wait_until(lambda: any(a.startswith(link_local) for a in two.addresses("vrrp.51")), 5, "the VMAC has it, too")
    mac = links(two)["eth0"]["address"]

    with Capture(client, what="icmp6") as capture:
        assert wait_until(lambda: client.run(["ping", "-c1", "-W2", f"{link_local}%eth0"], check=False).returncode == 0, 10,
                          "an answer")

    assert f"{link_local} dev eth0 lladdr {mac}" in client.run(["ip", "neigh"]).stdout
    answers = {p.src for p in capture.packets() if "ICMPv6 Neighbor Discovery - Neighbor Advertisement" in p
               and p["IPv6"].src == link_local}
    assert answers == {mac}
    table = json.loads(lan.switches["office"].run(["bridge", "-json", "fdb", "show", "br", "lan"]).stdout)
    assert {entry["ifname"].split(".")[0] for entry in table if entry["mac"] == MAC6} == {"one"}


def test_after_a_failover_a_learning_switch_sends_frames_to_the_new_master_without_arp(lan):
    one, two = office(lan, "one", "two")
    client = lan.host("client", eth0=("office", "192.168.4.50/24"))
    wait_ready(one.mainstayd(instance(150)))
    wait_ready(two.mainstayd(instance(100)))
    wait_holds(one)
    # The client never asks for the address again: what it knows of it stays true.
    client.run(["ip", "neigh", "add", VIP, "lladdr", MAC4, "dev", "eth0", "nud", "permanent"])
    client.run(["ping", "-c1", "-W2", VIP])
    with Capture(client, what="arp") as capture:
        one.kill()
        wait_holds(two)
        client.run(["ping", "-c1", "-W2", VIP])

    assert [p for p in capture.packets() if p["ARP"].op == 1 and p["ARP"].pdst == VIP and p["ARP"].psrc != VIP] == []
    table = json.loads(lan.switches["office"].run(["bridge", "-json", "fdb", "show", "br", "lan"]).stdout)
    assert {entry["ifname"].split(".")[0] for entry in table if entry["mac"] == MAC4} == {"two"}


def test_with_xmit_base_adverts_leave_with_the_parents_mac_and_addresses_are_on_the_vmac(lan):
    # effect: vrrp_instance: vmac_xmit_base
    one, two = office(lan, "one", "two")
    own = links(one)["eth0"]["address"]
    with Capture(one, what="vrrp or arp") as capture:
        wait_ready(one.mainstayd(instance(150, "use_vmac\nvmac_xmit_base")))
        wait_ready(two.mainstayd(instance(100, "use_vmac\nvmac_xmit_base")))
        wait_holds(one)
        capture.wait_for(2, which=lambda p: "VRRPv3" in p)
        seen = capture.packets()

    assert {p.src for p in seen if "VRRPv3" in p and p["IP"].src == "192.168.4.11"} == {own}
    assert {p.src for p in seen if "ARP" in p} == {MAC4}
    assert one.addresses("vrrp.51") == {f"{VIP}/32"}
    assert not two.holds(VIP)


def test_a_vmac_left_by_a_killed_role_is_used_again_and_nobody_notices(lan):
    one, two = office(lan, "one", "two")
    daemon = wait_ready(one.mainstayd(instance(150)))
    wait_ready(two.mainstayd(instance(100)))
    wait_holds(one)
    index = links(one)["vrrp.51"]["ifindex"]
    before = role_pid(one, "mainstayd-vrrp")

    signal_role(one, "mainstayd-vrrp", 9)
    wait_until(lambda: role_pid(one, "mainstayd-vrrp") != before, 10, "the role to be back")
    wait_until(lambda: "state of the previous process resumed" in daemon.output(), 10, "the state to be taken over")

    assert stays(lambda: one.holds(VIP) and not two.holds(VIP), 1.5)
    assert links(one)["vrrp.51"]["ifindex"] == index
    assert daemon.output().count("Success creating VMAC interface") == 1
    daemon.stop()
    assert "vrrp.51" not in links(one)
    assert sysctl(one, "ipv4/conf/eth0/arp_ignore") == "0"


def test_a_vmac_that_somebody_deletes_is_made_again_with_its_addresses(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(instance(150)))
    wait_holds(one)

    one.run(["ip", "link", "del", "vrrp.51"])

    wait_until(lambda: "vrrp.51 was removed by another program: created again" in daemon.output(), 10, "the warning")
    wait_holds(one)
    assert stays(lambda: one.addresses("vrrp.51") == {f"{VIP}/32"}, 1)
    assert daemon.output().count("was removed by another program") == 1
    assert "No such device" not in daemon.output()


def test_a_parent_that_is_deleted_and_made_anew_gets_its_vmac_again(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(instance(150)))
    wait_holds(one)

    one.run(["ip", "link", "del", "eth0"])
    wait_until(lambda: "entering FAULT state (interface eth0 " in daemon.output(), 10, "FAULT")
    lan.plug(one, "eth0", "office", "192.168.4.11/24")

    wait_holds(one)
    assert links(one)["vrrp.51"]["link"] == "eth0"


def test_a_parent_that_is_renamed_is_a_fault_until_the_name_is_back(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(instance(150)))
    wait_holds(one)

    one.run(["ip", "link", "set", "eth0", "name", "wan0"])
    wait_released(one)
    wait_until(lambda: "entering FAULT state (interface eth0 does not exist)" in daemon.output(), 10, daemon.output)
    one.run(["ip", "link", "set", "wan0", "name", "eth0"])

    wait_holds(one)


def test_a_reload_that_takes_use_vmac_away_removes_the_device(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(instance()))
    wait_holds(one)

    one.write("/run/keepalived.conf", instance(use_vmac=""))
    daemon.send(1)

    wait_until(lambda: f"{VIP}/32" in one.addresses("eth0"), 10, "the address to be on eth0")
    wait_until(lambda: "vrrp.51" not in links(one), 10, "the VMAC to be gone")
    assert sysctl(one, "ipv4/conf/eth0/arp_filter") == "0"


def test_a_reload_without_a_change_leaves_the_vmac_alone(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(instance()))
    wait_holds(one)
    index = links(one)["vrrp.51"]["ifindex"]

    one.write("/run/keepalived.conf", instance(priority=160))
    daemon.send(1)

    wait_until(lambda: "Reload complete" in daemon.output(), 10, "the reload")
    assert one.addresses("vrrp.51") == {f"{VIP}/32"}
    assert links(one)["vrrp.51"]["ifindex"] == index
    assert daemon.output().count("Entering MASTER STATE") == 1


def test_rp_filter_of_all_goes_to_each_interface_and_is_put_back(lan):
    (one,) = office(lan, "one")
    lan.plug(one, "eth1", "office", "192.168.5.11/24")
    one.sysctl(net__ipv4__conf__all__rp_filter=1, net__ipv4__conf__eth1__rp_filter=2)
    interfaces = ("all", "default", "eth0", "eth1")

    daemon = wait_ready(one.mainstayd(instance()))
    wait_holds(one)
    assert "NOTICE: setting sysctl net.ipv4.conf.all.rp_filter from 1 to 0" in daemon.output()
    assert [sysctl(one, f"ipv4/conf/{i}/rp_filter") for i in (*interfaces, "vrrp.51")] == ["0", "1", "1", "2", "0"]

    daemon.stop()
    assert [sysctl(one, f"ipv4/conf/{i}/rp_filter") for i in interfaces] == ["1", "0", "0", "2"]


def test_further_vmacs_carry_the_addresses_of_other_interfaces(lan):
    # effect: vrrp_instance: use_vmac_addr
    # effect: vrrp_instance/virtual_ipaddress: use_vmac
    # effect: global_defs: vmac_prefix vmac_addr_prefix
    (one,) = office(lan, "one")
    lan.plug(one, "eth1", "office", "192.168.5.11/24")
    settings = "global_defs {\n vmac_prefix director\n vmac_addr_prefix addr\n}\n"
    daemon = wait_ready(one.mainstayd(
        settings + instance(use_vmac="use_vmac\nuse_vmac_addr", vips=[VIP, "192.168.5.200/24 dev eth1"]) +
        instance(use_vmac="", vips=["192.168.4.201", "192.168.5.201/24 dev eth1 use_vmac", "192.168.5.202/24 dev eth1"],
                 name="VI_2", vrid=52)))
    wait_holds(one)
    wait_holds(one, "192.168.5.201")

    assert one.addresses("director.51") == {f"{VIP}/32"}
    assert one.addresses("addr.51") == {"192.168.5.200/24"}
    assert one.addresses("addr.52") == {"192.168.5.201/24"}
    found = links(one)
    assert [(found[name]["address"], found[name]["link"]) for name in ("addr.51", "addr.52")] == [
        ("00:00:5e:00:01:33", "eth1"), ("00:00:5e:00:01:34", "eth1")]
    assert {"192.168.4.201/32"} < one.addresses("eth0")
    assert {"192.168.5.202/24"} < one.addresses("eth1")
    daemon.stop()
    assert set(links(one)) == {"lo", "eth0", "eth1"}


def test_local_igmp_reports_are_turned_off_while_it_runs(lan):
    # effect: global_defs: disable_local_igmp
    (one,) = office(lan, "one")
    with Capture(one, what="igmp") as capture:
        daemon = wait_ready(one.mainstayd("global_defs {\n disable_local_igmp\n}\n" + instance()))
        wait_holds(one)
    assert sysctl(one, "ipv4/igmp_link_local_mcast_reports") == "0"
    assert capture.packets() == []

    daemon.stop()
    assert sysctl(one, "ipv4/igmp_link_local_mcast_reports") == "1"
