"""Reloads and upgrades, also in the worst moments: what the peer and the clients notice of them (docs/faults.md)."""

import signal
import time

import pytest

from support.fault_rows import INTERVAL, PLENTY, adverts_pass, director, exists, kill, roles, shared_site
from support.paths import program
from support.processes import family
from support.vrrp import VIP, partition, wait_holds, wait_released
from support.wait import wait_until

SECTION = "Reloads and upgrades"
MORE = "192.168.4.203"


@pytest.fixture
def site(fault_site, request, tmp_path):
    return shared_site(fault_site, request, tmp_path, states=("MASTER", "BACKUP"))


def with_addresses(text, *addresses):
    return text.replace(f"{VIP}\n", "\n".join(addresses) + "\n")


def with_more(text):
    return with_addresses(text, VIP, MORE)


def reload(site, **texts):
    """Gives these directors these files, and waits until each of them has reloaded its own."""
    for state, text in texts.items():
        site.hosts[state].write("/run/keepalived.conf", text)
    site.reload(*texts)


def test_a_hundred_reloads_in_ten_seconds_leave_the_last_file_in_force(site):
    with site.fault("100 reloads of the MASTER in 10 s, two files in turn"):
        path, daemon = site.hosts["MASTER"].path("/run/keepalived.conf"), site.daemons["MASTER"]
        before, begin = daemon.output().count("Reload complete"), time.monotonic()
        for number in range(100):
            path.write_text(site.texts["MASTER"] if number % 2 else with_more(site.texts["MASTER"]), encoding="utf-8")
            daemon.send(signal.SIGHUP)
            wait_until(lambda n=number: time.monotonic() >= begin + n / 10, PLENTY, "the next reload's time", 0.01)
        assert daemon.output().count("Reload complete") > before
        reload(site, MASTER=with_more(site.texts["MASTER"]))
        wait_holds(site.hosts["MASTER"], MORE)
        reload(site, MASTER=site.texts["MASTER"])
        wait_until(lambda: not site.hosts["MASTER"].holds(MORE), PLENTY, "the address of the other file to go")


def test_reloads_that_change_everything_about_a_master_lose_no_packet_of_a_client(site):
    backup = site.daemons["BACKUP"]
    before = len(backup.output())
    with site.fault("reloads that change everything about a master"):
        for text in (director(160, "garp_master_refresh 1\n"),
                     with_addresses(director(160), VIP, "192.168.4.205", "192.168.4.206"),
                     with_addresses(director(150, "preempt_delay 1\n"), "192.168.4.207", VIP),
                     director(200), director(150)):
            reload(site, MASTER=text, BACKUP=text.replace("priority 1", "priority ").replace("priority 200", "priority 90"))
            site.answers(5)
        reload(site, **site.texts)
    assert "Entering MASTER STATE" not in backup.output()[before:]


def test_a_reload_in_the_middle_of_a_failover_leaves_one_master_that_the_client_reaches(site):
    master, backup = site.hosts["MASTER"], site.hosts["BACKUP"]
    with site.fault("a reload in the middle of a failover", takeovers=1, unanswered=2):
        partition(site.lan, master)
        site.daemons["BACKUP"].send(signal.SIGHUP)  # while it waits for its master
        wait_holds(backup)
        site.daemons["MASTER"].send(signal.SIGHUP)  # while both are master
        partition(site.lan, master, cut=False)
        site.daemons["BACKUP"].send(signal.SIGHUP)
        wait_released(backup)
        site.answers(25)
        assert master.holds(VIP)
        assert site.reached() == "MASTER"


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
        reload(site, MASTER=site.texts["MASTER"])


def test_a_vrrp_process_that_dies_in_the_middle_of_an_upgrade_moves_no_address(site):
    with site.fault("SIGKILL of mainstayd-vrrp of the MASTER while it is upgraded", takeovers=1, unanswered=1, both=1,
                    peer="at most one takeover"):
        before = roles(site.daemons["MASTER"])["mainstayd-vrrp"]
        running = upgrade(site)
        wait_until(lambda: roles(site.daemons["MASTER"]).get("mainstayd-vrrp") != before or not running.alive(), PLENTY,
                   "the upgrade", 0.005)
        kill(*[pid for role, pid in roles(site.daemons["MASTER"]).items() if role == "mainstayd-vrrp"])
        running.wait(PLENTY)
