"""Processes of a director are killed, once or again and again: what its peer and its clients notice (docs/faults.md)."""

import signal

import pytest

from support.fault_rows import PLENTY, ROLES, adverts_pass, exists, kill, roles, shared_site
from support.paths import program
from support.processes import family
from support.vrrp import VIP, fast, office, role_pids, wait_holds, wait_ready, wait_released
from support.wait import stays, wait_until

SECTION = "Processes that die, stop or do not start"
STATES = ("MASTER", "BACKUP", "FAULT")
ALONE = ("mainstayd-vrrp", "mainstayd-spare")  # killed in one state at a time; the others in all three at once
OTHERS = ("mainstayd-lvs", "mainstayd-bfd", "mainstayd-track", "mainstayd-obs")
PROGRAMS = "/run/programs"


def test_after_all_processes_were_killed_a_start_takes_away_the_address_that_another_has_now(lan):
    """Reports 383 and 672."""
    one, two = office(lan, "one", "two")
    daemon = wait_ready(one.mainstayd(fast(priority=150)))
    wait_holds(one)
    wait_ready(two.mainstayd(fast(priority=200, more="preempt_delay 1000")))
    # All at once: a role that outlives the supervisor for a moment would resign. They are stopped before.
    supervisor = str(one.run(["pgrep", "-o", "mainstayd"]).stdout.strip())
    one.run(["kill", "-STOP", *(pid for pid in role_pids(one, "mainstayd") if pid != supervisor)])
    one.run(["kill", "-9", *role_pids(one, "mainstayd")])
    daemon.wait(10)
    wait_holds(two)
    assert one.holds(VIP), "the kernel keeps the address of a process that was killed"
    # A container gives the same pids again: the file names a process that lives, and is another one.
    other = one.start(["sleep", "1000"])
    assert other.alive()
    one.write("/run/mainstayd.pid", one.run(["pgrep", "-x", "sleep"]).stdout)

    again = wait_ready(one.mainstayd(fast(priority=150)))

    wait_released(one)
    assert stays(lambda: two.holds(VIP) and not one.holds(VIP), 1)
    assert again.alive()
    assert other.alive()


@pytest.fixture
def site(fault_site, request, tmp_path):
    return shared_site(fault_site, request, tmp_path, snmp=True)


@pytest.mark.parametrize("state", STATES)
def test_a_killed_vrrp_process_moves_no_address_and_no_request_fails(site, state):
    for role in ALONE:
        with site.fault(f"SIGKILL of {role} of the {state}"):
            kill(roles(site.daemons[state])[role])


@pytest.mark.parametrize("role", [role for role in ROLES if role not in ALONE])
def test_a_process_that_is_killed_on_every_director_at_once_moves_no_address(site, role):
    with site.fault(f"SIGKILL of {role} of MASTER, BACKUP and FAULT at once"):
        kill(*(roles(daemon)[role] for daemon in site.daemons.values() if role in roles(daemon)))


@pytest.mark.nightly
def test_two_and_more_processes_that_are_killed_at_once(site):
    master = site.daemons["MASTER"]
    with site.fault("SIGKILL of mainstayd-vrrp and mainstayd-lvs of the MASTER at once"):
        kill(roles(master)["mainstayd-vrrp"], roles(master)["mainstayd-lvs"])
    # Without a spare the next process has to start first: the peer may be faster.
    with site.fault("SIGKILL of mainstayd-vrrp and its spare of the MASTER at once", takeovers=1, unanswered=1, both=1,
                    peer="at most one takeover"):
        kill(roles(master)["mainstayd-vrrp"], roles(master)["mainstayd-spare"])
    with site.fault("SIGKILL of every process of the BACKUP but the supervisor"):
        kill(*family(site.daemons["BACKUP"])[1:])


@pytest.mark.parametrize("state", STATES)
def test_a_killed_supervisor_makes_its_roles_resign_and_a_new_start_takes_over_again(site, state):
    daemon, bound = site.daemons[state], {"takeovers": 1, "unanswered": 1} if state == "MASTER" else {}
    with site.fault(f"SIGKILL of the supervisor of the {state}; started again", **bound) as row:
        pids = family(daemon)
        kill(daemon.pid)
        wait_until(lambda: not any(map(exists, pids)), PLENTY, "the roles to end")
        assert not site.hosts[state].holds(VIP)
        if state == "MASTER":
            wait_holds(site.hosts["BACKUP"])
        site.start(state)
    if state == "MASTER":
        assert row.seen.resigned and row.seen.takeovers == 1


@pytest.fixture
def copies_site(fault_site, request, tmp_path):
    """The programs of the MASTER are copies, which a test may replace."""
    return shared_site(fault_site, request, tmp_path, states=("MASTER", "BACKUP"), programs=PROGRAMS)


def replace(host, role, source):
    host.run(["cp", source, f"{PROGRAMS}/{role}.new"])
    host.run(["mv", f"{PROGRAMS}/{role}.new", f"{PROGRAMS}/{role}"])


def test_roles_that_die_at_once_for_ever_beside_vrrp_move_nothing_and_a_reload_is_answered(copies_site):
    site = copies_site
    host, daemon = site.hosts["MASTER"], site.daemons["MASTER"]
    with site.fault("every role of the MASTER but vrrp dies at once, again and again",
                    lost="checks, status, tracked files and BFD until they start again"):
        for role in OTHERS:
            replace(host, role, "/bin/false")
        kill(*[pid for role, pid in roles(daemon).items() if role in OTHERS])
        wait_until(lambda: daemon.output().count("Starting Observer child process") >= 3, PLENTY, "several tries")
        daemon.send(signal.SIGHUP)
        adverts_pass(site, 3)
        assert daemon.alive()
        for role in OTHERS:
            replace(host, role, program(role))


def test_a_vrrp_process_that_dies_at_once_for_ever_leaves_the_address_to_the_peer(copies_site):
    site = copies_site
    host, daemon = site.hosts["MASTER"], site.daemons["MASTER"]
    with site.fault("mainstayd-vrrp of the MASTER dies at once, again and again", takeovers=1, unanswered=2):
        replace(host, "mainstayd-vrrp", "/bin/false")
        for _ in range(2):  # the spare is one of the old program
            kill(*[pid for role, pid in roles(daemon).items() if role in ("mainstayd-vrrp", "mainstayd-spare")])
        wait_holds(site.hosts["BACKUP"])
        wait_until(lambda: daemon.output().count("Starting VRRP child process") >= 3, PLENTY, "several tries")
        adverts_pass(site, 2)
        assert daemon.alive()
        assert not host.holds(VIP)
        replace(host, "mainstayd-vrrp", program("mainstayd-vrrp"))
