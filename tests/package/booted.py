"""A Debian in a folder with systemd as PID 1, and what is asked there."""

import os
import pathlib
import re
import signal
import subprocess

from support.wait import wait_until

SECONDS = 300
CONFIG = """vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    advert_int 0.2
    virtual_ipaddress {
        192.168.4.200/24
    }
}
"""
HELD = {"192.168.4.11/24", "192.168.4.200/24"}
# A group of cgroups that is the root of the namespace which is entered in it: otherwise all that run side by side are one tree,
# in which the units of one, by their names, are those of the other.
TREE = 'mount -t cgroup2 cgroup "$1" && cd "$1" && group=$2 && shift 2 && '
IN_GROUP = TREE + 'mkdir "$group" && echo 0 >"$group/cgroup.procs" && exec "$@"'
REMOVE_GROUP = TREE + 'find "$group" -depth -type d -exec rmdir {} +'
# Namespaces of its own, a cgroup tree of its own, /dev with the few nodes that programs need; then systemd is PID 1.
BOOT = """set -e
root=$1
ip link set lo up
ip link add eth0 address 02:00:00:00:00:01 type veth peer name other
ip link set other up && ip link set eth0 up && ip addr add 192.168.4.11/24 dev eth0
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sys "$root/sys"
mount -t cgroup2 cgroup "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 run "$root/run"
mount -t tmpfs -o mode=1777 tmp "$root/tmp"
mount -t tmpfs -o mode=755 dev "$root/dev"
for node in null zero full random urandom tty; do touch "$root/dev/$node"; mount --bind /dev/$node "$root/dev/$node"; done
ln -s /proc/self/fd "$root/dev/fd"
ln -s pts/ptmx "$root/dev/ptmx"
mkdir "$root/dev/shm" "$root/dev/pts"
mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
hostname lb1
exec chroot "$root" /usr/bin/env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system \
    --unit=multi-user.target --log-target=null
"""


class Booted:
    """The root with systemd running in it."""

    def __init__(self, root, log):
        self.root = root
        self.group = [log.with_name("cgroup"), f"mainstay-test-{os.getpid()}"]
        self.group[0].mkdir()
        with open(log, "wb") as out:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "/bin/sh", "-c", IN_GROUP, "in_group", *self.group,
                 "unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup", "--fork", "--kill-child", "/bin/sh", "-c", BOOT,
                 "boot", root.path], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self.init = wait_until(self.first_child, 20, "systemd to be there")
        wait_until(lambda: self.run("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded"),
                   60, "systemd to be ready")

    def first_child(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii").split()
        ready = children and pathlib.Path(f"/proc/{children[0]}/comm").read_text(encoding="utf-8") == "systemd\n"
        return children[0] if ready else None

    def run(self, *command, check=True):
        done = subprocess.run(["nsenter", "--target", self.init, "--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup", "--root", "--wd",
                               "--", "/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive",
                               *command], capture_output=True, text=True, timeout=SECONDS, stdin=subprocess.DEVNULL, check=False)
        if check:
            assert done.returncode == 0, f"{' '.join(map(str, command))}:\n{done.stdout}{done.stderr}"
        return done

    def show(self, what, unit="mainstay"):
        return self.run("systemctl", "show", unit, "-p", what, "--value").stdout.strip()

    def fetch(self, url):
        """With this machine's own Python, in the network of the root."""
        code = f"import urllib.request; print(urllib.request.urlopen({url!r}, timeout=10).read().decode())"
        return subprocess.run(["nsenter", "--target", self.init, "--net", "--", "/usr/bin/python3", "-c", code],
                              capture_output=True, text=True, timeout=30, check=True).stdout

    def end(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        wait_until(self.group_is_removed, 60, "the end of all its processes")

    def group_is_removed(self):
        return subprocess.run(["unshare", "--mount", "/bin/sh", "-c", REMOVE_GROUP, "remove_group", *self.group],
                              stderr=subprocess.DEVNULL, check=False).returncode == 0


def addresses(booted):
    return set(re.findall(r"inet (\S+)", booted.run("ip", "-4", "addr", "show", "eth0").stdout))
