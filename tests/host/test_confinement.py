"""What each process may do: its account, its capabilities, its system calls, its descriptors."""

import pathlib
import re
import resource
import shutil
import signal

import pytest

from support.lvs import virtual_server
from support.paths import program
from support.processes import capabilities, landlock_version, numbers_of, status
from support.vrrp import fast, instance, office, role_pid, wait_holds, wait_ready
from support.wait import wait_until

NET_BIND, NET_ADMIN, NET_RAW, DAC_READ_SEARCH, SYS_NICE = 10, 12, 13, 2, 23
CONFIG = """global_defs {
 router_id one
 notification_email {
  a@example.org
 }
 smtp_server 127.0.0.1
}
vrrp_track_process sleep {
 process sleep
}
bfd_instance b1 {
 neighbor_ip 192.168.4.250
}
virtual_server 192.168.4.201 80 {
 lb_algo rr
 lb_kind DR
 protocol TCP
 real_server 192.168.4.202 80 {
  TCP_CHECK {
  }
 }
}
"""
# Program: the account it runs as, and the capabilities that it has. The supervisor is root.
PROCESSES = {
    "mainstayd-vrrp": ("mainstay-vrrp", {NET_ADMIN, NET_RAW, SYS_NICE}),
    "mainstayd-spare": ("mainstay-vrrp", {NET_ADMIN, NET_RAW, SYS_NICE}),
    "mainstayd-lvs": ("mainstay-lvs", {NET_ADMIN, NET_RAW, NET_BIND}),
    "mainstayd-bfd": ("mainstay-bfd", {NET_ADMIN, SYS_NICE}),
    "mainstayd-track": ("mainstay-track", {NET_ADMIN}),  # with no file to watch
    "mainstayd-read": ("mainstay-read", {DAC_READ_SEARCH}),
    "mainstayd-obs": ("mainstay-obs", set()),
}
# Program: how many descriptors it may have, how many more for each kilobyte of configuration, and how much address space
# in GB, with a configuration of nearly nothing.
LIMITS = {
    "mainstayd-vrrp": (1024, 32, 1),
    "mainstayd-spare": (1024, 32, 1),
    "mainstayd-lvs": (8192, 0, 2),
    "mainstayd-bfd": (1024, 64, 1),
    "mainstayd-track": (4096, 0, 2),
    "mainstayd-obs": (1024, 0, 4),
    "mainstayd-read": (256, 0, 8),
}
# Without the right to raise the limits of a process that runs, there is room for 4 MB of configuration at once.
MAY_RAISE = int(re.search(r"^CapEff:\s+(\w+)", pathlib.Path("/proc/self/status").read_text(encoding="ascii"), re.M)[1], 16) >> 24 & 1
ROOM_KILOBYTES, ROOM_GB = (0, 0) if MAY_RAISE else (4096, 2)
# What a descriptor of a role may stand for; its standard streams are the daemon's own.
DESCRIPTORS = re.compile(r"socket:\[\d+\]|anon_inode:\[?(eventpoll|eventfd|timerfd|signalfd|inotify)\]?|/memfd:mainstay\S* \(deleted\)|"
                         r"/memfd:\S+ \(deleted\)|/dev/null|/var/spool/mainstay(/failed|/history(/(events-\d+\.log|record-\S+))?)?|net:\[\d+\]|/proc/self/mountinfo")


@pytest.fixture
def director(lan):
    (one,) = office(lan, "one")
    one.start(["sleep", "1000"])  # what is tracked
    one.daemon = wait_ready(one.mainstayd(CONFIG + fast(more="track_process {\n sleep\n}")))
    wait_holds(one)
    wait_until(lambda: set(PROCESSES) <= set(one.process_names()), 30, "all processes")
    return one


def test_each_role_has_an_account_its_capabilities_and_a_list_of_system_calls(director):
    for name, (account, rights) in PROCESSES.items():
        pid = role_pid(director, name)
        facts = status(director, pid)
        uid = director.run(["id", "-u", account]).stdout.strip()

        assert set(facts["Uid"].split()) == {uid}, name
        for kind in ("CapEff", "CapPrm"):
            assert capabilities(director, pid, kind) == rights, f"{name} {kind}"
        for kind in ("CapInh", "CapBnd", "CapAmb"):
            assert capabilities(director, pid, kind) == set(), f"{name} {kind}"
        assert (facts["NoNewPrivs"].strip(), facts["Seccomp"].strip(), facts["Groups"].strip()) == ("1", "2", ""), name


def test_no_two_roles_share_an_account(director):
    uids = {name: director.run(["id", "-u", account]).stdout.strip() for name, (account, _) in PROCESSES.items()}

    assert len(set(uids.values())) == len(PROCESSES) - 1  # the spare is the vrrp role's


