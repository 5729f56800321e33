"""Health checks of every kind, as a whole daemon runs them: what their options do on the wire, and what follows a file, a BFD
session or a script. The verdicts are in the status; the log has keepalived's words. The kernel needs no IPVS for it.

What is asked of web servers, health services and agents: test_web_checks.py. Verdicts in the kernel's table: lab/test_checks.py.
"""

import re
import signal

import pytest

from support.capture import Capture
from support.checks import SERVERS, Agent, results, serve_health, servers, start_server, until_alive
from support.config_map import ConfigMap
from support.lvs import virtual_server
from support.vrrp import logged, reload, wait_ready
from support.wait import stays, wait_until
from support.why import wait_why
from support.web import Web, make_certificate

PORTS = {"TCP_CHECK": 2500, "SMTP_CHECK": 2500, "DNS_CHECK": 5300, "UDP_CHECK": 5400, "PING_CHECK": 7, "HTTP_GET": 8080,
         "SSL_GET": 8443, "AGENT_CHECK": 8081, "GRPC_CHECK": 8082}
REQUIRED = {"UDP_CHECK": "require_reply\n", "HTTP_GET": "url {\npath /\n}\n", "SSL_GET": "url {\npath /\n}\n"}
WEB = "192.168.4.20"
VS = "[10.0.0.1]:tcp:80"
FAST = "delay_loop 1\nretry 1\ndelay_before_retry 0.1\nconnect_timeout 1\nwarmup 0\n"


def service(*real_servers, options="delay_loop 1"):
    return virtual_server("10.0.0.1 80", *real_servers, options=options)


def real_server(number, check, options="weight 1"):
    return f"real_server 10.0.1.{number} 80 {{\n{options}\n{check}}}\n"


def block(kind, lines, fast=FAST):
    return f"{kind} {{\n{REQUIRED.get(kind, '')}{fast}{lines}\n}}\n"


@pytest.fixture
def director(lan):
    """A director with two cables, and on the first of them a host with the servers that are looked at."""
    lan.switch("office")
    lan.switch("elsewhere")
    host = lan.host("director", eth0=("office", "192.168.4.5/24", "192.168.4.6/24"),
                    eth1=("elsewhere", "192.168.5.5/24"))
    host.web = lan.host("web", eth0=("office", WEB + "/24"))
    host.program = start_server(host.web, SERVERS, name="servers")
    return host


# The family of a packet in nftables' words, by the protocol of the check.
PACKETS = {"DNS_CHECK": "udp dport 5300", "UDP_CHECK": "udp dport 5400", "PING_CHECK": "icmp type echo-request"}


