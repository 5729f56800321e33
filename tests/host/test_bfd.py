"""The BFD machine on real sockets (kernel_probe bfd), beside keepalived's and beside itself."""

import re

import pytest

from support.capture import Capture
from support.kernel_probe import Listening
from support.wait import stays, wait_until


def session(neighbor, *lines):
    """Slow enough for a busy machine: a neighbour may be silent for 500 ms."""
    text = "\n".join([f"neighbor_ip {neighbor}", "min_rx 100", "min_tx 100", "multiplier 5", *lines])
    return f"bfd_instance peer {{\n{text}\n}}\n"


class Director:
    """kernel_probe bfd on a host."""

    def __init__(self, host, configuration):
        self.host = host
        self.probe = Listening(host, "bfd", host.write("/run/bfd.conf", configuration))

    def becomes(self, up):
        self.probe.until(lambda line: line == {"tell": "peer", "up": up})

    def says(self, text):
        return self.probe.until(lambda line: text in line.get("say", ""))["say"]

    def command(self, text):
        self.probe.process.popen.stdin.write(text + "\n")
        self.probe.process.popen.stdin.flush()
        self.probe.until(lambda line: line == {"done": text})

    def reload(self, configuration):
        self.command("reload " + self.host.write("/run/bfd.conf", configuration))

    def tells(self):
        return [line["up"] for line in self.probe.lines if "tell" in line]


def states(keepalived):
    """The states that keepalived's log names, in order."""
    return re.findall(r"\(peer\) Entering (\w+) state", keepalived.output())


def test_a_session_with_keepalived_comes_up_and_survives_new_settings_and_a_restart(two):
    one, two_ = two
    keepalived = two_.keepalived(session("192.168.4.11", "source_ip 192.168.4.12"), "--all")
    director = Director(one, session("192.168.4.12"))
    director.becomes(True)
    wait_until(lambda: states(keepalived) == ["Up"], 10, "keepalived's session to be up")

    director.reload(session("192.168.4.12").replace("min_tx 100", "min_tx 400").replace("min_rx 100", "min_rx 60"))
    director.command("restart 150")
    director.reload(session("192.168.4.12").replace("min_rx 100", "min_rx 200"))
    director.command("restart 50")

    assert stays(lambda: states(keepalived) == ["Up"], 2)
    assert director.probe.close()
    assert director.tells() == [True]


def test_an_orderly_stop_takes_keepalived_down_without_waiting_for_its_timer(two):
    one, two_ = two
    keepalived = two_.keepalived(session("192.168.4.11"), "--all")
    director = Director(one, session("192.168.4.12"))
    director.becomes(True)
    wait_until(lambda: states(keepalived) == ["Up"], 10, "keepalived's session to be up")

    director.probe.close()

    wait_until(lambda: states(keepalived) == ["Up", "Down"], 5, "keepalived's session to be down")
    assert "Remote diagnostic - Administratively Down" in keepalived.output()
    assert "Expired" not in keepalived.output()
    assert "is in state Down" in keepalived.output()  # what tracks it is told


def test_keepalived_is_missed_when_it_dies_and_comes_back(two):
    one, two_ = two
    keepalived = two_.keepalived(session("192.168.4.11"), "--all")
    director = Director(one, session("192.168.4.12"))
    director.becomes(True)

    for pid in two_.run(["pgrep", "keepalived"]).stdout.split():
        two_.run(["kill", "-KILL", pid], check=False)
    assert keepalived.wait() == 137
    assert director.says("Expired after").startswith("(peer) Expired after 500 ms")
    director.becomes(False)

    two_.keepalived(session("192.168.4.11"), "--all", name="again.conf")
    director.becomes(True)


@pytest.mark.parametrize("addresses,lines,port", [
    (("192.168.4.11", "192.168.4.12"), [], 3784),
    (("fd00:4::11", "fd00:4::12"), ["hoplimit 255"], 3784),
    (("192.168.4.11", "192.168.4.12"), ["multihop", "max_hops 5"], 4784),
])
def test_two_directors_find_each_other_within_a_second_and_their_packets_are_well_formed(two, addresses, lines, port):
    from scapy.all import IP, UDP, IPv6, raw  # pylint: disable=import-outside-toplevel
    one, two_ = two
    with Capture(one, what="udp") as capture:
        first = Director(one, session(addresses[1], f"source_ip {addresses[0]}", *lines))
        second = Director(two_, session(addresses[0], f"source_ip {addresses[1]}", *lines))
        first.becomes(True)
        second.becomes(True)
        capture.wait_for(30, which=lambda p: UDP in p and p[UDP].dport == port)
        assert first.probe.close() and second.probe.close()
        assert (first.tells(), second.tells()) == ([True], [True, False])
        packets = [p for p in capture.packets() if UDP in p and p[UDP].dport == port]

    for address in addresses:
        mine = [p for p in packets if (p[IPv6] if IPv6 in p else p[IP]).src == address]
        assert {p[IPv6].hlim if IPv6 in p else p[IP].ttl for p in mine} == {255}
        assert {p[IPv6].tc if IPv6 in p else p[IP].tos for p in mine} == {0xc0}
        ports = {p[UDP].sport for p in mine}
        assert len(ports) == 1 and min(ports) >= 49152
    shown = one.run(["tshark", "-r", capture.file, "-d", f"udp.port=={port},bfd", "-Y", "bfd", "-T", "fields", "-e", "bfd.sta",
                     "-e", "_ws.malformed"]).stdout.splitlines()
    assert len(shown) == len(packets)
    assert {line.split("\t")[0] for line in shown} == {"0x01", "0x02", "0x03"}
    assert not [line for line in shown if line.split("\t")[1:] not in ([""], [])]
    assert raw(packets[0][UDP].payload)[0] == 0x20
