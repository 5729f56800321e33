"""kernel/rtnetlink and kernel/vrrp_sockets by themselves (kernel_probe), judged by others: iproute2, strace, tcpdump and scapy. The
rest of them is in tests/kernel/rtnetlink_test.cpp and vrrp_sockets_test.cpp."""

import errno
import json

import pytest

from support.capture import Capture
from support.kernel_probe import PROBE, Listening, probe, strace

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


@pytest.fixture
def host(lan):
    lan.switch("office")
    return lan.host("one", eth0=("office", "192.168.4.11/24", "fd00:4::11/64"))


def ip_addr(host, device="eth0"):
    shown = json.loads(host.run(["ip", "-json", "addr", "show", "dev", device]).stdout)
    return {f"{a['local']}/{a['prefixlen']}": a for link in shown for a in link.get("addr_info", []) if "local" in a}


def test_links_and_addresses_are_those_that_ip_shows(host):
    links = {line["link"]: line for line in probe(host, "links")}
    shown = json.loads(host.run(["ip", "-json", "link"]).stdout)

    assert {name: link["index"] for name, link in links.items()} == {link["ifname"]: link["ifindex"] for link in shown}
    assert links["lo"]["loopback"] and not links["eth0"]["loopback"]
    assert links["eth0"]["up"] and links["eth0"]["mtu"] == 1500
    mac = next(link["address"] for link in shown if link["ifname"] == "eth0")
    assert links["eth0"]["mac"] == mac.replace(":", "")
    index = links["eth0"]["index"]
    found = {line["address"] for line in probe(host, "addresses") if line["index"] == index}
    assert found == set(ip_addr(host))

    # A label that the request does not know does not keep the address.
    host.run(["ip", "addr", "add", "10.1.1.1/24", "label", "eth0:web", "dev", "eth0"])
    assert probe(host, "remove", "eth0", "10.1.1.1/24") == []
    assert "10.1.1.1/24" not in ip_addr(host)


def test_hundreds_of_addresses_come_with_a_sendmsg_per_batch_and_go_again(host):
    ours = [f"10.1.{i // 200}.{i % 200 + 1}/32" for i in range(600)]
    before = host.addresses("eth0")

    failures, calls = strace(host, "sendmsg", "add", "eth0", *ours)
    assert failures == []
    assert calls["sendmsg"] == 1 + 3  # the list of interfaces, and batches of 256
    assert host.addresses("eth0") == before | set(ours)
    assert probe(host, "remove", "eth0", *ours) == []
    assert host.addresses("eth0") == before


def test_without_the_capability_every_address_is_refused(host):
    done = host.run(["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin", PROBE, "add", "eth0", "10.1.1.1"],
                    check=False)

    assert json.loads(done.stdout)["errno"] == errno.EPERM
    assert not host.holds("10.1.1.1")


def test_a_port_that_leaves_its_bridge_is_not_reported_gone(host):
    host.run(["ip", "link", "add", "bridge0", "type", "bridge"])
    watch = Listening(host, "watch")

    host.run(["ip", "link", "set", "eth0", "master", "bridge0"])
    host.run(["ip", "link", "set", "eth0", "nomaster"])
    host.run(["ip", "addr", "add", "10.1.1.1/32", "dev", "eth0"])  # the last of it
    watch.until(lambda line: line.get("added") == "10.1.1.1/32")

    assert not [line for line in watch.close() if "gone" in line]


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


def test_only_the_bound_interface_is_heard(lan, two):
    one, other = two
    lan.switch("lab")
    lan.plug(one, "eth1", "lab", "192.168.5.11/24")
    lan.plug(other, "eth1", "lab", "192.168.5.12/24")
    there = Listening(other, "vrrp-receive", "eth0", "4", "224.0.0.18")

    probe(one, "vrrp-send", "eth1", "192.168.5.11", "224.0.0.18", "255", ADVERT, "1")
    probe(one, "vrrp-send", "eth0", "192.168.4.11", "224.0.0.18", "255", ADVERT, "1")

    assert there.next()["from"] == "192.168.4.11"
    assert len(there.close()) == 1


def test_forged_packets_and_those_of_255_addresses_come_through_as_they_are(two):
    one, other = two
    there = Listening(other, "vrrp-receive", "eth0", "4", "224.0.0.18")

    send_raw(one, "")
    send_raw(one, ", options=[IPOption(b'\\x94\\x04\\0\\0')]", "Raw(b'x')")
    send_raw(one, ", ttl=1, len=24", "Raw(b'abcdefgh')")  # the IP header says 4
    send_raw(one, ", flags='MF'", "Raw(b'z' * 1400)")  # a fragment; the others never come
    send_raw(one, "", "Raw(b'last')")
    full = ADVERT[:16] + "0a000001" * 255 + "00" * 8
    probe(one, "vrrp-send", "eth0", "192.168.4.11", "224.0.0.18", "255", full, "1")

    assert there.next()["payload"] == ""
    assert there.next()["payload"] == b"x".hex()
    assert there.next() == {"from": "192.168.4.11", "to": "224.0.0.18", "ttl": 1, "payload": b"abcd".hex()}
    assert there.next()["payload"] == b"last".hex()
    assert there.next()["payload"] == full
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
