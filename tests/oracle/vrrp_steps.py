"""What happens between two reloads of a walk of VRRP, and what may be absent for a moment in a reload."""

from . import tree
from .vrrp_place import address_of, family_of, instances

KILL, UPGRADE, DRIFT, PEER = 0.02, 0.03, 0.15, 0.08
STATIC = "static"


def choose(nodes, rng):
    return []


# ---- what may be absent ----

def identity(nodes, instance):
    """What makes an instance the same router to its peers; then a reload keeps its state."""
    vmac = [word for line in instance.lines("use_vmac") for word in line.split() if ":" in word]
    groups = tuple(line for block in nodes if not isinstance(block, str) and block.keyword == "global_defs"
                   for line in block.lines() if line.startswith("vrrp_mcast_group"))
    return (instance.value("interface"), instance.value("virtual_router_id"), family_of(instance),
            instance.value("mcast_dst_ip"), bool(instance.blocks("unicast_peer")), instance.value("unicast_src_ip"),
            bool(instance.lines("use_vmac")), bool(instance.lines("use_ipvlan")), bool(instance.lines("vmac_xmit_base")),
            tuple(vmac), groups)


def holds(block, kind, word):
    if kind == "address":
        return "ipaddress" in block.keyword and any(address_of(line) == word.split("/")[0] for line in block.lines())
    if kind == "route":
        return block.keyword.endswith("_routes") and any(word in line.split() for line in block.lines())
    return block.keyword.endswith("_rules") and any(f"preference {word}" in line for line in block.lines())


def owners(nodes, kind, word):
    """Identities of the instances that have this entry; STATIC when it is static."""
    found = {STATIC for block in nodes if not isinstance(block, str) and holds(block, kind, word)}
    for instance in instances(nodes):
        if any(holds(block, kind, word) for block in instance.blocks()):
            found.add(identity(nodes, instance))
    return found


def masters(state):
    """Identities of the instances that are master in a state."""
    nodes = tree.parse(state.text)
    status = state.snapshot.get("status", {}).get("instances", {})
    return {identity(nodes, instance) for instance in instances(nodes)
            if status.get(instance.name, {}).get("state") == "MASTER"}


def allowed(loss, before, after):
    """An entry may be absent while the instance that has it now waits for its election: it is a new router to its peers
    or was not master, and has to hear first whether another one is there."""
    kind, word = loss["key"][0], loss["key"][1]
    if kind == "rule":
        word = loss["key"][2].split()[1]
    new = owners(tree.parse(after.text), kind, word)
    if new and STATIC not in new and not new & masters(before):
        return "its instance is elected first"
    return None
