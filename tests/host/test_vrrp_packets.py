"""Settings that show on the wire or in the kernel's sockets: gratuitous ARPs, buffers, groups, delays, counters."""

import json

import pytest

from support.capture import Capture
from support.paths import program
from support.vrrp import VIP, instance, office, role_pid, wait_holds, wait_ready
from support.wait import stays, wait_until

NAMES = [VIP, "192.168.4.201"]


def counters(host):
    shown = json.loads(host.run([program("mainstayctl"), "status", "--json"]).stdout)
    return shown["vrrp"]["instances"][0]["counters"]


def arps(packets):
    return [(p["ARP"].psrc, float(p.time)) for p in packets if "ARP" in p and p["ARP"].psrc == p["ARP"].pdst]


def v3(priority=150, more="", **rest):
    return instance("BACKUP", priority, auth=False, interval=0.2, more="version 3\n" + more, **rest)


def test_gratuitous_arps_come_as_often_and_as_late_as_configured(lan):
    # effect: vrrp_instance: garp_master_delay garp_master_repeat garp_master_refresh garp_master_refresh_repeat
    one, two = office(lan, "one", "two")
    settings = "garp_master_repeat 3\n garp_master_delay 1\n garp_master_refresh 2\n garp_master_refresh_repeat 2"
    with Capture(two, what="arp") as capture:
        wait_ready(one.mainstayd(v3(more=settings, vip="\n".join(NAMES))))
        wait_holds(one)
        wait_until(lambda: len(arps(capture.packets())) >= 20, 20, "bursts and two refreshes")
        seen = arps(capture.packets())

    assert [name for name, _ in seen[:6]] == NAMES * 3
    begin = seen[0][1]
    moments = [round(at - begin) for _, at in seen[:20]]
    assert moments == [0] * 6 + [1] * 6 + [3] * 4 + [5] * 4


def test_the_global_settings_of_gratuitous_arp_are_the_defaults(lan):
    # effect: global_defs: vrrp_garp_master_delay vrrp_garp_master_repeat vrrp_garp_master_refresh vrrp_garp_master_refresh_repeat
    one, two = office(lan, "one", "two")
    settings = ("global_defs {\n vrrp_garp_master_repeat 2\n vrrp_garp_master_delay 1\n vrrp_garp_master_refresh 1\n"
                " vrrp_garp_master_refresh_repeat 3\n}\n")
    with Capture(two, what="arp") as capture:
        wait_ready(one.mainstayd(settings + v3()))
        wait_until(lambda: len(arps(capture.packets())) >= 7, 20, "two bursts and a refresh")
        seen = arps(capture.packets())

    assert [round(at - seen[0][1]) for _, at in seen[:7]] == [0, 0, 1, 1, 2, 2, 2]


@pytest.mark.nightly
def test_vrrp_min_garp_sends_one_of_each_unless_told_otherwise(lan):
    # effect: global_defs: vrrp_min_garp
    one, two = office(lan, "one", "two")
    with Capture(two, what="arp") as capture:
        daemon = wait_ready(one.mainstayd("global_defs {\n vrrp_min_garp\n}\n" + v3(vip="\n".join(NAMES))))
        wait_holds(one)
        wait_until(lambda: len(arps(capture.packets())) >= 2, 10, "the announcements")
        assert stays(lambda: len(arps(capture.packets())) == 2, 6)
    assert daemon.output().count("Sending gratuitous ARP on eth0 for 192.168.4.200") == 1


def test_announcements_keep_the_distance_that_is_asked_for(lan):
    # effect: global_defs: vrrp_garp_interval
    # effect: garp_group: garp_interval interfaces
    # effect: (root): garp_group
    one, two = office(lan, "one", "two")
    for text in ("global_defs {\n vrrp_garp_interval 0.2\n}\n",
                 "garp_group {\n garp_interval 0.2\n interfaces {\n eth0 eth1\n }\n}\n"):
        with Capture(two, what="arp") as capture:
            daemon = wait_ready(one.mainstayd(text + v3(vip="\n".join(NAMES), more="garp_master_repeat 2")))
            wait_until(lambda c=capture: len(arps(c.packets())) >= 4, 20, "two rounds")
            seen = arps(capture.packets())[:4]
        daemon.stop()
        assert [name for name, _ in seen] == NAMES * 2
        gaps = [b - a for (_, a), (_, b) in zip(seen, seen[1:])]
        assert min(gaps) > 0.19, gaps


