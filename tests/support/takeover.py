"""A change of the program on one host, keepalived to mainstay and back, and what the network sees of it."""

import pathlib

from .paths import program
from .vrrp import VIP, wait_ready
from .wait import wait_until

WITNESS = pathlib.Path(__file__).resolve().parent / "fault_witness.py"
KEEPALIVED_PID = "/run/keepalived.pid"


def takeover(host, *words):
    """`mainstayctl takeover` on the host; it has returncode, stdout and stderr."""
    return host.run([program("mainstayctl"), "takeover", "--pid-file", KEEPALIVED_PID, *words], check=False, timeout=120)


def start_keepalived(host, text):
    return host.keepalived(text, "-p", KEEPALIVED_PID, "-r", "/run/vrrp.pid", "-c", "/run/checkers.pid")


def start_beside(host, text):
    """mainstayd beside the keepalived that runs."""
    return wait_ready(host.mainstayd(text, "--takeover", name="mainstay.conf"))


class Witness:
    """A client and a listener on the network; with a port it asks by TCP, and hears no adverts."""

    def __init__(self, host, vip=VIP, port=None):
        words = ["tcp", vip, str(port)] if port else ["eth0", vip]
        self.process = host.start(["/usr/bin/python3", str(WITNESS), *words], name="witness")
        wait_until(lambda: self.answered() > 5, 20, "answers")

    def events(self, kind):
        lines = [line.split() for line in self.process.output().splitlines()]
        return [words for words in lines if words[0] == kind and len(words) > 2]

    def answered(self):
        return len(self.events("answer"))

    def goes_on(self, count):
        """Waits until that many more requests are answered."""
        before = self.answered()
        wait_until(lambda: self.answered() >= before + count, 60, f"{count} more answers")

    def unanswered(self):
        """Numbers of requests without an answer; the last ones may still be under way."""
        answered = {words[2] for words in self.events("answer")}
        return [words[2] for words in self.events("sent")[:-50] if words[2] not in answered]

    def macs(self):
        return {words[3] for words in self.events("answer")}

    def senders(self):
        return {words[2] for words in self.events("advert")}

    def priorities(self):
        return {int(words[3]) for words in self.events("advert")}

    def widest_gap(self):
        """In seconds, between two adverts; of several virtual routers this says least about each."""
        times = [float(words[1]) for words in self.events("advert")]
        return max(later - earlier for earlier, later in zip(times, times[1:]))
