"""A reload itself, by SIGHUP, by `mainstayctl reload` and at a time that a file names: what is unchanged goes on, what changed
is reported, and a file that cannot run, or a broken one, takes nothing away. A number is that of a report from the field
(docs/field-cases.md). What a reload changes: test_reload_addresses, test_reload_routes, test_vmac_reload."""

import datetime
import os
import re
import shutil
import signal

import pytest

from support.capture import Capture
from support.paths import program
from support.snmp import KEEPALIVED, SOCKET, Master
from support.vrrp import VIP, fast, logged, office, reload, role_pid, role_pids, started, wait_holds, wait_ready, wait_released
from support.wait import wait_until

RELOADS = int(os.environ.get("MAINSTAY_RELOADS", "3000"))  # ten thousand take less than a minute
OTHER = "192.168.4.201"
SECOND = fast("VI_2", 60, OTHER)
CLASH = fast(vip="192.168.4.222") + fast("VI_2", vip="192.168.4.223")  # one VRID twice on one interface: it cannot run


# ---- SIGHUP ----

def test_a_reload_of_the_same_file_changes_nothing(lan):
    """Report 1425."""
    one, two = office(lan, "one", "two")
    text = fast(more="garp_master_delay 0\n")
    daemon, backup = wait_ready(one.mainstayd(text)), wait_ready(two.mainstayd(fast(priority=100)))
    wait_holds(one)

    with Capture(two, what="arp or vrrp") as capture:
        capture.wait_for(1, which=lambda p: "VRRPv3" in p)
        said = reload(one, daemon, text)
        capture.wait_for(20, which=lambda p: "VRRPv3" in p)
        packets = capture.packets()

    assert "Reload complete" in said
    assert "STATE" not in said
    assert {(p["IP"].src, p["VRRPv3"].priority) for p in packets if "VRRPv3" in p} == {("192.168.4.11", 150)}
    assert not [p for p in packets if "ARP" in p and p["ARP"].psrc == VIP], "the address was announced again"
    assert one.holds(VIP) and not two.holds(VIP)
    assert "Entering MASTER STATE" not in backup.output()


def test_a_large_configuration_is_reloaded_and_no_process_ends_of_it(lan):
    """Report 2318."""
    (one,) = office(lan, "one")

    def services(count, weight):
        return "".join(f"virtual_server 10.{i // 250}.{i % 250}.1 80 {{\n lb_algo rr\n lb_kind NAT\n protocol TCP\n"
                       f" real_server 10.200.0.1 80 {{\n weight {weight}\n }}\n"
                       f" real_server 10.200.0.2 80 {{\n weight 1\n }}\n}}\n" for i in range(count))
    daemon = wait_ready(one.mainstayd(fast() + services(4000, 1)), 60)
    wait_holds(one)
    before = role_pids(one)

    for weight in (2, 3):
        said = reload(one, daemon, fast() + services(4000, weight))
        assert "Reload complete" in said
        assert "STATE" not in said

    assert set(before) <= set(role_pids(one))
    assert one.holds(VIP)


def test_a_reload_reads_what_links_lead_to_by_then(lan):
    # A folder is replaced as a whole by another link, as Kubernetes does it with the files of a ConfigMap.
    (one,) = office(lan, "one")
    for version, vip in (("1", VIP), ("2", OTHER)):
        one.run(["mkdir", "-p", f"/run/{version}/parts"])
        one.write(f"/run/{version}/parts/pair.conf", fast(vip=vip, more='notify_backup "/run/conf/tell"'))
        one.write(f"/run/{version}/tell", f"#!/bin/sh\necho {version} >>/run/told\n", 0o755)
    one.run(["ln", "-s", "1", "/run/conf"])
    text = "include /run/conf/parts/*.conf\n"
    daemon = wait_ready(one.mainstayd(text))
    wait_holds(one)

    one.run(["ln", "-s", "2", "/run/new"])
    one.run(["mv", "-T", "/run/new", "/run/conf"])
    one.run(["rm", "-r", "/run/1"])
    one.run(["ip", "link", "set", "eth0", "down"])
    wait_released(one)
    one.run(["ip", "link", "set", "eth0", "up"])
    wait_holds(one)  # still the running configuration, with the script of now
    assert wait_until(lambda: one.read("/run/told").split() == ["1", "2"], 10, "the second script")
    reload(one, daemon, text)

    wait_holds(one, OTHER)
    wait_released(one)


