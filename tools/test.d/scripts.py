"""The tests written in Python: which of them run, each file in a process of its own, the longest files first."""

import os
import subprocess

from programs import at_once
from results import BUILD, MADE, RESULTS, TOP, Tally, call, longest_first, timed

PYTEST = ["/usr/bin/python3", "-m", "pytest", "-q", "--color=no"]
# Bounds on what may hang, in seconds; far above what is normal.
FILE_SECONDS = {"structure": 240, "config": 300, "cost": 600, "host": 600, "oracle": 420, "lab": 900, "package": 600}
NIGHTLY_FACTOR = 4  # with the tests that are marked nightly
LAB_MEMORY_MB = 1024
# How many files run at once, at most. A guest keeps one processor busy, so there are as many as processors; tests on hosts
# wait most of the time.
FILES_AT_ONCE = {"structure": 2, "config": 2, "cost": 1, "host": 4, "lab": 4, "package": 2, "oracle": 1}
# Begun first: it uses none of the packages, which are built meanwhile for the others.
BEGUN_FIRST = "package/test_container.py"
# A test that failed is tried once more, alone: the programs of these suites share the machine with others.
TRIED_AGAIN = ("host", "lab")
UNSTABLE_MAX = 3


class Selection:
    """The tests of each file that are to run: all, or those that are not marked nightly."""

    def __init__(self, nightly):
        self.nightly = nightly
        self.marks = [] if nightly else ["-m", "not nightly"]

    def files(self, suite):
        """The files of a suite with at least one test to run, the longest first. Raises ValueError when pytest cannot read them."""
        folder = TOP / "tests" / suite
        done = subprocess.run([*PYTEST, "--collect-only", *self.marks, folder], capture_output=True, text=True, cwd=TOP,
                              env=pytest_environment(), check=False)
        if done.returncode not in (0, 5):
            raise ValueError(f"pytest cannot read tests/{suite}:\n{done.stdout}{done.stderr}")
        names = {line.partition("::")[0] for line in done.stdout.splitlines() if "::" in line}  # below tests/, as pytest.ini
        in_order = sorted(longest_first(names, lambda name: name), key=lambda name: name != BEGUN_FIRST)
        return [TOP / "tests" / name for name in in_order]

    def seconds(self, suite):
        return FILE_SECONDS[suite] * (NIGHTLY_FACTOR if self.nightly else 1)


def pytest_environment():
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "MAINSTAY_BUILD": BUILD.name, "MAINSTAY_MADE": str(MADE)}


def at_once_of(suite):
    most = FILES_AT_ONCE[suite]
    return at_once(min(most, len(os.sched_getaffinity(0))), LAB_MEMORY_MB + 200) if suite == "lab" else most


@timed
def run_file(suite, file, selection, only=None):
    """The chosen tests of a file, or the one test `only`. Those of the lab get a kernel of their own."""
    tally = Tally(f"{suite}/{file.name}")
    again = "-again" if only else ""
    junit = RESULTS / f"{suite}-{file.stem}{again}.xml"
    junit.unlink(missing_ok=True)
    what = file.relative_to(TOP)
    command = [*PYTEST, f"--junitxml={junit}", *selection.marks, f"{what}::{only}" if only else what]
    seconds = selection.seconds(suite)
    if suite == "lab":
        command = [TOP / "tools" / "lab", "--native-if-needed", "--mem", LAB_MEMORY_MB, "--timeout", seconds - 10, "--", *command]
    status, tally.output = call(command, seconds, pytest_environment())
    tally.read_junit(junit)
    tally.judge_status(status, (0, 1))
    return tally


def lab_is_missing():
    """None, or the sentence of tools/lab that says why there is no kernel with IPVS."""
    done = subprocess.run([TOP / "tools" / "lab", "--check"], capture_output=True, text=True, check=False)
    return None if done.returncode == 0 else done.stderr.strip() or f"tools/lab --check exited with status {done.returncode}"


def try_again(suite, tallies, selection):
    """Runs each test that failed once more, alone. Returns the names of those that passed then, which no longer count as failed;
    their first output is printed."""
    unstable = []
    if suite not in TRIED_AGAIN:
        return unstable
    for tally in tallies:
        for case in list(tally.failed_cases):
            second = run_file(suite, TOP / "tests" / tally.name, selection, case)
            if second.failed or not second.passed:
                continue
            unstable.append(f"{tally.name}: {case}")
            tally.failed.remove(f"{tally.name}: {case}")
            tally.failed_cases.remove(case)
            tally.passed += 1
            print(f"\n======== unstable: {tally.name}: {case}: it failed, and passed alone ========\n{tally.output.rstrip()}\n")
    return unstable
