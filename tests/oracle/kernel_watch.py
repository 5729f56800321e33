"""What the kernel tells while a step is carried out: addresses, routes, rules and links that were absent for a moment.

The same things are read before and after, straight from rtnetlink. A thing that stands in both must not have been
deleted in between. The kernel drops some routes silently; that they come back is told, and shows that they were gone.
"""

import socket
import struct

from support.netlink import attributes

RTM_NEWLINK, RTM_DELLINK = 16, 17
RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22
RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
RTM_NEWRULE, RTM_DELRULE, RTM_GETRULE = 32, 33, 34
RTM_GETLINK = 18
NLM_F_REQUEST, NLM_F_DUMP = 1, 0x300
NLM_F_REPLACE = 0x100
NLMSG_ERROR, NLMSG_DONE = 2, 3
# RTNLGRP_LINK, IPV4_IFADDR, IPV4_ROUTE, IPV4_RULE, IPV6_IFADDR, IPV6_ROUTE, IPV6_RULE
GROUPS = (1, 5, 7, 8, 9, 11, 19)
SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, SO_RCVBUFFORCE = 270, 1, 33
BUFFER = 8 << 20
# An address that the kernel changes by itself is the same: secondary, tentative, deprecated, permanent.
ADDRESS_FLAGS = 0xffff & ~(0x01 | 0x20 | 0x40 | 0x80)
RTPROT_KERNEL, RTPROT_RA = 2, 9
RTM_F_CLONED = 0x200


def ip_text(family, raw):
    return socket.inet_ntop(family, raw) if raw is not None else "default"


def number(raw):
    return int.from_bytes(raw, "little") if raw is not None else 0


def address_key(body, names):
    family, length, flags, scope, index = struct.unpack_from("BBBBI", body)
    have = attributes(body[8:])
    local = have.get(2, have.get(1))
    flags = number(have[8]) if 8 in have else flags
    label = have.get(3, b"").rstrip(b"\0").decode()
    preferred = struct.unpack_from("I", have[6])[0] if 6 in have else 0
    kind = "for ever" if preferred == 0xffffffff else "deprecated" if preferred == 0 else "for a time"
    return ("address", f"{ip_text(family, local)}/{length}", f"dev {names.get(index, index)}", f"scope {scope}",
            f"label {label}", f"flags {flags & ADDRESS_FLAGS:#x}", kind,
            f"peer {ip_text(family, have[1])}" if 2 in have and have.get(1) != local else "",
            f"brd {ip_text(family, have[4])}" if 4 in have else "")


def route_key(body, names):
    family, dst_len, _, tos, table, protocol, scope, kind, flags = struct.unpack_from("BBBBBBBBI", body)
    if family not in (socket.AF_INET, socket.AF_INET6) or protocol in (RTPROT_KERNEL, RTPROT_RA) or flags & RTM_F_CLONED:
        return None
    have = attributes(body[12:])
    table = number(have[15]) if 15 in have else table
    oif = number(have.get(4))
    expires = 12 in have and number(have[12][20:24]) != 0
    rest = b"".join(have[k] for k in (5, 7, 8, 9, 11, 20, 21, 22) if k in have).hex()
    return ("route", f"{ip_text(family, have.get(1))}/{dst_len}", f"table {table}",
            f"dev {names.get(oif, oif)}" if oif else "", f"metric {number(have.get(6))}", f"tos {tos}",
            f"type {kind}", f"scope {scope}", f"protocol {protocol}", "expires" if expires else "", rest)


def rule_key(body):
    family, _, _, _, table, _, _, action, flags = struct.unpack_from("BBBBBBBBI", body)
    have = attributes(body[12:])
    if number(have.get(21)) == RTPROT_KERNEL:
        return None
    rest = ",".join(f"{k}={v.hex()}" for k, v in sorted(have.items()) if k not in (6, 15))
    return ("rule", f"family {family}", f"pref {number(have.get(6))}", f"table {number(have.get(15)) or table}",
            f"action {action}", body[1:4].hex(), f"flags {flags & 2}", rest)


class KernelWatch:
    def __init__(self):
        self.requests = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        self.requests.bind((0, 0))
        self.listener = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE)
        self.listener.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
        self.listener.bind((0, 0))
        for group in GROUPS:
            self.listener.setsockopt(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group)
        self.names, self.before, self.sequence = {}, set(), 0

    def dump(self, kind):
        self.sequence += 1
        body = struct.pack("BBBBI", 0, 0, 0, 0, 0) + bytes(8)  # long enough for each of the headers
        self.requests.send(struct.pack("IHHII", 16 + len(body), kind, NLM_F_REQUEST | NLM_F_DUMP, self.sequence, 0) + body)
        while True:
            for kind_there, _, data in messages(self.requests.recv(1 << 20)):
                if kind_there == NLMSG_DONE:
                    return
                if kind_there == NLMSG_ERROR:
                    raise OSError(f"a dump was refused: {struct.unpack_from('i', data)[0]}")
                yield data

    def key(self, kind, body):
        if kind in (RTM_NEWADDR, RTM_DELADDR):
            return address_key(body, self.names)
        if kind in (RTM_NEWROUTE, RTM_DELROUTE):
            return route_key(body, self.names)
        if kind in (RTM_NEWRULE, RTM_DELRULE):
            return rule_key(body)
        return None

    def learn(self, body):
        index = struct.unpack_from("i", body, 4)[0]
        self.names[index] = attributes(body[16:]).get(3, b"").rstrip(b"\0").decode()
        return index

    def held(self):
        links = {("link", self.names[self.learn(body)]) for body in self.dump(RTM_GETLINK)}
        keys = {self.key(new, body) for ask, new in ((RTM_GETADDR, RTM_NEWADDR), (RTM_GETROUTE, RTM_NEWROUTE),
                                                     (RTM_GETRULE, RTM_NEWRULE)) for body in self.dump(ask)}
        return (keys | links) - {None}

    def events(self):
        while True:
            try:
                data = self.listener.recv(1 << 20)
            except BlockingIOError:
                return
            yield from messages(data)

    def mark(self):
        for _ in self.events():
            pass
        self.names = {}
        self.before = self.held()

    def losses(self):
        """[{"what": text, "kind": ..., "dev": ...}] of what is there now as before, and was absent in between."""
        absent = {}
        for kind, flags, body in self.events():
            if kind == RTM_NEWLINK:
                self.learn(body)
            elif kind == RTM_DELLINK:
                absent[("link", self.names.get(struct.unpack_from("i", body, 4)[0], ""))] = "was deleted"
            elif kind in (RTM_DELADDR, RTM_DELROUTE, RTM_DELRULE):
                absent[self.key(kind, body)] = "was deleted"
            elif kind == RTM_NEWROUTE and not flags & NLM_F_REPLACE:
                # What was there all along is not made again.
                absent.setdefault(self.key(kind, body), "was gone without a word, and made again")
        stays = self.before & self.held()
        return [{"what": f"{' '.join(filter(None, key))} {how}", "key": list(key)}
                for key, how in absent.items() if key in stays]


def messages(data):
    at = 0
    while at + 16 <= len(data):
        size, kind, flags = struct.unpack_from("IHH", data, at)
        if size < 16:
            return
        yield kind, flags, data[at + 16:at + size]
        at += (size + 3) & ~3
