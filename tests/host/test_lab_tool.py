"""tools/lab keeps its promises about statuses, files and time limits. Its guests are small ones."""

import os
import subprocess

from support.paths import TOP

LAB = str(TOP / "tools" / "lab")


def lab(*words, cwd=TOP, env=None):
    return subprocess.run([LAB, "--mem", "256", *words], cwd=cwd, capture_output=True, text=True, timeout=120,
                          env={**os.environ, **(env or {})}, check=False)


def test_the_status_and_both_outputs_of_the_command_come_through(tmp_path):
    share = tmp_path / "share"
    share.mkdir()

    done = lab("--share", str(share), "--", "bash", "-c",
               'echo "said $WORD"; echo complained >&2; touch "$LAB_SHARE/was-here"; exit 7',
               cwd=tmp_path, env={"WORD": "it's so"})

    assert (done.returncode, done.stdout, done.stderr) == (7, "said it's so\n", "complained\n")
    assert (share / "was-here").exists()


def test_a_command_that_takes_too_long_is_killed_and_says_so():
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
