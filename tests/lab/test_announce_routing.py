"""Announced addresses through routing daemons, with the configurations of etc/examples/routing: what the router hears, and when."""

import json
import os
import pathlib
import random
import signal
import time

import pytest

from support.frr import Frr
from support.lvs import listen, real_server, virtual_server
from support.paths import TOP, program
from support.processes import kill_all
from support.wait import stays, wait_until

EXAMPLES = TOP / "etc" / "examples" / "routing"
LIFETIME = 3
VIPS = ("10.50.0.1", "fd00:50::1")
PATH = f"{pathlib.Path(program('mainstayctl')).parent}:{os.environ['PATH']}"  # for the scripts beside the configurations
TRIALS = int(os.environ.get("MAINSTAY_DEATH_TRIALS", "4"))  # of deaths at random moments
SLACK = 2.5  # for a busy machine: half a second is the aim, and is printed
SERVICES = "".join(virtual_server(f"{vip} 80", real_server(f"{server} 80"), options=f"announce {{\n    lifetime {LIFETIME}\n  }}")
                   for vip, server in zip(VIPS, ("127.1.0.1", "fd00:51::1")))


def example(name, number=1):
    """An example's text, for the director of this number."""
    return (EXAMPLES / name).read_text(encoding="utf-8").replace("10.1.0.1\n", f"10.1.0.{number}\n").replace("10.1.0.1;", f"10.1.0.{number};")


def next_hops(router, vip):
    """The directors that the router's kernel sends packets for the address to."""
    family = "-6" if ":" in vip else "-4"
    routes = json.loads(router.run(["ip", "-j", family, "route", "show", vip]).stdout or "[]")
    hops = [hop for route in routes for hop in route.get("nexthops", [route])]
    return sorted((hop.get("via") or {}).get("host") or hop.get("gateway") for hop in hops)


def with_frr(host, number):
    frr = Frr(host)
    return [frr.zebra, frr.start("bfdd", example("frr-director.conf", number)), frr.start("bgpd", example("frr-director.conf", number))]


def with_bird(host, number):
    path = host.write("/run/bird.conf", example("bird-director.conf", number) + "log stderr all;\n")
    return [host.start(["bird", "-f", "-c", path, "-s", "/run/bird.ctl", "-P", "/run/bird.pid"])]


def with_exabgp(host, number):
    text = example("exabgp-director.conf", number).replace("/etc/exabgp/exabgp-announce", str(EXAMPLES / "exabgp-announce"))
    path = host.write("/run/exabgp.conf", text.replace("fd00:1::1;", f"fd00:1::{number};"))
    return [host.start(["exabgp", path], env={"exabgp_api_ack": "false", "exabgp_daemon_user": "root", "PATH": PATH})]


def with_gobgp(host, number):
    path = host.write("/run/gobgpd.conf", example("gobgp-director.conf", number).replace('"10.1.0.1"', f'"10.1.0.{number}"'))
    gobgpd = host.start(["gobgpd", "-f", path, "-t", "toml", "--api-hosts", "127.0.0.1:50051"])
    wait_until(lambda: host.run(["gobgp", "neighbor"], check=False).returncode == 0, 20, gobgpd.output)
    return [gobgpd, host.start([str(EXAMPLES / "gobgp-announce")], name="gobgp-announce", env={"PATH": PATH})]


class Director:
    def __init__(self, lan, number, announce):
        self.number = number
        self.host = lan.host(f"director{number}", eth0=("core", f"10.1.0.{number}/24", f"fd00:1::{number}/64"))
        self.host.run(["ip", "link", "set", "lo", "up"])
        self.host.run(["ip", "address", "add", "fd00:51::1/128", "dev", "lo"])
        self.listener = listen(self.host, "127.1.0.1:80", "fd00:51::1:80")
        self.routing = announce(self.host, number)
        self.daemon = self.host.mainstayd(SERVICES, "-C")

    def mainstay(self):
        """The pids of mainstay's processes but the supervisor."""
        pid = self.daemon.pid
        return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]

    def signal_mainstay(self, number):
        for pid in self.mainstay():
            os.kill(pid, number)
        self.daemon.send(number)

    def kill_mainstay(self):
        kill_all([self.daemon.pid, *self.mainstay()])
        self.daemon.wait(20)


def make_site(lan, *routing):
    """A router, and directors that speak BGP with it by these programs."""
    lan.switch("core")
    router = lan.host("router", eth0=("core", "10.1.0.254/24", "fd00:1::fe/64"))
    router.run(["ip", "link", "set", "lo", "up"])
    frr = Frr(router)
    frr.start("bfdd", example("frr-router.conf"))
    frr.start("bgpd", example("frr-router.conf"))
    return router, [Director(lan, number, one) for number, one in enumerate(routing, 1)], frr


@pytest.fixture
def site(lan):
    return make_site(lan, with_frr, with_bird)


def until_hops(router, vip, *numbers, within=60):
    count = len(numbers)
    wait_until(lambda: len(next_hops(router, vip)) == count, within, lambda: f"{count} directors for {vip}, there are {next_hops(router, vip)}", 0.02)


def test_a_router_spreads_over_the_directors_that_announce(site):
    router, directors, frr = site
    for vip in VIPS:
        until_hops(router, vip, 1, 2)
    assert next_hops(router, VIPS[0]) == ["10.1.0.1", "10.1.0.2"]

    # Healthy, nothing is ever withdrawn.
    watch = router.start(["ip", "-o", "monitor", "route"], name="monitor")
    assert stays(lambda: not [line for line in watch.output().splitlines() if "50" in line], 3 * LIFETIME), watch.output()

    began = time.monotonic()
    directors[0].listener.stop()
    for vip in VIPS:
        until_hops(router, vip, 2)
    print(f"a lost quorum: {time.monotonic() - began:.3f} s with the check")
    listen(directors[0].host, "127.1.0.1:80", "fd00:51::1:80")
    for vip in VIPS:
        until_hops(router, vip, 1, 2)


def test_the_doctor_looks_at_the_routing_daemon(site):
    router, directors, _ = site
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


def test_daemons_that_cannot_watch_an_interface_are_told_by_lines(lan):
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
            until_hops(router, vip, other.number, within=LIFETIME + SLACK)
        director.daemon = director.host.mainstayd(SERVICES, "-C")
        for vip in VIPS:
            until_hops(router, vip, 1, 2)
    for director, other in (directors, reversed(directors)):
        director.host.run(["pkill", "-KILL", "-f", "announced --follow"])
        for vip in VIPS:
            until_hops(router, vip, *([other.number] if director is directors[0] else []), within=LIFETIME + SLACK)
