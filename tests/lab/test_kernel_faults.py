"""What wants a kernel of its own: its clock is set, IPVS is emptied and unloaded, memory runs out (docs/faults.md)."""

import contextlib
import os
import pathlib
import subprocess
import time

import pytest

from support.fault_rows import PLENTY, Witness, adverts_pass, exists, kill, roles, shared_site
from support.processes import family
from support.traffic import hold_address, serve
from support.vrrp import VIP, wait_holds
from support.wait import wait_until

SECTION = "The kernel: its clock, its memory, IPVS"
WEB = "192.168.4.9"
SERVICE = f"""virtual_server {VIP} 80 {{
 delay_loop 1
 lb_algo rr
 lb_kind DR
 protocol TCP
 real_server {WEB} 80 {{
  TCP_CHECK {{
   connect_timeout 2
   warmup 0
  }}
 }}
}}
"""
AUDIT_SECONDS = 10
SCHEDULERS = ("rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh")
MODULES = tuple(f"ip_vs_{name}" for name in SCHEDULERS)


@pytest.fixture
def site(fault_site, request, tmp_path):
    """MASTER and BACKUP with a service, whose clients ask by TCP."""
    site = shared_site(fault_site, request, tmp_path, states=("MASTER", "BACKUP"), every=False, before=SERVICE)
    if site.clients is site.witness:
        web = site.lan.host("web", eth0=("office", f"{WEB}/24"))
        hold_address(web, VIP)
        serve(web, "web", f"tcp/{VIP}:80", f"tcp/{WEB}:80")
        site.clients = Witness(site.client, "tcp", VIP, "80")
        site.answers()
    return site


def table(host):
    return host.ipvs().get(f"TCP {VIP}:80 rr")


def set_clock(hours):
    subprocess.run(["date", "-s", f"@{int(time.time()) + hours * 3600}"], check=True, capture_output=True)


@pytest.mark.nightly
@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_jumps_an_hour_moves_nothing(site, hours):
    way = "forwards" if hours > 0 else "backwards"
    try:
        with site.fault(f"the clock jumps an hour {way}"):
            set_clock(hours)
            adverts_pass(site, 3)
        with site.fault(f"SIGKILL of mainstayd-vrrp and mainstayd-lvs of the MASTER after that ({way})",
                        takeovers=1, unanswered=1, both=1, peer="at most one takeover"):
            kill(*[roles(site.daemons["MASTER"])[f"mainstayd-{role}"] for role in ("vrrp", "lvs")])
            wait_until(lambda: {"mainstayd-vrrp", "mainstayd-lvs"} <= set(roles(site.daemons["MASTER"])), PLENTY,
                       "the next ones")
            set_clock(-hours)
            adverts_pass(site, 1)
            hours = 0
    finally:
        if hours:
            set_clock(-hours)


def test_an_ipvs_table_that_somebody_empties_is_there_again_with_the_next_audit(site):
    with site.fault("`ipvsadm -C` on the MASTER", unanswered=AUDIT_SECONDS + 5,
                    clients="no answer for at most 15 s",
                    lost="connections; the table, until the next audit, every ten seconds, or the next reload"):
        site.hosts["MASTER"].run(["ipvsadm", "-C"])
        wait_until(lambda: table(site.hosts["MASTER"]), 2 * AUDIT_SECONDS + PLENTY, "the table")
    with site.fault("`ipvsadm -C` on the MASTER, then a reload", unanswered=5,
                    lost="connections; the table, until the reload"):
        site.hosts["MASTER"].run(["ipvsadm", "-C"])
        site.reload("MASTER")
        wait_until(lambda: table(site.hosts["MASTER"]), PLENTY, "the table")


def modprobe(*words):
    return subprocess.run(["/run/modprobe", *words], capture_output=True, text=True, check=False)


def unloaded(site):
    """Unloads IPVS, which wants empty tables; an audit may come in between."""
    for host in site.hosts.values():
        host.run(["ipvsadm", "-C"], check=False)
    for module in (*MODULES, "ip_vs"):
        modprobe("-r", module)
    return not os.path.isdir("/proc/sys/net/ipv4/vs")


@pytest.mark.nightly
@pytest.mark.skipif(os.environ.get("MAINSTAY_LAB") != "1", reason="unloads a module: wants a kernel of its own")
def test_a_kernel_that_loses_ipvs_has_its_table_again_when_the_module_is_back(site):
    with site.fault("the module ip_vs is unloaded, and loaded again after 3 s", unanswered=2 * AUDIT_SECONDS + PLENTY,
                    clients="no answer for at most 30 s",
                    lost="connections; the table, until the module is there again and up to ten seconds more"):
        wait_until(lambda: unloaded(site), PLENTY, "the module to be gone")
        adverts_pass(site, 3)
        for module in ("ip_vs", *MODULES):
            modprobe(module)
        for host in site.hosts.values():
            wait_until(lambda host=host: table(host), 2 * AUDIT_SECONDS + PLENTY, "the table")


@contextlib.contextmanager
def cgroup(*pids):
    """A memory cgroup for these processes; yields its folder."""
    top = pathlib.Path("/sys/fs/cgroup")
    (top / "cgroup.subtree_control").write_text("+memory", encoding="ascii")
    folder = top / "small"
    folder.mkdir()
    try:
        for pid in pids:
            (folder / "cgroup.procs").write_text(str(pid), encoding="ascii")
        yield folder
    finally:
        for pid in (folder / "cgroup.procs").read_text(encoding="ascii").split():
            (top / "cgroup.procs").write_text(pid, encoding="ascii")
        folder.rmdir()


def run_out_of_memory(*pids):
    """The kernel's OOM killer ends these processes."""
    with cgroup(*pids) as folder:
        (folder / "memory.max").write_text("0", encoding="ascii")
        events = folder / "memory.events"
        wait_until(lambda: not any(map(exists, pids)), PLENTY, lambda: events.read_text(encoding="ascii"))
        assert "oom_kill 0" not in events.read_text(encoding="ascii")


@pytest.mark.nightly
def test_processes_that_the_kernel_ends_for_want_of_memory(site):
    with site.fault("the OOM killer ends mainstayd-vrrp of the MASTER", takeovers=1, unanswered=1, both=1,
                    peer="at most one takeover"):
        run_out_of_memory(roles(site.daemons["MASTER"])["mainstayd-vrrp"])
    with site.fault("the OOM killer ends mainstayd-lvs of the MASTER"):
        run_out_of_memory(roles(site.daemons["MASTER"])["mainstayd-lvs"])
    with site.fault("the OOM killer ends the supervisor of the MASTER; started again", takeovers=1, unanswered=5):
        pids = family(site.daemons["MASTER"])
        run_out_of_memory(pids[0])
        wait_until(lambda: not any(map(exists, pids)), PLENTY, "the roles to end")
        wait_holds(site.hosts["BACKUP"])
        site.start("MASTER")
