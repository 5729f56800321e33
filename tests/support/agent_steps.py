"""What the programs have in common that run an agent's own code: what each step saw, as a line of JSON, and waiting."""

import json
import os
import pathlib
import sys
import time
import traceback

PLENTY = 60


def say(step, **seen):
    print(json.dumps({"step": step, **seen}), flush=True)


def until(condition, what):
    end = time.monotonic() + PLENTY
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"waited {PLENTY} s in vain for {what}")
        time.sleep(0.05)


def has_ended(pid):
    try:
        return not pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()  # empty: nobody has reaped it yet
    except OSError:
        return True


def run(main, *arguments):
    """Ends at the first fault, which the agents' own threads would outlive."""
    try:
        main(*arguments)
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
