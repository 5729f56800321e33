"""What the kernel says about a process of a host."""

import ctypes


def status(host, pid):
    """The lines of /proc/PID/status, by their names."""
    return dict(line.split(":\t", 1) for line in host.read(f"/proc/{pid}/status").splitlines() if ":\t" in line)


def capabilities(host, pid, kind="CapEff"):
    """Their numbers."""
    bits = int(status(host, pid)[kind], 16)
    return {n for n in range(64) if bits >> n & 1}


def landlock_version():
    """Of the kernel that this runs on; 0: it has none."""
    return max(0, ctypes.CDLL(None).syscall(444, None, 0, 1))
