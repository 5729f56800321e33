"""A MASTER that balances changes its program, is upgraded, and loses processes: no request fails, no connection ends.

MAINSTAY_CHANGES says how many times of each; a change between keepalived and mainstay counts once there and once back.
"""

import os
import signal

import pytest
from support.fault_rows import roles
from support.paths import program
from support.takeover import FAILED_AT_KEEPALIVEDS_START, Watched, start_beside, start_keepalived, takeover
from support.traffic import HeldConnection, hold_address, serve
from support.vrrp import VIP, instance, office, wait_holds, wait_ready
from support.wait import wait_until

CHANGES = int(os.environ.get("MAINSTAY_CHANGES", "6"))
INTERVAL = 1
KILLED = ("mainstayd-vrrp", "mainstayd-lvs", "mainstayd-obs")


def service(*servers):
    real = "".join(f" real_server 192.168.4.{last} 80 {{\n  TCP_CHECK {{\n   connect_timeout 1\n  }}\n }}\n" for last in servers)
    return f"virtual_server {VIP} 80 {{\n delay_loop 1\n lb_algo rr\n lb_kind DR\n protocol TCP\n{real}}}\n"


def configuration(state, priority, *servers):
    return ("global_defs {\n lvs_sync_daemon eth0\n}\n" + instance(state, priority, interval=INTERVAL) +
            service(*(servers or (13, 14))))


@pytest.fixture(name="net")
def fixture_net(lan):
    one, two, web, other, client = office(lan, "one", "two", "web", "other", "client")
    for host in (web, other):
        hold_address(host, VIP)
        serve(host, host.name, f"tcp/{VIP}:80", f"tcp/192.168.4.{13 if host is web else 14}:80")
    return one, two, client


@pytest.mark.nightly
def test_changes_between_keepalived_and_mainstay_lose_nothing(net):
    one, two, client = net
    backup = two.keepalived(configuration("BACKUP", 100))
    keepalived = start_keepalived(one, configuration("MASTER", 150))
    wait_holds(one)
    table = one.ipvs()
    assert len(table[f"TCP {VIP}:80 rr"]) == 2
    entered = backup.output().count("Entering MASTER STATE")
    watched = Watched(client, INTERVAL, 80)
    connection = HeldConnection(client, VIP)
    for change in range(CHANGES):
        if change % 2 == 0:
            mainstay = start_beside(one, configuration("BACKUP", 150))
            done, gone = takeover(one), keepalived
        else:
            keepalived = start_keepalived(one, configuration("BACKUP", 150))
            done, gone = takeover(one, "--undo"), mainstay

        assert (done.returncode, done.stderr) == (0, ""), f"change {change}: {done.stdout}"
        wait_until(lambda: not gone.alive(), 10, "the other program to be gone")
        watched.goes_on(5)
        assert one.ipvs() == table, f"change {change}"
        assert connection.say(change) == str(change)

    watched.goes_on(60)
    watched.nobody_noticed("192.168.4.11", 150, may_fail=CHANGES // 2 * FAILED_AT_KEEPALIVEDS_START)
    assert backup.output().count("Entering MASTER STATE") == entered and not two.holds(VIP)


@pytest.mark.nightly
def test_a_server_that_keepalived_has_taken_out_stays_out(net):
    """192.168.4.15 does not exist. On the way back keepalived takes it for up until its first check, as at each of its starts."""
    one, _, client = net
    keepalived = start_keepalived(one, configuration("MASTER", 150, 13, 14, 15))
    wait_holds(one)
    wait_until(lambda: len(one.ipvs().get(f"TCP {VIP}:80 rr", {})) == 2, 60, "the server that is down to be taken out")
    watched = Watched(client, INTERVAL, 80)

    start_beside(one, configuration("BACKUP", 150, 13, 14, 15))
    done = takeover(one)

    assert (done.returncode, done.stderr) == (0, "")
    wait_until(lambda: not keepalived.alive(), 10, "keepalived to be gone")
    watched.goes_on(80)
    watched.nobody_noticed("192.168.4.11", 150)
    assert len(one.ipvs()[f"TCP {VIP}:80 rr"]) == 2


@pytest.fixture(name="running")
def fixture_running(net):
    """mainstay as MASTER, its peer, a held connection, and what the network sees."""
    one, two, client = net
    backup = wait_ready(two.mainstayd(configuration("BACKUP", 100)))
    master = wait_ready(one.mainstayd(configuration("MASTER", 150)))
    wait_holds(one)
    # Where a start takes longer than the master-down interval, the backup has been MASTER before there was another.
    wait_until(lambda: not two.holds(VIP), 10, "one master")
    entered = backup.output().count("Entering MASTER STATE")
    wait_until(lambda: set(KILLED) <= set(roles(master)), 60, "every process")
    yield one, master, HeldConnection(client, VIP), Watched(client, INTERVAL, 80)
    assert backup.output().count("Entering MASTER STATE") == entered and not two.holds(VIP)


def test_upgrades_lose_nothing(running):
    one, master, connection, watched = running
    table = one.ipvs()
    for number in range(CHANGES):
        before = roles(master)

        done = one.run([program("mainstayctl"), "upgrade"], check=False, timeout=120)

        said = [line for line in done.stderr.splitlines() if "no answer from mainstayd" not in line]  # of a slow machine
        assert (done.returncode, said) == (0, []), f"upgrade {number}: {done.stdout}"
        assert not {before[name] for name in KILLED} & set(roles(master).values())
        assert one.ipvs() == table, f"upgrade {number}"
        assert connection.say(number) == str(number)
    watched.goes_on(60)
    watched.nobody_noticed("192.168.4.11", 150)


@pytest.mark.nightly
def test_killed_processes_lose_nothing(running):
    """Each in turn. One that dies twice within ten seconds is started again a second later, so each has its pause."""
    one, master, connection, watched = running
    table = one.ipvs()
    for number in range(CHANGES):
        name = KILLED[number % len(KILLED)]
        before = roles(master)[name]

        os.kill(before, signal.SIGKILL)

        wait_until(lambda n=name, b=before: roles(master).get(n, b) != b, 30, f"another {name}")
        watched.goes_on(35)
        assert one.ipvs() == table, f"kill {number}, of {name}"
        assert connection.say(number) == str(number)
    watched.goes_on(60)
    watched.nobody_noticed("192.168.4.11", 150)
