"""What reloads, and others, do to addresses and to the routes that hang on them: nothing is lost on the way."""

import pytest

from support.vrrp import fast, office, reload, wait_holds, wait_ready, wait_released
from support.vmac import instance as on_vmac
from support.wait import stays, wait_until

ROUTE = "virtual_routes {\n 10.8.0.0/16 via 192.168.5.1 dev eth1\n }"
STATIC = "static_routes {\n 10.9.0.0/16 dev eth1\n}\n"


def two_cables(lan, address=None):
    """A director with eth1 on a second switch."""
    (one,) = office(lan, "one")
    lan.switch("dmz")
    lan.plug(one, "eth1", "dmz", *([address] if address else []))
    one.sysctl(net__ipv6__conf__eth1__disable_ipv6=1)
    return one


def routes(host):
    shown = host.run(["ip", "route"]).stdout
    return {network for network in ("10.8.0.0/16", "10.9.0.0/16") if network in shown}


def v4(host, device):
    return {address for address in host.addresses(device) if ":" not in address}


def wait_routes(host, wanted, why):
    wait_until(lambda: routes(host) == wanted, 1.5, why)


def test_routes_stay_when_a_reload_replaces_the_only_address_of_their_interface(lan):
    one = two_cables(lan)
    daemon = wait_ready(one.mainstayd(STATIC + fast(vip="192.168.5.200/24 dev eth1", more=ROUTE)))
    wait_holds(one, "192.168.5.200")
    wait_routes(one, {"10.8.0.0/16", "10.9.0.0/16"}, "the routes at first")
    monitor = one.start(["ip", "monitor", "route"])

    for address in ("192.168.5.200/25", "192.168.5.201/25", "192.168.5.202/24"):
        reload(one, daemon, STATIC + fast(vip=f"{address} dev eth1", more=ROUTE))
        wait_until(lambda: v4(one, "eth1") == {address}, 2, lambda: f"{address}, not {v4(one, 'eth1')}")
        assert stays(lambda: routes(one) == {"10.8.0.0/16", "10.9.0.0/16"}, 0.5)
    assert "10.8.0.0" not in monitor.output() and "10.9.0.0" not in monitor.output(), "a route was set again"
    assert "missing" not in daemon.output()


def test_routes_are_put_back_when_an_address_must_go_before_it_comes(lan):
    one = two_cables(lan)
    daemon = wait_ready(one.mainstayd(STATIC + fast(vip="192.168.5.200/24 dev eth1", more=ROUTE)))
    wait_holds(one, "192.168.5.200")

    for word in ("label eth1:x", "label eth1:y scope site", "brd 192.168.5.254"):
        reload(one, daemon, STATIC + fast(vip=f"192.168.5.200/24 dev eth1 {word}", more=ROUTE))
        shown = word.split()[1]
        wait_until(lambda: shown in one.run(["ip", "addr", "show", "dev", "eth1"]).stdout, 2, word)
        wait_routes(one, {"10.8.0.0/16", "10.9.0.0/16"}, f"the routes after {word}")


def test_static_routes_are_put_back_when_the_only_address_goes_with_an_instance(lan):
    one = two_cables(lan)
    second = fast("VI_2", 52, "192.168.5.200/24 dev eth1")
    daemon = wait_ready(one.mainstayd(STATIC + fast() + second))
    wait_holds(one, "192.168.5.200")

    reload(one, daemon, STATIC + fast())
    wait_released(one, "192.168.5.200")
    wait_routes(one, {"10.9.0.0/16"}, "the static route")


def test_routes_are_put_back_when_somebody_replaces_the_only_address_of_their_interface(lan):
    one = two_cables(lan, "192.168.5.11/24")
    daemon = wait_ready(one.mainstayd(STATIC + fast(more=ROUTE)))
    wait_holds(one)
    wait_routes(one, {"10.8.0.0/16", "10.9.0.0/16"}, "the routes at first")

    for old, new in (("192.168.5.11/24", "192.168.5.12/24"), ("192.168.5.12/24", "192.168.5.12/25")):
        one.run(["ip", "addr", "del", old, "dev", "eth1"])
        one.run(["ip", "addr", "add", new, "dev", "eth1"])
        wait_until(lambda: routes(one) == {"10.8.0.0/16", "10.9.0.0/16"}, 1.5, f"the routes with {new}")
    assert "STATE" not in daemon.output().split("Entering MASTER STATE", 1)[1]


def test_a_route_with_a_preferred_source_is_put_back_with_its_address(lan):
    one = two_cables(lan, "192.168.5.11/24")
    more = "virtual_routes {\n 10.8.0.0/16 dev eth1 src 192.168.5.200\n }"
    daemon = wait_ready(one.mainstayd(fast(vip="192.168.5.200/24 dev eth1", more=more)))
    wait_holds(one, "192.168.5.200")

    one.run(["ip", "addr", "del", "192.168.5.200/24", "dev", "eth1"])
    wait_routes(one, {"10.8.0.0/16"}, "the route with the address")
    assert "STATE" not in daemon.output().split("Entering MASTER STATE", 1)[1]


