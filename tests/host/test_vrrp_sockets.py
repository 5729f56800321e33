"""kernel/vrrp_sockets on a real wire: bytes judged by scapy, packets made by scapy."""

import json

import pytest

from support.capture import Capture
from support.kernel_probe import Listening, probe

# A VRRPv2 advertisement: VRID 51, priority 100, one address 10.0.0.1, no authentication.
ADVERT = "21336401000124fe0a0000010000000000000000"


def link_local(host):
    shown = json.loads(host.run(["ip", "-6", "-json", "addr", "show", "dev", "eth0", "scope", "link"]).stdout)
    return next(a["local"] for link in shown for a in link.get("addr_info", []) if "local" in a)


def send_raw(host, options, payload="Raw(b'')"):
    """Sends an IPv4 packet to the VRRP group, made by scapy in words of its own."""
    host.run(["/usr/bin/python3", "-c", "import logging; logging.getLogger('scapy').setLevel(50)\n"
              "from scapy.all import *\n"
              f"packet = IP(src='192.168.4.11', dst='224.0.0.18', proto=112{options})/{payload}\n"
              "sendp(Ether(src=get_if_hwaddr('eth0'), dst='01:00:5e:00:00:12')/packet, iface='eth0', verbose=0)"])


def test_an_ipv4_advert_is_on_the_wire_as_the_rfc_wants_it(two):
    from scapy.all import IP, Ether, raw  # pylint: disable=import-outside-toplevel
    one, _ = two
    with Capture(one) as capture:
        probe(one, "vrrp-send", "eth0", "192.168.4.11", "224.0.0.18", "255", ADVERT, "3")
        packets = capture.wait_for(3)

    assert len(packets) == 3
    assert [packet[IP].id for packet in packets] == [1, 2, 3]
    for packet in packets:
        header = packet[IP]
        assert packet[Ether].dst == "01:00:5e:00:00:12"
        assert (header.src, header.dst, header.ttl, header.tos, header.proto) == \
               ("192.168.4.11", "224.0.0.18", 255, 0xc0, 112)
        assert (int(header.flags), header.frag, header.ihl) == (0, 0, 5)
        assert raw(header)[20:header.len].hex() == ADVERT
        rebuilt = IP(raw(header))
        del rebuilt.chksum
        assert IP(raw(rebuilt)).chksum == header.chksum


def test_an_ipv6_advert_is_on_the_wire_as_the_rfc_wants_it(two):
    from scapy.all import Ether, IPv6, raw  # pylint: disable=import-outside-toplevel
    one, _ = two
    source = link_local(one)
    with Capture(one, what="ip6 proto 112") as capture:
        probe(one, "vrrp-send", "eth0", source, "ff02::12", "255", ADVERT, "1")
        packet = capture.wait_for(1)[0]

    header = packet[IPv6]
    assert packet[Ether].dst == "33:33:00:00:00:12"
    assert (header.src, header.dst, header.hlim, header.nh, header.tc) == (source, "ff02::12", 255, 112, 0xc0)
    assert raw(header)[40:].hex() == ADVERT


@pytest.mark.parametrize("family, group, source", [("4", "224.0.0.18", "192.168.4.11"), ("6", "ff02::12", "link")])
def test_multicast_reaches_the_other_host_and_not_the_sender_itself(two, family, group, source):
    one, other = two
    source = link_local(one) if source == "link" else source
    here, there = Listening(one, "vrrp-receive", "eth0", family, group), \
        Listening(other, "vrrp-receive", "eth0", family, group)

    probe(one, "vrrp-send", "eth0", source, group, "254", ADVERT, "100")
    for _ in range(100):
        assert there.next() == {"from": source, "to": group, "ttl": 254, "payload": ADVERT}

    assert here.close() == []
    assert len(there.close()) == 100


@pytest.mark.parametrize("family, source, destination", [("4", "192.168.4.11", "192.168.4.12"),
                                                         ("6", "fd00:4::11", "fd00:4::12")])
def test_unicast_reaches_a_receiver_without_a_group(two, family, source, destination):
    one, other = two
    there = Listening(other, "vrrp-receive", "eth0", family, "-")

    probe(one, "vrrp-send", "eth0", source, destination, "64", ADVERT, "1")

    assert there.next() == {"from": source, "to": destination, "ttl": 64, "payload": ADVERT}
    there.close()


