"""What a comparison measured: shown to whoever runs it, and kept for docs/benchmarks.md, which `tools/bench all` makes.

A line is one quantity: the values of mainstay's runs, of keepalived's and of the floor, which is the least that the kernel
allows. Less is better in every line. Its goal is `times`, how often keepalived's median must hold mainstay's at least, or
`most`, in the line's unit; without one it is for knowing only.
"""
import json
import os
import statistics

FILE = "MAINSTAY_FIGURES"  # where the lines are kept, as JSON; set by tools/bench all


def summary(values):
    """(least, median, most); none of nothing."""
    return (min(values), statistics.median(values), max(values)) if values else None


def short(value):
    """Three digits that count, for people."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def shown(three):
    return " / ".join(map(short, three)) if three else "-"


class Figures:
    def __init__(self):
        self.all_hold = True

    def judge(self, holds, text):
        self.all_hold = self.all_hold and holds
        print(f"    {text}: {'ok' if holds else 'NOT ok'}", flush=True)

    def line(self, what, unit, ours, theirs=(), floor=(), times=None, most=None):
        ours, theirs, floor = summary(list(ours)), summary(list(theirs)), summary(list(floor))
        ratio = theirs[1] / max(ours[1], 1e-9) if theirs else None
        print(f"  {what}, {unit}, min / median / max: mainstay {shown(ours)}" +
              (f"; keepalived {shown(theirs)}" if theirs else "") + (f"; floor {shown(floor)}" if floor else ""), flush=True)
        holds, goal = None, ""
        if times is not None and theirs:
            holds = ratio >= times
            goal = "no more than keepalived" if times == 1 else f"keepalived takes {times:g} times as much"
            self.judge(holds, f"{ratio:.2f} times as much with keepalived (at least {times:g})")
        elif most is not None:
            holds, goal = ours[1] <= most, f"at most {short(most)}"
            self.judge(holds, f"{short(ours[1])} (at most {short(most)})")
        if os.environ.get(FILE):
            with open(os.environ[FILE], "a", encoding="utf-8") as file:
                json.dump({"what": what, "unit": unit, "mainstay": ours, "keepalived": theirs, "floor": floor,
                           "ratio": ratio, "goal": goal, "holds": holds}, file)
                file.write("\n")

    def end(self):
        """The exit code."""
        print("ok" if self.all_hold else "NOT ok")
        return 0 if self.all_hold else 1
