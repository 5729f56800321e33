#!/usr/bin/python3
"""What loading a configuration costs, side by side with Debian's keepalived.

    tools/bench-config.py [MAINSTAYD] [--keepalived PATH] [--runs N] [--services N] [--instances N] [--no-large]

Both programs test (-t) generated files alternately in one network namespace, and everything is counted over what the
same program takes for a file that is all but empty:

  - virtual servers with four real servers each, one TCP_CHECK per real server: mainstayd must be 4 times faster and
    take no more memory;
  - VRRP instances, 255 to an interface (keepalived's time grows with their square): mainstayd must be 20 times faster;
  - ten times as much of each, mainstayd alone: its time and its memory must grow no faster than the file.

Time is the processor's, user and system, of the least disturbed run: neither program waits for anything, so on an idle
machine it is the wall clock's, and other work adds less to it. Memory is the peak resident set of the largest process.
Both are as wait4() tells them (ru_utime, ru_stime, ru_maxrss) to a launcher that is smaller than either program. The
exit code is 0 when all of it holds.
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "bench.d"))

from figures import Figures  # noqa: E402

BUILT = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "build", "src", "cli", "mainstayd")
SERVERS_PER_SERVICE = 4
INSTANCES_PER_INTERFACE = 255    # virtual_router_id is 1 to 255 on each
LARGE = 10                       # the large files hold ten times as much
LARGE_RUNS = 3
TIMES_FASTER = {"services": 4.0, "instances": 20.0}
MEMORY_MOST = {"instances": 6.0}  # MB; where it is not keepalived's
NAMES = {"services": "virtual servers", "instances": "VRRP instances"}
# Growth from a file to one of ten times its size: this much more than ten times is taken for noise, or for an array
# that has just doubled.
TIME_MARGIN, MEMORY_MARGIN = 1.3, 1.2

# Runs a program and prints its exit status, seconds of processor time and peak memory in KiB. A process
# keeps the peak of what it was before it became another program, so this one imports next to nothing.
LAUNCHER = """
import posix, sys
pid = posix.fork()
if pid == 0:
    nowhere = posix.open('/dev/null', posix.O_RDWR)
    posix.dup2(nowhere, 1)
    posix.dup2(nowhere, 2)
    posix.execv(sys.argv[1], sys.argv[1:])
