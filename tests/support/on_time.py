"""Adverts that stay on time, whatever else happens on their host."""

from .capture import Capture
from .vrrp import VIP

INTERVAL = 0.3  # between the adverts of the instance, of version 3
MASTER_DOWN_SECONDS = 3 * INTERVAL  # adverts with smaller gaps keep a backup quiet


class OnTime:
    """While it lasts, the adverts of this host come often enough to keep every backup quiet."""

    def __init__(self, host):
        self.host = host

    def __enter__(self):
        self.capture = Capture(self.host, what="vrrp")
        self.capture.wait_for(1)
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.capture.wait_for(len(self.capture.packets()) + 2)
        packets = self.capture.stop()
        if kind is not None:
            return
        times = [float(packet.time) for packet in packets]
        gaps = [later - earlier for earlier, later in zip(times, times[1:])]
        assert gaps and max(gaps) < MASTER_DOWN_SECONDS, gaps
        assert {packet["VRRPv3"].priority for packet in packets} == {150}, "the master resigned"
        assert self.host.holds(VIP)
