"""Looks at everything that the IPVS half of mainstay may change on a host, and says it as plain data."""

import json
import os
import pathlib
import re
import socket
import subprocess

from oracle.ipvs_netlink import Ipvs
from oracle.ipvs_watch import IpvsWatch

STATUS_SOCKET = "/run/mainstay/control.sock"
HELPERS = ("mainstayd-read", "mainstayd-spare")  # they come and go as they are needed
# What counts, or tells of the way that led here.
NO_STATE = {"generation", "operations", "operation_failures", "repairs", "lines_left_out", "failures_in_row", "last_run",
            "last_result", "last_duration_us", "has_run", "since", "log_lines_left_out",
            "traffic", "sorry_server_traffic"}  # not there before the kernel's counters were read for the first time
ANSWER_SECONDS = 10


def ended(folder):
    """A process that only waits for its parent to hear of its end."""
    try:
        return "\nState:\tZ" in (folder / "status").read_text(encoding="utf-8")
    except OSError:
        return True


def processes():
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/comm"):
        try:
            name = path.read_text(encoding="utf-8").strip()
        except OSError:
            continue
        if name.startswith("mainstay") and name not in HELPERS and not ended(path.parent):
            found.append(name)
    return sorted(found)


def answer_of(path):
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(ANSWER_SECONDS)
        asking.connect(STATUS_SOCKET)
        asking.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        data = b""
        while block := asking.recv(1 << 16):
            data += block
    return json.loads(data.split(b"\r\n\r\n", 1)[1])


def plain(value):
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if k not in NO_STATE and not k.startswith(("since", "last_"))}
    return [plain(v) for v in value] if isinstance(value, list) else value


def status():
    """What the daemon says, and how many checks have not seen their file yet."""
    try:
        shown = answer_of("/status").get("lvs") or {}
    except (OSError, ValueError, IndexError) as problem:
        return {"error": str(problem)}, 0
    checks = [check for service in shown.get("services", []) for server in service["servers"] for check in server["checks"]]
    return plain(shown), sum(not check["has_run"] for check in checks)


class Ruleset:
    """The nftables of this host, read again when their generation is another one."""

    GET_GENERATION = bytes([20, 0, 0, 0, 16, 10, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])

    def __init__(self):
        self.asking = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
        self.asking.bind((0, 0))
        self.known, self.shown = None, []

    def now(self):
        self.asking.send(self.GET_GENERATION)
        generation = self.asking.recv(4096)[16:][4:12]
        if generation != self.known:
            done = subprocess.run(["nft", "-n", "list", "ruleset"], capture_output=True, text=True, timeout=20, check=True)
            self.known = generation
            self.shown = re.sub(r"packets \d+ bytes \d+", "counted", done.stdout).splitlines()
        return self.shown


MARK = re.compile(r"meta mark set (0x[0-9a-f]+)")
CONFIGURED_MARKS = range(10)  # the generator's; nftables_ipvs gives greater ones


def names_of_marks(ruleset, table):
    """{mark: what it is given to}. Which mark a group has is a matter of the past: it keeps the one that it was given."""
    given = {}
    for line in ruleset:
        found = MARK.search(line)
        if found:
            given.setdefault(int(found[1], 16), []).append(MARK.sub("", line).strip())
    if not ruleset:  # a kernel without nftables: the services say whose they are
        alike = {}
        for service, said in sorted(table.items()):
            words = service.split()
            if words[0] == "FWM" and int(words[1]) not in CONFIGURED_MARKS:
                text = json.dumps(said, sort_keys=True)
                alike[text] = alike.get(text, 0) + 1
                given[int(words[1])] = [f"{text} {alike[text]}"]
    return {mark: "of " + " | ".join(sorted(lines)) for mark, lines in given.items()}


def renamed(state, names):
    if not names:
        return state
    table = {}
    for service, said in state["table"].items():
        words = service.split()
        mark = int(words[1]) if words[0] == "FWM" else 0
        table[f"FWM {names[mark]} {words[2]}" if mark in names else service] = said
    rules = [MARK.sub(lambda found: f"meta mark set {names[int(found[1], 16)]}", line) for line in state["ruleset"]]
    shown = json.loads(json.dumps(state.get("status", {})), object_hook=lambda entry: {
        **entry, **({"fwmark": names.get(entry["fwmark"], entry["fwmark"])} if "fwmark" in entry else {})})
    return {**state, "table": table, "ruleset": rules, "status": shown}


class Inside:
    def __init__(self):
        self.ipvs = Ipvs()
        self.ruleset = Ruleset()
        self.watch = None

    def snapshot(self, daemon):
        said, unseen = status() if daemon else ({}, 0)
        state = {"table": self.ipvs.table(), "daemons": self.ipvs.daemons(), "timeouts": self.ipvs.timeouts(),
                 "ruleset": self.ruleset.now(), "processes": processes(), "status": said, "unseen": unseen}
        if "error" in said or (daemon and not said and "mainstayd-lvs" in state["processes"]):
            state["unseen"] = 1  # it has not said anything yet
        # A start with no service needs no process for them; one that is there stays when the last one goes.
        if not said.get("services"):
            state["status"] = {}
            state["processes"] = [name for name in state["processes"] if name not in ("mainstayd-lvs", "mainstayd-track")]
        return renamed(state, names_of_marks(state["ruleset"], state["table"]))

    def mark(self):
        if self.ipvs.family is None:
            return
        self.watch = self.watch or IpvsWatch(self.ipvs)
        self.watch.mark()

    def losses(self):
        return self.watch.losses() if self.watch else []

    def write(self, path, text):
        """A whole new file, or another content of the one that is there."""
        pathlib.Path(f"{path}.new").write_text(text, encoding="utf-8")
        os.rename(f"{path}.new", path)