def test_an_address_that_moves_between_instances_is_never_absent(lan):
    one = two_cables(lan)

    def pair(first, second):
        return fast(vip="\n".join(("192.168.4.200", *first))) + fast("VI_2", 52, "\n".join(("192.168.4.210", *second)))

    daemon = wait_ready(one.mainstayd(pair(["192.168.4.201"], [])))
    wait_holds(one, "192.168.4.201")
    wait_holds(one, "192.168.4.210")
    monitor = one.start(["ip", "monitor", "address"])

    reload(one, daemon, pair([], ["192.168.4.201"]))
    assert stays(lambda: one.holds("192.168.4.201"), 1)
    # The instance itself goes, and its address is another one's.
    reload(one, daemon, fast(vip="192.168.4.200\n192.168.4.201\n192.168.4.210"))
    assert stays(lambda: one.holds("192.168.4.201") and one.holds("192.168.4.210"), 1)
    # And to the host itself.
    reload(one, daemon, "static_ipaddress {\n 192.168.4.210 dev eth0\n}\n" + fast(vip="192.168.4.200"))
    wait_released(one, "192.168.4.201")
    assert one.holds("192.168.4.210")
    assert monitor.output().count("Deleted") == 1, monitor.output()


def test_addresses_of_others_in_the_subnet_of_a_virtual_address_stay_when_it_goes(lan):
    one = two_cables(lan)
    daemon = wait_ready(one.mainstayd(fast(vip="192.168.5.200/24 dev eth1\n192.168.5.201/24 dev eth1")))
    wait_holds(one, "192.168.5.201")
    one.run(["ip", "addr", "add", "192.168.5.250/24", "dev", "eth1"])
    monitor = one.start(["ip", "monitor", "address"])

    reload(one, daemon, fast(vip="192.168.5.201/24 dev eth1"))
    wait_released(one, "192.168.5.200")
    assert stays(lambda: v4(one, "eth1") == {"192.168.5.201/24", "192.168.5.250/24"}, 0.5)
    daemon.stop()
    assert v4(one, "eth1") == {"192.168.5.250/24"}
    assert "Deleted 2: eth1    inet 192.168.5.250" not in monitor.output()
    assert one.run(["cat", "/proc/sys/net/ipv4/conf/eth1/promote_secondaries"]).stdout.strip() == "0"


def test_an_instance_that_a_reload_adds_takes_away_what_is_left_of_its_addresses_and_routes(lan):
    one, two = office(lan, "one", "two")
    master = fast("VI_2", 60, "192.168.4.210\n192.168.4.211/24", 200)
    backup = fast("VI_2", 60, "192.168.4.210\n192.168.4.211/24", 100,
                  "virtual_routes {\n 10.8.0.0/16 dev eth0\n }\nvirtual_ipaddress_excluded {\n 192.168.4.212\n }")
    wait_ready(two.mainstayd(master))
    wait_holds(two, "192.168.4.210")
    daemon = wait_ready(one.mainstayd(fast()))
    wait_holds(one)
    one.run(["ip", "addr", "add", "192.168.4.210/32", "dev", "eth0"])
    one.run(["ip", "addr", "add", "192.168.4.212/32", "dev", "eth0"])
    one.run(["ip", "route", "add", "10.8.0.0/16", "dev", "eth0", "proto", "18", "scope", "global"])

    reload(one, daemon, fast() + backup)
    wait_until(lambda: v4(one, "eth0") == {"192.168.4.11/24", "192.168.4.200/32"}, 2, lambda: v4(one, "eth0"))
    wait_routes(one, set(), "the route to go")

    # So with an address that a backup gains.
    one.run(["ip", "addr", "add", "192.168.4.213/32", "dev", "eth0"])
    reload(one, daemon, fast() + backup.replace("192.168.4.211/24", "192.168.4.213"))
    wait_until(lambda: v4(one, "eth0") == {"192.168.4.11/24", "192.168.4.200/32"}, 2, lambda: v4(one, "eth0"))


@pytest.mark.nightly
def test_without_a_source_over_a_link_that_is_down_an_instance_that_ignores_its_link_goes_on(lan):
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


def test_an_instance_that_minds_its_link_is_in_fault_while_it_is_down(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(on_vmac(use_vmac="use_vmac\n vmac_xmit_base", vips=["fe80::1:51"])))
    wait_holds(one, "fe80::1:51")
    one.run(["ip", "link", "set", "eth0", "down"])
    wait_until(lambda: "entering FAULT state (interface eth0 down)" in daemon.output(), 5, "FAULT")


def test_a_vmac_that_was_an_ipv6_instances_keeps_nothing_of_it(lan):
    """The address that adverts were sent from; found by the oracle (seed 7100008)."""
    (one,) = office(lan, "one")

    def six(vrid):
        return on_vmac(name="VI_5", vrid=vrid, use_vmac="use_vmac 02:11:22:33:44:66", vips=["fe80::52/96"])

    def four(vrid):
        return fast("VI_6", vrid, "192.168.4.204 use_vmac", more="virtual_ipaddress_excluded {\n 2001:db8:4::209/64\n}")

    daemon = wait_ready(one.mainstayd(four(56) + six(52)))
    wait_holds(one, "fe80::52")
    assert len(one.addresses("vrrp.52")) == 2

    reload(one, daemon, four(52) + six(56))

    wait_until(lambda: one.addresses("vrrp.52") == {"192.168.4.204/32"}, 5, lambda: f"{one.addresses('vrrp.52')}")
