"""Which faults the planted programs reached: a byte of a shared file for each. As a plugin of pytest it writes beside
that file which test reached which, how long it took and how it ended."""

import mmap
import os
import pathlib

from plant import REACHED_MAX


def clear(log):
    log.write_bytes(bytes(REACHED_MAX))
    log.chmod(0o666)  # roles have accounts of their own


def taken(log):
    return {number for number, byte in enumerate(log.read_bytes()) if byte}


def by_test(log):
    return pathlib.Path(f"{log}.tests")


def known(log):
    """(the faults that a test reached, its seconds, how it ended, its name) of each test that ended."""
    try:
        lines = by_test(log).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    rows = [line.split(" ", 3) for line in lines]
    # pytest names a test by its path from the folder with pytest.ini.
    return [(set(map(int, filter(None, numbers.split(",")))), float(seconds), outcome, f"tests/{name}")
            for numbers, seconds, outcome, name in rows]


class Recorder:
    """What programs of earlier tests reach while they end counts for the test that runs by then."""

    def __init__(self, log):
        self.log = log
        with open(log, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), REACHED_MAX)
        self.clear()

    def clear(self):
        self.map[:] = bytes(REACHED_MAX)
        self.seconds, self.outcome = 0.0, "passed"

    def add(self, report):
        self.seconds += report.duration
        if report.outcome != "passed" and self.outcome != "failed":
            self.outcome = report.outcome

    def end(self, test):
        numbers = ",".join(str(number) for number in range(REACHED_MAX) if self.map[number])
        with open(by_test(self.log), "a", encoding="utf-8") as out:
            out.write(f"{numbers} {self.seconds:.2f} {self.outcome} {test}\n")
        self.clear()


recorder = None


def pytest_configure():
    global recorder
    if log := os.environ.get("MAINSTAY_PLANTED_REACHED"):
        recorder = Recorder(log)


def pytest_runtest_logreport(report):
    if recorder:
        recorder.add(report)
    if report.outcome == "failed" and (path := os.environ.get("MAINSTAY_PLANTED_FAILED")):
        pathlib.Path(path).write_text(report.nodeid, encoding="utf-8")


def pytest_runtest_logfinish(nodeid, location):
    if recorder:
        recorder.end(nodeid)
