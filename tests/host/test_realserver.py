"""mainstay-realserver on a host of its own, judged by iproute2, sysctl and what ARP says on the wire."""

import os

import pytest

from support.paths import program
from support.traffic import serve

SETTINGS = [f"net.ipv4.conf.{where}.{what}" for where in ("lo", "all") for what in ("arp_ignore", "arp_announce")]
STATE = "/run/mainstay/realserver/state"


@pytest.fixture
def web(lan):
    lan.switch("office")
    host = lan.host("web", eth0=("office", "192.168.4.41/24"))
    host.run(["ip", "link", "set", "lo", "up"])
    return host


def realserver(host, *words, status=0):
    done = host.run([program("mainstay-realserver"), *words], check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def settings(host):
    return [int(value) for value in host.run(["sysctl", "-n", *SETTINGS]).stdout.split()]


def test_up_sets_the_address_and_quiets_arp_and_down_undoes_both(web):
    before = web.addresses()
    assert settings(web) == [0, 0, 0, 0]

    realserver(web, "up", "192.168.4.100", "fd00:4::100")
    assert web.addresses("lo") >= {"192.168.4.100/32", "fd00:4::100/128"}
    assert settings(web) == [1, 2, 1, 2]

    realserver(web, "down", "192.168.4.100", "fd00:4::100")
    assert web.addresses() == before
    assert settings(web) == [0, 0, 0, 0]
    assert not os.path.exists(web.path(STATE))


def test_only_the_director_is_answered_for(lan, web):
    client = lan.host("client", eth0=("office", "192.168.4.50/24"))
    assert "1 received" in client.run(["ping", "-c", "1", "-W", "5", "192.168.4.41"]).stdout
    arping = ["/usr/bin/python3", "-c", "import logging; logging.getLogger('scapy').setLevel(50)\n"
              "from scapy.all import *\n"
              "for target in ('192.168.4.41', '192.168.4.100'):\n"
              "    found, _ = srp(Ether(src=get_if_hwaddr('eth0'), dst='ff:ff:ff:ff:ff:ff')/ARP(pdst=target,"
              "psrc='192.168.4.50', hwsrc=get_if_hwaddr('eth0')), iface='eth0', timeout=2, verbose=0)\n"
              "    print(target, len(found))"]
    web.run(["ip", "addr", "add", "192.168.4.100/32", "dev", "lo"])
    assert client.run(arping).stdout.split("\n")[:2] == ["192.168.4.41 1", "192.168.4.100 1"]  # the trouble

    realserver(web, "up", "192.168.4.100")

    assert client.run(arping).stdout.split("\n")[:2] == ["192.168.4.41 1", "192.168.4.100 0"]


def test_saying_it_again_changes_nothing(web):
    realserver(web, "up", "192.168.4.100")
    realserver(web, "up", "192.168.4.100")
    assert settings(web) == [1, 2, 1, 2]

    realserver(web, "down", "192.168.4.100")
    realserver(web, "down", "192.168.4.100")
    assert settings(web) == [0, 0, 0, 0]
    assert "192.168.4.100/32" not in web.addresses()


def test_the_settings_come_back_with_the_last_ipv4_address(web):
    web.sysctl(net__ipv4__conf__all__arp_announce=1)
    realserver(web, "up", "192.168.4.100")
    realserver(web, "up", "192.168.4.101", "fd00:4::100")

    realserver(web, "down", "192.168.4.100")
    assert settings(web) == [1, 2, 1, 2]
    realserver(web, "down", "192.168.4.101")
    assert settings(web) == [0, 0, 0, 1]
    assert "fd00:4::100/128" in web.addresses("lo")


def test_ipv6_alone_leaves_arp_as_it_is(web):
    realserver(web, "up", "fd00:4::100")

    assert settings(web) == [0, 0, 0, 0]
    assert "fd00:4::100: set on lo" in realserver(web, "status")
    shown = web.run(["ip", "-6", "addr", "show", "dev", "lo"]).stdout
    assert "deprecated" in shown and "nodad" in shown


def test_a_setting_that_somebody_else_changed_meanwhile_is_left(web):
    realserver(web, "up", "192.168.4.100")
    web.sysctl(net__ipv4__conf__all__arp_ignore=2)

    assert "net.ipv4.conf.all.arp_ignore is 2" in realserver(web, "down", "192.168.4.100")

    assert settings(web) == [0, 0, 2, 0]


def test_a_stricter_setting_of_the_operator_is_kept(web):
    web.sysctl(net__ipv4__conf__all__arp_ignore=2)
    realserver(web, "up", "192.168.4.100")

    assert settings(web) == [1, 2, 2, 2]
    realserver(web, "down", "192.168.4.100")
    assert settings(web) == [0, 0, 2, 0]


def test_status_shows_what_is_missing(web):
    assert "no virtual address" in realserver(web, "status", status=1)
    assert "192.168.4.100: not set on lo, ARP is not suppressed" in realserver(web, "status", "192.168.4.100", status=1)

    realserver(web, "up", "192.168.4.100", "fd00:4::100")
    assert realserver(web, "status").splitlines() == ["192.168.4.100: set on lo, ARP is suppressed", "fd00:4::100: set on lo"]
    realserver(web, "status", "192.168.4.100")

    web.sysctl(net__ipv4__conf__all__arp_announce=0)
    said = realserver(web, "status", status=1)
    assert "192.168.4.100: set on lo, ARP is not suppressed" in said
    assert "net.ipv4.conf.all.arp_announce is 0, must be 2" in said
    realserver(web, "up", "192.168.4.100")
    web.run(["ip", "addr", "del", "192.168.4.100/32", "dev", "lo"])
    assert "192.168.4.100: not set on lo" in realserver(web, "status", status=1)


@pytest.mark.parametrize("words, said", [
    ((), "no action given"), (("start", "10.0.0.1"), "unknown action 'start'"), (("up",), "at least one address"),
    (("up", "127.0.0.1"), "is a loopback address"), (("up", "224.0.0.18"), "is a multicast address"),
    (("up", "10.0.0.1/24"), "has a prefix length"), (("up", "10.0.0.1", "nonsense"), "is not an IPv4 or IPv6 address"),
    (("up", "-x", "10.0.0.1"), "unknown option -x"),
])
def test_wrong_usage_ends_with_2_and_changes_nothing(web, words, said):
    before = web.addresses()

    assert said in realserver(web, *words, status=2)

    assert web.addresses() == before
    assert settings(web) == [0, 0, 0, 0]


def test_without_root_it_says_so_but_status_works(web):
    realserver(web, "up", "192.168.4.100")
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program("mainstay-realserver")]

    refused = web.run([*as_nobody, "down", "192.168.4.100"], check=False)
    assert refused.returncode == 1
    assert "requires root" in refused.stderr
    assert web.holds("192.168.4.100")
    assert web.run([*as_nobody, "status"]).stdout == "192.168.4.100: set on lo, ARP is suppressed\n"


