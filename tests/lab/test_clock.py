"""The calendar clock is set while directors work. A process has no clock of its own, so it takes a kernel of its own."""

import contextlib
import json
import subprocess
import time

from support.paths import program
from support.vrrp import VIP, instance, office, wait_holds, wait_ready
from support.wait import stays, wait_until

SIGNED = """version 3
    auth_hmac {
        key 1 0123456789012345678901234567890123456789
        active_key 1
    }"""


@contextlib.contextmanager
def clock_set(seconds):
    def move(by):
        subprocess.run(["date", "-s", f"@{int(time.time()) + by}"], check=True, capture_output=True)
    move(seconds)
    try:
        yield
    finally:
        move(-seconds)


def pair(lan, more=""):
    hosts = office(lan, "one", "two")
    daemons = [wait_ready(host.mainstayd(instance("BACKUP", priority, auth=False, more=more)))
               for host, priority in zip(hosts, (150, 100))]
    wait_holds(hosts[0])
    return hosts, daemons


def maintenance(host):
    return json.loads(host.run([program("mainstayctl"), "status", "--json"]).stdout)["maintenance"]


def test_signed_adverts_are_accepted_where_the_clocks_are_set_back_and_forth(lan):
    (one, two), _ = pair(lan, SIGNED)
    with clock_set(-3600):
        assert stays(lambda: one.holds(VIP) and not two.holds(VIP), 8)
    assert stays(lambda: one.holds(VIP) and not two.holds(VIP), 8)


def test_maintenance_lasts_as_long_as_it_was_to_last_where_the_clock_is_set(lan):
    (one, two), (daemon, _) = pair(lan)
    one.run([program("mainstayctl"), "maintenance", "on", "--for", "300s"])
    wait_holds(two)
    with clock_set(3600):
        wait_until(lambda: "the clock was set, and maintenance lasts as long as it was to last" in daemon.output(), 20,
                   daemon.output)
        wait_until(lambda: maintenance(one)["until_unix_us"] / 1e6 - time.time() > 200, 20, lambda: str(maintenance(one)))
        assert maintenance(one)["until_unix_us"] / 1e6 - time.time() <= 302
        assert two.holds(VIP) and "maintenance is over" not in daemon.output()
    one.run([program("mainstayctl"), "maintenance", "off"])
    wait_holds(one)