def test_only_the_joined_group_and_the_bound_interface_are_heard(lan, two):
    one, other = two
    lan.switch("lab")
    lan.plug(one, "eth1", "lab", "192.168.5.11/24")
    lan.plug(other, "eth1", "lab", "192.168.5.12/24")
    there = Listening(other, "vrrp-receive", "eth0", "4", "224.0.0.18")
    foreign = Listening(other, "vrrp-receive", "eth0", "4", "224.0.0.99")

    probe(one, "vrrp-send", "eth1", "192.168.5.11", "224.0.0.18", "255", ADVERT, "1")
    probe(one, "vrrp-send", "eth0", "192.168.4.11", "224.0.0.99", "255", ADVERT, "1")
    probe(one, "vrrp-send", "eth0", "192.168.4.11", "224.0.0.18", "255", ADVERT, "1")

    assert there.next()["from"] == "192.168.4.11"
    assert [line["to"] for line in there.close()] == ["224.0.0.18"]
    assert foreign.next()["to"] == "224.0.0.99"
    assert len(foreign.close()) == 1


def test_forged_packets_come_through_as_they_are_and_harm_nothing(two):
    one, other = two
    there = Listening(other, "vrrp-receive", "eth0", "4", "224.0.0.18")

    send_raw(one, "")
    send_raw(one, ", options=[IPOption(b'\\x94\\x04\\0\\0')]", "Raw(b'x')")
    send_raw(one, ", ttl=1, len=24", "Raw(b'abcdefgh')")  # the IP header says 4
    send_raw(one, ", flags='MF'", "Raw(b'z' * 1400)")  # a fragment; the others never come
    send_raw(one, "", "Raw(b'last')")

    assert there.next()["payload"] == ""
    assert there.next()["payload"] == b"x".hex()
    assert there.next() == {"from": "192.168.4.11", "to": "224.0.0.18", "ttl": 1, "payload": b"abcd".hex()}
    assert there.next()["payload"] == b"last".hex()
    there.close()


def test_a_full_packet_of_255_addresses_arrives_whole(two):
    one, other = two
    there = Listening(other, "vrrp-receive", "eth0", "4", "224.0.0.18")
    payload = ADVERT[:16] + "0a000001" * 255 + "00" * 8

    probe(one, "vrrp-send", "eth0", "192.168.4.11", "224.0.0.18", "255", payload, "1")

    assert there.next()["payload"] == payload
    there.close()


def test_frames_go_out_unchanged_and_in_order(two):
    from scapy.all import raw  # pylint: disable=import-outside-toplevel
    one, _ = two
    arp = ("ffffffffffff0200000000010806" "0001080006040001" "020000000001" "0a0000{:02x}" "000000000000"
           "0a000001")
    frames = [arp.format(i) + "00" * 18 for i in range(30)]
    with Capture(one, what="arp and ether src 02:00:00:00:00:01") as capture:
        probe(one, "frames", "eth0", *frames)
        packets = capture.wait_for(30)

    assert [raw(packet).hex() for packet in packets] == frames


def test_failures_name_what_was_attempted(two):
    one, _ = two
    one.run(["ip", "link", "set", "eth0", "down"])

    frame = "ff" * 12 + "0806" + "00" * 46
    assert probe(one, "frames", "eth0", frame, status=1)[0]["error"].startswith("send frame 1 of 1 on interface")
    error = probe(one, "vrrp-send", "eth0", "192.168.4.11", "224.0.0.18", "255", ADVERT, "1", status=1)[0]["error"]
    assert error.startswith("send VRRP from 192.168.4.11 to 224.0.0.18: ")
    error = probe(one, "vrrp-send", "eth0", "192.168.4.11", "ff02::12", "255", ADVERT, "1", status=1)[0]["error"]
    assert error.endswith("wrong address family")
    error = probe(one, "vrrp-receive", "eth0", "4", "192.168.4.11", status=1)[0]["error"]
    assert error == "join 192.168.4.11 on eth0: not a multicast group of this family"
