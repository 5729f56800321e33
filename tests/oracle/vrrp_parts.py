"""The single changes that the generator makes: to an instance, its addresses, routes and rules, and to the whole file."""

from . import vrrp_words as words
from .tree import Block, keyword_of
from .vrrp_place import (ADDRESS_BLOCKS, ROUTE_BLOCKS, RULE_BLOCKS, Place, address_of, family_of, instances, say)

LENGTHS = {"inet": (None, None, 24, 25, 32), "inet6": (None, None, 64, 96, 128)}
REQUIRED = {"interface", "virtual_router_id", "version", "advert_int"}
FAST, OWNER = "0.03", "priority 255"
SOURCES = ("mcast_src_ip", "unicast_src_ip")
SCRIPTS = ("/bin/true", "/bin/false")


def place_in(nodes, instance):
    return Place(nodes, instance.value("interface"), family_of(instance), instance.value("virtual_router_id"))


# ---- instances ----

def add_instance(nodes, rng):
    taken = {instance.name for instance in instances(nodes)}
    name = rng.choice([f"VI_{n}" for n in range(1, 9) if f"VI_{n}" not in taken])
    interface = rng.choice(("eth0", "eth0", "eth0", "eth1", "eth1", "eth2"))
    place = Place(nodes, interface, rng.choice(("inet", "inet", "inet6")))
    instance = Block(f"vrrp_instance {name}", [
        f"interface {interface}", f"virtual_router_id {place.unused_vrid(rng)}", "version 3",
        f"priority {rng.choice((100, 150, 200))}", f"advert_int {FAST}"])
    nodes.append(instance)
    first = place.unused_address(rng)
    if place.family == "inet6" and rng.random() < 0.7:
        first = f"fe80::{instance.value('virtual_router_id')}"
    instance.nodes.append(Block("virtual_ipaddress", [first or "192.168.4.250"]))
    for _ in range(rng.randrange(0, 3)):
        add_address(nodes, instance, rng)
    if rng.random() < 0.4:
        change_vmac(nodes, instance, rng)
    for change in (add_route, add_rule, change_line):
        if rng.random() < 0.4:
            change(nodes, instance, rng)


def rename(nodes, instance, rng):
    taken = {other.name for other in instances(nodes)}
    name = rng.choice([f"VI_{n}" for n in range(1, 9) if f"VI_{n}" not in taken])
    for group in [n for n in nodes if isinstance(n, Block) and n.keyword == "vrrp_sync_group"]:
        members = group.block("group")
        members.nodes = [name if member == instance.name else member for member in members.nodes]
    instance.head = f"vrrp_instance {name}"


def change_vrid(nodes, instance, rng):
    instance.put(f"virtual_router_id {place_in(nodes, instance).unused_vrid(rng)}")


def change_interface(nodes, instance, rng):
    instance.put(f"interface {rng.choice(('eth0', 'eth1', 'eth2'))}")
    for keyword in ("unicast_peer", *SOURCES):
        instance.drop(keyword)
    if is_owner(instance):
        own_source(instance)


def is_owner(instance):
    return instance.value("priority") == "255"


def own_source(instance):
    """An owner may send from an address that it owns. Where it is told of no other, whether it can goes by the past:
    whether it has set that address already."""
    instance.put(f"mcast_src_ip {words.MINE.get(instance.value('interface'), words.MINE['eth0'])[0]}")


def keep_sources_apart(nodes):
    """Nor is another instance left to send from an owner's address, where an interface has none of its own."""
    if any(is_owner(instance) for instance in instances(nodes)):
        for instance in instances(nodes):
            lacks_one = instance.value("interface") not in words.MINE and family_of(instance) == "inet"
            if lacks_one and not any(instance.value(keyword) for keyword in SOURCES):
                own_source(instance)


def change_version(nodes, instance, rng):
    """Version 2 counts in seconds: there the owner, which need not wait, stands for all."""
    if instance.value("version") == "2":
        instance.drop("mcast_src_ip")
        instance.put("version 3")
        instance.put(f"advert_int {FAST}")
        instance.put("priority 150")
    elif family_of(instance) == "inet":
        instance.put("version 2")
        instance.put("advert_int 1")
        instance.put(OWNER)
        instance.drop("unicast_src_ip")
        own_source(instance)