@pytest.mark.nightly
def test_a_rival_is_answered_as_configured(lan):
    # effect: vrrp_instance: garp_lower_prio_delay garp_lower_prio_repeat lower_prio_no_advert
    # effect: global_defs: vrrp_garp_lower_prio_delay vrrp_garp_lower_prio_repeat vrrp_lower_prio_no_advert
    for settings in (("", "garp_lower_prio_repeat 2\n garp_lower_prio_delay 1\n lower_prio_no_advert"),
                     ("global_defs {\n vrrp_garp_lower_prio_repeat 2\n vrrp_garp_lower_prio_delay 1\n"
                      " vrrp_lower_prio_no_advert\n}\n", "")):
        one, two = office(lan, "one", "two")
        text = settings[0] + instance("BACKUP", 150, auth=False, interval=5, more="version 3\n" + settings[1])
        daemon = wait_ready(one.mainstayd(text))
        wait_holds(one, timeout=30)
        with Capture(two, what="arp or ip proto 112") as capture:
            two.run(["/usr/bin/python3", "-c", ADVERT, "192.168.4.12", "100", "224.0.0.18"])
            wait_until(lambda c=capture: len(arps(c.packets())) >= 4, 10, "two bursts")
            packets = capture.packets()
        assert "(VI_1) Received advert from 192.168.4.12 with lower priority 100, ours 150, forcing new election" \
            in daemon.output()
        first = arps(packets)[0][1]
        assert [round(at - first) for _, at in arps(packets)[:4]] == [0, 0, 1, 1]
        mine = [float(p.time) for p in packets if "IP" in p and p["IP"].src == "192.168.4.11"]
        assert not [at for at in mine if abs(at - first) < 0.05], "an advert in answer"
        lan.close()


# One version 3 advert for VRID 51.
ADVERT = """
import socket, struct, sys
source, priority, group = sys.argv[1], int(sys.argv[2]), sys.argv[3]
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, 112)
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(source))
s.bind((source, 0))
body = struct.pack(">BBBBHH", 0x31, 51, priority, 1, 500, 0) + socket.inet_aton("192.168.4.200")
pseudo = socket.inet_aton(source) + socket.inet_aton(group) + struct.pack(">HH", 112, len(body))
total = sum(struct.unpack(f">{len(pseudo + body) // 2}H", pseudo + body))
while total >> 16:
    total = (total & 0xffff) + (total >> 16)
s.sendto(body[:6] + struct.pack(">H", ~total & 0xffff) + body[8:], (group, 0))
"""


# Of the raw sockets of another process: its descriptors are borrowed by pidfd_getfd.
RECEIVE_BUFFERS = """
import ctypes, os, socket, sys
libc, pid = ctypes.CDLL(None, use_errno=True), int(sys.argv[1])
process = libc.syscall(434, pid, 0)
for number in os.listdir(f"/proc/{pid}/fd"):
    descriptor = libc.syscall(438, process, int(number), 0)
    if descriptor < 0 or not os.readlink(f"/proc/{pid}/fd/{number}").startswith("socket:"):
        continue
    s = socket.socket(fileno=descriptor)
    if s.type == socket.SOCK_RAW and s.proto == 112:
        print(s.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF))
"""


def receive_buffers(host):
    pid = role_pid(host, "mainstayd-vrrp")
    return {int(size) for size in host.run(["/usr/bin/python3", "-c", RECEIVE_BUFFERS, pid]).stdout.split()}


def test_receive_buffers_are_as_large_as_configured(lan):
    # effect: vrrp_instance: kernel_rx_buf_size
    # effect: global_defs: vrrp_rx_bufs_policy vrrp_rx_bufs_multiplier
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(v3(more="kernel_rx_buf_size 70000")))
    assert 140_000 in receive_buffers(one)  # the kernel doubles what it is asked for
    daemon.stop()
    wait_ready(one.mainstayd("global_defs {\n vrrp_rx_bufs_policy mtu\n vrrp_rx_bufs_multiplier 20\n}\n" + v3()))
    assert 60_000 in receive_buffers(one)


