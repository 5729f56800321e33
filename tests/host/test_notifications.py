"""What reports transitions of instances and groups, and in which words: FIFOs, notify scripts, the scripts of the daemon itself.
Those of servers and services: test_lvs_notifications.py. Mails: test_mail.py."""

import re
import signal
import stat

import pytest
from support.paths import program
from support.vrrp import VIP, fast, instance, logged, office, partition, reload, wait_holds, wait_ready
from support.wait import stays, wait_until

TELL = '#!/bin/sh\necho "$0 $@" >>/run/told\n'


def told(host, file="/run/told"):
    """What /run/tell was called with."""
    lines = host.read(file).splitlines() if host.path(file).exists() else []
    return [line.removeprefix("/run/tell ") for line in lines]


def reader(host, fifo="/run/fifo", into="/run/lines"):
    """Whatever reads FIFOs all day."""
    return host.start(["sh", "-c", f"exec cat <{fifo} >>{into}"], name="reader")


def lines(host, file="/run/lines"):
    return host.path(file).read_bytes() if host.path(file).exists() else b""


def wait_lines(host, expected, file="/run/lines", timeout=15):
    wait_until(lambda: lines(host, file) == expected, timeout, lambda: f"{expected}, got {lines(host, file)}")


def test_a_fifo_gets_a_line_for_each_transition_of_instances_and_groups(lan):
    # effect: global_defs: notify_fifo vrrp_notify_fifo
    (one,) = office(lan, "one")
    text = """global_defs {
 notify_fifo /run/fifo
 vrrp_notify_fifo /run/vrrp.fifo nobody
}
vrrp_sync_group "The group" {
 group {
  VI_1
 }
}
"""
    daemon = wait_ready(one.mainstayd(text + fast(priority=120)))
    reader(one)
    reader(one, "/run/vrrp.fifo", "/run/vrrp.lines")
    wait_holds(one)
    one.run(["ip", "link", "set", "eth0", "down"])
    wait_until(lambda: b"FAULT 0" in lines(one), 10, "the fault")
    one.run(["ip", "link", "set", "eth0", "up"])
    expected = (b'INSTANCE "VI_1" BACKUP 120\n' b'GROUP "The group" BACKUP 0\n'
                b'INSTANCE "VI_1" MASTER 120\n' b'GROUP "The group" MASTER 0\n'
                b'INSTANCE "VI_1" FAULT 120\n' b'GROUP "The group" FAULT 0\n'
                b'INSTANCE "VI_1" BACKUP 120\n' b'GROUP "The group" BACKUP 0\n'
                b'INSTANCE "VI_1" MASTER 120\n' b'GROUP "The group" MASTER 0\n')
    wait_lines(one, expected)

    owner = one.path("/run/vrrp.fifo").stat()
    assert stat.S_ISFIFO(owner.st_mode) and stat.S_IMODE(owner.st_mode) == 0o600
    assert owner.st_uid == 65534
    assert daemon.stop() == 0
    assert lines(one) == expected + b'INSTANCE "VI_1" STOP 120\nGROUP "The group" STOP 0\n'
    assert lines(one, "/run/vrrp.lines") == lines(one)
    assert not one.path("/run/fifo").exists()


def test_a_fifo_that_was_there_is_used_and_left(lan):
    (one,) = office(lan, "one")
    one.run(["mkfifo", "/run/fifo"])
    daemon = wait_ready(one.mainstayd("global_defs {\n notify_fifo /run/fifo\n}\n" + fast()))
    reader(one)
    wait_lines(one, b'INSTANCE "VI_1" BACKUP 150\nINSTANCE "VI_1" MASTER 150\n')
    assert daemon.stop() == 0
    assert one.path("/run/fifo").exists()


