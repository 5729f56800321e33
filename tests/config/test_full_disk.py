"""What a program prints and cannot write: an error on stderr and a failing exit status, never a success."""

import subprocess

import pytest

from support.paths import program

SECONDS = 20
FULL = "/dev/full"


@pytest.mark.parametrize("name, words, status", [
    ("mainstayctl", ["config", "schema"], 2),
    ("mainstayctl", ["config", "explain"], 2),
    ("mainstayctl", ["--help"], 2),
    ("mainstay-realserver", ["--help"], 1),
    ("mainstay-discover", ["--help"], 1),
    ("mainstay-genhash", ["--help"], 1),
    ("mainstayd", ["--signum=STOP"], 1),
])
def test_lost_output_is_an_error(name, words, status):
    with open(FULL, "wb") as full:
        done = subprocess.run([program(name), *words], stdout=full, stderr=subprocess.PIPE, text=True, timeout=SECONDS,
                              check=False)

    assert done.returncode == status
    assert done.stderr.endswith(": cannot write to the standard output: No space left on device\n")


def test_a_check_whose_verdict_is_lost_does_not_pass(tmp_path):
    clean = tmp_path / "clean.conf"
    clean.write_text("! nothing to do\n", encoding="utf-8")
    with open(FULL, "wb") as full:
        done = subprocess.run([program("mainstayctl"), "config", "check", clean], stdout=full, check=False,
                              stderr=subprocess.DEVNULL, timeout=SECONDS)

    assert done.returncode == 2


def test_a_configuration_test_whose_log_cannot_be_written_fails(tmp_path):
    clean = tmp_path / "clean.conf"
    clean.write_text("! nothing to do\n", encoding="utf-8")

    done = subprocess.run([program("mainstayd"), "-f", clean, f"--config-test={FULL}"], capture_output=True, text=True,
                          timeout=SECONDS, check=False)

    assert done.returncode == 1
    assert done.stderr == f"cannot append to {FULL}: No space left on device\n"
