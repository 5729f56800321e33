"""A change of the program on one host, keepalived to mainstay and back, and what the network sees of it."""

import time

from .fault_rows import Seen, Witness
from .paths import program
from .vrrp import VIP, wait_ready
from .wait import wait_until

KEEPALIVED_PID = "/run/keepalived.pid"
# keepalived removes the addresses of its instances as it starts; mainstay puts them back within a millisecond or so.
# Whoever asks just then gets no answer.
FAILED_AT_KEEPALIVEDS_START = 2


def takeover(host, *words):
    """`mainstayctl takeover` on the host; it has returncode, stdout and stderr."""
    return host.run([program("mainstayctl"), "takeover", "--pid-file", KEEPALIVED_PID, *words], check=False, timeout=120)


def start_keepalived(host, text):
    return host.keepalived(text, "-p", KEEPALIVED_PID, "-r", "/run/vrrp.pid", "-c", "/run/checkers.pid")


def start_beside(host, text):
    """mainstayd beside the keepalived that runs."""
    return wait_ready(host.mainstayd(text, "--takeover", name="mainstay.conf"))


class Watched:
    """What a client and a listener on the network see from now on: requests and adverts; with `port` also requests by TCP."""

    def __init__(self, host, interval=1.0, port=None):
        self.interval = interval
        self.adverts = Witness(host, "eth0", VIP)
        self.clients = [self.adverts] + ([Witness(host, "tcp", VIP, str(port))] if port else [])
        self.begin = time.monotonic()
        self.goes_on(5)

    def goes_on(self, count):
        """Waits until the address answers that many further requests of each kind."""
        begin = time.monotonic()
        for client in self.clients:
            wait_until(lambda c=client: c.answered_since(begin) >= count, 60, f"{count} more answers")

    def seen(self):
        """Of each kind of request, with the adverts."""
        end = time.monotonic()
        return [Seen(self.adverts, client, self.begin, end, self.interval, 4 * self.interval) for client in self.clients]

    def nobody_noticed(self, source, priority, may_fail=0):
        """No more than so many requests failed; each advert came from this router, with this priority, and none was missing."""
        for seen in self.seen():
            assert len(seen.failed) <= may_fail, seen.summary()
            assert {(a, p) for _, a, p in seen.adverts} == {(source, priority)}, seen.summary()
            assert seen.gap <= 2 * self.interval, seen.summary()
        assert len({mac for _, mac in self.adverts.answers.values()}) == 1
