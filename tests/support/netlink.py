"""What the kernel tells of a host's netlink sockets, and more than they hold."""

import itertools
import json
import subprocess

from .wait import wait_until

# Asked of the kernel itself: ss of iproute2 6.15 leaves the memory of netlink sockets out. A request for all sockets of all
# protocols (linux/netlink_diag.h), whose answers have SK_MEMINFO_RCVBUF as the second word of NETLINK_DIAG_MEMINFO.
ASK = """
import json, socket, struct
SOCK_DIAG, BY_FAMILY, DUMP, DONE = 4, 20, 0x301, 3
SHOW_MEMINFO, ALL_PROTOCOLS, MEMINFO = 1, 255, 0
asking = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, SOCK_DIAG)
asking.send(struct.pack("=IHHIIBBHIIII", 36, BY_FAMILY, DUMP, 1, 0,
                        socket.AF_NETLINK, ALL_PROTOCOLS, 0, 0, SHOW_MEMINFO, 0, 0))
sizes, done = set(), False
while not done:
    block = asking.recv(1 << 20)
    while len(block) >= 16:
        length, kind = struct.unpack_from("=IH", block)
        done = done or kind == DONE
        at = 16 + 28
        while kind == BY_FAMILY and at + 4 <= length:
            size, name = struct.unpack_from("=HH", block, at)
            if name == MEMINFO:
                sizes.add(struct.unpack_from("=I", block, at + 8)[0])
            at += (size + 3) // 4 * 4
        block = block[(length + 3) // 4 * 4:]
print(json.dumps(sorted(sizes)))
"""


def buffers(host=None):
    """Receive buffers of the host's netlink sockets (or of this network namespace), as the kernel counts them: twice what
    was asked for."""
    command = ["/usr/bin/python3", "-c", ASK]
    done = host.run(command) if host else subprocess.run(command, capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


# More changes than the socket of a process that stands still holds: RTM_NEWLINK that ask for another MTU of lo; ip would
# take too long for them.
BURST = """
import socket, struct
kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
for first in range(0, 12_000, 200):
    kernel.send(b"".join(struct.pack("=IHHIIBxHiIIHHI", 40, 16, 1, n + 1, 0, 0, 0, 1, 0, 0, 8, 4, 65_000 + n % 2)
                         for n in range(first, first + 200)))
"""


def ip_monitor(host, what):
    """`ip monitor address` or `route` on a host, once it listens: it has shown one of the addresses that lo gets for that."""
    monitor, numbers = host.start(["ip", "monitor", what]), itertools.count(1)

    def listens():
        host.run(["ip", "addr", "add", f"192.0.2.{next(numbers)}/32", "dev", "lo"])
        return "192.0.2." in monitor.output()
    wait_until(listens, 10, "ip monitor to listen")
    return monitor
