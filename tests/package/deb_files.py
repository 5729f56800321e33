"""Of the packages that were built."""

import subprocess


def only(packages, name):
    return next(p for p in packages if p.name.startswith(name + "_"))


def field(package, name):
    return subprocess.run(["dpkg-deb", "-f", package, name], capture_output=True, text=True, check=True).stdout.strip()