def change_line(nodes, instance, rng):
    place = place_in(nodes, instance)
    keyword = rng.choice(sorted(words.INSTANCE))
    if keyword in {"priority", *SOURCES} and instance.value("version") == "2":
        return
    text = words.INSTANCE[keyword](rng, place)
    if text is None:
        return
    for group in words.ONE_OF:
        if keyword in group:
            for other in group - {keyword}:
                instance.drop(other)
    instance.put(f"{keyword} {text}".strip())


def drop_line(nodes, instance, rng):
    optional = [n for n in instance.nodes if isinstance(n, str) and keyword_of(n) not in REQUIRED | {"priority"}
                and not (is_owner(instance) and keyword_of(n) in SOURCES)]
    if optional:
        instance.nodes.remove(rng.choice(optional))


def change_vmac(nodes, instance, rng):
    instance.drop("use_ipvlan")
    if instance.lines("use_vmac") and rng.random() < 0.4:
        return instance.drop("use_vmac")
    instance.drop("use_vmac")
    return instance.put(f"use_vmac {words.vmac(rng, place_in(nodes, instance))}".strip())


def change_unicast(nodes, instance, rng):
    if instance.blocks("unicast_peer"):
        return instance.drop("unicast_peer")
    place = place_in(nodes, instance)
    gateway = words.gateway(rng, place)
    if gateway is not None:
        instance.nodes.append(Block("unicast_peer", [gateway + rng.choice(("", " min_ttl 255"))]))
    return None


def change_tracking(nodes, instance, rng):
    kind = rng.choice(("track_interface", "track_script", "track_file"))
    if instance.blocks(kind):
        return instance.drop(kind)
    if kind == "track_interface":
        line = f"{rng.choice(('eth1', 'eth2', 'own0'))}{rng.choice(('', ' weight 10', ' weight -20'))}"
    else:
        tracked = [n for n in nodes if isinstance(n, Block) and n.keyword == kind.replace("track", "vrrp_track")
                   or isinstance(n, Block) and kind == "track_script" and n.keyword == "vrrp_script"]
        if not tracked:
            return None
        line = rng.choice(tracked).name
    return instance.nodes.append(Block(kind, [line]))


# ---- addresses ----

def address_line(rng, place, address):
    place.length = rng.choice(LENGTHS[place.family])
    head = address if place.length is None else f"{address}/{place.length}"
    said = say(words.ADDRESS, rng, place, 5) if rng.random() < 0.8 else {}
    return " ".join([head, *said.values()])


def holders(nodes, kinds):
    """Blocks of these kinds: of the file, and of its instances."""
    found = [n for n in nodes if isinstance(n, Block) and n.keyword in kinds]
    return found + [b for i in instances(nodes) for b in i.blocks() if b.keyword in kinds]


def holder(nodes, instance, rng, kinds):
    """A block of one of these kinds, made when there is none: of the file for static_..., else of the instance."""
    kind = rng.choice(kinds)
    if not kind.startswith("static_"):
        return instance.block(kind)
    found = [n for n in nodes if isinstance(n, Block) and n.keyword == kind]
    if not found:
        nodes.insert(1, Block(kind))
        return nodes[1]
    return found[0]


def tidy(nodes, block):
    """An empty block goes; an instance's own list stays, it has to have one address."""
    if block.nodes:
        return
    for owner in [nodes, *(i.nodes for i in instances(nodes))]:
        if any(n is block for n in owner):
            owner[:] = [n for n in owner if n is not block]


def fits(block, instance, address):
    """In an instance's own list all addresses are of one family."""
    six = ":" in address
    return block.keyword != "virtual_ipaddress" or (family_of(instance) == "inet6") == six or not block.nodes


