"""tools/setup keeps its hands off the services of the host, whatever becomes of the installation.

It runs in a mount namespace with a /usr/sbin of its own and with stand-ins for apt and dpkg, so nothing is installed.
"""

import os
import signal
import subprocess

import pytest

from support.paths import TOP
from support.wait import wait_until

STAND_INS = {
    # Nothing is there before the installation; afterwards there is nginx.
    "dpkg-query": 'case "$*" in *Package*) [ ! -e "$RECORD/installed" ] || echo "nginx installed" ;; *) exit 1 ;; esac',
    "dpkg": 'echo /lib/systemd/system/nginx.service',
    "apt-get": 'case "$*" in *install*) ;; *) exit 0 ;; esac\n'
               '/usr/sbin/policy-rc.d nginx start; echo "$?" >"$RECORD/policy-said"\n'
               'echo "$*" >"$RECORD/apt-said"\n'
               '[ -z "$APT_WAITS" ] || { touch "$RECORD/waiting"; sleep 600 & echo $! >"$RECORD/sleeper"; wait $!; }\n'
               'touch "$RECORD/installed"; exit "$APT_STATUS"',
    "groupadd": 'echo "group $*" >>"$RECORD/accounts-said"',
    "useradd": 'echo "user $*" >>"$RECORD/accounts-said"',
    "systemctl": 'echo "$*" >>"$RECORD/systemctl-said"',
    "deb-systemd-helper": 'echo "$*" >>"$RECORD/helper-said"',
}


@pytest.fixture
def machine(tmp_path):
    """(folder that stands for /usr/sbin, folder of the stand-ins, folder of their records)"""
    folders = [tmp_path / name for name in ("sbin", "bin", "record")]
    for folder in folders:
        folder.mkdir()
    for name, text in STAND_INS.items():
        (folders[1] / name).write_text(f"#!/bin/bash\n{text}\n", encoding="ascii")
        (folders[1] / name).chmod(0o755)
    return folders


def run_setup(machine, *options, status=0, waits=""):
    sbin, stand_ins, record = machine
    return subprocess.Popen(
        ["unshare", "--mount", "bash", "-c", 'mount --bind "$0" /usr/sbin && exec "$@"', str(sbin),
         str(TOP / "tools" / "setup"), "--demo", "--no-compile", *options],
        env={**os.environ, "PATH": f"{stand_ins}:{os.environ['PATH']}", "RECORD": str(record),
             "APT_STATUS": str(status), "APT_WAITS": waits},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def own_policy(machine):
    policy = machine[0] / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 104\n", encoding="ascii")
    policy.chmod(0o750)
    os.utime(policy, (1_000_000_000, 1_000_000_000))
    return policy


def identity(path):
    known = path.stat()
    return path.read_text(encoding="ascii"), known.st_ino, known.st_mode, known.st_mtime


@pytest.mark.parametrize("apt_status", [0, 100])
def test_services_are_refused_while_apt_runs_and_the_hosts_own_policy_comes_back(machine, apt_status):
    policy = own_policy(machine)
    before = identity(policy)

    run = run_setup(machine, status=apt_status)
    said = run.communicate(timeout=60)[0]

    assert (machine[2] / "policy-said").read_text(encoding="ascii") == "101\n"
    assert identity(policy) == before
    assert os.listdir(machine[0]) == ["policy-rc.d"]
    assert (run.returncode == 0) == (apt_status == 0), said
    assert "to be installed with apt" in said
    assert "nginx" in said


def test_a_host_without_a_policy_has_none_afterwards(machine):
    run_setup(machine).communicate(timeout=60)

    assert os.listdir(machine[0]) == []


def test_the_policy_comes_back_when_setup_is_stopped(machine):
    policy = own_policy(machine)
    before = identity(policy)
    run = run_setup(machine, waits="yes")
    wait_until(lambda: (machine[2] / "sleeper").exists() and (machine[2] / "sleeper").read_text(encoding="ascii"), 30, "apt to run")

    # As Ctrl-C does it, both get the signal: setup acts when the program it waits for has ended.
    run.terminate()
    os.kill(int((machine[2] / "sleeper").read_text(encoding="ascii")), 15)
    run.communicate(timeout=60)

    assert run.returncode != 0
    assert identity(policy) == before


def test_a_second_run_waits_for_the_first_and_the_policy_comes_back(machine):
    before = identity(own_policy(machine))
    first = run_setup(machine, waits="1")
    sleeper = machine[2] / "sleeper"
    wait_until(lambda: sleeper.exists() and sleeper.read_text(encoding="ascii"), 30, "the first one's apt-get")

    second = run_setup(machine)
    said = wait_until(lambda: (line := second.stdout.readline()) and "waits for another" in line and line, 30, "the second one's word")

    assert said == "setup: waits for another tools/setup, which installs packages\n"
    assert (machine[0] / "policy-rc.d").read_text(encoding="ascii").endswith("exit 101\n")
    os.kill(int(sleeper.read_text(encoding="ascii")), signal.SIGTERM)
    for run in (first, second):
        said = run.communicate(timeout=60)[0]
        assert run.returncode == 0, said
    assert identity(machine[0] / "policy-rc.d") == before
    assert os.listdir(machine[0]) == ["policy-rc.d"]


def test_a_policy_that_a_killed_run_left_aside_is_not_lost(machine):
    own_policy(machine).rename(machine[0] / "policy-rc.d.saved-by-mainstay-setup")
    (machine[0] / "policy-rc.d").write_text("#!/bin/sh\nexit 101\n", encoding="ascii")

    run_setup(machine).communicate(timeout=60)

    assert (machine[0] / "policy-rc.d").read_text(encoding="ascii") == "#!/bin/sh\nexit 104\n"
    assert os.listdir(machine[0]) == ["policy-rc.d"]


def test_new_units_are_not_left_enabled(machine):
    run_setup(machine).communicate(timeout=60)

    assert "disable --quiet nginx.service" in (machine[2] / "systemctl-said").read_text(encoding="ascii")
    assert "disable nginx.service" in (machine[2] / "helper-said").read_text(encoding="ascii")


def test_a_dry_run_changes_nothing(machine):
    said = run_setup(machine, "--dry-run").communicate(timeout=60)[0]

    assert "to be installed with apt" in said
    assert os.listdir(machine[2]) == []
    assert os.listdir(machine[0]) == []
