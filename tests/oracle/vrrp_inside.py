"""Looks at everything that the VRRP half of mainstay may change on a host, and says it as plain data."""

import json
import pathlib
import stat
import subprocess

from oracle.kernel_watch import KernelWatch
from support.paths import program

BATCHES = ((["ip", "-j", "-d"], ["addr show", "route show table all", "neigh show proxy", "rule show"]),
           (["ip", "-6", "-j", "-d"], ["rule show"]))
SETTINGS = {"ipv4": ("arp_announce", "arp_ignore", "arp_filter", "rp_filter", "accept_local", "promote_secondaries"),
            "ipv6": ("disable_ipv6", "forwarding", "accept_ra")}
HOST_SETTINGS = ("ipv4/igmp_link_local_mcast_reports", "ipv4/ip_forward", "ipv4/ip_nonlocal_bind")
LINK_FIELDS = ("link", "address", "flags", "mtu", "operstate", "group", "linkinfo", "master", "promiscuity", "allmulti",
               "inet6_addr_gen_mode")
FOLDERS = ("/run/mainstay", "/run/walk")
# Lifetimes count down; those that a walk uses are far apart, and stand for what lies below them.
LIFETIMES = (0, 1000, 5000, 20000, 0xfffffffe)
FOREVER = 0xffffffff
NO_STATE = {"generation", "counters", "problems", "runs", "failures", "failures_in_row", "netlink_overruns", "devices_remade",
            "firewall_repairs"}
HELPERS = ("mainstayd-read", "mainstayd-spare")  # they come and go as they are needed


def lifetime(value):
    return "forever" if value == FOREVER else next((str(limit) for limit in LIFETIMES if value <= limit), "more")


def plain_address(entry):
    plain = {k: v for k, v in entry.items() if k not in ("local", "prefixlen", "secondary", "tentative", "stable-privacy")}
    for key in ("valid_life_time", "preferred_life_time"):
        plain[key] = lifetime(plain.get(key, FOREVER))
    return plain


def plain_links(shown):
    links, addresses = {}, {}
    for link in shown:
        name = link["ifname"]
        links[name] = {field: link[field] for field in LINK_FIELDS if field in link}
        links[name]["flags"] = sorted(links[name]["flags"])
        if links[name].get("operstate") == "UNKNOWN":
            links[name]["operstate"] = "UP"  # the kernel finds out in its own time
        for entry in link.get("addr_info", []):
            if "local" in entry:
                addresses.setdefault(f"{entry['local']}/{entry['prefixlen']} dev {name}", plain_address(entry))
    return links, addresses


def plain_route(route):
    plain = {k: v for k, v in route.items() if k not in ("cache", "used")}
    if "expires" in plain:
        plain["expires"] = lifetime(plain["expires"])
    if plain.get("protocol") == "kernel":
        plain.pop("prefsrc", None)  # the primary address: which one that is goes by the order of the past
    return plain


def by_text(entries):
    return sorted((json.dumps(entry, sort_keys=True) for entry in entries))


def settings():
    found = {}
    for family, names in SETTINGS.items():
        for folder in pathlib.Path(f"/proc/sys/net/{family}/conf").iterdir():
            for name in names:
                try:
                    found[f"{family}/{folder.name}/{name}"] = (folder / name).read_text(encoding="ascii").strip()
                except OSError:
                    pass  # the link goes just now
    for name in HOST_SETTINGS:
        found[name] = pathlib.Path(f"/proc/sys/net/{name}").read_text(encoding="ascii").strip()
    return found


def memberships():
    found, device = {}, ""
    for line in pathlib.Path("/proc/self/net/igmp").read_text(encoding="ascii").splitlines()[1:]:
        words = line.split()
        if line[0].isdigit():
            device = words[1]
        else:
            found[f"{device} {words[0]}"] = words[1]
    for line in pathlib.Path("/proc/self/net/igmp6").read_text(encoding="ascii").splitlines():
        words = line.split()
        found[f"{words[1]} {words[2]}"] = words[3]
    return found


