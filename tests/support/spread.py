"""Directors that give each flow to the same server, behind a router that spreads flows over them by equal routes."""

import os
import pathlib
import subprocess

from .directors import until_announced
from .lvs import real_server
from .paths import program
from .traffic import hold_address, serve

FLOWS = int(os.environ.get("MAINSTAY_FLOWS", "50"))  # to each of the four services
VIPS = ("10.50.0.1", "fd00:50::1")
DIRECTORS = tuple(range(1, 1 + int(os.environ.get("MAINSTAY_DIRECTORS", "3"))))
SERVERS = (11, 12, 13, 14)


def service(vip, kind, port, servers=SERVERS, options="active_active"):
    net = "fd00:1::" if ":" in vip else "10.1.0."
    return (f"virtual_server {vip} {port} {{\n  delay_loop 1\n  lb_kind {kind}\n  protocol TCP\n  {options}\n"
            f"  announce {{\n    lifetime 3\n    drain_time 1\n  }}\n"
            + "".join(real_server(f"{net}{number} {port}") for number in servers) + "}\n")


def all_services(servers=SERVERS, options="active_active"):
    return "".join(service(vip, kind, port, servers, options) for vip in VIPS for kind, port in (("DR", 80), ("TUN", 81)))


def make_site(lan, servers=SERVERS, directors=DIRECTORS):
    """A client behind a router that spreads flows over three directors, and four servers that answer it directly; or fewer."""
    modprobe = pathlib.Path("/proc/sys/kernel/modprobe").read_text(encoding="ascii").strip()
    for name in ("ipip", "ip6_tunnel"):
        subprocess.run([modprobe, name], check=True)
    lan.switch("office")
    lan.switch("core")
    client = lan.host("client", eth0=("office", "10.2.0.100/24", "fd00:2::100/64"))
    router = lan.host("router", eth0=("office", "10.2.0.254/24", "fd00:2::fe/64"), eth1=("core", "10.1.0.254/24", "fd00:1::fe/64"))
    router.sysctl(net__ipv4__ip_forward=1, net__ipv6__conf__all__forwarding=1, net__ipv4__fib_multipath_hash_policy=1,
                  net__ipv6__fib_multipath_hash_policy=1)
    client.run(["ip", "route", "add", "default", "via", "10.2.0.254"])
    client.run(["ip", "-6", "route", "add", "default", "via", "fd00:2::fe"])
    for number in servers:
        server = lan.host(f"server{number}", eth0=("core", f"10.1.0.{number}/24", f"fd00:1::{number}/64"))
        server.run(["ip", "route", "add", "default", "via", "10.1.0.254"])
        server.run(["ip", "-6", "route", "add", "default", "via", "fd00:1::fe"])
        for device in ("tunl0", "ip6tnl0", "lo"):
            server.run(["ip", "link", "set", device, "up"])
        for name in ("all", "default", "eth0", "tunl0"):
            server.sysctl(**{f"net__ipv4__conf__{name}__rp_filter": 0})
        hold_address(server, *VIPS)
        serve(server, f"server{number}", *(f"tcp/{address}:{port}" for port in (80, 81)
                                           for address in (*VIPS, f"10.1.0.{number}", f"fd00:1::{number}")))
    hosts = [lan.host(f"director{number}", eth0=("core", f"10.1.0.{number}/24", f"fd00:1::{number}/64")) for number in directors]
    for host in hosts:
        host.run(["ip", "link", "set", "lo", "up"])
        host.run(["ip", "route", "add", "default", "via", "10.1.0.254"])
        host.run(["ip", "-6", "route", "add", "default", "via", "fd00:1::fe"])
        host.sysctl(net__ipv4__ip_forward=1, net__ipv6__conf__all__forwarding=1, net__ipv4__conf__all__rp_filter=0,
                    net__ipv4__conf__eth0__rp_filter=0, net__ipv4__conf__all__send_redirects=0, net__ipv4__conf__eth0__send_redirects=0)
    return client, router, hosts


def spread(router, *numbers):
    """What a router does when these directors announce."""
    for vip in VIPS:
        net = "fd00:1::" if ":" in vip else "10.1.0."
        hops = [word for number in numbers for word in ("nexthop", "via", f"{net}{number}")]
        router.run(["ip", "-6" if ":" in vip else "-4", "route", "replace", vip, *hops])


PLACES = [f"{vip}:{port}" for vip in VIPS for port in (80, 81)]


def start_all(directors, text, histories=()):
    """Starts mainstay on each; those with a history had other servers before."""
    daemons = []
    for number, host in enumerate(directors):
        servers = histories[number] if number < len(histories) else None
        daemons.append(host.mainstayd(all_services(servers) if servers else text, "-C"))
    for daemon, host in zip(daemons, directors):
        until_announced(daemon, host, VIPS)
    for number, host in enumerate(directors[:len(histories)]):
        host.write("/run/keepalived.conf", text)
        host.run([program("mainstayctl"), "reload"])
    return daemons
