"""Configurations of virtual servers, and changes of them: a few things at a time.

What the past decides is left to the walks of the units (tests/role/lvs/walk.cpp): hysteresis, slow_start, and checks that
take their time. Checks follow files here, so that what they find is known at once. Of a min_alive that some servers make
up the past decides which ones are kept: here it is one that keeps them all.
"""

from .tree import Block, keyword_of

SERVICES_MAX = 6
SERVERS_MAX = 6
CHANGES_MAX = 4
SCHEDULERS = ("rr", "wrr", "lc", "wlc", "lblc", "lblcr", "sh", "dh", "mh", "sed", "nq", "fo", "ovf")
FLAGS = ("sh-port", "sh-fallback", "mh-port", "mh-fallback", "flag-1", "flag-2", "flag-3")
METHODS = ("NAT", "DR", "TUN", "TUN type ipip", "TUN type gue port 6080", "TUN type gue port 6081 csum", "TUN type gre",
           "TUN type gre csum", "TUN type gue port 6080 remcsum", "TUN type gre nocsum")
PROTOCOLS = ("TCP", "TCP", "UDP", "SCTP")
FILES = ("a", "b", "c")
FILE_WEIGHTS = {"a": 0, "b": 0, "c": 1}
GROUPS = ("WEB", "MAIL", "NEWS")


def first(rng):
    nodes = [Block("global_defs", ["script_user root"])]
    for name in FILES:
        nodes.append(Block(f"track_file {name}", [f"file /run/walk/{name}", f"weight {FILE_WEIGHTS[name]}"]))
    for _ in range(rng.randrange(1, 4)):
        add_service(nodes, rng)
    for _ in range(rng.randrange(0, 6)):
        change_one(nodes, rng)
    return nodes


def changed(nodes, rng):
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, CHANGES_MAX))):
        change_one(nodes, rng)
    return nodes


def change_one(nodes, rng):
    rng.choices([change for change, _ in CHANGES], [weight for _, weight in CHANGES])[0](nodes, rng)


# ---- what there is ----

def services(nodes):
    return [n for n in nodes if isinstance(n, Block) and n.keyword == "virtual_server"]


def groups(nodes):
    return [n for n in nodes if isinstance(n, Block) and n.keyword == "virtual_server_group"]


def family_of(nodes, service):
    words = service.name.split()
    if words[0] == "group":
        group = next((g for g in groups(nodes) if g.name == words[1]), None)
        return "inet6" if group is not None and any(":" in n or "inet6" in n for n in group.nodes) else "inet"
    if words[0] == "fwmark":
        return service.value("ip_family", "inet")
    return "inet6" if ":" in words[0] else "inet"


def has_mark(nodes, service):
    return service.name.startswith("fwmark")


# ---- services ----

def entry(rng, family):
    first_number = rng.randrange(1, 9)
    if rng.random() < 0.25:
        return f"fwmark {rng.randrange(1, 6)}{' inet6' if family == 'inet6' else ''}"
    if family == "inet6":
        last = rng.choice(("", "", f"-{first_number + rng.randrange(1, 3):x}"))
        return f"fd00:2::{first_number:x}{last} {rng.choice((80, 443))}"
    last = rng.choice(("", "", f"-{first_number + rng.randrange(1, 3)}"))
    return f"10.2.0.{first_number}{last} {rng.choice((80, 443))}"


def group_of(nodes, rng):
    name = rng.choice(GROUPS)
    if not any(group.name == name for group in groups(nodes)):
        family = "inet6" if rng.random() < 0.3 else "inet"
        lines = list(dict.fromkeys(entry(rng, family) for _ in range(rng.randrange(1, 4))))
        nodes.insert(1, Block(f"virtual_server_group {name}", lines))
    return name


def identity(nodes, rng, family=None):
    """The head of a virtual server, and the lines that go with it."""
    kind = rng.random()
    if kind < 0.25:
        name = group_of(nodes, rng)
        return f"virtual_server group {name}", []
    family = family or ("inet6" if rng.random() < 0.3 else "inet")
    if kind < 0.4:
        return f"virtual_server fwmark {rng.randrange(6, 10)}", ["ip_family inet6"] if family == "inet6" else []
    address = f"fd00:3::{rng.randrange(1, 5)}" if family == "inet6" else f"10.3.0.{rng.randrange(1, 5)}"
    return f"virtual_server {address} {rng.choice((80, 443))}", []


def add_service(nodes, rng):
    if len(services(nodes)) >= SERVICES_MAX:
        return
    head, lines = identity(nodes, rng)
    service = Block(head, [*lines, f"lb_algo {rng.choice(SCHEDULERS)}", f"lb_kind {rng.choice(METHODS)}",
                           f"protocol {rng.choice(PROTOCOLS)}"])
    nodes.insert(rng.randrange(1 + before_services(nodes), len(nodes) + 1), service)
    for _ in range(rng.randrange(0, 3)):
        change_line(nodes, service, rng)
    for _ in range(rng.randrange(0, 5)):
        add_server(nodes, service, rng)


