"""An operator's overrides of single servers at run time, in the kernel's table, over a reload and a crash."""

import json
import pathlib
import signal
import socket

import pytest

from support.lvs import listen, lvs_pid, virtual_server
from support.paths import program
from support.wait import stays, wait_until

SERVERS = "".join(f"  real_server 127.1.0.{n} 80 {{\n    weight {n}\n  }}\n" for n in (1, 2, 3))
WEB = virtual_server("10.0.0.1 80", SERVERS)
AS_CONFIGURED = ["-A -t 10.0.0.1:80 -s wrr", "-a -t 10.0.0.1:80 -r 127.1.0.1:80 -m -w 1",
                 "-a -t 10.0.0.1:80 -r 127.1.0.2:80 -m -w 2", "-a -t 10.0.0.1:80 -r 127.1.0.3:80 -m -w 3"]
HELD = ["-A -t 10.0.0.1:80 -s wrr", "-a -t 10.0.0.1:80 -r 127.1.0.1:80 -m -w 0",
        "-a -t 10.0.0.1:80 -r 127.1.0.3:80 -m -w 100"]


@pytest.fixture
def director(lan):
    host = lan.host("director")
    host.run(["ip", "link", "set", "lo", "up"])
    host.run(["ip", "address", "add", "10.0.0.1/32", "dev", "lo"])
    return host


def table(host):
    return sorted(host.run(["ipvsadm", "-Sn"]).stdout.splitlines())


def until_table(host, wanted, daemon=None):
    wait_until(lambda: table(host) == sorted(wanted), 20,
               lambda: f"{wanted}, there is {table(host)}\n{daemon.output() if daemon else ''}")


def server(host, *words, code=0):
    ran = host.run([program("mainstayctl"), "server", *words], check=False)
    assert ran.returncode == code, (words, ran.stdout, ran.stderr)
    return ran.stdout


def test_drained_disabled_and_weighed_servers_stay_so_over_a_reload_and_a_crash(director):
    daemon = director.mainstayd(WEB, "-C")
    until_table(director, AS_CONFIGURED, daemon)

    would = server(director, "disable", "127.1.0.2", "--dry-run", code=1)
    assert "would write: delete TCP 10.0.0.1:80 -> 127.1.0.2:80" in would
    assert table(director) == sorted(AS_CONFIGURED)
    server(director, "drain", "127.1.0.1")
    server(director, "disable", "10.0.0.1:80/127.1.0.2:80")
    server(director, "weight", "*.3", "100")
    assert table(director) == sorted(HELD)
    wait_until(lambda: "server drain 127.1.0.1 by uid 0, pid " in daemon.output(), 10, daemon.output)

    daemon.send(signal.SIGHUP)
    wait_until(lambda: "Reload complete" in daemon.output(), 20, lambda: daemon.output())
    assert table(director) == sorted(HELD)
    first = lvs_pid(daemon)
    director.run(["kill", "-KILL", str(first)])
    wait_until(lambda: lvs_pid(daemon) != first, 20, lambda: daemon.output())
    assert stays(lambda: table(director) == sorted(HELD), 3)

    shown = json.loads(director.run([program("mainstayctl"), "status", "--json"]).stdout)["lvs"]
    assert [(o["server"], o["is"]) for o in shown["overrides"]] == [
        ("127.1.0.1:80", "drained"), ("127.1.0.2:80", "disabled"), ("127.1.0.3:80", "weight 100")]
    assert [s["weight_in_table"] for s in shown["services"][0]["servers"]] == [0, 0, 100]
    assert "drained by uid 0, pid " in director.run([program("mainstayctl"), "status"]).stdout

    assert server(director, "enable", "*").count("(was: ") == 3
    until_table(director, AS_CONFIGURED, daemon)


CLIENT = """
import signal, socket
held = socket.create_connection(("10.0.0.1", 80), timeout=5)
print("connected", flush=True)
signal.pause()
"""
ACCEPTOR = """
import socket
listening = socket.create_server(("127.1.0.1", 80))
print("listening", flush=True)
held = []
while True:
    held.append(listening.accept()[0])
"""


def test_a_server_that_a_reload_removes_keeps_its_connections_until_they_are_gone(director):
    web = director.start(["/usr/bin/python3", "-c", ACCEPTOR], name="web")
    wait_until(lambda: "listening" in web.output(), 20, lambda: web.output())
    listen(director, "127.1.0.4:80")
    text = virtual_server("10.0.0.1 80", "  real_server 127.1.0.1 80 {\n  }\n", options="drain_timeout 60")
    daemon = director.mainstayd(text, "-C")
    service, first = "-A -t 10.0.0.1:80 -s wrr", "-a -t 10.0.0.1:80 -r 127.1.0.1:80 -m -w "
    until_table(director, [service, first + "1"], daemon)
    client = director.start(["/usr/bin/python3", "-c", CLIENT], name="client")
    wait_until(lambda: "connected" in client.output(), 20, lambda: client.output())

    director.write("/run/keepalived.conf", text.replace("127.1.0.1 80", "127.1.0.4 80"))
    daemon.send(signal.SIGHUP)
    second = "-a -t 10.0.0.1:80 -r 127.1.0.4:80 -m -w 1"
    until_table(director, [service, first + "0", second], daemon)
    assert stays(lambda: table(director) == sorted([service, first + "0", second]), 3)

    client.stop()
    until_table(director, [service, second], daemon)
    wait_until(lambda: "Service [127.1.0.1]:tcp:80 of VS [10.0.0.1]:tcp:80 has no connection left" in daemon.output(), 10,
               daemon.output)


WEB_SERVER = """
import socket, sys
listening = socket.create_server((sys.argv[1], 80))
print("listening", flush=True)
while True:
    client = listening.accept()[0]
    client.sendall(sys.argv[1].encode())
    client.close()
"""
EXPIRY = "net.ipv4.vs.expire_quiescent_template"
EXPIRY_FILE = pathlib.Path("/proc/sys", *EXPIRY.split("."))


def test_a_drained_servers_clients_go_elsewhere_with_expire_persistence_and_the_setting_is_put_back(director):
    addresses = ["127.1.0.1", "127.1.0.2"]
    for address in addresses:
        web = director.start(["/usr/bin/python3", "-c", WEB_SERVER, address], name=f"web-{address}")
        wait_until(lambda web=web: "listening" in web.output(), 20, lambda web=web: web.output())
    text = virtual_server("10.0.0.1 80", "".join(f"  real_server {a} 80 {{\n  }}\n" for a in addresses),
                          options="persistence_timeout 300")
    daemon = director.mainstayd(text, "-C")
    wait_until(lambda: len(table(director)) == 3, 20, lambda: daemon.output())

    def ask():
        with director.call(socket.create_connection, ("10.0.0.1", 80), 5) as asked:
            return asked.recv(100).decode()

    def expires():
        return director.call(EXPIRY_FILE.read_text).strip()

    first = ask()
    (second,) = set(addresses) - {first}
    assert [ask() for _ in range(3)] == [first] * 3

    assert "unless it is drained with --expire-persistence" in server(director, "drain", first)
    assert (ask(), expires()) == (first, "0")

    assert f"would set: {EXPIRY} = 1" in server(director, "drain", first, "--expire-persistence", "--dry-run", code=1)
    assert (ask(), expires()) == (first, "0")

    assert f"{EXPIRY} is 1 until these servers are enabled" in server(director, "drain", first, "--expire-persistence")
    assert ([ask() for _ in range(3)], expires()) == ([second] * 3, "1")

    killed = lvs_pid(daemon)
    director.run(["kill", "-KILL", str(killed)])
    wait_until(lambda: lvs_pid(daemon) != killed, 20, lambda: daemon.output())
    show = [program("mainstayctl"), "server", "show"]  # which the new process may not be ready for
    wait_until(lambda: "drained (persistence expires)" in director.run(show, check=False).stdout, 20, lambda: daemon.output())
    assert expires() == "1"

    server(director, "enable", "*")
    assert (ask(), expires()) == (second, "0")

    server(director, "drain", second, "--expire-persistence")
    assert (ask(), expires()) == (first, "1")
    assert daemon.stop() == 0
    assert expires() == "0"


ECHO = """
import socket, sys
here = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
here.bind((sys.argv[1], 80))
print("listening", flush=True)
while True:
    _data, client = here.recvfrom(100)
    here.sendto(sys.argv[1].encode(), client)
"""
FLOW = """
import socket, sys
flow = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
flow.connect(("10.0.0.1", 80))
flow.settimeout(1)
for _line in sys.stdin:
    try:
        flow.send(b"?")
        print(flow.recv(100).decode(), flush=True)
    except OSError:  # what is dropped on this very host is refused
        print("no answer", flush=True)
"""


def test_a_reload_that_removes_a_server_says_that_its_udp_clients_are_left_without_an_answer(director):
    addresses = ["127.1.0.1", "127.1.0.2"]
    for address in addresses:
        echo = director.start(["/usr/bin/python3", "-c", ECHO, address], name=f"echo-{address}")
        wait_until(lambda echo=echo: "listening" in echo.output(), 20, echo.output)

    def text(of):
        return virtual_server("10.0.0.1 80", "".join(f"  real_server {a} 80 {{\n  }}\n" for a in of), options="protocol UDP")

    daemon = director.mainstayd(text(addresses), "-C")
    wait_until(lambda: len(table(director)) == 3, 20, daemon.output)
    flow = director.start(["/usr/bin/python3", "-c", FLOW], name="flow", pipe=True).popen

    def ask():
        """An answer, or word of its absence after a second, through one and the same port."""
        flow.stdin.write("\n")
        flow.stdin.flush()
        return flow.stdout.readline().strip()

    first = ask()
    assert first in addresses
    (second,) = set(addresses) - {first}
    would = f"before the reload: mainstayctl server drain {first}:80 --wait"
    director.write("/run/keepalived.conf", text([second]))
    director.run(["sysctl", "-w", "net.ipv4.vs.expire_nodest_conn=1"])
    assert would not in director.run([program("mainstayctl"), "reload", "--dry-run"], check=False).stdout
    director.run(["sysctl", "-w", "net.ipv4.vs.expire_nodest_conn=0"])
    assert would in director.run([program("mainstayctl"), "reload", "--dry-run"], check=False).stdout

    assert would in director.run([program("mainstayctl"), "reload"]).stdout + daemon.output()
    wait_until(lambda: len(table(director)) == 2, 20, daemon.output)
    assert [ask(), ask()] == ["no answer", "no answer"]
    director.run(["sysctl", "-w", "net.ipv4.vs.expire_nodest_conn=1"])
    wait_until(lambda: ask() == second, 20, "the other server's answer")
