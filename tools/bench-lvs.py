#!/usr/bin/python3
"""How fast the IPVS table is as it shall be, side by side with Debian's keepalived and with the kernel alone.

    tools/bench lvs [--services 5000] [--runs 3] [--reloads 10000] [--only table,users,memory,reloads]

Runs in the lab (tools/lab) where this kernel has no IPVS; each run has a network namespace of its own. Told are:
 table    SERVICES services of 4 servers without checks: the bare batched netlink writer and `ipvsadm -R`; the time from
          exec to the last server in the kernel, of the writing alone (as mainstay tells it), from SIGHUP to one changed
          server and to one more service, from SIGHUP to the last processor time of a reload that changes nothing, from
          SIGTERM to the end
 users    2,284 services with 37,298 servers: a reload, and how late advertisements of a VRRP instance were meanwhile
 memory   growth of the checking process's own memory (Pss) for each further real server with a TCP_CHECK
 reloads  Pss of mainstay's processes over so many reloads, without the flight record, which fills its memory
Each goal is printed with what came out; the exit code is 0 when all hold.
"""
import argparse
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "tools/bench.d"))
sys.path.insert(0, str(TOP / "tests"))

from figures import Figures  # noqa: E402
from ipvs_table import rip, vip  # noqa: E402
from lan import Listener  # noqa: E402
from processes import pss  # noqa: E402
from support.hosts import Lan  # noqa: E402
from support.paths import program  # noqa: E402
from support.wait import wait_until  # noqa: E402

PROGRAMS = ("keepalived", "mainstay")
SERVERS = 4
TABLE = TOP / "tools/bench.d/ipvs_table.py"
USERS_SERVICES, USERS_SERVERS = 2284, 37298
RELOADS = 3  # of a kind in each run: a process that reads a file for the first time takes memory for it
USERS_SECONDS = 0.06
WRITING_MOST = 1.5  # of the floor
# What is measured of a table, and its goal (see Figures).
PHASES = {"start": ("from the start to the last server", 5), "stop": ("from the stop to the end", 40),
          "reload one": ("a reload that changes one", 5),
          "reload more": ("a reload that adds one", 2),
          "reload same": ("a reload that changes nothing, until nobody computes", 8)}
MEMORY_EACH, GROWTH_MOST = 700, 64  # bytes of a server; KiB
TICK = 1 / os.sysconf("SC_CLK_TCK")
COMPLETE = "Reload complete"
RECORD = "flight record of what changed hands"
QUIET = 0.4  # seconds without processor time: the reload is over
LATE_MS = 50
VRRP = """vrrp_instance VI_1 {
  state MASTER
  interface eth0
  virtual_router_id 51
  priority 200
  version 3
  advert_int 0.1
  virtual_ipaddress {
    192.168.4.99
  }
}
"""


def service(number, servers, last_weight=1, check=""):
    lines = [f"virtual_server {vip(number)} 80 {{\n  lb_algo wrr\n  lb_kind NAT\n  protocol TCP\n  delay_loop 3600\n"]
    for server in range(servers):
        weight = last_weight if server == servers - 1 else 1
        lines.append(f"  real_server {rip(number, server)} 80 {{\n    weight {weight}\n{check}  }}\n")
    return "".join(lines) + "}\n"


def table_text(services, last_weight=1, servers=SERVERS):
    return "global_defs {\n  router_id bench\n}\n" + "".join(
        service(n, servers, last_weight if n == services - 1 else 1) for n in range(services))


def users_text(weight):
    each, more = divmod(USERS_SERVERS, USERS_SERVICES)
    parts = [service(n, each + (n < more)) for n in range(USERS_SERVICES - 1)]
    return VRRP + "".join(parts) + service(USERS_SERVICES - 1, each, weight)


