"""Builds, runs the suites of tools/test and adds up what they found. Everything is counted from JUnit files."""

import argparse
import concurrent.futures
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import by_chance
import scripts
from programs import LIKE_INSTALLED, compile_tree, unit_jobs
from results import BUILD, CHILDREN, MADE, RESULTS, TOP, Interrupted, Tally

SUITES = ["unit", "structure", "config", "cost", "host", "lab", "package"]
ONLY_AT_NIGHT = ["sanitize", "single", "tidy", "sim", "oracle", "fuzz", "mutate", "bench"]
WITHOUT_ROOT = {"unit", "structure", "config", "cost"}
MINUTES = 60
# Suites that run side by side, in lanes; those of a lane follow each other. Tests on hosts and unit tests wait for most of
# their time, guests of the lab and packages compute.
SIDE_BY_SIDE = [[["unit"], ["structure", "config", "cost"]], [["host"], ["lab", "package"]]]
UNIT_PROGRAMS_AT_ONCE = 8  # some wait for real seconds (a back-off, a limit)
SLOWEST_SHOWN = 20


def in_parallel(workers, jobs):
    with concurrent.futures.ThreadPoolExecutor(max_workers=workers) as pool:
        return [job.result() for job in [pool.submit(*work) for work in jobs]]


class Run:
    """One call of tools/test."""

    def __init__(self, options):
        self.options = options
        self.selection = scripts.Selection(options.all)
        self.passed = self.failed = self.skipped = 0
        self.left_out = []  # suites that could not run here
        self.unstable = []
        self.tallies = []
        self.rows = []  # a line for each suite

    def tallies_of(self, suite):
        chance_seconds = self.options.minutes * 60
        if suite == "unit":
            return in_parallel(UNIT_PROGRAMS_AT_ONCE, unit_jobs())
        if suite in scripts.FILES_AT_ONCE:
            tallies = self.tallies_of_scripts(suite)
            if suite == "oracle":
                tallies += in_parallel(1, by_chance.oracle_jobs(chance_seconds * by_chance.SHARES[suite]))
            return tallies
        if suite in by_chance.SHARES:
            return in_parallel(1, getattr(by_chance, f"{suite}_jobs")(chance_seconds * by_chance.SHARES[suite]))
        return in_parallel(2, getattr(by_chance, f"{suite}_jobs")())

    def tallies_of_scripts(self, suite):
        files = self.selection.files(suite)
        missing = scripts.lab_is_missing() if suite == "lab" else None
        if missing:
            tally = Tally(suite)
            tally.skipped.append(f"lab: {len(files)} files were left out: {missing}")
            self.left_out.append(suite)
            if self.options.whole:
                tally.could_not_run(missing)
            return [tally]
        if not files:
            raise ValueError(f"there is no test in tests/{suite}")
        return in_parallel(scripts.at_once_of(suite), [(scripts.run_file, suite, file, self.selection) for file in files])

    def run(self, lanes):
        """Runs the suites of these lanes, and then, alone, once more what failed."""
        lanes = in_parallel(len(lanes), [(lambda lane: [self.timed_tallies(suite) for suite in lane], lane) for lane in lanes])
        for suite, tallies, seconds in [done for lane in lanes for done in lane]:
            self.unstable += scripts.try_again(suite, tallies, self.selection)
            self.add(suite, tallies, seconds)

    def timed_tallies(self, suite):
        begin = time.monotonic()
        try:
            tallies = self.tallies_of(suite)
        except (OSError, subprocess.SubprocessError, ValueError) as problem:
            tallies = [Tally(suite)]
            tallies[0].could_not_run(f"{type(problem).__name__}: {problem}")
        return suite, tallies, time.monotonic() - begin

    def add(self, suite, tallies, seconds):
        for tally in tallies:
            if tally.failed:
                print(f"\n======== {tally.name} ========\n{tally.output.rstrip()}\n")
        for tally in tallies:
            for line in tally.skipped:
                print(f"  skipped: {line}")
            for line in tally.failed:
                print(f"  FAILED: {line}")
        passed, failed = sum(t.passed for t in tallies), sum(len(t.failed) for t in tallies)
        skipped = sum(len(t.skipped) for t in tallies)
        self.passed, self.failed, self.skipped = self.passed + passed, self.failed + failed, self.skipped + skipped
        self.tallies += tallies
        self.rows.append(f"{suite}: passed {passed}, failed {failed}, skipped {skipped}, in {seconds:.0f} s")
        print(self.rows[-1], flush=True)

    def close(self, seconds):
        """Prints the summary and returns the exit status."""
        if len(self.unstable) > scripts.UNSTABLE_MAX:
            self.failed += 1
            print(f"  FAILED: {len(self.unstable)} tests are unstable, more than {scripts.UNSTABLE_MAX}")
        print(f"\nthe {SLOWEST_SHOWN} slowest, in seconds:")
        for tally in sorted(self.tallies, key=lambda one: -one.seconds)[:SLOWEST_SHOWN]:
            print(f"  {tally.seconds:6.1f}  {tally.name}")
        write_seconds(self.tallies)
        for name in self.unstable:
            print(f"unstable: {name}")
        print("\n".join(self.rows))
        print(f"all in {seconds:.0f} s")
        print(f"{self.passed} passed, {self.failed} failed")
        if self.failed == 0 and not self.left_out and not self.options.suites:
            write_record(self.rows + [f"unstable: {len(self.unstable)}", f"all in {seconds:.0f} s",
                                      f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"])
        return 0 if self.failed == 0 else 1


def stages_of(suites):
    """The suites in their order as stages, each of which is a list of lanes."""
    stages = []
    for suite in suites:
        if any(suite in lane for stage in stages for lane in stage):
            continue
        known = next((stage for stage in SIDE_BY_SIDE if any(suite in lane for lane in stage)), [[suite]])
        chosen = [[one for one in lane if one in suites] for lane in known]
        stages.append([lane for lane in chosen if lane])
    return stages


def write_seconds(tallies):
    """The programs and files of this run with their seconds, in the form of tools/test.d/seconds.txt."""
    lines = [f"{tally.name} {tally.seconds:.0f}\n" for tally in sorted(tallies, key=lambda one: (-one.seconds, one.name))
             if tally.seconds >= 1]
    (RESULTS / "seconds.txt").write_text("".join(lines), encoding="utf-8")


def write_record(lines):
    """build/test-results/passed: which commit passed as a whole. Nothing is written for a checkout with changes."""
    changes = subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True, cwd=TOP, check=False)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, cwd=TOP, check=False)
    if changes.returncode != 0 or commit.returncode != 0 or changes.stdout.strip():
        return
    (RESULTS / "passed").write_text("\n".join([f"commit {commit.stdout.strip()}", *lines]) + "\n", encoding="utf-8")


