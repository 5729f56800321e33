"""Directors that announce through routing daemons, with the configurations of etc/examples/routing, and the router that hears them."""

import json
import os
import pathlib

from .frr import Frr
from .lvs import listen, real_server, virtual_server
from .paths import TOP, program
from .processes import family, kill_all
from .wait import wait_until

EXAMPLES = TOP / "etc" / "examples" / "routing"
LIFETIME = 3
VIPS = ("10.50.0.1", "fd00:50::1")
PATH = f"{pathlib.Path(program('mainstayctl')).parent}:{os.environ['PATH']}"  # for the scripts beside the configurations
# A program under a supervisor that starts it again, as long as the host has no file /run/ends.
RESTART_ALWAYS = 'while ! [ -e /run/ends ]; do "$0"; sleep 0.2; done'
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


def start_bfd(frr, number=1):
    """A director's BFD, which the routers of the examples want of each neighbour."""
    return frr.start("bfdd", example("frr-director.conf", number))


def with_frr(host, number):
    frr = Frr(host)
    return [frr.zebra, start_bfd(frr, number), frr.start("bgpd", example("frr-director.conf", number))]


def with_bird(host, number):
    path = host.write("/run/bird.conf", example("bird-director.conf", number) + "log stderr all;\n")
    return [host.start(["bird", "-f", "-c", path, "-s", "/run/bird.ctl", "-P", "/run/bird.pid"])]


def with_frr_ospf(host, number):
    return start_frr_ospf(Frr(host), example("frr-director-ospf.conf", number))


def with_bird_ospf(host, number):
    path = host.write("/run/bird.conf", example("bird-director-ospf.conf", number) + "log stderr all;\n")
    return [host.start(["bird", "-f", "-c", path, "-s", "/run/bird.ctl", "-P", "/run/bird.pid"])]


def start_frr_ospf(frr, text):
    """The daemons of a configuration for OSPF; zebra reads it, too: it keeps routes out of the kernel."""
    path = frr.host.write("/run/whole.conf", text)
    daemons = [frr.zebra] + [frr.start(daemon, text) for daemon in ("bfdd", "ospfd", "ospf6d")]
    frr.host.run(["vtysh", "--vty_socket", "/run/frr", "-f", path])
    return daemons


def with_exabgp(host, number):
    text = example("exabgp-director.conf", number).replace("/etc/exabgp/exabgp-announce", str(EXAMPLES / "exabgp-announce"))
    path = host.write("/run/exabgp.conf", text.replace("fd00:1::1;", f"fd00:1::{number};"))
    frr = Frr(host)
    return [frr.zebra, start_bfd(frr, number),
            host.start(["exabgp", path], env={"exabgp_api_ack": "false", "exabgp_daemon_user": "root", "PATH": PATH})]


def with_gobgp(host, number):
    path = host.write("/run/gobgpd.conf", example("gobgp-director.conf", number).replace('"10.1.0.1"', f'"10.1.0.{number}"'))
    gobgpd = host.start(["gobgpd", "-f", path, "-t", "toml", "--api-hosts", "127.0.0.1:50051"])
    wait_until(lambda: host.run(["gobgp", "neighbor"], check=False).returncode == 0, 20, gobgpd.output)
    frr = Frr(host)
    return [frr.zebra, start_bfd(frr, number), gobgpd,
            host.start(["sh", "-c", RESTART_ALWAYS, str(EXAMPLES / "gobgp-announce")], name="gobgp-announce", env={"PATH": PATH})]


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
        return family(self.daemon)[1:]

    def signal_mainstay(self, number):
        for pid in self.mainstay():
            os.kill(pid, number)
        self.daemon.send(number)

    def kill_mainstay(self):
        kill_all(family(self.daemon))
        self.daemon.wait(20)


def make_site(lan, *routing):
    """A router, and directors that speak BGP with it by these programs."""
    frr = Frr(make_router(lan))
    frr.start("bfdd", example("frr-router.conf"))
    frr.start("bgpd", example("frr-router.conf"))
    return frr.host, [Director(lan, number, one) for number, one in enumerate(routing, 1)], frr


def make_ospf_site(lan, *routing):
    """The same with OSPF."""
    frr = Frr(make_router(lan))
    start_frr_ospf(frr, example("frr-router-ospf.conf"))
    return frr.host, [Director(lan, number, one) for number, one in enumerate(routing, 1)], frr


def make_router(lan):
    lan.switch("core")
    router = lan.host("router", eth0=("core", "10.1.0.254/24", "fd00:1::fe/64"))
    router.run(["ip", "link", "set", "lo", "up"])
    return router


def until_hops(router, vip, *numbers, within=120):
    count = len(numbers)
    wait_until(lambda: len(next_hops(router, vip)) == count, within, lambda: f"{count} directors for {vip}, there are {next_hops(router, vip)}", 0.02)
