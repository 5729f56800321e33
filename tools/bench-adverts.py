#!/usr/bin/python3
"""How evenly a master advertises, side by side with Debian's keepalived. Needs root.

    tools/bench adverts [--seconds 60] [--loads idle,hog,hog+rt] [--interval 0.1]

Two masters, one of each program, each on a switch of its own, at the same time: version 3 every 100 ms. Measured by
the kernel's time of each advertisement on the switch: the mean interval (a program that sets its timer anew after each
advertisement drifts), and how far each interval is off. Loads: idle; hog: an endless loop on each processor at the
same nice value; hog+rt: the same with vrrp_rt_priority 50.

mainstay's mean must be within 0.01 % of what is configured, and its 99th percentile no worse than keepalived's, idle
and with the hogs. The exit code is 0 when all of it holds.
"""
import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "bench.d"))

from figures import Figures  # noqa: E402
from lan import Director, Lan, Listener, PROGRAMS, instance, percentile, time, wait_until  # noqa: E402

REALTIME = "global_defs {\nvrrp_rt_priority 50\nvrrp_rlimit_rttime 1000000\n}\n"
DRIFT = 0.0001  # of the interval
LOADS = {"idle": "idle", "hog": "beside an endless loop on each processor",
         "hog+rt": "beside an endless loop on each processor, with vrrp_rt_priority"}


class Master:
    def __init__(self, folder, program, interval, realtime):
        self.lan = Lan(folder)
        self.lan.switch("office")
        text = (REALTIME if realtime else "") + instance(150, 3, f"{interval:g}")
        self.director = Director(self.lan, "master", "192.168.4.11", text)
        self.listener = Listener(self.lan.switches["office"].pid, self.director.port)
        self.director.start(program)
        wait_until(lambda: len(self.listener.adverts()) > 3, 30, "the master to advertise")

    def intervals(self):
        """Milliseconds."""
        times = [advert[0] / 1e6 for advert in self.listener.adverts()]
        return [later - earlier for earlier, later in zip(times, times[1:])]

    def close(self):
        self.listener.close()
        self.lan.close()


def measure(folder, load, interval, seconds):
    masters = {}
    for program in PROGRAMS:
        path = pathlib.Path(folder) / f"{program}-{load}"
        path.mkdir()
        masters[program] = Master(path, program, interval, load.endswith("rt"))
    hogs = [subprocess.Popen([sys.executable, "-ISE", "-c", "while True: pass"])
            for _ in range(os.cpu_count() or 1)] if load.startswith("hog") else []
    try:
        time.sleep(6)  # the second burst of gratuitous ARP is over
        for master in masters.values():
            master.listener.forget()
        time.sleep(seconds)
        return {program: master.intervals() for program, master in masters.items()}
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()
        for master in masters.values():
            master.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--loads", default=",".join(LOADS))
    parser.add_argument("--interval", type=float, default=0.1)
    options = parser.parse_args()
    figures = Figures()
    with tempfile.TemporaryDirectory(prefix="mainstay-bench-") as folder:
        for load in options.loads.split(","):
            found = measure(folder, load, options.interval, options.seconds)
            wanted = options.interval * 1000
            print(f"{load}, {options.seconds:g} s of {wanted:g} ms: mean interval; off by p50 / p99 / most, ms")
            p99, mean = {}, {}
            for program, intervals in found.items():
                off = [abs(value - wanted) for value in intervals]
                mean[program], p99[program] = sum(intervals) / len(intervals), percentile(off, 0.99)
                print(f"  {program:10} {mean[program]:10.4f}   {percentile(off, 0.5):.3f} / {p99[program]:.3f} / "
                      f"{max(off):.3f}   ({len(intervals)} intervals)")
            drift = abs(mean["mainstay"] / wanted - 1)
            figures.judge(drift <= DRIFT, f"mean off by {drift * 100:.4f} % (at most {DRIFT * 100:.2f})")
            figures.line(f"adverts every {wanted:g} ms, {LOADS[load]}: 99th percentile of how far an interval is off", "ms",
                         [p99["mainstay"]], [p99["keepalived"]], times=1)
    return figures.end()


if __name__ == "__main__":
    sys.exit(main())
