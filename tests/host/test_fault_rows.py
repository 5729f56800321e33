"""Processes of a director die or stop: what its peer and its clients notice of it (docs/faults.md)."""

import signal

import pytest

from support.fault_rows import PLENTY, ROLES, freeze, roles, shared_site, signal_all, thaw
from support.wait import wait_until

SECTION = "Processes that die or stop"
STATES = ("MASTER", "BACKUP", "FAULT")


@pytest.fixture(name="cache", scope="module")
def make_cache():
    cache = {}
    yield cache
    if "site" in cache:
        cache["site"].close()


@pytest.fixture
def site(cache, request, tmp_path):
    return shared_site(cache, request, tmp_path, snmp=True)


@pytest.mark.parametrize("state", STATES)
def test_a_killed_process_moves_no_address_and_no_request_fails(site, state):
    daemon = site.daemons[state]
    for role in ROLES:
        pid = roles(daemon)[role]
        with site.fault(f"SIGKILL of {role} of a {state}"):
            signal_all([pid], signal.SIGKILL)
            wait_until(lambda pid=pid: pid not in roles(daemon).values(), PLENTY, "the process to end")