@pytest.mark.parametrize("make,why", [
    (["touch", "/run/fifo"], "FIFO /run/fifo cannot be used: /run/fifo is not a FIFO"),
    (["sh", "-c", "mkfifo /run/fifo; chown 1000 /run/fifo"],
     "FIFO /run/fifo cannot be used: the FIFO /run/fifo belongs to neither root nor its user"),
])
def test_a_path_that_is_no_fifo_of_ours_is_refused(lan, make, why):
    (one,) = office(lan, "one")
    one.run(make)
    daemon = wait_ready(one.mainstayd("global_defs {\n notify_fifo /run/fifo\n}\n" + fast()))
    wait_holds(one)
    assert why in daemon.output()
    assert lines(one, "/run/fifo") == b"" if make[0] == "touch" else True


def test_a_fault_at_the_start_is_written_to_a_fifo(lan):
    """docs/field-cases.md: 1399."""
    (one,) = office(lan, "one")
    one.run(["mkfifo", "-m", "600", "/run/fifo"])
    reader(one)
    one.write("/run/file", "1\n")
    wait_ready(one.mainstayd("global_defs {\n notify_fifo /run/fifo\n}\ntrack_file f {\n file /run/file\n weight 0\n}\n"
                             + fast(priority=100, more="track_file {\n f\n}")))

    wait_until(lambda: b'INSTANCE "VI_1" FAULT 100' in lines(one), 10, lambda: lines(one))


def test_a_full_fifo_holds_up_nobody_and_gets_its_lines_when_it_is_read(lan):
    (one,) = office(lan, "one")
    one.run(["mkfifo", "/run/fifo"])
    # Somebody fills it: a pipe takes 64 KiB.
    filler = one.start(["sh", "-c", "exec 3<>/run/fifo; head -c 65536 /dev/zero >&3; sleep 1000"], name="filler")
    wait_until(lambda: one.run(["pgrep", "-x", "sleep"], check=False).returncode == 0, 10, "the FIFO to be full")
    daemon = wait_ready(one.mainstayd("global_defs {\n notify_fifo /run/fifo\n}\n" + fast()))
    wait_holds(one)
    logged(daemon, "FIFO /run/fifo is full because no process reads it: lines wait")
    assert filler.alive()

    reader(one)
    wait_until(lambda: lines(one).endswith(b'INSTANCE "VI_1" MASTER 150\n'), 10, "the line that waited")
    one.run(["ip", "link", "set", "eth0", "down"])
    wait_until(lambda: lines(one).endswith(b'INSTANCE "VI_1" FAULT 150\n'), 10, "the reader to write its last line")


def test_a_fifo_s_script_is_started_with_its_path_started_again_and_ended_at_the_stop(lan):
    # effect: global_defs: notify_fifo_script vrrp_notify_fifo_script lvs_notify_fifo_script lvs_notify_fifo
    (one,) = office(lan, "one")
    one.write("/run/reader", '#!/bin/sh\necho "$$ $@" >>/run/started\n'
              'while read -r line; do echo "$line" >>"/run/$1"; done <"$2"\nexec sleep 1000\n', 0o755)
    text = "global_defs {\n" + "".join(
        f' {name} /run/{name}\n {name}_script "/run/reader {name}.lines"\n'
        for name in ("notify_fifo", "vrrp_notify_fifo", "lvs_notify_fifo")) + "}\n"
    daemon = wait_ready(one.mainstayd(text + fast()))
    expected = b'INSTANCE "VI_1" BACKUP 150\nINSTANCE "VI_1" MASTER 150\n'
    wait_lines(one, expected, "/run/notify_fifo.lines")
    wait_lines(one, expected, "/run/vrrp_notify_fifo.lines")
    started = [line.split() for line in one.read("/run/started").splitlines()]
    assert sorted(words[1:] for words in started) == sorted(
        [f"{name}.lines", f"/run/{name}"] for name in ("notify_fifo", "vrrp_notify_fifo", "lvs_notify_fifo"))

    first = next(words[0] for words in started if words[1] == "notify_fifo.lines")
    one.run(["kill", "-9", first])
    logged(daemon, "the script that reads /run/notify_fifo ended (signal 9): restarting it")
    wait_until(lambda: len(one.read("/run/started").splitlines()) == 4, 15, "the script to be there again")

    assert daemon.stop() == 0
    stopped = expected + b'INSTANCE "VI_1" STOP 150\n'
    assert lines(one, "/run/notify_fifo.lines") == stopped
    assert lines(one, "/run/lvs_notify_fifo.lines") == b""
    wait_until(lambda: one.run(["pgrep", "-f", "/run/reader"], check=False).returncode != 0, 5, "the scripts to end")


