"""What happens between two reloads of a walk of VRRP, and what may be absent for a moment in a reload."""

import json

from . import tree
from .vrrp_parts import SOURCES, holders
from .vrrp_place import ADDRESS_BLOCKS, RULE_BLOCKS, address_of, family_of, instances

INTERFACES = ("eth0", "eth1", "eth2")
KILL, UPGRADE, DRIFT, PEER = 0.02, 0.03, 0.15, 0.08
STATIC = "static"
OWN_WAY = ("dev", "own0", "onlink")
PEER_PRIORITY = 254  # better than any of ours that is no owner


def choose(nodes, rng):
    """What happens before the next reload; often nothing."""
    steps = []
    if rng.random() < KILL:
        steps.append({"do": "kill", "role": "mainstayd-vrrp"})
    if rng.random() < UPGRADE:
        steps.append({"do": "upgrade"})
    if rng.random() < PEER:
        steps.append({"do": "peer", "adverts": adverts(nodes, rng)})
    if rng.random() < DRIFT:
        steps.append({"do": "drift", "run": drift(nodes, rng)})
    return steps


def adverts(nodes, rng):
    """The peer takes over some instances, or falls silent."""
    spoken = []
    for instance in instances(nodes):
        if rng.random() < 0.4 and instance.value("version") == "3":  # the peer speaks no other
            family = family_of(instance)
            block = instance.blocks("virtual_ipaddress")
            held = [address_of(line) for line in block[0].lines()] if block else []
            held = [address for address in held if (":" in address) == (family == "inet6")]
            spoken.append([instance.value("interface"), int(instance.value("virtual_router_id")), family, PEER_PRIORITY,
                           held])
    return spoken


def hears_the_peer(nodes, instance):
    """Whether it listens to what the peer sends: version 3, to the usual group."""
    settings = [block for block in nodes if not isinstance(block, str) and block.keyword == "global_defs"]
    word, usual = ("vrrp_mcast_group6", "ff02::12") if family_of(instance) == "inet6" else ("vrrp_mcast_group4", "224.0.0.18")
    group = instance.value("mcast_dst_ip") or next((block.value(word) for block in settings if block.lines(word)), usual)
    return instance.value("version") == "3" and group == usual and not instance.blocks("unicast_peer")


# ---- somebody else ----

def entries(nodes, kinds):
    return [(block, line) for block in holders(nodes, kinds) for line in block.lines()]


def delete_address(nodes, rng):
    """Deletes one of ours, wherever it is."""
    block, line = rng.choice(entries(nodes, ADDRESS_BLOCKS) or [(None, "192.168.4.200")])
    address = line.split()[0]
    if "/" not in address:
        address += "/128" if ":" in address else "/32"
    devices = [*INTERFACES, *(f"vrrp.{i.value('virtual_router_id')}" for i in instances(nodes))]
    return [["ip", "addr", "del", address, "dev", device] for device in devices]


def delete_route(nodes, rng):
    return rng.choice(([["ip", "route", "flush", "table", "all", "proto", "18"]],
                       [["ip", "-6", "route", "flush", "table", "all", "proto", "18"]],
                       [["ip", "route", "del", f"10.50.{rng.randrange(1, 30)}.0/24"]]))


def delete_rule(nodes, rng):
    lines = [line for _, line in entries(nodes, RULE_BLOCKS)]
    if not lines:
        return []
    number = rng.choice(lines).partition("preference ")[2].split()[0]
    return [["ip", "rule", "del", "pref", number], ["ip", "-6", "rule", "del", "pref", number]]


def flush(nodes, rng):
    """Not where a unicast instance is told to send from: the loss of a source that was there is no fault, as with
    keepalived, but a start looks for it."""
    device = rng.choice(("eth0", "eth1", "eth2"))
    if any(i.value("interface") == device and i.blocks("unicast_peer") and any(map(i.lines, SOURCES)) for i in instances(nodes)):
        return []
    return [["ip", "addr", "flush", "dev", device]]


def down_and_up(nodes, rng):
    device = rng.choice(("eth0", "eth1", "eth2"))
    return [["ip", "link", "set", device, "down"], ["ip", "link", "set", device, "up"]]


def delete_link(nodes, rng):
    return [["ip", "link", "del", f"vrrp.{rng.choice(instances(nodes)).value('virtual_router_id')}"]]


def vmac_down(nodes, rng):
    return [["ip", "link", "set", f"vrrp.{i.value('virtual_router_id')}", "down"] for i in instances(nodes)]


def rename_link(nodes, rng):
    """Without addresses: a new name gives those that stand on it new labels. All at once, or some are back before."""
    lines = ("link set eth2 down", "addr flush dev eth2", "link set eth2 name other0", "link set other0 name eth2",
             "link set eth2 up")
    return [["sh", "-c", "printf '%s\\n' \"$@\" | ip -batch -", "sh", *lines]]


