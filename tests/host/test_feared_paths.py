"""The three moments that operators fear, with a client behind a router that keeps what ARP once told it."""

import re
import signal

import pytest

from support.vrrp import VIP, instance, office, partition, wait_holds, wait_ready, wait_released
from support.wait import stays, wait_until

ROUTER = "192.168.4.1/24"
QUICK = 0.1  # seconds between advertisements, version 3
MORE = "version 3\ngarp_master_repeat 1\ngarp_master_delay 0\n"


def director(priority, more="", vips=(VIP,)):
    text = instance("BACKUP", priority, interval=QUICK, more=MORE + more, auth=False)
    return text.replace(VIP, "\n".join(vips))


def with_router(lan):
    one, two = office(lan, "one", "two")
    router = lan.host("router", eth0=("office", ROUTER))
    router.run(["sysctl", "-qw", "net.ipv4.neigh.eth0.base_reachable_time_ms=3600000",
                "net.ipv4.neigh.eth0.gc_stale_time=3600"])
    return one, two, router


def mac(host):
    return host.read("/sys/class/net/eth0/address").strip()


def caches(router):
    """The hardware address that the router has for the VIP."""
    found = re.search(r"lladdr (\S+)", router.run(["ip", "neigh", "show", VIP]).stdout)
    return found.group(1) if found else None


class Client:
    """Asks the VIP fifty times a second, through the router's cache."""

    def __init__(self, router):
        self.ping = router.start(["ping", "-n", "-i", "0.02", VIP], name="ping")
        wait_until(lambda: self.answered(), 10, "the first answer")

    def answered(self):
        return [int(number) for number in re.findall(r"icmp_seq=(\d+) ttl=", self.ping.output())]

    def again(self, count=25):
        """Answered right now."""
        have = len(self.answered())
        wait_until(lambda: len(self.answered()) >= have + count, 10, "the VIP to answer again")

    def lost(self):
        """How many of its questions before the last answer nobody answered (one may be on its way); ends it."""
        self.ping.stop(signal.SIGINT)
        answered = set(self.answered())
        return max(answered) - len(answered)


def test_reloads_that_change_everything_about_a_master_lose_no_packet_of_a_client(lan):
    one, two, router = with_router(lan)
    daemons = [wait_ready(one.mainstayd(director(150))), wait_ready(two.mainstayd(director(100)))]
    wait_holds(one)
    client = Client(router)

    for generation, text in enumerate((
            director(160, "garp_master_refresh 1\n"), director(160, vips=(VIP, "192.168.4.201", "192.168.4.202")),
            director(150, "preempt_delay 1\n", vips=("192.168.4.203", VIP)), director(200), director(150)), 2):
        for host, daemon, file in ((one, daemons[0], text), (two, daemons[1], text.replace("priority 1", "priority ")
                                                             .replace("priority 200", "priority 90"))):
            host.write("/run/keepalived.conf", file)
            daemon.send(signal.SIGHUP)
            wait_until(lambda d=daemon, g=generation: d.output().count("Reload complete") >= g - 1, 20, "the reload")
        client.again(5)

    assert client.lost() == 0
    assert not two.holds(VIP)
    assert "Entering MASTER STATE" not in daemons[1].output()


def test_a_reload_in_the_middle_of_a_failover_leaves_one_master_that_the_client_reaches(lan):
    one, two, router = with_router(lan)
    first, second = wait_ready(one.mainstayd(director(150))), wait_ready(two.mainstayd(director(100)))
    wait_holds(one)
    client = Client(router)

    partition(lan, one)
    second.send(signal.SIGHUP)  # while it waits for its master
    wait_holds(two)
    first.send(signal.SIGHUP)  # while both are master
    partition(lan, one, cut=False)
    second.send(signal.SIGHUP)

    wait_released(two)
    client.again()
    assert one.holds(VIP)
    assert caches(router) == mac(one)
    client.lost()


@pytest.mark.nightly
def test_after_a_partition_the_router_hears_who_is_left(lan):
    one, two, router = with_router(lan)
    wait_ready(one.mainstayd(director(150)))
    wait_ready(two.mainstayd(director(100)))
    wait_holds(one)
    client = Client(router)

    for _ in range(6):  # whose advertisement is heard first is chance
        partition(lan, one)
        wait_holds(two)
        client.again()
        assert caches(router) == mac(two)
        assert one.holds(VIP)

        partition(lan, one, cut=False)
        wait_released(two)
        wait_until(lambda: caches(router) == mac(one), 2, "the router to learn who is left")
        client.again()
    client.lost()


def test_a_startup_delay_keeps_a_rebooted_director_quiet_until_its_slow_switch_port_forwards(lan):
    # effect: global_defs: vrrp_startup_delay
    one, two, router = with_router(lan)
    wait_ready(two.mainstayd(director(100)))
    wait_holds(two)
    client = Client(router)

    partition(lan, one)  # what a port does before spanning tree lets it forward
    slow = one.mainstayd("global_defs {\nvrrp_startup_delay 3\n}\n" + director(150))
    wait_until(lambda: "Delaying startup for 3 seconds" in slow.output(), 10, "the delay to begin")
    assert stays(lambda: not one.holds(VIP), 1.5)
    partition(lan, one, cut=False)
    wait_until(lambda: "Delayed start completed" in slow.output(), 10, "the delay to end")
    wait_holds(one)

    wait_released(two)
    client.again()
    assert caches(router) == mac(one)
    assert client.lost() <= 10  # between the two burst of gratuitous ARP, at 50 a second


def test_without_a_delay_the_addresses_are_announced_again_once_the_slow_switch_port_forwards(lan):
    one, two, router = with_router(lan)
    wait_ready(two.mainstayd(director(100)))
    wait_holds(two)
    client = Client(router)

    partition(lan, one)
    wait_ready(one.mainstayd(director(150)))
    wait_holds(one)  # it hears nobody: both are master, and the router knows the other one
    client.again()
    assert caches(router) == mac(two)
    partition(lan, one, cut=False)

    wait_released(two)
    wait_until(lambda: caches(router) == mac(one), 2, "the router to learn who is left")
    client.again()
    client.lost()
