"""Routes, static and of instances, over reloads, and when the addresses that they hang on go: none is lost or doubled. A number
is that of a report from the field (docs/field-cases.md)."""

from support.netlink import ip_monitor
from support.vrrp import VIP, fast, office, reload, role_pid, wait_holds, wait_ready, wait_released
from support.wait import stays, wait_until

ROUTE = "virtual_routes {\n 10.8.0.0/16 via 192.168.5.1 dev eth1\n }"
STATIC = "static_routes {\n 10.9.0.0/16 dev eth1\n}\n"
BOTH = {"10.8.0.0/16", "10.9.0.0/16"}


def two_cables(lan, address=None):
    """A director with eth1 on a second switch."""
    (one,) = office(lan, "one")
    lan.switch("dmz")
    lan.plug(one, "eth1", "dmz", *([address] if address else []))
    one.sysctl(net__ipv6__conf__eth1__disable_ipv6=1)
    return one


def routes(host, *words):
    return host.run(["ip", "route", "show", *words]).stdout.splitlines()


def networks(host):
    return {network for network in BOTH if any(line.startswith(network) for line in routes(host))}


def v4(host, device):
    return {address for address in host.addresses(device) if ":" not in address}


def wait_networks(host, wanted, why):
    wait_until(lambda: networks(host) == wanted, 1.5, why)


def test_routes_stay_when_a_reload_replaces_the_only_address_of_their_interface(lan):
    """Report 1719."""
    one = two_cables(lan)
    daemon = wait_ready(one.mainstayd(STATIC + fast(vip="192.168.5.200/24 dev eth1", more=ROUTE)))
    wait_holds(one, "192.168.5.200")
    wait_networks(one, BOTH, "the routes at first")
    monitor = ip_monitor(one, "route")

    for address in ("192.168.5.200/25", "192.168.5.201/25", "192.168.5.202/24"):
        reload(one, daemon, STATIC + fast(vip=f"{address} dev eth1", more=ROUTE))
        wait_until(lambda: v4(one, "eth1") == {address}, 2, lambda: f"{address}, not {v4(one, 'eth1')}")
        assert networks(one) == BOTH
    wait_until(lambda: "192.168.5.202" in monitor.output(), 10, "the last address")
    assert stays(lambda: networks(one) == BOTH, 0.5)
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
        wait_networks(one, BOTH, f"the routes after {word}")


def test_static_routes_are_put_back_when_the_only_address_goes_with_an_instance(lan):
    one = two_cables(lan)
    second = fast("VI_2", 52, "192.168.5.200/24 dev eth1")
    daemon = wait_ready(one.mainstayd(STATIC + fast() + second))
    wait_holds(one, "192.168.5.200")

    reload(one, daemon, STATIC + fast())
    wait_released(one, "192.168.5.200")
    wait_networks(one, {"10.9.0.0/16"}, "the static route")


def test_routes_are_put_back_when_somebody_replaces_the_only_address_of_their_interface(lan):
    one = two_cables(lan, "192.168.5.11/24")
    daemon = wait_ready(one.mainstayd(STATIC + fast(more=ROUTE)))
    wait_holds(one)
    wait_networks(one, BOTH, "the routes at first")

    for old, new in (("192.168.5.11/24", "192.168.5.12/24"), ("192.168.5.12/24", "192.168.5.12/25")):
        one.run(["ip", "addr", "del", old, "dev", "eth1"])
        one.run(["ip", "addr", "add", new, "dev", "eth1"])
        wait_until(lambda: networks(one) == BOTH, 1.5, f"the routes with {new}")
    assert "STATE" not in daemon.output().split("Entering MASTER STATE", 1)[1]


def test_a_route_with_a_preferred_source_is_put_back_with_its_address(lan):
    one = two_cables(lan, "192.168.5.11/24")
    more = "virtual_routes {\n 10.8.0.0/16 dev eth1 src 192.168.5.200\n }"
    daemon = wait_ready(one.mainstayd(fast(vip="192.168.5.200/24 dev eth1", more=more)))
    wait_holds(one, "192.168.5.200")

    one.run(["ip", "addr", "del", "192.168.5.200/24", "dev", "eth1"])
    wait_networks(one, {"10.8.0.0/16"}, "the route with the address")
    assert "STATE" not in daemon.output().split("Entering MASTER STATE", 1)[1]


