"""A cable that carries nothing for a while (a partition, a switch port that forwards late), and a client that keeps what
ARP once taught it (docs/faults.md)."""

import pytest

from support.fault_rows import INTERVAL, PLENTY, shared_site
from support.vrrp import VIP, partition, wait_holds, wait_released
from support.wait import wait_until

SECTION = "Addresses, links and netlink"
ROUNDS = 6  # whose advertisement is heard first after a partition is chance


@pytest.fixture
def site(fault_site, request, tmp_path):
    return shared_site(fault_site, request, tmp_path, states=("MASTER", "BACKUP"), every=False, more="garp_master_repeat 1\n")


def wait_reached(site, state):
    """Until the client sends to this director; each of its questions is answered in the end."""
    wait_until(lambda: site.reached() == state, 2, f"the client to learn that {state} is left")
    site.answers(25)


@pytest.mark.nightly
def test_after_a_partition_the_router_hears_who_is_left(site):
    """Reports 166 and 2387."""
    with site.fault(f"the cable of the MASTER carries nothing for a while, {ROUNDS} times", takeovers=ROUNDS, unanswered=2,
                    both=ROUNDS * INTERVAL, lost="the address is on both directors meanwhile; clients reach the peer"):
        for _ in range(ROUNDS):
            partition(site.lan, site.hosts["MASTER"])
            wait_holds(site.hosts["BACKUP"])
            wait_reached(site, "BACKUP")
            assert site.hosts["MASTER"].holds(VIP)
            partition(site.lan, site.hosts["MASTER"], cut=False)
            wait_released(site.hosts["BACKUP"])
            wait_reached(site, "MASTER")


def leave_to_backup(site):
    """Stops the MASTER, and cuts its cable: what a switch port does before spanning tree lets it forward."""
    assert site.daemons["MASTER"].stop(timeout=PLENTY) == 0
    wait_holds(site.hosts["BACKUP"])
    wait_reached(site, "BACKUP")
    partition(site.lan, site.hosts["MASTER"])


def test_a_startup_delay_keeps_a_rebooted_director_quiet_until_its_slow_switch_port_forwards(site):
    # effect: global_defs: vrrp_startup_delay
    master, text = site.hosts["MASTER"], site.texts["MASTER"]
    leave_to_backup(site)
    with site.fault("the MASTER starts behind a switch port that forwards late, with vrrp_startup_delay", takeovers=1,
                    unanswered=0.2) as row:
        site.texts["MASTER"] = "global_defs {\nvrrp_startup_delay 3\n}\n" + text
        slow = site.start("MASTER", ready=False)
        wait_until(lambda: "Delaying startup for 3 seconds" in slow.output(), 10, "the delay to begin")
        site.answers(75)  # 1.5 s
        assert not master.holds(VIP) and "Entering MASTER STATE" not in slow.output()
        partition(site.lan, master, cut=False)
        wait_until(lambda: "Delayed start completed" in slow.output(), 10, "the delay to end")
        assert "Entering MASTER STATE" not in slow.output().partition("Delayed start completed")[0]
        wait_holds(master)
        wait_released(site.hosts["BACKUP"])
        wait_reached(site, "MASTER")
        site.texts["MASTER"] = text
        master.write("/run/keepalived.conf", text)
        site.reload("MASTER")
    assert len(row.seen.failed) <= 10  # between the two burst of gratuitous ARP, at 50 a second


def test_without_a_delay_the_addresses_are_announced_again_once_the_slow_switch_port_forwards(site):
    leave_to_backup(site)
    with site.fault("the MASTER starts behind a switch port that forwards late", takeovers=1, unanswered=2):
        site.start("MASTER")
        wait_holds(site.hosts["MASTER"])  # it hears nobody: both are master, and the client knows the other one
        site.answers(25)
        assert site.reached() == "BACKUP"
        partition(site.lan, site.hosts["MASTER"], cut=False)
        wait_released(site.hosts["BACKUP"])
        wait_reached(site, "MASTER")
