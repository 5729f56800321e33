#!/usr/bin/python3
"""How long a dump takes from the signal to the whole file, side by side with Debian's keepalived. Needs root.

    tools/bench dumps [--instances 1,300,1000] [--rounds 200]

Both daemons run at once with the same instances, all of them master, and are asked in turn. Told are the median and the
99th percentile of each in milliseconds, for the JSON, the statistics and the data: the latter must be no more than keepalived's.
Whoever waits looks for the file ten times in a millisecond: one that never sleeps holds a core, and what is measured then is
which of the processes the kernel has wait behind it.
"""
import argparse
import os
import pathlib
import signal
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "bench.d"))

from figures import Figures  # noqa: E402
from lan import PROGRAMS, Lan, percentile, time, wait_until  # noqa: E402

PER_INTERFACE = 250
PATIENCE = 10
PAUSE = 1e-4
FILES = {"json": signal.SIGRTMIN + 2, "stats": signal.SIGUSR2, "data": signal.SIGUSR1}


def address(number):
    return f"10.{number // PER_INTERFACE}.{number % PER_INTERFACE}.1"


def configuration(count):
    return "".join(f"vrrp_instance VI_{n} {{\nstate MASTER\ninterface eth{n // PER_INTERFACE}\n"
                   f"virtual_router_id {n % PER_INTERFACE + 1}\npriority 150\nadvert_int 5\nvirtual_ipaddress {{\n"
                   f"{address(n)}/24\n}}\n}}\n" for n in range(count))


class Side:
    def __init__(self, lan, program, count):
        lan.switch(program[0])
        links = {f"eth{n}": (program[0], f"192.168.{n}.1/24") for n in range((count - 1) // PER_INTERFACE + 1)}
        self.host = lan.host(program, **links)
        self.daemon = (self.host.mainstayd if program == "mainstay" else self.host.keepalived)(configuration(count))
        wait_until(lambda: "Startup complete" in self.daemon.output(), 60, self.daemon.output)
        wait_until(lambda: self.host.holds(address(count - 1)), 60, f"{program} to hold its last address")
        self.pid = self.daemon.pid
        self.ends = {}

    def path(self, kind):
        return self.host.path(f"/tmp/keepalived.{kind}")

    def learn_end(self, kind):
        """The file's last line, by which a whole one is known: asked for until it is the same twice."""
        def same():
            self.path(kind).unlink(missing_ok=True)
            os.kill(self.pid, FILES[kind])
            wait_until(self.path(kind).exists, PATIENCE, f"keepalived.{kind}")
            time.sleep(0.5)
            _, line, last = self.path(kind).read_bytes().rstrip(b"\n").rpartition(b"\n")
            known, self.ends[kind] = self.ends.get(kind), b"]" if kind == "json" else line + last
            return known == self.ends[kind]
        wait_until(same, 60, f"equal ends of keepalived.{kind}")

    def seconds(self, kind):
        path = str(self.path(kind))
        os.unlink(path)
        started = time.perf_counter()
        os.kill(self.pid, FILES[kind])
        while time.perf_counter() - started < PATIENCE:
            try:
                with open(path, "rb") as file:
                    # keepalived writes the data and the statistics in their place: the last instance's end counts.
                    if file.read().rstrip(b"\n").endswith(self.ends[kind]):
                        break
            except OSError:
                pass
            time.sleep(PAUSE)
        return time.perf_counter() - started


def measure(sides, kind, rounds):
    """Times in milliseconds, {program: list}."""
    times = {program: [] for program in sides}
    for side in sides.values():
        side.learn_end(kind)
    for number in range(rounds):
        for program in (PROGRAMS if number % 2 else PROGRAMS[::-1]):
            times[program].append(sides[program].seconds(kind) * 1e3)
            time.sleep(0.05)
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instances", default="1,300,1000")
    parser.add_argument("--rounds", type=int, default=200)
    options = parser.parse_args()
    figures = Figures()
    for count in map(int, options.instances.split(",")):
        with tempfile.TemporaryDirectory(prefix="mainstay-") as folder:
            lan = Lan(pathlib.Path(folder))
            try:
                sides = {program: Side(lan, program, count) for program in PROGRAMS}
                for kind in FILES:
                    times = measure(sides, kind, options.rounds)
                    what = f"{kind} dump of {count:,} instance{'s' if count > 1 else ''}"
                    figures.line(what, "ms", *(times[program] for program in PROGRAMS))
                    figures.line(f"{what}: 99th percentile", "ms",
                                 *([percentile(times[program], 0.99)] for program in PROGRAMS), times=1)
            finally:
                lan.close()
    return figures.end()


if __name__ == "__main__":
    sys.exit(main())