def test_the_one_capability_that_the_unit_leaves_is_enough(web):
    confined = ["setpriv", "--bounding-set=-all,+net_admin", "--inh-caps=-all,+net_admin", program("mainstay-realserver")]

    web.run([*confined, "up", "192.168.4.100", "fd00:4::100"])
    assert settings(web) == [1, 2, 1, 2]
    assert web.holds("192.168.4.100/32") and web.holds("fd00:4::100/128")
    web.run([*confined, "down", "192.168.4.100", "fd00:4::100"])
    assert settings(web) == [0, 0, 0, 0]


def test_many_at_the_same_time_all_get_through(web):
    vips = [f"192.168.4.{100 + i}" for i in range(12)]
    for action, there in (("up", True), ("down", False)):
        running = [web.begin([program("mainstay-realserver"), action, vip]) for vip in vips]
        assert [process.wait(30) for process in running] == [0] * len(vips)
        assert all(web.holds(vip) == there for vip in vips)
    assert settings(web) == [0, 0, 0, 0]


def test_a_damaged_state_is_reported_and_nothing_is_changed(web):
    web.write(STATE, "mainstay-realserver 1\nboot x\nsaved net/ipv4/ip_forward 1\n")
    realserver(web, "up", "192.168.4.100")  # of another boot: nothing worth keeping
    web.write(STATE, "rubbish\n")

    said = realserver(web, "down", "192.168.4.100", status=1)

    assert f"{STATE}: line 1 cannot be read" in said
    assert web.holds("192.168.4.100")


def test_a_link_in_place_of_the_state_folder_is_not_followed(web):
    web.run(["mkdir", "-p", "/run/mainstay", "/tmp/elsewhere"])
    web.run(["ln", "-s", "/tmp/elsewhere", "/run/mainstay/realserver"])

    assert "open the folder /run/mainstay/realserver" in realserver(web, "up", "192.168.4.100", status=1)

    assert web.run(["ls", "/tmp/elsewhere"]).stdout == ""
    assert not web.holds("192.168.4.100")


def test_lo_must_be_up(web):
    web.run(["ip", "link", "set", "lo", "down"])

    assert "ip link set lo up" in realserver(web, "up", "192.168.4.100", status=1)
    assert settings(web) == [0, 0, 0, 0]


ASK_FOR_SEGMENT = ("import socket, sys\n"
                   "with socket.create_connection((sys.argv[1], 80), 5) as one:\n"
                   "    print(one.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG))\n")


def test_a_lower_mss_counts_for_the_virtual_addresses_alone(lan, web):
    """What clients may send is what the server's SYN offers, less the twelve bytes of a timestamp option."""
    client = lan.host("client", eth0=("office", "192.168.4.50/24"))
    for host, own in ((web, "fd00:4::41/64"), (client, "fd00:4::50/64")):
        host.run(["ip", "addr", "add", own, "dev", "eth0", "nodad"])
    realserver(web, "up", "192.168.4.100", "fd00:4::100")
    serve(web, "web", "tcp/0.0.0.0:80", "tcp/fd00:4::100:80")
    client.run(["ip", "route", "add", "192.168.4.100", "via", "192.168.4.41"])
    client.run(["ip", "-6", "route", "add", "fd00:4::100", "via", "fd00:4::41"])

    def segment(address):
        return int(client.run(["/usr/bin/python3", "-c", ASK_FOR_SEGMENT, address]).stdout)

    assert [segment(at) for at in ("192.168.4.41", "192.168.4.100", "fd00:4::100")] == [1448, 1448, 1428]
    for size, segments in ((1400, [1448, 1388, 1388]), (1420, [1448, 1408, 1408]), (9000, [1448, 1448, 1428])):
        rules = realserver(web, "mss", str(size), "192.168.4.100", "fd00:4::100")
        web.run(["nft", "-f", "-"], text_in=rules)
        assert [segment(at) for at in ("192.168.4.41", "192.168.4.100", "fd00:4::100")] == segments


@pytest.mark.parametrize("words, why", [
    (("mss",), "mss needs a size, and at least one address"),
    (("mss", "1400"), "mss needs at least one address"),
    (("mss", "192.168.4.100", "1400"), "'1400' is not an IPv4 or IPv6 address"),
    (("mss", "535", "192.168.4.100"), "'535' is not an MSS: it is a number from 536 to 65495; on a director, "
                                      "`mainstayctl ipvs --mtu` shows which"),
])
def test_rules_for_nothing_are_refused(web, words, why):
    assert f"mainstay-realserver: {why}\n" in realserver(web, *words, status=2)
