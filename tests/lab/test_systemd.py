"""The unit under a real systemd: PID 1 of a PID namespace of its own, with a cgroup namespace."""

import pathlib
import re
import signal

import pytest
from support.paths import TOP, program
from support.vrrp import VIP, instance, wait_holds, wait_released
from support.wait import wait_until

SYSTEMD = pathlib.Path("/lib/systemd/systemd")
# Nothing runs but what a test starts.
TARGET = "[Unit]\nDescription=only what is started by hand\nDefaultDependencies=no\n"


class Managed:
    """A host whose services are systemd's."""

    def __init__(self, lan):
        lan.switch("office")
        self.host = lan.host("one", eth0=("office", "192.168.4.11/24"))
        for name in ("mainstay.service", "mainstay@.service"):
            unit = (TOP / "packaging/systemd" / name).read_text(encoding="utf-8")
            # The programs lie in the build folder; everything else is the unit as it is shipped.
            unit, changed = re.subn(r"(?m)^ExecStart=/usr/sbin/mainstayd", f'ExecStart="{program("mainstayd")}"', unit)
            assert changed == 1
            unit, changed = re.subn(r"(?m)^WatchdogSec=\d+", "WatchdogSec=3", unit)
            assert changed == 1
            self.host.write(f"/run/systemd/system/{name}", unit)
        self.host.write("/run/systemd/system/mainstay.service.d/options.conf",
                        "[Service]\nEnvironment=\"MAINSTAY_OPTIONS=-f /run/ha.conf\"\n")
        self.host.write("/run/systemd/system/by-hand.target", TARGET)
        self.host.write("/run/ha.conf", instance())
        self.systemd = self.host.start(
            ["unshare", "--pid", "--fork", "--mount", "--cgroup", "--mount-proc", "bash", "-c",
             "mount -t cgroup2 none /sys/fs/cgroup && exec /lib/systemd/systemd --system --unit=by-hand.target "
             "--log-target=console"], name="systemd", env={"container": "lab"})
        self.pid = wait_until(self.manager, 20, "systemd to start")
        wait_until(lambda: self.run("systemctl", "is-system-running", check=False).stdout.strip()
                   in ("running", "degraded"), 30, "systemd to be ready")

    def manager(self):
        found = self.host.run(["pgrep", "-f", "^/lib/systemd/systemd --system"], check=False).stdout.split()
        return found[0] if found else None

    def run(self, *command, check=True):
        return self.host.run(["nsenter", "-t", self.pid, "-p", "-m", "-C", "--", *command], check=check)

    def show(self, name, unit="mainstay"):
        return self.run("systemctl", "show", unit, "-p", name, "--value").stdout.strip()

    def kill(self, number):
        self.run("kill", f"-{int(number)}", self.show("MainPID"))


@pytest.fixture
def managed(lan):
    if not SYSTEMD.exists():
        pytest.fail("there is no systemd on this machine: tools/setup --test installs it")
    return Managed(lan)


def test_it_starts_reloads_and_stops_as_its_unit_says(managed):
    managed.run("systemctl", "start", "mainstay")
    assert managed.show("ActiveState") == "active"
    assert managed.show("StatusText") == "running"
    wait_holds(managed.host)

    managed.host.write("/run/ha.conf", instance(vip="192.168.4.201"))
    managed.run("systemctl", "reload", "mainstay")
    wait_holds(managed.host, "192.168.4.201")
    wait_released(managed.host, VIP)

    managed.run("systemctl", "stop", "mainstay")
    assert managed.show("Result") == "success"
    assert not managed.host.holds("192.168.4.201")


@pytest.mark.nightly
def test_a_supervisor_that_is_killed_is_started_again(managed):
    managed.run("systemctl", "start", "mainstay")
    wait_holds(managed.host)

    managed.kill(signal.SIGKILL)

    wait_until(lambda: managed.show("NRestarts") == "1" and managed.show("ActiveState") == "active", 20, "a restart")
    wait_holds(managed.host)


@pytest.mark.nightly
def test_a_supervisor_that_hangs_is_ended_by_the_watchdog(managed):
    managed.run("systemctl", "start", "mainstay")
    wait_holds(managed.host)

    managed.kill(signal.SIGSTOP)

    wait_until(lambda: managed.show("NRestarts") == "1" and managed.show("ActiveState") == "active", 40, "a restart")
    wait_holds(managed.host)


@pytest.mark.nightly
def test_a_configuration_that_cannot_run_is_not_tried_again(managed):
    managed.host.write("/run/ha.conf", instance() + instance(name="VI_2"))

    started = managed.run("systemctl", "start", "mainstay", check=False)

    assert started.returncode != 0
    wait_until(lambda: managed.show("ActiveState") == "failed", 10, "the failure")
    assert managed.show("ExecMainStatus") == "2"
    assert managed.show("NRestarts") == "0"


@pytest.mark.nightly
def test_further_daemons_run_beside_it_each_with_a_file_and_folders_of_its_own(managed):
    """`mainstay@NAME` reads /etc/mainstay/NAME.conf, which names it."""
    host = managed.host
    addresses = {"blue": "192.168.4.211", "green": "192.168.4.212"}
    for number, (name, address) in enumerate(addresses.items(), 61):
        host.write(f"/etc/mainstay/{name}.conf", f"instance {name}\n" + instance(vip=address, vrid=number))
    managed.run("systemctl", "start", "mainstay", "mainstay@blue", "mainstay@green")
    for address in (VIP, *addresses.values()):
        wait_holds(host, address)
    shown = [host.run([program("mainstayctl"), "--socket", f"/run/mainstay/{name}/control.sock", "status"]).stdout
             for name in addresses]
    assert [[address in text for address in addresses.values()] for text in shown] == [[True, False], [False, True]]

    host.write("/etc/mainstay/blue.conf", "instance blue\n" + instance(vip="192.168.4.213", vrid=61))
    managed.run("systemctl", "reload", "mainstay@blue")
    wait_holds(host, "192.168.4.213")
    wait_released(host, "192.168.4.211")
    managed.run("systemctl", "stop", "mainstay@green")
    wait_released(host, "192.168.4.212")

    assert host.holds(VIP) and host.holds("192.168.4.213")
    assert managed.show("Result", "mainstay@green") == "success"


@pytest.mark.nightly
def test_a_further_daemon_whose_file_does_not_name_it_says_so_and_takes_nothing(managed):
    managed.host.write("/etc/mainstay/blue.conf", instance(vip="192.168.4.211", vrid=61))
    # Its log; no journald runs here.
    managed.host.write("/run/systemd/system/mainstay@.service.d/log.conf",
                       "[Service]\nEnvironment=MAINSTAY_OPTIONS=-l\nStandardOutput=append:/run/blue.log\n")
    managed.run("systemctl", "daemon-reload")
    managed.run("systemctl", "start", "mainstay")
    wait_holds(managed.host)

    started = managed.run("systemctl", "start", "mainstay@blue", check=False)

    assert started.returncode != 0
    log = managed.host.run(["cat", "/run/blue.log"]).stdout
    assert ("daemon is already running: /run/mainstay/mainstayd.pid is locked by another process (a further daemon needs a "
            "pid file or a name of its own: -p FILE, or instance NAME outside of all blocks)") in log, log
    assert managed.host.holds(VIP) and not managed.host.holds("192.168.4.211")