def add_address(nodes, instance, rng):
    block = holder(nodes, instance, rng, ("virtual_ipaddress", *ADDRESS_BLOCKS))
    place = place_in(nodes, instance)
    if block.keyword != "virtual_ipaddress":
        place.family = rng.choice(("inet", "inet6"))
    if rng.random() < 0.3:
        place.interface = rng.choice(tuple(words.SUBNETS))
    address = place.unused_address(rng)
    if address is None or not fits(block, instance, address):
        return tidy(nodes, block)
    line = address_line(rng, place, address)
    if " dev " not in line and (place.interface != instance.value("interface") or block.keyword == "static_ipaddress"):
        line += f" dev {place.interface}"
    return block.nodes.insert(rng.randrange(len(block.nodes) + 1) if place.family == "inet" else len(block.nodes), line)


def any_entry(nodes, instance, rng, kinds):
    """(block, its owner's entry) of some entry: of this instance for the most part."""
    own = [b for b in holders(nodes, kinds) if b.keyword.startswith("static_") or b in instance.blocks()]
    filled = [b for b in own if b.nodes]
    if not filled:
        return None, None
    block = rng.choice(filled)
    return block, rng.randrange(len(block.nodes))


def keeps_one(block):
    return block.keyword == "virtual_ipaddress" and len(block.nodes) == 1


def remove_address(nodes, instance, rng):
    block, at = any_entry(nodes, instance, rng, ADDRESS_BLOCKS)
    if block is not None and not keeps_one(block):
        block.nodes.pop(at)
        tidy(nodes, block)


def change_address(nodes, instance, rng):
    block, at = any_entry(nodes, instance, rng, ADDRESS_BLOCKS)
    if block is None:
        return
    place = place_in(nodes, instance)
    address = address_of(block.nodes[at])
    place.family = "inet6" if ":" in address else "inet"
    line = address_line(rng, place, address)
    dev = block.nodes[at].partition(" dev ")[2].split(" ")[0]
    block.nodes[at] = f"{line} dev {dev}" if dev and " dev " not in line and rng.random() < 0.7 else line


def move_address(nodes, instance, rng):
    block, at = any_entry(nodes, instance, rng, ADDRESS_BLOCKS)
    if block is None or keeps_one(block):
        return
    target = rng.choice(instances(nodes))
    other = holder(nodes, target, rng, ADDRESS_BLOCKS)
    if other is not block and fits(other, target, address_of(block.nodes[at])):
        other.nodes.append(block.nodes.pop(at))
    tidy(nodes, other)
    tidy(nodes, block)


def reorder_addresses(nodes, instance, rng):
    block, _ = any_entry(nodes, instance, rng, ADDRESS_BLOCKS)
    if block is not None:
        rng.shuffle(block.nodes)


# ---- routes and rules ----

def route_line(rng, place, destination):
    if rng.random() < 0.15:
        said = say({k: words.ROUTE[k] for k in ("metric", "table", "protocol")}, rng, place, 2)
        return " ".join([rng.choice(words.ROUTE_TYPES), destination, *said.values()])
    if rng.random() < 0.15 and place.interface in words.GATEWAYS:
        via = words.gateway(rng, place)
        hops = f"nexthop via {via} dev {place.interface}", f"nexthop via {via[:-1]}2 dev {place.interface} weight 3"
        return " ".join([destination, *hops])
    said = say(words.ROUTE, rng, place, 4)
    if "onlink" in said and not {"via", "gw"} & said.keys() and words.gateway(rng, place):
        said["via"] = f"via {words.gateway(rng, place)}"
    if "via" not in said and "gw" not in said:
        said.pop("onlink", None)
    if {"congctl", "scope", "from", "encap"} & said.keys():
        said.pop("via", None)
        said.pop("gw", None)
        said.pop("onlink", None)
    return " ".join([destination, *said.values(), f"dev {place.interface}"])


def routed_place(nodes, instance, rng):
    place = place_in(nodes, instance)
    place.family = rng.choice((place.family, "inet", "inet6"))
    if rng.random() < 0.3:
        place.interface = rng.choice(tuple(words.SUBNETS))
    return place


def add_route(nodes, instance, rng):
    place = routed_place(nodes, instance, rng)
    destination = place.unused_route(rng)
    if destination is not None:
        holder(nodes, instance, rng, ROUTE_BLOCKS).nodes.append(route_line(rng, place, destination))


