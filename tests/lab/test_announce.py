"""announce { }: the address of a service that is up, on an interface that a routing daemon watches, for as long as mainstay renews it."""

import json
import os
import signal
import time

import pytest

from support.links import SCOPE_GLOBAL
from support.lvs import listen, lvs_pid, real_server, virtual_server
from support.paths import program
from support.processes import family, kill_all
from support.wait import wait_until

LIFETIME = 3
LOCAL_TABLE, MAINSTAYS = 255, 18  # the protocol of mainstay's routes
CHECK = "connect_timeout 1\n      retry 0\n      delay_loop 0.3"
SLACK = 0.5  # of the kernel, which removes addresses in steps
ADDRESSES = ("10.50.0.1", "fd00:50::1")
SERVERS = {"10.50.0.1": "127.1.0.1", "fd00:50::1": "fd00:51::1"}


def announced(address, more="", port=80):
    server = SERVERS[address]
    return virtual_server(f"{address} {port}", real_server(f"{server} 80", check=CHECK),
                          options=f"announce {{\n    lifetime {LIFETIME}\n    drain_time 1\n    {more}\n  }}")


BOTH = "".join(announced(address) for address in ADDRESSES)


def outliving(text):
    """With a lifetime that no slow machine uses up between two renewals: an address that goes was removed."""
    return text.replace(f"lifetime {LIFETIME}", "lifetime 60")


@pytest.fixture
def director(lan):
    host = lan.host("director")
    host.run(["ip", "link", "set", "lo", "up"])
    host.run(["ip", "address", "add", "fd00:51::1/128", "dev", "lo"])
    return host


def on(host, device="ms-vip"):
    """The addresses that are on the interface, each with the seconds that it has left; None: there is no such interface."""
    with host.links() as links:
        try:
            return {address.text: address.seconds for address in links.addresses(device) if address.scope == SCOPE_GLOBAL}
        except OSError:
            return None


def routes(host):
    """The addresses whose packets the host takes by a route of mainstay's own."""
    with host.links() as links:
        return sorted(links.routes(LOCAL_TABLE, MAINSTAYS))


def until_on(host, daemon, *addresses, device="ms-vip", within=20):
    wait_until(lambda: sorted(on(host, device) or {}) == sorted(addresses), within,
               lambda: f"{addresses} on {device}, there is {on(host, device)}\n{daemon.output()}", 0.05)


def status(host):
    """What the daemon says of its addresses; nothing while it starts."""
    ran = host.run([program("mainstayctl"), "status", "--json"], check=False)
    return {} if ran.returncode != 0 else {one["address"]: one for one in json.loads(ran.stdout)["lvs"]["announced"]}


def reason(host):
    return status(host).get(ADDRESSES[0], {}).get("reason")


def monitor(host):
    """What `ip monitor` says of addresses from now on."""
    watch = host.start(["ip", "-o", "monitor", "address"], name="monitor")

    def shows_changes():
        """It says nothing when it is ready: an address of the test's own shows that."""
        for change in ("add", "del"):
            host.run(["ip", "address", change, "127.9.0.1/32", "dev", "lo"])
        return "127.9.0." in watch.output()

    wait_until(shows_changes, 20, watch.output)
    return watch


def removed(watch, address):
    return [line for line in watch.output().splitlines() if line.startswith("Deleted") and f" {address}/" in line]


def test_an_address_is_announced_while_its_service_is_up_and_its_packets_are_taken_a_while_longer(director):
    # effect: virtual_server: announce
    # effect: virtual_server/announce: lifetime drain_time
    daemon = director.mainstayd(BOTH, "-C")
    wait_until(lambda: daemon.output().count("Lost quorum") == 2, 20, daemon.output)
    assert not on(director) and routes(director) == []

    servers = listen(director, "127.1.0.1:80", "fd00:51::1:80")
    until_on(director, daemon, *ADDRESSES)
    assert all(0 < left <= LIFETIME for left in on(director).values())
    assert routes(director) == sorted(ADDRESSES)
    (link,) = json.loads(director.run(["ip", "-j", "-d", "link", "show", "ms-vip"]).stdout)
    assert link["linkinfo"]["info_kind"] == "dummy" and "UP" in link["flags"]
    shown = status(director)
    assert [shown[address]["state"] for address in ADDRESSES] == ["announced", "announced"]

    servers.stop()
    until_on(director, daemon)
    assert routes(director) == sorted(ADDRESSES)
    wait_until(lambda: "Withdrew 10.50.0.1 from ms-vip: its quorum is lost" in daemon.output(), 10, daemon.output)
    wait_until(lambda: routes(director) == [], 20, lambda: f"no route, there is {routes(director)}")
    assert reason(director) == "its quorum is lost"

    listen(director, "127.1.0.1:80", "fd00:51::1:80")
    until_on(director, daemon, *ADDRESSES)


