"""What the tests of several directors at once ask them."""

import json
import subprocess

from .paths import program
from .wait import wait_until


def status(host):
    ran = host.run([program("mainstayctl"), "status", "--json"], check=False)
    return json.loads(ran.stdout)["lvs"] if ran.returncode == 0 else {"services": [], "announced": []}


def tables(host):
    """The digest of each service's table, and whether it is as the configuration demands."""
    return {one["name"]: (one["mh_table"]["digest"], one["mh_table"]["digest"] == one["mh_table"]["wanted_digest"])
            for one in status(host)["services"] if "mh_table" in one}


def fleet(*hosts):
    """What mainstayctl says of directors that it asks at their control sockets: its exit code, and how they differ."""
    sockets = [str(host.path("/run/mainstay/control.sock")) if host.holder else "/nowhere" for host in hosts]
    ran = subprocess.run([program("mainstayctl"), "fleet", "--json", *sockets], capture_output=True, text=True, timeout=60, check=False)
    return ran.returncode, json.loads(ran.stdout)["differences"]


def until_announced(daemon, host, wanted):
    def announced():
        return sorted(one["address"] for one in status(host)["announced"] if one["state"] == "announced")
    wait_until(lambda: announced() == sorted(wanted), 90, lambda: f"{wanted}, there is {announced()}\n{daemon.output()[-3000:]}")