@pytest.mark.skipif(shutil.which("snmpd") is None or shutil.which("snmptrapd") is None,
                    reason="there is no snmpd or snmptrapd here")
def test_snmp_that_a_reload_switches_on_is_answered_and_costs_no_master_its_address(lan):
    """Report 2086."""
    one, two = office(lan, "one", "two")
    master = Master(one)
    words = f"global_defs {{\n snmp_socket {SOCKET}\n}}\n"
    daemon = wait_ready(one.mainstayd(words + fast()))
    wait_holds(one)
    backup = wait_ready(two.mainstayd(fast(priority=100)))
    before = role_pid(one, "mainstayd-vrrp")

    reload(one, daemon, words.replace("snmp_socket", "enable_snmp_vrrp\n snmp_socket") + fast())

    master.wait_for(f"{KEEPALIVED}.2.3.1.4.1", "2")
    assert role_pid(one, "mainstayd-vrrp") == before
    assert one.holds(VIP)
    assert "Entering MASTER STATE" not in backup.output()


def test_signals_that_come_during_a_reload_become_one_more(lan):
    one, daemon = started(lan, fast())
    queued = "Reload already in progress, request queued"

    vrrp = role_pid(one, "mainstayd-vrrp")
    one.run(["kill", "-STOP", str(vrrp)])  # the reload waits for it
    daemon.send(signal.SIGHUP)
    logged(daemon, "Reloading ...")
    for _ in range(19):
        daemon.send(signal.SIGHUP)
    logged(daemon, queued)
    one.run(["kill", "-CONT", str(vrrp)])
    wait_until(lambda: daemon.output().count("Reload complete") == 2, 10, daemon.output)
    # The next one finds none in progress, and is the third.
    before = daemon.output().count(queued)
    assert "Reload complete" in reload(one, daemon, fast())
    assert (daemon.output().count("Reloading ..."), daemon.output().count(queued)) == (3, before)
    assert one.holds(VIP)


def test_with_strict_a_warning_refuses_a_reload_and_a_start(lan):
    (one,) = office(lan, "one")
    warned = fast() + "global_defs {\n    router_id LVS_1 enable_traps 5\n}\n"
    refused = one.mainstayd(warned, "--strict")
    assert refused.wait(20) == 2
    assert "--strict allows no warnings" in refused.output()

    daemon = wait_ready(one.mainstayd(fast(), "--strict"))
    wait_holds(one)
    said = reload(one, daemon, warned)

    assert "stays in use" in said
    assert "--strict allows no warnings" in said
    assert one.holds(VIP)

    before = daemon.output().count("--strict allows no warnings")
    one.write("/run/keepalived.conf", fast(), 0o666)
    daemon.send(signal.SIGHUP)
    logged(daemon, "everybody can change /run/keepalived.conf (mode 0666)")
    wait_until(lambda: daemon.output().count("--strict allows no warnings") > before, 10, daemon.output)


def test_a_file_that_is_gone_is_refused(lan):
    one, daemon = started(lan, fast())

    one.path("/run/keepalived.conf").unlink()
    daemon.send(signal.SIGHUP)

    logged(daemon, "stays in use")
    assert one.holds(VIP)