def change_route(nodes, instance, rng):
    block, at = any_entry(nodes, instance, rng, ROUTE_BLOCKS)
    if block is None:
        return
    place = routed_place(nodes, instance, rng)
    destination = next(word for word in block.nodes[at].split() if "/" in word)
    place.family = "inet6" if ":" in destination else "inet"
    block.nodes[at] = route_line(rng, place, destination)


def remove_entry(kinds):
    def remove(nodes, instance, rng):
        block, at = any_entry(nodes, instance, rng, kinds)
        if block is not None:
            block.nodes.pop(at)
            tidy(nodes, block)
    return remove


def move_entry(kinds):
    def move(nodes, instance, rng):
        block, at = any_entry(nodes, instance, rng, kinds)
        if block is not None:
            other = holder(nodes, rng.choice(instances(nodes)), rng, kinds)
            if other is not block:
                other.nodes.append(block.nodes.pop(at))
            tidy(nodes, block)
    return move


remove_route, remove_rule = remove_entry(ROUTE_BLOCKS), remove_entry(RULE_BLOCKS)
move_route, move_rule = move_entry(ROUTE_BLOCKS), move_entry(RULE_BLOCKS)


def add_rule(nodes, instance, rng):
    place = routed_place(nodes, instance, rng)
    said = say(words.RULE, rng, place, 4)
    if "ipproto" in said and rng.random() < 0.5:
        said["sport"] = "sport 5-10"
        said["dport"] = "dport 10-20"
    if "from" not in said and "to" not in said:
        said["from"] = f"from {place.network(rng)}"
    action = rng.choice(words.RULE_ACTIONS)
    if action in ("l3mdev", "nop") or not action.startswith(("table", "lookup")):
        for keyword in ("suppress_prefixlength", "sup_pl", "suppress_ifgroup", "sup_group"):
            said.pop(keyword, None)
    first = ["not"] if said.pop("not", None) is not None else []
    if action.endswith(("blackhole", "unreachable", "prohibit")):
        first = []  # it would be for nearly everybody: then the kernel finds no gateway, and refuses new routes
    line = " ".join([*first, *said.values(), action, f"preference {place.unused_rule(rng)}"])
    holder(nodes, instance, rng, RULE_BLOCKS).nodes.append(line)


# ---- the whole file ----

def change_global(nodes, rng):
    block = nodes[0]
    place = Place(nodes, "eth0", "inet")
    for keyword, line in say(words.GLOBAL, rng, place, 2).items():
        for group in words.ONE_OF:
            if keyword in group:
                for other in group - {keyword}:
                    block.drop(other)
        block.put(line)


def drop_global(nodes, rng):
    lines = [line for line in nodes[0].lines() if not line.startswith("script_user")]
    if lines:
        nodes[0].nodes.remove(rng.choice(lines))


def change_group(nodes, rng):
    groups = [n for n in nodes if isinstance(n, Block) and n.keyword == "vrrp_sync_group"]
    if groups:
        return nodes.remove(groups[0])
    both = instances(nodes)
    if len(both) >= 2:
        nodes.append(Block("vrrp_sync_group G_1", [Block("group", [i.name for i in rng.sample(both, 2)])]))
    return None


def forget_in_groups(nodes):
    """A group of which a member is gone goes, too."""
    names = {instance.name for instance in instances(nodes)}
    nodes[:] = [n for n in nodes if not (isinstance(n, Block) and n.keyword == "vrrp_sync_group"
                                         and set(n.block("group").nodes) - names)]


def change_script(nodes, rng):
    kind, name = rng.choice((("vrrp_script", "check"), ("vrrp_track_file", "seen")))
    there = [n for n in nodes if isinstance(n, Block) and n.head == f"{kind} {name}"]
    if there:
        nodes.remove(there[0])
        for instance in instances(nodes):
            instance.drop("track_script" if kind == "vrrp_script" else "track_file")
    elif kind == "vrrp_script":
        weight = rng.choice(("weight 0", "weight -10", "weight 5"))
        nodes.insert(1, Block(f"{kind} {name}", [f"script {rng.choice(SCRIPTS)}", "interval 1", weight]))
    else:
        nodes.insert(1, Block(f"{kind} {name}", ["file /run/walk/seen", f"weight {rng.choice((1, -1))}"]))