def test_what_others_remove_is_back_within_a_second_or_two(director):
    listen(director, "127.1.0.1:80", "fd00:51::1:80")
    daemon = director.mainstayd(BOTH, "-C")
    until_on(director, daemon, *ADDRESSES)

    director.run(["ip", "address", "flush", "dev", "ms-vip"])
    director.run(["ip", "route", "del", "local", "10.50.0.1", "table", "local", "proto", "18"])
    until_on(director, daemon, *ADDRESSES)
    wait_until(lambda: routes(director) == sorted(ADDRESSES), 20, daemon.output)

    director.run(["ip", "link", "delete", "ms-vip"])
    until_on(director, daemon, *ADDRESSES)


def test_a_process_that_dies_does_not_withdraw_and_one_that_hangs_does(director):
    listen(director, "127.1.0.1:80", "fd00:51::1:80")
    daemon = director.mainstayd(outliving(BOTH), "-C")
    until_on(director, daemon, *ADDRESSES)
    watch = monitor(director)

    first = lvs_pid(daemon)
    director.run(["kill", "-KILL", first])
    wait_until(lambda: lvs_pid(daemon) != first, 20, daemon.output)
    lines = len(watch.output().splitlines())
    wait_until(lambda: all(any(f" {address}/" in line for line in watch.output().splitlines()[lines:]) for address in ADDRESSES), 20,
               lambda: f"each to be renewed:\n{watch.output()}")
    assert [removed(watch, address) for address in ADDRESSES] == [[], []], daemon.output()

    director.write("/run/keepalived.conf", BOTH)
    daemon.send(signal.SIGHUP)
    wait_until(lambda: sorted(on(director) or {}) == sorted(ADDRESSES) and max(on(director).values()) <= LIFETIME, 20, lambda: f"{on(director)}")
    stopped = family(daemon)
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    began = time.monotonic()
    wait_until(lambda: on(director) == {}, LIFETIME + SLACK + 2, lambda: f"{on(director)}", 0.02)
    assert time.monotonic() - began < LIFETIME + SLACK + 1
    for pid in stopped[1:]:
        os.kill(pid, signal.SIGCONT)
    daemon.send(signal.SIGCONT)
    until_on(director, daemon, *ADDRESSES)


def test_killed_as_a_whole_the_kernel_withdraws_and_a_new_start_announces_after_new_checks(director):
    servers = listen(director, "127.1.0.1:80", "fd00:51::1:80")
    daemon = director.mainstayd(BOTH, "-C")
    until_on(director, daemon, *ADDRESSES)

    kill_all(family(daemon))
    wait_until(lambda: on(director) == {}, LIFETIME + SLACK + 2, lambda: f"{on(director)}", 0.02)
    assert routes(director) == sorted(ADDRESSES)  # flows in flight still find this host

    servers.stop()
    watch = monitor(director)
    daemon = director.mainstayd(BOTH, "-C")
    wait_until(lambda: reason(director) == "its quorum is lost", 20, daemon.output)
    wait_until(lambda: routes(director) == [], 20, lambda: f"no route, there is {routes(director)}\n{daemon.output()}")
    assert not [line for line in watch.output().splitlines() if "ms-vip" in line]


