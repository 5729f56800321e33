"""Configurations of VRRP, and changes of them."""

from .tree import Block


def first(rng):
    instance = Block("vrrp_instance VI_1", ["interface eth0", "virtual_router_id 51", "version 3", "priority 150",
                                            "advert_int 0.03", Block("virtual_ipaddress", ["192.168.4.200"])])
    return [instance]


def changed(nodes, rng):
    block = nodes[0].block("virtual_ipaddress")
    line = f"192.168.4.{rng.randrange(200, 210)}/{rng.choice([24, 25, 32])}"
    if line not in block.nodes:
        block.nodes.append(line)
    if len(block.nodes) > 3:
        block.nodes.pop(rng.randrange(len(block.nodes)))
    return nodes
