"""active_active: flows outlive directors that freeze or are cut off, and servers that come meanwhile."""

import json
import os
import signal

import pytest

from support.directors import fleet, status, until_announced
from support.flows import Flows
from support.paths import program
from support.processes import family
from support.spread import DIRECTORS, FLOWS, PLACES, SERVERS, VIPS, all_services, make_site, spread, start_all
from support.vrrp import partition
from support.wait import wait_until


def announced(host):
    """The addresses that a routing daemon on it would announce."""
    shown = host.run(["ip", "-json", "address", "show", "dev", "ms-vip"]).stdout
    return sorted(one["local"] for link in json.loads(shown) for one in link.get("addr_info", []) if one["scope"] == "global")


@pytest.mark.nightly
def test_flows_survive_directors_that_freeze_or_are_cut_off_and_servers_that_come(lan):
    client, router, directors = make_site(lan)
    daemons = start_all(directors, all_services(SERVERS[:3]))
    spread(router, *DIRECTORS)
    flows = Flows(client, FLOWS, *PLACES)
    assert flows.count == 4 * FLOWS and flows.lost() == 0

    # Its kernel withdraws the addresses and forwards on, until the routers have noticed and afterwards.
    frozen = family(daemons[0])
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: announced(directors[0]) == [], 10, lambda: f"{announced(directors[0])}")
    assert flows.lost() == 0, "flows of a frozen director that still has its routes"
    spread(router, *DIRECTORS[1:])
    assert flows.lost() == 0, "flows that left a frozen director"
    for pid in frozen[1:]:
        os.kill(pid, signal.SIGCONT)
    daemons[0].send(signal.SIGCONT)  # what started it has stopped with it
    until_announced(daemons[0], directors[0], VIPS)
    spread(router, *DIRECTORS)
    assert flows.lost() == 0, "flows that come back to it"

    partition(lan, directors[1], switch="core")
    spread(router, *(number for number in DIRECTORS if number != DIRECTORS[1]))
    assert flows.lost() == 0, "flows of a director that is cut off"
    partition(lan, directors[1], cut=False, switch="core")
    spread(router, *DIRECTORS)
    assert flows.lost() == 0, "flows that come back to it"

    # A server more on each director, one director after the other: their tables differ meanwhile.
    for host in directors:
        host.write("/run/keepalived.conf", all_services())
        host.run([program("mainstayctl"), "reload"])
        wait_until(lambda host=host: all(len(one["servers"]) == 4 for one in status(host)["services"]), 30, lambda: f"{status(host)}")
        assert flows.lost() == 0, "flows while servers come"
    wait_until(lambda: fleet(*directors) == (0, []), 30, lambda: f"{fleet(*directors)}")
    more = Flows(client, FLOWS, *PLACES)
    assert more.lost() == 0
    # New flows, made with the new tables, are anybody's; older ones are theirs that know them.
    spread(router, *DIRECTORS[1:])
    assert more.lost() == 0, "flows made with equal tables"
