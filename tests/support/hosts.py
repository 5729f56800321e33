"""Hosts made of namespaces, and the networks between them.

A Host has network, PID, mount, UTS and IPC namespaces of its own, with its own /run, /tmp, /var/spool, /var/log, /var/lib/mainstay,
/proc and /sys: `killall -0` sees its processes only, and pid files, sockets and spools do not meet. It is held by one
process; killing that kills everything on the host, as pulling the plug does. A Lan makes hosts and switches (bridges
in a namespace) and ends them all, by process id only. Needs root; works on any Linux and in the lab (tools/lab).

    lan = Lan(folder)
    lan.switch("office")
    one = lan.host("one", eth0=("office", "192.168.4.11/24"))
    one.run(["ip", "addr"]).stdout
    web = one.start(["nginx", "-g", "daemon off;"])
    lan.close()
"""

import concurrent.futures
import ctypes
import fcntl
import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import time

from .paths import TOP, program
from .wait import PATIENCE, wait_until

INIT = pathlib.Path(__file__).resolve().parent / "host_init.sh"
BOOT_SECONDS = 20
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_FS, CLONE_NEWNS, CLONE_NEWNET = 0x200, 0x20000, 0x40000000  # linux/sched.h
A_HOSTS = CLONE_NEWNS | CLONE_NEWNET | 0x4000000 | 0x8000000 | 0x20000000  # with UTS, IPC and PID
SIOCGIFFLAGS, IFF_RUNNING = 0x8913, 0x40  # linux/sockios.h, linux/if.h


def entered(pid, namespaces, call, *arguments, **options):
    """What call(...) returns in these namespaces of a process, and below its root. A thread enters them, so that nothing else
    of this program does; a program that it starts begins there, a child of this program like any other."""
    def enter():
        process, root = os.pidfd_open(pid), os.open(f"/proc/{pid}/root", os.O_PATH)
        try:
            if LIBC.unshare(CLONE_FS) or LIBC.setns(process, namespaces):
                raise OSError(ctypes.get_errno(), f"cannot enter the namespaces of process {pid}")
            if namespaces & CLONE_NEWNS:  # where the host is a chroot, its root is not that of its mounts
                os.fchdir(root)
                os.chroot(".")
        finally:
            os.close(process)
            os.close(root)
        return call(*arguments, **options)
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        return thread.submit(enter).result()


def child_of(pid):
    """The first child of a process, as a pid of the namespace this is asked in; None while there is none."""
    try:
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return None
    return int(children[0]) if children else None


class Process:
    """A program that runs on a host. `pid` is as this namespace sees it."""

    def __init__(self, host, name, popen, log):
        self.host = host
        self.name = name
        self.popen = popen
        self.pid = popen.pid
        self.log_file = log

    def alive(self):
        return self.popen.poll() is None

    def output(self):
        return pathlib.Path(self.log_file).read_text(encoding="utf-8", errors="replace")

    def send(self, number):
        self.popen.send_signal(number)  # to nobody when it has ended

    def wait(self, timeout=10.0):
        """The exit status, 128 + number when a signal ended it."""
        status = self.popen.wait(timeout)
        return status if status >= 0 else 128 - status

    def stop(self, number=signal.SIGTERM, timeout=10.0):
        """Ends the program, gently first. Returns its exit status; None when it had to be killed."""
        if not self.alive():
            return self.wait(0)
        self.send(number)
        try:
            return self.wait(timeout)
        except subprocess.TimeoutExpired:
            self.send(signal.SIGKILL)
            self.wait(5)
            return None


