"""How the processes run: names, priorities, CPUs, memory and limits, read back from the kernel."""

import re
import signal
import sys

import pytest

from support import slices
from support.netlink import buffers
from support.paths import program
from support.vrrp import VIP, instance, office, role_pid, signal_role, wait_holds, wait_ready
from support.wait import wait_until

SHORT = 100_000
SERVICE = "virtual_server 192.168.4.99 80 {\n protocol TCP\n real_server 192.168.4.12 80 {\n TCP_CHECK {\n }\n }\n}\n"


def daemon_with(lan, settings, more="", **options):
    (one,) = office(lan, "one")
    text = f"global_defs {{\n {settings}\n}}\n" + more + instance(interval=1)
    return one, wait_ready(one.mainstayd(text, **options))


def sched(host, pid):
    """(policy, priority) as chrt says."""
    said = host.run(["chrt", "-p", str(pid)]).stdout
    policy = re.search(r"scheduling policy: (\S+)", said).group(1).split("|")[0]
    return policy, int(re.search(r"scheduling priority: (\d+)", said).group(1))


def nice(host, pid):
    return int(host.read(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()[16])


def slice_of(host, pid):
    return int(host.run([sys.executable, slices.__file__, pid]).stdout)


def status(host, pid, key):
    return re.search(rf"(?m)^{key}:\s*(.*)$", host.read(f"/proc/{pid}/status")).group(1)


def soft_limit(host, pid, name):
    return re.search(rf"(?m)^{name}\s+(\S+)", host.read(f"/proc/{pid}/limits")).group(1)


def pid_in(host, path):
    wait_until(lambda: host.path(path).exists(), 10, path)
    return int(host.read(path))


def test_the_vrrp_process_runs_as_its_options_say(lan):
    # effect: global_defs: vrrp_priority vrrp_no_swap vrrp_rt_priority vrrp_cpu_affinity vrrp_rlimit_rttime
    one, _ = daemon_with(lan, "vrrp_priority -7\n vrrp_no_swap\n vrrp_rt_priority 5\n vrrp_cpu_affinity 1\n"
                         " vrrp_rlimit_rttime 250000")
    pid = role_pid(one, "mainstayd-vrrp")

    assert sched(one, pid) == ("SCHED_RR", 5)
    assert nice(one, pid) == -7
    assert status(one, pid, "Cpus_allowed_list") == "1"
    assert int(status(one, pid, "VmLck").split()[0]) > 1000
    assert soft_limit(one, pid, "Max realtime timeout") == "250000"
    wait_holds(one)

    # A reload takes all of it back.
    one.write("/run/keepalived.conf", instance(interval=1))
    one.run(["kill", "-HUP", one.read("/run/mainstay/mainstayd.pid").strip()])
    wait_until(lambda: sched(one, pid) == ("SCHED_OTHER", 0), 10, "normal scheduling")
    assert nice(one, pid) == 0
    assert status(one, pid, "Cpus_allowed_list") != "1"
    assert status(one, pid, "VmLck").split()[0] == "0"
    assert soft_limit(one, pid, "Max realtime timeout") == "10000"
    assert role_pid(one, "mainstayd-vrrp") == pid


@pytest.mark.skipif(not slices.of(0), reason="Linux before 6.12 has no slices to ask for")
def test_who_advertises_gets_the_cpu_at_once_in_the_normal_class_as_well(lan):
    one, _ = daemon_with(lan, "", SERVICE)
    pid = role_pid(one, "mainstayd-vrrp")
    wait_until(lambda: slice_of(one, pid) == SHORT, 10, "a short slice")
    assert sched(one, pid) == ("SCHED_OTHER", 0)
    assert nice(one, pid) == 0
    assert slice_of(one, role_pid(one, "mainstayd-lvs")) != SHORT

    # Also after it was in the real-time class.
    one.write("/run/keepalived.conf", "global_defs {\n vrrp_rt_priority 5\n}\n" + SERVICE + instance(interval=1))
    one.run(["kill", "-HUP", one.read("/run/mainstay/mainstayd.pid").strip()])
    wait_until(lambda: sched(one, pid) == ("SCHED_RR", 5), 10, "the real-time class")
    one.write("/run/keepalived.conf", SERVICE + instance(interval=1))
    one.run(["kill", "-HUP", one.read("/run/mainstay/mainstayd.pid").strip()])
    wait_until(lambda: sched(one, pid) == ("SCHED_OTHER", 0), 10, "normal scheduling")
    assert slice_of(one, pid) == SHORT


def test_the_checker_process_runs_as_its_options_say(lan):
    # effect: global_defs: checker_priority checker_no_swap checker_rt_priority checker_cpu_affinity
    # effect: global_defs: checker_rlimit_rttime
    one, _ = daemon_with(lan, "checker_priority 4\n checker_no_swap\n checker_rt_priority 200\n"
                         " checker_cpu_affinity 0\n checker_rlimit_rttime 300000", SERVICE)
    pid = role_pid(one, "mainstayd-lvs")

    assert sched(one, pid) == ("SCHED_RR", 99)
    assert nice(one, pid) == 4
    assert status(one, pid, "Cpus_allowed_list") == "0"
    assert int(status(one, pid, "VmLck").split()[0]) > 1000
    assert soft_limit(one, pid, "Max realtime timeout") == "300000"


def test_the_old_names_of_the_limits_count_too(lan):
    # effect: global_defs: vrrp_rlimit_rtime checker_rlimit_rtime
    one, _ = daemon_with(lan, "vrrp_rlimit_rtime 200000\n checker_rlimit_rtime 1", SERVICE)

    assert soft_limit(one, role_pid(one, "mainstayd-vrrp"), "Max realtime timeout") == "200000"
    assert soft_limit(one, role_pid(one, "mainstayd-lvs"), "Max realtime timeout") == "2"


def test_the_processes_bear_the_names_that_are_given_to_them(lan):
    # effect: global_defs: process_names process_name vrrp_process_name checker_process_name
    one, daemon = daemon_with(lan, "process_names\n process_name the-parent\n vrrp_process_name the-vrrp", SERVICE)
    vrrp, lvs = pid_in(one, "/run/mainstay/vrrp.pid"), pid_in(one, "/run/mainstay/lvs.pid")

    wait_until(lambda: one.read(f"/proc/{vrrp}/comm").strip() == "the-vrrp", 10, "the vrrp process's name")
    wait_until(lambda: one.read(f"/proc/{lvs}/comm").strip() == "keepalived_lvs", 10, "the checker's usual name")
    assert one.read(f"/proc/{one.read('/run/mainstay/mainstayd.pid').strip()}/comm").strip() == "the-parent"

    one.write("/run/keepalived.conf", "global_defs {\n process_names\n checker_process_name the-checker\n}\n" + SERVICE
              + instance())
    daemon.send(signal.SIGHUP)
    wait_until(lambda: one.read(f"/proc/{lvs}/comm").strip() == "the-checker", 10, "the checker's name")
    wait_until(lambda: one.read(f"/proc/{vrrp}/comm").strip() == "keepalived_vrrp", 10, "the vrrp process's usual name")


def test_the_old_name_of_the_checker_s_name_counts_too(lan):
    # effect: global_defs: lvs_process_name
    one, _ = daemon_with(lan, "lvs_process_name the-lvs", SERVICE)
    lvs = pid_in(one, "/run/mainstay/lvs.pid")

    wait_until(lambda: one.read(f"/proc/{lvs}/comm").strip() == "the-lvs", 10, "the name")


def test_a_process_that_finds_itself_late_takes_a_real_time_priority_up_to_the_ceiling(lan):
    # effect: global_defs: max_auto_priority min_auto_priority_delay
    one, daemon = daemon_with(lan, "max_auto_priority 2\n min_auto_priority_delay 600000")
    wait_holds(one)
    pid = role_pid(one, "mainstayd-vrrp")
    assert sched(one, pid) == ("SCHED_OTHER", 0)

    for raised in (1, 2):
        signal_role(one, "mainstayd-vrrp", signal.SIGSTOP)
        one.run(["sleep", "2.2"])  # the beat of every second is more than 0.6 s late in any case
        signal_role(one, "mainstayd-vrrp", signal.SIGCONT)
        wait_until(lambda want=raised: sched(one, pid) == ("SCHED_RR", want), 10, f"priority {raised}")
    assert "real-time priority raised to 2" in daemon.output()


def test_a_real_time_process_that_computes_too_long_leaves_the_class_and_comes_back(lan):
    # effect: global_defs: vrrp_rlimit_rttime
    many = "\n".join(f"        10.{n // 250}.{n % 250}.1" for n in range(1500))
    one, daemon = daemon_with(lan, "vrrp_rt_priority 3\n vrrp_rlimit_rttime 2")
    wait_holds(one)
    pid = role_pid(one, "mainstayd-vrrp")

    one.write("/run/keepalived.conf", one.read("/run/keepalived.conf").replace(VIP, VIP + "\n" + many))
    daemon.send(signal.SIGHUP)

    wait_until(lambda: "left the real-time class meanwhile" in daemon.output(), 20, "the limit to be told")
    wait_until(lambda: sched(one, pid) == ("SCHED_RR", 3), 10, "the class again")
    assert role_pid(one, "mainstayd-vrrp") == pid


def test_a_process_that_does_not_stop_is_killed_after_child_wait_time(lan):
    # effect: (root): child_wait_time
    one, daemon = daemon_with(lan, "router_id one", "child_wait_time 1\n")
    wait_holds(one)
    signal_role(one, "mainstayd-vrrp", signal.SIGSTOP)

    daemon.send(signal.SIGTERM)

    wait_until(lambda: "failed to stop within 1 s - forcing termination" in daemon.output(), 10, "the killing")
    assert daemon.wait(10) == 0
    assert not one.holds(VIP)  # another process has put its addresses away


def test_without_a_mask_of_file_modes_scripts_have_keepalived_s_also_when_a_reload_takes_it_away(lan):
    # effect: global_defs: umask
    (one,) = office(lan, "one")
    script = one.write("/run/make.sh", "#!/bin/sh\nrm -f /run/made\numask >/run/made\n", mode=0o755)

    def text(umask, instance_script):
        return f"global_defs {{\n {umask}\n script_user root\n}}\n{instance(more=instance_script)}"

    def made():
        return one.path("/run/made").exists() and one.read("/run/made").strip()
    daemon = wait_ready(one.mainstayd(text("umask 027", f"notify_master {script}")))
    wait_until(lambda: made() == "0027", 15, made)
    one.write("/run/keepalived.conf", text("", f'notify_stop "{script} again"'))
    daemon.send(signal.SIGHUP)
    wait_until(lambda: "Reload complete" in daemon.output(), 15, daemon.output)
    one.run(["rm", "/run/made"])
    assert daemon.stop() == 0
    assert made() == "0177"


def test_the_mask_of_file_modes_holds_for_what_is_written_and_for_scripts(lan):
    # effect: global_defs: umask
    (one,) = office(lan, "one")
    script = one.write("/run/make.sh", "#!/bin/sh\n: >/run/made-by-script\n", mode=0o755)
    text = f"global_defs {{\n umask IRWXO|IWGRP\n script_user root\n}}\n{instance(more=f'notify_master {script}')}"
    daemon = wait_ready(one.mainstayd(text))
    wait_until(lambda: one.path("/run/made-by-script").exists(), 15, "the script")
    assert one.path("/run/made-by-script").stat().st_mode & 0o777 == 0o640

    daemon.send(signal.SIGUSR2)
    wait_until(lambda: one.path("/tmp/keepalived.stats").exists(), 10, "the dump")
    assert one.path("/tmp/keepalived.stats").stat().st_mode & 0o777 == 0o640
    assert daemon.stop() == 0

    # -u on the command line wins.
    one.run(["rm", "/tmp/keepalived.stats"])
    daemon = wait_ready(one.mainstayd(text, "-u", "077"))
    daemon.send(signal.SIGUSR2)
    wait_until(lambda: one.path("/tmp/keepalived.stats").exists(), 10, "the dump")
    assert one.path("/tmp/keepalived.stats").stat().st_mode & 0o777 == 0o600


BFD = "bfd_instance neighbour {\n neighbor_ip 192.168.4.12\n source_ip 192.168.4.11\n}\n"


def test_the_bfd_process_runs_as_its_options_say(lan):
    # effect: global_defs: bfd_priority bfd_no_swap bfd_rt_priority bfd_cpu_affinity bfd_rlimit_rttime bfd_process_name
    one, _ = daemon_with(lan, "bfd_priority 3\n bfd_no_swap\n bfd_rt_priority 8\n bfd_cpu_affinity 0\n"
                         " bfd_rlimit_rttime 400000\n bfd_process_name the-bfd", BFD)
    pid = pid_in(one, "/run/mainstay/bfd.pid")

    wait_until(lambda: one.read(f"/proc/{pid}/comm").strip() == "the-bfd", 10, "the name")
    wait_until(lambda: sched(one, pid) == ("SCHED_RR", 8), 10, "the class")
    assert nice(one, pid) == 3
    assert status(one, pid, "Cpus_allowed_list") == "0"
    assert int(status(one, pid, "VmLck").split()[0]) > 1000
    assert soft_limit(one, pid, "Max realtime timeout") == "400000"


def test_the_old_name_of_the_bfd_process_s_limit_counts_too(lan):
    # effect: global_defs: bfd_rlimit_rtime
    one, _ = daemon_with(lan, "bfd_rlimit_rtime 500000", BFD)

    wait_until(lambda: soft_limit(one, pid_in(one, "/run/mainstay/bfd.pid"), "Max realtime timeout") == "500000", 10,
               "the limit")


def test_the_buffers_of_the_netlink_sockets_are_as_big_as_they_are_said_to_be(lan):
    # effect: global_defs: vrrp_netlink_cmd_rcv_bufs vrrp_netlink_cmd_rcv_bufs_force
    # effect: global_defs: vrrp_netlink_monitor_rcv_bufs vrrp_netlink_monitor_rcv_bufs_force
    one, daemon = daemon_with(lan, "vrrp_netlink_cmd_rcv_bufs 100000\n vrrp_netlink_monitor_rcv_bufs 12000000\n"
                         " vrrp_netlink_monitor_rcv_bufs_force")
    wait_holds(one)

    assert {200000, 24000000} <= buffers(one)

    one.write("/run/keepalived.conf", "global_defs {\n vrrp_netlink_cmd_rcv_bufs 150000\n vrrp_netlink_monitor_rcv_bufs 180000\n"
              "}\n" + instance(interval=1))
    daemon.send(signal.SIGHUP)
    wait_until(lambda: {300000, 360000} <= buffers(one), 10, lambda: buffers(one))


def test_a_buffer_is_bounded_by_the_host_unless_it_is_forced(lan):
    # effect: global_defs: vrrp_netlink_cmd_rcv_bufs_force vrrp_netlink_monitor_rcv_bufs_force
    most = int(open("/proc/sys/net/core/rmem_max", encoding="ascii").read())
    one, _ = daemon_with(lan, f"vrrp_netlink_monitor_rcv_bufs {4 * most}\n vrrp_netlink_cmd_rcv_bufs {3 * most}\n"
                         " vrrp_netlink_cmd_rcv_bufs_force")
    wait_holds(one)

    assert {2 * most, 6 * most} <= buffers(one)