def test_every_connecting_check_goes_where_and_from_where_it_is_told(director):
    # effect: virtual_server/real_server: PING_CHECK UDP_CHECK DNS_CHECK SMTP_CHECK TCP_CHECK
    # effect: virtual_server/real_server/TCP_CHECK: connect_ip connect_port bindto bind_port bind_if fwmark
    # effect: virtual_server/real_server/UDP_CHECK: connect_ip connect_port bindto bind_port bind_if fwmark
    # effect: virtual_server/real_server/DNS_CHECK: connect_ip connect_port bindto bind_port bind_if fwmark
    # effect: virtual_server/real_server/SMTP_CHECK: connect_ip connect_port bindto bind_port bind_if fwmark
    # effect: virtual_server/real_server/PING_CHECK: connect_ip connect_port bindto bind_port bind_if fwmark
    # effect: virtual_server/real_server/HTTP_GET: connect_ip connect_port bindto bind_port bind_if fwmark
    # effect: virtual_server/real_server/SSL_GET: connect_ip connect_port bindto bind_port bind_if fwmark
    # effect: virtual_server/real_server/AGENT_CHECK: connect_ip connect_port bindto bind_port bind_if fwmark
    # effect: virtual_server/real_server/GRPC_CHECK: connect_ip connect_port bindto bind_port bind_if fwmark
    webs = {"HTTP_GET": Web(director.web, f"{WEB}:8080", "/run/http"),
            "SSL_GET": Web(director.web, f"{WEB}:8443", "/run/https", tls=make_certificate(director.web, "web"))}
    for web in webs.values():
        web.answer("/", 200, "good")
    own = {"AGENT_CHECK": Agent(director.web, 8081).process, "GRPC_CHECK": serve_health(director.web, 8082)}
    # What is marked 7 goes nowhere; what is marked 8 is counted.
    director.run(["ip", "rule", "add", "fwmark", "7", "unreachable"])
    packets = {kind: PACKETS.get(kind, f"tcp dport {port}") for kind, port in PORTS.items()}
    director.run(["nft", "add table ip t; add chain ip t out { type filter hook output priority 0; }; "
                  + "; ".join(f"add rule ip t out meta mark 8 ip daddr {WEB} {match} counter" for match in packets.values())])
    checks, wanted = [], {}
    for k, (kind, port) in enumerate(PORTS.items()):
        there = f"connect_ip {WEB}\nconnect_port {port}\n"
        for n, (more, alive) in enumerate([
                ("", True),
                (f"bindto 192.168.4.6\nbind_port {30000 + k}\n", True),
                ("fwmark 7\n", False),
                ("fwmark 8\n", True),
                ("bind_if eth1\n", False),
                ("bind_if eth0\n", True)]):
            number = 10 * (k + 1) + n
            checks.append(real_server(number, block(kind, there + more)))
            wanted[number] = alive
    with Capture(director.web, "eth0", "icmp") as echoes:
        daemon = director.mainstayd(service(*checks), "-C")
        until_alive(director, daemon, wanted)
        from scapy.all import ICMP, IP  # pylint: disable=import-outside-toplevel
        wait_until(lambda: any(p[IP].src == "192.168.4.6" and p[ICMP].type == 8 and p[ICMP].id == 30004
                               for p in echoes.packets() if ICMP in p), 20, lambda: echoes.packets())
    for k, (kind, port) in enumerate(PORTS.items()):
        if kind in webs:
            assert ("192.168.4.6", 30000 + k) in [(note["peer"], note["port"]) for note in webs[kind].noted()]
        elif kind in own:
            assert f"from 192.168.4.6 {30000 + k} " in own[kind].output()
        elif kind != "PING_CHECK":
            assert f"from {port} 192.168.4.6 {30000 + k}\n" in director.program.output()
    counted = director.run(["nft", "list", "table", "ip", "t"]).stdout
    found = dict(zip(packets, map(int, re.findall(r"packets (\d+)", counted))))
    # The handshake and what follows, or one datagram.
    assert [kind for kind in PORTS if found[kind] < (1 if kind in PACKETS else 3)] == [], counted


# What stands in the way -> the reason for a check over a connection, and for one with datagrams.
IN_THE_WAY = {
    "blackhole": ("connect: invalid argument (a blackhole route?)", "connect: Invalid argument (a blackhole route?)"),
    "prohibit": ("connect: permission denied (prohibited by a route or a firewall?)",
                 "connect: Permission denied (prohibited by a route or a firewall?)"),
    "unreachable": ("no route to host", "connect: No route to host"),
    "drop": ("timed out after 1 s", "send: Operation not permitted (this host's firewall?)"),
    "reject with icmp type prot-unreachable": ("connect: protocol not available",
                                               "send: Operation not permitted (this host's firewall?)")}
FALLEN = {"TCP_CHECK": "TCP_CHECK on service {} failed.", "HTTP_GET": "HTTP_CHECK on service {} failed",
          "SSL_GET": "SSL_CHECK on service {} failed", "SMTP_CHECK": "SMTP_CHECK Could not connect to server [10.8.{}.1]:2500",
          "DNS_CHECK": "DNS_CHECK ({}) connection failed", "UDP_CHECK": "UDP_CHECK on service {} failed.",
          "PING_CHECK": "ICMP CHECK on service {} failed.", "AGENT_CHECK": "AGENT_CHECK on service {} failed.",
          "GRPC_CHECK": "GRPC_CHECK on service {} failed."}


