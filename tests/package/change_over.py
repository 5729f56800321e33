"""What changing over between packages needs: somebody who asks for the address meanwhile, and rpm on a root of Debian."""

import os
import re
import signal
import subprocess

from support.wait import wait_until

SECONDS = 300


class Client:
    """A host at the other end of eth0's cable.

    While that end moves, eth0 has no carrier, and a daemon is in FAULT: so it moves before one starts and after it has ended.
    """

    def __init__(self, booted, folder):
        self.home, self.asks, self.log = booted.process.pid, None, folder / "answers"
        self.host = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        wait_until(lambda: self.network() not in (None, os.readlink("/proc/self/ns/net")), 10, "its network")
        subprocess.run(["nsenter", "--target", booted.init, "--net", "--", "ip", "link", "set", "other", "netns", str(self.host.pid)],
                       check=True)
        self.run("ip", "link", "set", "other", "up")
        self.run("ip", "addr", "add", "192.168.4.20/24", "dev", "other")

    def network(self):
        try:
            return os.readlink(f"/proc/{self.host.pid}/ns/net")
        except FileNotFoundError:
            return None

    def inside(self, *command):
        return ["nsenter", "--target", str(self.host.pid), "--net", "--", *command]

    def run(self, *command):
        subprocess.run(self.inside(*command), check=True)

    def ask(self):
        """Asks for the address fifty times a second from now on, and returns once there were answers."""
        with open(self.log, "wb") as out:
            self.asks = subprocess.Popen(self.inside("ping", "-n", "-i", "0.02", "192.168.4.200"), stdout=out)
        self.wait_for_answers(10)

    def answered(self):
        return {int(number) for number in re.findall(r"bytes from .* icmp_seq=(\d+)", self.log.read_text(encoding="ascii"))}

    def wait_for_answers(self, count):
        wanted = len(self.answered()) + count
        wait_until(lambda: len(self.answered()) >= wanted, 20, f"{count} answers")

    def lost(self, way):
        """How many had no answer. Goes on until there are answers again; the last request may still be on its way."""
        self.wait_for_answers(25)
        self.asks.send_signal(signal.SIGINT)
        self.asks.wait(timeout=20)
        sent = int(re.search(r"(\d+) packets transmitted", self.log.read_text(encoding="ascii"))[1])
        lost = len(set(range(1, sent)) - self.answered())
        print(f"{way}: {sent} requests, {lost} lost")
        return lost

    def close(self):
        self.run("ip", "link", "set", "other", "netns", str(self.home))
        self.host.kill()
        self.host.wait()


# What Fedora's package does when it goes; the program and its unit are Debian's.
KEEPALIVED_SPEC = """Name: keepalived
Version: 2.2.7
Release: 1
Summary: keepalived
License: GPL-2.0-or-later
%description
keepalived
%install
install -D -m 755 {root}/usr/sbin/keepalived %{{buildroot}}/usr/sbin/keepalived
install -D -m 644 {root}/lib/systemd/system/keepalived.service %{{buildroot}}/usr/lib/systemd/system/keepalived.service
%preun
[ $1 -ne 0 ] || systemctl --no-reload disable --now keepalived.service
%files
/usr/sbin/keepalived
/usr/lib/systemd/system/keepalived.service
"""


class Rpm:
    """This machine's rpm, on the root, so that scriptlets run where systemd does."""

    def __init__(self, booted, folder):
        self.booted, self.enter = booted, ["nsenter", "--target", booted.init, "--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup", "--"]
        (folder / "keepalived.spec").write_text(KEEPALIVED_SPEC.format(root=booted.root.path), encoding="ascii")
        subprocess.run(["rpmbuild", "-bb", "--quiet", "--define", f"_topdir {folder}/rpm", folder / "keepalived.spec"], check=True,
                       capture_output=True)
        self.keepalived = next(folder.glob("rpm/RPMS/*/keepalived-*.rpm"))

    def run(self, *words):
        done = subprocess.run([*self.enter, "rpm", "--root", self.booted.root.path, "--noplugins", "--nodeps", *words], capture_output=True,
                              text=True, check=False, timeout=SECONDS)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr
