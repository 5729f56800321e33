"""The checks that keepalived has not, GRPC_CHECK and AGENT_CHECK, as a whole daemon runs them: what arrives at the server,
and what status and log say. The kernel needs no IPVS for it."""

import json
import re
import signal

import pytest

from support.lvs import virtual_server
from support.paths import program
from support.wait import wait_until

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
RS = "[10.0.1.1]:tcp:80"
VS = "[10.0.0.1]:tcp:80"
FAST = "delay_loop 0.3\nretry 0\nwarmup 0\nconnect_timeout 1\n"


def service(check):
    return virtual_server("10.0.0.1 80", f"real_server 10.0.1.1 80 {{\nweight 40\n{check}}}\n")


def agent_check(lines):
    return f"AGENT_CHECK {{\n{FAST}{lines}\n}}\n"


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
            ("pass", "the agent hung up without an answer"),
            (r"c.sendall(b'\x00\xffelf\x7f\n')", "the agent's answer is not understood: '??elf?'"),
            ("c.sendall(b'HTTP/1.0 200 OK\\r\\n\\r\\n')",
             "the agent's answer is not understood: 'HTTP/1.0 200 OK'")):
        agent.does(script)
        until(director, daemon, False, 40, result)
        agent.says("up")
        until(director, daemon, True, 40, "the agent says up")
    agent.process.stop(signal.SIGKILL)
    until(director, daemon, False, 40, "connection refused")


def test_an_agent_is_asked_from_where_it_is_told(director):
    # effect: virtual_server/real_server/AGENT_CHECK: bindto bind_port bind_if fwmark
    agent = Agent(director.web, 8081)
    director.run(["nft", "add table ip t; add chain ip t out { type filter hook output priority 0; }; "
                         "add rule ip t out meta mark 77 ip daddr 192.168.4.20 tcp dport 8081 counter"])
    where = "connect_ip 192.168.4.20\nconnect_port 8081\nbindto 192.168.4.6\nbind_port 4321\nbind_if eth0\nfwmark 77"
    daemon = director.mainstayd(service(agent_check(where)), "-C")
    until(director, daemon, True, 40, "the agent says up")
    assert "from 192.168.4.6 4321 " in agent.process.output()
    counted = director.run(["nft", "list", "table", "ip", "t"]).stdout
    assert int(re.search(r"packets (\d+)", counted).group(1)) >= 3, counted

    director.write("/run/keepalived.conf", service(agent_check(where.replace("bind_if eth0", "bind_if lo"))))
    daemon.send(signal.SIGHUP)
    until(director, daemon, False, 40, "timed out after 1 s")