def test_a_server_that_this_host_itself_keeps_from_being_reached_has_failed_whatever_checks_it(director):
    """Debian's keepalived 2.2.7, seen on a kernel with IPVS: behind a blackhole or prohibit route the servers with TCP_CHECK,
    HTTP_GET, SSL_GET, SMTP_CHECK and DNS_CHECK stay in the table ("socket connect error 22 - Invalid argument", then "TCP socket
    bind failed. Rescheduling." each time); those with UDP_CHECK ("UDP connect error 22") and PING_CHECK ("send ICMP packet
    fail") are taken out. Behind an unreachable or throw route all are taken out."""
    checks, wanted = [], {}
    for way, (action, reasons) in enumerate(IN_THE_WAY.items(), 1):
        if " " in action or action == "drop":
            director.run(["ip", "route", "add", f"10.8.{way}.0/24", "via", WEB])
            director.run(["nft", "add table ip t; add chain ip t out { type filter hook output priority 0; }; "
                          f"add rule ip t out ip daddr 10.8.{way}.0/24 {action}"])
        else:
            director.run(["ip", "route", "add", action, f"10.8.{way}.0/24"])
        for k, (kind, port) in enumerate(PORTS.items(), 1):
            checks.append(real_server(10 * way + k, block(kind, f"connect_ip 10.8.{way}.1\nconnect_port {port}\n")))
            wanted[10 * way + k] = reasons[kind in PACKETS]
    daemon = director.mainstayd(service(*checks), "-C")
    until_alive(director, daemon, {number: False for number in wanted})
    assert results(director) == wanted

    log = daemon.output()
    assert "could not be run" not in log
    for way, action in enumerate(IN_THE_WAY, 1):
        for k, kind in enumerate(PORTS, 1):
            rs = f"[10.0.1.{10 * way + k}]:tcp:80"
            assert f"Removing service {rs} from VS {VS}" in log
            assert f"{rs} of VS {VS} is DOWN: {wanted[10 * way + k]}\n" in log
            if action in ("blackhole", "prohibit"):
                assert FALLEN[kind].format(way if kind == "SMTP_CHECK" else rs) in log
    wait_why(director, "10.0.1.11:80", "[10.0.1.11]:tcp:80 is out of the table since NOW because TCP_CHECK 10.8.1.1:2500 failed: "
             "connect: invalid argument (a blackhole route?) (N failures in a row, last T ago, took T)")

    director.web.run(["ip", "addr", "add", "10.8.1.1/32", "dev", "lo"])
    director.run(["ip", "route", "replace", "10.8.1.0/24", "via", WEB])
    until_alive(director, daemon, {11: True, 12: True, 15: True, 21: False})  # TCP, SMTP and PING, and TCP elsewhere


KINDS = {"TCP_CHECK": 1, "HTTP_GET": 2, "SSL_GET": 3}
SUCCESS = {"TCP_CHECK": "TCP connection to {} success.", "HTTP_GET": "Remote Web server {} succeed on service.",
           "SSL_GET": "Remote Web server {} succeed on service."}
FAILURE = {"TCP_CHECK": "TCP_CHECK", "HTTP_GET": "HTTP_CHECK", "SSL_GET": "SSL_CHECK"}
TRIED = {"TCP_CHECK": "TCP connection to {} failed.", "HTTP_GET": "Error connecting server {}.",
         "SSL_GET": "Error connecting server {}."}


def local(number):
    return f"[127.0.0.{number}]:tcp:80"


def local_server(number, kind, lines):
    return f"real_server 127.0.0.{number} 80 {{\n{block(kind, lines, '')}}}\n"


