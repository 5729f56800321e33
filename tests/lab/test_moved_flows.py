"""active_active: flows that routers move from one director to another stay with their servers."""

import json
import os
import pathlib
import signal
import subprocess

import pytest

from support.directors import fleet, status, tables, until_announced
from support.flows import Flows
from support.lvs import real_server
from support.paths import program
from support.processes import family
from support.traffic import hold_address, serve
from support.vrrp import partition
from support.wait import wait_until

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


@pytest.fixture
def site(lan):
    """A client behind a router that spreads flows over three directors, and four servers that answer it directly."""
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
    for number in SERVERS:
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
    directors = [lan.host(f"director{number}", eth0=("core", f"10.1.0.{number}/24", f"fd00:1::{number}/64")) for number in DIRECTORS]
    for host in directors:
        host.run(["ip", "link", "set", "lo", "up"])
        host.run(["ip", "route", "add", "default", "via", "10.1.0.254"])
        host.run(["ip", "-6", "route", "add", "default", "via", "fd00:1::fe"])
        host.sysctl(net__ipv4__ip_forward=1, net__ipv6__conf__all__forwarding=1, net__ipv4__conf__all__rp_filter=0,
                    net__ipv4__conf__eth0__rp_filter=0, net__ipv4__conf__all__send_redirects=0, net__ipv4__conf__eth0__send_redirects=0)
    return client, router, directors


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


def test_flows_keep_their_servers_when_directors_die_drain_and_come_back(site):
    client, router, directors = site
    text = all_services()
    daemons = start_all(directors, text, histories=[(11, 14), (12, 11, 13)])
    for host in directors[:2]:  # they have been through changes of servers: in order after maintenance
        host.run([program("mainstayctl"), "maintenance", "on"])
        wait_until(lambda: all(one["state"] == "withdrawn" for one in status(host)["announced"]), 30, lambda: f"{status(host)['announced']}")
        host.run([program("mainstayctl"), "maintenance", "off"])
    for daemon, host in zip(daemons, directors):
        until_announced(daemon, host, VIPS)
    digests = [tables(host) for host in directors]
    assert all(one == digests[0] for one in digests) and len(digests[0]) == 4
    assert all(as_wanted for _, as_wanted in digests[0].values())
    assert fleet(*directors) == (0, [])

    spread(router, *DIRECTORS)
    flows = Flows(client, FLOWS, *PLACES)
    assert flows.count == 4 * FLOWS and flows.lost() == 0

    daemons[0].send(signal.SIGKILL)
    directors[0].kill()
    spread(router, *DIRECTORS[1:])
    assert flows.lost() == 0, "flows of a director that is gone"
    assert fleet(*directors)[0] == 2
    spread(router, *DIRECTORS[2:])
    assert flows.lost() == 0, "flows of a director that drains"
    spread(router, *DIRECTORS[1:])
    assert flows.lost() == 0, "flows that come back"

    # An upgrade, and new flows meanwhile.
    more = Flows(client, FLOWS, *PLACES)
    directors[1].run([program("mainstayctl"), "upgrade"], timeout=90)
    assert flows.lost() == 0 and more.lost() == 0
    assert tables(directors[1]) == tables(directors[2])


def test_without_active_active_a_router_that_moves_flows_resets_them(site):
    """What the setting is for; and that the test before this one can fail."""
    client, router, directors = site
    start_all(directors, all_services(options="lb_algo wrr"))
    spread(router, *DIRECTORS)
    flows = Flows(client, FLOWS, *PLACES)
    assert flows.lost() == 0
    spread(router, *DIRECTORS[1:])
    assert flows.lost() > 0


def announced(host):
    """The addresses that a routing daemon on it would announce."""
    shown = host.run(["ip", "-json", "address", "show", "dev", "ms-vip"]).stdout
    return sorted(one["local"] for link in json.loads(shown) for one in link.get("addr_info", []) if one["scope"] == "global")


def test_flows_survive_directors_that_freeze_or_are_cut_off_and_servers_that_come(lan, site):
    client, router, directors = site
    daemons = start_all(directors, all_services(SERVERS[:3]))
    spread(router, *DIRECTORS)
    flows = Flows(client, FLOWS, *PLACES)
    assert flows.count == 4 * FLOWS and flows.lost() == 0

    # Its kernel withdraws the addresses and forwards on, until the routers have noticed and afterwards.
    frozen = family(daemons[0])
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: announced(directors[0]) == [], 10, lambda: f"{announced(directors[0])}")
    assert flows.lost() == 0, "flows of a frozen director that still has its routes"
    spread(router, *DIRECTORS[1:])
    assert flows.lost() == 0, "flows that left a frozen director"
    for pid in frozen:
        os.kill(pid, signal.SIGCONT)
    until_announced(daemons[0], directors[0], VIPS)
    spread(router, *DIRECTORS)
    assert flows.lost() == 0, "flows that come back to it"

    partition(lan, directors[1], switch="core")
    spread(router, *(number for number in DIRECTORS if number != DIRECTORS[1]))
    assert flows.lost() == 0, "flows of a director that is cut off"
    partition(lan, directors[1], cut=False, switch="core")
    spread(router, *DIRECTORS)
    assert flows.lost() == 0, "flows that come back to it"

    # A server more on each director, one director after the other: their tables differ meanwhile.
    for host in directors:
        host.write("/run/keepalived.conf", all_services())
        host.run([program("mainstayctl"), "reload"])
        wait_until(lambda host=host: all(len(one["servers"]) == 4 for one in status(host)["services"]), 30, lambda: f"{status(host)}")
        assert flows.lost() == 0, "flows while servers come"
    wait_until(lambda: fleet(*directors) == (0, []), 30, lambda: f"{fleet(*directors)}")
    more = Flows(client, FLOWS, *PLACES)
    assert more.lost() == 0
    # New flows, made with the new tables, are anybody's; older ones are theirs that know them.
    spread(router, *DIRECTORS[1:])
    assert more.lost() == 0, "flows made with equal tables"


MESH = "global_defs {\n  lvs_sync_daemon eth0 id 7\n}\n"  # without an instance: every director sends and receives


def connections(host):
    return len(host.run(["cat", "/proc/net/ip_vs_conn"]).stdout.splitlines()) - 1


@pytest.mark.parametrize("mesh", [True, False], ids=["mesh", "alone"])
def test_flows_of_a_server_that_is_removed_while_routers_move_them_need_the_mesh(site, mesh):
    client, router, directors = site
    before = MESH if mesh else ""
    daemons = start_all(directors, before + all_services(), [])
    for host in directors if not mesh else ():
        assert "sync" not in host.run(["ipvsadm", "-L", "--daemon"]).stdout
    spread(router, *DIRECTORS)
    flows = Flows(client, FLOWS, *PLACES)
    assert flows.lost() == 0 and flows.lost() == 0  # some packets in each, so that the kernel sends word of it
    if mesh:
        wait_until(lambda: all(connections(host) >= flows.count for host in directors), 60, lambda: f"{[connections(host) for host in directors]}")

    for host in directors:
        host.write("/run/keepalived.conf", before + all_services(SERVERS[1:]))
        host.run([program("mainstayctl"), "reload"])
    for host in directors:
        wait_until(lambda host=host: [as_wanted for _, as_wanted in tables(host).values()] == [False] * 4, 30, lambda: f"{tables(host)}")
    assert all(tables(host) == tables(directors[0]) for host in directors)
    assert flows.lost() == 0, "the director that knows a flow keeps it where it is"
    assert fleet(*directors) == (0, [])
    directors[0].write("/run/keepalived.conf", before + all_services())
    directors[0].run([program("mainstayctl"), "reload"])
    status_code, differences = fleet(*directors)
    assert status_code == 1 and len(differences) == 4 and all(line.startswith("servers of ") for line in differences), differences
    directors[0].write("/run/keepalived.conf", before + all_services(SERVERS[1:]))
    directors[0].run([program("mainstayctl"), "reload"])

    daemons[0].send(signal.SIGKILL)
    directors[0].kill()
    spread(router, *DIRECTORS[1:])
    lost = flows.lost()
    print(f"{lost} of {flows.count} flows lost with a server and a director gone, {'with' if mesh else 'without'} the mesh")
    assert (lost == 0) if mesh else 0 < lost < flows.count / 2
