"""Processes of a director stand still, or its host is suspended: what peer and clients notice (docs/faults.md)."""

import signal

import pytest

from support.fault_rows import INTERVAL, PLENTY, adverts_pass, exists, freeze, roles, shared_site, signal_all, thaw
from support.vrrp import partition, wait_holds
from support.wait import wait_until

SECTION = "Processes that die, stop or do not start"
SUSPENDED = 30 * INTERVAL  # as 30 s are to an interval of 1 s


@pytest.fixture
def site(fault_site, request, tmp_path):
    return shared_site(fault_site, request, tmp_path, snmp=True)


@pytest.mark.nightly
def test_a_vrrp_process_that_stands_still_is_replaced_by_the_supervisor(site):
    with site.fault("SIGSTOP of mainstayd-vrrp of the MASTER, until the supervisor kills it after 10 s",
                    takeovers=1, unanswered=2,
                    lost="the address is on both directors until then; clients reach the peer"):
        pid = roles(site.daemons["MASTER"])["mainstayd-vrrp"]
        signal_all([pid], signal.SIGSTOP)
        wait_holds(site.hosts["BACKUP"])
        wait_until(lambda: not exists(pid), PLENTY, "the supervisor to kill it")


@pytest.mark.nightly
def test_processes_that_stand_still_on_a_backup_or_in_fault_or_beside_vrrp_move_nothing(site):
    with site.fault("SIGSTOP of mainstayd-vrrp of BACKUP and FAULT, and of every other role of all three, until the "
                    "supervisors kill them after 10 s"):
        pids = [pid for state, daemon in site.daemons.items() for role, pid in roles(daemon).items()
                if (state, role) != ("MASTER", "mainstayd-vrrp") and role != "mainstayd-read"]
        signal_all(pids, signal.SIGSTOP)
        wait_until(lambda: not any(map(exists, pids)), PLENTY, lambda: f"the end of {list(filter(exists, pids))}")


def test_a_supervisor_that_stands_still_moves_nothing(site):
    with site.fault("SIGSTOP of the supervisors of MASTER, BACKUP and FAULT at once for 3 s, then SIGCONT"):
        signal_all([daemon.pid for daemon in site.daemons.values()], signal.SIGSTOP)
        adverts_pass(site, 3)
        for daemon in site.daemons.values():
            daemon.send(signal.SIGCONT)


@pytest.mark.nightly
def test_a_master_that_was_suspended_takes_over_in_order_from_its_successor(site):
    with site.fault("the host of the MASTER is suspended for 6 s (30 s at an interval of 1 s)", takeovers=1,
                    unanswered=2):
        partition(site.lan, site.hosts["MASTER"])
        pids = freeze(site.daemons["MASTER"])
        wait_holds(site.hosts["BACKUP"])
        adverts_pass(site, SUSPENDED)
        partition(site.lan, site.hosts["MASTER"], cut=False)
        thaw(site.daemons["MASTER"], pids)


def test_a_backup_and_one_in_fault_that_were_suspended_hear_their_master_first(site):
    with site.fault("the hosts of BACKUP and FAULT are suspended for 6 s; an advert waits when they run again"):
        frozen = [(state, freeze(site.daemons[state])) for state in ("BACKUP", "FAULT")]
        adverts_pass(site, SUSPENDED)
        for state, pids in frozen:
            thaw(site.daemons[state], pids)


def test_a_backup_that_slept_without_its_network_resigns_with_the_next_advert(site):
    with site.fault("the host of the BACKUP is suspended for 6 s, its network too; no advert waits when it runs again",
                    takeovers=1, unanswered=0.5, lost="the BACKUP has the address, too, until the next advert"):
        partition(site.lan, site.hosts["BACKUP"])
        pids = freeze(site.daemons["BACKUP"])
        adverts_pass(site, SUSPENDED)
        adverts_pass(site, INTERVAL)  # the next one is an interval away
        partition(site.lan, site.hosts["BACKUP"], cut=False)
        thaw(site.daemons["BACKUP"], pids)


@pytest.mark.nightly
def test_a_director_whose_processes_are_all_stopped_leaves_the_address_to_its_peer(site):
    with site.fault("SIGSTOP of every process of the MASTER for 6 s, then SIGCONT", takeovers=1, unanswered=2,
                    lost="the stopped host keeps the address, too; clients reach the peer"):
        pids = freeze(site.daemons["MASTER"])
        wait_holds(site.hosts["BACKUP"])
        adverts_pass(site, SUSPENDED)
        thaw(site.daemons["MASTER"], pids)
