"""What a reload changes of instances, priorities and virtual addresses: that alone, and nobody takes over for it. A number is
that of a report from the field (docs/field-cases.md). Routes: test_reload_routes; VMACs: test_vmac_reload."""

import re
import signal

from support.netlink import ip_monitor
from support.vrrp import (VIP, fast, instance, logged, office, priority_on_the_wire, reload, role_pids, sync_group,
                          vrids_on_the_wire, wait_holds, wait_ready, wait_released)
from support.wait import stays, wait_until

OTHER = "192.168.4.201"


def v4(host, device):
    return {address for address in host.addresses(device) if ":" not in address}


def pair(lan):
    """Two hosts, of which the first one is master, and their daemons."""
    one, two = office(lan, "one", "two")
    daemon, backup = wait_ready(one.mainstayd(fast())), wait_ready(two.mainstayd(fast(priority=100)))
    wait_holds(one)
    return one, two, daemon, backup


# ---- instances ----

def test_an_instance_that_a_reload_adds_starts_and_one_that_it_removes_resigns_and_takes_no_other_one_s_address(lan):
    """Report 2159."""
    one, two = office(lan, "one", "two")

    def some(priority, *numbers):
        return ('vrrp_script good {\n script "/bin/true"\n interval 1\n weight 20\n}\n' + "".join(
            fast(f"VI_{n}", 100 + n, f"192.168.4.{200 + n}", priority, "track_script {\n good\n }") for n in numbers))
    daemon = wait_ready(one.mainstayd(some(100, 1, 3)))
    for address in ("192.168.4.201", "192.168.4.203"):
        wait_holds(one, address)
    backup = wait_ready(two.mainstayd(some(50, 1, 2, 3)))
    wait_holds(two, "192.168.4.202")

    added = reload(one, daemon, some(100, 1, 2, 3))
    wait_holds(one, "192.168.4.202")
    wait_released(two, "192.168.4.202")
    removed = reload(one, daemon, some(100, 1, 3))
    logged(backup, "(VI_2) Backup received priority 0 advertisement")
    wait_holds(two, "192.168.4.202")
    wait_released(one, "192.168.4.202")

    assert stays(lambda: one.holds("192.168.4.201") and one.holds("192.168.4.203"), 1)
    for name in ("(VI_1)", "(VI_3)"):
        assert name not in added + removed
        assert f"{name} Entering MASTER STATE" not in backup.output()
    assert daemon.output().count("Entering MASTER STATE") == 3


def test_a_member_that_a_reload_adds_to_a_group_of_a_master_costs_no_client_the_address(lan):
    """Report 285."""
    one, two = office(lan, "one", "two")
    client = lan.host("client", eth0=("office", "192.168.4.50/24"))

    def group(priority, members):
        return (sync_group(*(f"VI_{n}" for n in members))
                + "".join(fast(f"VI_{n}", n, f"192.168.4.{200 + n}", priority, "preempt_delay 2") for n in members))
    daemon = wait_ready(one.mainstayd(group(200, (1,))))
    wait_holds(one, "192.168.4.201")
    backup = wait_ready(two.mainstayd(group(100, (1, 2))))
    client.run(["ping", "-c1", "-W2", "192.168.4.201"])

    reload(one, daemon, group(200, (1, 2)))
    wait_holds(one, "192.168.4.202", timeout=20)

    wait_until(lambda: one.holds("192.168.4.201") and not two.holds("192.168.4.201"), 10, "one master of the group")
    assert "Entering MASTER STATE" not in backup.output()
    own = one.run(["cat", "/sys/class/net/eth0/address"]).stdout.strip()
    for address in ("192.168.4.201", "192.168.4.202"):
        client.run(["ping", "-c1", "-W2", address])
        assert own in client.run(["ip", "neigh", "show", address]).stdout


def test_instances_on_one_interface_that_swap_their_virtual_router_ids_lose_no_address(lan):
    """Report 2364."""
    (one,) = office(lan, "one")

    def both(first, second):
        return fast("VI_1", first, VIP) + fast("VI_2", second, OTHER)
    daemon = wait_ready(one.mainstayd(both(51, 52)))
    wait_holds(one)
    wait_holds(one, OTHER)
    vrids_on_the_wire(one, {VIP: 51, OTHER: 52})

    reload(one, daemon, both(52, 51))

    vrids_on_the_wire(one, {VIP: 52, OTHER: 51})
    wait_holds(one)
    wait_holds(one, OTHER)
    assert stays(lambda: one.holds(VIP) and one.holds(OTHER), 2)


