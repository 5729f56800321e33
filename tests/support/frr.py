"""FRRouting's daemons on a host, by path and without their service: the peers that speak BFD and VRRP."""

import json
import pathlib

from .wait import wait_until

FOLDER = pathlib.Path("/usr/lib/frr")


class Frr:
    """zebra, and what is started beside it. Addresses and interfaces are the host's; zebra only watches them."""

    def __init__(self, host):
        self.host = host
        host.run(["sh", "-c", "mkdir -p /run/frr && chown frr:frr /run/frr"])
        self.zebra = self.start("zebra", "")
        wait_until(lambda: host.path("/run/frr/zserv.api").exists(), 10, "zebra to listen")

    def start(self, daemon, configuration, *options):
        path = self.host.write(f"/run/{daemon}.conf", configuration)
        return self.host.start([FOLDER / daemon, "-f", path, "-i", f"/run/frr/{daemon}.pid", "--vty_socket", "/run/frr",
                                "-z", "/run/frr/zserv.api", "--log", "stdout", *options])

    def bfdd(self, configuration):
        return self.start("bfdd", configuration)

    def vrrpd(self, configuration):
        return self.start("vrrpd", configuration)

    def ask(self, command):
        """What vtysh says to this."""
        return self.host.run(["vtysh", "--vty_socket", "/run/frr", "-c", command], check=False).stdout

    def peers(self):
        """bfdd's sessions by the address of their peer."""
        answer = self.ask("show bfd peers json")
        return {p["peer"]: p for p in json.loads(answer)} if answer.strip().startswith("[") else {}

    def bfd_failures(self):
        """How many times bfdd has lost a session."""
        return sum(peer["session-down"] for peer in json.loads(self.ask("show bfd peers counters json")))
