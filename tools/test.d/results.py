"""What one program or one file of tests found, and how programs are called and ended."""

import contextlib
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
import time
import xml.etree.ElementTree as ElementTree

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = TOP / os.environ.get("MAINSTAY_BUILD", "build")
RESULTS = BUILD / "test-results"
MADE = RESULTS / "made"  # what several files of tests use in one run: tests/package/conftest.py
# How long a program may take to clean up after an interrupt, and after the termination that follows it.
INTERRUPT_SECONDS, TERMINATE_SECONDS = 30, 10


def longest_first(things, name_of):
    """Sorted by the seconds of tools/test.d/seconds.txt (a run on two processors), and what it does not name comes last."""
    with open(TOP / "tools" / "test.d" / "seconds.txt", encoding="utf-8") as source:
        known = {name: float(seconds) for name, seconds in (line.split() for line in source)}
    return sorted(things, key=lambda thing: (-known.get(name_of(thing), 0), name_of(thing)))


class Tally:
    """The cases of one program or one file. `failed` and `skipped` are lines that name the case and the reason."""

    def __init__(self, name):
        self.name = name
        self.passed = 0
        self.skipped = []
        self.failed = []
        self.failed_cases = []  # their names, without the program's
        self.seconds = 0.0
        self.output = ""
        self.details = []

    def could_not_run(self, why):
        self.failed.append(f"{self.name}: {why}")

    def read_junit(self, path):
        try:
            cases = list(ElementTree.parse(path).getroot().iter("testcase"))
        except (OSError, ElementTree.ParseError) as problem:
            self.could_not_run(f"no results ({problem})")
            return
        for case in cases:
            title = f"{self.name}: {case.get('name')}"
            texts = [found.text or found.get("message", "") for kind in ("failure", "error") for found in case.iter(kind)]
            if texts:
                self.failed.append(title)
                self.failed_cases.append(case.get("name"))
                self.details += [f"---- {title}", *(text.strip("\n") for text in texts)]
            elif case.find("skipped") is not None:
                self.skipped.append(f"{title}: {case.find('skipped').get('message', '')}")
            else:
                self.passed += 1

    def judge_status(self, status, may_be):
        """A status that the results do not explain is a failure of its own: a crash at the end, for example."""
        if status is None:
            self.could_not_run("took too long and was killed")
        elif status not in may_be or (status != 0 and not self.failed):
            self.could_not_run(f"exited with status {status}")
        if self.passed == 0 and not self.failed and not self.skipped:
            self.could_not_run("ran no test at all")


class Interrupted(Exception):
    """The run was interrupted: what it started has been ended."""


class Children:
    """The programs that are running now, so that an interrupt ends each of them with all that it started."""

    def __init__(self):
        self.lock = threading.Lock()
        self.running = set()
        self.interrupted = False

    def start(self, command, **options):
        with self.lock:
            if self.interrupted:
                raise Interrupted
            process = subprocess.Popen(command, start_new_session=True, **options)
            self.running.add(process)
        return process

    def ended(self, process):
        with self.lock:
            self.running.discard(process)

    def interrupt(self):
        """pytest and tools/lab clean up after SIGINT; what does not is terminated, then killed."""
        with self.lock:
            self.interrupted = True
            running = list(self.running)
        for process in running:
            process.send_signal(signal.SIGINT)
        end_all(running, [(INTERRUPT_SECONDS, signal.SIGTERM), (TERMINATE_SECONDS, signal.SIGKILL)])


CHILDREN = Children()


def end_all(processes, steps):
    """Waits for these processes; what is left after each step's seconds gets that signal, with its group."""
    for seconds, number in steps:
        end = time.monotonic() + seconds
        while time.monotonic() < end and any(process.poll() is None for process in processes):
            time.sleep(0.1)
        for process in processes:
            if process.poll() is None:
                os.killpg(process.pid, number)


def call(command, seconds, env=None, cwd=TOP):
    """(status or None when it took too long, output). Whatever the command started in its session is ended with it."""
    with tempfile.TemporaryFile() as output:  # not a pipe, which what outlives the command would keep open
        process = CHILDREN.start(list(map(str, command)), cwd=cwd, env={**os.environ, **(env or {})},
                                 stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        try:
            status = process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)  # pytest prints where it was
            end_all([process], [(INTERRUPT_SECONDS, signal.SIGTERM), (TERMINATE_SECONDS, signal.SIGKILL)])
            process.wait()
            status = None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            CHILDREN.ended(process)
        output.seek(0)
        return status, output.read().decode(errors="replace")


def timed(run):
    """Wraps a runner of one unit so that its tally knows how long it took."""
    def wrapper(*arguments):
        begin = time.monotonic()
        tally = run(*arguments)
        tally.seconds = time.monotonic() - begin
        return tally
    return wrapper
