"""mainstay as the keepalived of OpenStack's load balancers: Octavia's own templates, and its own reader of health."""

import json
import os
import pathlib
import subprocess

from support.paths import program

AGENT = pathlib.Path(__file__).parent.parent / "support" / "octavia_agent.py"
LISTENERS = ["7b9d0b4e-5b0c-4b7e-9c0b-0d6a1f9c2e11", "7b9d0b4e-5b0c-4b7e-9c0b-0d6a1f9c2e12"]


def test_octavia_starts_reads_and_stops_two_listeners(tmp_path):
    keepalived = tmp_path / "keepalived"
    keepalived.symlink_to(os.environ.get("KEEPALIVED") or program("mainstayd"))

    done = subprocess.run(["/usr/bin/python3", "-W", "ignore", AGENT, tmp_path / "octavia", keepalived], capture_output=True,
                          text=True, check=False, timeout=200, stdin=subprocess.DEVNULL)

    assert done.returncode == 0, done.stdout + done.stderr
    steps = {}
    for line in done.stdout.splitlines():
        step = json.loads(line)
        steps[step.pop("step")] = step
    up = ["UP", "UP", "DOWN"]
    assert steps == {
        "started": {"states": [up, up], "listeners": LISTENERS},
        "file replaced": {"states": [["UP", "UP", "RESTARTING"], up]},
        "first stopped": {"running": [False, True], "second": up},
        "restarted": {"states": [up, up]},
        "statistics": {"of": LISTENERS, "statuses": ["OPEN", "OPEN"]},
        "stopped": {"left": []},
    }