class Director:
    """A program on a host of its own, with a file."""

    def __init__(self, lan, name, program_name, text):
        self.lan, self.program = lan, program_name
        self.host = lan.host(f"{name}-{program_name}")
        self.config = self.host.write("/run/director.conf", text)

    def start(self, options=("-C",)):
        command = [program("mainstayd")] if self.program == "mainstay" else ["keepalived"]
        # Entering the host's namespaces takes as long as a tenth of a start: a shell there says when it begins.
        note = ["bash", "-c", 'printf %s "$EPOCHREALTIME" >/run/begun; exec "$@"', "bash"]
        self.daemon = self.host.start([*note, *command, "-n", "-l", "-G", *options, "-f", self.config],
                                      name=self.program)
        return self

    def begun(self):
        """When the program was executed."""
        return float(self.host.read("/run/begun"))

    def awaiting(self, services, servers, weight=1):
        """A process that tells when the last server is there with this weight."""
        waiting = self.host.start([sys.executable, TABLE, "await", services, servers, weight], name="await")
        wait_until(lambda: "waiting" in waiting.output(), 20, "the poll to begin")
        return waiting

    def children(self):
        own = pathlib.Path(f"/proc/{self.daemon.pid}/task/{self.daemon.pid}/children")
        return [self.daemon.pid, *map(int, own.read_text(encoding="ascii").split())]

    def cpu(self):
        """Seconds of processor time of the program, those that ended included."""
        total = 0
        for pid in self.children():
            try:
                fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
            except OSError:
                continue
            total += sum(map(int, fields[11:13]))
            if pid == self.daemon.pid:
                total += sum(map(int, fields[13:15]))
        return total * TICK

    def reload(self, text=None):
        if text is not None:
            self.host.write("/run/director.conf", text)
        begun = time.time()
        os.kill(self.daemon.pid, signal.SIGHUP)
        return begun

    def settled(self, begun):
        """Seconds from `begun` to the last change of the processor time, which has a clock of 10 ms."""
        used, last = self.cpu(), begun
        while time.time() - last < QUIET or time.time() - begun < QUIET:
            time.sleep(0.005)
            now = self.cpu()
            if now != used:
                used, last = now, time.time()
        return last - begun

    def rest(self):
        """Until nothing of the start is left to do: mainstay keeps a flight record of the services that it took up."""
        if self.program == "mainstay":
            wait_until(lambda: RECORD in self.daemon.output(), 60, "the flight record of the start")
        self.settled(time.time())

    def checker(self):
        for pid in self.children()[1:]:
            name = pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip()
            if self.program == "keepalived" or "lvs" in name:
                return pid
        raise RuntimeError(f"no checking process: {self.daemon.output()[-2000:]}")

    def stop(self):
        begun = time.time()
        os.kill(self.daemon.pid, signal.SIGTERM)
        self.daemon.wait(60)
        return time.time() - begun


def told(process, timeout=120):
    process.wait(timeout)
    return float(process.output().split()[-1])


def rules(services):
    lines = []
    for n in range(services):
        lines.append(f"-A -t {vip(n)}:80 -s wrr")
        lines += [f"-a -t {vip(n)}:80 -r {rip(n, s)}:80 -m -w 1" for s in range(SERVERS)]
    return "\n".join(lines) + "\n"


def kernel_alone(lan, services, run):
    host = lan.host(f"floor{run}")
    floor = list(map(float, host.run([sys.executable, TABLE, "floor", services, SERVERS, 64]).stdout.split()))
    host.kill()
    host = lan.host(f"restore{run}")
    begun = time.time()
    host.run(["ipvsadm", "-R"], text_in=rules(services), timeout=120)
    restored = time.time() - begun
    host.kill()
    return {"start": floor[:1], "stop": floor[1:], "ipvsadm -R": [restored]}


