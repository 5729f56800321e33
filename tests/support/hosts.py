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
import ipaddress
import os
import pathlib
import signal
import subprocess
import time

from .links import Links
from .paths import TOP, program
from .wait import PATIENCE, wait_until

BOOT_SECONDS = 20
LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_FS, CLONE_NEWNS, CLONE_NEWNET = 0x200, 0x20000, 0x40000000  # linux/sched.h
A_HOSTS = CLONE_NEWNS | CLONE_NEWNET | 0x4000000 | 0x8000000 | 0x20000000  # with UTS, IPC and PID


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


def endpoint(text):
    """An address and a port as /proc has them, 0A000001:0050 or [fd00:0000:...]:0050, as people write them."""
    address, _, port = text.rpartition(":")
    if address.startswith("["):
        return f"[{ipaddress.ip_address(address[1:-1])}]:{int(port, 16)}"
    return f"{ipaddress.ip_address(int(address, 16))}:{int(port, 16)}"


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
            [program("host_init"), self.name, TOP, *(["private-dev"] if self.private_dev else [])],
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

    def call(self, function, *arguments):
        """Calls a function of this program in the host's network: its sockets are the host's."""
        return entered(self.pid, CLONE_NEWNET, function, *arguments)

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
        for key, value in settings.items():
            self.call(pathlib.Path("/proc/sys", *key.split("__")).write_text, str(value))

    # ---- what the kernel says ----

    def links(self):
        """Its Links. Only the network namespace is entered, so that pids are those of this program."""
        return self.call(Links)

    def has_carrier(self, device):
        with self.links() as links:
            return links.link(device).running

    def addresses(self, device=None):
        """All addresses with their prefix length, "192.168.4.15/32"."""
        with self.links() as links:
            return {f"{address.text}/{address.prefix}" for address in links.addresses(device)}

    def holds(self, address):
        """True when this address, with or without a prefix length, is on some interface."""
        return any(address in (have, have.split("/")[0]) for have in self.addresses())

    def ipvs(self):
        """The IPVS table: {"TCP 10.0.0.1:80 wrr": {"10.0.1.11:80": ("Route", 1)}}, with "persistent" after the scheduler.
        The kernel's file has no flags, and times in its own ticks; `ipvsadm` has all, and takes 200 ms in the lab."""
        table, servers = {}, None
        for line in pathlib.Path(f"/proc/{self.pid}/net/ip_vs").read_text(encoding="ascii").splitlines()[3:]:
            words = line.split()
            if words[0] == "->":
                servers[endpoint(words[1])] = (words[2], int(words[3]))
            else:
                of = str(int(words[1], 16)) if words[0] == "FWM" else endpoint(words[1])
                options = words[3:-2] if "persistent" in words else words[3:]  # without time and mask
                servers = table.setdefault(" ".join([words[0], of, words[2], *options]), {})
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
        host = self.switches[name] = Host(self, f"switch-{name}").boot()
        with host.links() as links:
            links.add_bridge("lan")
        return host

    def plug(self, host, device, switch, *addresses):
        """A cable between the host's device and a switch. The port's name on the switch is the returned text."""
        self.ports += 1
        port = f"{host.name[:8]}.{self.ports}"
        with self.switches[switch].links() as links:
            links.add_cable(port, "lan", device, host.pid)
        with host.links() as links:
            for address in addresses:
                links.add_address(device, address)
            links.set_up(device)
        # An address added before the link is up has no connected route in IPv6; there is none missing in IPv4.
        # The kernel tells of a new carrier when it comes to it, on a busy machine after a program has started.
        wait_until(lambda: host.has_carrier(device), 10, f"{device} of {host.name} to have a carrier")
        return port

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
