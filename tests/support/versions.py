"""Which version of another program this machine has: where releases differ, a test says what each of them does."""

import functools
import re
import subprocess


@functools.cache
def keepalived():
    """(2, 3, 3), for example."""
    shown = subprocess.run(["keepalived", "--version"], capture_output=True, text=True, check=True)
    return tuple(map(int, re.search(r"Keepalived v(\d+)\.(\d+)\.(\d+)", shown.stdout + shown.stderr).groups()))
