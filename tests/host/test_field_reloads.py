"""What users of keepalived reported of reloads and restarts: docs/field-cases.md has the reports' numbers."""

import signal

from support.capture import Capture
from support.vrrp import (VIP, fast, instance, logged, office, priority_on_the_wire, reload, wait_holds, wait_ready,
                          wait_released)
from support.wait import stays, wait_until


def pids(host, beginning):
    """The pids of the host's processes whose names begin so."""
    lines = (line.split(None, 1) for line in host.run(["ps", "-eo", "pid=,comm="]).stdout.splitlines())
    return [pid for pid, name in lines if name.startswith(beginning)]


def routes(host, *words):
    return host.run(["ip", "route", "show", *words]).stdout.splitlines()


def growing(count):
    addresses = "\n".join(f"10.20.0.{number + 1} dev eth0" for number in range(count))
    return instance("BACKUP", 101, "", more=f"nopreempt\nvirtual_ipaddress_excluded {{\n{addresses}\n}}\n")


def test_a_reload_every_moment_that_adds_an_excluded_address_leaves_the_master_what_it_is(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(growing(1)))
    wait_holds(one, "10.20.0.1")

    for count in range(2, 8):
        assert "STATE" not in reload(one, daemon, growing(count))
        wait_holds(one, f"10.20.0.{count}")

    assert daemon.output().count("Entering MASTER STATE") == 1


def test_an_instance_that_is_removed_takes_no_other_one_s_address_with_it(lan):
    one, two = office(lan, "one", "two")
    track = ('vrrp_script good {\n script "/bin/true"\n interval 1\n weight 20\n}\n', "track_script {\n good\n }")

    def three(priority, names):
        return track[0] + "".join(fast(f"VI_{n}", 100 + n, f"192.168.4.{200 + n}", priority, track[1]) for n in names)
    daemon = wait_ready(one.mainstayd(three(100, (1, 2, 3))))
    for number in (1, 2, 3):
        wait_holds(one, f"192.168.4.{200 + number}")
    backup = wait_ready(two.mainstayd(three(50, (1, 3))))
    wait_until(lambda: backup.output().count("Entering BACKUP STATE") >= 2, 10, "the backup to listen")

    said = reload(one, daemon, three(100, (1, 3)))

    assert "(VI_1)" not in said and "(VI_3)" not in said, said
    wait_released(one, "192.168.4.202")
    assert stays(lambda: one.holds("192.168.4.201") and one.holds("192.168.4.203"), 2)
    assert "Entering MASTER STATE" not in backup.output()
    assert daemon.output().count("Entering MASTER STATE") == 3


def test_addresses_and_rules_that_a_reload_removes_go_while_a_rival_is_heard(lan):
    one, two = office(lan, "one", "two")
    rules = "virtual_rules {\n from 192.168.4.217 table 217 priority 5217\n from 192.168.4.218 table 218 priority 5218\n}\n"
    before = fast(vip="192.168.4.217\n192.168.4.218\n192.168.4.219", priority=254, more=rules)
    daemon = wait_ready(one.mainstayd(before))
    wait_holds(one, "192.168.4.219")
    role = pids(one, "mainstayd-vrrp")
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

    assert pids(one, "mainstayd-vrrp") == role
    assert daemon.alive()


def test_after_all_processes_were_killed_a_start_takes_away_the_address_that_another_has_now(lan):
    one, two = office(lan, "one", "two")
    daemon = wait_ready(one.mainstayd(fast(priority=150)))
    wait_holds(one)
    wait_ready(two.mainstayd(fast(priority=200, more="preempt_delay 1000")))
    # All at once: a role that outlives the supervisor for a moment would resign. They are stopped before.
    supervisor = str(one.run(["pgrep", "-o", "mainstayd"]).stdout.strip())
    one.run(["kill", "-STOP", *(pid for pid in pids(one, "mainstayd") if pid != supervisor)])
    one.run(["kill", "-9", *pids(one, "mainstayd")])
    daemon.wait(10)
    wait_holds(two)
    assert one.holds(VIP), "the kernel keeps the address of a process that was killed"
    # A container gives the same pids again: the file names a process that lives, and is another one.
    other = one.start(["sleep", "1000"])
    assert other.alive()
    one.write("/run/mainstayd.pid", one.run(["pgrep", "-x", "sleep"]).stdout)

    again = wait_ready(one.mainstayd(fast(priority=150)))

    wait_released(one)
    assert stays(lambda: two.holds(VIP) and not one.holds(VIP), 1)
    assert again.alive()
    assert other.alive()


