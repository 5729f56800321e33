"""What a tunnel leaves for clients' packets, and what comes of those that are larger."""

import errno
import pathlib
import re
import socket

import pytest

from support.paths import program
from support.spread import all_services, make_site, start_all
from support.vrrp import wait_ready
from support.wait import wait_until

VIP, PORT = "10.50.0.1", 81  # the service with IPIP
IP_MTU_DISCOVER, IP_PMTUDISC_DO, IP_RECVERR, IP_MTU = 10, 2, 11, 14  # linux/in.h

# "Too big" from the router, for a packet of a flow that the server has answered: of each client's port of a line of stdin.
TOO_BIG = """
import logging, socket, sys
logging.getLogger("scapy").setLevel(50)
from scapy.all import ICMP, IP, TCP
vip, vport, client = sys.argv[1], int(sys.argv[2]), sys.argv[3]
one = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
for line in sys.stdin:
    inner = IP(src=vip, dst=client, flags="DF", len=1500)/TCP(sport=vport, dport=int(line), seq=1)
    one.sendto(bytes(ICMP(type=3, code=4, nexthopmtu=1300)/inner), (vip, 0))
"""


def refused(size):
    """Sends the service a datagram of so many bytes, header included, that nobody may fragment. The error that comes back, and
    the path's MTU afterwards."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.setsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO)
        one.setsockopt(socket.IPPROTO_IP, IP_RECVERR, 1)
        one.settimeout(20)
        one.connect((VIP, 53))
        with pytest.raises(OSError) as problem:
            one.send(b"x" * (size - 28))
            one.recv(100)
        return errno.errorcode[problem.value.errno], one.getsockopt(socket.IPPROTO_IP, IP_MTU)


def test_what_is_shown_for_a_tunnel_is_what_fits(lan):
    client, router, (director,) = make_site(lan, servers=(11,), directors=(1,))
    udp = (f"virtual_server {VIP} 53 {{\n lb_algo rr\n lb_kind TUN\n protocol UDP\n"
           " real_server 10.1.0.11 53 {\n }\n}\n"
           f"virtual_server {VIP} {PORT} {{\n lb_algo rr\n lb_kind TUN\n protocol TCP\n"
           " real_server 10.1.0.11 81 {\n  TCP_CHECK {\n  }\n }\n}\n")
    wait_ready(director.mainstayd(udp))
    router.run(["ip", "route", "add", VIP, "via", "10.1.0.1"])
    director.run(["ip", "addr", "add", f"{VIP}/32", "dev", "lo"])
    wait_until(lambda: "10.1.0.11:81" in str(director.ipvs()), 30, "the server")

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
    # Nobody listens at the server, which says so of what reaches it.
    assert client.call(refused, 1480) == ("ECONNREFUSED", 1500)
    assert client.call(refused, 1481) == ("EMSGSIZE", 1480)


def test_too_big_for_a_flow_of_another_director_reaches_its_server(lan):
    """A router on the way of a server's answer complains; equal routes bring that to a director that never saw the flow."""
    _, router, directors = make_site(lan)
    start_all(directors, all_services())
    servers = {host.name: host for host in lan.hosts.values() if host.name.startswith("server")}
    router.run(["ip", "route", "add", VIP, "via", "10.1.0.2"])

    def complaints(host):
        names, numbers = re.findall(r"^Icmp: (.*)$", pathlib.Path(f"/proc/{host.pid}/net/snmp").read_text(encoding="ascii"), re.MULTILINE)
        return int(dict(zip(names.split(), numbers.split()))["InDestUnreachs"])

    sender = router.start(["/usr/bin/python3", "-c", TOO_BIG, VIP, PORT, "10.2.0.100"], pipe=True)
    reached = set()
    for port in range(40000, 40012):
        why = directors[1].run([program("mainstayctl"), "why", f"10.2.0.100:{port}", f"{VIP}:{PORT}"]).stdout
        wanted = "server" + re.search(r"10\.1\.0\.(\d+)", why)[1]
        before = {name: complaints(host) for name, host in servers.items()}

        sender.popen.stdin.write(f"{port}\n")
        sender.popen.stdin.flush()

        wait_until(lambda w=wanted, b=before: complaints(servers[w]) > b[w], 20,
                   lambda b=before: f"a complaint ({ {n: complaints(h) - b[n] for n, h in servers.items()} }): {why}")
        assert {name: complaints(host) - before[name] for name, host in servers.items()} == {
            name: int(name == wanted) for name in servers}
        reached.add(wanted)
    assert len(reached) > 1
