"""Tracked files, processes and interfaces, polled and delayed links, sync groups: what they do to priorities on the wire. Tracked
scripts: test_scripts.py."""

import signal

import pytest
from support.config_map import ConfigMap
from support.paths import program
from support.vrrp import VIP, fast, logged, office, priority_on_the_wire, wait_holds, wait_ready, wait_released
from support.wait import stays, wait_until


def test_a_tracked_file_changes_the_priority_on_the_wire(lan):
    # effect: (root): track_file
    # effect: track_file: file weight
    # effect: vrrp_instance: track_file
    (one,) = office(lan, "one")
    one.write("/run/weight", "3\n")
    text = "track_file load {\n file /run/weight\n weight -2\n}\n" + fast(more="track_file {\n load\n }")
    daemon = wait_ready(one.mainstayd(text))
    wait_holds(one)
    priority_on_the_wire(one, 144)

    one.write("/run/weight", "0x0A and more\n")
    priority_on_the_wire(one, 130)
    logged(daemon, "(VI_1) Changing effective priority from 144 to 130")

    one.run(["sh", "-c", "echo 1 >/run/new && mv /run/new /run/weight"])
    priority_on_the_wire(one, 148)

    one.run(["rm", "/run/weight"])
    priority_on_the_wire(one, 150)

    one.write("/run/weight", "127\n")
    logged(daemon, "(VI_1) Entering FAULT STATE")
    wait_released(one)


def test_a_tracked_file_of_a_config_map_counts_as_soon_as_kubernetes_has_replaced_it(lan):
    (one,) = office(lan, "one")
    config_map = ConfigMap(one, "/run/config", "weight")
    config_map.publish("3\n")
    text = "track_file load {\n file /run/config/weight\n weight 2\n}\n" + fast(more="track_file {\n load\n }")
    wait_ready(one.mainstayd(text))
    wait_holds(one)
    priority_on_the_wire(one, 156)
    for value, priority in ((10, 170), (-20, 110), (0, 150)):
        config_map.publish(f"{value}\n")
        priority_on_the_wire(one, priority)
    one.run(["rm", "-r", "/run/config"])
    config_map.publish("4\n")
    priority_on_the_wire(one, 158)


def test_a_file_without_a_weight_holds_the_instance_in_fault_from_the_start(lan):
    (one,) = office(lan, "one")
    one.write("/run/drain", "1\n")
    text = "vrrp_track_file drain {\n file /run/drain\n weight 0\n}\n" + fast(more="track_file {\n drain\n }")
    daemon = wait_ready(one.mainstayd(text))
    # effect: (root): vrrp_track_file
    # effect: vrrp_track_file: file weight
    logged(daemon, "(VI_1) entering FAULT state (file drain holds 1)")
    assert not one.holds(VIP)

    one.write("/run/drain", "0\n")
    wait_holds(one)


def test_a_master_whose_file_takes_its_priority_below_its_equal_gives_up_the_address(lan):
    """docs/field-cases.md: 2114."""
    one, two = office(lan, "one", "two")
    text = "track_file health {\n file /run/health\n weight -1\n}\n" + fast(priority=100, more="track_file {\n health\n}")
    for host in (one, two):
        host.write("/run/health", "0\n")
    wait_ready(one.mainstayd(text))
    wait_holds(one)
    wait_ready(two.mainstayd(text))
    wait_until(lambda: two.holds(VIP) != one.holds(VIP), 10, "one master")
    master, other = (one, two) if one.holds(VIP) else (two, one)

    for _ in range(2):
        master.write("/run/health", "50\n")
        wait_holds(other)
        wait_released(master)
        master.write("/run/health", "0\n")
        other.write("/run/health", "50\n")
        wait_holds(master)
        wait_released(other)
        other.write("/run/health", "0\n")


