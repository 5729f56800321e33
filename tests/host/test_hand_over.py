"""Operators hand instances over, and step back for maintenance: who is MASTER then, and what the wire shows."""

import json
import signal

import pytest
from support.capture import Capture
from support.paths import program
from support.vrrp import VIP, instance, logged, office, partition, reload, signal_role, wait_holds, wait_ready, wait_released
from support.wait import stays, wait_until

OURS, THEIRS = "192.168.4.11", "192.168.4.12"
PRIORITY, LOWER = 150, 100
# RFC 3768: the skew of priority 100 is 156/256 s; one advert interval is 1 s.
SKEW, INTERVAL = 0.61, 1.0
SLACK = 0.5  # a busy machine


def ctl(host, *arguments, status=0):
    done = host.run([program("mainstayctl"), *arguments], check=False, timeout=60)
    assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


def state(host):
    """The status; after a start the socket is there a little later than the addresses."""
    def answer():
        done = host.run([program("mainstayctl"), "status", "--json"], check=False)
        return json.loads(done.stdout) if done.returncode == 0 else None
    return wait_until(answer, 15, "an answer of the daemon")


def pair(lan, peer, more=""):
    """mainstay as MASTER with the higher priority, and a backup of this kind."""
    one, two = office(lan, "one", "two")
    text = instance("BACKUP", LOWER)
    backup = wait_ready(two.mainstayd(text)) if peer == "mainstay" else two.keepalived(text)
    wait_holds(two)
    master = wait_ready(one.mainstayd(instance("BACKUP", PRIORITY, more=more)))
    wait_holds(one)
    wait_released(two)
    return one, two, master, backup


def adverts(packets):
    """(time, source, priority) of each advert."""
    return [(float(p.time), p["IP"].src, bytes(p["IP"].payload)[2]) for p in packets if p.haslayer("IP")]


def check_one_clean_hand_over(packets):
    """One resignation, then the peer alone, with no gap beyond one advert interval."""
    seen = adverts(packets)
    zero = [at for at, advert in enumerate(seen) if advert[1:] == (OURS, 0)]
    assert len(zero) == 1, seen
    before, after = seen[:zero[0]], seen[zero[0] + 1:]
    assert {advert[1] for advert in before} <= {OURS} and len(after) >= 3, seen
    assert {advert[1:] for advert in after} == {(THEIRS, LOWER)}, seen
    times = [time for time, *_ in seen]
    gaps = [later - earlier for earlier, later in zip(times, times[1:])]
    assert max(gaps) <= INTERVAL + SLACK, gaps
    assert after[0][0] - seen[zero[0]][0] <= SKEW + SLACK, seen


@pytest.mark.nightly
@pytest.mark.parametrize("peer", ["keepalived", "mainstay"])
def test_a_failover_moves_the_address_once_and_it_stays_until_it_is_asked_back(lan, peer):
    one, two, master, _ = pair(lan, peer)
    would = ctl(one, "failover", "VI_1", "--dry-run", status=1)
    assert "VI_1 would be handed over" in would and one.holds(VIP)

    with Capture(two) as capture:
        told = ctl(one, "failover", "VI_1")
        wait_holds(two)
        capture.wait_for(4, which=lambda p: p["IP"].src == THEIRS)
        check_one_clean_hand_over(capture.packets())
    assert "VI_1 was MASTER with priority 150" in told and f"VI_1: {THEIRS} took over after " in told
    assert stays(lambda: two.holds(VIP) and not one.holds(VIP), 5)
    assert two.run(["ping", "-c1", "-W2", "-I", "192.168.4.12", VIP], check=False).returncode == 0
    shown = state(one)["vrrp"]["instances"][0]
    assert (shown["state"], shown["failed_over"], shown["priority"]) == ("BACKUP", True, PRIORITY)
    assert "failover of VI_1 requested (" in master.output()

    again = ctl(one, "failover", "VI_1", status=2)
    assert f"VI_1 is BACKUP; the master heard last is {THEIRS}, priority 100" in again

    signal_role(one, "mainstayd-vrrp", signal.SIGKILL)
    logged(master, "state of the previous process resumed")
    assert stays(lambda: two.holds(VIP) and not one.holds(VIP), 5)

    ctl(one, "failover", "--back", "VI_1")
    wait_holds(one)
    wait_released(two)


def test_a_failover_that_nobody_takes_is_taken_back_and_said(lan):
    (one,) = office(lan, "one")
    master = wait_ready(one.mainstayd(instance("MASTER", PRIORITY)))
    wait_holds(one)
    with Capture(one) as capture:
        told = ctl(one, "failover", "VI_1", status=1)
        assert "VI_1: nobody took over within 1.99" in told and "this router is MASTER again" in told
        wait_holds(one)
        capture.wait_for(1, which=lambda p: bytes(p["IP"].payload)[2] == 0)
    assert "nobody took over within" in master.output()
    assert "named VI_9; known: VI_1" in ctl(one, "failover", "VI_9", status=2)