def test_the_priority_that_a_reload_changes_is_on_the_wire_is_notified_of_as_a_master_s_and_decides(lan):
    """Report 2631."""
    one, two = office(lan, "one", "two")

    def told(priority):
        return "global_defs {\n vrrp_notify_fifo /run/fifo\n vrrp_notify_priority_changes\n}\n" + fast(priority=priority)
    one.run(["mkfifo", "-m", "600", "/run/fifo"])
    reader = one.start(["sh", "-c", "exec cat /run/fifo"], name="reader")
    daemon = wait_ready(one.mainstayd(told(195)))
    wait_ready(two.mainstayd(fast(priority=100)))
    wait_holds(one)

    reload(one, daemon, told(105))
    priority_on_the_wire(one, 105)
    wait_until(lambda: "MASTER_PRIORITY 105" in reader.output(), 10, reader.output)
    assert "BACKUP_PRIORITY 105" not in reader.output()
    assert one.holds(VIP)

    reload(one, daemon, told(50))
    wait_holds(two)
    wait_released(one)
    reader.send(signal.SIGTERM)


def test_an_instance_that_a_reload_adds_takes_away_what_is_left_of_its_addresses_and_routes(lan):
    """Report 2700."""
    one, two = office(lan, "one", "two")
    master = fast("VI_2", 60, "192.168.4.210\n192.168.4.211/24", 200)
    backup = fast("VI_2", 60, "192.168.4.210\n192.168.4.211/24", 100,
                  "virtual_routes {\n 10.8.0.0/16 dev eth0\n }\nvirtual_ipaddress_excluded {\n 192.168.4.212\n }")
    wait_ready(two.mainstayd(master))
    wait_holds(two, "192.168.4.210")
    daemon = wait_ready(one.mainstayd(fast()))
    wait_holds(one)
    one.run(["ip", "addr", "add", "192.168.4.210/32", "dev", "eth0"])
    one.run(["ip", "addr", "add", "192.168.4.212/32", "dev", "eth0"])
    one.run(["ip", "route", "add", "10.8.0.0/16", "dev", "eth0", "proto", "18", "scope", "global"])

    reload(one, daemon, fast() + backup)
    wait_until(lambda: v4(one, "eth0") == {"192.168.4.11/24", "192.168.4.200/32"}, 2, lambda: v4(one, "eth0"))
    wait_until(lambda: "10.8.0.0/16" not in one.run(["ip", "route"]).stdout, 1.5, "the route to go")

    # So with an address that a backup gains.
    one.run(["ip", "addr", "add", "192.168.4.213/32", "dev", "eth0"])
    reload(one, daemon, fast() + backup.replace("192.168.4.211/24", "192.168.4.213"))
    wait_until(lambda: v4(one, "eth0") == {"192.168.4.11/24", "192.168.4.200/32"}, 2, lambda: v4(one, "eth0"))


# ---- addresses ----

def test_vips_are_added_and_removed_without_a_failover(lan):
    one, _, daemon, backup = pair(lan)

    reload(one, daemon, fast(vip="192.168.4.200\n192.168.4.201/24"))
    wait_holds(one, "192.168.4.201/24")
    assert one.holds(VIP)

    reload(one, daemon, fast(vip="192.168.4.201/24"))
    wait_released(one, VIP)
    assert one.holds("192.168.4.201/24")
    assert "Entering MASTER STATE" not in backup.output()


def growing(count):
    addresses = "\n".join(f"10.20.0.{number + 1} dev eth0" for number in range(count))
    return instance("BACKUP", 101, "", more=f"nopreempt\nvirtual_ipaddress_excluded {{\n{addresses}\n}}\n")


def test_a_reload_every_moment_that_adds_an_excluded_address_leaves_the_master_what_it_is(lan):
    """Report 349."""
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(growing(1)))
    wait_holds(one, "10.20.0.1")

    for count in range(2, 8):
        assert "STATE" not in reload(one, daemon, growing(count))
        wait_holds(one, f"10.20.0.{count}")

    assert daemon.output().count("Entering MASTER STATE") == 1


