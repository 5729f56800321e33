#!/usr/bin/python3
"""Every comparison, one after the other, and docs/benchmarks.md of what came out. Needs root, and nothing else that runs.

    tools/bench all [--quick] [--only NAME,...] [--into FILE]

It takes some forty minutes; with --quick, with fewer cases and runs, five, and nothing is written but to --into. With --only
the other sections of the file stay as they are. Lines that are behind their goals are named; the exit code is 0 when none is
that docs/benchmarks.md says has reached it.
"""
import argparse
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "tools/bench.d"))

from figures import FILE, shown  # noqa: E402

PAGE = TOP / "docs/benchmarks.md"
# The comparisons in the order of the page: what each is about, how it is called, and how with --quick (none: it is left out).
# Some are called with fewer cases and runs than by themselves: at an interval of a second they take an hour.
COMPARISONS = {
    "config": ("Testing a configuration (`-t`)", [], ["--runs", "3", "--no-large"]),
    "lvs": ("The IPVS table", [], ["--runs", "1", "--only", "table,users,memory"]),
    "failover": ("Taking over, over what the protocol's timers want", ["--cases", "v3-0.1,v3-0.01"],
                 ["--runs", "5", "--cases", "v3-0.1", "--events", "kill,stop", "--vips", "1"]),
    "adverts": ("Adverts on time", [], ["--seconds", "10"]),
    "scale": ("Many VRRP instances", [], ["--seconds", "5", "--cases", "1000x1"]),
    "crash": ("Processes that die or stand still, and upgrades", ["--runs", "5", "--cases", "v3-0.1"], None),
    "checks": ("Health checks", [], ["--seconds", "5"]),
    "misc": ("Checks by scripts", [], None),
    "daemons": ("Many daemons on one host", [], None),
    "dumps": ("Dumps (SIGUSR1, SIGUSR2, the JSON)", [], ["--rounds", "30", "--instances", "300"]),
    "observe": ("Looking at a director with 40,000 servers", [], None),
}
HEAD = """# Benchmarks

Made by `tools/bench all`; `tools/bench NAME` measures one section, and its head says how. Each line is the least, the median
and the most of its runs; less is better everywhere. The ratio is keepalived's median over mainstay's. The floor is the least
that the kernel allows, where that can be measured. Figures of one line come from one run on one machine: compare them with
each other, not with those of another machine.

"""
COLUMNS = "| | unit | mainstay | keepalived | floor | ratio | goal | reached |\n|---|---|---|---|---|---|---|---|\n"


def first_line(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return next(iter((done.stdout + done.stderr).splitlines()), "")


def machine():
    """One paragraph."""
    model = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.M)
    memory = int(re.search(r"MemTotal: +(\d+)", pathlib.Path("/proc/meminfo").read_text(encoding="ascii")).group(1))
    keepalived = re.search(r"v([\d.]+)", first_line(["keepalived", "--version"]))
    commit = first_line(["git", "-C", str(TOP), "rev-parse", "--short=8", "HEAD"])
    return (f"{model.group(1).strip() if model else 'a processor without a name'}, {os.cpu_count()} processors, "
            f"{memory / 2 ** 20:.0f} GiB, Linux {os.uname().release}, keepalived "
            f"{keepalived.group(1) if keepalived else 'of unknown version'}, mainstay at {commit}, "
            f"{datetime.date.today().isoformat()}.")


def rows(lines):
    text = COLUMNS
    for line in lines:
        ratio = "" if line["ratio"] is None else f"{line['ratio']:.2f}"
        reached = {True: "yes", False: "**no**", None: ""}[line["holds"]]
        text += (f"| {line['what']} | {line['unit']} | {shown(line['mainstay'])} | {shown(line['keepalived'])} | "
                 f"{shown(line['floor'])} | {ratio} | {line['goal']} | {reached} |\n")
    return text


def sections_of(path):
    """{title: text} of a page that there is already."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return {part.split("\n", 1)[0]: part.split("\n", 1)[1].strip("\n") for part in text.split("\n## ")[1:]}


def behind_already():
    """The lines that the page says are behind their goals."""
    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    return {line.split(" | ")[0].removeprefix("| ") for line in text.splitlines() if line.endswith("| **no** |")}


def run(name, arguments):
    """(its section's text, the lines that are behind their goals)"""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=TOP / "build") as folder:  # the lab writes into the checkout alone
        kept = pathlib.Path(folder) / "lines"
        print(f"======== {name}", flush=True)
        status = subprocess.run([sys.executable, TOP / f"tools/bench-{name}.py", *arguments], check=False, cwd=TOP,
                                env={**os.environ, FILE: str(kept)}).returncode
        lines = [json.loads(line) for line in kept.read_text(encoding="utf-8").splitlines()] if kept.exists() else []
    behind = [line["what"] for line in lines if line["holds"] is False]
    if status not in (0, 1) or not lines:
        behind.append(f"tools/bench {name} itself")
    return f"{machine()}\n\n{rows(lines)}", behind


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default=",".join(COMPARISONS))
    parser.add_argument("--into", type=pathlib.Path)
    options = parser.parse_args()
    into = options.into or (None if options.quick else PAGE)
    sections, behind, known = sections_of(into) if into else {}, [], behind_already()
    for name in options.only.split(","):
        title, whole, quick = COMPARISONS[name]
        if options.quick and quick is None:
            continue
        sections[title], late = run(name, quick if options.quick else whole)
        behind += late
        if into:
            text = "\n\n".join(f"## {title}\n\n{sections[title]}".rstrip() for title, _, _ in COMPARISONS.values() if title in sections)
            into.write_text(HEAD + text + "\n", encoding="utf-8")
    fallen = [what for what in behind if what not in known]
    for what in behind:
        print(f"behind its goal{'' if what in fallen else ', as before'}: {what}")
    print(f"{len(behind)} lines are behind their goals, {len(fallen)} of them newly")
    return 1 if fallen else 0


if __name__ == "__main__":
    sys.exit(main())