def test_fifos_hear_of_priorities_and_after_a_reload_of_all_states(lan):
    # effect: vrrp_instance: notify_priority_changes
    # effect: vrrp_sync_group: notify_priority_changes
    # effect: global_defs: vrrp_notify_priority_changes fifo_write_vrrp_states_on_reload
    (one,) = office(lan, "one")
    one.write("/run/weight", "0\n")
    one.write("/run/tell", TELL, 0o755)
    def text(where):
        settings = {name: "notify_priority_changes" if name in where else "" for name in ("group", "instance")}
        switch = "vrrp_notify_priority_changes" if "global" in where else ""
        return f"""global_defs {{
 notify_fifo /run/fifo
 fifo_write_vrrp_states_on_reload
 {switch}
}}
track_file load {{
 file /run/weight
}}
vrrp_sync_group G {{
 group {{
  VI_1
 }}
 sync_group_tracking_weight
 {settings["group"]}
}}
""" + fast(priority=100, more=f'notify /run/tell\n{settings["instance"]}\ntrack_file {{\n load\n }}')
    daemon = wait_ready(one.mainstayd(text(("global",))))
    reader(one)
    start = (b'INSTANCE "VI_1" BACKUP 100\nGROUP "G" BACKUP 0\nINSTANCE "VI_1" MASTER 100\nGROUP "G" MASTER 0\n')
    wait_lines(one, start)
    one.write("/run/weight", "5\n")
    heard = start + b'INSTANCE "VI_1" MASTER_PRIORITY 105\n'
    wait_lines(one, heard)
    for number, where in enumerate((("group",), ("instance",), ())):
        one.write("/run/keepalived.conf", text(where))
        daemon.send(signal.SIGHUP)
        priority = 105 + number
        heard += b'INSTANCE "VI_1" MASTER %d\nGROUP "G" MASTER 0\n' % priority
        wait_lines(one, heard)
        one.write("/run/weight", f"{6 + number}\n")
        logged(daemon, f"Changing effective priority from {priority} to {priority + 1}")
        if where:
            heard += b'INSTANCE "VI_1" MASTER_PRIORITY %d\n' % (priority + 1)
        wait_lines(one, heard)
    assert "PRIORITY" not in one.read("/run/told")


def test_a_backup_reports_its_priority_too(lan):
    # effect: vrrp_instance: notify_priority_changes
    one, two = office(lan, "one", "two")
    wait_ready(two.mainstayd(fast(priority=200)))
    wait_holds(two)
    one.write("/run/weight", "0\n")
    wait_ready(one.mainstayd("global_defs {\n notify_fifo /run/fifo\n}\ntrack_file load {\n file /run/weight\n}\n"
                             + fast(priority=100, more="notify_priority_changes\ntrack_file {\n load\n }")))
    reader(one)
    one.write("/run/weight", "5\n")
    wait_lines(one, b'INSTANCE "VI_1" BACKUP 100\nINSTANCE "VI_1" BACKUP_PRIORITY 105\n')


