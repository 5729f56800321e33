"""Packets through each way of forwarding, counted: which server answered how often, and what IPVS counted."""

import pathlib
import subprocess

import pytest

from support.lvs import listen
from support.traffic import ask, connections, hold_address, serve
from support.wait import wait_until

CLIENT, NATTED_CLIENT = "10.1.0.100", "10.1.0.101"
CLIENT6, NATTED_CLIENT6 = "fd00:1::100", "fd00:1::101"
SERVERS = {"one": 11, "two": 12}
MODULES = ["fou", "ipip", "ip_gre", "ip6_tunnel", "iptable_mangle", "ip6table_mangle", "xt_mark", "xt_tcpudp"]
VIPS = {"dr": "10.1.0.81", "tun": "10.1.0.82", "gue": "10.1.0.83", "gre": "10.1.0.84", "mark": "10.1.0.85",
        "sticky": "10.1.0.86", "range": "10.1.0.89"}


def service(address, kind, protocol="TCP", options="", port=80, server_port="", checks=""):
    net = "fd00:1::" if ":" in address.split()[0] or "inet6" in options else "10.1.0."
    servers = "".join(f"  real_server {net}{number} {server_port or port} {{\n    weight 1\n{checks}  }}\n"
                      for number in SERVERS.values())
    place = address if " " in address else f"{address} {port}"
    protocol = "" if "fwmark" in address else f"  protocol {protocol}\n"
    return f"virtual_server {place} {{\n  lb_algo rr\n  lb_kind {kind}\n{protocol}  {options}\n{servers}}}\n"


@pytest.fixture(scope="module")
def kernel_modules():
    modprobe = pathlib.Path("/proc/sys/kernel/modprobe").read_text(encoding="ascii").strip()
    for name in MODULES:
        subprocess.run([modprobe, name], check=True)


def tunnels(host):
    """Opens whatever comes wrapped."""
    host.run(["ip", "fou", "add", "port", "6080", "gue"])
    own = next(a.split("/")[0] for a in host.addresses("eth0") if a.startswith("fd00:1::"))
    host.run(["ip", "-6", "tunnel", "add", "six", "mode", "ip6ip6", "local", own, "remote", "fd00:1::5"])
    for device in ("tunl0", "gre0", "six"):
        host.run(["ip", "link", "set", device, "up"])
    for name in ("all", "default", "tunl0", "gre0"):
        host.sysctl(**{f"net__ipv4__conf__{name}__rp_filter": 0})


@pytest.fixture
def net(lan, kernel_modules):
    lan.switch("net")
    client = lan.host("client", eth0=("net", f"{CLIENT}/24", f"{NATTED_CLIENT}/24", f"{CLIENT6}/64",
                                      f"{NATTED_CLIENT6}/64"))
    director = lan.host("director", eth0=("net", "10.1.0.5/24", "fd00:1::5/64"))
    director.sysctl(net__ipv4__ip_forward=1, net__ipv6__conf__all__forwarding=1, net__ipv4__conf__all__send_redirects=0,
                    net__ipv4__conf__eth0__send_redirects=0)
    for name, number in SERVERS.items():
        host = lan.host(name, eth0=("net", f"10.1.0.{number}/24", f"fd00:1::{number}/64"))
        host.sysctl(net__ipv6__conf__all__accept_redirects=0, net__ipv6__conf__eth0__accept_redirects=0)
        host.run(["ip", "route", "add", f"{NATTED_CLIENT}/32", "via", "10.1.0.5"])
        host.run(["ip", "-6", "route", "add", f"{NATTED_CLIENT6}/128", "via", "fd00:1::5"])
    return client, director, lan.hosts["one"], lan.hosts["two"]


def use(director, *addresses):
    for address in addresses:
        length = 128 if ":" in address else 32
        # Not as the source of what the director wraps.
        six = ["nodad", "preferred_lft", "0"] if length == 128 else []
        director.run(["ip", "addr", "add", f"{address}/{length}", "dev", "eth0", *six])


def until_counted(director, wanted):
    """The kernel adds its counters up every two seconds."""
    wait_until(lambda: connections(director) == wanted, 10, lambda: f"{wanted}, there is {connections(director)}")


def mark(director, program, number, *packets):
    director.run([program, "-t", "mangle", "-A", "PREROUTING", *packets, "-j", "MARK", "--set-mark", str(number)])


def start(director, text, services):
    daemon = director.mainstayd(text, "-C")
    wait_until(lambda: len(director.ipvs()) == services, 20, lambda: daemon.output()[-3000:])
    return daemon


def test_nat_changes_address_and_port_of_tcp_and_udp_in_both_families(net):
    # effect: virtual_server: protocol real_server
    client, director, *servers = net
    use(director, "10.1.0.80", "fd00:1::80")
    for host, (name, number) in zip(servers, SERVERS.items()):
        serve(host, name, f"tcp/10.1.0.{number}:8080", f"udp/10.1.0.{number}:5353", f"tcp/fd00:1::{number}:8080")
    start(director, service("10.1.0.80", "NAT", server_port="8080")
          + service("10.1.0.80", "NAT", "UDP", port=53, server_port="5353")
          + service("fd00:1::80", "NAT", server_port="8080"), 3)

    assert ask(client, "tcp", NATTED_CLIENT, "10.1.0.80", 80) == {"one": 5, "two": 5}
    assert ask(client, "udp", NATTED_CLIENT, "10.1.0.80", 53) == {"one": 5, "two": 5}
    assert ask(client, "tcp", NATTED_CLIENT6, "fd00:1::80", 80) == {"one": 5, "two": 5}
    until_counted(director, {"TCP 10.1.0.80:80": 10, "UDP 10.1.0.80:53": 10, "TCP [fd00:1::80]:80": 10})