def test_a_role_holds_no_descriptor_of_a_file(director):
    for name in PROCESSES:
        pid = role_pid(director, name)
        listed = director.run(["sh", "-c", f"cd /proc/{pid}/fd && for f in *; do echo $f $(readlink $f); done"]).stdout
        held = dict(line.split(" ", 1) for line in listed.splitlines() if " " in line)
        strange = {fd: what for fd, what in held.items() if int(fd) > 2 and not DESCRIPTORS.fullmatch(what)}

        assert not strange, f"{name}: {strange}"


def limit(host, pid, name):
    """Soft and hard limit of a process, in the words of the kernel."""
    return re.search(rf"^{name} +(\S+) +(\S+)", host.read(f"/proc/{pid}/limits"), re.M).groups()


def test_each_process_has_limits_of_descriptors_and_address_space(director):
    for name, (descriptors, more, gigabytes) in LIMITS.items():
        pid = role_pid(director, name)
        open_files, space = limit(director, pid, "Max open files"), limit(director, pid, "Max address space")
        least = min(descriptors + more * ROOM_KILOBYTES, resource.getrlimit(resource.RLIMIT_NOFILE)[1])

        assert open_files[0] == open_files[1] and least <= int(open_files[0]) <= least + more, f"{name} {open_files}"
        if name not in ("mainstayd-track", "mainstayd-read"):
            gigabytes += ROOM_GB
        assert space[0] == space[1] and gigabytes <= int(space[0]) / 2**30 < gigabytes + 0.01, f"{name} {space}"


@pytest.mark.skipif(not MAY_RAISE, reason="needs CAP_SYS_RESOURCE")
def test_more_instances_than_before_raise_the_limits_before_they_are_prepared(director):
    before = int(limit(director, role_pid(director, "mainstayd-vrrp"), "Max open files")[0])
    many = "".join(instance(name=f"VI_{n}", vrid=n, vip=f"192.168.4.{n}") for n in range(60, 180))
    director.write("/run/keepalived.conf", CONFIG + fast(more="track_process {\n sleep\n}") + many)
    director.daemon.send(signal.SIGHUP)
    wait_until(lambda: "Reload complete" in director.daemon.output(), 20, director.daemon.output)

    for name in ("mainstayd-vrrp", "mainstayd-spare"):
        wait_until(lambda name=name: int(limit(director, role_pid(director, name), "Max open files")[0]) >= before + 120 * 6,
                   10, f"the limit of {name} to grow")


def test_a_process_whose_memory_runs_out_says_so_and_ends(director):
    reader = role_pid(director, "mainstayd-read")
    director.run(["setpriv", "--reuid=mainstay-read", "--regid=mainstay-read", "--clear-groups",
                  "prlimit", "--pid", str(reader), f"--as={64 << 20}"])
    servers = "".join(f" real_server 10.{n >> 8}.{n & 255}.1 80 {{\n  TCP_CHECK {{\n  }}\n }}\n" for n in range(60000))
    director.write("/run/keepalived.conf", instance() + virtual_server("192.168.4.201 80", servers))
    director.daemon.send(signal.SIGHUP)

    wait_until(lambda: "out of memory (limited to 64 MB)" in director.daemon.output(), 20, director.daemon.output)
    wait_until(lambda: "the running configuration stays in use" in director.daemon.output(), 10, director.daemon.output)


@pytest.mark.skipif(not landlock_version() or not shutil.which("strace"), reason="needs Landlock and strace")
def test_each_role_enters_landlock_before_its_list_of_system_calls(lan):
    (one,) = office(lan, "one")
    path = one.write("/run/keepalived.conf", CONFIG + fast(more="track_process {\n sleep\n}"))
    wait_ready(one.start(["strace", "-f", "-o", "/run/trace", "-e", "trace=execve,landlock_restrict_self,seccomp",
                          program("mainstayd"), "-n", "-l", "-f", path]))

    def order():
        """What each program did, in this order."""
        done, programs = {}, {}
        for line in one.read("/run/trace").splitlines():
            pid, call = line.split(maxsplit=1)
            if executed := re.match(r'execve\("[^"]*/([^"/]+)"', call):
                programs[pid] = executed[1]
            elif call.startswith("landlock_restrict_self("):
                done.setdefault(programs[pid], []).append("paths")
            elif call.startswith("seccomp(SECCOMP_SET_MODE_FILTER, ") and ", NULL)" not in call:
                done.setdefault(programs[pid], []).append("calls")
        return done

    wait_until(lambda: set(order()) >= set(PROCESSES) - {"mainstayd-spare"}, 30, lambda: order())  # it runs vrrp's program
    wait_until(lambda: all("calls" in done for done in order().values()), 10, lambda: order())
    assert {name: done[:2] for name, done in order().items()} == {name: ["paths", "calls"] for name in order()}