_, status, usage = posix.wait4(pid, 0)
print(status, usage[0] + usage[1], usage[2])
"""


def services(count):
    lines = ["global_defs {", "    router_id bench", "}"]
    for n in range(count):
        vip = f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"
        lines += [f"virtual_server {vip} 80 {{", "    delay_loop 6", "    lb_algo wrr", "    lb_kind NAT",
                  "    protocol TCP"]
        for server in range(SERVERS_PER_SERVICE):
            lines += [f"    real_server 172.{16 + server}.{n >> 8 & 255}.{n & 255} 80 {{", "        weight 1",
                      "        TCP_CHECK {", "            connect_timeout 3", "            retry 3",
                      "            delay_before_retry 3", "        }", "    }"]
        lines.append("}")
    return "\n".join(lines) + "\n"


def instances(count):
    lines = ["global_defs {", "    router_id bench", "}"]
    for n in range(count):
        lines += [f"vrrp_instance VI_{n} {{", "    state BACKUP", f"    interface {interface(n)}",
                  f"    virtual_router_id {n % INSTANCES_PER_INTERFACE + 1}", "    priority 100", "    advert_int 1",
                  "    virtual_ipaddress {", f"        10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}/24", "    }", "}"]
    return "\n".join(lines) + "\n"


def interface(instance):
    return f"bench{instance // INSTANCES_PER_INTERFACE}"


def make_interfaces(count):
    """veth, for every kernel has it; in one batch, for there may be hundreds."""
    pairs = "".join(f"link add bench{n} type veth peer name bench{n + 1}\n" for n in range(0, count, 2))
    subprocess.run(["ip", "-batch", "-"], input=pairs, text=True, check=True)


def run_once(program, path):
    """Milliseconds and KiB."""
    told = subprocess.run([sys.executable, "-ISE", "-c", LAUNCHER, program, "-t", "-f", path], capture_output=True,
                          text=True, check=True).stdout.split()
    if told[0] != "0":
        sys.exit(f"{program} -t ends with status {told[0]} for a file that is right")
    return float(told[1]) * 1000, int(told[2])


class Bench:
    def __init__(self, programs, folder):
        self.programs, self.folder = programs, folder
        self.times, self.memory, self.figures = {}, {}, Figures()

    def path(self, kind, count):
        path = os.path.join(self.folder, f"{kind}-{count}.conf")
        if not os.path.exists(path):
            with open(path, "w", encoding="utf-8") as file:
                file.write({"services": services, "instances": instances}[kind](count))
        return path

    def measure(self, kind, counts, names, runs):
        """Alternately, so that a busy moment of the machine meets both programs."""
        for run in range(runs + 1):  # the first warms the caches
            for count in counts:
                for name in names:
                    took, memory = run_once(self.programs[name], self.path(kind, count))
                    if run > 0:
                        self.times.setdefault((name, kind, count), []).append(took)
                        self.memory[name, kind, count] = memory

    def show(self, kind):
        print(f"{NAMES[kind]}: ms of processor time, min / median / max; peak memory")
        for (name, what, count), values in self.times.items():
            if what == kind:
                print(f"  {name:10} {count:6}  {min(values):8.1f} / {statistics.median(values):8.1f} / "
                      f"{max(values):8.1f}  {self.memory[name, kind, count] / 1024:7.1f} MB")

    def over_empty(self, name, kind, count):
        """Milliseconds and KiB."""
        least = min(self.times[name, kind, count]) - min(self.times[name, kind, 0])
        return max(least, 0.01), self.memory[name, kind, count] - self.memory[name, kind, 0]

    def compare(self, kind, count, memory_most):
        """Over the empty file, too, where the times are."""
        times, memory = {}, {}
        for name in ("mainstayd", "keepalived"):
            empty = min(self.times[name, kind, 0])
            times[name] = [max(took - empty, 0.01) for took in self.times[name, kind, count]]
            memory[name] = [self.over_empty(name, kind, count)[1] / 1024]
        what = f"-t of {count:,} {NAMES[kind]}, over an empty file: "
        self.figures.line(what + "processor time", "ms", times["mainstayd"], times["keepalived"], times=TIMES_FASTER[kind])
        self.figures.line(what + "memory", "MB", memory["mainstayd"], memory["keepalived"],
                          times=None if memory_most else 1, most=memory_most)

    def growth(self, kind, count):
        small, large = (self.over_empty("mainstayd", kind, n) for n in (count, count * LARGE))
        times, memory = large[0] / small[0], large[1] / small[1]
        self.figures.judge(times <= LARGE * TIME_MARGIN and memory <= LARGE * MEMORY_MARGIN,
                   f"{count} to {count * LARGE} {NAMES[kind]}: {times:.1f} times the time, {memory:.1f} times the "
                   f"memory (linear is {LARGE})")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("mainstayd", nargs="?", default=BUILT)
    parser.add_argument("--keepalived", default=shutil.which("keepalived") or "/usr/sbin/keepalived")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--services", type=int, default=5000)
    parser.add_argument("--instances", type=int, default=5100)
    parser.add_argument("--no-large", action="store_true", help="leave out the files of ten times the size")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.inside:  # a namespace of its own: both look at the interfaces
        os.execvp("unshare", ["unshare", "-n", "--", sys.executable, os.path.abspath(__file__), *sys.argv[1:], "--inside"])
    programs = {"mainstayd": os.path.abspath(options.mainstayd)}
    if os.access(options.keepalived, os.X_OK):
        programs["keepalived"] = options.keepalived
    else:
        print(f"no keepalived at {options.keepalived}: mainstayd is measured alone")
    make_interfaces(-(-options.instances * LARGE // INSTANCES_PER_INTERFACE) + 1)
    with tempfile.TemporaryDirectory(prefix="mainstay-bench-") as folder:
        bench = Bench(programs, folder)
        for kind, count in (("services", options.services), ("instances", options.instances)):
            bench.measure(kind, [0, count], list(programs), options.runs)
            if not options.no_large:
                bench.measure(kind, [count * LARGE], ["mainstayd"], min(options.runs, LARGE_RUNS))
            bench.show(kind)
            if "keepalived" in programs:
                bench.compare(kind, count, MEMORY_MOST.get(kind))
            if not options.no_large:
                bench.growth(kind, count)
    return bench.figures.end()


if __name__ == "__main__":
    sys.exit(main())
