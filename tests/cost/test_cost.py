"""What the parts cost whose speed people measure: instructions, allocations, bytes and system calls, which do not depend on how
fast a machine is (page faults do depend on its kernel). bounds.tsv has a bound for each, 5 % above what was seen."""

import itertools
import os
import pathlib
import re
import signal
import statistics
import subprocess

import pytest

from support.hosts import Lan
from support.needs import needs_root
from support.paths import BUILD, program
from support.wait import wait_until

FOLDER = pathlib.Path(__file__).parent
BOUNDS = {tuple(line.split("\t")[:2]): (float(line.split("\t")[2]), line.split("\t")[3])
          for line in (FOLDER / "bounds.tsv").read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")}
INSTANCES_ON_A_LINK = 255
IS_ROOT = os.geteuid() == 0
# A configuration test reads the interfaces of its host: there are as many everywhere.
WITH_LO_ONLY = ["unshare", "--net"] if IS_ROOT else ["unshare", "--user", "--map-current-user", "--net"]
COMPILER = "12"  # of Debian 12: another one's instructions are others
# libc's functions on memory and strings then are the same ones on each processor.
SAME_EVERYWHERE = {**os.environ, "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX2,-AVX,-ERMS,-FSRM,-BMI2,-MOVBE,-SSE4_2,-SSE4_1,-SSSE3"}

SERVICE = """virtual_server 10.{high}.{low}.1 80 {{
  lb_algo wrr
  lb_kind NAT
  protocol TCP
  delay_loop 3600
{servers}}}
"""
SERVER = "  real_server 11.{high}.{low}.{server} 80 {{\n    weight 1\n  }}\n"
INSTANCE = """vrrp_instance VI_{number} {{
  state BACKUP
  interface lo
  virtual_router_id {vrid}
  priority 100
  advert_int 1
  version {version}
  virtual_ipaddress {{
    10.{high}.{low}.1/32
  }}
}}
"""
IDLE = "an idle second of a master with one instance"
SECONDS = 7  # that are looked at; what happens more seldom than in each of them does not count
MASTER = """vrrp_instance VI_1 {
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority 100
  virtual_ipaddress {
    192.168.4.100
  }
}
"""


def services(count):
    return "".join(SERVICE.format(high=n // 250, low=n % 250, servers="".join(SERVER.format(high=n // 250, low=n % 250, server=s) for s in range(1, 5)))
                   for n in range(count))


def instances(count):
    """IPv4 instances of both versions, so that twice as many have different numbers on one interface."""
    return "".join(INSTANCE.format(number=n, vrid=n % INSTANCES_ON_A_LINK + 1, version=2 + n // INSTANCES_ON_A_LINK % 2, high=n // 250, low=n % 250)
                   for n in range(count))


FILES = {"mainstayd -t: 5,000 services of 4 servers": lambda: services(5000), "mainstayd -t: 5,100 instances": lambda: instances(5100)}


def instructions_of(folder, command, *options):
    """Of each part that callgrind dumped, in order."""
    subprocess.run([*WITH_LO_ONLY, "valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={folder}/callgrind", *options, *map(str, command)],
                   check=False, capture_output=True, timeout=500, env=SAME_EVERYWHERE)
    dumps = sorted(folder.glob("callgrind*"), key=lambda path: int(path.suffix[1:] or 1_000))  # the last one has no number
    return [int(re.search(r"^totals: (\d+)", dump.read_text(encoding="utf-8"), re.M).group(1)) for dump in dumps]


def cost_of_parts(folder, name):
    """What a program of this folder measured, by case."""
    path = BUILD / "tests" / "cost" / name
    costs = {}
    lines = subprocess.run([path], check=True, capture_output=True, text=True, timeout=60).stdout.splitlines()
    counts = instructions_of(folder, [path], "--toggle-collect=mainstay_measured", "--dump-after=mainstay_measured")
    for line, instructions in zip(lines, counts):
        case, times, allocations, size = line.split("\t")
        costs[case] = {"instructions": instructions / int(times), "allocations": int(allocations) / int(times), "bytes": int(size) / int(times)}
    return costs


def cost_of_check(folder, text):
    """What a configuration test of this text costs as a whole."""
    file = folder / "keepalived.conf"
    file.write_text(text, encoding="ascii")
    command = [program("mainstayd"), "-t", "-f", file]
    strace = folder / "strace"
    subprocess.run([*WITH_LO_ONLY, "strace", "-f", "-o", strace, *command], check=False, capture_output=True, timeout=120)
    calls = [line for line in strace.read_text(encoding="utf-8").splitlines() if "(" in line]
    return {"instructions": sum(instructions_of(folder, command)), "system calls": len(calls)}


def calls_in_idle_seconds(folder):
    """{process: how many system calls it makes from one advert to the next}, in the median of some."""
    lan = Lan(folder)
    try:
        lan.switch("office")
        host = lan.host("one", eth0=("office", "192.168.4.11/24"))
        daemon = host.mainstayd(MASTER, "-G")
        wait_until(lambda: host.holds("192.168.4.100"), 20, "the instance to be MASTER")
        children = pathlib.Path(f"/proc/{daemon.pid}/task/{daemon.pid}/children").read_text(encoding="ascii").split()
        pids = {pid: name for pid in (daemon.pid, *map(int, children))
                if (name := pathlib.Path(f"/proc/{pid}/comm").read_text(encoding="ascii").strip()) in ("mainstayd", "mainstayd-vrrp")}
        traced = folder / "idle"
        tracer = subprocess.Popen(["strace", "-qq", "-ttt", "-o", traced, *(f"-p{pid}" for pid in pids)])  # pylint: disable=consider-using-with

        def calls():
            """(process, seconds, text) of each that is known to the end"""
            text = traced.read_text(encoding="utf-8") if traced.exists() else ""
            fields = (line.split(None, 2) for line in text.splitlines()[:-1])
            return [(pids[int(pid)], float(at), call) for pid, at, call in fields if "<unfinished" not in call]

        def adverts():
            return [at for _, at, call in calls() if "224.0.0.18" in call]

        wait_until(lambda: len(adverts()) > SECONDS, 60, "adverts")
        tracer.send_signal(signal.SIGINT)
        tracer.wait(10)
        return {name: statistics.median(sum(who == name and begin <= at < end for who, at, _ in calls())
                                        for begin, end in itertools.pairwise(adverts()))
                for name in pids.values()}
    finally:
        lan.close()


@pytest.fixture(scope="module")
def costs(tmp_path_factory):
    known = {}
    for name in ("lvs_cost", "vrrp_cost"):
        known.update(cost_of_parts(tmp_path_factory.mktemp(name), name))
    for case, text in FILES.items():
        known[case] = cost_of_check(tmp_path_factory.mktemp("check"), text())
    if IS_ROOT:
        known[IDLE] = {f"system calls of {name}": count for name, count in calls_in_idle_seconds(tmp_path_factory.mktemp("idle")).items()}
    for case, cost in known.items():
        print(f"{case}: " + ", ".join(f"{number:.0f} {what}" for what, number in cost.items()))
    return known


@pytest.fixture(scope="module")
def compiler():
    return subprocess.run(["g++", "-dumpversion"], capture_output=True, text=True, check=True).stdout.strip()


def test_each_case_that_is_measured_has_bounds(costs):
    assert {(case, what) for case, cost in costs.items() for what in cost} == {one for one in BOUNDS if IS_ROOT or one[0] != IDLE}


@pytest.mark.parametrize("case, what", sorted(BOUNDS), ids=map(", ".join, sorted(BOUNDS)))
def test_a_case_costs_no_more_than_its_bound(costs, compiler, case, what):
    if what == "instructions" and compiler != COMPILER:
        pytest.skip(f"the bound is that of programs that GCC {COMPILER} compiles, and this is GCC {compiler}")
    if case == IDLE:
        needs_root()
    bound, why = BOUNDS[case, what]
    assert costs[case][what] <= bound, f"{costs[case][what]:.2f} {what}, the bound is {bound:.2f}: {why}"
