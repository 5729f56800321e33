"""What users of keepalived reported of scripts, tracked things and checks: docs/field-cases.md has the numbers."""

import json
import re

import pytest

from support.paths import program
from support.vrrp import (VIP, fast, instance, logged, office, priority_on_the_wire, reload, wait_holds, wait_ready,
                          wait_released)
from support.wait import stays, wait_until

TELL = '#!/bin/sh\necho "$*" >>/run/told\n'


def told(host):
    return host.read("/run/told").splitlines() if host.path("/run/told").exists() else []


def test_a_script_that_fails_at_the_start_is_reported_as_one_fault(lan):
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


def test_a_fault_at_the_start_is_written_to_a_fifo(lan):
    (one,) = office(lan, "one")
    one.run(["mkfifo", "-m", "600", "/run/fifo"])
    reader = one.start(["sh", "-c", "exec cat /run/fifo"], name="reader")
    one.write("/run/file", "1\n")
    wait_ready(one.mainstayd("global_defs {\n notify_fifo /run/fifo\n}\ntrack_file f {\n file /run/file\n weight 0\n}\n"
                             + fast(priority=100, more="track_file {\n f\n}")))

    wait_until(lambda: 'INSTANCE "VI_1" FAULT 100' in reader.output(), 10, reader.output)


def test_an_instance_that_begins_as_master_is_notified_once(lan):
    (one,) = office(lan, "one")
    one.write("/run/tell", TELL, 0o755)
    wait_ready(one.mainstayd(instance("MASTER", 200, more='notify /run/tell')))
    wait_holds(one)

    wait_until(lambda: any("MASTER" in line for line in told(one)), 10, "the script")
    assert stays(lambda: told(one).count("INSTANCE VI_1 MASTER 200") == 1, 2)


@pytest.mark.parametrize("grouped", [False, True])
def test_the_notify_scripts_of_a_backup_run_at_the_start_whether_it_is_in_a_group_or_not(lan, grouped):
    one, two = office(lan, "one", "two")
    two.write("/run/tell", TELL, 0o755)
    wait_ready(one.mainstayd(fast(priority=150)))
    wait_holds(one)
    group = 'vrrp_sync_group G {\n group {\n  VI_1\n }\n notify_backup "/run/tell group"\n}\n' if grouped else ""

    wait_ready(two.mainstayd(group + fast(priority=100, more='notify_backup "/run/tell instance"\nnotify_master "/run/tell M"')))

    wanted = ["instance"] + (["group"] if grouped else [])
    wait_until(lambda: sorted(told(two)) == sorted(wanted), 10, lambda: str(told(two)))
    assert stays(lambda: sorted(told(two)) == sorted(wanted), 1)


@pytest.mark.nightly
def test_processes_that_are_restarted_over_and_over_are_tracked_on(lan):
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


def test_a_master_whose_file_takes_its_priority_below_its_equal_gives_up_the_address(lan):
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


def test_a_tracker_that_a_reload_adds_to_a_master_costs_it_nothing(lan):
    one, two = office(lan, "one", "two")
    one.write("/run/slow", "#!/bin/sh\nsleep 1\nexit 0\n", 0o755)
    script = 'vrrp_script slow {\n script "/run/slow"\n interval 2\n}\n'
    daemon = wait_ready(one.mainstayd(fast(priority=150)))
    wait_holds(one)
    backup = wait_ready(two.mainstayd(fast(priority=100)))

    said = reload(one, daemon, script + fast(priority=150, more="track_script {\n slow\n}"))

    assert "STATE" not in said
    assert stays(lambda: one.holds(VIP) and not two.holds(VIP), 3)
    assert "Entering MASTER STATE" not in backup.output()


def service(*servers, protocol="TCP", options=""):
    return (f"virtual_server 10.0.0.1 80 {{\ndelay_loop 1\nlb_algo wrr\nlb_kind NAT\nprotocol {protocol}\n{options}\n"
            + "".join(servers) + "}\n")


def real_server(number, check, port=80):
    return f"real_server 192.168.4.{number} {port} {{\nweight 1\n{check}\n}}\n"


