"""Interfaces that go away, addresses that others remove, packets that are wrong, a log that nobody reads."""

import pytest

from support.capture import Capture
from support.vrrp import VIP, instance, office, wait_holds, wait_ready, wait_released
from support.wait import stays, wait_until


@pytest.mark.nightly
def test_an_interface_that_goes_down_is_a_fault_and_comes_back(lan):
    one, two = office(lan, "one", "two")
    master = wait_ready(one.mainstayd(instance("MASTER", 150)))
    wait_ready(two.mainstayd(instance("BACKUP", 100)))
    wait_holds(one)

    one.run(["ip", "link", "set", "eth0", "down"])
    wait_until(lambda: "(VI_1) Entering FAULT STATE" in master.output(), 10, "FAULT")
    wait_holds(two)
    one.run(["ip", "link", "set", "eth0", "up"])

    wait_holds(one)
    wait_released(two)


@pytest.mark.nightly
def test_an_interface_that_vanishes_and_is_made_anew_is_used_again(lan):
    one, two = office(lan, "one", "two")
    master = wait_ready(one.mainstayd(instance("MASTER", 150)))
    wait_ready(two.mainstayd(instance("BACKUP", 100)))
    wait_holds(one)

    one.run(["ip", "link", "del", "eth0"])
    wait_holds(two)
    wait_until(lambda: "(VI_1) Entering FAULT STATE" in master.output(), 10, "FAULT")
    lan.plug(one, "eth0", "office", "192.168.4.11/24")

    wait_holds(one)
    wait_released(two)
    assert master.alive()


def test_an_interface_that_is_missing_at_start_is_waited_for(lan):
    (one,) = office(lan, "one")

    daemon = one.mainstayd(instance(interface="eth7"))
    wait_until(lambda: "eth7" in daemon.output(), 10, "eth7 to be named")
    assert stays(daemon.alive, 1)
    lan.plug(one, "eth7", "office", "192.168.4.99/24")

    wait_holds(one)


def test_a_vip_that_somebody_removes_is_put_back_with_a_warning(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(instance()))
    wait_holds(one)

    one.run(["ip", "addr", "del", f"{VIP}/32", "dev", "eth0"])

    wait_holds(one)
    assert f"{VIP}/32" in daemon.output()
    assert "Entering BACKUP STATE" not in daemon.output().split("Entering MASTER STATE")[1]


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
def test_a_log_socket_that_nobody_reads_delays_nothing(lan):
    lan.switch("office")
    one = lan.host("one", private_dev=True, eth0=("office", "192.168.4.11/24"))
    listener = one.start(["/usr/bin/python3", "-c", "import socket,time\ns=socket.socket(socket.AF_UNIX,"
                          "socket.SOCK_DGRAM)\ns.bind('/dev/log')\nprint('bound',flush=True)\ntime.sleep(1000)"])
    wait_until(lambda: "bound" in listener.output(), 10, "the log socket")
    one.write("/run/noisy", "#!/bin/sh\nexit $(($(date +%s%N) / 50000000 % 2))\n", 0o755)
    noisy = 'vrrp_script noisy {\n script "/run/noisy"\n interval 0.05\n weight 1\n}\n'

    wait_ready(one.mainstayd(noisy + instance(more="track_script {\n noisy\n }")))
    wait_holds(one)
    with Capture(one) as capture:
        packets = capture.wait_for(6, timeout=20)

    gaps = [float(b.time - a.time) for a, b in zip(packets, packets[1:])]
    assert max(gaps) < 2, gaps
    assert listener.alive()


def test_without_permission_it_says_so_and_exits_4(lan):
    (one,) = office(lan, "one")
    path = one.write("/run/keepalived.conf", instance())
    from support.paths import program  # pylint: disable=import-outside-toplevel

    done = one.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program("mainstayd"), "-n", "-l", "-G",
                    "-f", path], check=False)

    assert done.returncode == 4
    assert "must be started as root" in done.stderr
