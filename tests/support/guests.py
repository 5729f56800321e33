"""Whether this host can run a guest of tools/lab."""

import functools
import subprocess

import pytest

from .paths import TOP

LAB = str(TOP / "tools" / "lab")
# What tools/lab says of a host that has no place for a guest. Of everything else it dies the tests tell.
OF_THE_HOST = ("linux.uml not found", "does not let it use ptrace", "gave it no", "too little room", "noexec")


@functools.cache
def check():
    return subprocess.run([LAB, "--mem", "256", "--check"], capture_output=True, text=True, timeout=180, check=False)


def skip_without_guests():
    done = check()
    no_guest = done.returncode != 0 or not done.stdout.startswith("user-mode kernel")
    if no_guest and (done.returncode == 0 or any(words in done.stderr for words in OF_THE_HOST)):
        pytest.skip(f"no user-mode kernel can be had: {(done.stderr or done.stdout).strip()}")
