"""Where a line of a configuration will stand, and what is not used yet in the file."""

import dataclasses
import re

from . import vrrp_words as words
from .tree import Block, paths

ADDRESS_BLOCKS = ("virtual_ipaddress", "virtual_ipaddress_excluded", "static_ipaddress")
ROUTE_BLOCKS = ("virtual_routes", "static_routes")
RULE_BLOCKS = ("virtual_rules", "static_rules")
FIRST_HOST, HOSTS = 200, 12
FIRST_RULE = 1000


def instances(nodes):
    return [n for n in nodes if isinstance(n, Block) and n.keyword == "vrrp_instance"]


def all_lines(nodes):
    """All lines of the file, whatever block they are in."""
    return [path[-1] for path in paths(nodes)]


def address_of(line):
    """The bare address of an address line."""
    return line.split()[0].split("/")[0]


def family_of(instance):
    """By its first virtual address, as mainstay has it."""
    block = instance.blocks("virtual_ipaddress")
    return "inet6" if block and block[0].nodes and ":" in address_of(block[0].nodes[0]) else "inet"


@dataclasses.dataclass
class Place:
    nodes: list
    interface: str
    family: str
    vrid: str = ""
    length: int | None = None

    def used_hosts(self):
        return {address_of(line) for line in all_lines(self.nodes) if re.match(r"[0-9a-f.:]+(/\d+)?( |$)", line)}

    def unused_address(self, rng):
        four, six = words.SUBNETS[self.interface]
        used = self.used_hosts()
        for _ in range(20):
            host = FIRST_HOST + rng.randrange(HOSTS)
            address = six.format(host) if self.family == "inet6" else four.format(host)
            if address not in used:
                return address
        return None

    def unused_vmac_name(self, rng):
        used = " ".join(line for line in all_lines(self.nodes) if line.startswith("use_vmac "))
        free = [name for name in words.VMAC_NAMES if name not in used]
        return rng.choice(free) if free else ""

    def unused_vrid(self, rng):
        used = {instance.value("virtual_router_id") for instance in instances(self.nodes)}
        return rng.choice([str(n) for n in range(51, 60) if str(n) not in used])

    def unused_route(self, rng):
        used = " ".join(all_lines(self.nodes))
        for _ in range(20):
            number = rng.randrange(1, 30)
            prefix = f"2001:db8:5{number:02}::/48" if self.family == "inet6" else f"10.50.{number}.0/24"
            if prefix not in used:
                return prefix
        return None

    def unused_rule(self, rng):
        used = " ".join(all_lines(self.nodes))
        return next(str(n) for n in range(FIRST_RULE + rng.randrange(50), FIRST_RULE + 200) if f"preference {n}" not in used)

    def network(self, rng):
        number = rng.randrange(1, 9)
        return f"2001:db8:6{number}::/48" if self.family == "inet6" else f"10.60.{number}.0/24"


def say(table, rng, place, most):
    """Up to so many words of a table, each with what it says here; of those that exclude each other one."""
    said = {}
    for keyword in rng.sample(sorted(table), min(len(table), rng.randrange(most + 1))):
        if any(keyword in group and group & said.keys() for group in words.ONE_OF):
            continue
        text = table[keyword](rng, place)
        if text is not None:
            said[keyword] = f"{keyword} {text}".strip()
    return said