def without_accounts(host):
    host.run(["sh", "-c", "grep -v '^mainstay' /etc/passwd >/run/others; chmod 644 /run/others; mount --bind /run/others /etc/passwd"])


def test_without_the_accounts_the_daemon_says_which_command_makes_them(lan):
    (one,) = office(lan, "one")
    without_accounts(one)

    path = one.write("/run/keepalived.conf", instance())
    done = one.run([program("mainstayd"), "-n", "-l", "-f", path], check=False, timeout=20)

    assert done.returncode == 4
    assert ("accounts missing: mainstay-vrrp mainstay-lvs mainstay-obs mainstay-bfd mainstay-snmp mainstay-track mainstay-read. "
            "Create them with `systemd-sysusers /usr/lib/sysusers.d/mainstay.conf`, or run all roles as one with "
            "--shared-account NAME") in done.stdout + done.stderr


def test_a_shared_account_is_taken_when_told_to_and_said_loudly(lan):
    (one,) = office(lan, "one")
    without_accounts(one)

    daemon = wait_ready(one.mainstayd(instance(), "--shared-account", "nobody"))
    wait_holds(one)

    assert "all roles run as nobody (--shared-account)" in daemon.output()
    assert status(one, role_pid(one, "mainstayd-vrrp"))["Uid"].split()[0] == "65534"


def test_a_shared_account_that_does_not_exist_is_refused(lan):
    (one,) = office(lan, "one")

    path = one.write("/run/keepalived.conf", instance())
    done = one.run([program("mainstayd"), "-n", "-l", "-f", path, "--shared-account", "nosuch"], check=False, timeout=20)

    assert done.returncode == 4
    assert "account nosuch (--shared-account) does not exist" in done.stdout + done.stderr


TRACKED = "track_file weight {\n file /run/weight\n}\n"


def watcher_rights(host):
    """None while the watcher is not there, still root, or just being replaced."""
    shown = host.run(["sh", "-c", "cat /proc/$(pgrep -x mainstayd-track)/status"], check=False).stdout
    found = dict(line.split(":", 1) for line in shown.splitlines() if ":" in line)
    if "CapPrm" not in found or set(found["Uid"].split()) == {"0"}:
        return None
    return numbers_of(found["CapPrm"])


def test_the_watcher_has_the_rights_that_its_plan_needs_and_no_more(director):
    assert watcher_rights(director) == {NET_ADMIN}
    director.write("/run/weight", "-7", 0o600)
    tracked = "track_file {\n weight weight 1\n}"
    for more, rights in (("track_process {\n sleep\n}\n" + tracked, {NET_ADMIN, DAC_READ_SEARCH}),
                         (tracked, {DAC_READ_SEARCH}),
                         ("track_process {\n sleep\n}\n", {NET_ADMIN})):
        text = (CONFIG if "sleep" in more else CONFIG.replace("vrrp_track_process sleep {\n process sleep\n}\n", ""))
        director.write("/run/keepalived.conf", text + (TRACKED if "weight" in more else "") + instance(more=more))
        director.daemon.send(signal.SIGHUP)
        wait_until(lambda rights=rights: watcher_rights(director) == rights, 20,
                   lambda: f"{watcher_rights(director)}\n{director.daemon.output()}")
        if "weight" in more:
            wait_until(lambda: "Changing effective priority from 150 to 143" in director.daemon.output(), 20,
                       director.daemon.output)
    assert "links ended (" not in director.daemon.output()


def test_a_watcher_that_cannot_give_up_root_looks_at_nothing_and_ends(lan):
    (one,) = office(lan, "one")
    one.write("/run/weight", "99999999999999", 0o600)
    users = pathlib.Path("/etc/passwd").read_text(encoding="utf-8")
    one.write("/run/passwd", re.sub(r"(?m)^mainstay-track:.*\n", "", users))
    daemon = wait_ready(one.mainstayd(TRACKED + instance(more="track_file {\n weight weight 1\n}")))
    complaint = "track_file weight: /run/weight holds a number that does not fit"
    wait_until(lambda: daemon.output().count(complaint) == 1, 20, daemon.output)

    one.run(["mount", "--bind", "/run/passwd", "/etc/passwd"])
    one.run(["kill", "-9", str(role_pid(one, "mainstayd-track"))])

    wait_until(lambda: "cannot drop privileges" in daemon.output() and "ended (exit status 4)" in daemon.output(), 20,
               daemon.output)
    assert daemon.output().count(complaint) == 1
    assert daemon.alive()
