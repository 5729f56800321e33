"""The checks that look at a server by TCP, UDP, ICMP, DNS and SMTP: every option of their blocks on the wire, and
what follows a file, a BFD session or a script. The verdicts are in the status; the log has keepalived's words."""

import json
import re

import pytest

from support.paths import program
from support.wait import stays, wait_until

# Answers TCP with a mail server's words, UDP with the datagram, DNS with NOERROR; tells who came.
SERVERS = r'''
import socket, sys, threading
def mode():
    try:
        return open("/run/mode").read().strip()
    except OSError:
        return "up"
def datagrams(port, answer):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("0.0.0.0", port))
    while True:
        data, peer = s.recvfrom(4096)
        print("from", port, peer[0], peer[1], flush=True)
        if mode() == "up":
            s.sendto(answer(data), peer)
def mail(port):
    s = socket.create_server(("0.0.0.0", port), backlog=64)
    while True:
        c, peer = s.accept()
        print("from", port, peer[0], peer[1], flush=True)
        threading.Thread(target=talk, args=(c,)).start()
def talk(c):
    try:
        c.sendall(b"220 hi\r\n" if mode() == "up" else b"421 no\r\n")
        f = c.makefile("rb")
        for line in f:
            if line.startswith(b"HELO"):
                print("helo", line.split()[1].decode(), flush=True)
            c.sendall(b"250 ok\r\n")
    except OSError:
        pass
    c.close()
threading.Thread(target=datagrams, args=(5300, lambda d: d[:2] + b"\x81\x80" + d[4:])).start()
threading.Thread(target=datagrams, args=(5400, lambda d: d)).start()
threading.Thread(target=mail, args=(2500,)).start()
print("listening", flush=True)
'''
PORTS = {"TCP_CHECK": 2500, "SMTP_CHECK": 2500, "DNS_CHECK": 5300, "UDP_CHECK": 5400, "PING_CHECK": 7}
WEB = "192.168.4.20"
FAST = "delay_loop 1\nretry 1\ndelay_before_retry 0.1\nconnect_timeout 1\nwarmup 0\n"


def service(*servers, options="delay_loop 1"):
    return ("virtual_server 10.0.0.1 80 {\nlb_algo wrr\nlb_kind NAT\nprotocol TCP\n" + options + "\n"
            + "".join(servers) + "}\n")


def real_server(number, check, options="weight 1"):
    return f"real_server 10.0.1.{number} 80 {{\n{options}\n{check}}}\n"


def block(kind, lines):
    required = "require_reply\n" if kind == "UDP_CHECK" else ""
    return f"{kind} {{\n{required}{FAST}{lines}\n}}\n"


def servers(host):
    """Each real server's status by its last number."""
    ran = host.run([program("mainstayctl"), "status", "--json"], check=False)
    status = json.loads(ran.stdout) if ran.returncode == 0 else {}
    services = (status.get("lvs") or {}).get("services") or [{}]
    return {int(re.search(r"\.(\d+)\]", s["name"]).group(1)): s for s in services[0].get("servers", [])}


def until(host, daemon, wanted, timeout=30):
    """wanted: number -> alive."""
    def look():
        now = servers(host)
        return {n: now[n]["alive"] for n in wanted if n in now and now[n]["checks"][0]["has_run"]} == wanted
    wait_until(look, timeout, lambda: f"{wanted}, there is {servers(host)}\n{daemon.output()}")


@pytest.fixture
def director(lan):
    lan.switch("office")
    lan.switch("elsewhere")
    host = lan.host("director", eth0=("office", "192.168.4.5/24", "192.168.4.6/24"),
                    eth1=("elsewhere", "192.168.5.5/24"))
    host.web = lan.host("web", eth0=("office", WEB + "/24"))
    host.program = host.web.start(["/usr/bin/python3", "-c", SERVERS], name="servers")
    wait_until(lambda: "listening" in host.program.output(), 20, lambda: host.program.output())
    # What is marked 7 goes nowhere.
    host.run(["ip", "rule", "add", "fwmark", "7", "unreachable"])
    return host


def test_every_connecting_check_goes_where_and_from_where_it_is_told(director):
    # effect: virtual_server/real_server: PING_CHECK UDP_CHECK DNS_CHECK SMTP_CHECK TCP_CHECK
    # effect: virtual_server/real_server/TCP_CHECK: connect_ip connect_port bindto bind_port bind_if fwmark
    # effect: virtual_server/real_server/UDP_CHECK: connect_ip connect_port bindto bind_port bind_if fwmark
    # effect: virtual_server/real_server/DNS_CHECK: connect_ip connect_port bindto bind_port bind_if fwmark
    # effect: virtual_server/real_server/SMTP_CHECK: connect_ip connect_port bindto bind_port bind_if fwmark
    # effect: virtual_server/real_server/PING_CHECK: connect_ip connect_port bindto bind_port bind_if fwmark
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
    from support.capture import Capture  # pylint: disable=import-outside-toplevel
    with Capture(director.web, "eth0", "icmp") as echoes:
        daemon = director.mainstayd(service(*checks), "-C")
        until(director, daemon, wanted)
        from scapy.all import ICMP, IP  # pylint: disable=import-outside-toplevel
        wait_until(lambda: any(p[IP].src == "192.168.4.6" and p[ICMP].type == 8 and p[ICMP].id == 30004
                               for p in echoes.packets() if ICMP in p), 20, lambda: echoes.packets())
    for k, port in enumerate(list(PORTS.values())[:4]):
        assert f"from {port} 192.168.4.6 {30000 + k}\n" in director.program.output()


