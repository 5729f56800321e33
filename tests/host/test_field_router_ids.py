"""What users of keepalived reported of reloads that end a process: docs/field-cases.md has the reports' numbers."""

import shutil

import pytest

from support.capture import Capture
from support.snmp import KEEPALIVED, SOCKET, Master
from support.vrrp import VIP, fast, office, reload, role_pid, wait_holds, wait_ready
from support.vmac import instance, links
from support.wait import stays, wait_until

OTHER = "192.168.4.201"


def vrids_on_the_wire(host, wanted):
    """Waits until each of these {address: vrid} has been advertised with its own."""
    with Capture(host, what="vrrp") as capture:
        for address, vrid in wanted.items():
            capture.wait_for(timeout=10, which=lambda p, a=address, v=vrid: p.haslayer("VRRPv3")
                             and p["VRRPv3"].vrid == v and a in p["VRRPv3"].addrlist)


def test_another_virtual_router_id_of_a_group_s_member_with_a_vmac_ends_no_process(lan):
    (one,) = office(lan, "one")
    group = "vrrp_sync_group G {\n group {\n  VI_1\n }\n}\n"
    daemon = wait_ready(one.mainstayd(group + instance(use_vmac="use_vmac vrrp", vrid=15)))
    wait_holds(one)
    before = role_pid(one, "mainstayd-vrrp")

    reload(one, daemon, group + instance(use_vmac="use_vmac vrrp", vrid=16))

    vrids_on_the_wire(one, {VIP: 16})
    wait_holds(one)
    wait_until(lambda: links(one)["vrrp"]["address"] == "00:00:5e:00:01:10", 5, lambda: str(links(one)))
    assert role_pid(one, "mainstayd-vrrp") == before


def test_instances_on_one_interface_that_swap_their_virtual_router_ids_lose_no_address(lan):
    (one,) = office(lan, "one")

    def both(first, second):
        return fast("VI_1", first, VIP) + fast("VI_2", second, OTHER)
    daemon = wait_ready(one.mainstayd(both(51, 52)))
    wait_holds(one)
    wait_holds(one, OTHER)
    vrids_on_the_wire(one, {VIP: 51, OTHER: 52})

    reload(one, daemon, both(52, 51))

    vrids_on_the_wire(one, {VIP: 52, OTHER: 51})
    wait_holds(one)
    wait_holds(one, OTHER)
    assert stays(lambda: one.holds(VIP) and one.holds(OTHER), 2)


def test_static_default_routes_of_both_families_stay_over_reloads_which_end_no_process(lan):
    (one,) = office(lan, "one")
    text = ("static_ipaddress {\n 2001:db8:70::1/64 dev eth0\n}\n"
            "static_routes {\n default via 192.168.4.1 dev eth0\n default via 2001:db8:70::2 dev eth0\n}\n" + fast())
    daemon = wait_ready(one.mainstayd(text))
    wait_holds(one)
    before = role_pid(one, "mainstayd-vrrp")

    def routes():
        return [one.run(["ip", family, "route", "show", "default", "via", gateway]).stdout.strip() != ""
                for family, gateway in (("-4", "192.168.4.1"), ("-6", "2001:db8:70::2"))]
    wait_until(lambda: routes() == [True, True], 10, lambda: daemon.output())

    for more in ("", "higher_prio_send_advert\n", ""):
        reload(one, daemon, text.replace("version 3\n", "version 3\n" + more))
        assert routes() == [True, True]
    assert stays(lambda: routes() == [True, True] and one.holds(VIP), 1)
    assert role_pid(one, "mainstayd-vrrp") == before


@pytest.mark.skipif(shutil.which("snmpd") is None or shutil.which("snmptrapd") is None,
                    reason="there is no snmpd or snmptrapd here")
def test_snmp_that_a_reload_switches_on_is_answered_and_costs_no_master_its_address(lan):
    one, two = office(lan, "one", "two")
    master = Master(one)
    words = f"global_defs {{\n snmp_socket {SOCKET}\n}}\n"
    daemon = wait_ready(one.mainstayd(words + fast()))
    wait_holds(one)
    backup = wait_ready(two.mainstayd(fast(priority=100)))
    before = role_pid(one, "mainstayd-vrrp")

    reload(one, daemon, words.replace("snmp_socket", "enable_snmp_vrrp\n snmp_socket") + fast())

    master.wait_for(f"{KEEPALIVED}.2.3.1.4.1", "2")
    assert role_pid(one, "mainstayd-vrrp") == before
    assert one.holds(VIP)
    assert "Entering MASTER STATE" not in backup.output()