def routed(source, extra=""):
    return fast(vip="10.30.0.100/24", more=f"virtual_routes {{\n 10.77.0.0/24 via 10.30.0.1 src {source}\n{extra}}}\n")


def test_a_route_of_which_a_reload_changes_the_source_alone_is_there_once_with_the_new_one(lan):
    """Reports 1390, 1900 and 2076."""
    (one,) = office(lan, "one")
    one.run(["ip", "addr", "add", "10.30.0.10/24", "dev", "eth0"])
    daemon = wait_ready(one.mainstayd(routed("10.30.0.100")))
    wait_until(lambda: routes(one, "10.77.0.0/24"), 10, "the route")

    reload(one, daemon, routed("10.30.0.10"))
    wait_until(lambda: [r.split(" dev")[0] for r in routes(one, "10.77.0.0/24")] == ["10.77.0.0/24 via 10.30.0.1"]
               and "src 10.30.0.10 " in routes(one, "10.77.0.0/24")[0] + " ", 5, lambda: str(routes(one)))

    for _ in range(2):  # the second reload changes nothing, and doubles no route
        reload(one, daemon, routed("10.30.0.10", " default via 10.30.0.2\n"))
        wait_until(lambda: len(routes(one, "default")) == 1, 5, lambda: str(routes(one)))
        assert stays(lambda: len(routes(one, "default")) == 1, 0.5)

    reload(one, daemon, routed("10.30.0.10"))
    wait_until(lambda: routes(one, "default") == [], 5, lambda: str(routes(one)))
    assert len(routes(one, "10.77.0.0/24")) == 1


def test_a_route_that_two_instances_have_stays_while_one_of_them_is_master(lan):
    """Report 1078."""
    (one,) = office(lan, "one")
    common = "virtual_routes {\n default via 10.30.0.1 dev eth0\n}\ntrack_file {\n %s\n}\n"
    files = "".join(f"track_file {name} {{\n file /run/{name}\n weight 0\n}}\n" for name in ("f1", "f2"))
    for name in ("f1", "f2"):
        one.write(f"/run/{name}", "0\n")
    wait_ready(one.mainstayd(files + fast("A", 1, "10.30.0.101/24", more=common % "f1")
                             + fast("B", 2, "10.30.0.102/24", more=common % "f2")))
    wait_holds(one, "10.30.0.101")
    wait_holds(one, "10.30.0.102")
    wait_until(lambda: routes(one, "default"), 5, "the route")

    one.write("/run/f1", "1\n")
    wait_released(one, "10.30.0.101")

    wait_until(lambda: routes(one, "default"), 3, "the route of the instance that is master")
    assert stays(lambda: routes(one, "default") and one.holds("10.30.0.102"), 1)
    one.write("/run/f2", "1\n")
    wait_until(lambda: not routes(one, "default"), 5, "the route to go with the last")


def test_static_default_routes_of_both_families_stay_over_reloads_which_end_no_process(lan):
    """Report 2360."""
    (one,) = office(lan, "one")
    text = ("static_ipaddress {\n 2001:db8:70::1/64 dev eth0\n}\n"
            "static_routes {\n default via 192.168.4.1 dev eth0\n default via 2001:db8:70::2 dev eth0\n}\n" + fast())
    daemon = wait_ready(one.mainstayd(text))
    wait_holds(one)
    before = role_pid(one, "mainstayd-vrrp")

    def defaults():
        return [one.run(["ip", family, "route", "show", "default", "via", gateway]).stdout.strip() != ""
                for family, gateway in (("-4", "192.168.4.1"), ("-6", "2001:db8:70::2"))]
    wait_until(lambda: defaults() == [True, True], 10, lambda: daemon.output())

    for more in ("", "higher_prio_send_advert\n", ""):
        reload(one, daemon, text.replace("version 3\n", "version 3\n" + more))
        assert defaults() == [True, True]
    assert stays(lambda: defaults() == [True, True] and one.holds(VIP), 1)
    assert role_pid(one, "mainstayd-vrrp") == before
