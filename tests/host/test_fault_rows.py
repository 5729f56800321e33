"""Processes of a director are killed: what its peer and its clients notice of it (docs/faults.md)."""

import pytest

from support.fault_rows import PLENTY, ROLES, exists, kill, roles, shared_site
from support.processes import family
from support.vrrp import VIP, wait_holds
from support.wait import wait_until

SECTION = "Processes that die or stop"
STATES = ("MASTER", "BACKUP", "FAULT")
ALONE = ("mainstayd-vrrp", "mainstayd-spare")  # killed in one state at a time; the others in all three at once


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