def test_what_the_servers_answer_is_logged_in_keepalived_s_words(director):
    # effect: virtual_server/real_server/SMTP_CHECK: host
    # effect: virtual_server/real_server/SMTP_CHECK/host: connect_ip connect_port retry delay_before_retry warmup delay_loop connect_timeout
    hosts = (f"helo_name probe.example.org\nhost {{\nconnect_ip {WEB}\nconnect_port 2500\n{FAST}}}\n"
             f"host {{\nconnect_ip {WEB}\nconnect_port 2599\nretry 1\ndelay_before_retry 0.1\nwarmup 0\n"
             "delay_loop 1\nconnect_timeout 1\n}\n")
    there = f"connect_ip {WEB}\nconnect_port "
    text = service(
        real_server(1, block("UDP_CHECK", there + "5400")), real_server(2, block("DNS_CHECK", there + "5300")),
        real_server(3, block("SMTP_CHECK", there + "2500")), real_server(4, block("PING_CHECK", there + "1")),
        real_server(5, f"SMTP_CHECK {{\n{hosts}}}\n"))
    daemon = director.mainstayd(text, "-C")
    until(director, daemon, {1: True, 2: True, 3: True, 4: True, 5: False})
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
    until(director, daemon, {1: False, 2: False, 3: False, 4: False})

    director.web.write("/run/mode", "up")
    director.web.sysctl(net__ipv4__icmp_echo_ignore_all=0)
    until(director, daemon, {1: True, 2: True, 3: True, 4: True, 5: False})


def test_a_host_of_an_smtp_check_has_options_of_its_own(director):
    # effect: virtual_server/real_server/SMTP_CHECK/host: bindto bind_port bind_if fwmark alpha log_all_failures
    def hosts(lines):
        return f"SMTP_CHECK {{\n{FAST}host {{\nconnect_ip {WEB}\nconnect_port 2500\n{lines}\n}}\n}}\n"
    daemon = director.mainstayd(service(
        real_server(1, hosts("bindto 192.168.4.6\nbind_port 30009")), real_server(2, hosts("fwmark 7")),
        real_server(3, hosts("bind_if eth1\nlog_all_failures")),
        real_server(4, hosts("alpha\nwarmup 3600"))), "-C")
    until(director, daemon, {1: True, 2: False, 3: False})
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
    until(director, daemon, {3: False})
    assert "([10.0.1.3]:tcp:80): tracked file gone now FAULT state" in daemon.output()
    director.run(["rm", "/run/gone"])
    until(director, daemon, {3: True})
    assert "([10.0.1.3]:tcp:80): tracked file gone leaving FAULT state" in daemon.output()

    director.write("/run/keepalived.conf", text("2 reverse"))
    daemon.send(1)  # SIGHUP
    weights(s1=-1, s2=8)


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
    until(director, daemon, {1: True, 3: True})
    assert servers(director)[2]["alive"] is False
    assert servers(director)[4]["checks"] == []
    assert "Activating BFD healthchecker" in daemon.output()
    assert "BFD check of [b1] RS([10.0.1.3]:tcp:80) is UP" in daemon.output()

    peer.send(9)  # gone without a word
    until(director, daemon, {1: False, 3: False})
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
    # effect: virtual_server/real_server/MISC_CHECK: misc_path misc_dynamic user retry delay_before_retry delay_loop warmup log_all_failures alpha
    director.write("/run/check.sh", SCRIPT, 0o755)
    for n, status in {1: 0, 2: 1, 3: 52, 4: 1, 5: 0}.items():
        director.write(f"/run/status{n}", str(status))
    director.run(["sh", "-c", "touch /run/ran; chmod 666 /run/ran"])
    daemon = director.mainstayd("global_defs {\nscript_user root\n}\n" + service(
        misc(1, "1", "user nobody\n"), misc(2, "2"), misc(3, "3", "misc_dynamic\n"),
        misc(4, "4", "retry 2\ndelay_before_retry 0.1\nlog_all_failures\n"), misc(5, "5", "alpha\nwarmup 3600\n")))
    until(director, daemon, {1: True, 2: False, 3: True, 4: False})
    assert servers(director)[3]["weight"] == 50
    assert servers(director)[5]["alive"] is False
    assert "/run/check.sh 1 nobody\n" in director.read("/run/ran")
    assert "/run/check.sh 2 root\n" in director.read("/run/ran")
    director.write("/run/status4", "0")
    until(director, daemon, {4: True})
    director.write("/run/status4", "1")
    until(director, daemon, {4: False})
    head = "Misc check for [[10.0.1.4]:tcp:80 VS [10.0.0.1]:tcp:80] by [/run/check.sh] failed"
    assert f"{head} (exited with status 1), will do 2 retries." in daemon.output()
    assert f"{head} after 2 retries (exited with status 1)." in daemon.output()


@pytest.mark.nightly
def test_scripts_that_flood_fork_or_will_not_end_hurt_nobody(director):
    # effect: virtual_server/real_server/MISC_CHECK: misc_timeout
    director.write("/run/check.sh", SCRIPT, 0o755)
    director.write("/run/status1", "0")
    director.run(["touch", "/run/ran"])
    daemon = director.mainstayd("global_defs {\nscript_user root\n}\n" + service(
        misc(1, "1"), misc(2, "flood"), misc(3, "fork"), misc(4, "deaf", "misc_timeout 1\n")))
    until(director, daemon, {1: True, 2: True, 3: True, 4: False}, 60)
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