def test_scripts_of_a_group_get_priority_0_and_run_as_its_members_do(lan):
    # effect: vrrp_sync_group: notify notify_master notify_backup notify_fault notify_stop
    (one,) = office(lan, "one")
    one.write("/run/tell", TELL, 0o755)
    notify = "\n".join([' notify "/run/tell any"'] + [f' notify_{state} "/run/tell {state}"'
                                                     for state in ("master", "backup", "fault", "stop")])
    daemon = wait_ready(one.mainstayd(f"vrrp_sync_group G {{\n group {{\n  VI_1\n  VI_2\n }}\n{notify}\n}}\n" + fast()
                                      + fast("VI_2", 52, "192.168.4.201")))
    wait_holds(one)
    wait_until(lambda: "MASTER" in one.read("/run/told"), 10, "the group to be master")
    one.run(["ip", "link", "set", "eth0", "down"])
    wait_until(lambda: "FAULT" in one.read("/run/told"), 10, "the fault")
    assert daemon.stop() == 0
    assert told(one) == ["backup", "any GROUP G BACKUP 0", "master", "any GROUP G MASTER 0",
                         "fault", "any GROUP G FAULT 0", "stop", "any GROUP G STOP 0"]


def test_every_kind_of_notify_script_of_an_instance(lan):
    """docs/field-cases.md: 101 and 1055."""
    # effect: vrrp_instance: notify notify_master notify_backup notify_fault notify_stop notify_deleted
    (one,) = office(lan, "one")
    one.write("/run/tell", TELL, 0o755)
    one.write("/run/tell2", TELL.replace("/run/told", "/run/told2"), 0o755)
    notify = "\n".join(['notify "/run/tell any"'] + [f'notify_{state} "/run/tell {state}"'
                                                    for state in ("master", "backup", "fault", "stop", "deleted")])
    first, second = fast(more=notify), fast("VI_2", 52, "192.168.4.201", 200, more='notify /run/tell2\nnotify_fault "/run/tell2 fault"')
    other = fast("VI_3", 53, "192.168.4.202")
    daemon = wait_ready(one.mainstayd(first + second + other))
    wait_holds(one)
    one.run(["ip", "link", "set", "eth0", "down"])
    wait_until(lambda: "fault" in told(one), 10, "the fault to be told")
    one.run(["ip", "link", "set", "eth0", "up"])
    wait_holds(one)
    wait_until(lambda: told(one).count("any INSTANCE VI_1 MASTER 150") == 2, 10, lambda: str(told(one)))

    reload(one, daemon, other)
    wait_until(lambda: "any INSTANCE VI_1 DELETED 150" in told(one), 10, "the deletion to be told")
    # keepalived: without notify_deleted a removed instance is reported as FAULT.
    wait_until(lambda: told(one, "/run/told2")[-1] == "/run/tell2 INSTANCE VI_2 FAULT 200", 10, lambda: str(told(one, "/run/told2")))
    assert told(one, "/run/told2").count("/run/tell2 fault") == 1  # of the link alone
    assert not one.holds(VIP)

    reload(one, daemon, first + other)
    wait_holds(one)
    assert daemon.stop() == 0
    up = ["backup", "any INSTANCE VI_1 BACKUP 150", "master", "any INSTANCE VI_1 MASTER 150"]
    assert told(one) == [*up, "fault", "any INSTANCE VI_1 FAULT 150", *up, "deleted", "any INSTANCE VI_1 DELETED 150",
                         *up, "stop", "any INSTANCE VI_1 STOP 150"]


def test_an_instance_that_begins_as_master_is_notified_once(lan):
    """docs/field-cases.md: 157."""
    (one,) = office(lan, "one")
    one.write("/run/tell", TELL, 0o755)
    wait_ready(one.mainstayd(instance("MASTER", 200, more='notify /run/tell')))
    wait_holds(one)

    wait_until(lambda: any("MASTER" in line for line in told(one)), 10, "the script")
    assert stays(lambda: told(one).count("INSTANCE VI_1 MASTER 200") == 1, 2)


