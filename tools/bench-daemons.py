#!/usr/bin/python3
"""What many daemons on one host cost, as OpenStack starts them, side by side with Debian's keepalived. Needs root.

    tools/bench daemons [--daemons 12,500] [--idle 20]

One daemon with one instance for each router, advert interval 2 s. Told are the time until all are started and MASTER, then
the processes, their memory (PSS) and their processor time until they rest, the processor time of the idle seconds, and the
time of the stop.
"""
import argparse
import os
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "bench.d"))

from figures import Figures  # noqa: E402
from lan import PROGRAMS, Lan, wait_until  # noqa: E402
from processes import pss  # noqa: E402
from support.paths import program as path_of  # noqa: E402

PER_INTERFACE = 250
PATIENCE = 120
MEMORY_MOST = {1: 12.0}  # MB
# What is measured, with its unit and its goal (see Figures).
PHASES = {"start": ("s", None), "memory": ("MB", 1), "processor time until they rest": ("s", None),
          "processor time of an idle second": ("ms", None), "stop": ("s", None)}
REST = 45  # by then the reader and the observer have ended


def address(number):
    return f"10.{number // PER_INTERFACE}.{number % PER_INTERFACE}.1"


def configuration(number):
    return (f"vrrp_instance VR_{number} {{\nstate BACKUP\ninterface eth{number // PER_INTERFACE}\n"
            f"virtual_router_id {number % PER_INTERFACE + 1}\npriority 50\nnopreempt\nadvert_int 2\n"
            f"virtual_ipaddress {{\n{address(number)}/24\n}}\n}}\n")


class Daemons:
    """All of one program on one host."""

    def __init__(self, lan, name, count):
        lan.switch("office")
        links = {f"eth{n}": ("office", f"192.168.{n}.1/24") for n in range((count - 1) // PER_INTERFACE + 1)}
        self.host, self.count = lan.host(name, **links), count
        self.program = path_of("mainstayd") if name == "mainstay" else "keepalived"
        for number in range(count):
            self.host.write(f"/run/r/{number}/k.conf", configuration(number))

    def start(self):
        began = time.monotonic()
        self.host.run(["sh", "-c", f"for i in $(seq 0 {self.count - 1}); do d=/run/r/$i; "
                       f"{self.program} -P -f $d/k.conf -p $d/k.pid -r $d/k.pid-vrrp; done"], timeout=10 * PATIENCE)
        wait_until(lambda: len(self.host.addresses()) > self.count, PATIENCE, "all to be MASTER")
        return time.monotonic() - began

    def processes(self):
        """Pids as they are here."""
        there = os.readlink(f"/proc/{self.host.pid}/ns/pid_for_children")
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                name = pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="ascii")
                if name.startswith(("mainstay", "keepalived")) and os.readlink(f"/proc/{pid}/ns/pid") == there:
                    found.append(int(pid))
            except OSError:
                continue
        return found

    def stop(self):
        began = time.monotonic()
        self.host.run(["sh", "-c", "kill $(cat /run/r/*/k.pid)"])
        wait_until(lambda: not self.processes(), PATIENCE, "all to end")
        return time.monotonic() - began


def processor_seconds(pids):
    return sum(int(pathlib.Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0]) for pid in pids) / 1e9


def memory(pids):
    """PSS in MB."""
    return sum(map(pss, pids)) / 1e3


def children_seconds():
    """Processor time of what has ended, and of all that it had started."""
    times = os.times()
    return times.children_user + times.children_system


def measure(name, count, idle):
    with tempfile.TemporaryDirectory(prefix="mainstay-") as folder:
        lan = Lan(pathlib.Path(folder))
        try:
            daemons = Daemons(lan, name, count)
            started = daemons.start()
            time.sleep(REST)
            pids = daemons.processes()
            held, before = memory(pids), processor_seconds(pids)
            time.sleep(idle)
            idly = (processor_seconds(pids) - before) / idle
            print(f"{name:10} {count:4} daemons: {len(pids)} processes, {held / count:.2f} MB a daemon", flush=True)
            return {"start": started, "memory": held, "processor time until they rest": before,
                    "processor time of an idle second": idly * 1e3, "stop": daemons.stop()}
        finally:
            lan.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--daemons", default="1,12,500")
    parser.add_argument("--idle", type=int, default=20)
    options = parser.parse_args()
    figures = Figures()
    for count in map(int, options.daemons.split(",")):
        found = {name: measure(name, count, options.idle) for name in PROGRAMS}
        for phase, (unit, goal) in PHASES.items():
            most = MEMORY_MOST.get(count) if phase == "memory" else None
            figures.line(f"{count} daemons with one instance: {phase}" if count > 1 else f"one daemon with one instance: {phase}",
                         unit, [found["mainstay"][phase]], [found["keepalived"][phase]],
                         times=goal if most is None else None, most=most)
    return figures.end()


if __name__ == "__main__":
    sys.exit(main())
