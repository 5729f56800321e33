"""The checks that keepalived has not, GRPC_CHECK and AGENT_CHECK, as a whole daemon runs them: what arrives at the server,
and what status and log say. The kernel needs no IPVS for it."""

import json
import re
import signal

import pytest

from support.lvs import lvs_pid, virtual_server
from support.paths import program
from support.wait import wait_until
from support.web import make_certificate

# Listens on each port of sys.argv and answers a connection as /run/answer says: a line of Python that is given the
# connection, what the peer sent first, and may sleep. Tells who came, with what.
AGENT = r'''
import socket, sys, threading, time
def talk(c, peer):
    try:
        c.settimeout(20)
        script = open("/run/answer").read()
        heard = c.recv(100) if script.startswith("#hear") else b""
        print("from", peer[0], peer[1], heard, flush=True)
        exec(script)
        c.close()
    except OSError:
        pass
listener = socket.create_server(("0.0.0.0", int(sys.argv[1])), backlog=64)
print("listening", flush=True)
while True:
    threading.Thread(target=talk, args=listener.accept(), daemon=True).start()
'''
# A health service over HTTP/2 that says SERVING to whoever asks: on the port sys.argv[1], and through TLS when certificate
# and key follow. Tells who came.
HEALTH = r'''
import socket, ssl, struct, sys, threading
tls = None
if len(sys.argv) > 2:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(sys.argv[2], sys.argv[3])
    tls.set_alpn_protocols(["h2"])
def frame(kind, flags, stream, body=b""):
    return struct.pack(">I", len(body))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + body
def field(name, value):
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value
HEADERS, DATA, SETTINGS, END_STREAM, END_HEADERS = 1, 0, 4, 1, 4
STATUS_200 = b"\x88"
ANSWER = (frame(HEADERS, END_HEADERS, 1, STATUS_200 + field(b"content-type", b"application/grpc"))
          + frame(DATA, 0, 1, b"\0" + struct.pack(">I", 2) + b"\x08\x01")
          + frame(HEADERS, END_HEADERS | END_STREAM, 1, field(b"grpc-status", b"0")))
def exactly(c, size):
    got = b""
    while len(got) < size:
        part = c.recv(size - len(got))
        if not part:
            raise OSError("gone")
        got += part
    return got
def talk(c, peer):
    try:
        c.settimeout(20)
        print("from", peer[0], peer[1], "", flush=True)
        c = tls.wrap_socket(c, server_side=True) if tls else c
        exactly(c, 24)
        c.sendall(frame(SETTINGS, 0, 0))
        while True:
            head = exactly(c, 9)
            body = exactly(c, int.from_bytes(head[:3], "big"))
            if head[3] == SETTINGS and not head[4]:
                c.sendall(frame(SETTINGS, 1, 0))
            if head[3] == DATA and head[4] & END_STREAM:
                c.sendall(ANSWER)
    except OSError:
        pass
    c.close()
listener = socket.create_server(("0.0.0.0", int(sys.argv[1])), backlog=64)
print("listening", flush=True)
while True:
    threading.Thread(target=talk, args=listener.accept(), daemon=True).start()
'''
RS = "[10.0.1.1]:tcp:80"
VS = "[10.0.0.1]:tcp:80"
FAST = "delay_loop 0.3\nretry 0\nwarmup 0\nconnect_timeout 1\n"


def service(check):
    return virtual_server("10.0.0.1 80", f"real_server 10.0.1.1 80 {{\nweight 40\n{check}}}\n")


def agent_check(lines):
    return f"AGENT_CHECK {{\n{FAST}{lines}\n}}\n"


def grpc_check(lines):
    return f"GRPC_CHECK {{\n{FAST}{lines}\n}}\n"


CHECKS = {"AGENT_CHECK": agent_check, "GRPC_CHECK": grpc_check}
PASSED = {"AGENT_CHECK": "the agent says up", "GRPC_CHECK": "SERVING"}


class Agent:
    def __init__(self, host, port):
        self.host = host
        self.says("up")
        self.process = host.start(["/usr/bin/python3", "-c", AGENT, str(port)], name="agent")
        wait_until(lambda: "listening" in self.process.output(), 20, lambda: self.process.output())

    def does(self, script):
        self.host.write("/run/answer.new", script)
        self.host.path("/run/answer.new").rename(self.host.path("/run/answer"))

    def says(self, line):
        self.does(f"c.sendall({(line + chr(10)).encode()!r})")