def test_an_address_that_is_tentative_at_the_start_is_no_fault_to_report(lan):
    """As when the host boots: the link has just come up, and duplicate address detection goes on."""
    (one,) = office(lan, "one")
    one.write("/run/tell", TELL, 0o755)
    one.run(["sysctl", "-qw", "net.ipv6.conf.eth0.dad_transmits=3"])
    for state in ("down", "up"):
        one.run(["ip", "link", "set", "eth0", state])

    wait_ready(one.mainstayd(fast(vip="fe80::1:1/64", more='notify /run/tell')))

    wait_until(lambda: len(told(one)) >= 2, 30, lambda: str(told(one)))
    assert told(one) == ["INSTANCE VI_1 BACKUP 150", "INSTANCE VI_1 MASTER 150"]


@pytest.mark.parametrize("grouped", [False, True])
def test_the_notify_scripts_of_a_backup_run_at_the_start_whether_it_is_in_a_group_or_not(lan, grouped):
    """docs/field-cases.md: 1155."""
    one, two = office(lan, "one", "two")
    two.write("/run/tell", TELL, 0o755)
    wait_ready(one.mainstayd(fast(priority=150)))
    wait_holds(one)
    group = 'vrrp_sync_group G {\n group {\n  VI_1\n }\n notify_backup "/run/tell group"\n}\n' if grouped else ""

    wait_ready(two.mainstayd(group + fast(priority=100, more='notify_backup "/run/tell instance"\nnotify_master "/run/tell M"')))

    wanted = ["instance"] + (["group"] if grouped else [])
    wait_until(lambda: sorted(told(two)) == sorted(wanted), 10, lambda: str(told(two)))
    assert stays(lambda: sorted(told(two)) == sorted(wanted), 1)


def test_a_script_that_fails_at_the_start_is_reported_as_one_fault(lan):
    """docs/field-cases.md: 782."""
    (one,) = office(lan, "one")
    one.write("/run/tell", TELL, 0o755)
    one.write("/run/check", "#!/bin/sh\n[ -e /run/good ]\n", 0o755)
    notify = 'notify_fault "/run/tell fault"\nnotify_backup "/run/tell backup"\nnotify_master "/run/tell master"\n'
    script = 'vrrp_script chk {\n script "/run/check"\n interval 1\n}\n'
    track = "track_script {\n chk\n}\n"
    daemon = wait_ready(one.mainstayd(script + fast("VI_1", 1, more=track + notify)
                                      + fast("VI_2", 2, "192.168.4.201", more=track + notify.replace("/run/tell ", "/run/tell 2"))))
    wait_until(lambda: len(told(one)) >= 2, 15, daemon.output)

    assert stays(lambda: sorted(told(one)) == ["2fault", "fault"], 3)

    one.write("/run/good", "")
    wait_holds(one)
    wait_holds(one, "192.168.4.201")
    wanted = ["2backup", "2fault", "2master", "backup", "fault", "master"]
    wait_until(lambda: sorted(told(one)) == wanted, 10, lambda: str(told(one)))


def test_a_stop_script_of_a_group_runs_at_each_stop_even_while_a_slow_one_before_it_runs(lan):
    """docs/field-cases.md: 2239."""
    (one,) = office(lan, "one")
    one.write("/run/tell", TELL, 0o755)
    one.write("/run/slow", "#!/bin/sh\nexec sleep 600\n", 0o755)
    group = 'vrrp_sync_group G {\n group {\n  VI_1\n  VI_2\n }\n notify_stop "/run/tell stop"\n%s}\n'
    pair = fast() + fast("VI_2", 52, "192.168.4.201")
    for turn, more in enumerate(("", ' notify_master "/run/slow"\n', ""), 1):
        daemon = wait_ready(one.mainstayd(group % more + pair))
        wait_holds(one)

        assert daemon.stop() == 0

        assert told(one) == ["stop"] * turn
        assert ("script group/G/master did not end in time at the stop: killed" in daemon.output()) == bool(more)


