"""Links, addresses and routes of a network namespace by rtnetlink (RFC 3549), without a program: in the lab each that starts takes
70 ms, and tests ask again and again."""

import collections
import ipaddress
import os
import socket
import struct

from .netlink import attribute, attributes

# linux/netlink.h, linux/rtnetlink.h
REQUEST, ACK, DUMP, CREATE_NEW = 0x1, 0x4, 0x300, 0x600
ERROR, DONE = 2, 3
NEWLINK, GETLINK, NEWADDR, GETADDR, GETROUTE = 16, 18, 20, 22, 26
HEADER, LINK, ADDRESS, ROUTE = struct.Struct("=IHHII"), struct.Struct("=BxHiII"), struct.Struct("=BBBBI"), struct.Struct("=8BI")
ROUTE_TO = 1
# linux/if_link.h, linux/if_addr.h
IFNAME, MASTER, LINKINFO, NET_NS_PID, KIND, DATA, PEER = 3, 10, 18, 19, 1, 2, 1
BRIDGE_FORWARD_DELAY, BRIDGE_MULTICAST_SNOOPING = 1, 23
IFA_ADDRESS, IFA_LOCAL, IFA_CACHEINFO, IFA_PROTO, IFA_NODAD = 1, 2, 6, 11, 0x2
SCOPE_GLOBAL = 0
IFF_UP, IFF_RUNNING = 0x1, 0x40

Link = collections.namedtuple("Link", "index name running")
# `seconds` that it has left, 2^32 - 1 when it stays; `protocol`: who set it.
Address = collections.namedtuple("Address", "text prefix scope seconds protocol")


def text(value):
    return value.encode() + b"\0"


def word(value):
    return struct.pack("=I", value)


class Links:
    """The links of the network namespace in which this is made."""

    def __init__(self):
        self.kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kernel.close()

    def ask(self, kind, flags, body):
        """Sends a request, and returns what the kernel answers until it is done. Raises OSError when it refuses."""
        self.kernel.send(HEADER.pack(HEADER.size + len(body), kind, REQUEST | flags, 1, 0) + body)
        answers = []
        while True:
            block = self.kernel.recv(1 << 16)
            while block:
                length, kind, *_ = HEADER.unpack_from(block)
                if kind in (ERROR, DONE):
                    error = -struct.unpack_from("=i", block, HEADER.size)[0] if kind == ERROR else 0
                    if error:
                        raise OSError(error, f"the kernel refuses a request about links: {os.strerror(error)}")
                    return answers
                answers.append(block[HEADER.size:length])
                block = block[(length + 3) // 4 * 4:]

    def add(self, name, kind, data, *more):
        """A new link, which is up."""
        self.ask(NEWLINK, ACK | CREATE_NEW, LINK.pack(0, 0, 0, IFF_UP, IFF_UP) + attribute(IFNAME, text(name)) + b"".join(more) +
                 attribute(LINKINFO, attribute(KIND, text(kind)) + attribute(DATA, data)))

    def add_bridge(self, name):
        """A bridge that forwards at once and knows no multicast groups."""
        self.add(name, "bridge", attribute(BRIDGE_FORWARD_DELAY, word(0)) + attribute(BRIDGE_MULTICAST_SNOOPING, b"\0"))

    def add_cable(self, port, bridge, device, pid):
        """A port of the bridge whose other end is `device` in the network namespace of a process."""
        peer = LINK.pack(0, 0, 0, 0, 0) + attribute(IFNAME, text(device)) + attribute(NET_NS_PID, word(pid))
        self.add(port, "veth", attribute(PEER, peer), attribute(MASTER, word(self.link(bridge).index)))

    def set_up(self, name):
        self.ask(NEWLINK, ACK, LINK.pack(0, 0, self.link(name).index, IFF_UP, IFF_UP))

    def link(self, name):
        answer = self.ask(GETLINK, ACK, LINK.pack(0, 0, 0, 0, 0) + attribute(IFNAME, text(name)))[0]
        _, _, index, flags, _ = LINK.unpack_from(answer)
        return Link(index, name, bool(flags & IFF_RUNNING))

    def add_address(self, name, written):
        address = ipaddress.ip_interface(written)
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        self.ask(NEWADDR, ACK | CREATE_NEW,
                 ADDRESS.pack(family, address.network.prefixlen, IFA_NODAD if address.version == 6 else 0, 0, self.link(name).index) +
                 attribute(IFA_LOCAL, address.packed) + attribute(IFA_ADDRESS, address.packed))

    def addresses(self, name=None):
        """All Addresses, or those of a link."""
        index = self.link(name).index if name else None
        found = []
        for answer in self.ask(GETADDR, DUMP, ADDRESS.pack(0, 0, 0, 0, 0)):
            _, prefix, _, scope, of = ADDRESS.unpack_from(answer)
            told = attributes(answer[ADDRESS.size:])
            if index in (None, of):
                _, seconds = struct.unpack_from("=II", told[IFA_CACHEINFO])
                address = ipaddress.ip_address(told.get(IFA_LOCAL) or told[IFA_ADDRESS])
                found.append(Address(str(address), prefix, scope, seconds, told.get(IFA_PROTO, b"\0")[0]))
        return found

    def routes(self, table, protocol):
        """Where the routes of a table with this protocol lead to: "10.50.0.1" or "10.50.0.0/24"."""
        found = []
        for answer in self.ask(GETROUTE, DUMP, ROUTE.pack(*[0] * 9)):
            _, prefix, _, _, in_table, of, *_ = ROUTE.unpack_from(answer)
            to = attributes(answer[ROUTE.size:]).get(ROUTE_TO)
            if to and (in_table, of) == (table, protocol):
                found.append(str(ipaddress.ip_address(to)) + (f"/{prefix}" if prefix < 8 * len(to) else ""))
        return found
