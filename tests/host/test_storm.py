"""A flood of advertisements, a hundred thousand a second, from a host that means harm or is broken."""

import json
import pathlib
import re

import pytest

from support.kernel_probe import PROBE
from support.paths import program
from support.vrrp import instance, office, wait_holds, wait_ready
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
        assert daemon.output().count("wrong checksum") == 1
    assert pathlib.Path(second.log_file).stat().st_size < 20_000
