"""Configurations of VRRP, and changes of them: a few things at a time."""

from . import vrrp_parts as parts
from .tree import Block
from .tree import text as tree_text  # noqa: F401

INSTANCES_MAX = 4
CHANGES_MAX = 4


def first(rng):
    nodes = [Block("global_defs", ["script_user root"])]
    for _ in range(rng.randrange(1, 4)):
        parts.add_instance(nodes, rng)
    for _ in range(rng.randrange(0, 6)):
        change_one(nodes, rng)
    parts.keep_sources_apart(nodes)
    return nodes


def changed(nodes, rng):
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, CHANGES_MAX))):
        change_one(nodes, rng)
    parts.keep_sources_apart(nodes)
    return nodes


def change_one(nodes, rng):
    rng.choices([change for change, _ in CHANGES], [weight for _, weight in CHANGES])[0](nodes, rng)


def on_instance(change):
    def apply(nodes, rng):
        instances = parts.instances(nodes)
        if instances:
            change(nodes, rng.choice(instances), rng)
    return apply


def add_instance(nodes, rng):
    if len(parts.instances(nodes)) < INSTANCES_MAX:
        parts.add_instance(nodes, rng)


def remove_instance(nodes, rng):
    if len(parts.instances(nodes)) > 1:
        gone = rng.choice(parts.instances(nodes))
        nodes.remove(gone)
        parts.forget_in_groups(nodes)


def swap_routers(nodes, rng):
    """Two instances change their VRIDs, or their names."""
    both = parts.instances(nodes)
    if len(both) < 2:
        return
    one, two = rng.sample(both, 2)
    if rng.random() < 0.5:
        one.head, two.head = two.head, one.head
        return
    vrid = one.value("virtual_router_id")
    one.put(f"virtual_router_id {two.value('virtual_router_id')}")
    two.put(f"virtual_router_id {vrid}")


CHANGES = (
    (add_instance, 2), (remove_instance, 2), (swap_routers, 2),
    (on_instance(parts.rename), 2), (on_instance(parts.change_vrid), 2), (on_instance(parts.change_interface), 2),
    (on_instance(parts.change_version), 1), (on_instance(parts.change_line), 6), (on_instance(parts.drop_line), 4),
    (on_instance(parts.change_vmac), 5), (on_instance(parts.change_unicast), 1),
    (on_instance(parts.add_address), 5), (on_instance(parts.remove_address), 4), (on_instance(parts.change_address), 6),
    (on_instance(parts.move_address), 4), (on_instance(parts.reorder_addresses), 2),
    (on_instance(parts.add_route), 4), (on_instance(parts.remove_route), 3), (on_instance(parts.move_route), 2),
    (on_instance(parts.change_route), 3), (on_instance(parts.add_rule), 3), (on_instance(parts.remove_rule), 2),
    (on_instance(parts.move_rule), 1), (on_instance(parts.change_tracking), 3),
    (parts.change_global, 4), (parts.drop_global, 3), (parts.change_group, 2), (parts.change_script, 1),
)
