"""A pair of directors: who holds the address, and when it moves."""

import re
import signal

import pytest
from support.capture import Capture
from support.vrrp import VIP, instance, office, partition, signal_role, wait_holds, wait_ready, wait_released
from support.wait import stays, wait_until


def start(host, kind, text):
    return wait_ready(host.mainstayd(text)) if kind == "mainstay" else host.keepalived(text)


def test_the_vip_is_a_slash_32_on_the_master_and_moves_and_comes_back(lan):
    one, two = office(lan, "one", "two")
    backup = wait_ready(two.mainstayd(instance("BACKUP", 100)))
    master = wait_ready(one.mainstayd(instance("MASTER", 150)))
    wait_holds(one)
    wait_released(two)
    assert f"{VIP}/32" in one.addresses("eth0")

    assert master.stop(timeout=10) == 0
    assert not one.holds(VIP)
    wait_holds(two)

    wait_ready(one.mainstayd(instance("MASTER", 150)))
    wait_holds(one)
    wait_released(two)
    assert backup.alive()


@pytest.mark.parametrize("first,second", [("mainstay", "keepalived"), ("keepalived", "mainstay")])
def test_mainstay_and_keepalived_fail_over_to_each_other_with_a_password(lan, first, second):
    one, two = office(lan, "one", "two")
    master = start(one, first, instance("MASTER", 150))
    wait_holds(one)
    start(two, second, instance("BACKUP", 100))
    assert stays(lambda: one.holds(VIP) and not two.holds(VIP), 4)

    master.stop(timeout=15)
    wait_holds(two)
    wait_released(one)

    start(one, first, instance("MASTER", 150))
    wait_holds(one)
    wait_released(two)

    # The plug is pulled: nobody says good-bye.
    one.kill()
    wait_holds(two)


def test_both_put_as_many_addresses_into_an_advert_where_not_all_of_them_fit(lan):
    one, two = office(lan, "one", "two")
    addresses = "\n".join(f"192.168.4.{number}" for number in range(200, 216))
    settings = "global_defs {\n vrrp_version 3\n}\n"
    for host in (one, two):
        host.run(["ip", "link", "set", "eth0", "mtu", "100"])  # 14 addresses fit
    start(two, "keepalived", settings + instance("BACKUP", 100, vip=addresses, interval=0.2, auth=False))
    wait_holds(two)
    start(one, "mainstay", settings + instance("BACKUP", 150, vip=addresses, interval=0.2, auth=False))
    for address in ("192.168.4.200", "192.168.4.215"):
        wait_holds(one, address)
        wait_released(two, address)
    assert stays(lambda: one.holds(VIP) and not two.holds(VIP), 2)


# The bound is the peer's master-down interval: 3.6 s, and 0.36 s. docs/architecture.md has what was measured.
@pytest.mark.parametrize("version,interval", [(2, 1), (3, 0.1)])
def test_a_killed_vrrp_process_of_the_master_does_not_move_the_address(lan, version, interval):
    one, two = office(lan, "one", "two")
    settings = f"global_defs {{\n vrrp_version {version}\n}}\n"
    master = wait_ready(one.mainstayd(settings + instance("MASTER", 150, interval=interval, auth=version == 2)))
    wait_holds(one)
    backup = wait_ready(two.mainstayd(settings + instance("BACKUP", 100, interval=interval, auth=version == 2)))

    with Capture(two) as capture:
        old = signal_role(one, "mainstayd-vrrp", signal.SIGKILL)
        wait_until(lambda: "state of the previous process resumed" in master.output(), 10, "the new process to adopt")
        seen = len(capture.packets())
        capture.wait_for(seen + 2)
        sources = {p["IP"].src for p in capture.packets()}

    assert sources == {"192.168.4.11"}
    assert one.holds(VIP) and not two.holds(VIP)
    assert "Entering MASTER STATE" not in backup.output()
    assert re.search(r"VRRP child process\(\d+\) died: Respawning", master.output())
    assert signal_role(one, "mainstayd-vrrp", 0) != old


def test_a_killed_supervisor_makes_the_roles_resign(lan):
    one, two = office(lan, "one", "two")
    master = wait_ready(one.mainstayd(instance("MASTER", 150)))
    wait_ready(two.mainstayd(instance("BACKUP", 100)))
    wait_holds(one)

    with Capture(two) as capture:
        master.send(signal.SIGKILL)
        wait_holds(two)
        wait_released(one)
        resigned = capture.wait_for(1, which=lambda p: p["IP"].src == "192.168.4.11" and bytes(p["IP"].payload)[2] == 0)

    assert resigned
    wait_until(lambda: not [n for n in one.process_names() if n.startswith("mainstayd")], 10, "the roles to end")


@pytest.mark.parametrize("deaths", [1, 4])
def test_a_stop_right_after_the_death_of_the_vrrp_process_leaves_no_address(lan, deaths):
    """One that is being replaced when the stop comes, and one whose successor waits for some seconds."""
    [one] = office(lan, "one")
    master = wait_ready(one.mainstayd(instance("MASTER", 150)))
    wait_holds(one)
    for death in range(1, deaths + 1):
        signal_role(one, "mainstayd-vrrp", signal.SIGKILL)
        wait_until(lambda: master.output().count("died: Respawning") == death, 10, f"death {death} to be seen")

    assert master.stop(timeout=15) == 0

    assert not one.holds(VIP)
    assert "the supervisor has died" not in master.output(), "the helper that removes addresses was ended, not left"


@pytest.mark.nightly
@pytest.mark.parametrize("seconds", [2, 6])
def test_a_paused_vrrp_process_hears_its_master_before_it_does_anything(lan, seconds):
    one, two = office(lan, "one", "two")
    wait_ready(one.mainstayd(instance("MASTER", 150)))
    wait_holds(one)
    backup = wait_ready(two.mainstayd(instance("BACKUP", 100)))

    signal_role(two, "mainstayd-vrrp", signal.SIGSTOP)
    assert stays(lambda: not two.holds(VIP), seconds)
    signal_role(two, "mainstayd-vrrp", signal.SIGCONT)

    assert stays(lambda: one.holds(VIP) and not two.holds(VIP), 4)
    assert "Entering MASTER STATE" not in backup.output()


def test_a_master_that_was_paused_for_too_long_finds_its_successor_and_takes_over_in_order(lan):
    one, two = office(lan, "one", "two")
    wait_ready(one.mainstayd(instance("MASTER", 150)))
    wait_ready(two.mainstayd(instance("BACKUP", 100)))
    wait_holds(one)

    signal_role(one, "mainstayd-vrrp", signal.SIGSTOP)
    wait_holds(two)
    signal_role(one, "mainstayd-vrrp", signal.SIGCONT)

    wait_released(two)
    wait_holds(one)


def test_a_healed_partition_leaves_one_master_the_one_with_the_higher_address(lan):
    one, two = office(lan, "one", "two")
    partition(lan, two)
    daemons = [wait_ready(host.mainstayd(instance("MASTER", 100))) for host in (one, two)]
    wait_holds(one)
    wait_holds(two)

    partition(lan, two, cut=False)

    wait_released(one)
    assert stays(lambda: two.holds(VIP) and not one.holds(VIP), 4)
    assert "(VI_1) Master received advert from 192.168.4.12 with higher priority 100, ours 100" in daemons[0].output() \
        or "higher IP" in daemons[0].output()