def add_own(nodes, rng):
    """Something of the host's own, which has to stay. Routes name their way: it must not be an address of mainstay's that
    leads to the gateway, and on one host only. An IPv6 gateway is of no subnet that can be set on another interface: the
    kernel refuses a route whose gateway is reached there."""
    number = rng.randrange(120, 130)
    return rng.choice(([["ip", "addr", "add", f"192.168.4.{number}/32", "dev", "eth0"]],
                       [["ip", "addr", "add", f"10.20.0.{number}/24", "dev", "eth1"]],
                       [["ip", "addr", "add", f"2001:db8:4::{number}/64", "dev", "eth0"]],
                       [["ip", "route", "add", f"172.31.{number}.0/24", "via", "192.168.4.1", *OWN_WAY]],
                       [["ip", "-6", "route", "add", f"2001:db8:{number}::/48", "via", "fe80::99", *OWN_WAY]],
                       [["ip", "rule", "add", "from", f"172.31.{number}.0/24", "lookup", "77", "pref", f"6{number}"]]))


def flush_rules_of_firewall(nodes, rng):
    return [["nft", "flush", "ruleset"]]


DRIFTS = (delete_address, delete_address, delete_route, delete_rule, flush, down_and_up, delete_link, vmac_down,
          rename_link, add_own, add_own, flush_rules_of_firewall)


def drift(nodes, rng):
    return [command for _ in range(rng.choice((1, 1, 2))) for command in rng.choice(DRIFTS)(nodes, rng)]


# ---- what may be absent ----

def identity(nodes, instance):
    """What makes an instance the same router to its peers; then a reload keeps its state."""
    groups = tuple(line for block in nodes if not isinstance(block, str) and block.keyword == "global_defs"
                   for line in block.lines() if line.startswith("vrrp_mcast_group"))
    unicast = bool(instance.blocks("unicast_peer"))
    source = unicast and (instance.value("unicast_src_ip") or instance.value("mcast_src_ip"))
    return (instance.value("interface"), instance.value("virtual_router_id"), family_of(instance),
            instance.value("mcast_dst_ip"), unicast, source,
            bool(instance.lines("use_vmac")), bool(instance.lines("use_ipvlan")), groups)


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


def remade(device, before, after):
    """A VMAC over another interface or with another MAC address, which the kernel cannot always change in place."""
    links = [state.snapshot["links"].get(device, {}) for state in (before, after)]
    return any(links[0].get(field) != links[1].get(field) for field in ("link", "address"))


def keeps_ipv4(device, before, after, losses):
    """Whether an IPv4 address was there all the time, and the same one: it may have another peer, flag or label now."""
    had, have = before.snapshot["addresses"], after.snapshot["addresses"]
    stay = {place for place in had if had[place] == have.get(place)}
    absent = {f"{loss['key'][1]} {loss['key'][2]}" for loss in losses if loss["key"][0] == "address"}
    return any(place.endswith(f" dev {device}") and ":" not in place for place in stay - absent)


def kept_by_the_kernel(line, said):
    """A route that is wanted, and that a start cannot set because others have taken the way to its gateway."""
    begin = "left over /routes: "
    route = json.loads(line.removeprefix(begin)) if line.startswith(begin) else {}
    return bool(route) and any(
        f"route {route['dst']} " in told and "cannot be set: the kernel refuses" in told for told in said.splitlines())


def entry_of(loss):
    """("address", "route", "rule" or "link", the word that it is known by)"""
    kind = loss["key"][0]
    return kind, loss["key"][2].split()[1] if kind == "rule" else loss["key"][1]


def allowed_after(loss, state, said):
    """A role that dies twice in ten seconds is away for a second, and other routers here wait for 90 ms: its addresses go
    meanwhile, and what the kernel takes with them. With nopreempt a master that was away for three intervals steps back:
    another one may be there by now, and may stay it. That is 90 ms here, and a busy machine takes longer to start a
    process. Its group steps back with it."""
    if entry_of(loss)[0] in ("address", "route") and "virtual addresses removed: no VRRP process has run" in said:
        return "no process was there to advertise it"
    nodes = tree.parse(state.text)
    humble = {i.name for i in instances(nodes) if i.lines("nopreempt") and not i.lines("preempt")}
    for group in nodes:
        members = set(group.blocks("group")[0].lines()) if group_of_instances(group) else set()
        if members & humble:
            humble |= members
    having = [i for i in instances(nodes) if any(holds(block, *entry_of(loss)) for block in i.blocks())]
    if having and all(i.name in humble for i in having):
        return "nopreempt respects whoever may have taken over"
    return None


def group_of_instances(node):
    return not isinstance(node, str) and node.keyword == "vrrp_sync_group" and bool(node.blocks("group"))


def allowed(loss, before, after, losses):
    """A device may be made anew when it has to be another one, and what stands on it with it. An entry may be absent while the instance that has it now waits for its election: it is a new router to its peers
    or was not master, and has to hear first whether another one is there."""
    kind, word = entry_of(loss)
    devices = [word] if kind == "link" else [part[4:] for part in loss["key"] if part.startswith("dev ")]
    if any(remade(device, before, after) for device in devices):
        return "its device is another one"
    if kind == "route" and ":" not in word and not any(
            keeps_ipv4(device, before, after, losses) for device in devices):
        return "the kernel takes the routes of an interface with its last address"
    new = owners(tree.parse(after.text), kind, word)
    if new and STATIC not in new and not new & masters(before):
        return "its instance is elected first"
    return None
