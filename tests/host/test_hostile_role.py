"""A role that was taken over gains nothing: it is killed, its restarts back off, and VRRP goes on undisturbed.

tests/host/hostile_role.cpp stands in for the role; it does with the role's rights what its plan says.
"""

import re
import signal

import pytest
from support.capture import Capture
from support.paths import program
from support.vrrp import VIP, instance, office, role_pid, wait_holds, wait_ready
from support.wait import wait_until

PROGRAMS = "/run/programs"
BFD = "bfd_instance nobody {\n neighbor_ip 192.168.4.250\n min_rx 500\n min_tx 500\n}\n"
MASTER_DOWN_SECONDS = 3  # of an advert interval of 1 s: adverts with smaller gaps keep a backup quiet
OFFENCE = re.compile(r"process\(\d+\) .*: killing it \(offence \d+ of this role\)")


def start(host, configuration):
    """mainstayd from programs of the host's own, so that one of them can be replaced."""
    host.run(["mkdir", "-p", PROGRAMS])
    for name in ("mainstayd", "mainstayd-obs"):
        host.run(["cp", program(name), f"{PROGRAMS}/{name}"])
        host.run(["cp", program(name), f"{PROGRAMS}/{name}.honest"])
    path = host.write("/run/keepalived.conf", configuration)
    return wait_ready(host.start([f"{PROGRAMS}/mainstayd", "-n", "-l", "-D", "-f", path]))


def take_place(host, role, *plan):
    """From now on this role does what `plan` says: a line for each incarnation, the last one for all that follow.

    Alone knows how a role's place is taken: its program is replaced, and the process that runs is killed.
    """
    host.write("/run/hostile.plan", "\n".join([f"role {role}", *plan]) + "\n")
    name = "mainstayd-obs" if role == "observer" else "mainstayd"
    host.run(["cp", program("hostile_role"), f"{PROGRAMS}/{name}.new"])
    host.run(["mv", f"{PROGRAMS}/{name}.new", f"{PROGRAMS}/{name}"])
    process = f"mainstayd-{'obs' if role == 'observer' else role}"

    def taken():
        if host.path("/run/hostile.count").exists():
            return True
        # A spare that was started before takes the place first, and is killed too.
        host.run(["kill", "-9", str(role_pid(host, process))], check=False)
        return False
    wait_until(taken, 30, f"the place of {role} to be taken", interval=0.5)


def done(host):
    """What the hostile role did, and what the system said to it."""
    file = host.path("/run/hostile.log")
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def acts(host):
    return sum(line.startswith("does ") for line in done(host))


def wait_acts(host, count, timeout=40):
    wait_until(lambda: acts(host) >= count, timeout, lambda: f"{count} acts:\n{done(host)}")


def offences(daemon):
    return [line for line in daemon.output().splitlines() if OFFENCE.search(line)]


def wait_offences(daemon, count, timeout=40):
    wait_until(lambda: len(offences(daemon)) >= count, timeout, lambda: f"{count} offences in\n{daemon.output()}")
    return offences(daemon)


class OnTime:
    """While it lasts, the adverts of this host come often enough to keep every backup quiet."""

    def __init__(self, host):
        self.host = host

    def __enter__(self):
        self.capture = Capture(self.host, what="vrrp")
        self.capture.wait_for(1)
        return self

    def __exit__(self, kind, *_):
        packets = self.capture.stop()
        if kind is not None:
            return
        times = [float(packet.time) for packet in packets]
        gaps = [later - earlier for earlier, later in zip(times, times[1:])]
        assert gaps and max(gaps) < MASTER_DOWN_SECONDS, gaps
        assert {packet["VRRP"].priority for packet in packets} == {150}, "the master resigned"
        assert self.host.holds(VIP)


# By their number on the wire; the bfd role may send 6, 7 and 8, and 10 when it was told to stop.
NAMES = ["Prepare", "Commit", "Abort", "Stop", "ScriptResults", "DumpRequested", None, None, None, "RunScript", None,
         "Hello", "Snapshot", "ReadingDone", "DryRun", "DryRunDone", "Ask", "Retire", "Upgrade", "UpgradeDone",
         "UpgradeTrial", "UpgradeChecked", "Line", "BfdStates", "FifoLine", "Observations", "DumpText",
         "ServerQuestion", "ServerAnswered", "InstanceStates", "Reload", "ReloadDone"]
FORBIDDEN = [number for number, name in enumerate(NAMES) if name]
KINDS_PER_HOST = 4  # with more, back-off takes longer than a test should


def test_every_kind_of_message_that_a_role_may_not_send_ends_it(lan):
    groups = [FORBIDDEN[at:at + KINDS_PER_HOST] for at in range(0, len(FORBIDDEN), KINDS_PER_HOST)]
    lan.switch("office")
    hosts = [lan.host(f"h{n}", eth0=("office", f"192.168.4.{11 + n}/24")) for n in range(len(groups))]
    daemons = [start(host, BFD + instance(vrid=51 + n, vip=f"192.168.4.{200 + n}")) for n, host in enumerate(hosts)]
    for host, group in zip(hosts, groups):
        take_place(host, "bfd", *(f"kind {number}" for number in group), "behave")

    for host, daemon, group in zip(hosts, daemons, groups):
        lines = wait_offences(daemon, len(group))
        for line, number in zip(lines, group):
            assert "BFD process" in line and f"sent a message {NAMES[number]}, which it may not" in line
        wait_until(lambda daemon=daemon: daemon.output().count("BFD child process(") == len(group) + 1, 20,
                   daemon.output)
    for n, host in enumerate(hosts):
        wait_holds(host, f"192.168.4.{200 + n}")
        assert daemons[n].alive()


@pytest.mark.parametrize("plan", ["garbage", "unknown"])
def test_a_message_that_cannot_be_read_ends_its_sender_and_the_adverts_stay_on_time(lan, plan):
    (one,) = office(lan, "one")
    daemon = start(one, BFD + instance())
    wait_holds(one)
    with OnTime(one):
        take_place(one, "bfd", plan, plan, plan, "behave")
        lines = wait_offences(daemon, 3)
    assert all("sent what cannot be read" in line for line in lines)
    about = [line for line in daemon.output().splitlines() if "message from another process" in line]
    assert len(about) <= 2 * len(offences(daemon))


def test_the_observer_cannot_act_as_another_role(lan):
    (one,) = office(lan, "one")
    daemon = start(one, instance())
    wait_holds(one)
    with OnTime(one):
        take_place(one, "observer", "kind 9", "kind 24", "kind 25", "behave")
        lines = wait_offences(daemon, 3)
    assert ["RunScript" in lines[0], "FifoLine" in lines[1], "Observations" in lines[2]] == [True] * 3
    assert daemon.stop(signal.SIGTERM) == 0
