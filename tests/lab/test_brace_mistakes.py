"""Files whose braces do not fit have keepalived's effect: the IPVS table, the addresses, and the exit code of -t.

MAINSTAY_BRACES=SEED:COUNT reads other files; what differs is shown with the file.
"""

import os
import shutil
import time

import pytest

from support.brace_mistakes import mistaken
from support.paths import DATA, program

pytestmark = pytest.mark.skipif(not shutil.which("keepalived"), reason="keepalived is not here")

SHAPES = sorted((DATA / "braces").glob("*.conf"))
FEW, MANY, A_RUN = 4, 500, 50
AT_ONCE = 4
SETTLED, DIFFERENT, LONGEST = 2.0, 20.0, 60.0  # seconds without a change after which two that are equal, or differ, are believed
PAUSE = 0.3
# keepalived stops at such an interface, whose name is a brace; mainstay waits for it (docs/compatibility.md, 2).
ON_PURPOSE = "Non-existent interface specified in configuration"


class Pair:
    """keepalived and mainstay, each on a host of its own, with the same file."""

    def __init__(self, lan, number):
        self.hosts = []
        for name in (f"theirs{number}", f"ours{number}"):
            lan.switch(f"net-{name}")
            self.hosts.append(lan.host(name, eth0=(f"net-{name}", "192.168.4.1/24")))

    def start(self, name, text):
        self.name, self.text = name, text
        theirs, ours = self.hosts
        self.daemons = theirs.keepalived(text), ours.mainstayd(text)
        self.codes = exit_code_of(theirs, ["keepalived"]), exit_code_of(ours, [program("mainstayd")])
        self.begin = self.changed = time.monotonic()
        self.seen = None

    def has_settled(self):
        now, seen = time.monotonic(), [look(host) for host in self.hosts]
        if seen != self.seen:
            self.seen, self.changed = seen, now
        calm = now - self.changed
        return (seen[0] == seen[1] and calm > SETTLED) or calm > DIFFERENT or now - self.begin > LONGEST

    def finish(self):
        """What the two have of the file, when they do not have the same; else nothing."""
        for daemon in self.daemons:
            daemon.stop()
        for host in self.hosts:
            host.run(["ipvsadm", "-C"])
            host.run(["ip", "addr", "flush", "dev", "eth0"])
            host.run(["ip", "addr", "add", "192.168.4.1/24", "dev", "eth0"])
        same = self.seen[0] == self.seen[1] and self.codes[0] in (None, self.codes[1])
        if same or ON_PURPOSE in self.daemons[0].output():
            return ""
        return f"keepalived {self.seen[0]} {self.codes[0]}\nmainstay   {self.seen[1]} {self.codes[1]}"


def look(host):
    rules = host.run(["ipvsadm", "-Sn"]).stdout.splitlines()
    addresses = host.run(["ip", "-br", "-4", "addr"]).stdout.split()
    return sorted(rules), sorted(a for a in addresses if a.startswith("10."))


def exit_code_of(host, command):
    """The exit code of -t; a crash has none."""
    code = host.run([*command, "-t", "-f", "/run/keepalived.conf"], check=False).returncode
    return None if code < 0 or code > 128 else code


def compare(lan, files):
    """{name: difference} of those that differ; `files` are (name, text)."""
    pairs = [Pair(lan, number) for number in range(min(AT_ONCE, len(files)))]
    found = {}
    for first in range(0, len(files), len(pairs)):
        running = list(zip(pairs, files[first:first + len(pairs)]))
        for pair, file in running:
            pair.start(*file)
        waiting = [pair for pair, _ in running]
        while waiting:
            time.sleep(PAUSE)  # looking takes processor time, of which the daemons make their tables
            waiting = [pair for pair in waiting if not pair.has_settled()]
        for pair, _ in running:
            differs = pair.finish()
            if differs:
                found[pair.name] = differs
                print(f"==== {pair.name}\n{pair.text}{differs}")
    print(f"{len(files) - len(found)} of {len(files)} are equal")
    return found


def test_the_shapes_of_real_files_have_keepaliveds_effect(lan):
    assert compare(lan, [(path.name, path.read_text(encoding="utf-8")) for path in SHAPES]) == {}


def generated(seed, numbers):
    files = []
    for number in numbers:
        text, done = mistaken(seed, number)
        files.append((f"{seed}:{number} ({done})", text))
    return files


@pytest.mark.nightly
def test_files_with_mistakes_have_keepaliveds_effect(lan):
    seed, count = os.environ.get("MAINSTAY_BRACES", f"1:{FEW}").split(":")

    assert compare(lan, generated(seed, range(int(count)))) == {}


@pytest.mark.nightly
@pytest.mark.parametrize("start", range(0, MANY, A_RUN))
def test_many_files_with_mistakes_have_keepaliveds_effect(lan, start):
    assert compare(lan, generated("night", range(start, start + A_RUN))) == {}
