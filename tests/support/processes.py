"""What the kernel says about a process of a host."""

import contextlib
import ctypes
import os
import pathlib
import signal


def kill_all(pids):
    """SIGKILL to all of them, of which some may end with the first."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def family(daemon):
    """The pids of the supervisor and its processes, as the test sees them."""
    children = pathlib.Path(f"/proc/{daemon.pid}/task/{daemon.pid}/children").read_text(encoding="ascii").split()
    return [daemon.pid, *map(int, children)]


def status(host, pid):
    """The lines of /proc/PID/status, by their names."""
    return dict(line.split(":\t", 1) for line in host.read(f"/proc/{pid}/status").splitlines() if ":\t" in line)


def capabilities(host, pid, kind="CapEff"):
    return numbers_of(status(host, pid)[kind])


def numbers_of(mask):
    """The numbers of the capabilities in a mask as /proc shows it."""
    return {n for n in range(64) if int(mask, 16) >> n & 1}


def landlock_version():
    """Of the kernel that this runs on; 0: it has none."""
    return max(0, ctypes.CDLL(None).syscall(444, None, 0, 1))
