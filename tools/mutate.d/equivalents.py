"""tests/mutate/equivalent.txt: faults that change nothing anybody could see, each with its reason."""

import functools
import pathlib
import re

TOP = pathlib.Path(__file__).resolve().parents[2]
LIST = TOP / "tests" / "mutate" / "equivalent.txt"


def read(text):
    """{(file, line as it is, line with the fault): reason}"""
    rows = {}
    for block in re.split(r"\n\s*\n", text):
        lines = [line for line in block.splitlines() if line.strip() and not line.startswith("#")]
        if not lines:
            continue
        was = [line[1:].strip() for line in lines if line.startswith("-")]
        now = [line[1:].strip() for line in lines if line.startswith("+")]
        reason = " ".join(line.strip() for line in lines[1:] if line[0] not in "-+")
        if len(was) != 1 or not now or not reason:
            raise ValueError(f"{LIST.name}: not a file, one line with -, lines with + and a reason:\n{block}")
        for line in now:
            rows[(lines[0].strip(), was[0], line)] = reason
    return rows


@functools.cache
def rows():
    return read(LIST.read_text(encoding="utf-8"))


def argued(fault):
    """Why this fault changes nothing; None when nobody said so."""
    return rows().get(fault.key())