def routed(source, extra=""):
    return fast(vip="10.30.0.100/24", more=f"virtual_routes {{\n 10.77.0.0/24 via 10.30.0.1 src {source}\n{extra}}}\n")


def test_a_route_of_which_a_reload_changes_the_source_alone_is_there_once_with_the_new_one(lan):
    (one,) = office(lan, "one")
    one.run(["ip", "addr", "add", "10.30.0.10/24", "dev", "eth0"])
    daemon = wait_ready(one.mainstayd(routed("10.30.0.100")))
    wait_until(lambda: routes(one, "10.77.0.0/24"), 10, "the route")

    reload(one, daemon, routed("10.30.0.10"))
    wait_until(lambda: [r.split(" dev")[0] for r in routes(one, "10.77.0.0/24")] == ["10.77.0.0/24 via 10.30.0.1"]
               and "src 10.30.0.10 " in routes(one, "10.77.0.0/24")[0] + " ", 5, lambda: str(routes(one)))

    for _ in range(2):  # the second reload changes nothing, and doubles no route
        reload(one, daemon, routed("10.30.0.10", " default via 10.30.0.2\n"))
        wait_until(lambda: len(routes(one, "default")) == 1, 5, lambda: str(routes(one)))
        assert stays(lambda: len(routes(one, "default")) == 1, 0.5)

    reload(one, daemon, routed("10.30.0.10"))
    wait_until(lambda: routes(one, "default") == [], 5, lambda: str(routes(one)))
    assert len(routes(one, "10.77.0.0/24")) == 1


def test_a_route_that_two_instances_have_stays_while_one_of_them_is_master(lan):
    (one,) = office(lan, "one")
    common = "virtual_routes {\n default via 10.30.0.1 dev eth0\n}\ntrack_file {\n %s\n}\n"
    files = "".join(f"track_file {name} {{\n file /run/{name}\n weight 0\n}}\n" for name in ("f1", "f2"))
    for name in ("f1", "f2"):
        one.write(f"/run/{name}", "0\n")
    wait_ready(one.mainstayd(files + fast("A", 1, "10.30.0.101/24", more=common % "f1")
                             + fast("B", 2, "10.30.0.102/24", more=common % "f2")))
    wait_holds(one, "10.30.0.101")
    wait_holds(one, "10.30.0.102")
    wait_until(lambda: routes(one, "default"), 5, "the route")

    one.write("/run/f1", "1\n")
    wait_released(one, "10.30.0.101")

    wait_until(lambda: routes(one, "default"), 3, "the route of the instance that is master")
    assert stays(lambda: routes(one, "default") and one.holds("10.30.0.102"), 1)
    one.write("/run/f2", "1\n")
    wait_until(lambda: not routes(one, "default"), 5, "the route to go with the last")


def test_an_instance_that_gives_up_the_first_address_of_a_subnet_leaves_the_others_theirs(lan):
    (one,) = office(lan, "one")
    one.write("/run/f1", "0\n")
    one.sysctl(net__ipv4__conf__eth0__promote_secondaries=0)
    wait_ready(one.mainstayd("track_file f1 {\n file /run/f1\n weight 0\n}\n"
                             + fast("A", 1, "10.30.0.101/24", more="track_file {\n f1\n}")))
    wait_holds(one, "10.30.0.101")
    one.write("/run/second.conf", "")
    daemon = one.processes[-1]
    both = ("track_file f1 {\n file /run/f1\n weight 0\n}\n" + fast("A", 1, "10.30.0.101/24", more="track_file {\n f1\n}")
            + fast("B", 2, "10.30.0.102/24"))
    reload(one, daemon, both)
    wait_holds(one, "10.30.0.102")

    one.write("/run/f1", "1\n")  # the kernel takes the secondary address of the subnet away with the first one

    wait_released(one, "10.30.0.101")
    wait_holds(one, "10.30.0.102/24", timeout=3)
    assert stays(lambda: one.holds("10.30.0.102/24"), 1)


