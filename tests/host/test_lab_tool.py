"""tools/lab keeps its promises about statuses, files and time limits. Its guests are small ones."""

import os
import shutil
import subprocess

import pytest

from support.guests import LAB, OF_THE_HOST, check, skip_without_guests
from support.paths import TOP


@pytest.fixture
def guests():
    skip_without_guests()


def lab(*words, cwd=TOP, env=None):
    return subprocess.run([LAB, "--mem", "256", *words], cwd=cwd, capture_output=True, text=True, timeout=120,
                          env={**os.environ, **(env or {})}, check=False)


@pytest.mark.nightly
def test_the_status_and_both_outputs_of_the_command_come_through(guests, tmp_path):
    share = tmp_path / "share"
    share.mkdir()

    done = lab("--share", str(share), "--", "bash", "-c",
               'echo "said $WORD"; echo complained >&2; touch "$LAB_SHARE/was-here"; exit 7',
               cwd=tmp_path, env={"WORD": "it's so"})

    assert (done.returncode, done.stdout, done.stderr) == (7, "said it's so\n", "complained\n")
    assert (share / "was-here").exists()


def test_a_command_that_takes_too_long_is_killed_and_says_so(guests):
    done = lab("--timeout", "5", "--", "sleep", "100")

    assert done.returncode == 124
    assert "killed after 5 s" in done.stderr


def test_a_lab_in_a_lab_is_refused():
    done = lab("--", "true", env={"MAINSTAY_LAB": "1"})

    assert done.returncode == 125
    assert "do not nest" in done.stderr


def test_a_wrong_option_is_refused_with_its_name():
    assert lab("--memory", "3", "--", "true").returncode == 125
    assert "--timeout takes a whole number above 0, got 'x'" in lab("--timeout", "x", "--", "true").stderr
    assert "--xstate takes auto, always, never, got 'x'" in lab("--xstate", "x", "--", "true").stderr


def test_the_check_says_which_lab_can_be_had_or_why_none():
    done = check()

    if done.returncode == 0:
        assert done.stdout.startswith(("user-mode kernel ", "this host's kernel\n"))
    else:
        assert done.returncode == 125
        assert any(words in done.stderr for words in OF_THE_HOST)
        assert len(done.stderr.splitlines()) == 1


def test_the_check_names_what_is_wrong_with_each_way(tmp_path):
    for name in ("python3", "bash"):
        (tmp_path / name).symlink_to(f"/usr/bin/{name}")

    done = lab("--check", env={"PATH": str(tmp_path)})

    if os.path.exists("/proc/net/ip_vs"):
        assert done.returncode == 125 or done.stdout == "this host's kernel\n"
    else:
        assert (done.returncode, done.stdout) == (125, "")
        assert done.stderr == ("lab: no kernel with IPVS can be had: linux.uml not found: install the package "
                               "user-mode-linux (tools/setup does); and this host's kernel has no IPVS: load its "
                               "module (modprobe ip_vs)\n")


def test_without_a_user_mode_kernel_the_hosts_own_serves_where_it_is_needed_and_has_ipvs(tmp_path):
    for name in ("bash", "modprobe", "python3", "unshare"):
        (tmp_path / name).symlink_to(shutil.which(name) or "/usr/bin/false")

    done = lab("--native-if-needed", "--", "/bin/bash", "-c", "echo $MAINSTAY_LAB", env={"PATH": str(tmp_path)})

    if os.path.exists("/proc/net/ip_vs"):
        assert (done.returncode, done.stdout) == (0, "native\n")
    else:
        assert done.returncode == 125
        assert done.stderr == "lab: linux.uml not found: install the package user-mode-linux (tools/setup does)\n"


def test_a_guest_with_too_little_memory_says_so(guests):
    done = lab("--mem", "16", "--", "true")

    assert done.returncode == 125
    assert done.stderr == ("lab: the guest ended before COMMAND ran: 16 MB of memory are too few for it: give more "
                           "with --mem\n")


def test_a_command_that_ends_its_guest_is_told_from_a_guest_that_does_not_start(guests):
    done = lab("--", "bash", "-c", "echo c >/proc/sysrq-trigger")

    assert done.returncode == 125
    assert done.stderr.startswith("lab: the guest ended while COMMAND ran: its kernel panicked (sysrq triggered crash)")
    assert len(done.stderr.splitlines()) == 1


def test_without_ipvs_a_command_has_namespaces_and_folders_of_its_own(tmp_path):
    share = tmp_path / "share"
    share.mkdir()

    done = lab("--native-without-ipvs", "--share", str(share), "--", "bash", "-c",
               'touch /run/mine "$LAB_SHARE/was-here"; echo "$MAINSTAY_LAB $(hostname)"; exit 7', cwd=tmp_path)

    assert (done.returncode, done.stdout, done.stderr) == (7, "native lab\n", "")
    assert (share / "was-here").exists() and not os.path.exists("/run/mine")
