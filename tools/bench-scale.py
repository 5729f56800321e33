#!/usr/bin/python3
"""What many VRRP instances cost, side by side with Debian's keepalived. Needs root.

    tools/bench scale [--seconds 10] [--cases 1000x1,2000x1,4000x1,255x0.01]

A case is so many instances with so many seconds between advertisements, 255 to an interface, all of them master and the
program on one processor. Told are: seconds from the start to the last instance's first advertisement, less the wait for
a master that the protocol wants (RFC 9568: three intervals and the skew); the vrrp process's own memory (Pss) and
processor time; and how far each interval was off, by the kernel's time of each advertisement.

mainstay's start and memory must grow no faster than the number of instances, and its 99th percentile be no worse than
keepalived's. The exit code is 0 when all of it holds.
"""
import argparse
import os
import pathlib
import signal
import struct
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "bench.d"))

from figures import Figures  # noqa: E402
from lan import Director, Lan, PROGRAMS, instance, percentile, time, wait_until  # noqa: E402
from processes import processor_seconds, pss  # noqa: E402

PER_INTERFACE = 255
MARGIN = 1.3          # of linear growth
BASE_SECONDS = 0.3    # of a start, before the first instance
EACH_MOST_KB = 1.3    # of the vrrp process's memory, for an instance
# What is measured, with its unit, how it is found in a run, and its goal (see Figures).
LINES = {"start, until the last has advertised": ("s", lambda told: told["start"], None),
         "memory of the VRRP process": ("MB", lambda told: told["pss"] / 1024, None),
         "processor": ("%", lambda told: told["cpu"] * 100, 1),
         "99th percentile of how far an interval is off": ("ms", lambda told: percentile(told["off"], 0.99), 1)}


def configuration(count, interval):
    text = []
    for number in range(count):
        one = instance(100, 3, f"{interval:g}", 1, number % PER_INTERFACE + 1)
        one = one.replace("eth0", f"eth{number // PER_INTERFACE}").replace("10.99.0.1", f"10.99.{number // 250}.{number % 250 + 1}")
        text.append(one.replace(f"vrrp_instance VI_{number % PER_INTERFACE + 1} ", f"vrrp_instance VI_{number} "))
    return "".join(text)


def read_capture(path):
    """(seconds, (source, VRID)) of each advertisement in a pcap file of nanosecond stamps."""
    data = pathlib.Path(path).read_bytes()
    at = 24
    while at + 16 <= len(data):
        seconds, fraction, kept, _ = struct.unpack_from("<IIII", data, at)
        frame = data[at + 16:at + 16 + kept]
        at += 16 + kept
        ip = frame[20:]  # after the header of a Linux cooked capture, version 2
        if len(ip) > 21 and ip[9] == 112:
            yield seconds + fraction / 1e9, (ip[12:16], ip[21])


class Case:
    def __init__(self, folder, program, count, interval):
        self.program, self.count, self.interval = program, count, interval
        self.lan = Lan(folder)
        self.lan.switch("office")
        self.director = Director(self.lan, "many", "192.168.4.11", configuration(count, interval))
        self.host = self.director.host
        interfaces = -(-count // PER_INTERFACE)
        batch = "".join(f"link add eth{n} type veth peer name far{n}\nlink set far{n} up\nlink set eth{n} up\n"
                        f"addr add 10.{100 + n}.0.1/24 dev eth{n}\n" for n in range(1, interfaces))
        self.lan.ip_batch(self.host.pid, batch)

    def capture(self):
        self.host.run(["rm", "-f", "/tmp/adverts.pcap"])
        process = self.host.start(["tcpdump", "-i", "any", "-Q", "out", "-n", "--time-stamp-precision=nano", "-s", "128",
                                   "-B", "65536", "-Z", "root", "-w", "/tmp/adverts.pcap", "ip proto 112"], name="tcpdump")
        wait_until(lambda: "listening on" in process.output(), 10, "tcpdump to listen")
        return process

    def captured(self, process):
        process.stop(signal.SIGINT)
        return list(read_capture(self.host.path("/tmp/adverts.pcap")))

    def run(self, seconds):
        tcpdump = self.capture()
        begun = time.time()
        self.director.start(self.program)
        os.sched_setaffinity(self.director.daemon.pid, {1 % (os.cpu_count() or 1)})
        settle = 3.7 * self.interval + BASE_SECONDS + self.count / 1000 + 6
        time.sleep(settle)
        first = {}
        for at, key in self.captured(tcpdump):
            first.setdefault(key, at)
        if len(first) != self.count:
            raise RuntimeError(f"{self.program}: {len(first)} of {self.count} instances advertise")
        started = max(first.values()) - begun - self.interval * (3 + 156 / 256)
        pid = self.vrrp()
        before = processor_seconds(pid)
        tcpdump = self.capture()
        begun = time.time()
        time.sleep(seconds)
        used = (processor_seconds(pid) - before) / (time.time() - begun)
        last, off = {}, []
        for at, key in self.captured(tcpdump):
            if key in last:
                off.append(abs(at - last[key] - self.interval) * 1000)
            last[key] = at
        return {"start": started, "pss": pss(pid), "cpu": used, "off": off}

    def vrrp(self):
        for pid in self.director.children():
            name = pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="ascii")
            if self.program == "keepalived" or "vrrp" in name:
                return pid
        raise RuntimeError("no vrrp process")

    def close(self):
        self.lan.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--cases", default="1000x1,2000x1,4000x1,255x0.01")
    options = parser.parse_args()
    figures, ours = Figures(), {}
    for case in options.cases.split(","):
        count, interval = int(case.split("x")[0]), float(case.split("x")[1])
        print(f"{count} instances, {interval * 1000:g} ms")
        found = {}
        for program in PROGRAMS:
            with tempfile.TemporaryDirectory(prefix="mainstay-bench-") as folder:
                one = Case(folder, program, count, interval)
                try:
                    found[program] = one.run(options.seconds)
                except RuntimeError as error:
                    print(f"  {error}")
                    continue
                finally:
                    one.close()
        if "mainstay" not in found:
            figures.judge(False, "every instance advertises")
            continue
        for what, (unit, value, times) in LINES.items():
            figures.line(f"{count:,} instances at {interval:g} s: {what}", unit,
                         *([value(found[program])] if program in found else [] for program in PROGRAMS),
                         times=times if interval == 1 or times is None or "interval" in what else None)
        if interval == 1:
            ours[count] = found["mainstay"]
    if len(ours) > 1:
        small, large = min(ours), max(ours)
        growth = large / small
        start = max(ours[large]["start"], 0.01) / max(ours[small]["start"], BASE_SECONDS)
        figures.judge(start <= growth * MARGIN, f"start of {large}: {start:.1f} times that of {small} (linear is {growth:g})")
        memory = ours[large]["pss"] / ours[small]["pss"]
        figures.judge(memory <= growth * MARGIN, f"memory of {large}: {memory:.1f} times that of {small}")
        each = (ours[large]["pss"] - ours[small]["pss"]) / (large - small)
        figures.line("memory of each further VRRP instance", "KB", [each], most=EACH_MOST_KB)
    return figures.end()


if __name__ == "__main__":
    sys.exit(main())
