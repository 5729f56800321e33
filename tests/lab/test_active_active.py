"""active_active: several directors serve one address at once, with equal tables: a flow that a router moves stays with its server."""

import ipaddress
import json
import os
import pathlib
import signal
import subprocess

import pytest

from support.flows import Flows
from support.lvs import lvs_pid, real_server
from support.paths import program
from support.traffic import hold_address, serve
from support.wait import wait_until

FLOWS = int(os.environ.get("MAINSTAY_FLOWS", "100"))  # to each of the four services
VIPS = ("10.50.0.1", "fd00:50::1")
DIRECTORS = tuple(range(1, 1 + int(os.environ.get("MAINSTAY_DIRECTORS", "3"))))
SERVERS = (11, 12, 13, 14)
SYSCTLS = {"sloppy_tcp": "1", "sloppy_sctp": "1", "schedule_icmp": "1", "expire_nodest_conn": "1", "conn_reuse_mode": "1",
           "backup_only": "0"}


def service(vip, kind, port, servers=SERVERS, options="active_active"):
    net = "fd00:1::" if ":" in vip else "10.1.0."
    return (f"virtual_server {vip} {port} {{\n  delay_loop 1\n  lb_kind {kind}\n  protocol TCP\n  {options}\n"
            f"  announce {{\n    lifetime 3\n    drain_time 1\n  }}\n"
            + "".join(real_server(f"{net}{number} {port}") for number in servers) + "}\n")


def all_services(servers=SERVERS, options="active_active"):
    return "".join(service(vip, kind, port, servers, options) for vip in VIPS for kind, port in (("DR", 80), ("TUN", 81)))


def status(host):
    ran = host.run([program("mainstayctl"), "status", "--json"], check=False)
    return json.loads(ran.stdout)["lvs"] if ran.returncode == 0 else {"services": [], "announced": []}


def tables(host):
    """The digest of each service's table, and whether it is as the configuration demands."""
    return {one["name"]: (one["mh_table"]["digest"], one["mh_table"]["digest"] == one["mh_table"]["wanted_digest"])
            for one in status(host)["services"] if "mh_table" in one}


def sysctls(host):
    return {name: host.run(["cat", f"/proc/sys/net/ipv4/vs/{name}"]).stdout.strip() for name in SYSCTLS}


def fleet(*hosts):
    """What mainstayctl says of directors that it asks at their control sockets: its exit code, and how they differ."""
    sockets = [str(host.path("/run/mainstay/control.sock")) if host.holder else "/nowhere" for host in hosts]
    ran = subprocess.run([program("mainstayctl"), "fleet", "--json", *sockets], capture_output=True, text=True, timeout=60, check=False)
    return ran.returncode, json.loads(ran.stdout)["differences"]


def until_announced(daemon, host, wanted):
    def announced():
        return sorted(one["address"] for one in status(host)["announced"] if one["state"] == "announced")
    wait_until(lambda: announced() == sorted(wanted), 40, lambda: f"{wanted}, there is {announced()}\n{daemon.output()[-3000:]}")


def weights(host, service_name):
    """The destinations of a service, the newest first, with their weights."""
    return [(row.split()[1].rsplit(":", 1)[0], int(row.split()[5])) for row in host.ipvs()[service_name][1]]


def reload(daemon, host, text):
    host.write("/run/keepalived.conf", text)
    before = daemon.output().count("reload")
    host.run([program("mainstayctl"), "reload"])
    assert daemon.output().count("reload") >= before


@pytest.fixture
def director(lan):
    host = lan.host("director")
    host.run(["ip", "link", "set", "lo", "up"])
    return host


def local(servers, options="active_active", announce=""):
    return (f"virtual_server 10.50.0.1 80 {{\n  delay_loop 1\n  lb_kind DR\n  protocol TCP\n  {options}\n  {announce}\n"
            + "".join(real_server(f"127.1.0.{number} 80") for number in servers) + "}\n")