class Host:
    def __init__(self, lan, name, private_dev=False, interfaces=None):
        self.lan = lan
        self.name = name
        self.private_dev = private_dev
        self.interfaces = dict(interfaces or {})
        self.processes = []
        self.holder = None
        self.pid = None
        self.starts = 0

    # ---- power ----

    def boot(self):
        """Switches the host on, with its interfaces; afterwards it is a machine on which nothing runs."""
        self.holder = subprocess.Popen(
            ["unshare", "--net", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child", "--mount-proc",
             "/bin/bash", str(INIT), self.name, "yes" if self.private_dev else "no", str(TOP)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.holder.stdout.readline().strip() != "ready":
            self.holder.kill()
            raise RuntimeError(f"host {self.name} does not start: {self.holder.stderr.read()}")
        self.pid = child_of(self.holder.pid)
        for device, link in self.interfaces.items():
            self.lan.plug(self, device, *link)
        return self

    def kill(self):
        """Pulls the plug: every process of the host is gone at once, then its network namespace."""
        if self.holder is None:
            return
        if self.holder.poll() is None:
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        for process in self.processes:  # first: the namespace ends when the last of its processes has been waited for
            process.popen.wait(BOOT_SECONDS)
        self.processes.clear()
        self.holder.wait(BOOT_SECONDS)
        self.holder.stdout.close()
        self.holder.stderr.close()
        self.holder = None

    # ---- programs ----

    def begin(self, command, **options):
        return entered(self.pid, A_HOSTS, subprocess.Popen, list(map(str, command)), **options)

    def run(self, command, check=True, timeout=30.0, text_in=None, env=None):
        """Runs a program on the host to its end. The result has returncode, stdout and stderr."""
        with self.begin(command, stdin=subprocess.DEVNULL if text_in is None else subprocess.PIPE, stdout=subprocess.PIPE,
                        stderr=subprocess.PIPE, text=True, errors="replace", env={**os.environ, **(env or {})}) as begun:
            try:
                stdout, stderr = begun.communicate(text_in, timeout * PATIENCE)
            except BaseException:
                begun.kill()
                raise
        done = subprocess.CompletedProcess(command, begun.returncode, stdout, stderr)
        if check and done.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, command))} on {self.name} ended with {done.returncode}:\n"
                               f"{done.stdout}{done.stderr}")
        return done

    def start(self, command, name=None, env=None, pipe=False):
        """Starts a program; its output goes to a file. With pipe: its stdin and stdout are the caller's pipes."""
        name = name or pathlib.Path(str(command[0])).name
        self.starts += 1
        log = self.lan.folder / f"{self.name}.{name}.{self.starts}.log"
        with open(log, "wb") as out:
            popen = self.begin(command, stdin=subprocess.PIPE if pipe else subprocess.DEVNULL,
                               stdout=subprocess.PIPE if pipe else out, stderr=out if pipe else subprocess.STDOUT,
                               text=pipe or None, env={**os.environ, **(env or {})})
        process = Process(self, name, popen, log)
        self.processes.append(process)
        return process

    def mainstayd(self, configuration, *options, name="keepalived.conf", env=None):
        """Starts mainstayd in the foreground from this text, with its log on stdout."""
        path = self.write(f"/run/{name}", configuration)
        return self.start([program("mainstayd"), "-n", "-l", "-D", "-f", path, *options], env=env)

    def keepalived(self, configuration, *options, name="keepalived.conf"):
        """The same for keepalived, which other tests compare with."""
        path = self.write(f"/run/{name}", configuration)
        return self.start(["keepalived", "-n", "-l", "-D", "-G", "-f", path, *options])

    # ---- files: paths are the host's ----

    def path(self, inside):
        """Where a file of the host is to be found from here."""
        return pathlib.Path(f"/proc/{self.pid}/root{inside}")

    def write(self, path, text, mode=0o644):
        """Writes a file on the host and returns its path there."""
        file = self.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        file.chmod(mode)
        return path

    def read(self, path):
        return self.path(path).read_text(encoding="utf-8", errors="replace")

    def sysctl(self, **settings):
        """sysctl(net__ipv4__ip_forward=1): two underlines stand for a dot."""
        self.run(["sysctl", "-qw", *(f"{key.replace('__', '.')}={value}" for key, value in settings.items())])

    # ---- what the kernel says ----

    def addresses(self, device=None):
        """All addresses with their prefix length, "192.168.4.15/32"."""
        command = ["ip", "-json", "addr", "show"] + (["dev", device] if device else [])
        shown = json.loads(self.run(command).stdout or "[]")
        return {f"{a['local']}/{a['prefixlen']}" for link in shown for a in link.get("addr_info", []) if "local" in a}

    def holds(self, address):
        """True when this address, with or without a prefix length, is on some interface."""
        return any(address in (have, have.split("/")[0]) for have in self.addresses())

    def ipvs(self):
        """The IPVS table: {"TCP 10.0.0.1:80 wrr": {"10.0.1.11:80": ("Route", 1)}}, options after the scheduler."""
        table, servers = {}, None
        for line in self.run(["ipvsadm", "-Ln"]).stdout.splitlines():
            service = re.match(r"(TCP|UDP|SCTP|FWM) +(\S+) (.+?) *$", line)
            server = re.match(r" +-> (\S+) +(Route|Masq|Tunnel|Local) +(\d+)", line)
            if service:
                servers = table.setdefault(" ".join(service.groups()), {})
            elif server and servers is not None:
                servers[server.group(1)] = (server.group(2), int(server.group(3)))
        return table

    def process_names(self):
        """What `ps` calls the processes of the host, without those of run() and start() that have ended."""
        for process in self.processes:
            process.alive()  # waits for it when it has ended
        return self.run(["ps", "-eo", "comm="]).stdout.split()


