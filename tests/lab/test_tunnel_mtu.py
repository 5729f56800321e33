"""What a tunnel leaves for clients' packets, and what comes of those that are larger."""

import re

import pytest

from support.directors import until_announced
from support.paths import program
from support.spread import VIPS, all_services, make_site, start_all
from support.vrrp import wait_ready
from support.wait import wait_until

VIP, PORT = "10.50.0.1", 81  # the service with IPIP
HEADERS = 28  # of IPv4 and ICMP, or of IPv4 and UDP

# Sends a datagram of so many bytes, header included, that nobody may fragment, twice; prints the path's MTU afterwards.
SEND = """
import socket, sys, time
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
one.setsockopt(socket.IPPROTO_IP, 10, 2)  # IP_MTU_DISCOVER, IP_PMTUDISC_DO
one.connect((sys.argv[1], int(sys.argv[2])))
for _ in range(2):
    try:
        one.send(b"x" * (int(sys.argv[3]) - 28))
    except OSError:
        pass
    time.sleep(0.2)
print(one.getsockopt(socket.IPPROTO_IP, 14))  # IP_MTU
"""

# "Too big" from the router, for a packet of a flow that the server has answered.
TOO_BIG = """
import logging, socket, sys
logging.getLogger("scapy").setLevel(50)
from scapy.all import ICMP, IP, TCP
vip, vport, client, cport = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
inner = IP(src=vip, dst=client, flags="DF", len=1500)/TCP(sport=vport, dport=cport, seq=1)
one = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
one.sendto(bytes(ICMP(type=3, code=4, nexthopmtu=1300)/inner), (vip, 0))
"""


@pytest.fixture(name="site")
def fixture_site(lan):
    client, router, directors = make_site(lan)
    return lan, client, router, directors


def test_what_is_shown_for_a_tunnel_is_what_fits(site):
    _, client, router, (director, *_) = site
    udp = (f"virtual_server {VIP} 53 {{\n lb_algo rr\n lb_kind TUN\n protocol UDP\n"
           " real_server 10.1.0.11 53 {\n }\n}\n"
           f"virtual_server {VIP} {PORT} {{\n lb_algo rr\n lb_kind TUN\n protocol TCP\n"
           " real_server 10.1.0.11 81 {\n  TCP_CHECK {\n  }\n }\n}\n")
    wait_ready(director.mainstayd(udp))
    router.run(["ip", "route", "add", VIP, "via", "10.1.0.1"])
    director.run(["ip", "addr", "add", f"{VIP}/32", "dev", "lo"])
    wait_until(lambda: "10.1.0.11:81" in director.run(["ipvsadm", "-Ln"]).stdout, 30, "the server")

    shown = director.run([program("mainstayctl"), "ipvs", "--mtu"]).stdout

    assert shown == (
        "Prot LocalAddress:Port\n"
        "  -> RemoteAddress:Port           Forward       Route Usable   MSS\n"
        f"TCP  {VIP}:81\n"
        "  -> 10.1.0.11:81                 Tunnel IPIP    1500   1480  1440\n"
        f"UDP  {VIP}:53\n"
        "  -> 10.1.0.11:53                 Tunnel IPIP    1500   1480     -\n"
        "Larger packets of clients are dropped, and answered with ICMP \"too big\". Where that may get lost, let the servers\n"
        "ask for smaller ones; on each of them:\n"
        f"    mainstay-realserver mss 1440 {VIP} | nft -f -\n")
    send = ["/usr/bin/python3", "-c", SEND, VIP, "53"]
    assert client.run([*send, "1480"]).stdout == "1500\n"
    assert client.run([*send, "1481"]).stdout == "1480\n"


def test_too_big_for_a_flow_of_another_director_reaches_its_server(site):
    """A router on the way of a server's answer complains; equal routes bring that to a director that never saw the flow."""
    lan, _, router, directors = site
    daemons = start_all(directors, all_services())
    for daemon, host in zip(daemons, directors):
        until_announced(daemon, host, VIPS)
    servers = {host.name: host for host in lan.hosts.values() if host.name.startswith("server")}
    router.run(["ip", "route", "add", VIP, "via", "10.1.0.2"])

    def complaints(host):
        return int(re.search(r"IcmpInDestUnreachs\s+(\d+)", host.run(["nstat", "-azs", "IcmpInDestUnreachs"]).stdout)[1])

    reached = set()
    for port in range(40000, 40012):
        why = directors[1].run([program("mainstayctl"), "why", f"10.2.0.100:{port}", f"{VIP}:{PORT}"]).stdout
        wanted = "server" + re.search(r"10\.1\.0\.(\d+)", why)[1]
        before = {name: complaints(host) for name, host in servers.items()}

        router.run(["/usr/bin/python3", "-c", TOO_BIG, VIP, PORT, "10.2.0.100", port])

        wait_until(lambda w=wanted, b=before: complaints(servers[w]) > b[w], 20,
                   lambda b=before: f"a complaint ({ {n: complaints(h) - b[n] for n, h in servers.items()} }): {why}")
        assert {name: complaints(host) - before[name] for name, host in servers.items()} == {
            name: int(name == wanted) for name in servers}
        reached.add(wanted)
    assert len(reached) > 1