@pytest.mark.nightly
def test_a_failover_to_a_keepalived_that_hangs_is_taken_back_and_said(lan):
    one, two, master, _ = pair(lan, "keepalived")
    _, *pids = two.run(["pgrep", "-x", "keepalived"]).stdout.split()  # without the parent, which only waits
    assert pids
    two.run(["kill", "-STOP", *pids])
    try:
        with Capture(one) as capture:
            told = ctl(one, "failover", "VI_1", status=1)
            wait_holds(one)
            seen = adverts(capture.wait_for(3))
    finally:
        two.run(["kill", "-CONT", *pids])
    assert "VI_1: nobody took over within 1.99" in told and "this router is MASTER again" in told, told
    assert "nobody took over within" in master.output()
    assert {source for _, source, _ in seen} == {OURS} and {priority for *_, priority in seen} == {0, PRIORITY}, seen
    # The peer hears the resignation late, and then who is MASTER.
    assert stays(lambda: one.holds(VIP), 5) and not two.holds(VIP)


def test_the_members_of_a_sync_group_fail_over_together_and_by_the_name_of_the_group(lan):
    one, two = office(lan, "one", "two")
    other = "192.168.4.201"

    def text(priority):
        return ("vrrp_sync_group G {\n group {\n VI_1\n VI_2\n }\n}\n" + instance("BACKUP", priority)
                + instance("BACKUP", priority, vip=other, vrid=52, name="VI_2"))
    two.keepalived(text(LOWER))
    wait_holds(two, other)
    wait_ready(one.mainstayd(text(PRIORITY)))
    for address in (VIP, other):
        wait_holds(one, address)
        wait_released(two, address)

    told = ctl(one, "failover", "G")
    assert f"VI_1: {THEIRS} took over" in told and f"VI_2: {THEIRS} took over" in told
    for address in (VIP, other):
        wait_holds(two, address)
        assert not one.holds(address)


@pytest.mark.nightly
@pytest.mark.parametrize("peer", ["keepalived", "mainstay"])
def test_maintenance_hands_over_and_holds_over_reload_crash_and_restart(lan, peer):
    one, two, master, _ = pair(lan, peer)
    with Capture(two) as capture:
        told = ctl(one, "maintenance", "on", "--reason", "new kernel")
        wait_holds(two)
        capture.wait_for(4, which=lambda p: p["IP"].src == THEIRS)
        check_one_clean_hand_over(capture.packets())
    assert told.startswith("maintenance is on\n") and f"VI_1: {THEIRS} took over" in told
    assert "maintenance begins: this director hands its instances over (until it is ended, by " in master.output()

    def steps_back():
        shown = state(one)
        assert shown["maintenance"]["reason"] == "new kernel" and shown["maintenance"]["until"] is None
        assert "uid 0" in shown["maintenance"]["by"]
        assert shown["vrrp"]["instances"][0]["priority"] == 1
        assert "MAINTENANCE for " in ctl(one, "status") and ": new kernel\n" in ctl(one, "maintenance", "show")
        return stays(lambda: two.holds(VIP) and not one.holds(VIP), 5)

    assert steps_back()
    reload(one, master, instance("MASTER", PRIORITY, more="garp_master_delay 2"))
    assert steps_back()
    signal_role(one, "mainstayd-vrrp", signal.SIGKILL)
    logged(master, "state of the previous process resumed")
    assert steps_back()
    assert master.stop(timeout=15) == 0
    master = wait_ready(one.mainstayd(instance("MASTER", PRIORITY)))
    assert "this director is in maintenance: until it is ended, by " in master.output()
    assert steps_back()

    assert "maintenance is off" in ctl(one, "maintenance", "off")
    wait_holds(one)
    wait_released(two)
    assert state(one)["maintenance"] is None
    assert ctl(one, "maintenance", "show") == "maintenance is off\n"


@pytest.mark.nightly
def test_in_maintenance_a_director_that_is_alone_serves_as_the_last_resort_until_the_peer_is_back(lan):
    one, two, master, _ = pair(lan, "keepalived")
    ctl(one, "maintenance", "on")
    wait_holds(two)

    partition(lan, two)
    wait_holds(one)
    logged(master, "no other router is heard: MASTER in maintenance, as the last resort")
    assert two.holds(VIP)

    partition(lan, two, cut=False)
    wait_released(one)
    assert stays(lambda: two.holds(VIP) and not one.holds(VIP), 5)


@pytest.mark.nightly
def test_maintenance_ends_by_itself_after_its_time(lan):
    one, two, master, _ = pair(lan, "mainstay")
    ctl(one, "maintenance", "on", "--for", "6s")
    wait_holds(two)
    assert state(one)["maintenance"]["until"]
    logged(master, "maintenance is over (its time is over)", 20)
    wait_holds(one)
    wait_until(lambda: state(one)["maintenance"] is None, 10, "the end of the maintenance in the status")
    assert not one.path("/var/lib/mainstay/maintenance").exists()
