"""Announced addresses by OSPF, FRR's and BIRD's: what the router hears, and when."""

import signal
import time

import pytest

from support.announcers import LIFETIME, SERVICES, SLACK, VIPS, make_ospf_site, next_hops, until_hops, with_bird_ospf, with_frr_ospf
from support.paths import program
from support.wait import stays


HELD_BACK = 5  # seconds, at most, between two changes of what a router floods (MinLSInterval, RFC 2328 appendix B)
SOON = 4       # seconds: sooner than the adjacency's dead interval of 5 s


@pytest.fixture
def site(lan):
    return make_ospf_site(lan, with_frr_ospf, with_bird_ospf)


def hops_of(router, directors, vip):
    """The numbers of the directors that the router uses; IPv6 next hops are their link-local addresses."""
    local = {}
    for director in directors:
        words = director.host.run(["ip", "-6", "-o", "address", "show", "dev", "eth0", "scope", "link"]).stdout.split()
        local[words[words.index("inet6") + 1].split("/")[0]] = director.number
        local[f"10.1.0.{director.number}"] = director.number
    return sorted(local[hop] for hop in next_hops(router, vip))


@pytest.mark.nightly
def test_a_router_spreads_over_directors_and_loses_one_that_dies_freezes_or_drains(site):
    router, directors, _ = site
    for vip in VIPS:
        until_hops(router, vip, 1, 2)
        assert hops_of(router, directors, vip) == [1, 2]
    watch = router.start(["ip", "-o", "monitor", "route"], name="monitor")
    assert stays(lambda: not [line for line in watch.output().splitlines() if "50" in line], 2 * LIFETIME), watch.output()

    # mainstay dies: the address ends in the kernel, and what announces it withdraws it.
    for director, other in (directors, reversed(directors)):
        director.kill_mainstay()
        began = time.monotonic()
        for vip in VIPS:
            until_hops(router, vip, other.number, within=LIFETIME + SLACK + HELD_BACK)
            assert hops_of(router, directors, vip) == [other.number]
        print(f"director {director.number}, killed: withdrawn after {time.monotonic() - began:.2f} s")
        director.daemon = director.host.mainstayd(SERVICES, "-C")
        for vip in VIPS:
            until_hops(router, vip, 1, 2)

    # A host that freezes as a whole: BFD.
    for director in directors:
        director.signal_mainstay(signal.SIGSTOP)
        for process in director.routing:
            process.send(signal.SIGSTOP)
        began = time.monotonic()
        until_hops(router, VIPS[0], 3 - director.number, within=SOON)
        print(f"director {director.number}, frozen: noticed after {time.monotonic() - began:.3f} s")
        for process in director.routing:
            process.send(signal.SIGCONT)
        director.signal_mainstay(signal.SIGCONT)
        for vip in VIPS:
            until_hops(router, vip, 1, 2)

    # Maintenance: a worse metric takes no new flows, and no packet is without a route meanwhile.
    watch = router.start(["ip", "-o", "monitor", "route"], name="monitor")
    for director, other in (directors, reversed(directors)):
        director.host.run([program("mainstayctl"), "maintenance", "on"])
        for vip in VIPS:
            until_hops(router, vip, other.number)
            assert hops_of(router, directors, vip) == [other.number]
        director.host.run([program("mainstayctl"), "maintenance", "off"])
        for vip in VIPS:
            until_hops(router, vip, 1, 2)
    assert not [line for line in watch.output().splitlines() if line.startswith("Deleted 10.50.0.1")]