def test_a_group_that_the_kernel_forgot_is_joined_again_when_the_interface_is_back(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(v3(vip="fe80::200")))
    wait_holds(one, "fe80::200", timeout=20)

    def joined():
        return "ff02::12" in one.run(["ip", "-6", "maddr", "show", "dev", "eth0"]).stdout

    assert joined()
    one.sysctl(net__ipv6__conf__eth0__disable_ipv6=1)
    wait_until(lambda: "Entering FAULT STATE" in daemon.output(), 10, "FAULT without an address")
    one.sysctl(net__ipv6__conf__eth0__disable_ipv6=0)
    wait_until(joined, 10, "the group")
    wait_holds(one, "fe80::200", timeout=20)


def test_a_delayed_start_is_reported_and_hears_nothing_meanwhile(lan):
    # effect: global_defs: vrrp_startup_delay log_unknown_vrids
    one, two = office(lan, "one", "two")
    settings = "global_defs {\n vrrp_startup_delay 1.5\n log_unknown_vrids\n}\n"
    wait_ready(two.mainstayd(v3(vrid=77, vip="192.168.4.250")))
    daemon = wait_ready(one.mainstayd(settings + v3()))
    wait_holds(one)
    lines = daemon.output()
    order = [lines.index(text) for text in ("Delaying startup for 1.5 seconds", "Delayed start completed",
                                            "(VI_1) Receive advertisement timeout", "(VI_1) Entering MASTER STATE",
                                            "(VI_1) setting VIPs.")]
    assert order == sorted(order)
    wait_until(lambda: "unknown VRID 77 received from 192.168.4.12 on eth0" in daemon.output(), 10, "the foreign VRID")
    assert daemon.output().count("unknown VRID") == 1


@pytest.mark.nightly
def test_adverts_of_our_own_that_come_back_are_reported_once_and_change_nothing(lan):
    one, two = office(lan, "one", "two")
    daemon = wait_ready(one.mainstayd(instance("BACKUP", 150, auth=False, interval=5, more="version 3")))
    wait_holds(one, timeout=30)
    two.run(["ip", "addr", "add", "192.168.4.11/32", "dev", "eth0"])
    # Else the kernel drops what claims to come from us.
    one.sysctl(net__ipv4__conf__all__accept_local=1, net__ipv4__conf__all__rp_filter=0,
               net__ipv4__conf__eth0__rp_filter=0)
    for _ in range(3):
        two.run(["/usr/bin/python3", "-c", ADVERT, "192.168.4.11", "150", "224.0.0.18"])
    text = "(VI_1) received an advert from our own address 192.168.4.11"
    wait_until(lambda: text in daemon.output(), 10, "the warning")
    wait_until(lambda: counters(one)["advert_rcvd"] >= 3, 10, "all of them to be read")
    assert daemon.output().count(text) == 1
    assert one.holds(VIP)


def test_another_mac_address_of_the_interface_is_announced_at_once(lan):
    """bonding, a replaced virtual card, an administrator: neighbours would send to the old one until the next repeat."""
    (one,) = office(lan, "one")
    client = lan.host("client", eth0=("office", "192.168.4.50/24"))
    daemon = wait_ready(one.mainstayd(instance(more="virtual_ipaddress_excluded {\n 192.168.4.201\n}")))
    wait_holds(one)
    with Capture(client, what="arp") as capture:
        one.run(["ip", "link", "set", "eth0", "address", "02:00:00:00:99:01"])
        for address in (VIP, "192.168.4.201"):
            capture.wait_for(5, which=lambda p, a=address: (p["ARP"].psrc, p["ARP"].hwsrc) == (a, "02:00:00:00:99:01"))

    assert "(VI_1) another MAC address on eth0: announcing 2 addresses" in daemon.output()
    assert "Entering BACKUP" not in daemon.output().split("Entering MASTER STATE")[1]
