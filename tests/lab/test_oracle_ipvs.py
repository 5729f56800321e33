"""Random walks of virtual servers on a kernel with IPVS, from a seed of their own: tools/oracle prints it."""

import subprocess
import sys

from support.paths import TOP

SECONDS = 60


def test_whatever_reloads_kills_and_drift_did_ipvs_is_as_after_a_fresh_start():
    done = subprocess.run([f"{TOP}/tools/oracle", "ipvs", "--for", str(SECONDS), "--per-walk", "15", "--tries", "0"],
                          capture_output=True, text=True, errors="replace", timeout=540)
    sys.stdout.write(done.stdout)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
