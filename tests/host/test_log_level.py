"""mainstayctl loglevel: what a running daemon logs, by module."""

import json
import signal

from support.paths import program
from support.vrrp import instance, logged, office, signal_role, wait_holds, wait_ready
from support.wait import wait_until

MODULES = ("supervisor", "config", "vrrp", "lvs", "bfd", "track", "snmp", "observer", "mail", "webhook", "api")


def ctl(host, *arguments, status=0):
    done = host.run([program("mainstayctl"), *arguments], check=False, timeout=60)
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def levels(host):
    return dict(line.split(maxsplit=1) for line in ctl(host, "loglevel").splitlines())


def api_levels(host):
    done = host.run(["curl", "-s", "--unix-socket", "/run/mainstay/control.sock", "http://d/api/v1/loglevel"], check=False)
    return json.loads(done.stdout)["levels"] if done.returncode == 0 and done.stdout else {}


def started(lan):
    """It is started with -D: the level of its command line is debug."""
    (host,) = office(lan, "one")
    return host, start(host)


def start(host):
    daemon = wait_ready(host.mainstayd(instance("MASTER", 150)))
    wait_holds(host)
    return daemon


def test_a_level_is_set_without_a_restart_and_holds_until_one(lan):
    host, daemon = started(lan)
    assert levels(host) == {module: "debug" for module in MODULES}

    assert ctl(host, "loglevel", "vrrp", "info") == "vrrp       info (default: debug)\n"
    logged(daemon, "log levels changed until the daemon restarts (")
    logged(daemon, "vrrp: debug -> info")
    wait_until(lambda: api_levels(host).get("vrrp") == "info", 10, "the level in the API")
    signal_role(host, "mainstayd-vrrp", signal.SIGKILL)
    logged(daemon, "state of the previous process resumed")
    assert levels(host)["vrrp"] == "info (default: debug)"
    assert levels(host)["lvs"] == "debug"
    assert "is no module: there are supervisor, config, vrrp" in ctl(host, "loglevel", "vvrp", "debug", status=2)
    assert daemon.stop(timeout=15) == 0
    assert "(VI_1) sent 0 priority" not in daemon.output()  # logged at debug

    daemon = start(host)
    assert levels(host)["vrrp"] == "debug"
    assert daemon.stop(timeout=15) == 0
    assert "(VI_1) sent 0 priority" in daemon.output()


def test_a_level_above_info_silences_all_processes_until_it_is_the_default_again(lan):
    host, daemon = started(lan)
    ctl(host, "loglevel", "error")
    assert set(levels(host).values()) == {"error (default: debug)"}
    said = daemon.output()
    reload_quietly = host.run([program("mainstayctl"), "reload"], check=False)
    assert reload_quietly.returncode == 0
    assert daemon.output() == said
    ctl(host, "loglevel", "default")
    logged(daemon, "vrrp: error -> debug")
    assert daemon.stop(timeout=15) == 0
    assert "(VI_1) sent 0 priority" in daemon.output()