def test_the_daemon_logs_its_beginning_its_file_and_its_end(lan):
    one, daemon = started(lan, fast())
    reload(one, daemon, fast())
    assert daemon.stop() == 0

    told = [line.split(": ", 1)[1] for line in daemon.output().splitlines() if ": " in line]
    order = [next(i for i, line in enumerate(told) if line.startswith(text)) for text in
             ("Starting mainstay v", "Configuration file /run/keepalived.conf", "Starting VRRP child process, pid=",
              "Startup complete", "Reloading ...", "Reload complete", "Stopping", "Stopped mainstay v")]
    assert order == sorted(order)
    assert one.addresses("eth0") >= {"192.168.4.11/24"}


# ---- mainstayctl reload: it waits for the end ----

def by_command(host, *options):
    return host.run([program("mainstayctl"), "reload", *options], check=False)


def unclosed(text):
    """Without the brace that ends it."""
    return text.rstrip()[:-1]


def test_a_file_that_cannot_run_is_refused_whole_with_the_reason(lan):
    one, daemon = started(lan, fast())

    said = reload(one, daemon, CLASH)
    answer = by_command(one)

    assert "stays in use" in said
    assert "51" in said
    assert answer.returncode == 2
    assert "the reload of /run/keepalived.conf was refused; the running configuration stays in use" in answer.stdout
    assert "reload refused, the running configuration stays in use" in answer.stderr
    wait_until(lambda: daemon.output().count("stays in use") == 2, 10, daemon.output)  # the command's answer may come before
    assert "Reload complete" in reload(one, daemon, fast())
    assert one.holds(VIP) and not one.holds("192.168.4.222")
    assert "STATE" not in daemon.output().partition("Entering MASTER STATE")[2]


def test_what_changed_is_reported_when_it_is_done(lan):
    one, daemon = started(lan, fast())
    one.write("/run/keepalived.conf", fast(priority=140) + SECOND)

    answer = by_command(one)

    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.startswith("read: /run/keepalived.conf\n")
    assert re.search(r"^         priority 150 -> 140 \(/run/keepalived\.conf:\d+\)$", answer.stdout, re.M)
    assert "add    instance VI_2\n" in answer.stdout
    logged(daemon, "Reload complete")
    wait_holds(one, OTHER)


