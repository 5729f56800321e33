"""What somebody deletes from IPVS while a step is carried out, as a netlink monitor of the host sees it.

The kernel tells nobody when its table changes, and a batch is done before anybody can look. So the requests are read:
a service, server or daemon that stands there before and after must not have been deleted in between, and a server
that has a weight in both must not have been given 0. What stands there neither before nor after must not have been put
in between.
"""

import socket
import struct

from . import ipvs_netlink as nl

ETH_P_ALL, SO_RCVBUFFORCE, PACKET_STATISTICS, SOL_PACKET = 3, 33, 6, 263
BUFFER = 16 << 20
PUT_IN = "was put in, and is not wanted"


def flat(table, daemons):
    """{what: weight}: services, servers and daemons by the text that names them; of a daemon all that it is."""
    found = {("daemon", state): said for state, said in daemons.items()}
    for service, said in table.items():
        found[("service", service)] = 1
        for server, one in said["servers"].items():
            found[("server", service, server)] = one["weight"]
    return found


class IpvsWatch:
    def __init__(self, ipvs):
        self.ipvs = ipvs
        self.tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.htons(ETH_P_ALL))
        self.tap.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
        self.tap.bind(("nlm0", 0))
        self.before = {}

    def packets(self):
        while True:
            try:
                data, where = self.tap.recvfrom(1 << 18)
            except BlockingIOError:
                return
            if where[1] == nl.GENERIC:
                yield data

    def mark(self):
        for _ in self.packets():
            pass
        self.before = flat(self.ipvs.table(), self.ipvs.daemons())

    def events(self):
        """(what, how) of each change that was asked for."""
        for data in self.packets():
            for kind, flags, body in nl.messages(data):
                if kind != self.ipvs.family or not flags & nl.NLM_F_REQUEST:
                    continue
                command, have = body[0], nl.attributes(body[4:])
                service = nl.attributes(have.get(nl.SERVICE, b""))
                family = nl.number(service.get(1))
                if command == nl.FLUSH:
                    yield from ((what, "was flushed") for what in self.before)
                elif command == nl.DEL_SERVICE:
                    yield ("service", nl.service_name(service)), "was deleted"
                elif command == nl.NEW_SERVICE:
                    yield ("service", nl.service_name(service)), PUT_IN
                elif command in (nl.DEL_DEST, nl.SET_DEST, nl.NEW_DEST):
                    server = nl.attributes(have.get(nl.DEST, b""))
                    what = ("server", nl.service_name(service), nl.server_name(server, family))
                    if command == nl.NEW_DEST:
                        yield what, PUT_IN
                    elif command == nl.DEL_DEST:
                        yield what, "was deleted"
                    elif nl.number(server.get(4)) == 0:
                        yield what, "was given weight 0"
                elif command == nl.DEL_DAEMON:
                    state = nl.number(nl.attributes(have.get(nl.DAEMON, b"")).get(1))
                    yield ("daemon", "master" if state == 1 else "backup"), "was stopped"

    def losses(self):
        events = list(self.events())
        after = flat(self.ipvs.table(), self.ipvs.daemons())
        lost = {}
        for what, how in events:
            weights = self.before.get(what), after.get(what)
            if how == PUT_IN:
                if weights == (None, None):
                    lost[what] = how
                continue
            if None in weights or (how == "was given weight 0" and 0 in weights):
                continue
            if what[0] == "daemon" and weights[0] != weights[1]:
                continue  # it cannot be changed while it runs
            lost[what] = how
        if self.dropped():
            raise RuntimeError("the netlink monitor lost messages")
        return [{"what": f"{' '.join(what)} {how}", "key": list(what)} for what, how in lost.items()]

    def dropped(self):
        return struct.unpack("II", self.tap.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]
