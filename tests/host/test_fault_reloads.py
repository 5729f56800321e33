"""Reloads and upgrades in the worst moments, and processes that die at once for ever (docs/faults.md)."""

import signal
import time

import pytest

from support.fault_rows import INTERVAL, PLENTY, adverts_pass, exists, kill, roles, shared_site
from support.paths import program
from support.processes import family
from support.vrrp import VIP, partition, wait_holds
from support.wait import wait_until

SECTION = "Reloads, upgrades and processes that do not start"
PROGRAMS = "/run/programs"
MORE = "192.168.4.203"
OTHERS = ("mainstayd-lvs", "mainstayd-bfd", "mainstayd-track", "mainstayd-obs")


@pytest.fixture
def site(fault_site, request, tmp_path):
    return shared_site(fault_site, request, tmp_path, states=("MASTER", "BACKUP"), programs=PROGRAMS)


def with_more(text):
    return text.replace(f"{VIP}\n", f"{VIP}\n{MORE}\n")


def reload(site, text):
    site.hosts["MASTER"].write("/run/keepalived.conf", text)
    site.reload("MASTER")


def test_a_hundred_reloads_in_ten_seconds_leave_the_last_file_in_force(site):
    with site.fault("100 reloads of the MASTER in 10 s, two files in turn"):
        path, daemon = site.hosts["MASTER"].path("/run/keepalived.conf"), site.daemons["MASTER"]
        before, begin = daemon.output().count("Reload complete"), time.monotonic()
        for number in range(100):
            path.write_text(site.texts["MASTER"] if number % 2 else with_more(site.texts["MASTER"]), encoding="utf-8")
            daemon.send(signal.SIGHUP)
            wait_until(lambda n=number: time.monotonic() >= begin + n / 10, PLENTY, "the next reload's time", 0.01)
        assert daemon.output().count("Reload complete") > before
        reload(site, with_more(site.texts["MASTER"]))
        wait_holds(site.hosts["MASTER"], MORE)
        reload(site, site.texts["MASTER"])
        wait_until(lambda: not site.hosts["MASTER"].holds(MORE), PLENTY, "the address of the other file to go")


def upgrade(site):
    return site.hosts["MASTER"].start([f"{program('mainstayctl')}", "upgrade"], name="upgrade")


def test_a_reload_in_the_middle_of_an_upgrade_counts_after_it(site):
    with site.fault("SIGHUP while the MASTER is upgraded (`mainstayctl upgrade`)"):
        before = set(roles(site.daemons["MASTER"]).values())
        site.hosts["MASTER"].path("/run/keepalived.conf").write_text(with_more(site.texts["MASTER"]), encoding="utf-8")
        running = upgrade(site)
        wait_until(lambda: set(roles(site.daemons["MASTER"]).values()) != before or not running.alive(), PLENTY,
                   "the upgrade", 0.005)
        for _ in range(10):
            site.daemons["MASTER"].send(signal.SIGHUP)
        running.wait(PLENTY)
        wait_holds(site.hosts["MASTER"], MORE)
        reload(site, site.texts["MASTER"])


def test_a_vrrp_process_that_dies_in_the_middle_of_an_upgrade_moves_no_address(site):
    with site.fault("SIGKILL of mainstayd-vrrp of the MASTER while it is upgraded", takeovers=1, unanswered=1, both=1,
                    peer="at most one takeover"):
        before = roles(site.daemons["MASTER"])["mainstayd-vrrp"]
        running = upgrade(site)
        wait_until(lambda: roles(site.daemons["MASTER"]).get("mainstayd-vrrp") != before or not running.alive(), PLENTY,
                   "the upgrade", 0.005)
        kill(*[pid for role, pid in roles(site.daemons["MASTER"]).items() if role == "mainstayd-vrrp"])
        running.wait(PLENTY)


def replace(host, role, source):
    host.run(["cp", source, f"{PROGRAMS}/{role}.new"])
    host.run(["mv", f"{PROGRAMS}/{role}.new", f"{PROGRAMS}/{role}"])


def test_roles_that_die_at_once_for_ever_beside_vrrp_move_nothing_and_a_reload_is_answered(site):
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


def test_a_vrrp_process_that_dies_at_once_for_ever_leaves_the_address_to_the_peer(site):
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


def test_a_failover_in_the_middle_of_a_reload_leaves_one_master(site):
    with site.fault("the MASTER is switched off while the BACKUP reloads", takeovers=1, unanswered=2):
        site.daemons["BACKUP"].send(signal.SIGHUP)
        partition(site.lan, site.hosts["MASTER"])
        kill(*family(site.daemons["MASTER"]))
        for _ in range(10):
            site.daemons["BACKUP"].send(signal.SIGHUP)
            adverts_pass(site, INTERVAL)
        wait_holds(site.hosts["BACKUP"])
        assert not exists(site.daemons["MASTER"].pid)
        partition(site.lan, site.hosts["MASTER"], cut=False)
        site.start("MASTER")