def test_the_table_has_a_canonical_order_and_the_kernel_the_settings_that_taking_over_needs(director):
    # effect: virtual_server: active_active
    before = sysctls(director)
    assert before != SYSCTLS
    listener = director.start(["/usr/bin/python3", "-m", "http.server", "80", "--bind", "127.1.0.12"], name="web")
    daemon = director.mainstayd(local((13, 11, 12)), "-C")
    wait_until(lambda: sysctls(director) == SYSCTLS, 20, lambda: f"{sysctls(director)}\n{daemon.output()}")

    def rows():
        return [line.split()[1:6] for line in director.run(["ipvsadm", "-Ln", "--nosort"]).stdout.splitlines() if "->" in line and ":80" in line]
    wait_until(lambda: [(row[0], row[2]) for row in rows()] == [("127.1.0.13:80", "0"), ("127.1.0.12:80", "1"), ("127.1.0.11:80", "0")], 30,
               lambda: f"{rows()}\n{daemon.output()}")
    assert "mh (mh-fallback,mh-port)" in director.run(["ipvsadm", "-Ln"]).stdout
    (digest, as_wanted), = tables(director).values()
    assert as_wanted and len(digest) == 16
    wait_until(lambda: f"mh table {digest}, as the configuration demands" in daemon.output(), 10, daemon.output)
    assert f"active_active, mh table {digest}" in director.run([program("mainstayctl"), "status"]).stdout

    # Which of its servers are up is no part of it.
    listener.stop()
    wait_until(lambda: all(row[2] == "0" for row in rows()), 30, lambda: f"{rows()}")
    assert tables(director) == {"[10.50.0.1]:tcp:80": (digest, True)}

    # Changed by somebody, and by a process of mainstay that died.
    director.sysctl(net__ipv4__vs__sloppy_tcp=0)
    wait_until(lambda: sysctls(director) == SYSCTLS, 30, lambda: f"{sysctls(director)}")
    assert "net.ipv4.vs.sloppy_tcp was changed by another program; repaired" in daemon.output()
    old = lvs_pid(daemon)
    director.run(["kill", "-9", str(old)])
    wait_until(lambda: lvs_pid(daemon) != old and tables(director), 30, daemon.output)
    daemon.stop()
    assert sysctls(director) == before


def test_a_change_of_servers_moves_nothing_that_stands_until_maintenance_puts_the_table_in_order(director):
    daemon = director.mainstayd(local((11, 13, 14)), "-C")
    wait_until(lambda: tables(director), 20, daemon.output)
    director.write("/run/keepalived.conf", local((11, 12, 14)))
    director.run([program("mainstayctl"), "reload"])

    def order():
        return [line.split()[1] for line in director.run(["ipvsadm", "-Ln", "--nosort"]).stdout.splitlines() if "-> 127" in line]
    wait_until(lambda: order() == [f"127.1.0.{n}:80" for n in (12, 14, 13, 11)], 20, lambda: f"{order()}\n{daemon.output()}")
    wait_until(lambda: [one[1] for one in tables(director).values()] == [False], 10, lambda: f"{tables(director)}")
    assert "put in order once no address of it is announced" in director.run([program("mainstayctl"), "status"]).stdout

    director.run([program("mainstayctl"), "maintenance", "on"])
    director.run([program("mainstayctl"), "maintenance", "off"])
    wait_until(lambda: order() == [f"127.1.0.{n}:80" for n in (14, 12, 11)], 20, lambda: f"{order()}\n{daemon.output()}")
    wait_until(lambda: [one[1] for one in tables(director).values()] == [True], 10, lambda: f"{tables(director)}")


def test_an_announced_service_is_put_in_order_while_its_address_is_withdrawn(director):
    web = serve(director, "web", *(f"tcp/127.1.0.{number}:80" for number in (11, 12, 13)))
    announce = "announce {\n    lifetime 3\n    drain_time 0\n  }"
    daemon = director.mainstayd(local((11, 13), announce=announce), "-C")
    until_announced(daemon, director, ["10.50.0.1"])
    director.write("/run/keepalived.conf", local((11, 12, 13), announce=announce))
    director.run([program("mainstayctl"), "reload"])
    wait_until(lambda: [one[1] for one in tables(director).values()] == [False], 20, lambda: f"{tables(director)}\n{daemon.output()}")
    until_announced(daemon, director, ["10.50.0.1"])

    web.stop()
    until_announced(daemon, director, [])
    wait_until(lambda: [one[1] for one in tables(director).values()] == [True], 20, lambda: f"{tables(director)}\n{daemon.output()}")
    serve(director, "web", *(f"tcp/127.1.0.{number}:80" for number in (11, 12, 13)))
    until_announced(daemon, director, ["10.50.0.1"])


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