@pytest.mark.parametrize("callers", (4, pytest.param(1, marks=pytest.mark.nightly)))
def test_reloads_as_fast_as_they_are_answered_kill_nobody_and_cost_no_address(lan, callers):
    one, two = office(lan, "one", "two")
    master, other = (fast(priority=priority).replace("advert_int 0.1", "advert_int 1") for priority in (150, 100))
    daemon = wait_ready(one.mainstayd(master))
    wait_holds(one)
    backup = wait_ready(two.mainstayd(other))
    before, said = role_pids(one), len(daemon.output())

    loop = f"for i in $(seq {RELOADS // callers}); do {program('mainstayctl')} reload >&2 || exit 1; done"
    loops = [one.start(["sh", "-c", loop], name="reloads") for _ in range(callers)]
    assert [loop.wait(1200) for loop in loops] == [0] * callers

    assert role_pids(one) == before
    wait_until(lambda: daemon.output().count("Reload complete") >= RELOADS // callers, 10, daemon.output)
    assert "STATE" not in daemon.output()[said:]
    assert "Entering MASTER STATE" not in backup.output()


def test_the_log_says_what_a_reload_changed_and_how_much_more(lan):
    one, daemon = started(lan, fast())
    reload(one, daemon, fast(priority=140) + SECOND)
    logged(daemon, "Reload: change instance VI_1: ")
    logged(daemon, "Reload: add instance VI_2")
    assert "; priority 150 -> 140" in daemon.output()
    assert daemon.output().index("Reload complete") < daemon.output().index("Reload: ")

    assert by_command(one).returncode == 0
    logged(daemon, "Reload: nothing changed")

    many = "".join(f"virtual_server 192.168.4.200 {port} {{\n protocol TCP\n real_server 192.168.4.9 80 {{\n }}\n}}\n"
                   for port in range(1001, 1031))
    one.write("/run/keepalived.conf", fast(priority=140) + SECOND + many)
    assert by_command(one).returncode == 0
    logged(daemon, "Reload: 40 more changes (at most 20 are logged)")
    assert daemon.output().count("Reload: add service TCP 192.168.4.200:1001") == 1
    assert daemon.output().count("Reload: add se") == 20  # services and servers

    before = daemon.output().count("Reload: ")
    one.write("/run/keepalived.conf", fast(priority=140) + fast("VI_2", vip="192.168.4.223"))
    daemon.send(signal.SIGHUP)
    logged(daemon, "/run/keepalived.conf is refused: the running configuration stays in use")
    assert daemon.output().count("Reload: ") == before


def test_what_runs_is_not_lost_by_a_missing_brace_unless_it_is_forced(lan):
    one, daemon = started(lan, fast() + SECOND)
    wait_holds(one, OTHER)
    one.write("/run/keepalived.conf", unclosed(fast(priority=140)) + SECOND)

    answer = by_command(one)

    assert answer.returncode == 2
    assert "lost   instance VI_1\n" in answer.stdout  # VI_2 goes on by its name
    assert "mainstayctl reload --force" in answer.stdout
    logged(daemon, "would be removed: instance VI_1")
    assert one.holds(VIP) and one.holds(OTHER)
    assert "Entering BACKUP STATE" not in daemon.output().rpartition("Entering MASTER STATE")[2]

    forced = by_command(one, "--force")

    assert forced.returncode == 0
    assert "remove instance VI_1\n" in forced.stdout
    wait_holds(one, OTHER)  # of VI_1, in which its lines count
    assert one.holds(VIP)


def test_a_start_runs_what_a_missing_brace_leaves_and_names_what_it_loses(lan):
    one, daemon = started(lan, unclosed(fast()) + SECOND)

    assert "lost with it: vrrp_instance VI_2" in daemon.output()
    wait_holds(one, OTHER)  # as keepalived: the lines of VI_2 count in VI_1


def test_what_its_operator_deletes_is_no_loss_even_in_a_broken_file(lan):
    one, _ = started(lan, fast() + SECOND)
    wait_holds(one, OTHER)
    one.write("/run/keepalived.conf", fast() + "}\n")

    assert by_command(one).returncode == 0
    wait_released(one, OTHER)


# ---- what global_defs says of reloads: when, after which check, and what others see of it ----

def settings(*lines):
    return "global_defs {\n " + "\n ".join(lines) + "\n}\n"


def test_a_configuration_with_anything_wrong_is_refused_when_it_is_checked_first(lan):
    # effect: global_defs: reload_check_config
    checked = settings("reload_check_config /run/check.log")
    one, daemon = started(lan, checked + fast())

    one.write("/run/keepalived.conf", checked + "nonsense yes\n" + fast(vip=OTHER))
    daemon.send(signal.SIGHUP)
    logged(daemon, "New config failed validation, see /run/check.log for details")
    assert "nonsense" in one.read("/run/check.log")
    assert one.holds(VIP) and "Reload complete" not in daemon.output()

    reload(one, daemon, checked + fast(vip=OTHER))
    wait_holds(one, OTHER)
    wait_released(one, VIP)
    assert "nonsense" in one.read("/run/check.log")
    one.run(["rm", "/run/check.log"])
    reload(one, daemon, checked + fast())
    wait_holds(one, VIP)
    wait_until(lambda: not one.path("/run/check.log").exists(), 10, "the log without a line to be removed")

    # Without it a warning stops nothing.
    reload(one, daemon, settings("router_id one") + fast(vip=OTHER))
    wait_holds(one, OTHER)
    reload(one, daemon, settings("router_id one") + "nonsense yes\n" + fast())
    wait_holds(one, VIP)


@pytest.mark.nightly
def test_it_reloads_at_the_time_that_stands_in_a_file_once_and_removes_it(lan):
    # effect: global_defs: reload_time_file
    timed = settings("reload_time_file /run/when")
    one, daemon = started(lan, timed + fast())
    one.write("/run/keepalived.conf", timed + fast(vip=OTHER))

    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=4)
    one.write("/run/when", soon.strftime("%Y-%m-%d %H:%M:%SZ\n"))
    logged(daemon, "Reload scheduled in")
    assert one.holds(VIP)

    wait_holds(one, OTHER)
    wait_until(lambda: not one.path("/run/when").exists(), 10, "the file to be removed")
    assert "Reloading ..." not in daemon.output().partition("Reload scheduled in")[0]
    assert daemon.output().count("Reloading ...") == 1


