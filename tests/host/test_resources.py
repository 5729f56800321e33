"""Full and read-only disks, a log that nobody takes, limits that are reached (docs/faults.md)."""

import contextlib
import os
import pathlib
import re
import resource
import signal

import pytest

from support.capture import Capture
from support.fault_rows import PLENTY, adverts_pass, exists, kill, roles, shared_site
from support.paths import program
from support.processes import family
from support.vrrp import VIP, instance, wait_holds, wait_ready
from support.wait import wait_until

SECTION = "Disks, logs and limits"
BOTH = ("MASTER", "BACKUP")
FILL = "mount -o remount,size=8m {0} && {{ dd if=/dev/zero of={0}/fill bs=4k 2>/dev/null; true; }}"
EMPTY = "rm {0}/fill; mount -o remount,size=50% {0}"
READ_ONLY = "mount -o remount,bind,ro {0}"
WRITABLE = "mount -o remount,bind,rw {0}"
WRITTEN = ("/run", "/var/spool", "/var/log", "/var/lib/mainstay", "/tmp")


@pytest.fixture
def site(fault_site, request, tmp_path):
    """Without /dev/log: what goes to syslog is lost in each of these tests."""
    return shared_site(fault_site, request, tmp_path, states=BOTH, private_dev=True)


@pytest.fixture
def journal_site(fault_site, request, tmp_path):
    return shared_site(fault_site, request, tmp_path, states=BOTH, every=False, options=("--log-journal=/run/journal",))


@contextlib.contextmanager
def on_both(site, folders, begin, end):
    """A command for each folder of both directors, and another one that undoes it."""
    for state in BOTH:
        for folder in folders:
            site.hosts[state].run(["sh", "-c", begin.format(folder)])
    yield
    for state in BOTH:
        for folder in folders:
            site.hosts[state].run(["sh", "-c", end.format(folder)])


def drill(site, what, lost="nothing"):
    """A death, a reload, a takeover and a start: what a director does when it has to."""
    with site.fault(f"{what}: mainstayd-vrrp of the MASTER is killed, both reload", lost):
        kill(roles(site.daemons["MASTER"])["mainstayd-vrrp"])
        site.reload(*BOTH)
    with site.fault(f"{what}: the supervisor of the MASTER is killed, and started again", lost, takeovers=1,
                    unanswered=1):
        pids = family(site.daemons["MASTER"])
        kill(site.daemons["MASTER"].pid)
        wait_until(lambda: not any(map(exists, pids)), PLENTY, "the roles to end")
        wait_holds(site.hosts["BACKUP"])
        site.start("MASTER")


@pytest.mark.nightly
def test_a_log_socket_that_nobody_reads_delays_nothing(lan):
    lan.switch("office")
    one = lan.host("one", private_dev=True, eth0=("office", "192.168.4.11/24"))
    listener = one.start(["/usr/bin/python3", "-c", "import socket,time\ns=socket.socket(socket.AF_UNIX,"
                          "socket.SOCK_DGRAM)\ns.bind('/dev/log')\nprint('bound',flush=True)\ntime.sleep(1000)"])
    wait_until(lambda: "bound" in listener.output(), 10, "the log socket")
    one.write("/run/noisy", "#!/bin/sh\nexit $(($(date +%s%N) / 50000000 % 2))\n", 0o755)
    noisy = 'vrrp_script noisy {\n script "/run/noisy"\n interval 0.05\n weight 1\n}\n'

    wait_ready(one.mainstayd(noisy + instance(more="track_script {\n noisy\n }")))
    wait_holds(one)
    with Capture(one) as capture:
        packets = capture.wait_for(6, timeout=20)

    gaps = [float(b.time - a.time) for a, b in zip(packets, packets[1:])]
    assert max(gaps) < 2, gaps
    assert listener.alive()


def test_without_a_syslog_socket_everything_goes_on(site):
    assert not site.hosts["MASTER"].path("/dev/log").exists()
    drill(site, "no /dev/log", "the log, where it goes to syslog alone")


def test_full_disks_move_nothing(site):
    with on_both(site, WRITTEN, FILL, EMPTY):
        drill(site, "/run, /var/spool, /var/log, /var/lib/mainstay and /tmp full", "pid files and flight records")


def test_read_only_disks_move_nothing(site):
    folders = ("/", "/var/spool", "/var/log", "/var/lib/mainstay", "/tmp")
    for state in BOTH:  # what is open for writing would keep its folder writable
        assert site.daemons[state].stop(timeout=PLENTY) == 0
    with on_both(site, folders, READ_ONLY, WRITABLE):
        for state in BOTH:
            site.start(state)
        drill(site, f"{', '.join(folders)} read-only from the start", "event history and flight records")
        for state in BOTH:
            assert site.daemons[state].stop(timeout=PLENTY) == 0
    for state in BOTH:
        site.start(state)


