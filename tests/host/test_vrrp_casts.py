"""Multicast and unicast, IPv4 and IPv6: groups, sources, TTLs, and unicast with keepalived on the other side."""

import ipaddress

import pytest
from support.capture import Capture
from support.vrrp import VIP, instance, wait_holds, wait_ready, wait_released
from support.wait import stays, wait_until

VIP6 = "fd00:4::200"
ADDRESS = {"one": {4: "192.168.4.11", 6: "fd00:4::11"}, "two": {4: "192.168.4.12", 6: "fd00:4::12"}}


def peers(name, family):
    other = "two" if name == "one" else "one"
    return (f"unicast_src_ip {ADDRESS[name][family]}\n unicast_peer {{\n {ADDRESS[other][family]}\n }}")


def configuration(name, priority, family, version, unicast):
    more = f"version {version}\n" + (peers(name, family) if unicast else "")
    vip = VIP if family == 4 else f"fe80::200\n {VIP6}/64" if not unicast else f"{VIP6}/64"
    return instance("BACKUP", priority, vip=vip, auth=False, interval=1 if version == 2 else 0.3, more=more)


def start(host, kind, text):
    return wait_ready(host.mainstayd(text)) if kind == "mainstay" else host.keepalived(text)


# test_interop has all pairs; these have what is hardest to get right.
@pytest.mark.nightly
@pytest.mark.parametrize("family,version,unicast,first,second", [(4, 2, True, "mainstay", "keepalived"),
                                                                 (6, 3, True, "keepalived", "mainstay")])
def test_the_better_router_is_master_and_the_other_takes_over(two, family, version, unicast, first, second):
    # effect: vrrp_instance: version priority advert_int unicast_peer unicast_src_ip interface virtual_router_id
    # effect: (root): vrrp_instance
    one, other = two
    address = VIP if family == 4 else VIP6
    master = start(one, first, configuration("one", 150, family, version, unicast))
    wait_holds(one, address)
    start(other, second, configuration("two", 100, family, version, unicast))
    assert stays(lambda: one.holds(address) and not other.holds(address), 4 if version == 2 else 2)

    master.stop(timeout=15)
    wait_holds(other, address)
    wait_released(one, address)
    start(one, first, configuration("one", 150, family, version, unicast))
    wait_holds(one, address)
    wait_released(other, address)


def test_both_families_share_a_vrid_on_one_interface(two):
    one, other = two
    both = (instance("BACKUP", 150, auth=False, interval=0.2, more="version 3") +
            instance("BACKUP", 100, vip="fe80::200", name="VI_6", auth=False, interval=0.2))
    daemon = wait_ready(one.mainstayd(both))
    wait_holds(one)
    wait_holds(one, "fe80::200")
    wait_until(lambda: "Sending unsolicited Neighbour Advert on eth0 for fe80::200" in daemon.output(), 10, "the line")
    assert "Sending gratuitous ARP on eth0 for 192.168.4.200" in daemon.output()
    wait_ready(other.mainstayd(both.replace("priority 150", "priority 90").replace("priority 100", "priority 200")))

    wait_holds(other, "fe80::200")
    wait_released(one, "fe80::200")
    assert stays(lambda: one.holds(VIP) and not other.holds(VIP), 2)


