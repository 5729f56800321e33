"""What the kernel tells of a host's netlink sockets, and more than they hold."""

import itertools
import socket
import struct

from .wait import wait_until

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY, DUMP, DONE = 20, 0x301, 3
SHOW_MEMINFO, ALL_PROTOCOLS, MEMINFO = 1, 255, 0


def attribute(kind, data):
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def attributes(data):
    """{kind: what it holds}, without the flags in the kinds."""
    found, at = {}, 0
    while at + 4 <= len(data):
        size, kind = struct.unpack_from("=HH", data, at)
        if size < 4:
            break
        found[kind & 0x3fff] = data[at + 4:at + size]
        at += (size + 3) & ~3
    return found


def buffers(host):
    """Receive buffers of the host's netlink sockets, as the kernel counts them: twice what was asked for."""
    return host.call(buffers_here)


def buffers_here():
    """Those of this network namespace. Asked of the kernel itself: ss of iproute2 6.15 leaves the memory of netlink sockets out.
    A request for all sockets of all protocols (linux/netlink_diag.h), whose answers have SK_MEMINFO_RCVBUF as the second word
    of NETLINK_DIAG_MEMINFO."""
    sizes, done = set(), False
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as asking:
        asking.send(struct.pack("=IHHIIBBHIIII", 36, SOCK_DIAG_BY_FAMILY, DUMP, 1, 0, socket.AF_NETLINK, ALL_PROTOCOLS, 0, 0, SHOW_MEMINFO, 0, 0))
        while not done:
            block = asking.recv(1 << 20)
            while len(block) >= 16:
                length, kind = struct.unpack_from("=IH", block)
                done = done or kind == DONE
                told = attributes(block[16 + 28:length]) if kind == SOCK_DIAG_BY_FAMILY else {}
                if MEMINFO in told:
                    sizes.add(struct.unpack_from("=I", told[MEMINFO], 4)[0])
                block = block[(length + 3) // 4 * 4:]
    return sizes


def burst():
    """More changes than the socket of a process that stands still holds: RTM_NEWLINK that ask for another MTU of lo; ip would
    take too long for them."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        for first in range(0, 12_000, 200):
            kernel.send(b"".join(struct.pack("=IHHIIBxHiIIHHI", 40, 16, 1, n + 1, 0, 0, 0, 1, 0, 0, 8, 4, 65_000 + n % 2)
                                 for n in range(first, first + 200)))


def ip_monitor(host, what):
    """`ip monitor address` or `route` on a host, once it listens: it has shown one of the addresses that lo gets for that."""
    monitor, numbers = host.start(["ip", "monitor", what]), itertools.count(1)

    def listens():
        host.run(["ip", "addr", "add", f"192.0.2.{next(numbers)}/32", "dev", "lo"])
        return "192.0.2." in monitor.output()
    wait_until(listens, 10, "ip monitor to listen")
    return monitor
