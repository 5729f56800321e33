"""Addresses that others take away (docs/faults.md)."""

import pytest

from support.fault_rows import adverts_pass, shared_site
from support.vrrp import VIP, wait_holds

SECTION = "Addresses, links and netlink"
RESTORATIONS = 5  # of an address in ten seconds; after that it is restored when these are over


@pytest.fixture(name="cache", scope="module")
def make_cache():
    cache = {}
    yield cache
    if "site" in cache:
        cache["site"].close()


@pytest.fixture
def site(cache, request, tmp_path):
    return shared_site(cache, request, tmp_path, states=("MASTER", "BACKUP"), every=False)


def test_all_addresses_that_somebody_flushes(site):
    host = site.hosts["MASTER"]
    with site.fault("`ip addr flush dev eth0` on the MASTER: its own address goes, too, and comes back after 2 s",
                    takeovers=1, unanswered=2):
        host.run(["ip", "addr", "flush", "dev", "eth0"])
        adverts_pass(site, 2)
        print("MASTER:", host.addresses("eth0"), "BACKUP:", site.hosts["BACKUP"].addresses("eth0"))
        host.run(["ip", "addr", "add", "192.168.4.11/24", "dev", "eth0"])


def test_a_virtual_address_that_somebody_removes_again_and_again(site):
    host, remove = site.hosts["MASTER"], ["ip", "addr", "del", f"{VIP}/32", "dev", "eth0"]
    with site.fault(f"the virtual address of the MASTER is removed {RESTORATIONS} times, whenever it is there again",
                    unanswered=1):
        for _ in range(RESTORATIONS):
            wait_holds(host)
            host.run(remove)
        wait_holds(host)
    with site.fault("it is removed once more within these ten seconds", unanswered=12,
                    lost="the address, until ten seconds are over: no more than five restorations in ten seconds"):
        host.run(remove)
        wait_holds(host)


def test_addresses_that_somebody_flushes_on_a_backup(site):
    host = site.hosts["BACKUP"]
    with site.fault("`ip addr flush dev eth0` on the BACKUP; its own address comes back after 2 s"):
        host.run(["ip", "addr", "flush", "dev", "eth0"])
        adverts_pass(site, 2)
        host.run(["ip", "addr", "add", "192.168.4.12/24", "dev", "eth0"])