def before_services(nodes):
    """Behind everything that a service may name."""
    return max(at for at, n in enumerate(nodes) if keyword_of(n) != "virtual_server")


def remove_service(nodes, rng):
    if len(services(nodes)) > 1:
        nodes.remove(rng.choice(services(nodes)))


def swap_services(nodes, rng):
    both = services(nodes)
    if len(both) < 2:
        return
    one, two = rng.sample(both, 2)
    if rng.random() < 0.5 and family_of(nodes, one) == family_of(nodes, two) and not (
            has_mark(nodes, one) or has_mark(nodes, two)):
        one.head, two.head = two.head, one.head
        return
    i, j = nodes.index(one), nodes.index(two)
    nodes[i], nodes[j] = nodes[j], nodes[i]


def on_service(change):
    def apply(nodes, rng):
        if services(nodes):
            change(nodes, rng.choice(services(nodes)), rng)
    return apply


def rename_service(nodes, service, rng):
    family = family_of(nodes, service)
    head, lines = identity(nodes, rng, family)
    service.head = head
    service.drop("ip_family")
    service.nodes = [*lines, *service.nodes]
    if family_of(nodes, service) != family:  # a group of the other family
        service.nodes = [n for n in service.nodes if keyword_of(n) not in ("real_server", "sorry_server")]


def put_persistence(service, rng):
    if rng.random() < 0.4:
        return service.drop("persistence_timeout")
    return service.put(f"persistence_timeout {rng.choice((50, 360, 600))}")


def put_engine(service, rng):
    service.put("protocol UDP")
    service.put("persistence_timeout 100")
    service.put("persistence_engine sip")


def put_flag(service, rng):
    flag = rng.choice(FLAGS)
    if flag in service.nodes:
        service.drop(flag)
    else:
        service.nodes.append(flag)


def put_granularity(nodes, service, rng):
    if family_of(nodes, service) == "inet6":
        service.put(f"persistence_granularity {rng.choice((64, 56))}")
    else:
        service.put(f"persistence_granularity {rng.choice(('255.255.255.0', '255.255.0.0'))}")


def switch(service, word):
    if word in service.nodes:
        service.drop(word)
    else:
        service.nodes.append(word)


def put_sorry(nodes, service, rng):
    six = family_of(nodes, service) == "inet6"
    which = rng.randrange(1, 9)
    service.put(f"sorry_server {'fd00:1::' if six else '10.1.0.'}{which} 80")
    if rng.random() < 0.6:
        switch(service, "sorry_server_inhibit")
    if rng.random() < 0.4:
        service.put(f"sorry_server_lvs_method {rng.choice(METHODS)}")


def change_line(nodes, service, rng):
    kind = rng.randrange(15)
    if kind == 0:
        service.put(f"lb_algo {rng.choice(SCHEDULERS)}")
    elif kind == 1:
        service.put(f"lb_kind {rng.choice(METHODS)}")
    elif kind == 2:
        service.put(f"protocol {rng.choice(PROTOCOLS)}")
        service.drop("ops")
        service.drop("persistence_engine")
    elif kind == 3:
        put_persistence(service, rng)
    elif kind == 4:
        put_granularity(nodes, service, rng)
    elif kind == 5:
        put_flag(service, rng)
    elif kind in (6, 12, 13):
        put_sorry(nodes, service, rng)
    elif kind == 7:
        service.put(f"quorum {rng.randrange(1, 8)}")
    elif kind == 8:
        switch(service, rng.choice(("inhibit_on_failure", "alpha", "omega", "hashed", "ha_suspend")))
    elif kind == 9 and (service.value("protocol") == "UDP" or has_mark(nodes, service)):
        switch(service, "ops")
    elif kind == 10 and not service.name.startswith(("fwmark", "group")):
        put_engine(service, rng)
    elif kind == 14:
        service.put(f"min_alive {SERVERS_MAX}")
    else:
        service.put(f"weight {rng.choice((1, 2, 5, 100))}")


def drop_line(nodes, service, rng):
    kept = ("lb_algo", "lb_kind", "protocol", "ip_family")
    lines = [line for line in service.lines() if keyword_of(line) not in kept]
    if lines:
        service.nodes.remove(rng.choice(lines))


# ---- real servers ----

def check(rng):
    lines = [f"track_file {rng.choice(FILES)}"]
    if rng.random() < 0.3:
        lines.append(f"weight {rng.choice((1, 2, 0))}")
    return Block("FILE_CHECK", lines)


