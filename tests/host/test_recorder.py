"""The flight recorder: what a real VRRP process decided is replayed identically from the file that mainstayctl saves."""

import os
import pathlib
import re
import signal
import stat
import subprocess
import tempfile

import pytest
from support.paths import BUILD, program, program_for_everybody
from support.vrrp import instance, office, role_pid, signal_role, wait_holds, wait_ready, wait_released
from support.wait import wait_until

PASSWORD = "s3cret-9"
AUTH = "authentication {\n auth_type PASS\n auth_pass " + PASSWORD + "\n }"


@pytest.fixture
def world_path():
    """A folder that every account can read."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield pathlib.Path(folder)


@pytest.fixture(scope="module", autouse=True)
def ctl_for_everybody():
    """mainstayctl where an account without privileges may run it."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        ctl.program = program_for_everybody("mainstayctl", folder)
        yield


def ctl(*arguments):
    """mainstayctl on any host, without privileges."""
    return subprocess.run([ctl.program, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120,
                          user="nobody", extra_groups=[])


def save(host, path):
    done = host.run([program("mainstayctl"), "record", "save", "/run/saved.rec"], check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    saved = host.path("/run/saved.rec")
    device = host.run([program("mainstayctl"), "record", "save", "/dev/null"], check=False)
    assert (device.returncode, device.stdout) == (2, "") and stat.S_ISCHR(host.path("/dev/null").stat().st_mode), device.stderr
    assert (stat.S_IMODE(saved.stat().st_mode), saved.stat().st_uid) == (0o600, 0)
    path.write_bytes(saved.read_bytes())
    path.chmod(0o644)
    return path


def replayed(path, *options):
    done = ctl("replay", path, *options)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert "identical to the recording: " in done.stdout.splitlines()[-1]
    return done.stdout


def pair(lan):
    one, two = office(lan, "one", "two")
    daemon = wait_ready(one.mainstayd(instance("BACKUP", 150, auth=False, more=AUTH)))
    wait_holds(one)
    wait_ready(two.mainstayd(instance("BACKUP", 100, auth=False, more=AUTH)))
    return one, two, daemon


def test_a_failover_is_replayed_with_its_reasons_and_without_the_password(lan, world_path):
    one, two, daemon = pair(lan)
    daemon.stop(timeout=15)
    wait_holds(two)

    path = save(two, world_path / "failover.rec")
    text = replayed(path)

    assert "advert of VRID 51 with priority 0 from " in text
    assert "(VI_1) add the virtual addresses" in text
    assert "log: (VI_1) Entering MASTER STATE" in text
    assert PASSWORD.encode() not in path.read_bytes()
    assert replayed(path, "--instance", "VI_1") != ""
    assert ctl("replay", path, "--instance", "VI_9").stderr == "mainstayctl: the record has no instance VI_9\n"
    assert ctl("replay", path, "--at", "tomorrow").returncode == 2

    # Its reader goes away, as `| head` does.
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as gone:
        done = subprocess.run([program("mainstayctl"), "replay", path], stdout=gone, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (-signal.SIGPIPE, b"")


def simulated(path, seed):
    """What the simulator prints of a record, and of the history that a seed makes of it."""
    done = subprocess.run([BUILD / "tests" / "sim" / "simulate", "--record", path, "--seed", str(seed)], capture_output=True, text=True,
                          check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout[-2000:] + done.stderr
    return done.stdout


def test_the_simulator_goes_on_where_the_records_of_a_real_pair_end(lan, world_path):
    one, two, _ = pair(lan)
    wait_until(lambda: "192.168.4.11" in two.run([program("mainstayctl"), "status", "--json"], check=False).stdout, 20, "two to hear one")
    master, backup = (simulated(save(host, world_path / f"{host.name}.rec"), 7) for host in (one, two))

    assert re.search(r"^r0  clock \S+ ppm, 192\.168\.4\.11, ", master, re.MULTILINE)
    assert "priority 150 every 1000 ms, begins as MASTER\n" in master
    assert re.search(r"^r0  clock \S+ ppm, 192\.168\.4\.12, .*\n.* priority 100 every 1000 ms, begins as BACKUP\n"
                     r"r1  clock \S+ ppm, 192\.168\.4\.11, .*\n.* priority 150 every 1000 ms, begins as MASTER\n", backup, re.MULTILINE)
    assert "none broken" in master.splitlines()[-1]
    assert "none broken" in backup.splitlines()[-1]


def test_a_process_that_dies_leaves_its_record_and_the_next_one_goes_on(lan, world_path):
    one, two, _ = pair(lan)
    before = role_pid(one, "mainstayd-vrrp")
    signal_role(one, "mainstayd-vrrp", signal.SIGKILL)
    wait_until(lambda: role_pid(one, "mainstayd-vrrp") not in (None, before), 15)
    wait_holds(one)
    wait_released(two)

    text = replayed(save(one, world_path / "crash.rec"))

    assert "with 1 gaps" in text
    assert "start, with the state of the process before" in text


def test_what_is_damaged_or_no_record_is_refused_with_a_message(lan, world_path):
    _, two, _ = pair(lan)
    path = save(two, world_path / "whole.rec")
    whole = path.read_bytes()
    for name, content, message in (
            ("short", whole[:len(whole) // 2], "the record is damaged: it ends early"),
            ("flipped", whole[:-20] + bytes([whole[-20] ^ 1]) + whole[-19:], "the record is damaged: its checksum is wrong"),
            ("other", b"hello" * 100, "this is not a flight record"),
            ("empty", b"", "this is not a flight record: it is too short")):
        damaged = world_path / name
        damaged.write_bytes(content)
        damaged.chmod(0o644)
        done = ctl("replay", damaged)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"mainstayctl: {damaged}: {message}\n"


HISTORY = "/var/spool/mainstay/history"


def saved_by_itself(host):
    """The whole records beside the event history, oldest first; one that is being written has another name."""
    folder = host.path(HISTORY)
    return sorted(path for path in folder.glob("record-*.rec")) if folder.is_dir() else []


def newest_saved(host, count, where):
    """Waits until so many are there, and copies the newest to where everybody may read it."""
    files = wait_until(lambda: len(found := saved_by_itself(host)) >= count and found, 20, f"{count} records on {host.name}")
    assert len(files) == count
    assert re.fullmatch(r"record-20\d{6}T\d{6}Z\.rec", files[-1].name)
    assert stat.S_IMODE(files[-1].stat().st_mode) == 0o600
    where.write_bytes(files[-1].read_bytes())
    where.chmod(0o644)
    return where


def test_a_failover_leaves_a_record_beside_the_event_history(lan, world_path):
    one, two, daemon = pair(lan)
    assert "Entering MASTER STATE" in replayed(newest_saved(one, 1, world_path / "start.rec"))
    daemon.stop(timeout=15)
    wait_holds(two)

    text = replayed(newest_saved(two, 1, world_path / "taken.rec"))
    assert "advert of VRID 51 with priority 0 from " in text
    assert "log: (VI_1) Entering MASTER STATE" in text
    # The stop saves at once; in the second of the file before, it is the same file, which then has both.
    given = newest_saved(one, len(saved_by_itself(one)), world_path / "given.rec")
    assert "(VI_1) send advert with priority 0" in replayed(given)


def test_a_failover_after_an_upgrade_and_another_observer_leaves_a_record_too(lan, world_path):
    one, two, daemon = pair(lan)
    done = two.run([program("mainstayctl"), "upgrade"], check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    before = signal_role(two, "mainstayd-obs", signal.SIGKILL)
    wait_until(lambda: role_pid(two, "mainstayd-obs") != before, 15)
    daemon.stop(timeout=15)
    wait_holds(two)

    text = replayed(newest_saved(two, 1, world_path / "upgraded.rec"))
    assert "the record begins" in text
    assert "log: (VI_1) Entering MASTER STATE" in text


def test_a_disk_that_is_full_is_reported_and_ends_nothing(lan):
    one, two, daemon = pair(lan)
    wait_until(lambda: two.path(HISTORY).is_dir(), 10, "the history's folder")
    two.run(["mount", "-t", "tmpfs", "-o", "size=4k,mode=0777", "none", HISTORY])
    two.run(["dd", "if=/dev/zero", f"of={HISTORY}/full", "bs=4k", "count=1"])
    daemon.stop(timeout=15)
    wait_holds(two)
    wait_until(lambda: "no flight record was saved" in two.processes[0].output(), 20, "the complaint")
    assert "No space left on device; make room there" in two.processes[0].output()
    assert role_pid(two, "mainstayd-obs")