def serve_kind(host, kind, number):
    """What a check of this kind finds good, at 127.0.0.NUMBER:80."""
    web = Web(host, f"127.0.0.{number}:80", f"/run/web{number}", tls=make_certificate(host, "web") if kind == "SSL_GET" else ())
    web.answer("/", 200, "good")
    return web


@pytest.mark.parametrize("switch", ["log_all_failures", "checker_log_all_failures"])
def test_a_check_is_repeated_tolerated_and_reported_as_configured(lan, switch):
    # effect: virtual_server/real_server/TCP_CHECK: retry delay_before_retry delay_loop warmup log_all_failures
    # effect: virtual_server/real_server/HTTP_GET: retry delay_before_retry delay_loop warmup log_all_failures
    # effect: virtual_server/real_server/SSL_GET: retry delay_before_retry delay_loop warmup log_all_failures
    # effect: virtual_server/real_server/HTTP_GET: nb_get_retry
    # effect: virtual_server/real_server/SSL_GET: nb_get_retry
    # effect: virtual_server/real_server: TCP_CHECK HTTP_GET SSL_GET
    # effect: global_defs: checker_log_all_failures
    director = lan.host("director")
    own = switch == "log_all_failures"
    options = "delay_loop 0.5\nretry 2\ndelay_before_retry 0.2\nwarmup 0\n" + (f"{switch}\n" if own else "")
    # Servers 4 and 5 have the old name of retry.
    old = "delay_loop 0.3\nnb_get_retry 3\ndelay_before_retry 0.1\nwarmup 0\n"
    checked = [(number, kind, options) for kind, number in KINDS.items()] + [(4, "HTTP_GET", old), (5, "SSL_GET", old)]
    webs = [serve_kind(director, kind, number) for number, kind, _ in checked]
    daemon = director.mainstayd(("" if own else f"global_defs {{\n{switch}\n}}\n")
                                + service(*(local_server(*one) for one in checked)), "-C")

    def says(line, number, times=1):
        line = line.format(local(number))
        wait_until(lambda: daemon.output().count(line) >= times, 30, lambda: f"{line!r} in:\n{daemon.output()}")

    for number, kind, _ in checked:
        says(SUCCESS[kind], number)
    assert "nb_get_retry" in daemon.output()
    for web in webs[:3]:
        times = [note["at"] for note in web.wait_asked(5)]
        assert times[4] - times[1] == pytest.approx(1.5, abs=0.45)

    for web in webs:
        web.process.stop(signal.SIGKILL)
    for number, kind, lines in checked:
        says(FAILURE[kind] + " on service {} failed after " + f"{3 if lines is old else 2} retries.", number)
        says("Removing service {} from VS " + VS, number)
        if lines is options:
            assert daemon.output().count(TRIED[kind].format(local(number))) == 3
        elif own:
            assert daemon.output().count(TRIED[kind].format(local(number))) < 3

    for number, kind, _ in checked[:3]:
        serve_kind(director, kind, number)
        says(SUCCESS[kind], number, 2)
        says("Adding service {} to VS " + VS, number)


def test_alpha_begins_down_and_the_first_success_brings_the_server_up(lan):
    # effect: virtual_server/real_server/TCP_CHECK: alpha
    # effect: virtual_server/real_server/HTTP_GET: alpha
    # effect: virtual_server/real_server/SSL_GET: alpha
    director = lan.host("director")
    alpha = "alpha\ndelay_loop 0.3\nretry 0\nwarmup 0\n"
    daemon = director.mainstayd(service(*(local_server(number, kind, alpha) for kind, number in KINDS.items())), "-C")
    for kind, number in KINDS.items():
        logged(daemon, f"{FAILURE[kind]} on service {local(number)} failed.", 30)
    assert "Adding service" not in daemon.output()

    for kind, number in KINDS.items():
        serve_kind(director, kind, number)
    for kind, number in KINDS.items():
        logged(daemon, f"Adding service {local(number)} to VS {VS}", 30)


