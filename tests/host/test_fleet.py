"""mainstayctl fleet: several directors asked at once over ssh, here a script in its place."""

import json
import os
import pathlib

from support.paths import program
from support.vrrp import instance, office, wait_ready

SSH = """#!/bin/sh
# ssh -- HOST COMMAND
[ "$1" = -- ] || exit 99
case $2 in
    lb1 | root@lb2) exec sh -c "$3" ;;
    old) sh -c "$3" | sed 's/"version": *"[^"]*"/"version": "0.0.1"/' ;;
    *) echo "ssh: connect to host $2 port 22: Connection refused" >&2; exit 255 ;;
esac
"""


def fleet(host, *directors):
    folder = pathlib.Path(host.write("/run/fake/ssh", SSH, mode=0o755)).parent
    path = f"{folder}:{pathlib.Path(program('mainstayctl')).parent}:{os.environ['PATH']}"
    return host.run([program("mainstayctl"), "fleet", *directors], check=False, env={"PATH": path})


def test_directors_are_asked_over_ssh_and_compared(lan):
    (one,) = office(lan, "one")
    wait_ready(one.mainstayd(instance("BACKUP", interval=40)))  # no master: two names lead to this one director

    equal = fleet(one, "lb1", "root@lb2")
    assert (equal.returncode, equal.stderr) == (0, "")
    assert [line.split()[0] for line in equal.stdout.splitlines()] == ["DIRECTOR", "lb1", "root@lb2"]

    different = fleet(one, "lb1", "old")
    assert different.returncode == 1
    assert different.stdout.splitlines()[-1].startswith("  version: 0.0.1 on old; ")

    gone = fleet(one, "lb1", "gone", "--json")
    assert gone.returncode == 2 and json.loads(gone.stdout) == {"complete": False, "differences": []}
    assert "Connection refused" in gone.stderr
    assert "gone" in fleet(one, "lb1", "gone").stdout


def test_a_word_that_ssh_would_take_for_an_option_is_refused(lan):
    (one,) = office(lan, "one")
    ran = fleet(one, "--", "-oProxyCommand=x", "lb1")
    assert ran.returncode == 2
    assert '--host takes USER@HOST or HOST, not "-oProxyCommand=x"' in ran.stdout
