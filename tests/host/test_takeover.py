"""`mainstayctl takeover`: from a running keepalived to mainstay and back, and nobody on the network notices."""

import json
import re

import pytest
from support.paths import program
from support.takeover import (FAILED_AT_KEEPALIVEDS_START, KEEPALIVED_PID, Watched, start_beside, start_keepalived,
                              takeover)
from support.vrrp import VIP, instance, office, wait_answers, wait_holds
from support.wait import wait_until

OTHER_VIP = "192.168.4.201"


# What is sent to syslog, a line each.
LISTEN = """
import os, socket
heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
heard.bind("/dev/log")
print("listening", flush=True)
while True:
    print(heard.recv(65536).decode().rstrip("\\0\\n"), flush=True)
"""


def configuration(state, priority, interval=1):
    """Two instances, one of them on a VMAC, the other with a route of its own."""
    return (instance(state, priority, interval=interval, more="virtual_routes {\n 10.77.0.0/24 via 192.168.4.99\n}\n") +
            instance(state, priority, OTHER_VIP + "/24", 52, "VI_2", interval, more="use_vmac\n"))


@pytest.fixture(name="site")
def fixture_site(lan):
    lan.switch("office")
    one, two, client = (lan.host(name, private_dev=name == "one", eth0=("office", f"192.168.4.{11 + number}/24"))
                        for number, name in enumerate(("one", "two", "client")))
    peer = two.keepalived(configuration("BACKUP", 100))
    keepalived = start_keepalived(one, configuration("MASTER", 150))
    for vip in (VIP, OTHER_VIP):
        wait_holds(one, vip)
    wait_until(lambda: "Entering MASTER STATE" not in peer.output()[-200:] and not two.holds(VIP), 10, "one master")
    return one, two, client, keepalived, peer


def test_a_takeover_and_the_way_back_are_noticed_by_nobody(site):
    one, two, client, keepalived, peer = site
    syslog = one.start(["/usr/bin/python3", "-c", LISTEN], name="syslog")
    wait_until(lambda: "listening" in syslog.output(), 10, "syslog")
    watched = Watched(client)
    entered = peer.output().count("Entering MASTER STATE")
    changes = one.start(["ip", "monitor", "address", "route"], name="monitor")

    daemon = start_beside(one, configuration("BACKUP", 150))
    done = takeover(one)

    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"keepalived \(process \d+\) is MASTER of VI_1 VI_2\nmainstay is MASTER of VI_1 VI_2\n"
                        r"keepalived was ended without resigning: what it held stayed in place\n"
                        r"`mainstayctl takeover --undo` goes back, once keepalived has been started again beside mainstay\n",
                        done.stdout)
    wait_until(lambda: not keepalived.alive(), 10, "keepalived to be gone")
    assert not [name for name in ("keepalived.pid", "vrrp.pid") if one.path(f"/run/{name}").exists()]
    assert "--takeover: MASTER at once, with the addresses that this host holds: VI_1 VI_2" in daemon.output()
    assert "Entering MASTER STATE" not in daemon.output()
    shown = json.loads(one.run([program("mainstayctl"), "status", "--json"]).stdout)["vrrp"]["instances"]
    assert [(each["state"], each["master"]) for each in shown] == [("MASTER", "192.168.4.11")] * 2
    last = one.run([program("mainstayctl"), "events"]).stdout.splitlines()[-1]
    assert last.endswith("another program on this host was MASTER, and this daemon took over from it"), last
    assert not [line for line in changes.output().splitlines() if line.startswith("Deleted") and "192.168.4.2" in line]
    watched.goes_on(200)
    watched.nobody_noticed("192.168.4.11", 150)

    again = start_keepalived(one, configuration("BACKUP", 150))
    back = takeover(one, "--undo")

    assert (back.returncode, back.stderr) == (0, "")
    wait_until(lambda: not daemon.alive(), 10, "mainstayd to be gone")
    watched.goes_on(200)
    assert again.alive()
    watched.nobody_noticed("192.168.4.11", 150, may_fail=FAILED_AT_KEEPALIVEDS_START)
    assert re.findall(r"mainstayctl\[\d+\]: (.*)", re.sub(r"process \d+", "process N", syslog.output())) == [
        "takeover: keepalived (process N) was ended, mainstay goes on, MASTER of VI_1 VI_2",
        "takeover --undo: mainstay (process N) was ended, keepalived goes on, MASTER of VI_1 VI_2"]
    assert peer.output().count("Entering MASTER STATE") == entered
    assert not two.holds(VIP) and not two.holds(OTHER_VIP)