def alive(host):
    """Whether each real server is alive, by the last byte of its address."""
    done = host.run([program("mainstayctl"), "status", "--json"], check=False)
    if done.returncode != 0:
        return {}
    return {int(re.search(r"\.(\d+)\]", s["name"])[1]): s["alive"] for service in json.loads(done.stdout)["lvs"]["services"]
            for s in service["servers"]}


def test_a_server_whose_file_says_down_at_the_start_or_at_a_reload_is_out_at_once(lan):
    (one,) = office(lan, "one")
    one.write("/run/bad", "1\n")
    one.write("/run/good", "0\n")
    files = "".join(f"track_file {name} {{\n file /run/{name}\n weight 0\n}}\n" for name in ("bad", "good"))

    def text(*numbers):
        return files + service(*(real_server(n, f"FILE_CHECK {{\n track_file {'bad' if n % 2 else 'good'}\n}}") for n in numbers))
    daemon = wait_ready(one.mainstayd(text(21, 22), "-C"))
    wait_until(lambda: alive(one) == {21: False, 22: True}, 10, lambda: str(alive(one)))

    reload(one, daemon, text(21, 22, 23, 24))
    wait_until(lambda: alive(one) == {21: False, 22: True, 23: False, 24: True}, 10, lambda: str(alive(one)))

    one.write("/run/bad", "0\n")
    wait_until(lambda: alive(one) == {21: True, 22: True, 23: True, 24: True}, 10, lambda: str(alive(one)))


def test_a_udp_service_may_be_checked_by_http_at_another_port(lan):
    (one,) = office(lan, "one")
    one.write("/run/web/index.html", "hello\n")
    one.start(["python3", "-m", "http.server", "10000", "--directory", "/run/web"], name="web")
    check = ("HTTP_GET {{\n url {{\n path {}\n status_code 200\n }}\n connect_timeout 2\n retry 0\n connect_port 10000\n"
             " warmup 0\n}}")
    daemon = wait_ready(one.mainstayd(service(
        real_server(11, check.format("/"), 9999), protocol="UDP", options="ops"), "-C"))
    logged(daemon, "succeed on service", 15)
    wait_until(lambda: alive(one) == {11: True}, 15, daemon.output)

    one.path("/run/web/index.html").unlink()
    one.run(["rmdir", "/run/web"])
    wait_until(lambda: alive(one) == {11: False}, 15, daemon.output)


def test_a_stop_script_of_a_group_runs_at_each_stop_even_while_a_slow_one_before_it_runs(lan):
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
        assert ("script group/G/master did not end within 1 s of the stop: killed" in daemon.output()) == bool(more)


def test_a_command_and_a_script_run_even_when_the_first_line_names_no_interpreter(lan):
    (one,) = office(lan, "one")
    one.write("/run/a.sh", "#/bin/sh\necho told >>/run/told\n", 0o755)
    wait_ready(one.mainstayd(fast(more='notify_backup /run/a.sh\nnotify_master "/bin/sh /run/a.sh"')))

    wait_until(lambda: told(one) == ["told", "told"], 10, lambda: str(told(one)))


def test_a_node_whose_script_failed_at_the_start_respects_the_master_with_nopreempt(lan):
    one, two = office(lan, "one", "two")
    one.write("/run/check", "#!/bin/sh\n[ -e /run/good ]\n", 0o755)
    script = 'vrrp_script chk {\n script "/run/check"\n interval 1\n}\n'
    peers = "unicast_src_ip 192.168.4.%d\nunicast_peer {\n 192.168.4.%d\n}\n"
    wait_ready(two.mainstayd(fast(priority=100, more=peers % (12, 11))))
    wait_holds(two)
    daemon = wait_ready(one.mainstayd(script + fast(priority=150, more="nopreempt\ntrack_script {\n chk\n}\n" + peers % (11, 12))))
    logged(daemon, "(VI_1) Entering FAULT STATE")

    one.write("/run/good", "")
    logged(daemon, "(VI_1) Entering BACKUP STATE")

    assert stays(lambda: two.holds(VIP) and not one.holds(VIP), 3)


def test_weights_of_tracked_interfaces_move_the_address_only_when_all_of_them_are_down(lan):
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