def test_direct_routing_and_tunnels_leave_the_packet_as_it_is(net):
    # effect: virtual_server: lb_kind lvs_method
    # effect: virtual_server/lvs_method: type port nocsum csum
    client, director, *servers = net
    own = [VIPS[kind] for kind in ("dr", "tun", "gue", "gre")] + ["fd00:1::81", "fd00:1::82"]
    use(director, *own)
    for host, name in zip(servers, SERVERS):
        tunnels(host)
        hold_address(host, *own)
        serve(host, name, *(f"tcp/{address}:80" for address in own), f"udp/{VIPS['dr']}:53", f"udp/{VIPS['gue']}:53")
    start(director, service(VIPS["dr"], "DR") + service(VIPS["dr"], "DR", "UDP", port=53) + service(VIPS["tun"], "TUN")
          + service(VIPS["gue"], "TUN type gue port 6080 csum")
          + service(VIPS["gue"], "TUN type gue port 6080 nocsum", "UDP", port=53)
          + service(VIPS["gre"], "TUN type gre").replace("lb_kind", "lvs_method")
          + service("fd00:1::81", "DR") + service("fd00:1::82", "TUN"), 8)

    answers = {address: ask(client, "tcp", CLIENT6 if ":" in address else CLIENT, address, 80) for address in own}
    assert answers == {address: {"one": 5, "two": 5} for address in own}
    for kind in ("dr", "gue"):
        assert ask(client, "udp", CLIENT, VIPS[kind], 53) == {"one": 5, "two": 5}
    until_counted(director, {kind: 10 for kind in connections(director)})
    assert len(connections(director)) == 8


@pytest.mark.nightly
def test_marks_persistence_groups_and_one_packet_scheduling_decide_who_answers(net):
    # effect: (root): virtual_server virtual_server_group
    # effect: virtual_server: persistence_timeout ops ip_family
    # effect: virtual_server_group: fwmark
    client, director, *servers = net
    group = [VIPS["range"], "10.1.0.90"]
    own = [VIPS["mark"], VIPS["sticky"], *group, "fd00:1::85"]
    use(director, *own)
    mark(director, "iptables-legacy", 5, "-d", VIPS["mark"], "-p", "tcp")
    mark(director, "ip6tables-legacy", 5, "-d", "fd00:1::85", "-p", "tcp")
    mark(director, "iptables-legacy", 6, "-d", VIPS["sticky"], "-p", "tcp", "--dport", "8000:8001")
    for host, name in zip(servers, SERVERS):
        hold_address(host, *own)
        serve(host, name, f"tcp/{VIPS['mark']}:80", f"tcp/{VIPS['mark']}:8080", "tcp/fd00:1::85:80",
              *(f"tcp/{VIPS['sticky']}:{port}" for port in (80, 8000, 8001)), f"udp/{VIPS['sticky']}:53",
              *(f"tcp/{address}:80" for address in group))
    start(director, "virtual_server_group WEB {\n  10.1.0.89-90 80\n  fwmark 6\n}\n"
          + service("fwmark 5", "DR") + service("fwmark 5", "DR", options="ip_family inet6")
          + service(VIPS["sticky"], "DR", options="persistence_timeout 60")
          + service(VIPS["sticky"], "DR", "UDP", options="ops", port=53) + service("group WEB", "DR"), 7)

    assert ask(client, "tcp", CLIENT, VIPS["mark"], 80) == {"one": 5, "two": 5}
    assert ask(client, "tcp", CLIENT, VIPS["mark"], 8080) == {"one": 5, "two": 5}
    assert ask(client, "tcp", CLIENT6, "fd00:1::85", 80) == {"one": 5, "two": 5}
    assert list(ask(client, "tcp", CLIENT, VIPS["sticky"], 80).values()) == [10]
    assert list(ask(client, "tcp", NATTED_CLIENT, VIPS["sticky"], 80).values()) == [10]
    assert ask(client, "udp", CLIENT, VIPS["sticky"], 53) == {"one": 5, "two": 5}
    for address in group:
        assert ask(client, "tcp", CLIENT, address, 80) == {"one": 5, "two": 5}
    for port in (8000, 8001):
        assert ask(client, "tcp", CLIENT, VIPS["sticky"], port) == {"one": 5, "two": 5}


def test_clients_get_the_sorry_server_alone_while_every_check_fails(net):
    # effect: virtual_server: sorry_server sorry_server_lvs_method
    client, director, one, two = net
    use(director, "10.1.0.87")
    checks = ("    TCP_CHECK {\n      connect_port 81\n      connect_timeout 2\n      retry 0\n      warmup 0\n"
              "      delay_loop 1\n    }\n")
    for host, (name, number) in zip((one, two), SERVERS.items()):
        hold_address(host, "10.1.0.87")
        serve(host, name, f"tcp/10.1.0.{number}:8080", "tcp/10.1.0.87:80")
    start(director, service("10.1.0.87", "DR", checks=checks, options="sorry_server 10.1.0.12 8080\n"
                            "  sorry_server_lvs_method NAT"), 1)
    wait_until(lambda: list(director.ipvs().values()) == [{"10.1.0.12:8080": ("Masq", 1)}], 20,
               lambda: str(director.ipvs()))
    assert ask(client, "tcp", NATTED_CLIENT, "10.1.0.87", 80) == {"two": 10}

    listen(one, "10.1.0.11:81")
    wait_until(lambda: list(director.ipvs().values()) == [{"10.1.0.11:80": ("Route", 1)}], 20,
               lambda: str(director.ipvs()))
    assert ask(client, "tcp", CLIENT, "10.1.0.87", 80) == {"one": 10}