def test_an_address_that_moves_between_instances_is_never_absent(lan):
    """Report 1854."""
    (one,) = office(lan, "one")

    def pair(first, second):
        return fast(vip="\n".join((VIP, *first))) + fast("VI_2", 52, "\n".join(("192.168.4.210", *second)))

    daemon = wait_ready(one.mainstayd(pair([OTHER], [])))
    wait_holds(one, OTHER)
    wait_holds(one, "192.168.4.210")
    monitor = ip_monitor(one, "address")

    for now in (pair([], [OTHER]), pair([OTHER], []), pair([], [OTHER])):
        assert "STATE" not in reload(one, daemon, now)
        assert one.holds(VIP) and one.holds(OTHER) and one.holds("192.168.4.210")
    assert daemon.output().count("Entering MASTER STATE") == 2
    # The instance itself goes, and its address is another one's.
    reload(one, daemon, fast(vip=f"{VIP}\n{OTHER}\n192.168.4.210"))
    assert one.holds(OTHER) and one.holds("192.168.4.210")
    # And to the host itself.
    reload(one, daemon, "static_ipaddress {\n 192.168.4.210 dev eth0\n}\n" + fast())
    wait_until(lambda: "Deleted" in monitor.output(), 10, "the other address to go")
    assert not one.holds(OTHER)
    assert one.holds("192.168.4.210")
    assert monitor.output().count("Deleted") == 1, monitor.output()


def test_addresses_of_others_in_the_subnet_of_a_virtual_address_stay_when_it_goes(lan):
    (one,) = office(lan, "one")
    lan.plug(one, "eth1", "office")
    daemon = wait_ready(one.mainstayd(fast(vip="192.168.5.200/24 dev eth1\n192.168.5.201/24 dev eth1")))
    wait_holds(one, "192.168.5.201")
    one.run(["ip", "addr", "add", "192.168.5.250/24", "dev", "eth1"])
    monitor = ip_monitor(one, "address")

    reload(one, daemon, fast(vip="192.168.5.201/24 dev eth1"))
    wait_released(one, "192.168.5.200")
    assert stays(lambda: v4(one, "eth1") == {"192.168.5.201/24", "192.168.5.250/24"}, 0.5)
    daemon.stop()
    assert v4(one, "eth1") == {"192.168.5.250/24"}
    wait_until(lambda: re.search(r"Deleted .* 192\.168\.5\.201/", monitor.output()), 10, monitor.output)
    assert not re.search(r"Deleted .* 192\.168\.5\.250/", monitor.output())
    assert one.run(["cat", "/proc/sys/net/ipv4/conf/eth1/promote_secondaries"]).stdout.strip() == "0"


def test_an_own_address_that_is_virtual_as_well_stays_when_the_virtual_one_goes(lan):
    """Report 155."""
    (one,) = office(lan, "one")
    one.run(["ip", "addr", "add", "192.168.4.21/24", "dev", "eth0"])
    both = fast(vip="192.168.4.21\n192.168.4.200")
    daemon = wait_ready(one.mainstayd(both))
    wait_holds(one, "192.168.4.21/32")

    reload(one, daemon, fast(vip="192.168.4.200"))
    wait_released(one, "192.168.4.21/32")
    assert one.holds("192.168.4.21/24")

    reload(one, daemon, both)
    wait_holds(one, "192.168.4.21/32")
    assert daemon.stop() == 0
    assert {a for a in one.addresses("eth0") if "." in a} == {"192.168.4.11/24", "192.168.4.21/24"}


def test_addresses_and_rules_that_a_reload_removes_go_while_a_rival_is_heard(lan):
    """Report 1436."""
    one, two = office(lan, "one", "two")
    rules = "virtual_rules {\n from 192.168.4.217 table 217 priority 5217\n from 192.168.4.218 table 218 priority 5218\n}\n"
    before = fast(vip="192.168.4.217\n192.168.4.218\n192.168.4.219", priority=254, more=rules)
    daemon = wait_ready(one.mainstayd(before))
    wait_holds(one, "192.168.4.219")
    role = role_pids(one, "mainstayd-vrrp")
    # The other one hears nothing, so it is MASTER too, and is answered all the while.
    two.run(["nft", "add table ip deaf; add chain ip deaf in { type filter hook input priority 0; };"
             "add rule ip deaf in ip protocol vrrp drop"])
    wait_ready(two.mainstayd(fast(vip="192.168.4.219", priority=100)))
    logged(daemon, "with lower priority 100, ours 254")

    for _ in range(3):
        reload(one, daemon, fast(vip="192.168.4.219", priority=254))
        wait_released(one, "192.168.4.217")
        wait_released(one, "192.168.4.218")
        wait_until(lambda: "521" not in one.run(["ip", "rule"]).stdout, 5, "the rules to be gone")
        assert stays(lambda: one.holds("192.168.4.219"), 0.2)
        reload(one, daemon, before)
        wait_holds(one, "192.168.4.217")
        wait_until(lambda: one.run(["ip", "rule"]).stdout.count("521") == 2, 5, "the rules to be back")

    assert role_pids(one, "mainstayd-vrrp") == role
    assert daemon.alive()