def test_a_reload_withdraws_only_what_it_removes_and_the_stop_the_rest_before_the_table_goes(director):
    listen(director, "127.1.0.1:80", "fd00:51::1:80")
    daemon = director.mainstayd(outliving(BOTH), "-C")
    until_on(director, daemon, *ADDRESSES)
    watch = monitor(director)

    director.write("/run/keepalived.conf", outliving(announced(ADDRESSES[0])) + virtual_server("10.50.0.9 80", real_server("127.1.0.1 80")))
    daemon.send(signal.SIGHUP)
    until_on(director, daemon, ADDRESSES[0])
    wait_until(lambda: routes(director) == [ADDRESSES[0]], 20, lambda: f"one route, there are {routes(director)}\n{daemon.output()}")
    wait_until(lambda: "Withdrew fd00:50::1 from ms-vip: it is no longer configured" in daemon.output(), 10,
               daemon.output)
    assert removed(watch, ADDRESSES[0]) == [] and len(removed(watch, ADDRESSES[1])) == 1

    daemon.send(signal.SIGTERM)
    daemon.wait(20)
    said = daemon.output()
    withdrawn = said.index("Withdrew 10.50.0.1 from ms-vip: mainstay stops")
    assert 0 < withdrawn < said.index("Shutting down service [127.1.0.1]:tcp:80 from VS [10.50.0.1]:tcp:80")
    assert on(director) == {}
    assert director.run(["ipvsadm", "-Sn"]).stdout == "" and routes(director) == []


def test_with_services_all_each_must_be_up_and_with_any_one_is_enough(director):
    # effect: virtual_server/announce: services
    first = listen(director, "127.1.0.1:80")
    second = announced(ADDRESSES[0], port=443).replace("127.1.0.1 80", "127.1.0.2 443")
    daemon = director.mainstayd(announced(ADDRESSES[0]) + second, "-C")
    wait_until(lambda: reason(director) == "its quorum is lost", 20, daemon.output)
    assert not on(director)

    listen(director, "127.1.0.2:443")
    until_on(director, daemon, ADDRESSES[0])
    first.stop()
    until_on(director, daemon)

    director.write("/run/keepalived.conf", (announced(ADDRESSES[0]) + second).replace("drain_time", "services any\n    drain_time"))
    daemon.send(signal.SIGHUP)
    until_on(director, daemon, ADDRESSES[0])


def test_with_on_loss_hold_the_address_outlives_mainstay(director):
    # effect: virtual_server/announce: interface on_loss
    listen(director, "127.1.0.1:80")
    daemon = director.mainstayd(announced(ADDRESSES[0], "on_loss hold\n interface ms-held"), "-C")
    until_on(director, daemon, ADDRESSES[0], device="ms-held")
    assert on(director, "ms-held") == {ADDRESSES[0]: 2**32 - 1}

    kill_all(family(daemon))
    daemon.wait(20)
    daemon = director.mainstayd(announced(ADDRESSES[0]), "-C")  # with a lifetime from now on, and on another interface
    until_on(director, daemon, ADDRESSES[0])


def test_maintenance_drains_then_withdraws_and_ends_with_what_was_before(director):
    listen(director, "127.1.0.1:80")
    daemon = director.mainstayd(announced(ADDRESSES[0]).replace("drain_time 1", "drain_time 5"), "-C")
    until_on(director, daemon, ADDRESSES[0])

    said = director.run([program("mainstayctl"), "maintenance", "on", "--reason", "kernel"]).stdout
    assert "maintenance is on" in said
    wait_until(lambda: ": kernel" in director.run([program("mainstayctl"), "status"]).stdout, 20, "MAINTENANCE in status")
    until_on(director, daemon, ADDRESSES[0], device="ms-drain")
    assert not on(director)
    until_on(director, daemon, device="ms-drain")  # the drain time is over
    assert "10.50.0.1" in director.run(["ipvsadm", "-Sn"]).stdout
    wait_until(lambda: reason(director) == "this director is in maintenance, and its drain time is over", 20,
               lambda: reason(director))

    first = lvs_pid(daemon)
    director.run(["kill", "-KILL", first])
    wait_until(lambda: lvs_pid(daemon) != first, 20, daemon.output)
    wait_until(lambda: reason(director) == "this director is in maintenance", 20, daemon.output)
    assert not on(director)

    director.run([program("mainstayctl"), "maintenance", "off"])
    until_on(director, daemon, ADDRESSES[0])