def health(host, port, *tls):
    service_of_health = host.start(["/usr/bin/python3", "-c", HEALTH, str(port), *tls], name="health")
    wait_until(lambda: "listening" in service_of_health.output(), 20, lambda: service_of_health.output())
    return service_of_health


def server(host):
    """The one real server's status."""
    ran = host.run([program("mainstayctl"), "status", "--json"], check=False)
    status = json.loads(ran.stdout) if ran.returncode == 0 else {}
    services = (status.get("lvs") or {}).get("services") or [{}]
    return (services[0].get("servers") or [{}])[0]


def until(host, daemon, alive, weight, result):
    def look():
        now = server(host)
        return ((now.get("alive"), now.get("weight")) == (alive, weight)
                and [one["last_result"] for one in now["checks"]] == [result])
    wait_until(look, 30, lambda: f"{alive} {weight} {result!r}, there is {server(host)}\n{daemon.output()}")


@pytest.fixture
def director(lan):
    lan.switch("office")
    host = lan.host("director", eth0=("office", "192.168.4.5/24", "192.168.4.6/24"))
    host.web = lan.host("web", eth0=("office", "192.168.4.20/24"))
    return host


def test_an_agent_says_how_its_server_is_and_how_much_it_takes(director):
    # effect: virtual_server/real_server: AGENT_CHECK
    # effect: virtual_server/real_server/AGENT_CHECK: connect_ip connect_port send delay_loop retry
    agent = Agent(director.web, 8081)
    agent.does("#hear\nc.sendall(b'up 50%\\n')")
    there = "connect_ip 192.168.4.20\nconnect_port 8081\nsend \"web1 state\\n\""
    daemon = director.mainstayd(service(agent_check(there)), "-C")
    until(director, daemon, True, 20, "the agent says 50%")
    assert r"b'web1 state\n'" in agent.process.output()
    assert f"Agent check of {RS} success." in daemon.output()
    assert f"Changing weight from 40 to 20 for active service {RS} of VS {VS}" in daemon.output()

    agent.says("drain")
    until(director, daemon, True, 0, "the agent says drain")
    agent.says("down#the disk is full")
    until(director, daemon, False, 40, "the agent says down#the disk is full")
    assert f"AGENT_CHECK on service {RS} failed." in daemon.output()
    assert f"Removing service {RS} from VS {VS}" in daemon.output()
    agent.says("ready")
    until(director, daemon, True, 40, "the agent says up")
    assert f"Adding service {RS} to VS {VS}" in daemon.output()

    # What was read can be written.
    again = director.run([program("mainstayctl"), "config", "print", "/run/keepalived.conf"]).stdout
    assert "AGENT_CHECK {" in again and "send " in again


def test_a_new_lvs_process_keeps_the_weight_that_an_agent_asked_for(director):
    agent = Agent(director.web, 8081)
    agent.says("25%")
    text = service(agent_check("connect_ip 192.168.4.20\nconnect_port 8081"))
    daemon = director.mainstayd(text, "-C")
    until(director, daemon, True, 10, "the agent says 25%")
    # From now on it is not asked soon after a start.
    director.write("/run/keepalived.conf", text.replace("warmup 0", "warmup 360000"))
    daemon.send(signal.SIGHUP)
    wait_until(lambda: "Reload complete" in daemon.output(), 20, lambda: daemon.output())
    pid = lvs_pid(daemon)
    director.run(["kill", "-KILL", str(pid)])
    wait_until(lambda: lvs_pid(daemon) != pid, 30, lambda: daemon.output())
    until(director, daemon, True, 10, "the agent says 25%")


