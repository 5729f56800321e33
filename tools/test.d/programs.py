"""Builds the tree, and runs the programs of the unit tests."""

import json
import os
import subprocess
import time

from results import BUILD, RESULTS, Tally, call, longest_first, timed

# Bounds on what may hang, in seconds; far above what is normal.
COMPILE_SECONDS = 5400
PROGRAM_SECONDS = 600
# What the largest compilation of several sources together takes; with less memory fewer run at once.
COMPILE_MEMORY_MB = 1600
# Programs whose tests wait for most of their time run as this many processes side by side.
PARTS = {"lvs_role": 3, "supervisor": 2}
# Fuzz targets that replay their corpus: programs without test cases, whose status says it all.
REPLAY_SUFFIX = "_fuzz"
SKIPPED = "skipped: "
# The same folders as tools/setup gives it: the package tests take the programs from here.
LIKE_INSTALLED = ["-Dprefix=/usr", "-Dsysconfdir=/etc", "-Dlocalstatedir=/var", "-Dlibexecdir=libexec"]


def memory_mb():
    """What can be had without swapping."""
    with open("/proc/meminfo", encoding="ascii") as source:
        return next(int(line.split()[1]) // 1024 for line in source if line.startswith("MemAvailable:"))


def at_once(limit, each_mb):
    """How many of something that needs this much memory run at once: at most `limit`, and one at least."""
    return max(1, min(limit, memory_mb() // each_mb))


def compile_tree(folder, options, everything=True):
    """None, or a tally that says why the tree does not build. Builds the unit tests with what they run, or all.

    A new folder compiles several sources as one (unity): the whole then takes minutes. A folder that is there already
    keeps what it was made with."""
    begin = time.monotonic()
    if not (folder / "build.ninja").exists():
        status, output = call(["meson", "setup", folder, "-Dunity=on", "-Dunity_size=40", *options], 300)
    else:
        status, output = call(["meson", "configure", folder, *options], 60)
        if status == 0:  # what tests there are is asked before anything is compiled
            status, output = call(["ninja", "-C", folder, "build.ninja"], 300)
    if status == 0:
        jobs = at_once(len(os.sched_getaffinity(0)), COMPILE_MEMORY_MB)
        status, output = call(["ninja", "-C", folder, "-j", jobs, *([] if everything else unit_targets(folder))],
                              COMPILE_SECONDS)
    if status == 0:
        print(f"built {folder.name}/ in {time.monotonic() - begin:.0f} s", flush=True)
        return None
    tally = Tally(f"build of {folder.name}/")
    tally.output = "\n".join(output.splitlines()[-80:])
    tally.could_not_run("failed" if status is not None else "took too long")
    return tally


def introspect(folder, what):
    return json.loads(subprocess.run(["meson", "introspect", str(folder), what], capture_output=True, text=True,
                                     check=True).stdout)


def unit_tests(folder):
    """[(name, command)] of the unit test programs of a build folder."""
    return [(test["name"], test["cmd"]) for test in introspect(folder, "--tests")]


def unit_targets(folder):
    """The programs of the unit tests, and those that they run."""
    wanted = {target for test in introspect(folder, "--tests") for target in test["depends"]}  # its own is one of them
    files = {file for target in introspect(folder, "--targets") if target["id"] in wanted for file in target["filename"]}
    return sorted(os.path.relpath(file, folder) for file in files)


def test_count(command):
    """How many test cases a program of doctest has that are not skipped."""
    said = subprocess.run([*command, "--count", "--no-colors"], capture_output=True, text=True, check=True).stdout
    return int(said.rpartition(":")[2])


@timed
def run_unit_program(label, name, command, env=None, part=1, parts=1):
    """Runs the test cases of a program, or the share number `part` of `parts` of them."""
    if parts > 1:
        count = test_count(command)
        command = [*command, f"--first={count * (part - 1) // parts + 1}", f"--last={count * part // parts}"]
        name = f"{name}-{part}"
    tally = Tally(f"{label}/{name}")
    if name.endswith(REPLAY_SUFFIX):
        status, tally.output = call(command, PROGRAM_SECONDS, env)
        tally.passed = 1 if status == 0 else 0
        tally.judge_status(status, (0,))
        return tally
    junit = RESULTS / f"{label}-{name}.xml"
    junit.unlink(missing_ok=True)
    status, tally.output = call([*command, "--reporters=junit", f"--out={junit}"], PROGRAM_SECONDS, env)
    tally.read_junit(junit)
    tally.skipped += [f"{tally.name}: {line.removeprefix(SKIPPED)}" for line in tally.output.splitlines()
                      if line.startswith(SKIPPED)]  # tests/skips.hpp
    tally.judge_status(status, (0, 1))
    if part > 1:
        tally.skipped.clear()  # each part names them all
    tally.output = "\n".join([tally.output.rstrip(), *tally.details])  # the program itself writes the file only
    return tally


def unit_jobs(folder=BUILD, label="unit", env=None):
    runs = [(name, command, env, part, PARTS.get(name, 1)) for name, command in unit_tests(folder)
            for part in range(1, PARTS.get(name, 1) + 1)]
    runs = longest_first(runs, lambda run: f"unit/{run[0]}" + (f"-{run[3]}" if run[4] > 1 else ""))
    return [(run_unit_program, label, *run) for run in runs]
