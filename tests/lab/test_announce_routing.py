"""Announced addresses through routing daemons: what the router hears, and when."""

import json
import os
import random
import signal
import time

import pytest

from support.announcers import LIFETIME, SERVICES, SLACK, VIPS, make_site, next_hops, until_hops, with_bird, with_frr
from support.lvs import listen
from support.paths import program
from support.wait import stays, wait_until

TRIALS = int(os.environ.get("MAINSTAY_DEATH_TRIALS", "4"))  # of deaths at random moments


@pytest.fixture
def site(lan):
    return make_site(lan, with_frr, with_bird)


def test_a_router_spreads_over_the_directors_that_announce(site):
    router, directors, frr = site

    # Healthy, nothing is ever withdrawn. FRR takes an IPv6 route away and adds it again when a second next hop arrives,
    # and that may be the last step of the start that is seen. A busy machine may stop the whole lab for longer than the
    # 0.3 s of BFD, after which FRR takes away what it has of the neighbour: such a time shows nothing.
    watch = router.start(["ip", "-o", "monitor", "route"], name="monitor")

    def changes():
        return [line for line in watch.output().splitlines() if any(vip in line for vip in VIPS)]

    def stay_the_same(seconds):
        seen = changes()
        return stays(lambda: changes() == seen, seconds)

    def are_kept():
        failures = frr.bfd_failures()
        for vip in VIPS:
            until_hops(router, vip, 1, 2)
        wait_until(lambda: stay_the_same(LIFETIME), 60, watch.output)
        kept = stay_the_same(3 * LIFETIME)
        hops = next_hops(router, VIPS[0])
        bfd_failed = frr.bfd_failures() != failures
        assert kept or bfd_failed, watch.output()
        assert hops == ["10.1.0.1", "10.1.0.2"] or bfd_failed
        return not bfd_failed

    wait_until(are_kept, 120, watch.output)

    began = time.monotonic()
    directors[0].listener.stop()
    for vip in VIPS:
        until_hops(router, vip, 2)
    print(f"a lost quorum: {time.monotonic() - began:.3f} s with the check")
    listen(directors[0].host, "127.1.0.1:80", "fd00:51::1:80")
    for vip in VIPS:
        until_hops(router, vip, 1, 2)


@pytest.mark.nightly
def test_whatever_happens_to_mainstay_the_router_hears_of_it_within_the_lifetime(site):
    router, directors, _ = site
    for vip in VIPS:
        until_hops(router, vip, 1, 2)
    chance, took = random.Random(os.environ.get("MAINSTAY_SEED", "1")), []
    for number in range(TRIALS):
        time.sleep(chance.uniform(0, 2))  # at a random moment between two renewals
        director, other = directors[number % 2], directors[1 - number % 2]
        frozen = number % 4 < 2
        director.signal_mainstay(signal.SIGSTOP) if frozen else director.kill_mainstay()
        began = time.monotonic()
        for vip in VIPS:
            until_hops(router, vip, other.number, within=LIFETIME + SLACK)
        assert next_hops(router, VIPS[0]) == [f"10.1.0.{other.number}"]
        took.append(time.monotonic() - began)
        if frozen:
            director.signal_mainstay(signal.SIGCONT)
        else:
            director.daemon = director.host.mainstayd(SERVICES, "-C")
        for vip in VIPS:
            until_hops(router, vip, 1, 2)
    print(f"{TRIALS} deaths: withdrawn after at most {max(took):.2f} s with a lifetime of {LIFETIME} s")


@pytest.mark.nightly
def test_a_director_that_is_frozen_as_a_whole_is_noticed_by_bfd(site):
    router, directors, _ = site
    for director in directors:
        for vip in VIPS:
            until_hops(router, vip, 1, 2)
        director.signal_mainstay(signal.SIGSTOP)
        for process in director.routing:
            process.send(signal.SIGSTOP)
        began = time.monotonic()
        until_hops(router, VIPS[0], 3 - director.number, within=LIFETIME)  # sooner than any lifetime
        print(f"director {director.number}, frozen: noticed after {time.monotonic() - began:.3f} s")
        for process in director.routing:
            process.send(signal.SIGCONT)
        director.signal_mainstay(signal.SIGCONT)


@pytest.mark.nightly
def test_a_director_in_maintenance_gets_no_new_flows_before_it_withdraws(site):
    router, directors, frr = site
    for vip in VIPS:
        until_hops(router, vip, 1, 2)
    watch = router.start(["ip", "-o", "monitor", "route"], name="monitor")
    for director, other in (directors, reversed(directors)):
        director.host.run([program("mainstayctl"), "maintenance", "on"])
        for vip in VIPS:
            until_hops(router, vip, other.number)
        assert next_hops(router, VIPS[0]) == [f"10.1.0.{other.number}"]
        paths = json.loads(frr.ask("show bgp ipv4 unicast 10.50.0.1/32 json"))["paths"]
        assert sorted((path.get("metric", 0), path.get("locPrf", 100)) for path in paths) == [(0, 100), (1000, 0)]
        if director is directors[0]:
            director.host.run([program("mainstayctl"), "maintenance", "off"])
            for vip in VIPS:
                until_hops(router, vip, 1, 2)

    # The one that drains is a last resort: better than none.
    directors[0].listener.stop()
    wait_until(lambda: next_hops(router, VIPS[0]) == ["10.1.0.2"] and len(next_hops(router, VIPS[1])) == 1, 60, lambda: f"{next_hops(router, VIPS[0])}")
    assert not [line for line in watch.output().splitlines() if line.startswith("Deleted 10.50.0.1")]