@pytest.mark.nightly
def test_an_agent_that_misbehaves_is_a_failed_check_with_a_reason(director):
    # effect: virtual_server/real_server/AGENT_CHECK: connect_timeout
    agent = Agent(director.web, 8081)
    where = "connect_ip 192.168.4.20\nconnect_port 8081"
    daemon = director.mainstayd(service(agent_check(where)), "-C")
    until(director, daemon, True, 40, "the agent says up")
    for script, result in (
            ("while True: c.sendall(b'up ' * 1000)", "the agent's line is longer than 1024 bytes"),
            ("while True: c.sendall(b'u'); time.sleep(0.5)", "timed out after 4 s"),
            ("time.sleep(15)", "timed out after 1 s"),
            ("pass", "the agent closed the connection without an answer"),
            (r"c.sendall(b'\x00\xffelf\x7f\n')", "the agent's answer is not understood: '??elf?'"),
            ("c.sendall(b'HTTP/1.0 200 OK\\r\\n\\r\\n')",
             "the agent's answer is not understood: 'HTTP/1.0 200 OK'")):
        agent.does(script)
        until(director, daemon, False, 40, result)
        agent.says("up")
        until(director, daemon, True, 40, "the agent says up")
    agent.process.stop(signal.SIGKILL)
    until(director, daemon, False, 40, "connection refused")


@pytest.mark.parametrize("kind", CHECKS)
def test_a_check_goes_where_and_from_where_it_is_told(director, kind):
    # effect: virtual_server/real_server/AGENT_CHECK: connect_ip connect_port bindto bind_port bind_if fwmark
    # effect: virtual_server/real_server/GRPC_CHECK: connect_ip connect_port bindto bind_port bind_if fwmark
    asked = Agent(director.web, 8081).process if kind == "AGENT_CHECK" else health(director.web, 8081)
    director.run(["nft", "add table ip t; add chain ip t out { type filter hook output priority 0; }; "
                         "add rule ip t out meta mark 77 ip daddr 192.168.4.20 tcp dport 8081 counter"])
    where = "connect_ip 192.168.4.20\nconnect_port 8081\nbindto 192.168.4.6\nbind_port 4321\nbind_if eth0\nfwmark 77"
    daemon = director.mainstayd(service(CHECKS[kind](where)), "-C")
    until(director, daemon, True, 40, PASSED[kind])
    assert "from 192.168.4.6 4321 " in asked.output()
    counted = director.run(["nft", "list", "table", "ip", "t"]).stdout
    assert int(re.search(r"packets (\d+)", counted).group(1)) >= 3, counted

    director.write("/run/keepalived.conf", service(CHECKS[kind](where.replace("bind_if eth0", "bind_if lo"))))
    daemon.send(signal.SIGHUP)
    until(director, daemon, False, 40, "timed out after 1 s")


@pytest.mark.parametrize("kind", CHECKS)
def test_a_server_that_never_answers_a_connection_has_connect_timeout(director, kind):
    # effect: virtual_server/real_server/AGENT_CHECK: connect_timeout
    # effect: virtual_server/real_server/GRPC_CHECK: connect_timeout
    # A neighbour that nobody is: no answer and no error.
    director.run(["ip", "neigh", "add", "192.168.4.99", "lladdr", "02:00:00:00:00:09", "dev", "eth0"])
    check = CHECKS[kind]("connect_ip 192.168.4.99").replace("connect_timeout 1", "connect_timeout 0.4")
    daemon = director.mainstayd(service(check), "-C")
    until(director, daemon, False, 40, "timed out after 0.4 s")
    assert f"{kind} on service {RS} failed." in daemon.output()


def test_a_health_service_s_certificate_that_ends_soon_is_reported_once(director):
    # effect: virtual_server/real_server/GRPC_CHECK: cert_expiry_warning tls
    asked = health(director.web, 8443, *make_certificate(director.web, "shop", days=5))
    where = "connect_ip 192.168.4.20\nconnect_port 8443\ntls\n"
    daemon = director.mainstayd(service(grpc_check(where)), "-C")
    until(director, daemon, True, 40, "SERVING")
    assert "The certificate of service" not in daemon.output()

    director.write("/run/keepalived.conf", service(grpc_check(where + "cert_expiry_warning 14")))
    daemon.send(signal.SIGHUP)
    told = f"The certificate of service {RS} of VS {VS} (shop) ends on "
    wait_until(lambda: told in daemon.output(), 20, lambda: daemon.output())
    assert re.search(r"ends on \d{4}-\d\d-\d\d, in [45] days: renew it", daemon.output())
    so_far = asked.output().count("from ")
    wait_until(lambda: asked.output().count("from ") > so_far + 3, 20, lambda: asked.output())
    assert daemon.output().count("The certificate of service") == 1
    wait_until(lambda: server(director)["checks"][0]["last_result"].startswith("SERVING; its certificate ends on "), 20,
               lambda: server(director))
