#!/usr/bin/python3
"""What the network hears of a director whose processes die, stand still or are exchanged, side by side with Debian's
keepalived where that can do the same. Needs root.

    tools/bench crash [--runs N] [--cases v2-1,v3-0.1,v3-0.01] [--events role,pause,supervisor,upgrade]

Two directors on a switch, priorities 150 and 100. The master's vrrp process is killed, stopped (SIGSTOP) for three
quarters of what the master-down interval leaves after an advertisement, its supervisor is killed, or the program is
exchanged by `mainstayctl upgrade`.
Told are the longest silence between two of its advertisements, how many advertisements the backup sent, and for how
long both said that they were master.

With mainstay the backup must stay silent but for a killed supervisor; where it takes over, both may advertise for no
longer than one interval (RFC 9568 6.4.3: who hears a higher priority gives way at once). Exit code 0: so it was.
"""
import argparse
import os
import pathlib
import signal
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "bench.d"))

from figures import Figures  # noqa: E402
from lan import CASES, PROGRAMS, TITLES, TOP, Director, Lan, Listener, instance, time, wait_until  # noqa: E402

MASTER, BACKUP = ("192.168.4.11", 150), ("192.168.4.12", 100)
EVENTS_OF = {"role": "its VRRP process is killed", "pause": "its VRRP process stands still",
             "supervisor": "its supervisor is killed", "upgrade": "an upgrade in place"}
EVENTS = {"mainstay": ("role", "pause", "supervisor", "upgrade"), "keepalived": ("role", "pause")}


def master_down(case):
    """Seconds, as the backup counts them."""
    version, interval = CASES[case]
    return 3 * interval + (256 - BACKUP[1]) / 256 * (1 if version == 2 else interval)


class Pair:
    def __init__(self, folder, program, case):
        version, self.interval = CASES[case]
        self.case, self.program = case, program
        self.lan = Lan(folder)
        self.lan.switch("office")
        self.master, self.backup = (
            Director(self.lan, name, address, instance(priority, version, f"{self.interval:g}"))
            for name, (address, priority) in (("master", MASTER), ("backup", BACKUP)))
        switch = self.lan.switches["office"]
        self.listeners = {MASTER[0]: Listener(switch.pid, self.master.port),
                          BACKUP[0]: Listener(switch.pid, self.backup.port)}
        self.backup.start(program)
        self.master.start(program)
        self.killed = 0.0  # when a role was last

    def settle(self):
        """Until the master alone has advertised for some intervals."""
        wait_until(lambda: self.master.holds_vip() and not self.backup.holds_vip(), 60, "the master to hold the address")
        while True:
            before = len(self.adverts(BACKUP[0]))
            time.sleep(4 * self.interval + 0.2)
            if before == len(self.adverts(BACKUP[0])):
                return

    def adverts(self, address):
        return [advert for advert in self.listeners[address].adverts(address) if advert[3] != 0]  # 0: resigns

    def role(self):
        names = {pid: pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip()
                 for pid in self.master.children()}
        return next(pid for pid, name in names.items() if name in ("mainstayd-vrrp", "keepalived"))

    def hit(self, event):
        if event == "role":
            os.kill(self.role(), signal.SIGKILL)
        elif event == "supervisor":
            os.kill(self.master.daemon.pid, signal.SIGKILL)
        elif event == "pause":
            role = self.role()
            os.kill(role, signal.SIGSTOP)
            time.sleep(0.75 * (master_down(self.case) - self.interval))  # the last advert may be an interval old
            os.kill(role, signal.SIGCONT)
        else:
            self.master.host.run([str(TOP / "build/src/cli/mainstayctl"), "upgrade"], timeout=60)

    def run(self, event):
        """(the longest silence of the master in ms or none, the backup's adverts, ms in which both advertised)"""
        self.settle()
        if event == "role":  # one that dies again within ten seconds is started after a pause
            time.sleep(max(0.0, self.killed + 11 - time.monotonic()))
            self.killed = time.monotonic()
        for listener in self.listeners.values():
            listener.forget()
        time.sleep(2 * self.interval)
        self.hit(event)
        if event == "supervisor":
            wait_until(lambda: len(self.adverts(BACKUP[0])) > 3, 60, "the backup to take over")
            self.master.daemon.wait(20)
        time.sleep(5 * self.interval + 0.5)
        ours, theirs = ([advert[0] for advert in self.adverts(address)] for address in (MASTER[0], BACKUP[0]))
        both = max(0, min(ours[-1], theirs[-1]) - max(ours[0], theirs[0])) / 1e6 if theirs else 0.0
        silence = max(b - a for a, b in zip(ours, ours[1:])) / 1e6
        if event == "supervisor":
            self.master.wipe()
            self.master.start(self.program)
        return silence, len(theirs), both

    def close(self):
        for listener in self.listeners.values():
            listener.close()
        self.lan.close()


def measure(program, case, events, runs):
    """{event: results of Pair.run()}"""
    with tempfile.TemporaryDirectory(prefix="mainstay-bench-") as folder:
        pair = Pair(folder, program, case)
        try:
            return {event: [pair.run(event) for _ in range(runs)] for event in EVENTS[program] if event in events}
        finally:
            pair.close()


def report(figures, case, event, found):
    silences = {}
    for program, results in found.items():
        silences[program], heard, both = zip(*results)
        print(f"  {event}, {program}: the backup advertised in {sum(count > 0 for count in heard)} of {len(results)}; "
              f"both at most {max(both):.2f} ms", flush=True)
        if program == "mainstay" and event == "supervisor":
            figures.judge(max(both) <= 1000 * CASES[case][1], "both advertise for an interval at most")
        elif program == "mainstay":
            figures.judge(max(heard) == 0, "the backup stays silent")
    figures.line(f"{TITLES[case]}, {EVENTS_OF[event]}: longest silence of the master", "ms",
                 *(silences.get(program, ()) for program in PROGRAMS))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--events", default=",".join(EVENTS["mainstay"]))
    options = parser.parse_args()
    events = options.events.split(",")
    figures = Figures()
    for case in options.cases.split(","):
        print(f"{case}: master-down interval {1000 * master_down(case):.1f} ms")
        found = {program: measure(program, case, events, options.runs) for program in PROGRAMS}
        for event in events:
            report(figures, case, event, {program: of[event] for program, of in found.items() if event in of})
    return figures.end()


if __name__ == "__main__":
    sys.exit(main())
