"""The tests that could notice a fault: which there are, what each reaches, and whether it fails."""

import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import time

import reached

UNIT_SECONDS, PYTEST_SECONDS = 240, 600
BEGIN_TRIES = 2  # of a program without a fault: a busy machine makes the best of tests fail
# Of all tests of a suite that reach a fault, so many seconds are run for it. What they would not notice counts as
# unnoticed, though another test may.
SECONDS_PER_FAULT = 90
PYTEST_FAILED = 1
PYTEST_RAN = (0, PYTEST_FAILED)  # any other status: it found no tests, or ended itself
# Memory that a test program may take, and what it may write (a memfd is a file): a fault may make it ask for ever more.
PROGRAM_BYTES_MAX = 4 << 30
FILE_BYTES_MAX = 2 << 30
# Folders of tests of whole programs that could notice faults of a module; a test that reaches none of them is not run.
PYTEST_SUITES = {"config": ["config"], "kernel": ["host", "lab"], "alert": ["host"], "probe": ["host", "lab"],
                 "role": ["host", "lab"], "ipc": ["host"], "bfd": ["host"], "netlink": ["host", "lab"], "lvs": ["lab"]}


def limited():
    resource.setrlimit(resource.RLIMIT_AS, (PROGRAM_BYTES_MAX, PROGRAM_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES_MAX, FILE_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def call(command, seconds, env, cwd, bounded=True, output=os.devnull):
    """The status, or None when it took too long; whatever it started is ended with it."""
    with open(output, "wb") as out:
        process = subprocess.Popen(list(map(str, command)), cwd=cwd, env={**os.environ, **env}, stdin=subprocess.DEVNULL,
                                   stdout=out, stderr=out, start_new_session=True, preexec_fn=limited if bounded else None)
    try:
        return process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGTERM if not bounded else signal.SIGKILL)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return None


class Program:
    """One unit test program with the faults in it."""

    def __init__(self, name, command, folder):
        self.name, self.command, self.folder = name, command, folder
        self.doctest = not name.endswith("_fuzz")
        self.seconds, self.reaches = 0.0, set()

    def begin(self, top):
        """Runs it with no fault awake. False when it fails then: it can tell nothing."""
        log = self.folder / f"reached-{self.name}"
        env = {"MAINSTAY_PLANTED": "-1", "MAINSTAY_PLANTED_REACHED": str(log)}
        for _ in range(BEGIN_TRIES):
            reached.clear(log)
            start = time.monotonic()
            status = call(self.command, UNIT_SECONDS, env, top, output=self.folder / f"output-{self.name}")
            self.seconds = time.monotonic() - start
            if status == 0:
                self.reaches = reached.taken(log)
                return True
        return False

    def failures(self):
        """The names of the test cases that failed in begin()."""
        text = (self.folder / f"output-{self.name}").read_text(encoding="utf-8", errors="replace")
        return sorted(set(re.findall(r"^TEST CASE:\s*(.*)$", text, re.MULTILINE)))

    def notices(self, number, top):
        if number not in self.reaches:
            return False
        stop = ["--abort-after=1"] if self.doctest else []
        status = call([*self.command, *stop], 10 + 8 * self.seconds, {"MAINSTAY_PLANTED": str(number)}, top)
        return status != 0


class PytestFile:
    """One file of tests of whole programs. `tests`: those that pass without a fault, with what each reaches and takes."""

    def __init__(self, path, suite, top):
        self.name, self.suite, self.path = f"{suite.name}/{path.name}", suite, path.relative_to(top)
        self.tests = {}

    def begin(self, top):
        """Runs it with no fault awake. False when none of its tests can tell anything."""
        log = self.suite.folder / f"reached-{self.suite.name}-{self.path.stem}"
        reached.clear(log)
        reached.by_test(log).unlink(missing_ok=True)
        status = self.suite.call([str(self.path)], -1, PYTEST_SECONDS, log=log)
        for numbers, seconds, outcome, name in reached.known(log):
            if outcome == "passed":
                self.tests[name] = numbers, seconds
            elif outcome == "failed":
                print(f"mutate: {name} fails without a fault; it is left out", flush=True)
        if status is None:
            print(f"mutate: {self.name} takes more than {PYTEST_SECONDS} s; of its tests those are tried that ended", flush=True)
        return bool(self.tests)


class PytestSuite:
    """A folder of tests of whole programs. Only tests that reach a fault are run for it."""

    def __init__(self, name, build_name, folder):
        self.name, self.build_name, self.folder, self.files = name, build_name, folder, []

    def call(self, what, number, seconds, log=None, failed=None, more=()):
        command = ["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "reached", *more, *what]
        if self.name == "lab":
            command = ["tools/lab", "--native-if-needed", "--mem", "1024", "--timeout", str(int(seconds) - 5), "--", *command]
        env = {"MAINSTAY_BUILD": self.build_name, "MAINSTAY_PLANTED": str(number), "MAINSTAY_PLANTED_REACHED": str(log or ""),
               "MAINSTAY_PLANTED_FAILED": str(failed or ""), "PYTHONPATH": str(pathlib.Path(__file__).parent),
               "PYTHONDONTWRITEBYTECODE": "1"}
        return call(command, seconds, env, self.folder.parents[1], bounded=False)

    def chosen(self, number):
        """[(test, seconds)]: the shortest of each file, then the second of each, until the seconds are used up."""
        turns = []
        for file in self.files:
            able = sorted((seconds, name) for name, (numbers, seconds) in file.tests.items() if number in numbers)
            turns += [(turn, seconds, name) for turn, (seconds, name) in enumerate(able)]
        chosen, left = [], SECONDS_PER_FAULT
        for _, seconds, name in sorted(turns):
            if seconds <= left or not chosen:
                chosen.append((name, seconds))
                left -= seconds
        return chosen

    def notices(self, number, top):
        chosen = self.chosen(number)
        if not chosen:
            return False
        failed = self.folder / f"failed-{self.name}-{number}"
        failed.unlink(missing_ok=True)
        seconds = 60 + 4 * sum(seconds for _, seconds in chosen)
        status = self.call([name for name, _ in chosen], number, seconds, failed=failed, more=["-x"])
        if status not in PYTEST_RAN:
            print(f"mutate: the tests of {self.name} for fault {number} did not run to their end: status {status}", flush=True)
        if not failed.exists():
            return False
        # A test that failed for another reason (the machine is slow) does not count: it has to fail again.
        return self.call([f"tests/{failed.read_text(encoding='utf-8')}"], number, seconds) == PYTEST_FAILED


def unit_tests(build, modules, near):
    """(program, meson's row) of each unit test: those of the modules themselves (near), or all others."""
    shown = subprocess.run(["meson", "introspect", str(build), "--tests"], capture_output=True, text=True, check=True)
    rows = [(os.path.relpath(row["cmd"][0], build), row) for row in json.loads(shown.stdout)]
    return [(program, row) for program, row in rows if (pathlib.PurePath(program).parts[1] in modules) == near]


def unit_targets(build, modules):
    return sorted({program for program, _ in unit_tests(build, modules, True)})


def unit_programs(build, planter, modules, near, made, pool):
    """The unit test programs that contain a planted file: those of the modules themselves (near), or all others."""
    rows = unit_tests(build, modules, near)
    programs = sorted({program for program, _ in rows})
    linked = dict(zip(programs, pool.map(lambda program: planter.link(program, made), programs)))
    return [Program(row["name"], [linked[program], *row["cmd"][1:]], planter.folder) for program, row in rows if linked[program]]


def whole_programs(build, planter, made, pool):
    """Links what tests of whole programs start, so that the folder can stand for the build folder."""
    shown = subprocess.run(["meson", "introspect", str(build), "--targets"], capture_output=True, text=True, check=True)
    names = [os.path.relpath(path, build) for row in json.loads(shown.stdout) if row["type"] == "executable" and row["build_by_default"]
             for path in row["filename"]]

    def one(name):
        target = planter.folder / name
        if (not target.is_file() or target.is_symlink()) and not planter.link(name, made):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            target.symlink_to(build / name)
    list(pool.map(one, [name for name in names if (build / name).exists()]))


def pytest_files(top, suites, only, build_name, folder):
    return [PytestFile(path, suite, top) for suite in (PytestSuite(name, build_name, folder) for name in suites)
            for path in sorted((top / "tests" / suite.name).glob("test_*.py")) if not only or path.name in only or path.stem in only]
