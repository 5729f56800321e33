"""Faults that the oracle must find within two minutes: a line of a source file as it is, and as a fault would have it.

A row is (name, half, file below src/, what the fault is, the code as it is, the code with the fault). Code that ends in
';' or '}' is statements, anything else is an expression. The code as it is must occur exactly once in its file, so a row
that has become stale breaks the build of the planted program (plant.py; `tools/oracle vrrp --plant NAME` builds it).
"""

import os
import pathlib
import subprocess

VARIABLE = "MAINSTAY_PLANTED"  # read by the planted program alone: the number of the row

PLANTS = [
    ("forgotten-route", "vrrp", "vrrp/reload.cpp", "a reload does not set new routes and rules",
     "router_.instances[id].add_routing(step, change.routing.added);", ";"),
    ("stale-address", "vrrp", "vrrp/reload.cpp", "a reload leaves an address that the file does not have any more",
     "moves_.remove(step);", ";"),
    ("wrong-order", "vrrp", "vrrp/reload.cpp", "an address that stays is removed before it is set again",
     "return which == Which::Changed && before->second != after.as;", "return which == Which::Changed;"),
    ("lost-label", "vrrp", "role/vrrp/addresses.cpp", "an address has no label of its own", "address.label",
     "std::string{}"),
    ("wrong-scope", "vrrp", "role/vrrp/addresses.cpp", "every address has the scope of the universe",
     "address.scope", "std::uint8_t{0}"),
    ("forgotten-sysctl", "vrrp", "role/vrrp/devices.cpp", "the settings of a parent are not put back with its VMAC",
     "    put_back_settings();", ";"),
    ("server-left-in", "ipvs", "lvs/plan.cpp", "a server that the file does not have any more stays",
     "if (seen.contains(destination.endpoint)) continue;", "continue;"),
    ("made-again", "ipvs", "lvs/plan.cpp", "a server that changes is deleted and added, instead of changed",
     "where.push_back(on_destination(IpvsOperation::Kind::SetDestination, service_, to));",
     "where.push_back(on_destination(IpvsOperation::Kind::DeleteDestination, service_, to)); "
     "where.push_back(on_destination(IpvsOperation::Kind::AddDestination, service_, to));"),
    ("service-left-in", "ipvs", "lvs/ledger.cpp", "a service that the file does not have any more stays",
     "leftover_.insert(wanted_[at].service.key);\n        note_difference(at);", "note_difference(at);"),
    ("lost-threshold", "ipvs", "lvs/desired.cpp", "a server has no limit of connections",
     "wanted.upper_threshold = server.upper_threshold;", ";"),
    ("idle-sorry-server", "ipvs", "lvs/desired.cpp", "a sorry server takes traffic while nobody needs it",
     "in_use ? kSorryWeight : 0", "kSorryWeight"),
    ("old-timeouts", "ipvs", "role/lvs/settings_reconciler.cpp", "a reload leaves the timeouts as they were",
     "timeouts_ = wanted.timeouts;", ";"),
]
NAMES = [row[0] for row in PLANTS]


def environment(name, build):
    """What makes the planted program do it; it is built, and the other programs are found beside it."""
    role = role_of(PLANTS[NAMES.index(name)])
    target = f"tests/oracle/mainstayd-{role}_planted"
    subprocess.run(["ninja", "-C", str(build), target], stdout=subprocess.DEVNULL, check=True)
    folder = build / "tests" / "oracle"
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    beside = {path.name: path for path in (build / "src" / "cli").glob("mainstay*") if path.is_file() and os.access(path, os.X_OK)}
    beside[f"mainstayd-{role}"] = build / target
    for name_there, program in beside.items():
        link = programs / name_there
        link.unlink(missing_ok=True)
        link.hardlink_to(program)  # a program finds its neighbours by where it is itself
    os.environ["MAINSTAY_PROGRAMS"] = str(programs)
    return {VARIABLE: str(NAMES.index(name) + 1)}


def names_of(half):
    return [row[0] for row in PLANTS if row[1] == half]


def role_of(row):
    """The role whose program holds the fault."""
    return "lvs" if row[1] == "ipvs" else "vrrp"


def files(role):
    """Of the sources of this role's program that have faults, each once."""
    return sorted({row[2] for row in PLANTS if role_of(row) == role})


def planted_name(file):
    return "planted_" + file.replace("/", "_")
