"""mainstayctl server --wait, --for and --reason: in the kernel's table, over a crash, and in what is shown."""

import json

import pytest

from support.lvs import lvs_pid, virtual_server
from support.paths import program
from support.wait import wait_until

SERVERS = "".join(f"  real_server 127.1.0.{n} 80 {{\n  }}\n" for n in (1, 2))
WEB = virtual_server("10.0.0.1 80", SERVERS)
SERVICE, FIRST, SECOND = "-A -t 10.0.0.1:80 -s wrr", "-a -t 10.0.0.1:80 -r 127.1.0.1:80 -m -w ", \
    "-a -t 10.0.0.1:80 -r 127.1.0.2:80 -m -w "
LISTENER = """
import socket
held, listening = [], [socket.create_server((address, 80)) for address in ("127.1.0.1", "127.1.0.2")]
print("listening", flush=True)
import select
while True:
    for one in select.select(listening, [], [])[0]:
        held.append(one.accept()[0])
"""
CLIENT = """
import socket, time
connected = [socket.create_connection(("10.0.0.1", 80), timeout=5) for _ in range(4)]
print("connected", flush=True)
time.sleep(600)
"""


@pytest.fixture
def director(lan):
    host = lan.host("director")
    host.run(["ip", "link", "set", "lo", "up"])
    host.run(["ip", "address", "add", "10.0.0.1/32", "dev", "lo"])
    return host


def table(host):
    return sorted(host.run(["ipvsadm", "-Sn"]).stdout.splitlines())


def until_table(host, first, second, daemon):
    wanted = [SERVICE, *([FIRST + str(first)] if first is not None else []), SECOND + str(second)]
    wait_until(lambda: table(host) == sorted(wanted), 20, lambda: f"{wanted}, there is {table(host)}\n{daemon.output()}")


def ctl(host, *words, code=0):
    ran = host.run([program("mainstayctl"), *words], check=False)
    assert ran.returncode == code, (words, ran.stdout, ran.stderr)
    return ran.stdout + ran.stderr


def overrides(host):
    return json.loads(ctl(host, "status", "--json"))["lvs"]["overrides"]


def test_a_drain_waits_for_the_last_connection_and_says_what_is_left(director):
    web = director.start(["/usr/bin/python3", "-c", LISTENER], name="web")
    wait_until(lambda: "listening" in web.output(), 20, web.output)
    daemon = director.mainstayd(WEB, "-C")
    until_table(director, 1, 1, daemon)
    client = director.start(["/usr/bin/python3", "-c", CLIENT], name="client")
    wait_until(lambda: "connected" in client.output(), 20, client.output)

    said = ctl(director, "server", "drain", "127.1.0.1", "--wait", "--timeout", "2s", code=1)

    assert "not drained after 2 s; these are left, and the override stays:\n" \
           "[127.1.0.1]:tcp:80 of VS [10.0.0.1]:tcp:80: 2 connections\n" in said
    until_table(director, 0, 1, daemon)
    waiting = director.start([program("mainstayctl"), "server", "drain", "127.1.0.1", "--wait"], name="waiting")
    wait_until(lambda: ": 2 connections" in waiting.output(), 20, waiting.output)
    assert "drained after" not in waiting.output()
    client.stop()
    wait_until(lambda: "s: no connection is left" in waiting.output(), 30, waiting.output)
    disabled = ctl(director, "server", "disable", "127.1.0.2", "--wait")
    assert "drained after 0 s: no connection is left\n" in disabled
    assert ("mainstayctl: warning: would lose its quorum: [10.0.0.1]:tcp:80: weight 0 is left, and its quorum is 1; "
            "no server gets new connections\n") in disabled


@pytest.mark.nightly
def test_an_override_with_a_time_ends_by_itself_also_after_a_crash_and_its_reason_is_shown(director):
    daemon = director.mainstayd(WEB, "-C")
    until_table(director, 1, 1, daemon)

    ctl(director, "server", "drain", "127.1.0.1", "--for", "30s", "--reason", "new disk")
    ctl(director, "server", "drain", "127.1.0.2", "--for", "1h")
    until_table(director, 0, 0, daemon)
    wait_until(lambda: "server drain 127.1.0.1 --for 30s by uid 0, pid " in daemon.output(), 10, daemon.output)
    wait_until(lambda: [held.get("reason") for held in overrides(director)] == ["new disk", None], 20, daemon.output)
    assert all(held["until_unix_us"] > held["since_unix_us"] for held in overrides(director))
    assert "new disk" in ctl(director, "status") and "ENDS IN" in ctl(director, "status")
    assert "drained it: new disk; this ends at " in ctl(director, "why", "10.0.0.1:80/127.1.0.1")
    assert " s more (new disk), UP, weight 0" in ctl(director, "server", "show", "127.1.0.1")

    director.run(["kill", "-KILL", lvs_pid(daemon)])
    wait_until(lambda: daemon.output().count("Starting Healthcheck child process") == 2, 30, daemon.output)
    wait_until(lambda: "ends: it was drained by uid 0, pid " in daemon.output(), 60, daemon.output)

    until_table(director, 1, 0, daemon)
    wait_until(lambda: "until now (new disk)" in daemon.output(), 10, daemon.output)
    assert [held["server"] for held in overrides(director)] == ["127.1.0.2:80"]


def test_times_and_reasons_that_cannot_be_meant_are_refused(director):
    daemon = director.mainstayd(WEB, "-C")
    until_table(director, 1, 1, daemon)

    for wrong in (["--for", "0"], ["--for", "soon"], ["--timeout", "5s"]):
        assert director.run([program("mainstayctl"), "server", "drain", "*", *wrong], check=False).returncode not in (0, 1)
    assert "one line of at most 200 bytes" in ctl(director, "server", "drain", "*", "--reason", "a\nb", code=2)
    assert director.run([program("mainstayctl"), "server", "enable", "*", "--for", "1h"], check=False).returncode != 0
    until_table(director, 1, 1, daemon)
