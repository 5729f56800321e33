"""What `mainstayctl why` says, without what differs from run to run."""

import json
import re

from .paths import program
from .wait import wait_until


def literal(text):
    """The text with moments as NOW, and durations and counts of failures as T and N."""
    text = re.sub(r"(\d{4}-\d\d-\d\d )?\b\d\d:\d\d:\d\d\b", "NOW", text)
    text = re.sub(r"last \d+ s ago", "last T ago", text)
    text = re.sub(r"took [\d.]+ (us|ms|s)\b", "took T", text)
    text = re.sub(r"arrived for [\d.]+ s", "arrived for T", text)
    text = re.sub(r"\d+ failures in a row", "N failures in a row", text)
    return re.sub(r"(seen|its) \d+ times", r"\1 N times", text)


def reasons(host, name):
    """All reasons, or the one line that says why there are none."""
    done = host.run([program("mainstayctl"), "why", name, "--json"], check=False)
    return [literal(one) for one in json.loads(done.stdout)["reasons"]] if done.returncode == 0 else [done.stderr]


def wait_why(host, name, *expected, timeout=20):
    """Waits until the first reasons are these, word by word."""
    wait_until(lambda: reasons(host, name)[:len(expected)] == list(expected), timeout,
               lambda: f"\n{list(expected)}, not\n{reasons(host, name)}")


def wait_reason(host, name, expected, timeout=20):
    """Waits until one of the reasons is this, word by word."""
    wait_until(lambda: expected in reasons(host, name), timeout, lambda: f"\n{expected}, not\n{reasons(host, name)}")