def test_a_server_that_never_answers_a_connection_has_the_nearest_connect_timeout(lan):
    # effect: virtual_server: connect_timeout
    # effect: virtual_server/real_server: connect_timeout
    # effect: virtual_server/real_server/TCP_CHECK: connect_timeout
    # effect: virtual_server/real_server/HTTP_GET: connect_timeout
    # effect: virtual_server/real_server/SSL_GET: connect_timeout
    # effect: virtual_server/real_server/AGENT_CHECK: connect_timeout
    # effect: virtual_server/real_server/GRPC_CHECK: connect_timeout
    lan.switch("office")
    host = lan.host("director", eth0=("office", "192.168.4.5/24"))
    # A neighbour that nobody is: no answer and no error.
    host.run(["ip", "neigh", "add", "192.168.4.99", "lladdr", "02:00:00:00:00:09", "dev", "eth0"])
    there, servers_own = "connect_ip 192.168.4.99\nwarmup 0\n", "connect_timeout 0.6"
    kinds = ("TCP_CHECK", "HTTP_GET", "SSL_GET", "AGENT_CHECK", "GRPC_CHECK")
    daemon = wait_ready(host.mainstayd(service(
        real_server(1, block("TCP_CHECK", there, "")), real_server(2, block("TCP_CHECK", there, ""), servers_own),
        *(real_server(3 + n, block(kind, f"{there}connect_timeout 0.{3 + n}", ""), servers_own) for n, kind in enumerate(kinds)),
        options="delay_loop 1\nconnect_timeout 0.9"), "-C"))

    times = {1: 0.9, 2: 0.6, 3: 0.3, 4: 0.4, 5: 0.5, 6: 0.6, 7: 0.7}
    wait_until(lambda: results(host) == {n: f"timed out after {time} s" for n, time in times.items()}, 20,
               lambda: f"{results(host)}\n{daemon.output()}")
    for n, name in enumerate(("TCP_CHECK", "HTTP_CHECK", "SSL_CHECK", "AGENT_CHECK", "GRPC_CHECK")):
        logged(daemon, f"{name} on service [10.0.1.{3 + n}]:tcp:80 failed", 30)


def test_what_the_servers_answer_is_logged_in_keepalived_s_words(director):
    # effect: virtual_server/real_server/SMTP_CHECK: host
    # effect: virtual_server/real_server/SMTP_CHECK/host: connect_ip connect_port connect_timeout
    # effect: virtual_server/real_server/SMTP_CHECK/host: retry delay_before_retry warmup delay_loop
    hosts = (f"helo_name probe.example.org\nhost {{\nconnect_ip {WEB}\nconnect_port 2500\n{FAST}}}\n"
             f"host {{\nconnect_ip {WEB}\nconnect_port 2599\nretry 1\ndelay_before_retry 0.1\nwarmup 0\n"
             "delay_loop 1\nconnect_timeout 1\n}\n")
    there = f"connect_ip {WEB}\nconnect_port "
    text = service(
        real_server(1, block("UDP_CHECK", there + "5400")), real_server(2, block("DNS_CHECK", there + "5300")),
        real_server(3, block("SMTP_CHECK", there + "2500")), real_server(4, block("PING_CHECK", there + "1")),
        real_server(5, f"SMTP_CHECK {{\n{hosts}}}\n"))
    daemon = director.mainstayd(text, "-C")
    until_alive(director, daemon, {1: True, 2: True, 3: True, 4: True, 5: False})
    rs = "[10.0.1.{}]:tcp:80".format

    def says(*lines):
        wait_until(lambda: all(line in daemon.output() for line in lines), 30, lambda: f"{lines}\n{daemon.output()}")

    says(f"UDP connection to {rs(1)} success.", f"Remote SMTP server {rs(3)} succeed on service.",
         f"ICMP connection to {rs(4)} success.",
         f"SMTP_CHECK Could not connect to server [{WEB}]:2599")
    assert len(servers(director)[5]["checks"]) == 2
    wait_until(lambda: "helo probe.example.org" in director.program.output(), 20, lambda: director.program.output())

    director.web.write("/run/mode", "down")
    director.web.sysctl(net__ipv4__icmp_echo_ignore_all=1)
    says(f"UDP_CHECK on service {rs(1)} failed after 1 retries.",
         f"DNS_CHECK ({rs(2)}) read timeout from socket after 1 retries",
         f"SMTP_CHECK Bad greeting banner from server [{WEB}]:2500",
         f"ICMP CHECK on service {rs(4)} of [10.0.0.1]:tcp:80 failed after 1 retries.")
    until_alive(director, daemon, {1: False, 2: False, 3: False, 4: False})

    director.web.write("/run/mode", "up")
    director.web.sysctl(net__ipv4__icmp_echo_ignore_all=0)
    until_alive(director, daemon, {1: True, 2: True, 3: True, 4: True, 5: False})


