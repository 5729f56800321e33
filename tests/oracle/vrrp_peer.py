"""Another router on a switch, as far as a director can see: adverts of version 3, again and again.

Reads JSON lines: the whole list of what is sent from now on, each [switch's device, VRID, "inet"|"inet6", priority,
addresses]. Runs in the switch's network namespace.
"""

import ipaddress
import json
import os
import select
import socket
import struct
import sys
import time

EVERY = 0.03
CENTISECONDS = 3
SOURCE = {"inet": "192.168.4.254", "inet6": "fe80::fe"}
GROUP = {"inet": ("224.0.0.18", "01005e000012"), "inet6": ("ff02::12", "333300000012")}


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def frame(vrid, family, priority, addresses):
    source = ipaddress.ip_address(SOURCE[family]).packed
    group, mac = GROUP[family]
    group = ipaddress.ip_address(group).packed
    raw = b"".join(ipaddress.ip_address(a).packed for a in addresses)
    packet = struct.pack("!BBBBHH", 0x31, vrid, priority, len(addresses), CENTISECONDS, 0) + raw
    pseudo = source + group + (struct.pack("!BBH", 0, 112, len(packet)) if family == "inet"
                               else struct.pack("!IHBB", len(packet), 0, 0, 112))
    packet = packet[:6] + struct.pack("!H", checksum(pseudo + packet)) + packet[8:]
    if family == "inet":
        header = struct.pack("!BBHHHBBH", 0x45, 0xc0, 20 + len(packet), 1, 0, 255, 112, 0) + source + group
        header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    else:
        header = struct.pack("!IHBB", 0x60000000, len(packet), 112, 255) + source + group
    ethernet = bytes.fromhex(mac) + bytes.fromhex("0200000000fe") + (b"\x08\x00" if family == "inet" else b"\x86\xdd")
    return ethernet + header + packet


def be_punctual():
    """Late adverts would make the instances that follow it masters for a moment."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except OSError:  # not in every container
        os.nice(-10)


def main():
    be_punctual()
    sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    frames = []
    print("ready", flush=True)
    while True:
        for device, data in frames:
            sender.sendto(data, (device, 0))
        ready, _, _ = select.select([sys.stdin], [], [], EVERY if frames else None)
        if not ready:
            continue
        line = sys.stdin.readline()
        if not line:
            return
        frames = [(device, frame(*rest)) for device, *rest in json.loads(line)]
        print("ok", flush=True)
        time.sleep(0)


main()
