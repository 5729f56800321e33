"""Real servers for the comparison with keepalived: one program that plays them all, and the mail server as well.

    /usr/bin/python3 lvs_servers.py ENDPOINTS MAILS

ENDPOINTS is a file of JSON: [{"kind", "address", "port", ...}], kind one of tcp, http (with "status" by path and "tls",
a PEM file with key and certificate), smtp, mail, dns, udp. What arrives at a mail endpoint is a line of JSON in the file
MAILS. Lines on stdin, "down NUMBER..." and "up NUMBER...", close and open endpoints by their place in the list; each is
answered by a line "done". A server that is down refuses connections. "looks" is answered by a line of JSON: how often
each endpoint was looked at so far, whether it was up or down.
"""

import asyncio
import ipaddress
import json
import socket
import ssl
import struct
import sys

BODY = b"ok\n"
REASONS = {200: "OK", 204: "No Content", 301: "Moved Permanently", 302: "Found", 404: "Not Found"}


ALL_PROTOCOLS, OUTGOING = 3, 4  # of <linux/if_ether.h>, <linux/if_packet.h>
TCP, UDP, SYN, ACK = 6, 17, 2, 16


class Looks:
    """Counts what goes to the endpoints over lo: connections that begin, datagrams. So one that is refused is seen, too."""

    def __init__(self, told):
        self.numbers = {(UDP if entry["kind"] in ("dns", "udp") else TCP, ipaddress.ip_address(entry["address"]).packed,
                         entry["port"]): number for number, entry in enumerate(told)}
        self.counts = [0] * len(told)
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, socket.htons(ALL_PROTOCOLS))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind(("lo", ALL_PROTOCOLS))

    def read(self):
        while True:
            try:
                packet, (_, _, kind, *_) = self.socket.recvfrom(128)
            except BlockingIOError:
                return
            if kind != OUTGOING and len(packet) > 20:  # lo shows each packet twice
                self.packet(packet)

    def packet(self, packet):
        if packet[0] >> 4 == 4:
            protocol, to, rest = packet[9], packet[16:20], packet[(packet[0] & 15) * 4:]
        else:
            protocol, to, rest = packet[6], packet[24:40], packet[40:]
        if len(rest) < 8 or protocol not in (TCP, UDP) or (protocol == TCP and rest[13] & (SYN | ACK) != SYN):
            return
        number = self.numbers.get((protocol, to, struct.unpack("!H", rest[2:4])[0]))
        if number is not None:
            self.counts[number] += 1


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self, dns):
        self.dns, self.transport = dns, None

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        if self.dns and len(data) >= 12:  # the question, as an answer without error that has one record: of type A
            question = data[12:data.index(b"\0", 12) + 5]
            answer = b"\xc0\x0c" + question[-4:] + b"\0\0\0\x3c\0\4\x0a\0\0\1"
            data = data[:2] + b"\x84\x00\0\1\0\1\0\0\0\0" + question + answer
        self.transport.sendto(data, addr)


class Endpoint:
    def __init__(self, told, mails):
        self.told, self.mails, self.listening = told, mails, None

    async def up(self):
        if self.listening is not None:
            return
        address, port, kind = self.told["address"], self.told["port"], self.told["kind"]
        if kind in ("dns", "udp"):
            transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: Datagrams(kind == "dns"), local_addr=(address, port))
            self.listening = transport
            return
        tls = None
        if self.told.get("tls"):
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(self.told["tls"])
        self.listening = await asyncio.start_server(self.serve, address, port, ssl=tls, backlog=64)

    async def down(self):
        if self.listening is not None:
            self.listening.close()
            self.listening = None

    async def serve(self, reader, writer):
        try:
            await asyncio.wait_for(getattr(self, self.told["kind"])(reader, writer), 20)
        except (OSError, EOFError, ValueError, asyncio.TimeoutError):
            pass
        writer.close()

    async def tcp(self, _reader, _writer):
        pass

    async def http(self, reader, writer):
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        status = self.told["status"].get(path, 200)
        writer.write(f"HTTP/1.1 {status} {REASONS.get(status, 'Whatever')}\r\nContent-Type: text/plain\r\n"
                     f"Content-Length: {len(BODY)}\r\nConnection: close\r\n\r\n".encode() + BODY)
        await writer.drain()

    async def smtp(self, reader, writer):
        await self.mail(reader, writer)

    async def mail(self, reader, writer):
        writer.write(b"220 mail.test ESMTP\r\n")
        recipients = []
        while line := (await reader.readline()).decode(errors="replace").strip():
            verb = line.split(":")[0].split()[0].upper()
            if verb == "RCPT":
                recipients.append(line.split("<")[-1].split(">")[0])
            elif verb == "DATA":
                writer.write(b"354 go on\r\n")
                text = (await reader.readuntil(b"\r\n.\r\n"))[:-5].decode(errors="surrogateescape")
                with open(self.mails, "a", encoding="utf-8") as out:
                    out.write(json.dumps({"to": recipients, "message": text}) + "\n")
            elif verb == "QUIT":
                writer.write(b"221 bye\r\n")
                await writer.drain()
                return
            writer.write(b"250 ok\r\n")


async def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        told = json.load(file)
    endpoints, looks = [Endpoint(entry, sys.argv[2]) for entry in told], Looks(told)
    for endpoint in endpoints:
        await endpoint.up()
    print("ready", flush=True)
    loop = asyncio.get_running_loop()
    loop.add_reader(looks.socket, looks.read)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        word, *numbers = line.split()
        if word == "looks":
            looks.read()
            print(json.dumps(looks.counts), flush=True)
            continue
        for number in numbers:
            await getattr(endpoints[int(number)], word)()
        print("done", flush=True)


asyncio.run(main())
