"""The VRRP half: two hosts with the same interfaces, a peer that may speak up, and what may happen to them."""

import json
import pathlib

from . import tree, vrrp_generator, vrrp_place, vrrp_steps
from .domain import Domain
from .world import busy

PEER = pathlib.Path(__file__).resolve().parent / "vrrp_peer.py"
# Interfaces of a host: the switch, the MAC address, and what stands on it that is not mainstay's.
INTERFACES = {
    "eth0": ("office", "02:00:00:00:04:11", ("192.168.4.11/24", "192.168.4.12/24", "2001:db8:4::11/64")),
    "eth1": ("dmz", "02:00:00:00:20:11", ("10.20.0.11/24", "2001:db8:20::11/64")),
    "eth2": ("back", "02:00:00:00:30:11", ()),
}
# What else is the host's own, and must stay as it is.
OWN = """link add own0 link eth0 address 02:00:00:00:04:aa type macvlan mode bridge
link set own0 up
addr add 192.168.4.77/32 dev own0
addr add 192.168.4.99/32 dev eth0 label eth0:own
addr add 2001:db8:4::99/128 dev eth0
route add 172.31.0.0/24 via 192.168.4.1 dev eth0
route add 172.31.1.0/24 dev eth1 metric 50 table 77
rule add from 172.31.0.0/24 lookup 77 pref 5000
"""
OWN_RULESET = "add table inet own; add chain inet own input { type filter hook input priority 5; }"
# Addresses are usable at once, and the host does not lose its own with a link that goes down for a moment.
SYSCTLS = ("net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0",
           "net.ipv6.conf.all.keep_addr_on_down=1", "net.ipv6.conf.default.keep_addr_on_down=1",
           "net.ipv6.conf.all.accept_ra=0", "net.ipv6.conf.default.accept_ra=0")


def boot(lan, side):
    for switch in {switch for switch, _, _ in INTERFACES.values()}:
        lan.switch(f"{switch}-{side}")
    host = lan.host(f"{side}")
    host.run(["sysctl", "-qw", *SYSCTLS])
    for device, (switch, mac, addresses) in INTERFACES.items():
        lan.plug(host, device, f"{switch}-{side}")
        lines = [f"link set {device} down", f"link set {device} address {mac}", f"link set {device} up"]
        lan.ip_batch(host.pid, "\n".join([*lines, *(f"addr add {a} dev {device}" for a in addresses)]) + "\n")
    lan.ip_batch(host.pid, OWN)
    host.run(["nft", OWN_RULESET])
    host.run(["mkdir", "-p", "/run/walk"])
    return host


def carrier(link):
    """The kernel tells of it in its own time."""
    return "UP" not in link["flags"] or ("LOWER_UP" in link["flags"] and link["operstate"] == "UP")


class VrrpDomain(Domain):
    name = "vrrp"
    roles = ("mainstayd-vrrp",)
    inside = "oracle.vrrp_inside"

    def first(self, rng):
        return vrrp_generator.first(rng)

    def changed(self, nodes, rng):
        return vrrp_generator.changed(nodes, rng)

    def other_steps(self, nodes, rng):
        return vrrp_steps.choose(nodes, rng)

    def boot(self, lan, side):
        return boot(lan, side)

    def carry_out(self, step, side):
        if step["do"] != "peer":
            raise ValueError(f"there is no step {step['do']}")
        self.speak(side, step["adverts"])

    def speak(self, side, adverts):
        """The peer sends these from now on: [[interface, VRID, family, priority, addresses]...]."""
        lan = side.host.lan
        for device, (switch, _, _) in INTERFACES.items():
            sent = [["lan", *rest] for interface, *rest in adverts if interface == device]
            process = side.peers.get(switch)
            if process is None and not sent:
                continue
            if process is None:
                process = lan.switches[f"{switch}-{side.name}"].start(["/usr/bin/python3", "-B", str(PEER)], pipe=True)
                side.peers[switch] = process
                process.popen.stdout.readline()
            process.popen.stdin.write(json.dumps(sent) + "\n")
            process.popen.stdin.flush()
            process.popen.stdout.readline()
        side.peers["spoken for"] = {(interface, vrid, family) for interface, vrid, family, *_ in adverts}

    def steady(self, snapshot, side):
        if not all(carrier(link) for link in snapshot["links"].values()):
            return False
        if "status" not in snapshot:
            return True
        status = snapshot["status"]
        instances = status.get("instances", {})
        if "error" in status or "bfd" not in status and "mainstayd-vrrp" in snapshot["processes"]:
            return False  # the role has not said anything yet
        nodes = tree.parse(side.text)
        watched = {n.name for n in nodes if isinstance(n, tree.Block) and n.keyword == "vrrp_track_file"}
        if "mainstayd-vrrp" in snapshot["processes"] and watched - {file["name"] for file in status["files"]}:
            return False  # what the watcher reads of a file that no instance tracks comes later than their first states
        spoken = side.peers.get("spoken for", ())
        follows = {i.name for i in vrrp_place.instances(nodes) if vrrp_steps.hears_the_peer(nodes, i) and (
            i.value("interface"), int(i.value("virtual_router_id")), vrrp_place.family_of(i)) in spoken}
        held_back = {i["group"] for name, i in instances.items() if i["group"] and i["state"] != "MASTER" and (
            name in follows or i["state"] == "FAULT")}
        for name, instance in instances.items():
            if instance["state"] in ("MASTER", "FAULT") and "wait" not in instance["fault"]:
                continue
            if name not in follows and instance["group"] not in held_back:
                return False
        return True

    def quiet_seconds(self, snapshot, side):
        """Whether an instance that the peer speaks for hears of it shows after a master-down time; and the peer may be
        late on a busy machine, so that the instance is master for a moment. The status follows a fault that has another
        reason after 0.2 s: only a transition is published at once."""
        in_fault = any(i["state"] == "FAULT" for i in snapshot.get("status", {}).get("instances", {}).values())
        return 0.25 * busy() if in_fault or side.peers.get("spoken for") else 0.03

    def keeps(self, path):
        return path[-1].startswith(("version ", "advert_int ", "interface ", "priority 255"))  # else each try waits for seconds

    def allowed(self, loss, before, after, losses):
        return vrrp_steps.allowed(loss, before, after, losses)

    def excused(self, line, said):
        return vrrp_steps.kept_by_the_kernel(line, said)

    def allowed_after(self, loss, state, said):
        return vrrp_steps.allowed_after(loss, state, said)


DOMAIN = VrrpDomain()
