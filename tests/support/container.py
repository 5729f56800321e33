"""A container without an engine: a root folder, new namespaces, few capabilities, and its first process.

The root is read-only, with memory at /run, /tmp, /var/lib/mainstay and /var/spool; /sys and /proc/sys are read-only and
no_new_privs is set, as container engines do it. The network is that of a test host (--network host).
"""

import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys

from .hosts import child_of
from .paths import TOP, program
from .wait import wait_until

FOLDER = TOP / "packaging" / "container"
INIT = pathlib.Path(__file__).resolve().parent / "container_init.py"
ROLES = ("vrrp", "lvs", "bfd", "obs", "read", "snmp", "track")
# Numbers of linux/capability.h.
CAPABILITIES = {"CHOWN": 0, "DAC_OVERRIDE": 1, "DAC_READ_SEARCH": 2, "FOWNER": 3, "KILL": 5, "SETGID": 6, "SETUID": 7,
                "SETPCAP": 8, "NET_BIND_SERVICE": 10, "NET_ADMIN": 12, "NET_RAW": 13, "SYS_NICE": 23}


def containerfile(instruction):
    """The program and its arguments of ENTRYPOINT or of the health check."""
    text = (FOLDER / "Containerfile").read_text(encoding="utf-8")
    return json.loads(re.search(rf"^{instruction}\b.*?(\[.*\])$", text, re.MULTILINE)[1])


def make_root(folder, *options):
    """The root of a container with the built programs, as the Containerfile makes it."""
    stage, root = folder / "stage", folder / "root"
    places = {"usr/sbin": ["mainstayd", "mainstay-realserver", "mainstay-genhash"], "usr/bin": ["mainstayctl"],
              "usr/libexec/mainstay": [f"mainstayd-{role}" for role in ROLES]}
    for place, names in places.items():
        (stage / place).mkdir(parents=True)
        for name in names:
            shutil.copy(program(name), stage / place)
    done = subprocess.run([FOLDER / "make-root", *options, stage, root], capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.rmtree(stage)
    return root


class Container:
    """Runs the entry point in the root as process 1, in a host's network. Folders are mounted: {inside: outside}."""

    def __init__(self, host, root, log_file, capabilities, folders, *options):
        self.host = host
        self.log_file = log_file
        mounts = [f"{outside}:{inside}" for inside, outside in folders.items()]
        numbers = ",".join(str(CAPABILITIES[name]) for name in capabilities)
        with open(log_file, "wb") as log:
            self.unshare = subprocess.Popen(
                ["nsenter", f"--net=/proc/{host.pid}/ns/net", "--", "unshare", "--mount", "--pid", "--ipc", "--uts",
                 "--fork", "--kill-child", sys.executable, INIT, root, numbers, *mounts, "--",
                 *containerfile("ENTRYPOINT"), *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

    def output(self):
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def logged(self, text, timeout=20):
        """Waits until the log has this text."""
        wait_until(lambda: text in self.output() or self.unshare.poll() is not None, timeout,
                   lambda: f"{text!r} in\n{self.output()}")
        assert text in self.output(), self.output()

    def pid(self):
        """Process 1, as this namespace sees it."""
        return child_of(self.unshare.pid)

    def run(self, *command):
        """A program inside, as `podman exec` runs it."""
        enter = ["nsenter", "--target", str(self.pid()), "--mount", "--net", "--pid", "--root", "--wd", "--"]
        return subprocess.run([*enter, *command], capture_output=True, text=True, timeout=30, check=False)

    def status(self):
        """The exit status of the Containerfile's health check."""
        return self.run(*containerfile("HEALTHCHECK")).returncode

    def wait(self, timeout=15):
        """The exit status of process 1."""
        return self.unshare.wait(timeout)

    def stop(self, number=signal.SIGTERM):
        """Sends process 1 a signal, and returns its exit status."""
        subprocess.run(["kill", f"-{int(number)}", str(self.pid())], check=True)
        return self.wait()

    def kill(self):
        """Ends what is left of it."""
        if self.unshare.poll() is None:
            self.unshare.kill()
            self.unshare.wait(10)