def test_a_host_of_an_smtp_check_has_options_of_its_own(director):
    # effect: virtual_server/real_server/SMTP_CHECK/host: bindto bind_port bind_if fwmark alpha log_all_failures
    director.run(["ip", "rule", "add", "fwmark", "7", "unreachable"])  # what is marked 7 goes nowhere

    def hosts(lines):
        return f"SMTP_CHECK {{\n{FAST}host {{\nconnect_ip {WEB}\nconnect_port 2500\n{lines}\n}}\n}}\n"
    daemon = director.mainstayd(service(
        real_server(1, hosts("bindto 192.168.4.6\nbind_port 30009")), real_server(2, hosts("fwmark 7")),
        real_server(3, hosts("bind_if eth1\nlog_all_failures")),
        real_server(4, hosts("alpha\nwarmup 3600"))), "-C")
    until_alive(director, daemon, {1: True, 2: False, 3: False})
    assert "from 2500 192.168.4.6 30009\n" in director.program.output()
    assert servers(director)[4]["alive"] is False
    wait_until(lambda: daemon.output().count(f"server [{WEB}]:2500") >= 3, 20, lambda: daemon.output())


def test_files_set_weights_and_take_servers_out_without_a_timer(director):
    # effect: virtual_server/real_server: FILE_CHECK
    # effect: virtual_server/real_server/FILE_CHECK: track_file weight
    director.write("/run/load", "0\n")
    files = ("track_file load {\nfile /run/load\nweight 1\n}\ntrack_file gone {\nfile /run/gone\nweight 0\n}\n")

    def text(weight):
        return files + service(
            real_server(1, f"FILE_CHECK {{\ntrack_file load\nweight {weight}\n}}\n", "weight 5"),
            real_server(2, "FILE_CHECK {\ntrack_file load\n}\n", "weight 5"),
            real_server(3, "FILE_CHECK {\ntrack_file gone\n}\n", "weight 5"),
            real_server(4, "FILE_CHECK {\ntrack_file nowhere\n}\n", "weight 5"))

    daemon = director.mainstayd(text(2), "-C")

    def weights(**wanted):
        want = {int(n[1:]): w for n, w in wanted.items()}
        wait_until(lambda: {n: servers(director).get(n, {}).get("weight") for n in want} == want, 20,
                   lambda: f"{want}: {servers(director)}\n{daemon.output()}")

    weights(s1=5, s2=5, s3=5, s4=5)
    assert servers(director)[4]["checks"] == []
    director.write("/run/load", "3\n")
    weights(s1=11, s2=8)
    assert ("Changing weight from 5 to 11 for active service [10.0.1.1]:tcp:80 of VS [10.0.0.1]:tcp:80"
            in daemon.output())
    director.write("/run/gone", "1\n")
    until_alive(director, daemon, {3: False})
    assert "([10.0.1.3]:tcp:80): tracked file gone now FAULT state" in daemon.output()
    director.run(["rm", "/run/gone"])
    until_alive(director, daemon, {3: True})
    assert "([10.0.1.3]:tcp:80): tracked file gone leaving FAULT state" in daemon.output()

    director.write("/run/keepalived.conf", text("2 reverse"))
    daemon.send(1)  # SIGHUP
    weights(s1=-1, s2=8)


