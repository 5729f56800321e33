"""The interop matrix: which combinations of peer, version, family, casting and interface are tried, and what is looked
at in each; how outcomes are kept; and docs/interop.md, which is made of them (tools/interop-table)."""

import json
import os
import pathlib
import re
from typing import NamedTuple

from .paths import BUILD, TOP

TABLE = TOP / "docs" / "interop.md"
PEERS = ("mainstay", "keepalived", "frr")
NAMES = {"mainstay": "mainstay", "keepalived": "keepalived", "frr": "FRR vrrpd"}
# What is looked at, in the order of the columns.
CHECKS = {
    "roles": "roles by priority",
    "kill": "failover by kill",
    "stop": "graceful stop",
    "link": "link loss",
    "script": "priority by script",
    "packets": "packets well-formed",
}


class Cell(NamedTuple):
    peer: str
    version: int
    family: int  # 4, 6
    cast: str    # multicast, unicast
    kind: str    # plain, VMAC: of mainstay's side, and of the peer's where it has the choice

    def name(self):
        return f"{self.peer}-v{self.version}-ipv{self.family}-{self.cast}-{self.kind}"


def why_not(cell):
    """What keeps this combination from being tried, or nothing."""
    if (cell.version, cell.family) == (2, 6):
        return "version 2 is for IPv4 (RFC 3768)"
    if cell.peer == "frr" and cell.cast == "unicast":
        return "FRR's vrrpd has no unicast"
    return None


ALL = [Cell(peer, version, family, cast, kind) for peer in PEERS for version in (2, 3) for family in (4, 6)
       for cast in ("multicast", "unicast") for kind in ("plain", "VMAC")]
CELLS = [cell for cell in ALL if not why_not(cell)]


def folder():
    return pathlib.Path(os.environ.get("MAINSTAY_TEST_RESULTS", BUILD / "test-results"))


def keep(outcomes):
    """Writes {cell: {check: "" or what is wrong}}, one file per peer."""
    folder().mkdir(parents=True, exist_ok=True)
    for peer in PEERS:
        mine = {cell.name(): outcomes[cell] for cell in CELLS if cell.peer == peer and cell in outcomes}
        if mine:
            (folder() / f"interop-{peer}.json").write_text(json.dumps(mine, indent=1) + "\n", encoding="utf-8")


def kept():
    """What was kept, by cell; a cell without an outcome is missing."""
    found = {}
    for peer in PEERS:
        file = folder() / f"interop-{peer}.json"
        if file.is_file():
            found |= json.loads(file.read_text(encoding="utf-8"))
    return {cell: found[cell.name()] for cell in CELLS if cell.name() in found}


def words(cell, check, outcome):
    """A cell of the table: the same words are expected of it afterwards."""
    if why_not(cell):
        return "–"
    if outcome is None or check not in outcome:
        return "not tried"
    return "yes" if outcome[check] == "" else "**no**"


HEAD = """<!-- Made by tools/interop-table from what tests/host/test_interop.py found: change those, not this. -->
# Who works with whom

Each line is a pair of directors on one switch, mainstay and the peer, with two virtual routers: one in which mainstay
has the higher priority, and one in which the peer has it. What the columns say was seen in both.

| column | what happened |
|---|---|
| roles by priority | the one with the higher priority holds the address, the other one does not |
| failover by kill | its host is switched off, and the other one takes over; it comes back and takes the address again |
| graceful stop | its daemon is ended, it says so with priority 0, and the other one takes over |
| link loss | its cable is pulled: it gives the address up, the other one takes over, and it goes back with the cable (vrrpd goes on as master, heard by nobody) |
| priority by script | a vrrp_script with a weight fails and the other one takes over (FRR has none: mainstay's side only) |
| packets well-formed | tshark finds nothing malformed and no wrong checksum in the adverts of both |

With mainstay as its own peer both sides are what the line says. FRR's vrrpd always sends from virtual MAC addresses on
interfaces that were made beforehand; there, the last word is about mainstay's side. `–`: the combination does not exist.

"""


def table(outcomes):
    lines = ["| peer | version | family | cast | interface | " + " | ".join(CHECKS.values()) + " |",
             "|---|---|---|---|---|" + "---|" * len(CHECKS)]
    for cell in ALL:
        row = [NAMES[cell.peer], str(cell.version), f"IPv{cell.family}", cell.cast, cell.kind]
        row += [words(cell, check, outcomes.get(cell)) for check in CHECKS]
        lines.append("| " + " | ".join(row) + " |")
    reasons = sorted({why_not(c) for c in ALL if why_not(c)})
    return HEAD + "\n".join(lines) + "\n\nWhat does not exist: " + "; ".join(reasons) + ".\n"


def committed():
    """{cell: {check: words}} as docs/interop.md has it."""
    found = {}
    by_row = {(NAMES[c.peer], str(c.version), f"IPv{c.family}", c.cast, c.kind): c for c in ALL}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        fields = [field.strip() for field in re.split(r"(?<!\\)\|", line)[1:-1]]
        cell = by_row.get(tuple(fields[:5]))
        if cell is not None:
            found[cell] = dict(zip(CHECKS, fields[5:]))
    return found