def one_table(lan, name, services, run):
    """Seconds of each phase, and of each of its reloads. The services that come are those of a second director: what a
    reload gives to the table is in a flight record too, which a stop soon afterwards waits for."""
    director = Director(lan, f"t{run}", name, table_text(services))
    waiting = director.awaiting(services, SERVERS)
    director.start()
    found = {"start": told(waiting) - director.begun()}
    counted = director.host.run([sys.executable, TABLE, "count"]).stdout.split()
    if counted != [str(services), str(services * SERVERS)]:
        raise RuntimeError(f"{name}: the table holds {counted} services and servers")
    director.rest()
    if name == "mainstay":
        wrote = re.search(r"IPVS synchronised: \d+ services, \d+ changes, (\d+) us", director.daemon.output())
        found["writing"] = int(wrote.group(1)) / 1e6
    found["reload same"] = [director.settled(director.reload()) for _ in range(RELOADS)]
    found["reload one"] = []
    for weight in range(7, 7 + RELOADS):
        waiting = director.awaiting(services, SERVERS, weight)
        begun = director.reload(table_text(services, weight))
        found["reload one"].append(told(waiting) - begun)
        director.settled(time.time())
    found["stop"] = director.stop()
    director.host.kill()
    found["reload more"] = more_services(Director(lan, f"m{run}", name, table_text(services)), services)
    return {phase: seconds if isinstance(seconds, list) else [seconds] for phase, seconds in found.items()}


def more_services(director, services):
    """Seconds of reloads that add one."""
    waiting, found = director.awaiting(services, SERVERS), []
    director.start()
    told(waiting)
    director.rest()
    for more in range(1, 1 + RELOADS):
        waiting = director.awaiting(services + more, SERVERS)
        begun = director.reload(table_text(services + more))
        found.append(told(waiting) - begun)
        director.settled(time.time())
    director.stop()
    director.host.kill()
    return found


def bench_table(lan, options, figures):
    alone = [kernel_alone(lan, options.services, run) for run in range(options.runs)]
    found = {name: [one_table(lan, name, options.services, run) for run in range(options.runs)] for name in PROGRAMS}

    def values(of, phase):
        return [seconds for one in of for seconds in one[phase]]

    what = f"{options.services:,} services of {SERVERS} servers: "
    floor = values(alone, "start")
    print("  `ipvsadm -R` alone: " + ", ".join(f"{seconds:.3f} s" for seconds in values(alone, "ipvsadm -R")))
    figures.line(what + "writing them to the kernel", "s", values(found["mainstay"], "writing"), floor=floor,
                 most=WRITING_MOST * statistics.median(floor))
    for phase, (title, times) in PHASES.items():
        figures.line(what + title, "s", values(found["mainstay"], phase), values(found["keepalived"], phase),
                     floor=values(alone, phase) if phase in alone[0] else (), times=times)


def bench_users(lan, options, figures):
    lan.switch("office")
    director = Director(lan, "u", "mainstay", users_text(1))
    port = lan.plug(director.host, "eth0", "office", "192.168.4.11/24")
    servers = USERS_SERVERS // USERS_SERVICES
    waiting = director.awaiting(USERS_SERVICES, servers)
    director.start(options=())
    told(waiting)
    listener = Listener(lan.switches["office"].pid, port)
    wait_until(lambda: len(listener.adverts()) > 3, 60, "adverts")
    director.settled(time.time())
    listener.forget()
    took = []
    for run in range(options.runs):
        weight = 7 + run
        waiting = director.awaiting(USERS_SERVICES, servers, weight)
        begun = director.reload(users_text(weight))
        took.append(told(waiting) - begun)
        director.settled(begun)
    at = [entry[0] / 1e6 for entry in listener.adverts()]
    late = [after - before - 100 for before, after in zip(at, at[1:])]
    listener.close()
    director.stop()
    director.host.kill()
    what = f"{USERS_SERVICES:,} services with {USERS_SERVERS:,} servers: "
    figures.line(what + "a reload that changes one", "s", took, most=USERS_SECONDS)
    figures.line(what + "the latest advert meanwhile, every 100 ms", "ms", [max(late)], most=LATE_MS)


