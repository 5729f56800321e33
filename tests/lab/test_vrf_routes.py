"""Routes into the table of a VRF, rules of VRFs, and dummy interfaces: what the kernel of the host tests may lack."""

import json

from support.vrrp import instance, wait_ready
from support.wait import wait_until


def test_a_route_goes_into_the_table_of_its_vrf(lan):
    # effect: vrrp_instance/virtual_routes: vrf
    # effect: vrrp_instance/virtual_rules: l3mdev
    lan.switch("office")
    one = lan.host("one", eth0=("office", "192.168.4.11/24"))
    one.run(["ip", "link", "add", "blue", "type", "vrf", "table", "1042"])
    one.run(["ip", "link", "add", "d0", "type", "dummy"])
    one.run(["ip", "link", "set", "d0", "master", "blue", "up"])
    one.run(["ip", "link", "set", "blue", "up"])
    one.run(["ip", "addr", "add", "10.50.0.1/24", "dev", "d0"])
    more = """virtual_routes {
    10.51.0.0/24 via 10.50.0.2 dev d0 vrf blue
    10.52.0.0/24 dev d0 vrf nosuch
}
virtual_rules {
    from 10.0.0.4 l3mdev preference 106
}
"""
    daemon = wait_ready(one.mainstayd(instance(more=more)))
    wait_until(lambda: "Entering MASTER STATE" in daemon.output(), 20, "MASTER")

    def table():
        return json.loads(one.run(["ip", "-json", "route", "show", "table", "1042", "proto", "18"]).stdout or "[]")
    wait_until(table, 10, "the route")
    assert [(r["dst"], r["gateway"], r["dev"]) for r in table()] == [("10.51.0.0/24", "10.50.0.2", "d0")]
    wait_until(lambda: "route 10.52.0.0/24 dev d0 vrf nosuch cannot be set: VRF nosuch does not exist" in daemon.output(), 10,
               daemon.output)
    rules = json.loads(one.run(["ip", "-json", "rule"]).stdout)
    assert [r for r in rules if r["priority"] == 106][0].get("l3mdev", "no") is None

    one.run(["ip", "route", "del", "10.51.0.0/24", "table", "1042"])
    wait_until(table, 10, "the route to come back")
    # Made anew, the VRF has another table: the route follows with the next look.
    assert daemon.stop() == 0
    assert not table()