def test_after_a_fault_by_a_file_the_priority_is_that_of_what_the_file_says_now(lan):
    """docs/field-cases.md: 1460."""
    (one,) = office(lan, "one")
    one.write("/run/cost", "100\n")
    wait_ready(one.mainstayd("track_file cost {\n file /run/cost\n weight -1\n}\n"
                             + fast(priority=254, more="nopreempt\ntrack_file {\n cost weight -1\n}")))
    wait_holds(one)
    priority_on_the_wire(one, 154)

    one.write("/run/cost", "254\n")
    wait_released(one)
    one.write("/run/cost", "50\n")

    wait_holds(one)
    priority_on_the_wire(one, 204)


def test_init_file_makes_the_file_at_the_start_and_overwrites_only_if_told(lan):
    # effect: track_file: init_file
    # effect: vrrp_track_file: init_file
    (one,) = office(lan, "one")
    one.write("/run/kept", "5\n")
    one.write("/run/over", "5\n")
    text = """track_file made {
 file /run/made
 init_file 7
}
vrrp_track_file kept {
 file /run/kept
 init_file 7
}
track_file over {
 file /run/over
 init_file -4 overwrite
}
"""
    daemon = wait_ready(one.mainstayd(text + fast(more="track_file {\n made\n kept\n over\n }")))
    priority_on_the_wire(one, 158)
    assert [one.read(f"/run/{name}") for name in ("made", "kept", "over")] == ["7\n", "5\n", "-4\n"]

    one.run(["rm", "/run/made"])
    daemon.send(signal.SIGHUP)
    logged(daemon, "Reload complete")
    priority_on_the_wire(one, 151)
    assert not one.path("/run/made").exists()


@pytest.mark.parametrize("make,why", [
    (["mkfifo", "/run/odd"], "/run/odd is not tracked: it is no regular file"),
    (["ln", "-s", "/proc/uptime", "/run/odd"], "/run/odd is not tracked: changes on such a filesystem are not reported"),
])
def test_a_fifo_or_a_file_of_proc_is_refused_and_stops_nobody(lan, make, why):
    (one,) = office(lan, "one")
    one.run(make)
    daemon = wait_ready(one.mainstayd("track_file odd {\n file /run/odd\n}\n" + fast(more="track_file {\n odd\n }")))
    logged(daemon, why)
    wait_holds(one)
    priority_on_the_wire(one, 150)


@pytest.mark.nightly
def test_a_watcher_that_dies_or_hangs_holds_up_nobody_and_comes_back(lan):
    (one,) = office(lan, "one")
    one.write("/run/weight", "3\n")
    daemon = wait_ready(one.mainstayd("track_file load {\n file /run/weight\n}\n" + fast(more="track_file {\n load\n }")))
    priority_on_the_wire(one, 153)
    wait_holds(one)

    one.run(["sh", "-c", "kill -STOP $(pgrep -x mainstayd-track)"])
    one.write("/run/weight", "9\n")
    logged(daemon, "the watcher of files, processes and links has sent no heartbeat for 10 s", 25)
    priority_on_the_wire(one, 159)
    assert daemon.output().count("Entering BACKUP STATE") == 1


def test_a_tracked_process_counts_while_it_runs(lan):
    # effect: (root): vrrp_track_process
    # effect: vrrp_track_process: process weight
    # effect: vrrp_instance: track_process
    (one,) = office(lan, "one")
    one.run(["cp", "/bin/sleep", "/run/worker"])
    text = "vrrp_track_process work {\n process worker\n weight 30\n}\n" + fast(more="track_process {\n work\n }")
    daemon = wait_ready(one.mainstayd(text))
    wait_holds(one)
    logged(daemon, "the kernel reports no process events")
    priority_on_the_wire(one, 150)

    worker = one.start(["/run/worker", "1000"])
    logged(daemon, "Quorum gained for tracked process work")
    priority_on_the_wire(one, 180)

    worker.stop()
    logged(daemon, "Quorum lost for tracked process work")
    priority_on_the_wire(one, 150)


