"""Faults that the oracle must find: each is one line of a source file as it is, and as a fault would have it."""

NAMES = []


def environment(name):
    raise ValueError(f"there is no planted fault {name}")
