"""Reads the kernel's IPVS table, straight from generic netlink: a look costs a millisecond, and is taken often."""

import socket
import struct

from support.netlink import attribute, attributes

GENERIC = 16
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 1, 4, 0x300
NLMSG_ERROR, NLMSG_DONE = 2, 3
GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 16, 3, 1, 2
# <linux/ip_vs.h>
GET_SERVICE, GET_DEST, GET_DAEMON, GET_CONFIG = 4, 8, 11, 13
NEW_SERVICE, DEL_SERVICE, NEW_DEST, SET_DEST, DEL_DEST, DEL_DAEMON, FLUSH = 1, 3, 5, 6, 7, 10, 17
SERVICE, DEST, DAEMON = 1, 2, 3
NESTED = 0x8000
HASHED = 2  # a flag that the kernel sets itself
PERSISTENT = 1
PROTOCOLS = {6: "TCP", 17: "UDP", 132: "SCTP"}
METHODS = {0: "NAT", 1: "local", 2: "TUN", 3: "DR"}
TUNNELS = {0: "ipip", 1: "gue", 2: "gre"}


def number(raw):
    return int.from_bytes(raw or b"", "little")


def big(raw):
    return int.from_bytes(raw or b"", "big")


def word(raw):
    return (raw or b"").rstrip(b"\0").decode()


def address(family, raw):
    return socket.inet_ntop(family, raw[:4 if family == socket.AF_INET else 16])


def service_name(have):
    """ "TCP 10.0.0.1:80", "FWM 5 inet6" """
    family = number(have.get(1))
    if 5 in have:
        return f"FWM {number(have[5])} inet{'6' if family == socket.AF_INET6 else ''}"
    return f"{PROTOCOLS.get(number(have.get(2)), '?')} {address(family, have[3])}:{big(have.get(4))}"


def service_said(have):
    flags = number(have.get(7, b"")[:4]) & ~HASHED
    said = {"scheduler": word(have.get(6)), "flags": flags, "engine": word(have.get(11))}
    if flags & PERSISTENT:  # else the kernel keeps them without using them
        said.update(timeout=number(have.get(8)), netmask=(have.get(9) or b"").hex())
    return said


def server_name(have, service_family):
    family = number(have[11]) if 11 in have else service_family
    return f"{address(family, have[1])}:{big(have.get(2))}"


def server_said(have):
    method = number(have.get(3)) & 7
    said = {"method": METHODS.get(method, method), "weight": number(have.get(4)), "most": number(have.get(5)),
            "least": number(have.get(6))}
    if method == 2:
        said["tunnel"] = f"{TUNNELS.get(number(have.get(13)))} {big(have.get(14))} {number(have.get(15))}"
    return said


def daemon_said(have):
    return {"interface": word(have.get(2)), "id": number(have.get(3)), "maxlen": number(have.get(4)),
            "group": address(socket.AF_INET, have[5]) if 5 in have else "", "port": number(have.get(7)),
            "ttl": number(have.get(8))}


def messages(data):
    at = 0
    while at + 16 <= len(data):
        size, kind, flags = struct.unpack_from("IHH", data, at)
        if size < 16:
            return
        yield kind, flags, data[at + 16:at + size]
        at += (size + 3) & ~3


class Ipvs:
    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, GENERIC)
        self.socket.bind((0, 0))
        self.sequence = 0
        try:
            found = list(self.ask(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0, attribute(CTRL_ATTR_FAMILY_NAME, b"IPVS\0")))
            self.family = number(attributes(found[0])[CTRL_ATTR_FAMILY_ID])
        except OSError:
            self.family = None  # this kernel has none

    def ask(self, kind, command, flags, body=b""):
        """The attributes of each message of the answer."""
        self.sequence += 1
        self.socket.send(struct.pack("IHHII", 20 + len(body), kind, NLM_F_REQUEST | (flags or NLM_F_ACK), self.sequence, 0)
                         + struct.pack("BBH", command, 1, 0) + body)
        while True:
            for said, _, data in messages(self.socket.recv(1 << 20)):
                if said == NLMSG_DONE:
                    return
                if said == NLMSG_ERROR:
                    error = struct.unpack_from("i", data)[0]
                    if error != 0:
                        raise OSError(-error, "IPVS refused a question")
                    return
                yield data[4:]

    def table(self):
        """{service: {..., "servers": {server: {...}}}}"""
        table = {}
        if self.family is None:
            return table
        for data in list(self.ask(self.family, GET_SERVICE, NLM_F_DUMP)):
            raw = attributes(data)[SERVICE]
            have = attributes(raw)
            said = service_said(have)
            table[service_name(have)] = {**said, "servers": self.servers(raw, have)}
        return table

    def servers(self, raw, have):
        key = b"".join(attribute(k, have[k]) for k in (1, 2, 3, 4, 5) if k in have)
        try:
            found = list(self.ask(self.family, GET_DEST, NLM_F_DUMP, attribute(SERVICE | NESTED, key)))
        except OSError:
            return {}  # it went in between
        servers = {}
        for data in found:
            one = attributes(attributes(data)[DEST])
            servers[server_name(one, number(have.get(1)))] = server_said(one)
        return servers

    def daemons(self):
        found = {}
        if self.family is None:
            return found
        for data in list(self.ask(self.family, GET_DAEMON, NLM_F_DUMP)):
            have = attributes(attributes(data)[DAEMON])
            found["master" if number(have.get(1)) == 1 else "backup"] = daemon_said(have)
        return found

    def timeouts(self):
        if self.family is None:
            return []
        have = attributes(next(iter(list(self.ask(self.family, GET_CONFIG, 0)))))
        return [number(have.get(k)) for k in (4, 5, 6)]
