"""Announcing where things are not as they should be, or by daemons that cannot watch an interface."""

import json

import pytest

from support.announcers import LIFETIME, SERVICES, SLACK, VIPS, make_site, until_hops, with_bird, with_exabgp, with_frr, with_gobgp
from support.paths import program
from support.wait import wait_until

GOBGP = 20  # seconds for its two commands, each of which takes two to four on the lab's kernel


@pytest.mark.nightly
def test_the_doctor_looks_at_the_routing_daemon(lan):
    router, directors, _ = make_site(lan, with_frr, with_bird)
    for vip in VIPS:
        until_hops(router, vip, 1, 2)

    def findings(host):
        answer = host.run([program("mainstayctl"), "doctor", "-f", "/run/keepalived.conf", "--json"], check=False)
        return [one["finding"] for one in json.loads(answer.stdout)["findings"] if "capability" not in one["finding"]]

    frr, bird = (director.host for director in directors)
    assert not [line for line in findings(frr) + findings(bird) if "BGP" in line or "BFD" in line or "announces" in line]
    frr.run(["vtysh", "-c", "configure terminal", "-c", "router bgp", "-c", "no neighbor ROUTERS bfd",
             "-c", "address-family ipv4 unicast", "-c", "no redistribute connected"])
    wait_until(lambda: {"BFD with 10.1.0.254 is off: a director that is gone is noticed after the hold time only",
                        "mainstay announces 10.50.0.1, and FRR advertises it to nobody"} <= set(findings(frr)), 30, lambda: f"{findings(frr)}")
    for process in directors[1].routing:
        process.stop()
    assert "no routing daemon runs here, and mainstay announces 10.50.0.1" in findings(bird)


@pytest.mark.nightly
def test_daemons_that_cannot_watch_an_interface_are_driven_by_lines(lan):
    router, directors, frr = make_site(lan, with_exabgp, with_gobgp)
    for vip in VIPS:
        until_hops(router, vip, 1, 2)
    assert directors[0].host.run([program("mainstayctl"), "announced"]).stdout == "announce 10.50.0.1/32\nannounce fd00:50::1/128\n"

    for director, other in (directors, reversed(directors)):
        director.host.run([program("mainstayctl"), "maintenance", "on"])
        for vip in VIPS:
            until_hops(router, vip, other.number)
        paths = json.loads(frr.ask("show bgp ipv4 unicast 10.50.0.1/32 json"))["paths"]
        assert sorted((path.get("metric", 0), path.get("locPrf", 100)) for path in paths) == [(0, 100), (1000, 0)]
        director.host.run([program("mainstayctl"), "maintenance", "off"])
        for vip in VIPS:
            until_hops(router, vip, 1, 2)

    # mainstay dies; then the program that prints the lines.
    for director, other in (directors, reversed(directors)):
        director.kill_mainstay()
        for vip in VIPS:
            until_hops(router, vip, other.number, within=LIFETIME + SLACK + GOBGP)
        director.daemon = director.host.mainstayd(SERVICES, "-C")
        for vip in VIPS:
            until_hops(router, vip, 1, 2)
    for director, other in (directors, reversed(directors)):
        director.host.write("/run/ends", "")  # nobody starts it again
        director.host.run(["pkill", "-KILL", "-f", "announced --follow"])
        for vip in VIPS:
            until_hops(router, vip, *([other.number] if director is directors[0] else []), within=LIFETIME + SLACK + GOBGP)
