"""What happens between two reloads of a walk of virtual servers."""

from .ipvs_generator import FILES, family_of, services

KILL, UPGRADE, DRIFT, FILE, ADDRESS = 0.03, 0.03, 0.2, 0.25, 0.05
FILE_SAYS = {"a": ("0", "1"), "b": ("0", "1"), "c": ("0", "1", "2", "-2147483648")}
FOREIGN = "10.9.0."  # services that no file has


def choose(nodes, rng):
    steps = []
    if rng.random() < KILL:
        steps.append({"do": "kill", "role": "mainstayd-lvs"})
    if rng.random() < UPGRADE:
        steps.append({"do": "upgrade"})
    if rng.random() < FILE:
        name = rng.choice(FILES)
        steps.append({"do": "file", "name": name, "says": rng.choice(FILE_SAYS[name])})
    if rng.random() < DRIFT:
        steps.append({"do": "drift", "run": drift(nodes, rng)})
    return steps


def option_of(service):
    """How ipvsadm names this service; none for a group, which is several."""
    words = service.name.split()
    if words[0] == "fwmark":
        return ["-f", words[1]]
    if words[0] == "group":
        return []
    letter = {"TCP": "-t", "UDP": "-u", "SCTP": "--sctp-service"}[service.value("protocol")]
    return [letter, f"[{words[0]}]:{words[1]}" if ":" in words[0] else f"{words[0]}:{words[1]}"]


def drift(nodes, rng):
    return rng.choices([change for change, _ in DRIFTS], [weight for _, weight in DRIFTS])[0](nodes, rng)


def some_service(nodes, rng):
    named = [(s, option_of(s)) for s in services(nodes) if option_of(s)]
    return rng.choice(named or [(None, ["-t", "10.3.0.1:80"])])


def six(service, nodes):
    words = service.name.split() if service is not None else []
    return ["-6"] if words[:1] == ["fwmark"] and family_of(nodes, service) == "inet6" else []


def clear(nodes, rng):
    return [["ipvsadm", "-C"]]


def delete_service(nodes, rng):
    service, option = some_service(nodes, rng)
    return [["ipvsadm", "-D", *option, *six(service, nodes)]]


def server_of(service, rng):
    named = [block.name.split() for block in service.blocks("real_server")] if service is not None else []
    address, port = rng.choice(named or [["10.1.0.1", "80"]])
    return ["-r", f"[{address}]:{port}" if ":" in address else f"{address}:{port}"]


def delete_server(nodes, rng):
    service, option = some_service(nodes, rng)
    return [["ipvsadm", "-d", *option, *six(service, nodes), *server_of(service, rng)]]


def weigh_server(nodes, rng):
    service, option = some_service(nodes, rng)
    return [["ipvsadm", "-e", *option, *six(service, nodes), *server_of(service, rng), "-w", "77"]]


def add_server(nodes, rng):
    service, option = some_service(nodes, rng)
    address = "[fd00:1::77]:80" if service is not None and family_of(nodes, service) == "inet6" else "10.1.0.77:80"
    return [["ipvsadm", "-a", *option, *six(service, nodes), "-r", address, "-m"]]


def edit_service(nodes, rng):
    service, option = some_service(nodes, rng)
    return [["ipvsadm", "-E", *option, *six(service, nodes), "-s", rng.choice(("rr", "lc", "dh")), "-p", "33"]]


def add_foreign(nodes, rng):
    at = f"{FOREIGN}{rng.randrange(1, 4)}:80"
    return [["ipvsadm", "-A", "-t", at, "-s", "rr"], ["ipvsadm", "-a", "-t", at, "-r", "10.9.1.1:80", "-m"]]


def delete_foreign(nodes, rng):
    return [["ipvsadm", "-D", "-t", f"{FOREIGN}{rng.randrange(1, 4)}:80"]]


def change_timeouts(nodes, rng):
    return [["ipvsadm", "--set", "555", "55", "155"]]


def stop_daemons(nodes, rng):
    return [["ipvsadm", "--stop-daemon", rng.choice(("master", "backup"))]]


def flush_ruleset(nodes, rng):
    return [["nft", "flush", "ruleset"]] if rng.random() < 0.5 else [["nft", "flush", "table", "ip", "keepalived_ipvs"],
                                                                    ["nft", "delete", "table", "ip", "marks"]]


def add_ruleset(nodes, rng):
    return [["nft", "add", "table", "ip", "other"]]


DRIFTS = ((clear, 2), (delete_service, 3), (delete_server, 4), (weigh_server, 3), (add_server, 3), (edit_service, 3),
          (add_foreign, 2), (delete_foreign, 1), (stop_daemons, 1), (flush_ruleset, 2), (add_ruleset, 1))
