"""Which faults the planted programs reached: a byte of a shared file for each. As a plugin of pytest it writes beside
that file which test reached which."""

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


class Recorder:
    def __init__(self, log):
        self.log, self.test = log, None
        with open(log, "r+b") as file:
            self.map = mmap.mmap(file.fileno(), REACHED_MAX)

    def begin(self, test):
        """What was reached since the last call was that test's."""
        if self.test is not None:
            numbers = ",".join(str(number) for number in range(REACHED_MAX) if self.map[number])
            with open(by_test(self.log), "a", encoding="utf-8") as out:
                out.write(f"{numbers} {self.test}\n")
        self.map[:] = bytes(REACHED_MAX)
        self.test = test


recorder = None


def pytest_configure():
    global recorder
    if log := os.environ.get("MAINSTAY_PLANTED_REACHED"):
        recorder = Recorder(log)


def pytest_runtest_logstart(nodeid, location):
    if recorder:
        recorder.begin(nodeid)


def pytest_unconfigure():
    if recorder:
        recorder.begin(None)
