"""VMACs whose interface is down, missing, unnamed or without an IPv4 address, and what hangs on them. A number is that of a
report from the field (docs/field-cases.md)."""

import pytest

from support.vmac import instance as on_vmac
from support.vmac import links
from support.vrrp import fast, office, reload, sync_group, wait_holds, wait_ready, wait_released
from support.wait import stays, wait_until

DYNAMIC = "global_defs {\n dynamic_interfaces\n}\n"


def six(name="vrrp", interface="eth0", more=""):
    return fast(vip="fd00:100::1/64", priority=200, interface=interface, more=f"use_vmac {name}\n{more}")


@pytest.fixture
def bare(lan):
    """A host whose interface has no IPv4 address."""
    lan.switch("office")
    return lan.host("one", eth0=("office", "fd00:100::3/64"))


@pytest.mark.parametrize("more", ["", "vmac_xmit_base\n"], ids=("plain", "xmit_base"))
def test_an_ipv6_instance_on_a_vmac_follows_its_interface_that_was_down_at_the_start(bare, more):
    """Reports 2258 and 2275."""
    bare.run(["ip", "link", "set", "eth0", "down"])
    daemon = wait_ready(bare.mainstayd(DYNAMIC + sync_group("VI_1") + six(more=more)))
    assert "Entering FAULT STATE" in daemon.output()

    bare.run(["ip", "link", "set", "eth0", "up"])
    wait_holds(bare, "fd00:100::1")

    before = len(daemon.output())
    bare.run(["ip", "link", "set", "eth0", "down"])
    wait_until(lambda: "entering FAULT state (interface eth0 down)" in daemon.output()[before:], 5, daemon.output)
    wait_released(bare, "fd00:100::1")


@pytest.mark.nightly
def test_without_a_source_over_a_link_that_is_down_an_instance_that_ignores_its_link_goes_on(lan):
    """Report 1892."""
    # effect: vrrp_instance: dont_track_primary
    (one,) = office(lan, "one")
    wanted = ["fe80::1:51", "2001:db8::200/64"]
    for number, words in enumerate(("use_vmac\n vmac_xmit_base", "use_vmac")):
        daemon = wait_ready(one.mainstayd(on_vmac(use_vmac=words, vips=wanted, more="dont_track_primary"),
                                          name=f"keepalived{number}.conf"))
        wait_holds(one, "2001:db8::200")
        # While the interface's own address is tentative, at the start, there is none to send from.
        before = len(daemon.output())
        one.run(["ip", "link", "set", "eth0", "down"])
        assert stays(lambda: "FAULT" not in daemon.output()[before:], 1), daemon.output()
        one.run(["ip", "link", "set", "eth0", "up"])
        assert stays(lambda: "FAULT" not in daemon.output()[before:], 3), daemon.output()
        wait_holds(one, "2001:db8::200")
        daemon.stop()


def test_an_instance_on_a_named_vmac_begins_when_an_interface_gets_its_name(bare):
    """Report 2259."""
    bare.run(["ip", "addr", "add", "10.0.0.2/24", "dev", "eth0"])
    bare.run(["ip", "link", "set", "eth0", "down"])
    daemon = wait_ready(bare.mainstayd(DYNAMIC + six(interface="iface4")))
    assert "Entering FAULT STATE" in daemon.output()

    bare.run(["ip", "link", "set", "eth0", "name", "iface4", "up"])

    wait_holds(bare, "fd00:100::1")
    assert links(bare)["vrrp"]["link"] == "iface4"


def test_a_vmac_follows_a_reload_to_an_interface_that_is_not_there_yet(lan, bare):
    """Reports 2258 and 2280."""
    daemon = wait_ready(bare.mainstayd(DYNAMIC + sync_group("VI_1") + six()))
    wait_holds(bare, "fd00:100::1")  # without any IPv4 address

    reload(bare, daemon, DYNAMIC + sync_group("VI_1") + six(interface="iface5"))
    wait_released(bare, "fd00:100::1")
    lan.plug(bare, "iface5", "office", "fd00:100::5/64")

    wait_holds(bare, "fd00:100::1")
    assert links(bare)["vrrp"]["link"] == "iface5"


def test_forty_vmacs_that_come_by_a_reload_fail_and_recover_together(lan):
    """Reports 392, 803 and 2357."""
    (one,) = office(lan, "one")
    many = range(1, 41)

    def text(numbers):
        return "".join(fast(f"VI_{n}", n, f"10.50.0.{n}", more=f"use_vmac vrrp4.{n}\ngarp_master_delay 0") for n in numbers)

    def held():
        return sum(address.startswith("10.50.0.") for address in one.addresses())
    daemon = wait_ready(one.mainstayd(text((1,))))
    wait_holds(one, "10.50.0.1")

    reload(one, daemon, text(many))
    wait_until(lambda: held() == len(many), 20, lambda: f"{held()} addresses")
    for _ in range(2):
        one.run(["ip", "link", "set", "eth0", "down"])
        wait_until(lambda: held() == 0, 20, lambda: f"no address, not {held()}")
        one.run(["ip", "link", "set", "eth0", "up"])
        wait_until(lambda: held() == len(many), 20, lambda: f"{held()} addresses")


def test_routes_may_name_the_vmac_that_an_instance_makes_whatever_else_makes_vmacs(lan):
    """Report 2723."""
    (one,) = office(lan, "one")
    words = """use_vmac
use_vmac_addr
vmac_xmit_base
promote_secondaries
virtual_rules {
 from 10.100.0.11/32 table 200 preference 200
}
virtual_routes {
 default via 10.100.0.1 dev vrrp.111 src 10.100.0.11 onlink table 200
 10.100.0.0/24 dev vrrp.111 scope link src 10.100.0.11 table 200
}
"""
    daemon = wait_ready(one.mainstayd(DYNAMIC + fast("asdf", 111, "10.100.0.11/24 noprefixroute dev eth0", 50, words)))
    wait_holds(one, "10.100.0.11")

    assert "vrrp.111" in links(one)
    wait_until(lambda: one.run(["ip", "route", "show", "table", "200"], check=False).stdout.count("dev vrrp.111") == 2, 5,
               lambda: one.run(["ip", "route", "show", "table", "all"]).stdout + daemon.output())
