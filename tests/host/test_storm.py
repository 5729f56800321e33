"""Advertisements from a host that means harm or is broken: forged, truncated, and a flood of a hundred thousand a second."""

import json
import pathlib
import re

import pytest

from support.capture import Capture
from support.kernel_probe import PROBE
from support.paths import program
from support.vrrp import VIP, instance, office, wait_holds, wait_ready
from support.wait import stays, wait_until

FLOOD = 400_000
QUICK = "version 3\ngarp_master_delay 0\n"
# Version 3, VRID 51, priority 240, one address 10.0.0.1; its checksum is wrong.
FORGED = "3133f001000affff0a000001"
# The same for VRID 99, which nobody has.
UNKNOWN = "3163f001000affff0a000001"


def received(host):
    """How many VRRP packets came in on the host's interface so far."""
    return int(host.read("/sys/class/net/eth0/statistics/rx_packets"))


def counters(host):
    shown = json.loads(host.run([program("mainstayctl"), "status", "--json"]).stdout)
    text = json.dumps(shown)
    return {name: int(value) for name, value in re.findall(r'"(\w+)": (\d+)', text)}


def flood(attacker, packet, victim):
    """Sends as fast as one process can; packets a second that arrived."""
    before = received(victim)
    sender = attacker.start([PROBE, "vrrp-send", "eth0", "192.168.4.13", "224.0.0.18", "255", packet, str(FLOOD)])
    return sender, before


SEND_BAD_PACKETS = """
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 112)
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("192.168.4.12"))
def checksum(data):
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff
def advert(priority=255, password=b"1111\\0\\0\\0\\0", vip="192.168.4.200", version=2, interval=1, auth=1):
    body = struct.pack(">BBBBBBH", version << 4 | 1, 51, priority, 1, auth, interval, 0) + socket.inet_aton(vip) + password
    return body[:6] + struct.pack(">H", checksum(body)) + body[8:]
good = advert()
bad = [good[:n] for n in range(len(good))]                       # truncated
bad += [good[:6] + b"\\xde\\xad" + good[8:]]                       # checksum
bad += [advert(password=b"wrong\\0\\0\\0"), advert(auth=0), advert(version=7), advert(interval=9)]
bad += [bytes(600), b"\\x21" + bytes(7), b"\\xff" * 1400, good + bytes(900)]
for packet in bad * 5:
    if packet:
        s.sendto(packet, ("224.0.0.18", 0))
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 64)
for _ in range(5):
    s.sendto(good, ("224.0.0.18", 0))                            # forged from far away
"""


def test_forged_and_truncated_packets_move_nothing(lan):
    one, two = office(lan, "one", "two")
    master = wait_ready(one.mainstayd(instance("MASTER", 150)))
    wait_holds(one)

    def adverts():
        return [p for p in capture.packets() if p["IP"].src == "192.168.4.11"]

    with Capture(one) as capture:
        two.run(["/usr/bin/python3", "-c", SEND_BAD_PACKETS])
        seen = len(adverts())
        wait_until(lambda: len(adverts()) >= seen + 2, 10, "the master to go on")

    assert one.holds(VIP)
    assert "Entering BACKUP STATE" not in master.output().split("Entering MASTER STATE")[1]
    # Each kind of fault is told once, not once per packet.
    assert master.output().count("invalid passwd") == 1


@pytest.mark.nightly
def test_a_flood_of_forged_advertisements_moves_no_address_and_is_counted(lan):
    one, two, attacker = office(lan, "one", "two", "attacker")
    text = {one: instance("BACKUP", 150, interval=0.2, more=QUICK, auth=False),
            two: instance("BACKUP", 100, interval=0.2, more=QUICK, auth=False)}
    first, second = (wait_ready(host.mainstayd(text[host])) for host in (one, two))
    wait_holds(one)

    for packet in (FORGED, UNKNOWN):
        sender, before = flood(attacker, packet, two)
        assert stays(lambda s=sender: one.holds("192.168.4.200") and not two.holds("192.168.4.200") or not s.alive(), 1)
        wait_until(lambda s=sender: not s.alive(), 120, "the flood to end")
        assert received(two) - before >= FLOOD
        assert one.holds("192.168.4.200") and not two.holds("192.168.4.200")

    assert "Entering MASTER STATE" not in second.output()
    assert first.output().count("Entering BACKUP STATE") == 1
    for host, daemon in ((one, first), (two, second)):
        wait_until(lambda h=host: counters(h).get("checksum_err", 0) > 0, 10, "the counter")
        told = [line for line in daemon.output().splitlines() if "wrong checksum" in line and "two masters" not in line]
        assert len(told) == 1
    assert pathlib.Path(second.log_file).stat().st_size < 20_000
