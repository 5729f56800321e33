"""Packets as they were on the wire: tcpdump on a host or switch, read with scapy."""

import signal

from .wait import wait_until


class Capture:
    """Captures from its construction on. Use as a context manager, or call stop()."""

    def __init__(self, host, device="eth0", what="vrrp"):
        self.host = host
        self.file = f"/tmp/capture.{id(self)}.pcap"
        self.tcpdump = host.start(["tcpdump", "-i", device, "-n", "-U", "--immediate-mode", "-s", "2048", "-B", "8192", "-Z", "root", "-w",
                                   self.file, what], name="tcpdump")
        wait_until(lambda: "listening on" in self.tcpdump.output(), 10, "tcpdump to listen")

    def packets(self):
        """What came so far, as scapy packets with their time stamps."""
        # Without the layers scapy does not look into a frame.
        from scapy.layers import inet, l2, vrrp  # pylint: disable=import-outside-toplevel,unused-import  # noqa: F401
        from scapy.utils import PcapReader  # pylint: disable=import-outside-toplevel
        found = []
        with PcapReader(str(self.host.path(self.file))) as reader:
            while True:
                try:
                    packet = reader.read_packet()
                except EOFError:
                    return found
                found.append(packet)

    def wait_for(self, count=1, timeout=10.0, which=lambda packet: True):
        """At least `count` packets of this kind."""
        def enough():
            chosen = [packet for packet in self.packets() if which(packet)]
            return chosen if len(chosen) >= count else None
        return wait_until(enough, timeout, f"{count} packets")

    def stop(self):
        self.tcpdump.stop(signal.SIGINT)
        return self.packets()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.tcpdump.stop(signal.SIGINT)
