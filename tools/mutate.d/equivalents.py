"""tests/mutate/equivalent.txt: faults that change nothing anybody could see, each with its reason."""

import functools
import pathlib
import re

TOP = pathlib.Path(__file__).resolve().parents[2]
LIST = TOP / "tests" / "mutate" / "equivalent.txt"


def read(text):
    """{Fault.key(): reason}"""
    rows = {}
    for block in re.split(r"\n\s*\n", text):
        lines = [line.strip() for line in block.splitlines() if line.strip() and not line.startswith("#")]
        if not lines:
            continue
        named = [line[1:].strip() for line in lines if line.startswith("+")]
        reason = " ".join(line for line in lines[1:] if not line.startswith("+"))
        if not named or not reason:
            raise ValueError(f"{LIST.name}: not a file, lines with + and a reason:\n{block}")
        rows.update({(lines[0], name): reason for name in named})
    return rows


@functools.cache
def rows():
    return read(LIST.read_text(encoding="utf-8"))


def argued(fault):
    """Why this fault changes nothing; None when nobody said so."""
    return rows().get(fault.key())
