"""A host beside a pair of directors: it asks the virtual address fifty times a second and hears every advert.

usage: fault_witness.py DEVICE VIP, or fault_witness.py tcp VIP PORT, which asks only, by TCP, ten times a second
It prints a line for each event, with CLOCK_MONOTONIC: `sent T NUMBER`, `answer T NUMBER MAC`, `advert T SOURCE
PRIORITY`, and `arp T MAC` for each announcement of the virtual address. A step of the wall clock changes no such time.
"""

import contextlib
import os
import select
import socket
import struct
import sys
import time

PACE, TCP_PACE = 0.02, 0.1
ALL_IP, ARP = 0x0800, 0x0806
ICMP, VRRP = 1, 112
PACKET_ADD_MEMBERSHIP, PACKET_MR_ALLMULTI = 1, 2


def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def echo(ident, number):
    body = struct.pack(">HHQ", ident, number & 0xffff, number)
    return struct.pack(">BBH", 8, 0, checksum(b"\x08\x00" + body)) + body


def listener(device, kind):
    one = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(kind))
    one.bind((device, kind))
    one.setsockopt(263, PACKET_ADD_MEMBERSHIP,  # SOL_PACKET
                   struct.pack("iHH8s", socket.if_nametoindex(device), PACKET_MR_ALLMULTI, 0, b""))
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    return one


def say(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\n")


def hear_ip(packet, mac, ident):
    now, head = time.monotonic(), (packet[0] & 15) * 4
    body = packet[head:]
    if packet[9] == VRRP and len(body) >= 3:
        say("advert", f"{now:.4f}", socket.inet_ntoa(packet[12:16]), body[2])
    elif packet[9] == ICMP and body[:2] == b"\0\0" and len(body) >= 16:
        their, _, number = struct.unpack(">HHQ", body[4:16])
        if their == ident:
            say("answer", f"{now:.4f}", number, mac)


def main(device, vip):
    ident = os.getpid() & 0xffff
    packets, arp = listener(device, ALL_IP), listener(device, ARP)
    asking = socket.socket(socket.AF_INET, socket.SOCK_RAW, ICMP)
    asking.setblocking(False)
    address, number, due = socket.inet_aton(vip), 0, time.monotonic()
    say("ready")
    while True:
        sys.stdout.flush()
        ready, _, _ = select.select([packets, arp], [], [], max(0.0, due - time.monotonic()))
        for one in ready:
            data, where = one.recvfrom(2048)
            mac = where[4].hex(":")
            if one is packets:
                hear_ip(data, mac, ident)
            elif data[14:18] == address and where[2] != 4:  # not what this host itself sends
                say("arp", f"{time.monotonic():.4f}", mac)
        now = time.monotonic()
        if now >= due:
            due = max(due + PACE, now - PACE)
            number += 1
            say("sent", f"{now:.4f}", number)
            try:
                asking.sendto(echo(ident, number), (vip, 0))
            except OSError:
                pass  # no answer to ARP: the request has failed


def ask_by_tcp(vip, port):
    """Connects and waits for an answer; one that takes longer than half a second has failed."""
    say("ready")
    number = 0
    while True:
        sys.stdout.flush()
        number += 1
        begin = time.monotonic()
        say("sent", f"{begin:.4f}", number)
        with contextlib.suppress(OSError), socket.create_connection((vip, int(port)), 0.5) as one:
            if one.recv(64):
                say("answer", f"{time.monotonic():.4f}", number, "tcp")
        time.sleep(max(0.0, begin + TCP_PACE - time.monotonic()))


if __name__ == "__main__":
    if sys.argv[1] == "tcp":
        ask_by_tcp(*sys.argv[2:])
    else:
        main(*sys.argv[1:])
