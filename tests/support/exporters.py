"""What programs read in the dumps, each in its own way: faithful stand-ins, made from what is known of them.

Each returns {metric: value}. Errors that the program would count are metrics of their own.
"""

import json
import re

STATES = {"INIT": 0, "BACKUP": 1, "MASTER": 2, "FAULT": 3}
SCRIPT_STATUS = {"BAD": 0, "GOOD": 1}
SCRIPT_STATE = {"idle": 0, "running": 1}
STATS = {"Received": "advertisements_received", "Sent": "advertisements_sent", "Became master": "become_master",
         "Released master": "release_master", "Length": "packet_length_errors", "TTL": "ip_ttl_errors",
         "Invalid Type": "invalid_type_received", "Advertisement Interval": "advertisement_interval_errors",
         "Address List": "address_list_errors", "Type Mismatch": "authentication_mismatch", "Failure": "authentication_failure"}


def version_of(first_lines):
    """mehdy's: the second word of the first line, of two lines at least."""
    lines = first_lines.strip().split("\n")
    if len(lines) < 2:
        raise ValueError("a single line")
    found = re.fullmatch(r"v(\d+)\.(\d+)\.(\d+)", lines[0].split()[1])
    if not found:
        raise ValueError(f"no version in {lines[0]!r}")
    return tuple(map(int, found.groups()))


def _stats_by_instance(text):
    """{instance: {section + key: number}} of keepalived.stats."""
    found, section = {}, ""
    for line in text.split("\n"):
        key, _, value = line.strip().partition(":")
        value = value.strip()
        if line.startswith("VRRP Instance:"):
            found[value] = {}
            current = found[value]
        elif line.startswith("  ") and not value and key:
            section = key
        elif value:
            current[f"{section}/{key}" if line.startswith("    ") else key] = int(value)
    return found


def mehdy_text(data, stats):
    """mehdy's exporter without JSON. Properties have three blanks, addresses five."""
    instances, scripts, metrics, errors = {}, {}, {}, 0
    current, addresses = None, False
    for line in data.split("\n"):
        if line.startswith(" VRRP Instance = "):
            current, addresses = instances.setdefault(line.split(" = ")[1].strip(), {"addresses": []}), False
        elif line.startswith(" VRRP Script = "):
            current, addresses = scripts.setdefault(line.split(" = ")[1].strip(), {}), False
        elif line.startswith("------<") or re.match(r" \S", line):
            current = None
        elif current is not None and re.match(r"   \S", line):
            addresses = bool(re.match(r"   Virtual IP \(\d+\):", line))
            key, equals, value = line.strip().partition(" = ")
            if equals:
                current.setdefault(key, value.strip())
        elif current is not None and addresses and re.match(r"     \S", line):
            words = line.split()
            current["addresses"].append((words[0], words[2]))
    numbers = _stats_by_instance(stats)
    if set(numbers) != set(instances):
        return {"keepalived_up": 0}
    for name, found in instances.items():
        labels = f'iname="{name}",intf="{found["Interface"]}",vrid="{found["Virtual Router ID"]}"'
        for address, device in found["addresses"]:
            metrics[f'keepalived_vrrp_state{{{labels},ip_address="{address}",dev="{device}"}}'] = STATES[found["State"]]
        metrics[f"keepalived_wantstate{{{labels}}}"] = STATES[found["Wantstate"]]
        metrics[f"keepalived_gratuitous_arp_delay_total{{{labels}}}"] = int(found["Gratuitous ARP delay"])
        for key, value in numbers[name].items():
            if key.rpartition("/")[2] in STATS:
                metrics[f"keepalived_{key}{{{labels}}}"] = value
    for name, found in scripts.items():
        for key, known in (("Status", SCRIPT_STATUS), ("State", SCRIPT_STATE)):
            if found.get(key) in known:
                metrics[f'keepalived_script_{key.lower()}{{name="{name}"}}'] = known[found[key]]
            else:
                errors += 1
    return metrics | {"keepalived_up": 1, "keepalived_exporter_errors": errors}


def mehdy_json(text):
    """mehdy's exporter with JSON: state, address (first word) and interface (third) of each."""
    metrics = {"keepalived_up": 1}
    for entry in json.loads(text):
        data = entry["data"]
        labels = f'iname="{data["iname"]}",intf="{data["ifp_ifname"]}",vrid="{data["vrid"]}"'
        for vip in data.get("vips", []):
            metrics[f'keepalived_vrrp_state{{{labels},ip_address="{vip.split()[0]}"}}'] = data["state"]
        metrics[f"keepalived_gratuitous_arp_delay_total{{{labels}}}"] = data["garp_delay"]
        for key in ("advert_rcvd", "advert_sent", "become_master", "release_master", "packet_len_err", "advert_interval_err",
                    "ip_ttl_err", "invalid_type_rcvd", "addr_list_err", "invalid_authtype", "authtype_mismatch",
                    "auth_failure", "pri_zero_rcvd", "pri_zero_sent"):
            metrics[f"keepalived_{key}{{{labels}}}"] = entry["stats"][key]
    return metrics


def gen2brain_text(data):
    """gen2brain's exporter without JSON: an instance ends at its first line without ' = '."""
    metrics, name = {}, None
    for line in data.split("\n"):
        if line.startswith(" VRRP Instance = "):
            name = line.split(" = ")[1].strip()
        elif name is not None and line.startswith("   ") and " = " in line:
            key, _, value = line.strip().partition(" = ")
            if key in ("State", "Wantstate"):
                metrics[f"{name} {key}"] = STATES[value]
            elif key == "Last transition":
                metrics[f"{name} {key}"] = float(re.match(r"[\d.]+", value).group())
            elif key in ("Priority", "Effective priority", "Virtual Router ID", "Gratuitous ARP delay"):
                metrics[f"{name} {key}"] = int(value)
            elif key == "Interface":
                metrics[f"{name} {key}"] = value
        else:
            name = None
    return metrics


def gen2brain_json(text):
    return {f'{entry["data"]["iname"]} {key}': entry[part][key]
            for entry in json.loads(text)
            for part, keys in (("data", ("state", "wantstate", "vrid", "base_priority", "effective_priority", "garp_delay",
                                         "last_transition", "ifp_ifname", "vips")),
                               ("stats", ("advert_rcvd", "advert_sent", "become_master", "release_master")))
            for key in keys if key in entry[part]}


def ncollectd(data):
    """ncollectd: lines of at most 1,023 bytes, keys behind two or three blanks; the first of each key of an instance."""
    metrics, name = {}, None
    for line in data.split("\n"):
        line = line.encode()[:1023].decode(errors="replace")
        found = re.match(r" {1,3}(VRRP Instance|State|Priority|Effective priority) = (\S+)", line)
        if not found:
            continue
        if found.group(1) == "VRRP Instance":
            name = found.group(2)
        elif name is not None:
            metrics.setdefault(f"{name} {found.group(1)}", found.group(2))
    return metrics


def checkmk(text):
    """checkmk's plugin prints the file; its server reads it as JSON."""
    return {entry["data"]["iname"]: (entry["data"]["state"], entry["data"].get("vips")) for entry in json.loads(text)}