def plain_ruleset(shown):
    entries = []
    for entry in shown.get("nftables", []):
        (kind, value), = entry.items()
        if kind == "metainfo":
            continue
        value = {k: v for k, v in value.items() if k != "handle"}
        if "elem" in value:
            value["elem"] = by_text(value["elem"])
        entries.append({kind: value})
    # Within a chain the order of the rules counts; chains and sets are a set.
    rules = [entry for entry in entries if "rule" in entry]
    chains = {}
    for entry in rules:
        rule = entry["rule"]
        expressions = [{"counter": None} if "counter" in e else e for e in rule["expr"]]  # not what was counted
        chains.setdefault(f"{rule['family']} {rule['table']} {rule['chain']}", []).append(json.dumps(expressions))
    return {"objects": by_text(entry for entry in entries if "rule" not in entry), "rules": chains}


def files():
    found = {}
    for folder in map(pathlib.Path, FOLDERS):
        for path in sorted(folder.rglob("*")) if folder.exists() else []:
            try:
                state = path.lstat()
            except OSError:
                continue
            found[str(path)] = f"{stat.filemode(state.st_mode)} {state.st_uid}:{state.st_gid}"
    return found


def processes():
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/comm"):
        try:
            name = path.read_text(encoding="utf-8").strip()
        except OSError:
            continue
        if name.startswith("mainstay") and name not in HELPERS:
            found.append(name)
    return sorted(found)


def without_times(value):
    if isinstance(value, dict):
        return {k: without_times(v) for k, v in value.items()
                if k not in NO_STATE and not k.startswith(("since", "last_", "next_", "now"))}
    return [without_times(v) for v in value] if isinstance(value, list) else value


def status():
    done = subprocess.run([program("mainstayctl"), "status", "--json"], capture_output=True, text=True, timeout=20)
    if done.returncode != 0 or not done.stdout:
        return {"error": done.stderr.strip()}
    shown = json.loads(done.stdout)
    vrrp = without_times(shown.get("vrrp") or {})
    for part in ("instances", "groups", "scripts"):
        vrrp[part] = {entry.get("name", str(at)): entry for at, entry in enumerate(vrrp.get(part, []))}
    for instance in vrrp["instances"].values():
        # Who was master before is not known to a fresh start; nor is an address that has come since chosen by one.
        instance["master"] = instance["master_priority"] = None
        instance["reason"] = None  # how it came to its state is its history
    return vrrp


def shown_by_ip():
    answers = []
    for command, lines in BATCHES:
        done = subprocess.run([*command, "-batch", "-"], input="\n".join(lines) + "\n", capture_output=True, text=True,
                              timeout=20)
        documents = [json.loads(line or "[]") for line in done.stdout.splitlines()]
        if len(documents) != len(lines):
            raise RuntimeError(f"ip showed {len(documents)} of {len(lines)}: {done.stderr}")
        answers += documents
    return answers


class Inside:
    def __init__(self):
        self.watch = KernelWatch()

    def snapshot(self, daemon):
        addresses, routes, proxies, rules, rules6 = shown_by_ip()
        links, addresses = plain_links(addresses)
        ruleset = subprocess.run(["nft", "-j", "list", "ruleset"], capture_output=True, text=True, timeout=20).stdout
        state = {"links": links, "addresses": addresses, "routes": by_text(map(plain_route, routes)),
                 "rules": by_text(rules) + by_text(rules6), "proxies": by_text(proxies), "settings": settings(),
                 "memberships": memberships(), "ruleset": plain_ruleset(json.loads(ruleset or "{}")), "files": files(), "processes": processes()}
        if daemon:
            state["status"] = status()
        return state

    def mark(self):
        self.watch.mark()

    def losses(self):
        return self.watch.losses()