def test_a_master_that_hears_a_lower_priority_runs_its_script_and_writes_to_the_fifo(lan):
    # effect: vrrp_instance: notify_master_rx_lower_pri
    one, two = office(lan, "one", "two")
    one.write("/run/tell", TELL, 0o755)
    wait_ready(one.mainstayd("global_defs {\n notify_fifo /run/fifo\n}\n"
                             + fast(more='notify "/run/tell any"\nnotify_master_rx_lower_pri "/run/tell lower"')))
    reader(one)
    wait_holds(one)
    partition(lan, two)
    wait_ready(two.mainstayd(fast(priority=100)))
    wait_holds(two)
    partition(lan, two, cut=False)
    wait_until(lambda: b'INSTANCE "VI_1" MASTER_RX_LOWER_PRI 150\n' in lines(one), 10, "the line")
    wait_until(lambda: "/run/tell lower\n" in one.read("/run/told"), 10, "the script")
    assert "RX_LOWER" not in one.read("/run/told")
    assert one.holds(VIP)


def test_startup_script_runs_before_all_others_and_shutdown_script_after_them(lan):
    # effect: global_defs: startup_script shutdown_script
    (one,) = office(lan, "one")
    one.write("/run/mark", '#!/bin/sh\necho "$1 $(pgrep -c mainstayd-vrrp)" >>/run/marks\n', 0o755)
    text = ('global_defs {\n startup_script "/run/mark startup"\n shutdown_script "/run/mark shutdown"\n}\n'
            + fast(more='notify_stop "/run/mark stop"'))
    daemon = wait_ready(one.mainstayd(text))
    wait_holds(one)
    assert daemon.stop() == 0
    marks = one.read("/run/marks").splitlines()
    assert marks[0] == "startup 0"
    assert marks[1].startswith("stop ")
    assert marks[2] == "shutdown 0"


def test_a_startup_or_shutdown_script_that_hangs_is_ended_after_its_timeout(lan):
    # effect: global_defs: startup_script_timeout shutdown_script_timeout
    (one,) = office(lan, "one")
    one.write("/run/hang", "#!/bin/sh\nexec sleep 1000\n", 0o755)
    text = ("global_defs {\n startup_script /run/hang\n startup_script_timeout 1\n shutdown_script /run/hang\n"
            " shutdown_script_timeout 1\n}\n" + fast())
    daemon = wait_ready(one.mainstayd(text))
    assert "startup_script timed out and was killed" in daemon.output()
    wait_holds(one)
    assert daemon.stop(timeout=20) == 0
    assert "shutdown_script timed out and was killed" in daemon.output()


def test_fifos_and_their_readers_go_on_over_an_upgrade(lan):
    (one,) = office(lan, "one")
    one.write("/run/reader", '#!/bin/sh\necho $$ >>/run/started\nexec cat <"$1" >>/run/lines\n', 0o755)
    one.write("/run/weight", "0\n")
    text = ("global_defs {\n notify_fifo /run/fifo\n notify_fifo_script /run/reader\n vrrp_notify_priority_changes\n}\n"
            "track_file load {\n file /run/weight\n init_file 0\n}\n")
    daemon = wait_ready(one.mainstayd(text + fast(priority=100, more="track_file {\n load\n }")))
    wait_holds(one)
    heard = b'INSTANCE "VI_1" BACKUP 100\nINSTANCE "VI_1" MASTER 100\n'
    wait_lines(one, heard)
    one.run([program("mainstayctl"), "upgrade"], timeout=60)
    one.write("/run/weight", "3\n")
    wait_lines(one, heard + b'INSTANCE "VI_1" MASTER_PRIORITY 103\n')
    assert len(one.read("/run/started").splitlines()) == 1
    assert daemon.stop() == 0
    assert not one.path("/run/fifo").exists()
