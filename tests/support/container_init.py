"""Starts a program as the first one of a container, as an engine does. container.py calls this in new namespaces.

usage: container_init.py ROOT CAPABILITIES [MOUNT...] -- PROGRAM [ARGUMENT...]
       with CAPABILITIES as numbers, 12,13, and each MOUNT as FROM:TO, which is read-only in the container
"""

import ctypes
import os
import subprocess
import sys

PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, LAST_CAPABILITY = 24, 38, 40
DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
MEMORY = {"/run": "755", "/tmp": "1777", "/var/lib/mainstay": "755", "/var/spool": "755"}


def mount(*words):
    subprocess.run(["mount", *words], check=True)


def prepare(root, mounts):
    mount("--bind", root, root)
    mount("-t", "proc", "proc", f"{root}/proc")
    mount("-t", "sysfs", "-o", "ro", "sysfs", f"{root}/sys")
    mount("-t", "tmpfs", "-o", "mode=755", "dev", f"{root}/dev")
    for name in DEVICES:
        open(f"{root}/dev/{name}", "wb").close()
        mount("--bind", f"/dev/{name}", f"{root}/dev/{name}")
    for folder, mode in MEMORY.items():
        mount("-t", "tmpfs", "-o", f"noexec,nosuid,nodev,mode={mode}", "memory", root + folder)
    for pair in mounts:
        outside, inside = pair.split(":")
        mount("--bind", "-o", "ro", outside, root + inside)
    # Engines make /proc/sys read-only too.
    mount("--bind", "-o", "ro", f"{root}/proc/sys", f"{root}/proc/sys")
    mount("-o", "remount,bind,ro", root)


def main(root, capabilities, *words):
    end = words.index("--")
    prepare(root, words[:end])
    os.chroot(root)
    os.chdir("/")
    libc = ctypes.CDLL(None, use_errno=True)
    kept = {int(number) for number in capabilities.split(",") if number}
    for number in range(LAST_CAPABILITY + 1):
        if number not in kept and libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), f"capability {number} cannot be dropped")
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_NO_NEW_PRIVS")
    program = words[end + 1:]
    os.execve(program[0], program, {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})


if __name__ == "__main__":
    main(*sys.argv[1:])