WORK = "vrrp_track_process work {\n process worker\n}\n" + fast(more="track_process {\n work\n }")


@pytest.mark.parametrize("level", (1, 2))
def test_processes_that_proc_hides_are_said_to_be_and_count_when_the_watcher_may_see_them(lan, level):
    """keepalived's children are root's. The watcher is not, and a right to see all processes is one to read their memory."""
    (one,) = office(lan, "one")
    group = one.run(["id", "-g", "mainstay-track"]).stdout.strip()
    one.run(["cp", "/bin/sleep", "/run/worker"])
    one.start(["/run/worker", "1000"])
    one.run(["mount", "-o", f"remount,hidepid={level}", "/proc"])
    daemon = wait_ready(one.mainstayd(WORK))
    logged(daemon, "track_process: /proc hides the processes of other accounts (hidepid), which are not counted: let this account see "
                   f"them (mount -o remount,gid={group} /proc)")
    found = one.run([program("mainstayctl"), "doctor", "--file", "/run/keepalived.conf"], check=False).stdout
    assert "/proc hides the processes of other accounts (hidepid): track_process does not count them" in found
    assert f"mount -o remount,gid={group} /proc" in found

    one.run(["mount", "-o", f"remount,gid={group}", "/proc"])
    wait_holds(one)
    one.run(["pkill", "-x", "worker"])
    wait_released(one)


def test_a_process_is_distinguished_by_its_parameters(lan):
    # effect: vrrp_track_process: param_match full_command quorum quorum_max
    (one,) = office(lan, "one")
    one.run(["cp", "/bin/sleep", "/run/worker"])
    text = """vrrp_track_process exact {
 process /run/worker 1000
 quorum 2
 quorum_max 2
 weight 1
}
vrrp_track_process begun {
 process /run/worker 10
 param_match initial
 weight 10
}
vrrp_track_process as_many {
 process /run/worker 10
 param_match partial
 weight 40
}
vrrp_track_process none {
 process worker
 quorum_max 0
 weight 20
}
"""
    one.start(["/run/worker", "1000"])
    wait_ready(one.mainstayd(text + fast(more="track_process {\n exact\n begun\n as_many\n none\n }")))
    priority_on_the_wire(one, 160)
    one.start(["/run/worker", "1000"])
    priority_on_the_wire(one, 161)
    third = one.start(["/run/worker", "1000"])
    priority_on_the_wire(one, 160)
    third.stop()
    one.run(["sh", "-c", "pkill -x worker"])
    priority_on_the_wire(one, 170)


@pytest.mark.nightly
def test_processes_that_are_restarted_over_and_over_are_tracked_on(lan):
    """docs/field-cases.md: 1291."""
    (one,) = office(lan, "one")
    for name in ("worker1", "worker2"):
        one.run(["cp", "/bin/sleep", f"/run/{name}"])
    tracked = "".join(f"vrrp_track_process {name} {{\n process {name}\n quorum 1\n delay 0.1\n}}\n"
                      for name in ("worker1", "worker2"))

    def start():
        return [one.start([f"/run/{name}", "1000"], name=name) for name in ("worker1", "worker2")]
    running = start()
    daemon = wait_ready(one.mainstayd(tracked + fast(more="track_process {\n worker1\n worker2\n}")))
    wait_holds(one)

    for turn in range(10):
        for process in running:
            process.stop()
        if turn % 3 == 0:
            wait_released(one)
        running = start()
        if turn % 3 == 1:
            wait_holds(one)
    wait_holds(one)

    assert daemon.alive()
    assert "exited" not in daemon.output() and "started anew" not in daemon.output()
    running[1].stop()
    wait_released(one)


