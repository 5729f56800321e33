"""Authenticated adverts: AH against keepalived, the HMAC trailer between two of our own and judged by Python's hmac."""

import hashlib
import hmac
import json
import socket

import pytest
from support.capture import Capture
from support.paths import program
from support.vrrp import VIP, instance, office, wait_holds, wait_ready, wait_released
from support.wait import stays, wait_until

AH = "authentication {\n auth_type AH\n auth_pass secret12\n }"
KEY = "a secret of thirty-two bytes, 01"


def start(host, kind, text):
    return wait_ready(host.mainstayd(text)) if kind == "mainstay" else host.keepalived(text)


def header_of(packet):
    """(payload, sequence number) behind the authentication header."""
    payload = bytes(packet["IP"].payload)
    return payload[24:], int.from_bytes(payload[8:12], "big")


@pytest.mark.parametrize("first,second", [("mainstay", "keepalived"), ("keepalived", "mainstay")])
def test_a_unicast_backup_believes_the_authentication_header_of_the_other_program(lan, first, second):
    one, two = office(lan, "one", "two")
    unicast = "unicast_src_ip 192.168.4.{}\nunicast_peer {{\n 192.168.4.{}\n }}\n"
    start(one, first, instance("BACKUP", 150, auth=False, more=AH + "\n" + unicast.format(11, 12)))
    wait_holds(one)
    start(two, second, instance("BACKUP", 100, auth=False, more=AH + "\n" + unicast.format(12, 11)))
    assert stays(lambda: one.holds(VIP) and not two.holds(VIP), 5)


@pytest.mark.nightly
@pytest.mark.parametrize("first,second", [("mainstay", "keepalived"), ("keepalived", "mainstay")])
def test_mainstay_and_keepalived_understand_each_others_authentication_header(lan, first, second):
    # effect: vrrp_instance: authentication
    # effect: vrrp_instance/authentication: auth_type auth_pass
    one, two = office(lan, "one", "two")
    with Capture(two, what="ip proto 51") as capture:
        master = start(one, first, instance("BACKUP", 150, auth=False, more=AH))
        wait_holds(one)
        backup = start(two, second, instance("BACKUP", 100, auth=False, more=AH))
        assert stays(lambda: one.holds(VIP) and not two.holds(VIP), 5)

        master.stop(timeout=15)
        wait_holds(two)
        wait_released(one)
        start(one, first, instance("BACKUP", 150, auth=False, more=AH))
        wait_holds(one)
        wait_released(two)
        packets = capture.packets()

    assert "auth_pass" not in backup.output()
    for source in ("192.168.4.11", "192.168.4.12"):
        numbers = [header_of(p)[1] for p in packets if p["IP"].src == source]
        assert numbers == sorted(set(numbers)), source
    assert {header_of(p)[0][:2] for p in packets} == {bytes.fromhex("2133")}


@pytest.mark.nightly
def test_an_advert_made_with_another_auth_pass_is_refused_by_both(lan):
    one, two = office(lan, "one", "two")
    master = wait_ready(one.mainstayd(instance("BACKUP", 150, auth=False, more=AH)))
    wait_holds(one)
    two.keepalived(instance("BACKUP", 100, auth=False, more=AH.replace("secret12", "secret13")))

    wait_holds(two)
    wait_until(lambda: "made with another auth_pass" in master.output(), 10, "the complaint")
    assert one.holds(VIP)
    complaint = "received an AH packet from 192.168.4.12 that was made with another auth_pass"
    assert master.output().count(f"(VI_1) {complaint}") == 1


def signed(more):
    return instance("BACKUP", 150, auth=False, interval=0.2, more="version 3\n" + more)


def trailer_is_right(packet, source, key):
    """The layout as documented: pseudo header, packet without checksum, trailer without HMAC."""
    body, trailer = packet[:12], packet[12:]
    pseudo = bytes([4, 3, 51, 0]) + socket.inet_aton(source) + bytes(12)
    text = pseudo + body[:6] + b"\0\0" + body[8:] + trailer[:12] + bytes(16)
    return hmac.new(key, text, hashlib.sha256).digest()[:16] == trailer[12:]


def test_two_routers_with_one_hmac_key_agree_and_their_packets_are_signed(lan):
    # effect: vrrp_instance: auth_hmac
    # effect: vrrp_instance/auth_hmac: key active_key
    one, two = office(lan, "one", "two")
    two.write("/run/vrrp.key", KEY + "\n", 0o600)
    with Capture(two) as capture:
        wait_ready(one.mainstayd(signed(f'auth_hmac {{\n key 7 "{KEY}"\n active_key 7\n }}')))
        wait_holds(one)
        backup = wait_ready(two.mainstayd(signed("priority 100\nauth_hmac {\n key 7 file:/run/vrrp.key\n active_key 7\n }")))
        assert stays(lambda: one.holds(VIP) and not two.holds(VIP), 2)
        one.kill()
        wait_holds(two)
        packets = [(bytes(p["IP"].payload), p["IP"].src) for p in capture.packets()]

    assert {len(p) for p, _ in packets} == {40}
    assert {p[12:14] for p, _ in packets} == {bytes([1, 7])}
    assert all(trailer_is_right(p, source, KEY.encode()) for p, source in packets)
    assert {source for _, source in packets} == {"192.168.4.11", "192.168.4.12"}
    assert KEY not in backup.output()


def test_a_packet_that_is_not_signed_is_counted_and_reported_once(lan):
    # effect: vrrp_instance/auth_hmac: mode
    one, two = office(lan, "one", "two")
    block = 'auth_hmac {\n key 7 "%s"\n active_key 7\n mode %s\n }' % (KEY, "%s")
    master = wait_ready(one.mainstayd(signed(block % "enforce")))
    wait_holds(one)
    wait_ready(two.mainstayd(signed("priority 200")))
    wait_holds(two)
    wait_until(lambda: "received a packet without HMAC from 192.168.4.12" in master.output(), 10, "the complaint")

    def missing():
        shown = json.loads(one.run([program("mainstayctl"), "status", "--json"]).stdout)
        return shown["vrrp"]["instances"][0]["counters"]["auth_ext_missing"] > 2

    wait_until(missing, 10, "the counter")
    assert one.holds(VIP)
    complaint = "received a packet without HMAC from 192.168.4.12"
    assert master.output().count(f"(VI_1) {complaint}") == 1
    assert master.output().count(f"(VI_1) two masters: the adverts of another MASTER are refused: {complaint}") == 1
