"""What `tools/test --all` adds: whatever takes long, and whatever looks at cases that nobody has chosen. Each random
run prints its seed; what it finds is a failure."""

import os
import random

from programs import COMPILE_SECONDS, LIKE_INSTALLED, compile_tree, unit_jobs
from results import BUILD, TOP, Tally, call, timed

ASAN_BUILD = TOP / "build-asan"
SINGLE_BUILD = TOP / "build-single"
SANITIZER_ENVIRONMENT = {"ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1",
                         "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}
# Of the minutes that are given to chance, each kind gets this share; fuzzing divides its own by these weights.
SHARES = {"fuzz": 0.4, "sim": 0.15, "oracle": 0.3, "mutate": 0.15}
FUZZ_TARGETS = {"config": 18, "config_servers": 3, "config_registry": 3, "config_import": 3, "wire_vrrp": 2,
                "wire_packet": 2, "wire_bfd": 2, "wire_http": 3, "wire_request": 2, "wire_dns": 3, "probe_http2": 3,
                "alert_smtp": 2, "alert_mail": 2, "ipc_message": 4, "ipc_memory": 4, "ipc_history": 2,
                "report_metrics": 2, "record": 2}
# How often the oracle tries to make shorter what it found.
ORACLE_TRIES = 20
# Faults are planted in two of these modules. Of faults that nobody has seen before a few survive, more in one handful
# than in the next: the survivors are shown, and what fails is a handful of which fewer than this share were noticed.
MUTATED = ["bfd", "ipc", "lvs", "netlink", "wire"]
MUTATE_LEAST_PERCENT = 60
MUTATE_FAULT_SECONDS = 10  # what one fault takes, about
TIDY_SECONDS = 7200
BENCH_SECONDS = 1800


@timed
def run_tool(name, command, seconds, shown, build=BUILD):
    """One of the tools whose status says it all; of its output the lines that begin with `shown` are printed."""
    tally = Tally(name)
    status, tally.output = call(command, seconds, {"MAINSTAY_BUILD": build.name})
    tally.passed = 1 if status == 0 else 0
    tally.judge_status(status, (0,))
    print("\n".join(line for line in tally.output.splitlines() if line.startswith(shown)), flush=True)
    return tally


def new_seed():
    return int.from_bytes(os.urandom(4), "big") * 1000


def fuzz_jobs(seconds):
    whole = sum(FUZZ_TARGETS.values())
    jobs = []
    for target, weight in FUZZ_TARGETS.items():
        each = max(1, round(seconds * weight / whole))
        jobs.append((run_tool, f"fuzz/{target}", [TOP / "tools" / "fuzz", target, "--seconds", each],
                     COMPILE_SECONDS + 2 * each, "fuzz: "))
    return jobs


def sim_jobs(seconds):
    command = [TOP / "tools" / "simulate", "--for", round(seconds), "--seed", new_seed()]
    return [(run_tool, "sim/simulate", command, COMPILE_SECONDS + 2 * seconds, "")]


def oracle_jobs(seconds):
    jobs = []
    for half, lab in (("vrrp", []), ("ipvs", [TOP / "tools" / "lab", "--timeout", round(COMPILE_SECONDS + seconds), "--"])):
        command = [*lab, TOP / "tools" / "oracle", half, "--for", round(seconds / 2), "--tries", ORACLE_TRIES]
        jobs.append((run_tool, f"oracle/{half}", command, COMPILE_SECONDS + 2 * seconds, "oracle: "))
    return jobs


def mutate_jobs(seconds):
    modules = random.sample(MUTATED, 2)
    count = max(6, round(seconds / MUTATE_FAULT_SECONDS))
    command = [TOP / "tools" / "mutate", *modules, "--count", count, "--least", MUTATE_LEAST_PERCENT, "--no-pytest"]
    return [(run_tool, f"mutate/{'+'.join(modules)}", command, COMPILE_SECONDS + 4 * seconds, "",
             SINGLE_BUILD)]


def tidy_jobs():
    return [(run_tool, "tidy/all", [TOP / "tools" / "tidy"], TIDY_SECONDS, "tidy: ", SINGLE_BUILD)]


def bench_jobs():
    """Alone, at the end: what it measures is time."""
    return [(run_tool, "bench/quick", [TOP / "tools" / "bench", "all", "--quick"], BENCH_SECONDS, "behind its goal: ")]


def sanitize_jobs():
    """The unit tests with ASan and UBSan; not optimised, since compiling is most of this suite's time."""
    problem = compile_tree(ASAN_BUILD, ["-Db_sanitize=address,undefined", "-Db_lundef=false", "-Doptimization=0",
                                        "-Ddebug=false", "-Dwerror=false"], everything=False)
    return [(lambda: problem,)] if problem else unit_jobs(ASAN_BUILD, "sanitize", SANITIZER_ENVIRONMENT)


def single_jobs():
    """Each source compiles by itself, too, as whoever works on the code has it."""
    def compile_each():
        problem = compile_tree(SINGLE_BUILD, ["-Dunity=off", "-Dwerror=true", *LIKE_INSTALLED])
        tally = problem or Tally("single/compiles")
        tally.passed = 0 if problem else 1
        return tally
    return [(compile_each,)]
