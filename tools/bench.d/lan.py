"""What the VRRP comparisons share: pairs of directors on a switch of their own, and a listener on that switch that
keeps the kernel's time of every advertisement and gratuitous ARP.

The programs run on hosts made of namespaces (tests/support/hosts.py). Times are CLOCK_REALTIME in nanoseconds, as the
kernel stamped the frames where they entered the switch.
"""
import ctypes
import os
import pathlib
import select
import shutil
import signal
import socket
import struct
import sys
import threading
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tests"))

from support.hosts import Lan  # noqa: E402
from support.wait import wait_until  # noqa: E402

PROGRAMS = ("mainstay", "keepalived")
# Of a pair of directors: the version, and the seconds between two advertisements.
CASES = {"v2-1": (2, 1.0), "v3-0.1": (3, 0.1), "v3-0.01": (3, 0.01)}
TITLES = {"v2-1": "version 2 at 1 s", "v3-0.1": "version 3 at 0.1 s", "v3-0.01": "version 3 at 0.01 s"}
CLONE_NEWNET = 0x40000000
ETH_P_ALL, SO_TIMESTAMPNS, SO_RCVBUFFORCE = 3, 35, 33
BUFFER = 32 << 20
FRAME = 256  # no more of a frame is looked at


def vip(number):
    return f"10.99.{number // 250}.{number % 250 + 1}"


def instance(priority, version, interval, vips=1, vrid=51, more=""):
    """One vrrp_instance; an advertisement carries at most 200 addresses, the others are excluded ones."""
    listed, excluded = [vip(n) for n in range(min(vips, 200))], [vip(n) for n in range(200, vips)]
    block = "virtual_ipaddress_excluded {\n" + "\n".join(excluded) + "\n}\n" if excluded else ""
    return (f"vrrp_instance VI_{vrid} {{\nstate BACKUP\ninterface eth0\nvirtual_router_id {vrid}\npriority {priority}\n"
            f"version {version}\nadvert_int {interval}\nvirtual_ipaddress {{\n" + "\n".join(listed) + "\n}\n" +
            block + more + "}\n")


class Listener:
    """Everything that enters a switch by one port, in a thread; started at its construction."""

    def __init__(self, pid, port):
        self.heard, self.lost = [], 0  # (nanoseconds, "advert" or "arp", source, priority or address)
        made = threading.Event()
        self.socket = None
        self.over = os.pipe()

        def listen():
            with open(f"/proc/{pid}/ns/net", "rb") as namespace:  # of this thread alone
                if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET) != 0:
                    made.set()
                    return
            listening = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            listening.bind((port, ETH_P_ALL))
            listening.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            listening.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
            self.socket = listening
            # The kernel keeps the times: whoever is measured is not to be kept from its processor by the listener.
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
            made.set()
            while True:
                ready, _, _ = select.select([listening, self.over[0]], [], [])
                if self.over[0] in ready:
                    return
                try:
                    self.take(*listening.recvmsg(FRAME, 64))
                except OSError:  # the port went down: said once, and it comes up again
                    pass

        self.thread = threading.Thread(target=listen, daemon=True)
        self.thread.start()
        if not made.wait(10) or self.socket is None:
            raise RuntimeError(f"cannot listen on {port}")

    def take(self, frame, control, _flags, address):
        if address[2] == socket.PACKET_OUTGOING:
            return
        stamp = next((data for level, kind, data in control if kind == SO_TIMESTAMPNS), None)
        if stamp is None:
            return
        seconds, nanoseconds = struct.unpack("qq", stamp[:16])
        at = seconds * 1_000_000_000 + nanoseconds
        if frame[12:14] == b"\x08\x00" and frame[23] == 112:
            self.heard.append((at, "advert", socket.inet_ntoa(frame[26:30]), frame[14 + 20 + 2]))
        elif frame[12:14] == b"\x08\x06" and frame[28:32] == frame[38:42]:
            self.heard.append((at, "arp", frame[6:12].hex(":"), socket.inet_ntoa(frame[28:32])))

    def forget(self):
        self.heard.clear()

    def adverts(self, source=None):
        return [entry for entry in list(self.heard) if entry[1] == "advert" and source in (None, entry[2])]

    def arps(self):
        return [entry for entry in list(self.heard) if entry[1] == "arp"]

    def close(self):
        os.write(self.over[1], b"x")
        self.thread.join(5)
        self.socket.close()


class Director:
    """A host with one of the two programs."""

    def __init__(self, lan, name, address, configuration):
        self.lan, self.name, self.address, self.configuration = lan, name, address, configuration
        self.host = lan.host(name)
        self.port = lan.plug(self.host, "eth0", "office", f"{address}/24")
        self.program, self.daemon = None, None

    def start(self, program, options=()):
        self.program = program
        path = self.host.write("/run/director.conf", self.configuration)
        command = [str(TOP / "build/src/cli/mainstayd")] if program == "mainstay" else [shutil.which("keepalived") or
                                                                                         "/usr/sbin/keepalived"]
        self.daemon = self.host.start([*command, "-n", "-l", "-G", *options, "-f", path])

    def children(self):
        path = pathlib.Path(f"/proc/{self.daemon.pid}/task/{self.daemon.pid}/children")
        return [int(pid) for pid in path.read_text(encoding="ascii").split()]

    def kill(self):
        """Everything within microseconds, before anything could say goodbye or start anything anew."""
        for pid in [*self.children(), self.daemon.pid]:
            os.kill(pid, signal.SIGKILL)
        self.daemon.wait(10)

    def stop(self):
        os.kill(self.daemon.pid, signal.SIGTERM)

    def wipe(self):
        """What a killed program left on the interface."""
        self.host.run(["ip", "addr", "flush", "dev", "eth0", "to", "10.99.0.0/16"])

    def holds_vip(self):
        return self.host.holds(vip(0))


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


__all__ = ["CASES", "Director", "Lan", "Listener", "PROGRAMS", "TITLES", "TOP", "instance", "percentile", "time", "vip",
           "wait_until"]
