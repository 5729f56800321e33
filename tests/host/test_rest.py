"""The observer of a daemon that nobody asks ends after half a minute; a question, an event and the stop bring it back."""

import json
import signal

from support.paths import program
from support.vrrp import fast, instance, office, wait_holds, wait_ready
from support.wait import wait_until


def ctl(host, *arguments):
    done = host.run([program("mainstayctl"), *arguments], check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def observers(host):
    return host.process_names().count("mainstayd-obs")


def transitions(host):
    return [json.loads(line)["transition"] for line in ctl(host, "events", "--json", "--instance", "VI_1").splitlines()]


def test_a_daemon_that_nobody_asks_is_two_processes_and_misses_nothing(lan):
    hosts = asked, moved, dumped, stopped = office(lan, "asked", "moved", "dumped", "stopped")
    daemons = {host: host.mainstayd(instance(vrid=number + 51, vip=f"192.168.4.{200 + number}"))
               for number, host in enumerate(hosts)}
    for number, host in enumerate(hosts):
        wait_ready(daemons[host])
        wait_holds(host, f"192.168.4.{200 + number}")
    for host in hosts:
        # The test's log is a file, which a process of its own writes.
        wait_until(lambda h=host: sorted(n for n in h.process_names() if n.startswith("mainstayd") and n != "mainstayd-log") ==
                   ["mainstayd", "mainstayd-vrrp"], 100, lambda h=host: f"processes: {h.process_names()}")
    assert not asked.path("/run/mainstay/observer.pid").exists()

    assert json.loads(ctl(asked, "status", "--json"))["vrrp"]["instances"][0]["state"] == "MASTER"
    assert observers(asked) == 1

    moved.run(["ip", "link", "set", "eth0", "down"])
    wait_until(lambda: observers(moved) == 1, 20, "the observer, for an event")
    wait_until(lambda: transitions(moved)[-1] == "FAULT", 20, lambda: f"{transitions(moved)}")

    daemons[dumped].send(signal.SIGUSR1)
    wait_until(dumped.path("/tmp/keepalived.data").exists, 20, "the dump")
    assert "VRRP Instance = VI_1" in dumped.read("/tmp/keepalived.data")

    daemons[stopped].send(signal.SIGTERM)
    daemons[stopped].wait(20)
    assert not stopped.path("/run/mainstay/control.sock").exists()
    wait_ready(stopped.mainstayd(instance(vrid=54, vip="192.168.4.203"), name="again.conf"))
    wait_until(lambda: "STOP" in transitions(stopped), 20, lambda: f"{transitions(stopped)}")

    for host in hosts:
        assert "died" not in daemons[host].output()


def test_a_spare_stands_ready_where_peers_would_notice_a_restart(lan):
    quick, slow = office(lan, "quick", "slow")
    wait_ready(quick.mainstayd(fast()))
    wait_until(lambda: "mainstayd-spare" in quick.process_names(), 20, "the spare")
    daemon = wait_ready(slow.mainstayd(instance(vrid=52, vip="192.168.4.201")))
    wait_until(lambda: "mainstayd-obs" in slow.process_names(), 20, "the observer")
    before = daemon.output()
    assert "mainstayd-spare" not in slow.process_names()
    slow.write("/run/keepalived.conf", fast(vrid=52, vip="192.168.4.201"))
    daemon.send(signal.SIGHUP)
    wait_until(lambda: "mainstayd-spare" in slow.process_names(), 20, lambda: daemon.output()[len(before):])
