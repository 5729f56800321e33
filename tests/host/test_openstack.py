"""mainstay as the keepalived of OpenStack's routers: neutron's own code starts, reloads, watches and stops it."""

import json
import pathlib

import pytest

from support.paths import program

ROUTERS = 12
AGENT = pathlib.Path(__file__).parent.parent / "support" / "neutron_agent.py"


@pytest.fixture
def node(lan):
    """A network node, on which keepalived is mainstay."""
    lan.switch("office")
    host = lan.host("node", eth0=("office", "192.168.4.11/24"))
    host.run(["mkdir", "/run/bin"])
    host.run(["ln", "-s", program("mainstayd"), "/run/bin/keepalived"])
    return host


def test_neutron_starts_reloads_watches_and_stops_twelve_routers(node):
    done = node.run(["env", "PATH=/run/bin:/usr/sbin:/usr/bin:/sbin:/bin", "/usr/bin/python3", "-W", "ignore", str(AGENT),
                     str(ROUTERS), "/run/ha_confs"], check=False, timeout=300)

    steps = {}
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            step = json.loads(line)
            steps[step.pop("step")] = step
    assert done.returncode == 0, done.stdout + done.stderr
    alive = [True] * ROUTERS
    pids = steps["spawned"].pop("pids")
    assert len({pid for pair in pids for pid in pair}) == 2 * ROUTERS
    assert steps == {
        "spawned": {"alive": alive, "routes": ["default via 10.0.0.1 dev qg proto keepalived",
                                               "192.0.2.0/24 via 10.0.0.9 dev qg proto keepalived"]},
        "agent restarted": {"alive": alive},
        "reloaded": {"same": True, "held": alive},
        "killed": {"alive": alive, "held": alive},
        # The first one's daemon was killed, the second one's VRRP process.
        "stopped": {"in_time": True, "left": [False] * ROUTERS, "states": [["backup", "primary", "backup", "primary", "backup"], *[["backup", "primary", "backup"]] * 2]},
        "started at once": {"alive": True},
    }