class Lan:
    """Hosts and the switches between them. `folder` takes the programs' output."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.hosts = {}
        self.switches = {}
        self.ports = 0

    def host(self, name, private_dev=False, **interfaces):
        """A new host; each interface is (switch, address/prefix...), eth0=("office", "192.168.4.11/24")."""
        host = Host(self, name, private_dev, interfaces)
        self.hosts[name] = host
        return host.boot()

    def switch(self, name):
        """A bridge that forwards at once and knows no multicast groups."""
        host = Host(self, f"switch-{name}").boot()
        self.switches[name] = host
        host.run(["ip", "link", "add", "lan", "type", "bridge", "forward_delay", "0", "mcast_snooping", "0"])
        host.run(["ip", "link", "set", "lan", "up"])
        return host

    def plug(self, host, device, switch, *addresses):
        """A cable between the host's device and a switch. The port's name on the switch is the returned text."""
        self.ports += 1
        port = f"{host.name[:8]}.{self.ports}"
        at_switch = self.switches[switch].pid
        # Only the network namespace is entered, so that the other host's pid is understood.
        batch = (f"link add {port} type veth peer name {device} netns {host.pid}\n"
                 f"link set {port} master lan up\n")
        self.ip_batch(at_switch, batch)
        lines = [f"addr add {a} dev {device}{' nodad' if ':' in a else ''}\n" for a in addresses]
        self.ip_batch(host.pid, "".join(lines) + f"link set {device} up\n")
        # An address added before the link is up has no connected route in IPv6; there is none missing in IPv4.
        # The kernel tells of a new carrier when it comes to it, on a busy machine after a program has started.
        wait_until(lambda: self.running(host.pid, device), 10, f"{device} of {host.name} to have a carrier")
        return port

    @staticmethod
    def running(pid, device):
        with entered(pid, CLONE_NEWNET, socket.socket, socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            answer = fcntl.ioctl(any_socket, SIOCGIFFLAGS, struct.pack("16sH14x", device.encode(), 0))
        return bool(struct.unpack_from("H", answer, 16)[0] & IFF_RUNNING)

    @staticmethod
    def ip_batch(pid, lines):
        done = entered(pid, CLONE_NEWNET, subprocess.run, ["ip", "-batch", "-"], input=lines, capture_output=True, text=True,
                       timeout=30, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"ip -batch failed: {done.stderr}\n{lines}")

    def logs(self):
        """(name, text) of what every program wrote, the oldest first."""
        for path in sorted(self.folder.glob("*.log"), key=lambda p: p.stat().st_ctime):
            yield path.name, path.read_text(encoding="utf-8", errors="replace")

    def close(self):
        """Ends everything: programs gently, for they may have children elsewhere, then hosts and switches."""
        running = [p for h in self.hosts.values() for p in h.processes if p.alive()]
        for process in running:
            try:
                process.send(signal.SIGTERM)
            except (OSError, RuntimeError, TimeoutError):
                pass
        end = time.monotonic() + 3
        for process in running:
            try:
                process.wait(max(0.01, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass
        for host in [*self.hosts.values(), *self.switches.values()]:
            host.kill()
        self.hosts.clear()
        self.switches.clear()