def server_lines(rng):
    lines = []
    if rng.random() < 0.6:
        lines.append(f"weight {rng.choice((0, 1, 2, 3, 10, 65535))}")
    if rng.random() < 0.4:
        lines += [f"uthreshold {rng.choice((100, 200))}", f"lthreshold {rng.choice((10, 20))}"]
    if rng.random() < 0.2:
        lines.append("inhibit_on_failure")
    if rng.random() < 0.3:
        lines.append(f"lvs_method {rng.choice(METHODS)}")
    if rng.random() < 0.6:
        lines.append(check(rng))
    return lines


def put_in(service, server, rng):
    if len(service.blocks("real_server")) < SERVERS_MAX and all(
            server.head != other.head for other in service.blocks("real_server")):
        service.nodes.insert(rng.randrange(len(service.nodes) + 1), server)


def add_server(nodes, service, rng):
    six = family_of(nodes, service) == "inet6"
    address = f"{'fd00:1::' if six else '10.1.0.'}{rng.randrange(1, 9)}"
    put_in(service, Block(f"real_server {address} {rng.choice((80, 80, 8080))}", server_lines(rng)), rng)


def on_server(change):
    def apply(nodes, service, rng):
        if service.blocks("real_server"):
            change(nodes, service, rng.choice(service.blocks("real_server")), rng)
    return on_service(apply)


def remove_server(nodes, service, server, rng):
    service.nodes.remove(server)


def move_server(nodes, service, server, rng):
    service.nodes.remove(server)
    family = family_of(nodes, service)
    put_in(rng.choice([s for s in services(nodes) if family_of(nodes, s) == family]), server, rng)


def change_server(nodes, service, server, rng):
    kind = rng.randrange(6)
    if kind == 0:
        server.put(f"weight {rng.choice((0, 1, 2, 3, 10, 65535))}")
    elif kind == 1:
        server.put(f"lvs_method {rng.choice(METHODS)}")
    elif kind == 2:
        switch(server, "inhibit_on_failure")
    elif kind == 3:
        server.drop("FILE_CHECK")
        if rng.random() < 0.7:
            server.nodes.append(check(rng))
    elif kind == 4:
        server.put(f"uthreshold {rng.choice((100, 200))}")
        server.put(f"lthreshold {rng.choice((10, 20))}")
    elif server.lines():
        server.nodes.remove(rng.choice(server.lines()))
        if "lthreshold" in " ".join(map(str, server.lines())) and server.value("uthreshold") is None:
            server.drop("lthreshold")


def reorder_servers(nodes, service, rng):
    rng.shuffle(service.nodes)


# ---- groups and the whole ----

def change_group(nodes, rng):
    if not groups(nodes):
        return
    group = rng.choice(groups(nodes))
    family = "inet6" if any(":" in n or "inet6" in n for n in group.nodes) else "inet"
    line = entry(rng, family)
    if rng.random() < 0.4 and len(group.nodes) > 1:
        group.nodes.remove(rng.choice(group.nodes))
    elif line not in group.nodes:
        group.nodes.insert(rng.randrange(len(group.nodes) + 1), line)


def drop_group(nodes, rng):
    used = {service.name.split()[1] for service in services(nodes) if service.name.startswith("group")}
    for group in groups(nodes):
        if group.name not in used:
            return nodes.remove(group)
    return None


def change_global(nodes, rng):
    block = nodes[0]
    kind = rng.randrange(6)
    if kind == 0:
        block.put(f"lvs_timeouts tcp {rng.choice((600, 900))} tcpfin {rng.choice((60, 120))} udp {rng.choice((200, 300))}")
    elif kind == 1:
        more = rng.choice(("", " maxlen 1200", " port 9000", " ttl 2", " group 224.0.0.99", " maxlen 1300 port 9001"))
        block.put(f"lvs_sync_daemon {rng.choice(('eth0', 'eth1'))} id {rng.choice((7, 8))}{more}")
    elif kind == 2:
        block.put(f"nftables_ipvs{rng.choice(('', ' marks'))}")
    elif kind == 3:
        block.put(f"nftables_ipvs_priority {rng.choice((-20, -30))}")
    elif kind == 4:
        switch(block, "nftables_counters")
    else:
        block.put(f"nftables_ipvs_start_fwmark {rng.choice((77, 2000))}")


def drop_global(nodes, rng):
    lines = [n for n in nodes[0].nodes if not n.startswith("script_user")]
    if lines:
        nodes[0].nodes.remove(rng.choice(lines))


CHANGES = (
    (add_service, 4), (remove_service, 3), (swap_services, 3), (on_service(rename_service), 4),
    (on_service(change_line), 14), (on_service(drop_line), 5), (on_service(add_server), 6), (on_server(remove_server), 5),
    (on_server(move_server), 3), (on_server(change_server), 10), (on_service(reorder_servers), 2),
    (change_group, 4), (drop_group, 1), (change_global, 4), (drop_global, 2),
)