@pytest.mark.nightly
def test_what_mainstay_is_not_master_of_is_not_taken_away_from_keepalived(site):
    one, _, client, keepalived, _ = site
    watched = Watched(client)
    other = instance("BACKUP", 150)  # VI_2 is missing

    daemon = start_beside(one, other)
    done = takeover(one)

    assert done.returncode == 2
    assert done.stderr == ("mainstayctl: mainstay is not MASTER of VI_2: mainstay was ended again, keepalived goes on; mainstay's "
                           "log says more\n")
    wait_until(lambda: not daemon.alive(), 10, "mainstayd to be gone")
    assert keepalived.alive()
    assert one.holds(VIP) and one.holds(OTHER_VIP)
    watched.nobody_noticed("192.168.4.11", 150)


def test_without_a_keepalived_there_is_nothing_to_take_over_from(lan):
    (one,) = office(lan, "one")

    done = takeover(one)
    one.write(KEEPALIVED_PID, "1\n")
    wrong = takeover(one)

    assert (done.returncode, wrong.returncode) == (3, 3)
    assert done.stderr == "mainstayctl: no keepalived is running: there is no /run/keepalived.pid\n"
    assert wrong.stderr == "mainstayctl: no keepalived is running: process 1 of /run/keepalived.pid is another one, or gone\n"


def test_a_keepalived_without_systemd_wants_mainstay_to_be_started_by_hand(site):
    one, _, _, keepalived, _ = site

    done = takeover(one)

    assert done.returncode == 3
    assert "keepalived is not run by systemd: start mainstay beside it" in done.stderr
    assert keepalived.alive() and one.holds(VIP)


def test_bfd_sessions_are_refused_before_anything_is_touched(site):
    one, _, _, keepalived, _ = site
    sessions = "bfd_instance b {\n source_ip 192.168.4.11\n neighbor_ip 192.168.4.99\n}\n"

    daemon = one.mainstayd(sessions + configuration("BACKUP", 150), "--takeover", name="mainstay.conf")

    assert daemon.wait(20) == 1
    assert "--takeover: the configuration has BFD sessions, which two programs on one host cannot have at the same time: " \
        "not started" in daemon.output()
    assert keepalived.alive() and one.holds(VIP)


@pytest.mark.parametrize("other", ["track_interface {\n nowhere\n}\n", pytest.param(None, marks=pytest.mark.nightly)])
def test_a_backup_that_could_not_become_master_is_not_taken_over(lan, other):
    """mainstay is in FAULT, or has other instances: nobody would have the address when the master goes."""
    one, two = office(lan, "one", "two")
    two.keepalived(configuration("MASTER", 200))
    keepalived = start_keepalived(one, configuration("BACKUP", 100))
    wait_holds(two)
    wait_until(lambda: "Startup complete" in keepalived.output(), 10, "keepalived")

    mine = configuration("BACKUP", 100)
    daemon = start_beside(one, mine.replace("use_vmac\n", other) if other else mine.replace("VI_2", "VI_9"))
    wait_answers(daemon)
    done = takeover(one)

    assert done.returncode == 2
    assert done.stderr.startswith("mainstayctl: mainstay is neither MASTER nor BACKUP of VI_2: mainstay was ended again, keepalived goes on")
    assert keepalived.alive() and two.holds(VIP)


def test_a_backup_takes_over_as_backup(lan):
    one, two = office(lan, "one", "two")
    two.keepalived(configuration("MASTER", 200))
    keepalived = start_keepalived(one, configuration("BACKUP", 100))
    wait_holds(two)
    wait_until(lambda: "Startup complete" in keepalived.output(), 10, "keepalived")

    daemon = start_beside(one, configuration("BACKUP", 100))
    done = takeover(one)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("keepalived (process ") and "is MASTER of no instance\n" in done.stdout
    assert "Entering MASTER STATE" not in daemon.output() and not one.holds(VIP)
    assert "--takeover: this host holds no instance's addresses, nothing is taken over" in daemon.output()
    wait_answers(daemon)
    assert two.holds(VIP)
