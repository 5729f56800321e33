"""Real servers that a DNS name stands for: they come and go with the answers, and stay while DNS fails."""

import json
import re
import signal

import pytest

from support.paths import program
from support.wait import stays, wait_until

# Answers A, AAAA and SRV questions with what the file /run/zone says for the type, or not at all when it says "fail".
DNS = r'''
import socket, struct, json
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.53", 53))
print("listening", flush=True)
def name(text):
    return b"".join(bytes([len(l)]) + l.encode() for l in text.split(".")) + b"\0"
while True:
    query, peer = s.recvfrom(512)
    zone = json.load(open("/run/zone"))
    print("asked", flush=True)
    if zone == "fail":
        continue
    kind = struct.unpack(">H", query[-4:-2])[0]
    records = []
    for data in zone.get(str(kind), []):
        if kind == 1:
            raw = socket.inet_aton(data)
        else:
            raw = struct.pack(">3H", *data[:3]) + name(data[3])
        records.append(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(raw)) + raw)
    s.sendto(query[:2] + b"\x81\x80" + struct.pack(">4H", 1, len(records), 0, 0) + query[12:] + b"".join(records), peer)
'''


def service(block, name="web.example.org 80"):
    return ("virtual_server 10.0.0.1 80 {\nlb_algo wrr\nlb_kind NAT\nprotocol TCP\ndelay_loop 1\n"
            f"real_server_dns {name} {{\ndns_resolver 127.0.0.53\ndns_interval 1\ndns_timeout 0.5\n{block}}}\n}}\n")


def servers(host):
    ran = host.run([program("mainstayctl"), "status", "--json"], check=False)
    status = json.loads(ran.stdout) if ran.returncode == 0 else {}
    services = (status.get("lvs") or {}).get("services") or [{}]
    return {re.search(r"\[(.*)\]:\w+:(\d+)", s["name"]).expand(r"\1:\2"): s for s in services[0].get("servers", [])}


def director(lan):
    lan.switch("office")
    host = lan.host("director", eth0=("office", "192.168.4.5/24"))
    host.write("/run/zone", json.dumps({"1": ["127.1.0.1", "127.1.0.2"]}))
    dns = host.start(["/usr/bin/python3", "-c", DNS], name="dns")
    wait_until(lambda: "listening" in dns.output(), 20, lambda: dns.output())
    host.dns = dns
    return host


def until(host, daemon, wanted):
    wait_until(lambda: set(servers(host)) == set(wanted), 30, lambda: f"{wanted}: {servers(host)}\n{daemon.output()}")


@pytest.mark.nightly
def test_servers_follow_the_name_and_stay_while_dns_fails(lan):
    # effect: virtual_server: real_server_dns
    # effect: virtual_server/real_server: dns_resolver dns_interval dns_timeout
    host = director(lan)
    host.write("/run/note.sh", "#!/bin/sh\necho \"$*\" >> /run/noted\n", 0o755)
    daemon = host.mainstayd("global_defs {\nscript_user root\n}\n" + service(
        "weight 3\nnotify_down \"/run/note.sh down\"\nTCP_CHECK {\nconnect_timeout 1\nwarmup 0\ndelay_loop 1\nretry 1\n"
        "delay_before_retry 0.1\n}\n"))
    until(host, daemon, ["127.1.0.1:80", "127.1.0.2:80"])
    assert {s["weight"] for s in servers(host).values()} == {3}
    # Nobody listens: the checks go to the addresses of the name, and the script of the block runs.
    wait_until(lambda: not any(s["alive"] for s in servers(host).values()), 20, lambda: daemon.output())
    wait_until(lambda: host.path("/run/noted").exists() and host.read("/run/noted").count("down") >= 2, 20,
               lambda: daemon.output())

    host.write("/run/zone", json.dumps({"1": ["127.1.0.2", "127.1.0.3"]}))
    until(host, daemon, ["127.1.0.2:80", "127.1.0.3:80"])
    assert servers(host)["127.1.0.2:80"]["alive"] is False  # it kept its verdict
    assert "service [127.1.0.1]:tcp:80 no longer exist" in daemon.output()

    host.write("/run/zone", json.dumps("fail"))
    warning = "real_server_dns web.example.org: timed out after 0.5 s. The 2 known servers are kept"
    wait_until(lambda: warning in daemon.output(), 20, lambda: daemon.output())
    asked = host.dns.output().count("asked")
    wait_until(lambda: host.dns.output().count("asked") > asked + 2, 20, lambda: host.dns.output())
    assert daemon.output().count(warning) == 1
    until(host, daemon, ["127.1.0.2:80", "127.1.0.3:80"])

    host.write("/run/zone", json.dumps({"1": ["127.1.0.3"]}))
    until(host, daemon, ["127.1.0.3:80"])
    assert re.search(r"web\.example\.org: resolved again after \d+ failures?", daemon.output())


