#!/usr/bin/python3
"""What looking at a large director costs the pair: how far adverts are off, and what the observer takes. Needs root.

    tools/bench observe [--services 2000] [--servers 20] [--seconds 30] [--interval 0.1] [--loads quiet,page,...]

A master with 2,000 services of 20 servers each advertises every 100 ms, on a switch where the kernel stamps each advert.
Loads, one after the other: quiet; metrics scraped each second, with sums and with every server; a page (the status read
again and again, ten streams of events); 1,000 servers that go down and come up each second; and all of it together.
Printed for each: how far an interval is off (median, 99th percentile, most), the time that an answer took, its size, and
the observer's memory and processor time.

The 99th percentile under each load must be within a millisecond of the quiet one, and the observer's memory
at most 45 MB. The exit code is 0 when it is.
"""
import argparse
import pathlib
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "bench.d"))

from figures import Figures  # noqa: E402
from lan import Director, Lan, Listener, instance, percentile, time, wait_until  # noqa: E402
from processes import processor_seconds  # noqa: E402

NOISE_MS = 1.0
MEMORY_MOST_MB = 45
FLAPPING_SERVERS = 1000
STREAMS = 10
FLAPS = "/run/flaps"
SOCKET = "/run/mainstay/control.sock"
SUMS, EVERY_SERVER, STATUS = "/metrics", "/metrics?scope=servers", "/api/v1/status"
TITLES = {"quiet": "nobody looks", "sums": "a scrape of the sums each second", "servers": "a scrape of every server each second",
          "page": "a page and ten streams of events", "events": "1,000 servers change each second", "all": "all of it together"}
LOADS = {"quiet": (), "sums": (SUMS,), "servers": (EVERY_SERVER,), "page": (STATUS, "streams"), "events": ("flaps",),
         "all": (SUMS, EVERY_SERVER, STATUS, "streams", "flaps")}


def configuration(services, servers, interval):
    flapping = max(1, FLAPPING_SERVERS // servers)
    parts = [f"track_file flaps {{\n  file {FLAPS}\n  weight 0\n}}\n", instance(150, 3, f"{interval:g}")]
    for number in range(services):
        check = "    FILE_CHECK {\n      track_file flaps\n    }\n" if number < flapping else ""
        lines = "".join(f"  real_server 10.{100 + number // 250}.{number % 250}.{n + 1} 80 {{\n    weight 1\n{check}  }}\n"
                        for n in range(servers))
        parts.append(f"virtual_server 10.50.{number // 250}.{number % 250 + 1} 80 {{\n  lb_algo wlc\n  lb_kind DR\n"
                     f"  protocol TCP\n{lines}}}\n")
    return "".join(parts)


class Load:
    """What somebody does to the director meanwhile; `answers` is {path: [(seconds, bytes)]}."""

    def __init__(self, host, parts):
        self.host, self.over, self.answers = host, threading.Event(), {}
        self.streams = [host.start(["curl", "-sN", "--unix-socket", SOCKET, "http://x/api/v1/events"], name="stream")
                        for _ in range(STREAMS if "streams" in parts else 0)]
        self.threads = [threading.Thread(target=self.flap if part == "flaps" else self.read, args=(part,), daemon=True)
                        for part in parts if part != "streams"]
        for thread in self.threads:
            thread.start()

    def read(self, path):
        taken = self.answers.setdefault(path, [])
        while not self.over.wait(1):
            done = self.host.run(["curl", "-s", "-o", "/dev/null", "-w", "%{time_total} %{size_download} %{http_code}",
                                  "--unix-socket", SOCKET, f"http://x{path}"], check=False, timeout=120).stdout.split()
            if len(done) == 3 and done[2] == "200":
                taken.append((float(done[0]), int(done[1])))

    def flap(self, _part):
        state = 0
        while not self.over.wait(1):
            state = -1 - state  # a negative number takes a server out
            self.host.write(FLAPS, f"{state * 254}\n")

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join(120)
        for stream in self.streams:
            stream.stop()
        self.host.write(FLAPS, "0\n")


def observer_of(director):
    for pid in director.children():
        if "obs" in pathlib.Path(f"/proc/{pid}/cmdline").read_text(encoding="ascii", errors="replace").split("\0")[0]:
            return pid
    raise RuntimeError("there is no observer")


def memory_mb(pid, what):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1024


def measure(director, listener, parts, options):
    """(how far each interval is off in milliseconds, answers, the observer's share of a processor)."""
    observer = observer_of(director)
    load = Load(director.host, parts)
    try:
        time.sleep(2)
        listener.forget()
        pathlib.Path(f"/proc/{observer}/clear_refs").write_text("5", encoding="ascii")  # its VmHWM counts from here
        before, began = processor_seconds(observer), time.monotonic()
        time.sleep(options.seconds)
        times = [advert[0] / 1e6 for advert in listener.adverts()]
        share = (processor_seconds(observer) - before) / (time.monotonic() - began)
    finally:
        load.end()
    return [abs(later - earlier - options.interval * 1000) for earlier, later in zip(times, times[1:])], load.answers, share


def report(figures, name, off, answers, share, observer, quiet):
    print(f"{name}: the observer took {100 * share:.1f} % of a processor, and has {memory_mb(observer, 'VmRSS:'):.1f} MB now")
    late = percentile(off, 0.99)
    figures.line(f"{TITLES[name]}: 99th percentile of how far an advert's interval is off", "ms", [late],
                 most=None if quiet is None else quiet + NOISE_MS)
    figures.line(f"{TITLES[name]}: memory of the observer, at most", "MB", [memory_mb(observer, "VmHWM:")], most=MEMORY_MOST_MB)
    for path, taken in answers.items():
        if taken:
            figures.line(f"{TITLES[name]}: {path} ({taken[-1][1] / 1e6:.2f} MB)", "ms", [one[0] * 1000 for one in taken])
        else:
            figures.judge(False, f"{path} is answered")
    return late


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--services", type=int, default=2000)
    parser.add_argument("--servers", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--interval", type=float, default=0.1)
    parser.add_argument("--loads", default=",".join(LOADS))
    options = parser.parse_args()
    figures, quiet = Figures(), None
    with tempfile.TemporaryDirectory(prefix="mainstay-bench-") as folder:
        lan = Lan(pathlib.Path(folder))
        try:
            lan.switch("office")
            director = Director(lan, "master", "192.168.4.11", configuration(options.services, options.servers, options.interval))
            director.host.write(FLAPS, "0\n")
            listener = Listener(lan.switches["office"].pid, director.port)
            director.start("mainstay")
            wait_until(lambda: len(listener.adverts()) > 3, 60, "the master to advertise")
            time.sleep(8)  # the second burst of gratuitous ARP is over
            for name in options.loads.split(","):
                off, answers, share = measure(director, listener, LOADS[name], options)
                late = report(figures, name, off, answers, share, observer_of(director), quiet)
                quiet = late if name == "quiet" else quiet
            listener.close()
        finally:
            lan.close()
    return figures.end()


if __name__ == "__main__":
    sys.exit(main())