def test_groups_and_sources_are_those_of_the_configuration(two):
    # effect: vrrp_instance: mcast_src_ip mcast_dst_ip
    # effect: global_defs: vrrp_mcast_group4 vrrp_mcast_group6 vrrp_version
    one, other = two
    one.run(["ip", "addr", "add", "192.168.4.77/24", "dev", "eth0"])
    text = ("global_defs {\n vrrp_mcast_group4 224.0.0.50\n vrrp_mcast_group6 ff02::50\n vrrp_version 3\n}\n" +
            instance("BACKUP", 150, auth=False, interval=0.2, more="mcast_src_ip 192.168.4.77") +
            instance("BACKUP", 150, vip="192.168.4.201", vrid=52, name="VI_2", auth=False, interval=0.2,
                     more="mcast_dst_ip 224.0.0.51") +
            instance("BACKUP", 150, vip="fe80::200", vrid=53, name="VI_6", auth=False, interval=0.2))
    with Capture(other, what="ip proto 112 or ip6 proto 112") as capture:
        wait_ready(one.mainstayd(text))
        wait_holds(one)
        backup = wait_ready(other.mainstayd(text.replace("priority 150", "priority 100")
                                            .replace("mcast_src_ip 192.168.4.77", "")))
        assert stays(lambda: not other.holds(VIP) and not other.holds("192.168.4.201"), 2)
        packets = capture.packets()

    def route(layer):
        return {(p[layer].src, p[layer].dst, bytes(p[layer].payload)[1]) for p in packets if layer in p}

    link_local = next(a.split("/")[0] for a in one.addresses("eth0") if a.startswith("fe80::") and "fe80::200" not in a)
    assert route("IP") == {("192.168.4.77", "224.0.0.50", 51), ("192.168.4.11", "224.0.0.51", 52)}
    assert route("IPv6") == {(link_local, "ff02::50", 53)}
    assert {bytes(p["IP"].payload)[0] for p in packets if "IP" in p} == {0x31}
    assert "Entering MASTER STATE" not in backup.output()


def test_native_ipv6_without_an_address_that_would_say_so(two):
    # effect: vrrp_instance: native_ipv6
    one, other = two
    text = """vrrp_instance VI_1 {
    native_ipv6
    interface eth0
    virtual_router_id 51
    advert_int 0.2
    no_virtual_ipaddress
    virtual_ipaddress_excluded {
        192.168.4.200
    }
}
"""
    with Capture(other, what="ip6 proto 112") as capture:
        wait_ready(one.mainstayd(text))
        wait_holds(one)
        (packet, *_) = capture.wait_for(1)
    payload = bytes(packet["IPv6"].payload)
    assert payload[:4] == bytes([0x31, 51, 100, 0])
    assert ipaddress.ip_address(packet["IPv6"].src).is_link_local


def test_unicast_without_an_interface_goes_where_the_routes_lead(two):
    one, other = two
    text = {h.name: instance("BACKUP", p, vip=f"{VIP} dev eth0", auth=False, interval=0.2,
                             more="version 3\n" + peers(h.name, 4)).replace("interface eth0\n", "")
            for h, p in ((one, 150), (other, 100))}
    wait_ready(one.mainstayd(text["one"]))
    wait_holds(one)
    wait_ready(other.mainstayd(text["two"]))
    assert stays(lambda: one.holds(VIP) and not other.holds(VIP), 2)
    one.kill()
    wait_holds(other)


def test_the_ttl_of_unicast_is_configured_and_checked(two):
    # effect: vrrp_instance: unicast_ttl unicast_peer
    # effect: vrrp_instance/unicast_peer: <peer> min_ttl max_ttl
    one, other = two
    text = instance("BACKUP", 150, auth=False, interval=0.2, more="version 3\n unicast_ttl 60\n" + peers("one", 4))
    backup = instance("BACKUP", 100, auth=False, interval=0.2, more="version 3\n" + peers("two", 4))
    with Capture(other) as capture:
        wait_ready(one.mainstayd(text))
        wait_holds(one)
        assert {p["IP"].ttl for p in capture.wait_for(3)} == {60}

    near = wait_ready(other.mainstayd(backup.replace("192.168.4.11\n", "192.168.4.11 min_ttl 61\n")))
    wait_holds(other)
    wait_until(lambda: "with TTL 60: this unicast_peer's is from 61 to 255" in near.output(), 10, "the complaint")
    near.stop()
    far = wait_ready(other.mainstayd(backup.replace("192.168.4.11\n", "192.168.4.11 min_ttl 59 max_ttl 60\n"), name="far"))
    assert stays(lambda: not other.holds(VIP), 2)
    far.stop()
    wait_ready(other.mainstayd(backup.replace("192.168.4.11\n", "192.168.4.11 max_ttl 59\n"), name="near"))
    wait_holds(other)