def bench_memory(lan, _options, figures):
    check = "    TCP_CHECK {\n      connect_timeout 1\n    }\n"
    counts, growth = (100, 5000), {}
    for name in PROGRAMS:
        sizes = []
        for count in counts:
            text = "".join(service(n, 10, check=check) for n in range(count // 10))
            director = Director(lan, f"m{count}", name, text).start()
            director.settled(time.time() + 1)
            sizes.append(pss(director.checker()))
            director.stop()
            director.host.kill()
        growth[name] = (sizes[1] - sizes[0]) * 1024 / (counts[1] - counts[0])
    figures.line("memory of each further real server with a TCP_CHECK", "B", [growth["mainstay"]], [growth["keepalived"]],
                 most=MEMORY_EACH)


class Reloads:
    """Reads on in what the daemon says, where the last reload was found: ten thousand of them are many lines."""

    def __init__(self, daemon):
        self.log = open(daemon.log_file, encoding="utf-8", errors="replace")  # pylint: disable=consider-using-with
        self.done, self.rest = 0, ""

    def wait(self, number):
        def complete():
            text = self.rest + self.log.read()
            self.done += text.count(COMPLETE)
            self.rest = text[1 - len(COMPLETE):]
            return self.done >= number
        wait_until(complete, 20, f"reload {number}", interval=0.002)


def bench_reloads(lan, options, figures):
    """Growth of the second half: what is made once is there by then. The flight record is left out: it fills the memory
    that `[recorder] size` gives it, and no more."""
    texts = [table_text(20, weight) for weight in (1, 2)]
    director = Director(lan, "r", "mainstay", texts[0]).start()
    director.settled(time.time())
    sizes, begun, log = {}, time.time(), Reloads(director.daemon)
    for number in range(1, options.reloads + 1):
        weight = number % 2 + 1
        waiting = director.awaiting(20, SERVERS, weight) if number % 1000 in (0, 1) else None
        director.reload(texts[weight - 1])
        log.wait(number)
        if waiting:
            told(waiting)
            sizes[number] = {pid: pss(pid, "-record") for pid in director.children()}
    last = max(sizes)
    base = min(n for n in sizes if n >= last // 2)
    grown = {pid: sizes[last][pid] - size for pid, size in sizes[base].items()}
    print(f"{options.reloads} reloads in {time.time() - begun:.0f} s: Pss after {base} and after {last}, KiB: " +
          ", ".join(f"{sizes[base][pid]} -> {sizes[last][pid]}" for pid in grown))
    director.stop()
    director.host.kill()
    figures.judge(log.done == options.reloads, f"all were carried out ({log.done})")
    figures.line(f"{last - base:,} reloads: growth of the process that grows most, without its flight record", "KB", [max(grown.values())], most=GROWTH_MOST)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--services", type=int, default=5000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--reloads", type=int, default=10000)
    parser.add_argument("--only", default="table,users,memory,reloads")
    options = parser.parse_args()
    if not os.path.isdir("/proc/sys/net/ipv4/vs"):
        os.execv(TOP / "tools/lab", ["lab", "--mem", "2048", "--timeout", "3600", "--", sys.executable, __file__,
                                     *sys.argv[1:]])
    figures = Figures()
    cases = {"table": bench_table, "users": bench_users, "memory": bench_memory, "reloads": bench_reloads}
    for case in options.only.split(","):
        with tempfile.TemporaryDirectory(prefix="mainstay-bench-") as folder:
            lan = Lan(folder)
            try:
                cases[case](lan, options, figures)
            except (RuntimeError, TimeoutError, subprocess.SubprocessError) as error:
                figures.judge(False, f"{case}: {error}")
            finally:
                lan.close()
    return figures.end()


if __name__ == "__main__":
    sys.exit(main())
