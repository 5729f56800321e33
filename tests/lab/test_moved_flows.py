"""active_active: flows that routers move from one director to another stay with their servers."""

import signal

import pytest

from support.directors import fleet, status, tables, until_announced
from support.flows import Flows
from support.paths import program
from support.spread import DIRECTORS, FLOWS, PLACES, SERVERS, VIPS, all_services, make_site, spread, start_all
from support.wait import wait_until


@pytest.fixture
def site(lan):
    return make_site(lan)


@pytest.mark.nightly
def test_flows_keep_their_servers_when_directors_die_drain_and_come_back(site):
    client, router, directors = site
    text = all_services()
    daemons = start_all(directors, text, histories=[(11, 14), (12, 11, 13)])
    for host in directors[:2]:  # they have been through changes of servers: in order after maintenance
        host.run([program("mainstayctl"), "maintenance", "on"])
        wait_until(lambda: all(one["state"] == "withdrawn" for one in status(host)["announced"]), 30, lambda: f"{status(host)['announced']}")
        host.run([program("mainstayctl"), "maintenance", "off"])
    for daemon, host in zip(daemons, directors):
        until_announced(daemon, host, VIPS)
    digests = [tables(host) for host in directors]
    assert all(one == digests[0] for one in digests) and len(digests[0]) == 4
    assert all(as_wanted for _, as_wanted in digests[0].values())
    assert fleet(*directors) == (0, [])

    spread(router, *DIRECTORS)
    flows = Flows(client, FLOWS, *PLACES)
    assert flows.count == 4 * FLOWS and flows.lost() == 0

    daemons[0].send(signal.SIGKILL)
    directors[0].kill()
    spread(router, *DIRECTORS[1:])
    assert flows.lost() == 0, "flows of a director that is gone"
    assert fleet(*directors)[0] == 2
    spread(router, *DIRECTORS[2:])
    assert flows.lost() == 0, "flows of a director that drains"
    spread(router, *DIRECTORS[1:])
    assert flows.lost() == 0, "flows that come back"

    # An upgrade, and new flows meanwhile.
    more = Flows(client, FLOWS, *PLACES)
    directors[1].run([program("mainstayctl"), "upgrade"], timeout=90)
    assert flows.lost() == 0 and more.lost() == 0
    assert tables(directors[1]) == tables(directors[2])


@pytest.mark.nightly
def test_without_active_active_a_router_that_moves_flows_resets_them(site):
    """What the setting is for; and that the test before this one can fail."""
    client, router, directors = site
    start_all(directors, all_services(options="lb_algo wrr"))
    spread(router, *DIRECTORS)
    flows = Flows(client, FLOWS, *PLACES)
    assert flows.lost() == 0
    spread(router, *DIRECTORS[1:])
    assert flows.lost() > 0


MESH = "global_defs {\n  lvs_sync_daemon eth0 id 7\n}\n"  # without an instance: every director sends and receives


def connections(host):
    return len(host.run(["cat", "/proc/net/ip_vs_conn"]).stdout.splitlines()) - 1


def differs_in_servers(status_code, differences):
    return status_code == 1 and len(differences) == 4 and all(line.startswith("servers of ") for line in differences)


@pytest.mark.nightly
@pytest.mark.parametrize("mesh", [True, False], ids=["mesh", "alone"])
def test_flows_of_a_server_that_is_removed_while_routers_move_them_need_the_mesh(site, mesh):
    client, router, directors = site
    before = MESH if mesh else ""
    daemons = start_all(directors, before + all_services(), [])
    for host in directors if not mesh else ():
        assert "sync" not in host.run(["ipvsadm", "-L", "--daemon"]).stdout
    spread(router, *DIRECTORS)
    flows = Flows(client, FLOWS, *PLACES)
    assert flows.lost() == 0 and flows.lost() == 0  # some packets in each, so that the kernel sends word of it
    if mesh:
        wait_until(lambda: all(connections(host) >= flows.count for host in directors), 60, lambda: f"{[connections(host) for host in directors]}")

    for host in directors:
        host.write("/run/keepalived.conf", before + all_services(SERVERS[1:]))
        host.run([program("mainstayctl"), "reload"])
    for host in directors:
        wait_until(lambda host=host: [as_wanted for _, as_wanted in tables(host).values()] == [False] * 4, 90, lambda: f"{tables(host)}")
    assert all(tables(host) == tables(directors[0]) for host in directors)
    assert flows.lost() == 0, "the director that knows a flow keeps it where it is"
    wait_until(lambda: fleet(*directors) == (0, []), 10, lambda: f"one state of all directors, there are {fleet(*directors)}")
    directors[0].write("/run/keepalived.conf", before + all_services())
    directors[0].run([program("mainstayctl"), "reload"])
    # What the observer shows follows a reload by up to a second.
    wait_until(lambda: differs_in_servers(*fleet(*directors)), 10, lambda: f"four differences, there are {fleet(*directors)}")
    directors[0].write("/run/keepalived.conf", before + all_services(SERVERS[1:]))
    directors[0].run([program("mainstayctl"), "reload"])

    daemons[0].send(signal.SIGKILL)
    directors[0].kill()
    spread(router, *DIRECTORS[1:])
    lost = flows.lost()
    print(f"{lost} of {flows.count} flows lost with a server and a director gone, {'with' if mesh else 'without'} the mesh")
    assert (lost == 0) if mesh else 0 < lost < flows.count / 2
