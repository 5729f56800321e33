"""Static addresses, routes and rules: there as long as the daemon runs, whoever is master."""

import json
import signal

import pytest

from support.vrrp import instance, signal_role, wait_holds, wait_ready
from support.wait import stays, wait_until

STATIC = """
static_ipaddress {
    192.168.70.1/24 brd + label eth0:s scope link
    10.70.0.1/24 dev eth1
    2001:db8:70::1/64 dev eth1
}
static_routes {
    10.71.0.0/24 via 10.70.0.2 dev eth1 metric 7
    2001:db8:71::/48 via 2001:db8:70::2 dev eth1
}
static_rules {
    from 10.70.0.0/24 table 70 preference 700
}
"""


def director(lan, name="one", number=11):
    for switch in ("office", "dmz"):
        if switch not in lan.switches:
            lan.switch(switch)
    return lan.host(name, eth0=("office", f"192.168.4.{number}/24"), eth1=("dmz", f"10.20.0.{number}/24"))


def address(host, wanted):
    for link in json.loads(host.run(["ip", "-json", "addr"]).stdout):
        for entry in link["addr_info"]:
            if entry.get("local") == wanted:
                return link["ifname"], entry
    return None


def route(host, destination):
    family = "-6" if ":" in destination else "-4"
    return json.loads(host.run(["ip", family, "-json", "route", "show", destination]).stdout or "[]")


def rule(host, preference):
    return [r for r in json.loads(host.run(["ip", "-json", "rule"]).stdout) if r["priority"] == preference]


def all_there(host):
    return all(address(host, a) for a in ("192.168.70.1", "10.70.0.1", "2001:db8:70::1")) and \
        route(host, "10.71.0.0/24") and route(host, "2001:db8:71::/48") and rule(host, 700)


def none_there(host):
    return not any([address(host, "192.168.70.1"), address(host, "10.70.0.1"), address(host, "2001:db8:70::1"),
                    route(host, "10.71.0.0/24"), route(host, "2001:db8:71::/48"), rule(host, 700)])


def test_static_entries_are_there_on_a_backup_without_any_instance_and_go_at_the_stop(lan):
    # effect: (root): static_ipaddress static_routes static_rules
    # effect: static_ipaddress: <entry>
    # effect: static_routes: <entry>
    # effect: static_rules: <entry>
    # effect: global_defs: default_interface
    one = director(lan)
    daemon = wait_ready(one.mainstayd("global_defs {\n default_interface eth0\n}\n" + STATIC))
    wait_until(lambda: all_there(one), 10, "the static entries")
    device, entry = address(one, "192.168.70.1")
    assert device == "eth0", "default_interface"
    assert entry["label"] == "eth0:s" and entry["broadcast"] == "192.168.70.255" and entry["scope"] == "link"
    assert route(one, "10.71.0.0/24")[0]["metric"] == 7
    assert daemon.stop() == 0
    assert none_there(one)


def test_static_entries_that_somebody_removes_come_back_at_once(lan):
    one = director(lan)
    daemon = wait_ready(one.mainstayd("global_defs {\n default_interface eth0\n}\n" + STATIC + instance("BACKUP", 50)))
    wait_until(lambda: all_there(one), 10, "the static entries")

    one.run(["ip", "addr", "del", "192.168.70.1/24", "dev", "eth0"])
    one.run(["ip", "route", "del", "10.71.0.0/24", "metric", "7"])
    one.run(["ip", "rule", "del", "pref", "700"])
    wait_until(lambda: all_there(one), 5, "all to come back")
    for line in ("Restoring deleted static address 192.168.70.1/24 dev eth0",
                 "Restoring deleted static route 10.71.0.0/24 via 10.70.0.2 dev eth1 metric 7",
                 "Restoring deleted static rule from 10.70.0.0/24 lookup 70 preference 700"):
        assert line in daemon.output()

    # An interface that goes takes its routes along, IPv4 ones without a word.
    one.run(["ip", "link", "set", "eth1", "down"])
    wait_until(lambda: not route(one, "10.71.0.0/24"), 5, "the route to go")
    one.run(["ip", "link", "set", "eth1", "up"])
    wait_until(lambda: all_there(one), 5, "all to come back again")


def test_a_reload_changes_what_changed_and_a_crash_nothing(lan):
    one = director(lan)
    head = "global_defs {\n default_interface eth0\n}\n" + instance("BACKUP", 50)
    daemon = wait_ready(one.mainstayd(head + STATIC))
    wait_until(lambda: all_there(one), 10, "the static entries")

    one.write("/run/keepalived.conf", head + STATIC.replace("10.70.0.1/24", "10.70.0.3/24")
              .replace("2001:db8:71::", "2001:db8:72::").replace("preference 700", "preference 701"))
    daemon.send(signal.SIGHUP)
    wait_until(lambda: address(one, "10.70.0.3") and route(one, "2001:db8:72::/48") and rule(one, 701), 10, "the new")
    assert not address(one, "10.70.0.1") and not route(one, "2001:db8:71::/48") and not rule(one, 700)
    assert address(one, "192.168.70.1")

    signal_role(one, "mainstayd-vrrp", signal.SIGKILL)
    wait_until(lambda: "state of the previous process resumed" in daemon.output(), 10, "the new process to adopt")
    assert stays(lambda: address(one, "10.70.0.3") and route(one, "10.71.0.0/24") and rule(one, 701), 1)

    one.write("/run/keepalived.conf", head)
    daemon.send(signal.SIGHUP)
    wait_until(lambda: not address(one, "10.70.0.3") and not rule(one, 701) and not route(one, "10.71.0.0/24"), 10,
               "all to go")


@pytest.mark.nightly
def test_the_instances_of_a_track_group_follow_the_interface_of_its_static_entries(lan):
    # effect: (root): track_group
    # effect: track_group: group
    # effect: static_ipaddress: track_group
    # effect: static_routes: track_group
    # effect: static_rules: track_group
    one = director(lan)
    one.run(["ip", "link", "add", "up1", "type", "veth", "peer", "name", "far1"])
    one.run(["ip", "link", "add", "up2", "type", "veth", "peer", "name", "far2"])
    for device in ("up1", "up2", "far1", "far2"):
        one.run(["ip", "link", "set", device, "up"])
    text = """track_group uplink {
    group {
        VI_1
    }
}
track_group way {
    group {
        VI_2
    }
}
track_group policy {
    group {
        VI_3
    }
}
static_ipaddress {
    10.70.0.1/24 dev eth1 track_group uplink
}
static_routes {
    10.71.0.0/24 dev up1 track_group way
}
static_rules {
    from 10.0.0.0/8 iif up2 table 70 preference 700 track_group policy
}
"""
    for number in (1, 2, 3):
        text += instance("MASTER", 150, vip=f"192.168.4.20{number}", vrid=50 + number, name=f"VI_{number}", auth=False)
    daemon = wait_ready(one.mainstayd(text))
    for number in (1, 2, 3):
        wait_holds(one, f"192.168.4.20{number}")

    before = daemon.output().count("entering FAULT state")  # eth1 may have come up late

    for number, device in ((1, "eth1"), (2, "up1"), (3, "up2")):
        one.run(["ip", "link", "set", device, "down"])
        wait_until(lambda: f"(VI_{number}) entering FAULT state (interface {device} down)" in daemon.output(), 5,
                   f"the FAULT of VI_{number}")
        one.run(["ip", "link", "set", device, "up"])
        wait_holds(one, f"192.168.4.20{number}")
    assert daemon.output().count("entering FAULT state") == before + 3
