"""Waiting for a condition, never for a time."""

import os
import time

# A lab's kernel has one CPU, and starts programs ten times as slowly as this machine's; another lab may run beside it.
PATIENCE = 3 if os.environ.get("MAINSTAY_LAB") == "1" else 1


def wait_until(condition, timeout=10.0, what="the condition", interval=0.05):
    """Calls `condition` until it returns something true, and returns that. Raises TimeoutError after `timeout` s, in a
    lab after three times that. Between two calls it sleeps for as long as one took, at least."""
    timeout *= PATIENCE
    interval *= PATIENCE
    end = time.monotonic() + timeout
    while True:
        asked = time.monotonic()
        answer = condition()
        if answer:
            return answer
        now = time.monotonic()
        if now >= end:
            said = what() if callable(what) else what
            raise TimeoutError(f"waited {timeout:g} s in vain for {said}")
        time.sleep(max(interval, now - asked))


def stays(condition, seconds, interval=0.05):
    """True when `condition` held at every look for `seconds`."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not condition():
            return False
        time.sleep(interval)
    return True
