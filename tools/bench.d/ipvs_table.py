"""The kernel's IPVS table over a bare netlink socket: as little as there can be between a program and the table.

    ipvs_table.py floor SERVICES SERVERS BATCH     writes a table and deletes it, and tells the seconds of each
    ipvs_table.py await SERVICES SERVERS WEIGHT    prints the time when the last server of the last service has WEIGHT
    ipvs_table.py count                            services and servers that are there

Messages are made before the clock runs; only the last of a batch asks for an acknowledgement, and an error of any ends
the run. Run inside the network namespace that is meant.
"""
import socket
import struct
import sys
import time

NETLINK_GENERIC, NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 16, 1, 4, 0x300
NEW_SERVICE, DEL_SERVICE, GET_SERVICE, NEW_DEST, GET_DEST = 1, 3, 4, 5, 8
POLL = 0.002


def vip(number):
    return f"10.{100 + number // 62500}.{number // 250 % 250}.{number % 250 + 1}"


def rip(number, server):
    return f"172.{16 + server}.{number // 250}.{number % 250 + 1}"


def attribute(kind, value):
    data = struct.pack("=HH", 4 + len(value), kind) + value
    return data + b"\0" * (-len(data) % 4)


class Table:
    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind((0, 0))
        self.sequence, self.family = 0, 16
        answer = self.ask(self.message(3, attribute(2, b"IPVS\0"), version=1))
        at = answer.index(struct.pack("=HH", 6, 1))
        self.family = struct.unpack_from("=H", answer, at + 4)[0]

    def message(self, command, payload, flags=0, version=1):
        self.sequence += 1
        return struct.pack("=IHHII", 20 + len(payload), self.family, NLM_F_REQUEST | flags, self.sequence, 0) + \
            struct.pack("=BBH", command, version, 0) + payload

    def ask(self, message):
        self.socket.send(message)
        answer = self.socket.recv(1 << 16)
        self.check(answer)
        return answer

    @staticmethod
    def check(answer):
        if struct.unpack_from("=H", answer, 4)[0] == 2 and struct.unpack_from("=i", answer, 16)[0]:
            raise OSError(-struct.unpack_from("=i", answer, 16)[0], "IPVS refuses")

    @staticmethod
    def key(address, port=80):
        return (attribute(1, struct.pack("=H", 2)) + attribute(2, struct.pack("=H", 6)) +
                attribute(3, socket.inet_aton(address)) + attribute(4, struct.pack("!H", port)))

    def new_service(self, address):
        settings = (attribute(6, b"wrr\0") + attribute(7, struct.pack("=II", 0, 0xffffffff)) +
                    attribute(8, struct.pack("=I", 0)) + attribute(9, b"\xff\xff\xff\xff"))
        return self.message(NEW_SERVICE, attribute(1, self.key(address) + settings))

    def new_destination(self, address, server, weight=1):
        what = (attribute(1, socket.inet_aton(server)) + attribute(2, struct.pack("!H", 80)) +
                attribute(3, struct.pack("=I", 0)) + attribute(4, struct.pack("=I", weight)) +
                attribute(5, struct.pack("=I", 0)) + attribute(6, struct.pack("=I", 0)) + attribute(11, struct.pack("=H", 2)))
        return self.message(NEW_DEST, attribute(1, self.key(address)) + attribute(2, what))

    def write(self, messages, batch):
        """Seconds."""
        joined = []
        for begin in range(0, len(messages), batch):
            part = messages[begin:begin + batch]
            last = bytearray(part[-1])
            last[6] |= NLM_F_ACK
            joined.append(b"".join(part[:-1]) + bytes(last))
        begun = time.perf_counter()
        for piece in joined:
            self.socket.send(piece)
            self.check(self.socket.recv(1 << 16))
        return time.perf_counter() - begun

    def dump(self, command, payload=b""):
        """The payloads of a dump's messages."""
        self.socket.send(self.message(command, payload, NLM_F_DUMP))
        found = []
        while True:
            data, at = self.socket.recv(1 << 17), 0
            while at < len(data):
                length, kind = struct.unpack_from("=IH", data, at)
                if kind == 3:
                    return found
                self.check(data[at:])
                found.append(data[at + 20:at + length])
                at += (length + 3) & ~3

    def weight(self, service, server):
        """Of this destination; None when it is not there."""
        sought = struct.pack("=HH", 20, 1) + socket.inet_aton(server)  # with room for IPv6
        for entry in self.dump(GET_DEST, attribute(1, self.key(service))):
            if sought in entry:
                return struct.unpack_from("=I", entry, entry.index(struct.pack("=HH", 8, 4)) + 4)[0]
        return None


def main():
    word, *numbers = sys.argv[1:]
    table = Table()
    if word == "floor":
        services, servers, batch = map(int, numbers)
        messages = []
        for n in range(services):
            messages.append(table.new_service(vip(n)))
            messages += [table.new_destination(vip(n), rip(n, s)) for s in range(servers)]
        deletions = [table.message(DEL_SERVICE, attribute(1, table.key(vip(n)))) for n in range(services)]
        print(table.write(messages, batch), table.write(deletions, batch))
    elif word == "await":
        services, servers, weight = map(int, numbers)
        print("waiting", flush=True)
        while True:
            now = time.time()
            if table.weight(vip(services - 1), rip(services - 1, servers - 1)) == weight:
                break
            time.sleep(POLL)
        print(now)
    else:
        services = [entry[entry.index(struct.pack("=HH", 20, 3)) + 4:][:4] for entry in table.dump(GET_SERVICE)]
        print(len(services), sum(len(table.dump(GET_DEST, attribute(1, table.key(socket.inet_ntoa(a))))) for a in services))


if __name__ == "__main__":
    main()