def test_a_new_lvs_process_and_a_reload_keep_the_servers_of_a_name(lan):
    host = director(lan)
    daemon = host.mainstayd(service("weight 3\n"))
    until(host, daemon, ["127.1.0.1:80", "127.1.0.2:80"])
    host.write("/run/zone", json.dumps("fail"))
    pid = int(re.findall(r"Starting Healthcheck child process, pid=(\d+)", daemon.output())[-1])
    host.run(["kill", f"-{int(signal.SIGKILL)}", str(pid)])
    wait_until(lambda: daemon.output().count("Starting Healthcheck child process") == 2, 30, lambda: daemon.output())
    until(host, daemon, ["127.1.0.1:80", "127.1.0.2:80"])

    host.write("/run/keepalived.conf", service("weight 4\n"))
    daemon.send(signal.SIGHUP)
    wait_until(lambda: {s["weight"] for s in servers(host).values()} == {4}, 30, lambda: daemon.output())
    assert set(servers(host)) == {"127.1.0.1:80", "127.1.0.2:80"}


def test_service_records_say_port_and_weight(lan):
    # effect: virtual_server/real_server: dns_type
    host = director(lan)
    host.write("/run/zone", json.dumps({"1": ["127.1.0.1"], "33": [[1, 7, 8080, "one.example.org"],
                                                                   [1, 0, 8081, "one.example.org"],
                                                                   [2, 9, 8082, "one.example.org"]]}))
    daemon = host.mainstayd(service("weight 3\ndns_type SRV\n", "_http._tcp.example.org"))
    until(host, daemon, ["127.1.0.1:8080", "127.1.0.1:8081"])
    assert {n: s["weight"] for n, s in servers(host).items()} == {"127.1.0.1:8080": 7, "127.1.0.1:8081": 3}


def test_an_answer_of_more_servers_than_are_wanted_is_cut_and_that_is_said_once(lan):
    # effect: virtual_server/real_server: dns_servers_max
    host = director(lan)
    host.write("/run/zone", json.dumps({"1": [f"127.1.0.{n}" for n in range(1, 6)]}))
    daemon = host.mainstayd(service("dns_servers_max 2\n"))
    wait_until(lambda: len(servers(host)) == 2, 30, lambda: daemon.output())
    asked = host.dns.output().count("asked")
    wait_until(lambda: host.dns.output().count("asked") > asked + 2, 20, lambda: host.dns.output())
    assert len(servers(host)) == 2
    warning = "real_server_dns web.example.org: 3 more servers than dns_servers_max are left out"
    assert daemon.output().count(warning) == 1

    host.write("/run/keepalived.conf", service("dns_servers_max 5\n"))
    daemon.send(signal.SIGHUP)
    until(host, daemon, [f"127.1.0.{n}:80" for n in range(1, 6)])


def test_a_name_without_an_answer_leaves_its_service_without_servers_and_says_so(lan):
    host = director(lan)
    host.write("/run/zone", json.dumps({}))
    daemon = host.mainstayd(service(""))
    wait_until(lambda: "web.example.org: the name has no address. It has no servers until a lookup succeeds"
               in daemon.output(), 30, lambda: daemon.output())
    assert stays(lambda: servers(host) == {}, 1)
    host.write("/run/zone", json.dumps({"1": ["127.1.0.1"]}))
    until(host, daemon, ["127.1.0.1:80"])