def test_what_a_group_tracks_counts_for_its_members(lan):
    # effect: (root): vrrp_sync_group
    # effect: vrrp_sync_group: group track_interface track_script track_file track_process sync_group_tracking_weight
    (one,) = office(lan, "one")
    one.run(["ip", "link", "add", "eth1", "type", "veth", "peer", "name", "eth1p"])
    one.run(["ip", "link", "set", "eth1p", "up"])
    one.write("/run/weight", "2\n")
    one.write("/run/good", "#!/bin/sh\nexit 0\n", 0o755)
    text = """track_file load {
 file /run/weight
}
vrrp_track_process work {
 process no-such-thing
 weight -16
}
vrrp_script good {
 script "/run/good"
 interval 1
}
vrrp_sync_group G {
 group {
  VI_1
  VI_2
 }
 sync_group_tracking_weight
 track_interface {
  eth1 weight 4
 }
 track_script {
  good weight 8
 }
 track_file {
  load
 }
 track_process {
  work
 }
}
"""
    daemon = wait_ready(one.mainstayd(text + fast(priority=100)
                                      + fast("VI_2", 52, "192.168.4.201", 120, "track_file {\n load weight 3\n }")))
    wait_holds(one)
    wait_holds(one, "192.168.4.201")
    priority_on_the_wire(one, 94)            # 100 + 2 (file) + 8 (script) - 16 (process)
    priority_on_the_wire(one, 114, vrid=52)  # 120 + 2 (once, as the group says; seen in 2.2.7) + 8 - 16

    one.run(["ip", "link", "set", "eth1", "up"])
    priority_on_the_wire(one, 98)
    assert "Syncing instances to MASTER state" in daemon.output()


def test_members_of_a_group_have_no_weights_without_sync_group_tracking_weight(lan):
    # effect: vrrp_sync_group: sync_group_tracking_weight global_tracking
    (one,) = office(lan, "one")
    one.write("/run/weight", "0\n")
    group = "vrrp_sync_group G {\n group {\n  VI_1\n  VI_2\n }\n %s\n}\n"
    head = "track_file load {\n file /run/weight\n}\ntrack_file other {\n file /run/other\n}\n"
    members = fast(more="track_file {\n load\n other weight 2\n }") + fast("VI_2", 52, "192.168.4.201")
    daemon = wait_ready(one.mainstayd(head + group % "" + members))
    wait_holds(one)
    one.write("/run/other", "9\n")    # weight 2: the tracker is dropped
    one.write("/run/weight", "20\n")  # weight 1 becomes 0: FAULT
    logged(daemon, "(VI_1) entering FAULT state (file load holds 20)")
    logged(daemon, "VRRP_Group(G) Syncing instances to FAULT state")
    assert "Changing effective priority" not in daemon.output()

    one.write("/run/keepalived.conf", head + group % "global_tracking" + members)
    daemon.send(signal.SIGHUP)
    wait_holds(one)
    priority_on_the_wire(one, 188)


def test_a_group_of_one_works_and_an_unknown_member_is_named(lan):
    (one,) = office(lan, "one")
    group = "vrrp_sync_group G {\n group {\n  VI_1\n  VI_9\n }\n}\n"
    daemon = wait_ready(one.mainstayd(group + fast()))
    wait_holds(one)
    assert "sync group G: there is no vrrp_instance VI_9" in daemon.output()
    assert "VRRP_Group(G) Syncing instances to MASTER state" in daemon.output()


def test_a_flapping_link_within_its_delay_is_not_noticed_and_a_longer_one_is(lan):
    # effect: (root): interface_up_down_delays
    # effect: interface_up_down_delays: <entry> <interface> <down_delay> <up_delay>
    (one,) = office(lan, "one")
    text = "interface_up_down_delays {\n eth0 0.15 0.1\n}\n" + fast()
    daemon = wait_ready(one.mainstayd(text))
    wait_holds(one)

    one.run(["sh", "-c", "ip link set eth0 down; ip link set eth0 up"])
    assert stays(lambda: one.holds(VIP), 0.4)
    assert "Netlink reports eth0 down" not in daemon.output()

    one.run(["ip", "link", "set", "eth0", "down"])
    logged(daemon, "(VI_1) entering FAULT state (interface eth0 down)")