def test_an_address_that_a_reload_moves_to_another_master_is_held_by_the_host_all_along(lan):
    (one,) = office(lan, "one")

    def pair(first, second):
        return fast("A", 1, first) + fast("B", 2, second)
    daemon = wait_ready(one.mainstayd(pair("192.168.4.201\n192.168.4.203", "192.168.4.202")))
    wait_holds(one, "192.168.4.203")
    wait_holds(one, "192.168.4.202")

    for now in (pair("192.168.4.201", "192.168.4.202\n192.168.4.203"),
                pair("192.168.4.201\n192.168.4.203", "192.168.4.202")):
        assert "STATE" not in reload(one, daemon, now)
        wait_until(lambda: all(one.holds(f"192.168.4.{n}") for n in (201, 202, 203)), 3, "every address")

    assert pids(one, "mainstayd-vrrp")
    assert daemon.output().count("Entering MASTER STATE") == 2


def test_a_member_that_a_reload_adds_to_a_group_of_a_master_costs_no_client_the_address(lan):
    one, two = office(lan, "one", "two")
    client = lan.host("client", eth0=("office", "192.168.4.50/24"))

    def group(priority, members):
        names = "\n".join(f"VI_{n}" for n in members)
        return (f"vrrp_sync_group G {{\n group {{\n {names}\n }}\n}}\n"
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


def test_a_reload_that_sends_from_the_vmac_again_leaves_one_master(lan):
    one, two = office(lan, "one", "two")

    def six(priority, xmit):
        return fast(vip="fd00:100::1/64", priority=priority, more=f"use_vmac vrrp\n{xmit}")
    daemon = wait_ready(one.mainstayd(six(200, "vmac_xmit_base")))
    wait_holds(one, "fd00:100::1")
    backup = wait_ready(two.mainstayd(six(100, "vmac_xmit_base")))
    wait_until(lambda: "Entering BACKUP STATE" in backup.output(), 10, "the backup to listen")

    # Both agree on it: the kernel gives frames from the virtual MAC address to a VMAC and not to its parent.
    reload(two, backup, six(100, ""))
    reload(one, daemon, six(200, ""))

    with Capture(two, what="ip6") as capture:
        capture.wait_for(3, which=lambda p: "IPv6" in p and p["IPv6"].nh == 112)
    wait_holds(one, "fd00:100::1")
    wait_released(two, "fd00:100::1")
    assert stays(lambda: one.holds("fd00:100::1") and not two.holds("fd00:100::1"), 2)


def test_the_priority_that_a_reload_changes_is_on_the_wire_and_a_master_is_notified_of_as_one(lan):
    (one,) = office(lan, "one")

    def told(priority):
        return ("global_defs {\n vrrp_notify_fifo /run/fifo\n vrrp_notify_priority_changes\n}\n" + fast(priority=priority))
    one.run(["mkfifo", "-m", "600", "/run/fifo"])
    reader = one.start(["sh", "-c", "exec cat /run/fifo"], name="reader")
    daemon = wait_ready(one.mainstayd(told(195)))
    wait_holds(one)

    reload(one, daemon, told(105))

    priority_on_the_wire(one, 105)
    wait_until(lambda: 'MASTER_PRIORITY 105' in reader.output(), 10, reader.output)
    assert "BACKUP_PRIORITY 105" not in reader.output()
    reader.send(signal.SIGTERM)


def test_an_own_address_that_is_virtual_as_well_stays_when_the_virtual_one_goes(lan):
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


def test_a_large_configuration_is_reloaded_and_no_process_ends_of_it(lan):
    (one,) = office(lan, "one")

    def services(count, weight):
        return "".join(f"virtual_server 10.{i // 250}.{i % 250}.1 80 {{\n lb_algo rr\n lb_kind NAT\n protocol TCP\n"
                       f" real_server 10.200.0.1 80 {{\n weight {weight}\n }}\n"
                       f" real_server 10.200.0.2 80 {{\n weight 1\n }}\n}}\n" for i in range(count))
    daemon = wait_ready(one.mainstayd(fast() + services(4000, 1)), 60)
    wait_holds(one)
    before = pids(one, "mainstayd")

    for weight in (2, 3):
        said = reload(one, daemon, fast() + services(4000, weight))
        assert "Reload complete" in said
        assert "STATE" not in said

    assert pids(one, "mainstayd") == before
    assert one.holds(VIP)
