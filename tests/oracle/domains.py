"""The halves of mainstay that the oracle knows."""

import importlib

NAMES = ("vrrp", "ipvs")


def by_name(name):
    if name not in NAMES:
        raise ValueError(f"there is no {name}; there are {', '.join(NAMES)}")
    return importlib.import_module(f"oracle.{name}_domain").DOMAIN
