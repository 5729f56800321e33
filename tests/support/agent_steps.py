"""What the programs have in common that run an agent's own code: what each step saw, as a line of JSON, and waiting."""

import json
import sys
import time

PLENTY = 60


def say(step, **seen):
    print(json.dumps({"step": step, **seen}), flush=True)


def until(condition, what):
    end = time.monotonic() + PLENTY
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"waited {PLENTY} s in vain for {what}")
        time.sleep(0.05)