@pytest.mark.parametrize("method,says", [("", "ETHTOOL"), ("ETHTOOL", "ETHTOOL"), ("IOCTL", "IOCTL")])
def test_a_link_that_is_polled_counts_as_the_device_says(lan, method, says):
    # effect: (root): linkbeat_interfaces
    # effect: linkbeat_interfaces: <entry> <interface> <method>
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(f"linkbeat_interfaces {{\n eth0 {method}\n}}\n" + fast()))
    logged(daemon, f"The link of eth0 is polled by {says}")
    wait_holds(one)

    # Dormant: there is a carrier, but nothing may be sent yet. netlink says not running; ETHTOOL says link.
    one.run(["ip", "link", "set", "eth0", "mode", "dormant"])
    one.run(["ip", "link", "set", "eth0", "down"])
    logged(daemon, "Entering FAULT STATE")
    one.run(["ip", "link", "set", "eth0", "up"])
    if says == "ETHTOOL":
        wait_holds(one)
        assert stays(lambda: one.holds(VIP), 1.5)
    else:  # what was asked last may be a second old
        wait_until(lambda: stays(lambda: not one.holds(VIP), 1.5), 10, "the VIP to stay away")


def test_linkbeat_use_polling_polls_the_interfaces_of_the_instances(lan):
    # effect: (root): linkbeat_use_polling
    # effect: vrrp_instance: linkbeat_use_polling
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd("linkbeat_use_polling\n" + fast()))
    logged(daemon, "The link of eth0 is polled by ETHTOOL")
    daemon.stop()
    daemon = wait_ready(one.mainstayd(fast(more="linkbeat_use_polling")))
    logged(daemon, "The link of eth0 is polled by ETHTOOL")


def test_tracked_interfaces_add_their_weights_and_dont_track_primary_ignores_its_own(lan):
    # effect: vrrp_instance: track_interface dont_track_primary
    (one,) = office(lan, "one")
    for name in ("eth1", "eth2"):
        one.run(["ip", "link", "add", name, "type", "veth", "peer", "name", f"{name}p"])
        one.run(["ip", "link", "set", f"{name}p", "up"])
    more = "dont_track_primary\ntrack_interface {\n eth1 weight 10\n eth2 weight -20 reverse\n eth2 weight 100\n }"
    daemon = wait_ready(one.mainstayd(fast(more=more)))
    priority_on_the_wire(one, 170)
    one.run(["ip", "link", "set", "eth1", "up"])
    priority_on_the_wire(one, 180)
    one.run(["ip", "link", "set", "eth2", "up"])
    priority_on_the_wire(one, 160)

    one.run(["ip", "link", "set", "eth0", "down"])
    logged(daemon, "Netlink reports eth0 down")
    assert "FAULT" not in daemon.output()


def test_weights_of_tracked_interfaces_move_the_address_only_when_all_of_them_are_down(lan):
    """docs/field-cases.md: 2156."""
    one, two = office(lan, "one", "two")
    for name in ("up1", "up2"):
        lan.plug(one, name, "office")
    wait_ready(two.mainstayd(fast(priority=100)))
    wait_ready(one.mainstayd(fast(priority=150, more="track_interface {\n up1 weight -30\n up2 weight -30\n}")))
    wait_holds(one)
    wait_released(two)

    one.run(["ip", "link", "set", "up1", "down"])
    priority_on_the_wire(one, 120)
    assert stays(lambda: one.holds(VIP) and not two.holds(VIP), 1)
    one.run(["ip", "link", "set", "up2", "down"])
    wait_holds(two)
    wait_released(one)
    one.run(["ip", "link", "set", "up1", "up"])
    wait_holds(one)
