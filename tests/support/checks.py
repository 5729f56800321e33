"""Health checks: programs that stand in for the servers that are looked at, and what the status says of these."""

import json
import re

from .paths import program
from .wait import wait_until

# Answers TCP at 2500 with a mail server's words, UDP at 5400 with the datagram, DNS at 5300 with NOERROR; tells who came.
# With "down" in /run/mode it refuses service.
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
# Listens on the port sys.argv[1] and answers a connection as /run/answer says: a line of Python that is given the
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
# Accepts connections at sys.argv[1] and never answers.
SILENT = """
import socket, sys
address, port = sys.argv[1].rsplit(":", 1)
held = socket.create_server((address, int(port)), backlog=64)
print("listening", flush=True)
kept = []
while True:
    kept.append(held.accept())
"""


def start_server(host, text, *words, name):
    server = host.start(["/usr/bin/python3", "-c", text, *map(str, words)], name=name)
    wait_until(lambda: "listening" in server.output(), 20, server.output)
    return server


class Agent:
    """What AGENT_CHECK asks: "up" at first."""

    def __init__(self, host, port):
        self.host = host
        self.says("up")
        self.process = start_server(host, AGENT, port, name="agent")

    def does(self, script):
        self.host.write("/run/answer.new", script)
        self.host.path("/run/answer.new").rename(self.host.path("/run/answer"))

    def says(self, line):
        self.does(f"c.sendall({(line + chr(10)).encode()!r})")


def serve_health(host, port, *tls):
    """What GRPC_CHECK asks; `tls`: certificate and key."""
    return start_server(host, HEALTH, port, *tls, name="health")


def serve_silence(host, place):
    """Connections to this address:port are accepted, and get no answer."""
    return start_server(host, SILENT, place, name="silent")


def servers(host):
    """The status of each real server, by the last number of its address."""
    ran = host.run([program("mainstayctl"), "status", "--json"], check=False)
    lvs = json.loads(ran.stdout).get("lvs") if ran.returncode == 0 else None
    return {int(re.search(r"\.(\d+)\]", one["name"])[1]): one for service in (lvs or {}).get("services", [])
            for one in service["servers"]}


def until_alive(host, daemon, wanted, timeout=30):
    """wanted: number -> whether it is alive once its first check has run."""
    def alive():
        now = servers(host)
        return {n: now[n]["alive"] for n in wanted if n in now and now[n]["checks"][0]["has_run"]}
    wait_until(lambda: alive() == wanted, timeout, lambda: f"{wanted}, there is {servers(host)}\n{daemon.output()}")


def results(host):
    """The result of the last run of each server's first check, by the last number of the server's address."""
    return {number: one["checks"][0]["last_result"] for number, one in servers(host).items()}