def test_a_director_that_cannot_write_run_does_not_start_and_says_why(site):
    host = site.hosts["MASTER"]
    with site.fault("/run read-only: the MASTER is stopped, cannot start, and starts when it is writable", takeovers=1,
                    unanswered=1, lost="that director, until /run can be written"):
        assert site.daemons["MASTER"].stop(timeout=PLENTY) == 0
        wait_holds(site.hosts["BACKUP"])
        host.run(["sh", "-c", READ_ONLY.format("/run")])
        daemon = host.start([program("mainstayd"), "-n", "-l", "-D", "-f", "/run/keepalived.conf"])
        assert daemon.wait(PLENTY) == 1
        assert "Read-only file system" in daemon.output()
        host.run(["sh", "-c", WRITABLE.format("/run")])
        site.start("MASTER")


def as_account(host, pid, *command):
    """As the account of the process: only that may change its limits without CAP_SYS_RESOURCE."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    fields = {line.partition(":")[0]: line.split()[1:] for line in status.splitlines()}
    host.run(["setpriv", f"--reuid={fields['Uid'][0]}", f"--regid={fields['Gid'][0]}", "--clear-groups",
              *command, "--pid", fields["NSpid"][-1]])


def limit(host, pid, kind, value):
    """Sets the soft limit; the hard one stays, so that it can be raised again."""
    as_account(host, pid, "prlimit", f"--{kind}={value}:")


def descriptors_used(pid):
    return max(map(int, os.listdir(f"/proc/{pid}/fd"))) + 1


def address_space(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()


def soft_limit(pid, name):
    text = pathlib.Path(f"/proc/{pid}/limits").read_text(encoding="ascii")
    return re.search(rf"^{name} +(\S+)", text, re.MULTILINE)[1]


LIMITS = {"descriptors": ("nofile", descriptors_used, "Max open files"),
          "memory": ("as", address_space, "Max address space")}
LOST = {"descriptors": "the reload: the running configuration stays in use", "memory": "flight records"}


@contextlib.contextmanager
def at_the_limit(host, pids, what):
    kind, used, name = LIMITS[what]
    before = {pid: soft_limit(pid, name) for pid in pids}
    for pid in pids:
        limit(host, pid, kind, used(pid))
    yield
    for pid in filter(exists, pids):
        limit(host, pid, kind, before[pid])


def reloads_ended(daemon):
    """How many reloads were completed or refused."""
    return daemon.output().count("Reload complete") + daemon.output().count("stays in use")


def processor_seconds(pids):
    """What these processes have used of a processor."""
    spent = 0
    for pid in filter(exists, pids):
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
        spent += int(fields[11]) + int(fields[12])
    return spent / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("what", LIMITS)
def test_roles_at_their_limit_move_nothing(site, what):
    host, daemon = site.hosts["MASTER"], site.daemons["MASTER"]
    with site.fault(f"every role of the MASTER at its limit of {what}; a reload with 100 more addresses",
                    LOST[what]):
        more = "\n".join([VIP, *(f"192.168.5.{n}" for n in range(1, 101))]) + "\n"
        with at_the_limit(host, family(daemon)[1:], what):
            host.write("/run/keepalived.conf", site.texts["MASTER"].replace(f"{VIP}\n", more))
            before = reloads_ended(daemon)
            daemon.send(signal.SIGHUP)
            for _ in range(5):
                host.start(["timeout", "2", program("mainstayctl"), "status"])
            spent = processor_seconds(family(daemon))
            adverts_pass(site, 2)
            assert processor_seconds(family(daemon)) - spent < 1, "a process that computes without end"
        wait_until(lambda: reloads_ended(daemon) > before, PLENTY, "the reload")
        host.write("/run/keepalived.conf", site.texts["MASTER"])
        site.reload("MASTER")


@pytest.mark.parametrize("what", LIMITS)
def test_a_supervisor_at_its_limit_moves_nothing(site, what):
    host, daemon = site.hosts["MASTER"], site.daemons["MASTER"]
    with site.fault(f"the supervisor of the MASTER at its limit of {what}; a reload, and mainstayd-obs is killed",
                    "status and mails, until a process starts"):
        with at_the_limit(host, [daemon.pid], what):
            daemon.send(signal.SIGHUP)
            adverts_pass(site, 1)
            kill(roles(daemon)["mainstayd-obs"])
            spent = processor_seconds([daemon.pid])
            adverts_pass(site, 2)
            assert daemon.alive()
            assert processor_seconds([daemon.pid]) - spent < 1, "a supervisor that computes without end"
        site.reload("MASTER")


def test_a_journal_that_is_gone_moves_nothing(journal_site):
    drill(journal_site, "no journald (--log-journal)", "the log, where it goes to the journal alone")
