"""What an address line says beside the address, read back from the kernel."""

import json

import pytest
from support.capture import Capture
from support.paths import program
from support.vrrp import VIP, fast, instance, office, wait_holds, wait_ready
from support.wait import wait_until


def found(host):
    entries = {}
    for link in json.loads(host.run(["ip", "-json", "-details", "addr"]).stdout):
        for entry in link["addr_info"]:
            if "local" in entry:
                entries[f"{entry['local']}/{entry['prefixlen']}"] = {**entry, "dev": link["ifname"]}
    return entries


@pytest.mark.parametrize("block", ["virtual_ipaddress", "virtual_ipaddress_excluded"])
def test_every_option_of_an_address_stands_in_the_kernel(lan, block):
    # effect: vrrp_instance: virtual_ipaddress virtual_ipaddress_excluded
    # effect: vrrp_instance/virtual_ipaddress: <entry> <address> dev scope broadcast brd label peer noprefixroute
    # effect: vrrp_instance/virtual_ipaddress: autojoin
    # effect: vrrp_instance/virtual_ipaddress_excluded: <entry>
    (one,) = office(lan, "one")
    one.run(["ip", "link", "add", "eth1", "type", "veth", "peer", "name", "far1"])
    one.run(["ip", "link", "set", "eth1", "up"])
    one.run(["ip", "link", "set", "far1", "up"])
    one.write("/etc/keepalived.names/rt_scopes", "77 campus\n")
    lines = """
        192.168.5.1/24 dev eth1
        192.168.5.2/24 scope link
        192.168.15.3/24 scope campus
        192.168.6.1/24 broadcast 192.168.6.127
        192.168.7.1/24 brd +
        192.168.8.1/24 brd -
        192.168.9.1/24 label eth0:web
        192.168.10.1 peer 192.168.10.9
        192.168.11.1/24 noprefixroute
        239.1.1.1/32 autojoin
        192.168.12.1/24 no_track
"""
    more = f"{block} {{\n{lines}\n}}\n"
    daemon = wait_ready(one.mainstayd("global_defs {\n iproute_etc_dir /etc/keepalived.names\n}\n"
                                      + instance(more=more)))
    wait_holds(one, "192.168.12.1")
    entries = found(one)
    assert entries["192.168.5.1/24"]["dev"] == "eth1"
    assert entries["192.168.5.2/24"]["scope"] == "link"
    assert entries["192.168.15.3/24"]["scope"] == "77"
    assert entries["192.168.6.1/24"]["broadcast"] == "192.168.6.127"
    assert entries["192.168.7.1/24"]["broadcast"] == "192.168.7.255"
    assert entries["192.168.8.1/24"]["broadcast"] == "192.168.8.0"
    assert "broadcast" not in entries["192.168.9.1/24"] and entries["192.168.9.1/24"]["label"] == "eth0:web"
    assert entries["192.168.10.1/32"]["address"] == "192.168.10.9"
    assert entries["192.168.11.1/24"]["noprefixroute"] is True
    assert "192.168.11.0/24" not in one.run(["ip", "route"]).stdout
    assert entries["239.1.1.1/32"]["autojoin"] is True
    assert "239.1.1.1" in one.run(["ip", "maddr", "show", "dev", "eth0"]).stdout
    assert "cannot be set" not in daemon.output()

    one.run(["ip", "addr", "del", "192.168.12.1/24", "dev", "eth0"])
    wait_until(lambda: "address 192.168.12.1/24 on eth0 was removed by another program; it is not tracked"
               in daemon.output(), 5, "the log line")
    one.run(["ip", "addr", "del", "192.168.11.1/24", "dev", "eth0"])
    wait_holds(one, "192.168.11.1")
    assert not one.holds("192.168.12.1")

    assert daemon.stop() == 0
    assert not [a for a in found(one) if not a.startswith(("192.168.4.11", "127.", "fe80", "::1"))]