def test_a_server_whose_file_says_down_at_the_start_or_at_a_reload_is_out_at_once(director):
    """docs/field-cases.md: 1555."""
    director.write("/run/bad", "1\n")
    director.write("/run/good", "0\n")
    files = "".join(f"track_file {name} {{\n file /run/{name}\n weight 0\n}}\n" for name in ("bad", "good"))

    def text(*numbers):
        return files + service(*(real_server(n, f"FILE_CHECK {{\n track_file {'bad' if n % 2 else 'good'}\n}}\n") for n in numbers))
    daemon = wait_ready(director.mainstayd(text(21, 22), "-C"))
    until_alive(director, daemon, {21: False, 22: True}, 10)

    reload(director, daemon, text(21, 22, 23, 24))
    until_alive(director, daemon, {21: False, 22: True, 23: False, 24: True}, 10)

    director.write("/run/bad", "0\n")
    until_alive(director, daemon, {21: True, 22: True, 23: True, 24: True}, 10)


def test_a_file_of_a_config_map_sets_the_weight_as_soon_as_kubernetes_has_replaced_it(director):
    config_map = ConfigMap(director, "/run/config", "load")
    config_map.publish("0\n")
    daemon = wait_ready(director.mainstayd("track_file load {\nfile /run/config/load\nweight 1\n}\n" + service(
        real_server(1, "FILE_CHECK {\ntrack_file load\nweight 2\n}\n", "weight 5")), "-C"))
    for value, weight in ((3, 11), (1, 7), (0, 5)):
        config_map.publish(f"{value}\n")
        wait_until(lambda w=weight: servers(director)[1]["weight"] == w, 20, lambda: daemon.output())


def test_a_bfd_session_decides_over_its_server(lan):
    # effect: virtual_server/real_server: BFD_CHECK
    # effect: virtual_server/real_server/BFD_CHECK: name alpha
    lan.switch("office")
    director = lan.host("director", eth0=("office", "192.168.4.5/24"))
    web = lan.host("web", eth0=("office", WEB + "/24"))
    quick = "min_rx 100\nmin_tx 100\nmultiplier 5\n"
    session = f"bfd_instance b1 {{\nneighbor_ip {WEB}\n{quick}}}\nbfd_instance b2 {{\nneighbor_ip 192.168.4.99\n}}\n"
    daemon = director.mainstayd(session + service(
        real_server(1, "BFD_CHECK {\nname b1\n}\n"), real_server(2, "BFD_CHECK {\nname b2\nalpha\n}\n"),
        real_server(3, "BFD_CHECK {\nname b1\nalpha\n}\n"), real_server(4, "BFD_CHECK {\nname nobody\n}\n")))
    peer = web.mainstayd(f"bfd_instance b1 {{\nneighbor_ip 192.168.4.5\n{quick}}}\n")
    until_alive(director, daemon, {1: True, 3: True})
    assert servers(director)[2]["alive"] is False
    assert servers(director)[4]["checks"] == []
    assert "Activating BFD healthchecker" in daemon.output()
    assert "BFD check of [b1] RS([10.0.1.3]:tcp:80) is UP" in daemon.output()

    peer.send(9)  # gone without a word
    until_alive(director, daemon, {1: False, 3: False})
    assert "Received BFD event: instance b1 is in state Down" in daemon.output()
    assert "BFD check of [b1] RS([10.0.1.1]:tcp:80) is DOWN" in daemon.output()


