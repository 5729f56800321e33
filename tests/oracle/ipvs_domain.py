"""The IPVS half: two hosts that may balance, files that their checks follow, and somebody who changes the table."""

import pathlib

from . import ipvs_generator, ipvs_steps
from .domain import Domain

# What is the host's own, and must stay as it is.
OWN = """link add eth0 address 02:00:00:00:04:11 type veth peer name wire0
link set wire0 up
link set eth0 multicast on up
addr add 192.168.4.11/24 dev eth0
addr add 10.3.0.1/32 dev eth0
addr add 10.2.0.1/32 dev eth0
link add eth1 address 02:00:00:00:20:11 type veth peer name wire1
link set wire1 up
link set eth1 multicast on up
addr add 10.20.0.11/24 dev eth1
"""
MONITOR = "link add nlm0 type nlmon\nlink set nlm0 up\n"
OWN_RULESET = "add table ip own; add chain ip own input { type filter hook input priority 5; }"
OWN_SERVICE = ("-A -t 10.9.0.9:80 -s wrr -p 44\n-a -t 10.9.0.9:80 -r 10.9.1.9:80 -m -w 9\n"
               "-A -u 10.9.0.9:53 -s rr\n-a -u 10.9.0.9:53 -r 10.9.1.9:53 -g\n")


def has_ipvs():
    return pathlib.Path("/proc/net/ip_vs").exists()


class IpvsDomain(Domain):
    name = "ipvs"
    roles = ("mainstayd-lvs",)
    inside = "oracle.ipvs_inside"
    steady_seconds = 30.0  # a lab on a busy machine
    start_is_watched = True

    def first(self, rng):
        return ipvs_generator.first(rng)

    def changed(self, nodes, rng):
        return ipvs_generator.changed(nodes, rng)

    def other_steps(self, nodes, rng):
        return ipvs_steps.choose(nodes, rng)

    def boot(self, lan, side):
        host = lan.host(side)
        lan.ip_batch(host.pid, OWN)
        # The lab's kernel has no nftables, and many a host's has no IPVS: each shows its half.
        host.run(["nft", OWN_RULESET], check=False)
        if has_ipvs():
            lan.ip_batch(host.pid, MONITOR)
            host.run(["ipvsadm", "-R"], text_in=OWN_SERVICE)
        for name in ipvs_generator.FILES:
            host.write(f"/run/walk/{name}", "0\n")
        return host

    def carry_out(self, step, side):
        if step["do"] != "file":
            raise ValueError(f"there is no step {step['do']}")
        side.ask("write", f"/run/walk/{step['name']}", f"{step['says']}\n")

    def options(self):
        return ("-C",)

    def keeps(self, path):
        return path[0].startswith("track_file") or path[-1].split()[0] in ("lb_algo", "lb_kind", "protocol", "track_file")

    def steady(self, snapshot, side):
        if side.log is None:
            return True
        return ("Startup complete" in side.log.look() and "error" not in snapshot["status"]
                and snapshot["unseen"] == 0)


DOMAIN = IpvsDomain()