def test_every_option_of_an_ipv6_address_stands_in_the_kernel(lan):
    # effect: vrrp_instance/virtual_ipaddress: home -nodad mngtmpaddr preferred_lft no_track
    (one,) = office(lan, "one")
    more = """virtual_ipaddress_excluded {
        2001:db8:1::1/64
        2001:db8:1::2
        2001:db8:1::3 preferred_lft forever
        2001:db8:1::4/64 preferred_lft 1000
        2001:db8:1::5/64 home
        2001:db8:1::6/64 mngtmpaddr
        2001:db8:1::7/64 -nodad
        2001:db8:1::8/64 noprefixroute
        ff05::77 autojoin
    }
"""
    daemon = wait_ready(one.mainstayd(instance(more=more)))
    wait_holds(one, "2001:db8:1::8")
    entries = found(one)
    one_of = entries["2001:db8:1::1/64"]
    assert one_of["nodad"] is True and "deprecated" not in one_of
    assert entries["2001:db8:1::2/128"]["deprecated"] is True
    assert "deprecated" not in entries["2001:db8:1::3/128"]
    assert 900 < entries["2001:db8:1::4/64"]["preferred_life_time"] <= 1000
    assert entries["2001:db8:1::5/64"]["home"] is True
    assert entries["2001:db8:1::6/64"]["mngtmpaddr"] is True
    assert "nodad" not in entries["2001:db8:1::7/64"]
    assert entries["2001:db8:1::8/64"]["noprefixroute"] is True
    assert "ff05::77" in one.run(["ip", "maddr", "show", "dev", "eth0"]).stdout
    assert "cannot be set" not in daemon.output()
    assert daemon.stop() == 0
    assert not one.holds("2001:db8:1::1")


def test_routes_that_the_kernel_made_for_an_address_go_with_it_unless_another_address_needs_them(lan):
    (one,) = office(lan, "one")
    one.run(["ip", "addr", "add", "192.168.8.9/24", "brd", "192.168.8.0", "dev", "eth0"])
    one.run(["ip", "addr", "add", "2001:db8:8::9/64", "dev", "eth0", "nodad"])
    one.run(["ip", "addr", "add", "2001:db8:9::9/64", "dev", "eth0", "nodad", "noprefixroute"])

    def routes():
        shown = one.run(["ip", "route", "show", "table", "local", "type", "broadcast"]).stdout
        shown += one.run(["ip", "-6", "route", "show", "proto", "kernel"]).stdout
        words = [line.replace("broadcast ", "").split()[0] for line in shown.splitlines()]
        return sorted(word for word in words if word.startswith(("192.168.8.0", "192.168.9.0", "2001:")))

    more = "192.168.8.1/24 brd -\n192.168.9.1/24 brd -\n2001:db8:8::1/64\n2001:db8:9::1/64\n"
    daemon = wait_ready(one.mainstayd(instance(more=f"virtual_ipaddress_excluded {{\n{more}}}\n")))
    wait_holds(one, "2001:db8:9::1")
    assert routes() == ["192.168.8.0", "192.168.9.0", "2001:db8:8::/64", "2001:db8:9::/64"]
    assert daemon.stop() == 0
    assert routes() == ["192.168.8.0", "2001:db8:8::/64"]


@pytest.mark.nightly
def test_an_address_that_another_host_has_is_reported_once_and_right_when_that_host_is_gone(lan):
    # effect: vrrp_instance/virtual_ipaddress: -nodad
    one, two = office(lan, "one", "two")
    two.run(["ip", "addr", "add", "2001:db8:1::7/64", "dev", "eth0", "nodad"])
    daemon = wait_ready(one.mainstayd(instance(more="virtual_ipaddress_excluded {\n2001:db8:1::7/64 -nodad\n}\n")))
    told = "address 2001:db8:1::7/64 on eth0 is in use by another host (duplicate address detection)"
    wait_until(lambda: told in daemon.output(), 15, "the log line")
    assert found(one)["2001:db8:1::7/64"]["dadfailed"] is True
    assert one.holds(VIP), "the instance stays master"

    two.run(["ip", "addr", "del", "2001:db8:1::7/64", "dev", "eth0"])
    wait_until(lambda: "dadfailed" not in found(one).get("2001:db8:1::7/64", {"dadfailed": True})
               and "tentative" not in found(one)["2001:db8:1::7/64"], 20, "the address to be usable")
    assert daemon.output().count(told) == 1
    assert daemon.output().count("Entering MASTER STATE") == 1