def parse(words):
    parser = argparse.ArgumentParser(prog="tools/test", add_help=False)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("suites", nargs="*", metavar="SUITE")
    options = parser.parse_args(words)
    known = SUITES + ONLY_AT_NIGHT
    unknown = [name for name in options.suites if name not in known]
    if unknown:
        parser.error(f"there is no suite {', '.join(unknown)}; there are {', '.join(known)}")
    options.chosen = options.suites or SUITES + (ONLY_AT_NIGHT if options.all else [])
    needing = [name for name in options.chosen if name not in WITHOUT_ROOT]
    if needing and os.geteuid() != 0:
        parser.error(f"needs root for {', '.join(needing)}: run it with sudo, or name {', '.join(sorted(WITHOUT_ROOT))}")
    if options.minutes <= 0:
        parser.error("--minutes takes a number above 0")
    return options


def end_on_signals():
    """An interrupt or a termination ends what runs, with its namespaces and labs, before this program ends."""
    def end(number, _frame):
        print(f"test: interrupted (signal {number}): ending what runs", file=sys.stderr, flush=True)
        for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(other, signal.SIG_IGN)
        threading.Thread(target=CHILDREN.interrupt).start()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)


def main(words):
    try:
        options = parse(words)
    except SystemExit as refused:
        print("0 passed, 1 failed")
        return refused.code
    begin = time.monotonic()
    RESULTS.mkdir(parents=True, exist_ok=True)
    lock = open(RESULTS / "lock", "w", encoding="ascii")  # held until the end of this program
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        print("test: another tools/test is running in this checkout", file=sys.stderr)
        print("0 passed, 1 failed")
        return 1
    end_on_signals()
    (RESULTS / "passed").unlink(missing_ok=True)
    shutil.rmtree(MADE, ignore_errors=True)  # of a run that was killed
    run = Run(options)
    try:
        problem = compile_tree(BUILD, ["-Dwerror=true", *LIKE_INSTALLED])
        if problem:
            run.add("build", [problem], time.monotonic() - begin)
        else:
            for lanes in stages_of(options.chosen):
                run.run(lanes)
    except Interrupted:
        pass
    shutil.rmtree(MADE, ignore_errors=True)
    if CHILDREN.interrupted:
        run.add("interrupted", [interrupted_tally()], time.monotonic() - begin)
    return run.close(time.monotonic() - begin)


def interrupted_tally():
    tally = Tally("test")
    tally.could_not_run("was interrupted")
    return tally


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
