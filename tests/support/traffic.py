"""Traffic that is counted: servers that say who they are over TCP and UDP, and a client that asks them."""

import collections
import socket

from .wait import wait_until

# Answers with its name: to a TCP connection at once (then it echoes what comes, until the other side ends), to each datagram.
SERVER = """
import contextlib, resource, selectors, socket, sys
with contextlib.suppress(ValueError):  # where the limit is lower, connections are few
    resource.setrlimit(resource.RLIMIT_NOFILE, (65536, 65536))
name, places = sys.argv[1].encode(), sys.argv[2:]
ready = selectors.DefaultSelector()
for place in places:
    kind, text = place.split("/")
    address, port = text.rsplit(":", 1)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    one = socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind((address, int(port)))
    if kind == "tcp":
        one.listen(1024)
    ready.register(one, selectors.EVENT_READ, kind)
print("serving", flush=True)
while True:
    for key, _ in ready.select():
        if key.data == "udp":
            _, who = key.fileobj.recvfrom(2048)
            key.fileobj.sendto(name, who)
        elif key.data == "tcp":
            connection = key.fileobj.accept()[0]
            connection.sendall(name)
            ready.register(connection, selectors.EVENT_READ, "echo")
        else:
            try:
                said = key.fileobj.recv(2048)
            except OSError:
                said = b""
            if said:
                key.fileobj.sendall(said)
            else:
                ready.unregister(key.fileobj)
                key.fileobj.close()
"""

# Holds one connection; for each line of stdin it sends one and prints what comes back.
HOLDER = """
import socket, sys
one = socket.create_connection((sys.argv[1], 80), 5)
one.settimeout(20)
print(one.recv(100).decode(), flush=True)
for line in sys.stdin:
    try:
        one.sendall(line.encode())
        print(one.recv(100).decode().strip(), flush=True)
    except OSError as problem:
        print(type(problem).__name__, flush=True)
"""

FIRST_SOURCE_PORT = 10000  # below those that the kernel gives of itself


def serve(host, name, *places):
    """A program on the host that answers on these "tcp/10.0.0.1:80", "udp/fd00::1:53"."""
    server = host.start(["/usr/bin/python3", "-c", SERVER, name, *places], name="server")
    wait_until(lambda: "serving" in server.output(), 20, lambda: f"the server: {server.output()}")
    return server


class HeldConnection:
    """One to port 80 of this address that stays open; `server` is the name of the server that took it."""

    def __init__(self, client, address):
        self.holder = client.start(["/usr/bin/python3", "-c", HOLDER, address], name="holder", pipe=True)
        self.server = self.holder.popen.stdout.readline().strip()

    def say(self, word):
        """What the server answers to this: the same, or the name of an error."""
        self.holder.popen.stdin.write(f"{word}\n")
        self.holder.popen.stdin.flush()
        return self.holder.popen.stdout.readline().strip()


def ask(host, kind, source, address, port, times=10):
    """{"one": 5, "two": 5}: how often each server answered; what failed is there by the name of its error.

    No source port is taken twice: the kernel counts a datagram from a port that it remembers to no new connection.
    """
    first = getattr(host, "next_source_port", FIRST_SOURCE_PORT)
    host.next_source_port = first + times
    return dict(host.call(answers, kind, [(source, first + number) for number in range(times)], (address, port)))


def answers(kind, sources, place):
    """How often which was said to one question from each of these sources."""
    family = socket.AF_INET6 if ":" in place[0] else socket.AF_INET
    found = collections.Counter()
    for source in sources:
        with socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM) as one:
            one.settimeout(3)
            one.bind(source)
            try:
                one.connect(place)
                if kind == "udp":
                    one.send(b"who?")
                found[one.recv(2048).decode()] += 1
            except OSError as problem:
                found[type(problem).__name__] += 1
    return found


def hold_address(host, *addresses):
    """The host takes packets for these addresses, and nobody hears of it: what DR and tunnels need of a real server."""
    for setting in ("all", "lo"):
        host.sysctl(**{f"net__ipv4__conf__{setting}__arp_ignore": 1, f"net__ipv4__conf__{setting}__arp_announce": 2})
    for address in addresses:
        host.run(["ip", "addr", "add", address, "dev", "lo", *(["nodad"] if ":" in address else [])])


def connections(host):
    """{"TCP 10.0.0.1:80": 10}: how many connections IPVS has counted for each service."""
    counted = {}
    for line in host.run(["ipvsadm", "-Ln", "--stats", "--exact"]).stdout.splitlines():
        words = line.split()
        if words and words[0] in ("TCP", "UDP", "SCTP", "FWM"):
            # A mark of IPv6 has one more word.
            numbers = [word for word in words[2:] if word.isdigit()]
            counted[" ".join(words[:2])] = int(numbers[0])
    return counted
