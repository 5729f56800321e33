"""SIGHUP: everything that is unchanged goes on; a bad file changes nothing."""

import signal

from support.vrrp import VIP, instance, office, reload, role_pid, wait_holds, wait_ready, wait_released
from support.wait import stays, wait_until


def test_a_reload_of_the_same_file_changes_nothing(lan):
    one, two = office(lan, "one", "two")
    daemon = wait_ready(one.mainstayd(instance("MASTER", 150)))
    backup = wait_ready(two.mainstayd(instance("BACKUP", 100)))
    wait_holds(one)

    said = reload(one, daemon, instance("MASTER", 150))

    assert "Reload complete" in said
    assert "STATE" not in said
    assert stays(lambda: one.holds(VIP) and not two.holds(VIP), 4)
    assert "Entering MASTER STATE" not in backup.output()


def test_vips_are_added_and_removed_without_a_failover(lan):
    one, two = office(lan, "one", "two")
    daemon = wait_ready(one.mainstayd(instance("MASTER", 150)))
    backup = wait_ready(two.mainstayd(instance("BACKUP", 100)))
    wait_holds(one)

    reload(one, daemon, instance("MASTER", 150, vip="192.168.4.200\n192.168.4.201/24"))
    wait_holds(one, "192.168.4.201/24")
    assert one.holds(VIP)

    reload(one, daemon, instance("MASTER", 150, vip="192.168.4.201/24"))
    wait_released(one, VIP)
    assert one.holds("192.168.4.201/24")
    assert "Entering MASTER STATE" not in backup.output()


def test_a_lower_priority_gives_the_vip_away(lan):
    one, two = office(lan, "one", "two")
    daemon = wait_ready(one.mainstayd(instance("MASTER", 150)))
    wait_ready(two.mainstayd(instance("BACKUP", 100)))
    wait_holds(one)

    reload(one, daemon, instance("MASTER", 50))

    wait_holds(two)
    wait_released(one)


def test_an_instance_that_is_added_starts_and_one_that_is_removed_resigns(lan):
    one, two = office(lan, "one", "two")
    daemon = wait_ready(one.mainstayd(instance("MASTER", 150)))
    wait_ready(two.mainstayd(instance("BACKUP", 100)))
    wait_holds(one)

    second = instance("MASTER", 150, vip="192.168.4.210", vrid=60, name="VI_2")
    reload(one, daemon, instance("MASTER", 150) + second)
    wait_holds(one, "192.168.4.210")
    assert one.holds(VIP)

    reload(one, daemon, second)
    wait_released(one, VIP)
    wait_holds(two, VIP)
    assert one.holds("192.168.4.210")


def test_a_file_that_cannot_run_is_refused_whole(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(instance("MASTER", 150)))
    wait_holds(one)

    # One VRID twice on one interface: keepalived would stop; here the running configuration goes on.
    clash = instance("MASTER", 150, vip="192.168.4.222") + instance(name="VI_2", vip="192.168.4.223")
    said = reload(one, daemon, clash)

    assert "stays in use" in said
    assert "51" in said
    assert stays(lambda: one.holds(VIP) and not one.holds("192.168.4.222"), 2)
    assert "Reload complete" in reload(one, daemon, instance("MASTER", 150))


def test_with_strict_a_warning_refuses_a_reload_and_a_start(lan):
    (one,) = office(lan, "one")
    warned = instance("MASTER", 150) + "global_defs {\n    router_id LVS_1 enable_traps 5\n}\n"
    refused = one.mainstayd(warned, "--strict")
    assert refused.wait(20) == 2
    assert "--strict allows no warnings" in refused.output()

    daemon = wait_ready(one.mainstayd(instance("MASTER", 150), "--strict"))
    wait_holds(one)
    said = reload(one, daemon, warned)

    assert "stays in use" in said
    assert "--strict allows no warnings" in said
    assert one.holds(VIP)


def test_a_file_that_is_gone_is_refused(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(instance("MASTER", 150)))
    wait_holds(one)

    one.path("/run/keepalived.conf").unlink()
    daemon.send(signal.SIGHUP)

    wait_until(lambda: "stays in use" in daemon.output(), 10, "the refusal")
    assert one.holds(VIP)


def test_signals_that_come_during_a_reload_become_one_more(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(instance("MASTER", 150)))
    wait_holds(one)

    vrrp = role_pid(one, "mainstayd-vrrp")
    one.run(["kill", "-STOP", str(vrrp)])  # the reload waits for it
    daemon.send(signal.SIGHUP)
    wait_until(lambda: daemon.output().count("Reloading ...") == 1, 10, daemon.output)
    for _ in range(19):
        daemon.send(signal.SIGHUP)
    wait_until(lambda: "Reload already in progress, request queued" in daemon.output(), 10, daemon.output)
    one.run(["kill", "-CONT", str(vrrp)])
    wait_until(lambda: daemon.output().count("Reload complete") == 2, 10, daemon.output)
    assert stays(lambda: daemon.output().count("Reloading ...") == 2, 2)
    assert one.holds(VIP)
