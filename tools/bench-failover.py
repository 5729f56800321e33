#!/usr/bin/python3
"""How long an address is nobody's, side by side with Debian's keepalived. Needs root.

    tools/bench failover [--runs N] [--cases v2-1,v3-0.1,v3-0.01] [--events kill,stop,link] [--vips 1,1000]

Two directors of the same program on a switch, priorities 150 and 100. The master is killed, stopped, or its cable is
cut; measured is the time from its last advertisement to the backup's first gratuitous ARP, less the protocol's own
timer (RFC 9568 section 6.1: three intervals and the skew; the skew alone after priority 0). What remains is the
program's and the kernel's. Both programs run alternately. With many addresses the time of the last address's first
gratuitous ARP is told as well.

mainstay's median must be at most half of keepalived's with one address, a tenth of it with many (half for the last address), and its worst run
no worse than keepalived's worst. The exit code is 0 when all of it holds.
"""
import argparse
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "bench.d"))

from figures import Figures  # noqa: E402
from lan import CASES, PROGRAMS, TITLES, Director, Lan, Listener, instance, time, wait_until  # noqa: E402

MASTER, BACKUP = ("192.168.4.11", 150), ("192.168.4.12", 100)
TIMES_FASTER, TIMES_FASTER_OF_MANY = 2, 10


def timer(case, event):
    """Milliseconds that the protocol itself wants between the last advertisement and taking over."""
    version, interval = CASES[case]
    skew = (256 - BACKUP[1]) / 256 * (1 if version == 2 else interval)
    return 1000 * (skew + (0 if event == "stop" else 3 * interval))


class Pair:
    """The two directors of one program."""

    def __init__(self, folder, program, case, vips):
        self.program, self.vips = program, vips
        self.lan = Lan(folder)
        self.lan.switch("office")
        version, interval = CASES[case]
        self.interval = interval
        self.master, self.backup = (
            Director(self.lan, name, address, instance(priority, version, f"{interval:g}", vips))
            for name, (address, priority) in (("master", MASTER), ("backup", BACKUP)))
        self.switch = self.lan.switches["office"]
        self.from_master = Listener(self.switch.pid, self.master.port)
        self.from_backup = Listener(self.switch.pid, self.backup.port)
        self.backup.start(program)
        self.master.start(program)
        self.settle()

    def settle(self):
        """Until the master advertises alone, and everything about taking over is said."""
        wait_until(lambda: self.master.holds_vip() and not self.backup.holds_vip(), 30, "the master to hold the address")
        quiet = time.monotonic() + 3 * self.interval + 0.3  # no word of the backup any more
        count = len(self.from_backup.adverts())
        while time.monotonic() < quiet:
            time.sleep(0.05)
            if len(self.from_backup.adverts()) != count:
                count, quiet = len(self.from_backup.adverts()), time.monotonic() + 3 * self.interval + 0.3

    def fail(self, event, phase):
        """The milliseconds of the first gratuitous ARP, and of the last address's first one, over the timer."""
        self.from_master.forget()
        self.from_backup.forget()
        time.sleep((2 + phase) * self.interval)  # one advertisement at least, also if it is late
        if event == "kill":
            self.master.kill()
        elif event == "stop":
            self.master.stop()
        else:
            self.switch.run(["ip", "link", "set", self.master.port, "down"])
        wait_until(lambda: len({arp[3] for arp in self.from_backup.arps()}) >= self.vips, 30, "the gratuitous ARPs")
        arps = self.from_backup.arps()
        first_of_each = {}
        for arp in arps:
            first_of_each.setdefault(arp[3], arp[0])
        taken = arps[0][0]
        last = max(advert[0] for advert in self.from_master.adverts(MASTER[0]) if advert[0] < taken)
        return [(at - last) / 1e6 for at in (taken, max(first_of_each.values()))]

    def repair(self, event):
        if event == "link":
            self.switch.run(["ip", "link", "set", self.master.port, "up"])
        else:
            self.master.daemon.wait(20)
            self.master.wipe()
            self.master.start(self.program)
        self.settle()

    def close(self):
        self.from_master.close()
        self.from_backup.close()
        self.lan.close()


class Bench:
    def __init__(self):
        self.figures = Figures()

    def compare(self, what, over, times):
        ours, theirs = over["mainstay"], over["keepalived"]
        self.figures.line(what, "ms", ours, theirs, times=times)
        self.figures.judge(max(ours) <= max(theirs), f"worst {max(ours):.2f} against {max(theirs):.2f} ms")

    def case(self, case, vips, events, runs):
        with tempfile.TemporaryDirectory(prefix="mainstay-bench-") as folder:
            pairs = {program: Pair(make(folder, program), program, case, vips) for program in PROGRAMS}
            try:
                for event in events:
                    self.event(pairs, case, vips, event, runs)
            finally:
                for pair in pairs.values():
                    pair.close()

    def event(self, pairs, case, vips, event, runs):
        over, last = ({program: [] for program in pairs} for _ in range(2))
        for run in range(runs):
            for program, pair in pairs.items():
                first_arp, last_arp = pair.fail(event, run / runs)
                over[program].append(first_arp - timer(case, event))
                last[program].append(last_arp - timer(case, event))
                pair.repair(event)
        what = f"{TITLES[case]}, {event}, {vips:,} address{'es' if vips > 1 else ''}: gratuitous ARP of the "
        self.compare(what + "first", over, TIMES_FASTER if vips == 1 else TIMES_FASTER_OF_MANY)
        if vips > 1:
            self.compare(what + "last", last, TIMES_FASTER)


def make(folder, name):
    path = pathlib.Path(folder) / name
    path.mkdir()
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--events", default="kill,stop,link")
    parser.add_argument("--vips", default="1,1000")
    options = parser.parse_args()
    bench = Bench()
    for vips in map(int, options.vips.split(",")):
        for case in options.cases.split(","):
            bench.case(case, vips, options.events.split(","), options.runs)
    return bench.figures.end()


if __name__ == "__main__":
    sys.exit(main())