SCRIPT = """#!/bin/sh
echo "$0 $* $(id -un)" >> /run/ran
case $1 in
    flood) yes 0123456789012345678901234567890123456789 | head -c 50000000; exit 0;;
    fork) for i in 1 2 3; do sleep 600 & done; exit 0;;
    deaf) trap '' TERM; while :; do sleep 1; done;;
    *) exit "$(cat "/run/status$1")";;
esac
"""


def misc(number, word, lines="", options="weight 10"):
    return real_server(number, f'MISC_CHECK {{\nmisc_path "/run/check.sh {word}"\n{FAST_SCRIPT}{lines}}}\n', options)


FAST_SCRIPT = "delay_loop 1\nwarmup 0\n"


def test_scripts_decide_by_their_status_and_set_the_weight(director):
    # effect: virtual_server/real_server: MISC_CHECK
    # effect: virtual_server/real_server/MISC_CHECK: misc_path misc_dynamic user alpha
    # effect: virtual_server/real_server/MISC_CHECK: retry delay_before_retry delay_loop warmup log_all_failures
    director.write("/run/check.sh", SCRIPT, 0o755)
    for n, status in {1: 0, 2: 1, 3: 52, 4: 1, 5: 0}.items():
        director.write(f"/run/status{n}", str(status))
    director.run(["sh", "-c", "touch /run/ran; chmod 666 /run/ran"])
    daemon = director.mainstayd("global_defs {\nscript_user root\n}\n" + service(
        misc(1, "1", "user nobody\n"), misc(2, "2"), misc(3, "3", "misc_dynamic\n"),
        misc(4, "4", "retry 2\ndelay_before_retry 0.1\nlog_all_failures\n"), misc(5, "5", "alpha\nwarmup 3600\n")))
    until_alive(director, daemon, {1: True, 2: False, 3: True, 4: False})
    assert servers(director)[3]["weight"] == 50
    assert servers(director)[5]["alive"] is False
    assert "/run/check.sh 1 nobody\n" in director.read("/run/ran")
    assert "/run/check.sh 2 root\n" in director.read("/run/ran")
    director.write("/run/status4", "0")
    until_alive(director, daemon, {4: True})
    director.write("/run/status4", "1")
    until_alive(director, daemon, {4: False})
    head = "Misc check for [[10.0.1.4]:tcp:80 VS [10.0.0.1]:tcp:80] by [/run/check.sh] failed"
    assert f"{head}, will do 2 retries (exited with status 1)." in daemon.output()
    assert f"{head} after 2 retries (exited with status 1)." in daemon.output()


@pytest.mark.nightly
def test_scripts_that_flood_fork_or_will_not_end_hurt_nobody(director):
    # effect: virtual_server/real_server/MISC_CHECK: misc_timeout
    director.write("/run/check.sh", SCRIPT, 0o755)
    director.write("/run/status1", "0")
    director.run(["touch", "/run/ran"])
    daemon = director.mainstayd("global_defs {\nscript_user root\n}\n" + service(
        misc(1, "1"), misc(2, "flood"), misc(3, "fork"), misc(4, "deaf", "misc_timeout 1\n")))
    until_alive(director, daemon, {1: True, 2: True, 3: True, 4: False}, 60)
    assert "by [/run/check.sh] timed out with retry disabled." in daemon.output()
    # TERM did nothing; what would not end is killed, and the others go on.
    runs = director.read("/run/ran").count("check.sh 1 ")
    wait_until(lambda: director.read("/run/ran").count("check.sh 1 ") > runs + 2, 30, lambda: daemon.output())
    wait_until(lambda: director.read("/run/ran").count("check.sh deaf") > 1, 30, lambda: daemon.output())
    # Of each run the first process, which leads a session: the next one that a shell starts is called so for a moment, too.
    deaf = "ps -eo pid=,sid=,args= | awk '$1 == $2 && /check.sh deaf/' | wc -l"

    def alive():
        return int(director.run(["sh", "-c", deaf]).stdout)

    wait_until(lambda: alive() == 1, 30, "one that runs")
    assert stays(lambda: alive() <= 1, 2)
