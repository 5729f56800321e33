"""The program tests/kernel/kernel_probe.cpp: the kernel adapters by themselves, one command at a time."""

import json
import os
import queue
import threading

from .paths import BUILD

PROBE = str(BUILD / "tests" / "kernel" / "kernel_probe")


def probe(host, *words, status=0, text_in=None):
    """Runs one command on a host and returns what it printed."""
    done = host.run([PROBE, *words], check=False, text_in=text_in)
    assert done.returncode == status, f"{words} ended with {done.returncode}: {done.stdout}{done.stderr}"
    return [json.loads(line) for line in done.stdout.splitlines()]


class Listening:
    """A command that runs until its stdin ends; what it prints is collected."""

    def __init__(self, host, *words):
        self.process = host.start([PROBE, *words], pipe=True)
        self.lines = []
        self.incoming = queue.Queue()
        threading.Thread(target=self._read, args=(self.process.popen.stdout,), daemon=True).start()
        assert self.next() == {"ready": True}
        self.lines.clear()

    def _read(self, stream):
        for line in stream:
            self.incoming.put(json.loads(line))
        self.incoming.put(None)

    def next(self, timeout=10.0):
        line = self.incoming.get(timeout=timeout)
        assert line is not None, self.process.output()
        self.lines.append(line)
        return line

    def until(self, wanted, timeout=10.0):
        """The first line for which `wanted` is true; those before it stay in `lines`."""
        while True:
            line = self.next(timeout)
            if wanted(line):
                return line

    def close(self):
        """Ends the command. Everything it printed."""
        self.process.popen.stdin.close()
        while (line := self.incoming.get(timeout=10)) is not None:
            self.lines.append(line)
        assert self.process.wait() == 0, self.process.output()
        return self.lines


def strace(host, calls, *words, text_in=None):
    """Runs one command under strace; (what it printed, how often each of the system calls was made)."""
    trace = f"/tmp/strace.{os.getpid()}"
    done = host.run(["strace", "-f", "-c", "-e", f"trace={calls}", "-o", trace, PROBE, *words], text_in=text_in,
                    env={"ASAN_OPTIONS": "detect_leaks=0"})  # the leak checker does not work under strace
    counts = {}
    for line in host.read(trace).splitlines():
        fields = line.split()
        if len(fields) >= 5 and fields[3].isdigit() and fields[-1] != "total":
            counts[fields[-1]] = int(fields[3])
    return [json.loads(line) for line in done.stdout.splitlines()], counts