def test_promote_secondaries_is_on_while_the_daemon_runs(lan):
    # effect: vrrp_instance: promote_secondaries
    (one,) = office(lan, "one")
    name = "/proc/sys/net/ipv4/conf/eth0/promote_secondaries"
    one.run(["sh", "-c", f"echo 0 > {name}"])
    one.run(["ip", "addr", "add", "192.168.4.90/24", "dev", "eth0"])
    daemon = wait_ready(one.mainstayd(instance("BACKUP", 50, more="promote_secondaries")))
    wait_until(lambda: one.run(["cat", name]).stdout.strip() == "1", 10, "the setting")
    # What it is for: the other addresses of the subnet stay when the first one goes.
    one.run(["ip", "addr", "del", "192.168.4.11/24", "dev", "eth0"])
    assert one.holds("192.168.4.90")
    assert daemon.stop() == 0
    assert one.run(["cat", name]).stdout.strip() == "0"


def test_an_instance_may_have_no_address_and_still_elects(lan):
    # effect: vrrp_instance: no_virtual_ipaddress
    one, two = office(lan, "one", "two")
    text = """vrrp_instance VI_1 {
    state MASTER
    interface eth0
    virtual_router_id 51
    priority 150
    no_virtual_ipaddress
}
"""
    with Capture(two) as capture:
        daemon = wait_ready(one.mainstayd(text))
        wait_until(lambda: "Entering MASTER STATE" in daemon.output(), 10, "MASTER")
        capture.wait_for(1)
        advert = bytes(capture.packets()[0]["IP"].payload)
    assert advert[3] == 0, "no addresses in the advert"
    assert one.addresses("eth0") >= {"192.168.4.11/24"}


def test_the_kernel_knows_who_set_an_address(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(instance()))
    wait_holds(one)
    with one.links() as links:
        told = {address.text: address.protocol for address in links.addresses()}
    assert told[VIP] == 18
    assert told["192.168.4.11"] == 0
    assert daemon.alive()


def test_a_route_that_the_kernel_refuses_is_a_problem_until_it_is_set(lan):
    (one,) = office(lan, "one")
    route = "virtual_routes {\n 10.51.0.0/24 via 10.50.0.2 dev eth0\n}"
    wait_ready(one.mainstayd(fast(more=route)))
    problems = lambda: [(p["kind"], p["text"]) for p in  # noqa: E731
                        json.loads(one.run([program("mainstayctl"), "status", "--json"]).stdout)["problems"]]
    refused = [("route_refused", "VI_1 is MASTER without the route 10.51.0.0/24 via 10.50.0.2 dev eth0: the kernel refused "
                                 "it: Nexthop has invalid gateway")]

    wait_until(lambda: problems() == refused, 20, problems)
    one.run(["ip", "address", "add", "10.50.0.1/24", "dev", "eth0"])
    wait_until(lambda: problems() == [], 60, problems)  # tried again with the address, at the latest after 30 s
    assert "10.51.0.0/24" in one.run(["ip", "route"]).stdout


def test_an_address_that_the_kernel_refuses_is_a_problem_until_it_is_set(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(fast(vip="192.168.4.201/24 scope link")))  # of a subnet that eth0 has already
    problems = lambda: [(p["kind"], p["text"]) for p in  # noqa: E731
                        json.loads(one.run([program("mainstayctl"), "status", "--json"]).stdout)["problems"]]
    refused = [("address_refused", "VI_1 is MASTER without 192.168.4.201/24: the kernel refused it: "
                                   "Invalid argument (ipv4: Invalid scope value)")]

    wait_until(lambda: problems() == refused, 20, problems)
    assert "(VI_1) address 192.168.4.201/24 cannot be set: Invalid argument (ipv4: Invalid scope value)" in daemon.output()
    assert "Sending gratuitous ARP on eth0 for 192.168.4.201" not in daemon.output()

    one.write("/run/keepalived.conf", fast(vip="192.168.4.201/24"))
    assert one.run([program("mainstayctl"), "reload"]).returncode == 0
    wait_holds(one, "192.168.4.201")
    wait_until(lambda: problems() == [], 20, problems)