@pytest.mark.nightly
def test_a_daily_time_stays_in_its_file_and_a_bad_one_is_reported(lan):
    # effect: global_defs: reload_repeat
    timed = settings("reload_time_file /run/when", "reload_repeat")
    one, daemon = started(lan, timed + fast())
    one.write("/run/keepalived.conf", timed + fast(vip=OTHER))
    one.write("/run/when", "half past nine\n")
    logged(daemon, "'half past nine' is not a time")

    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=4)
    one.write("/run/when", soon.strftime("%H:%M:%SZ\n"))

    wait_holds(one, OTHER)
    assert one.path("/run/when").exists()
    # It counts again tomorrow.
    wait_until(lambda: daemon.output().count("Reload scheduled in") == 2, 10, "the next time")
    assert "Reload scheduled in 863" in daemon.output()


def test_a_file_shows_that_the_configuration_is_being_read(lan):
    # effect: global_defs: reload_file
    watch = ("import ctypes,os,struct\nlibc=ctypes.CDLL(None)\nfd=libc.inotify_init()\n"
             "libc.inotify_add_watch(fd,b'/run/mark',0x100|0x200)\nprint('watching',flush=True)\n"
             "while True:\n data=os.read(fd,4096)\n at=0\n while at<len(data):\n"
             "  _,mask,_,n=struct.unpack_from('iIII',data,at)\n"
             "  print('made' if mask&0x100 else 'gone',data[at+16:at+16+n].rstrip(b'\\0').decode(),flush=True)\n"
             "  at+=16+n\n")
    one, daemon = started(lan, settings("reload_file /run/mark/reading") + fast())
    one.run(["mkdir", "/run/mark"])
    watcher = one.start(["/usr/bin/python3", "-u", "-c", watch])
    wait_until(lambda: "watching" in watcher.output(), 10, "the watcher")

    daemon.send(signal.SIGHUP)

    logged(daemon, "Reload complete")
    wait_until(lambda: "gone reading" in watcher.output(), 10, watcher.output)
    assert watcher.output().splitlines()[1:] == ["made reading", "gone reading"]


def test_copies_of_what_was_read_are_kept(lan):
    # effect: global_defs: config_save_dir tmp_config_directory
    (one,) = office(lan, "one")
    one.run(["mkdir", "/run/saved", "/run/copy"])
    one.write("/run/part.conf", "$ADDRESS=192.168.4.200\n")
    text = "include part.conf\n" + settings("config_save_dir /run/saved", "tmp_config_directory /run/copy")
    daemon = wait_ready(one.mainstayd(text + fast(vip="${ADDRESS}")))
    wait_holds(one)

    (copy,) = one.path("/run/copy").iterdir()
    (saved,) = one.path("/run/saved").iterdir()
    for file in (copy, saved):
        content = file.read_text(encoding="utf-8")
        assert "192.168.4.200" in content and "include" not in content and "$ADDRESS" not in content
        assert file.stat().st_mode & 0o777 == 0o600
    assert saved.name.startswith("keepalived.conf.2")
    assert "cannot be kept" not in daemon.output()

    one.write("/run/part.conf", f"$ADDRESS={OTHER}\n")
    daemon.send(signal.SIGHUP)
    wait_holds(one, OTHER)
    wait_until(lambda: OTHER in copy.read_text(encoding="utf-8"), 10, "the copy that runs")
    assert daemon.stop() == 0
    assert not list(one.path("/run/copy").iterdir())
