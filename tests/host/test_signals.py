"""Signals to processes other than the supervisor: to a whole unit, by a pid file, or to whom an exporter takes for keepalived."""

import re
import signal

from support.lvs import real_server, virtual_server
from support.paths import program
from support.vrrp import VIP, fast, instance, office, wait_holds, wait_ready
from support.wait import wait_until

# Nobody can ignore these two. All others are sent.
EVERY = [number for number in range(1, 65) if number not in (signal.SIGKILL, signal.SIGSTOP)]
USED = {signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGRTMIN + 2, signal.SIGRTMAX - 1}
TO_SUPERVISOR = [n for n in EVERY if n not in USED | {signal.SIGINT, signal.SIGTERM, signal.SIGABRT}]
PARTS = """vrrp_track_process init {
    process "sleep"
}
bfd_instance nobody {
    neighbor_ip 192.168.4.250
}
"""
SERVICE = virtual_server("192.168.4.100 80", real_server("127.0.0.2 81"))
ALL = PARTS + SERVICE
SCRIPT = """#!/bin/sh
grep -E '^(Sig(Blk|Ign)|ShdPnd)' /proc/self/status > /run/told.$3.new
mv /run/told.$3.new /run/told.$3
"""


def as_keepalived(host, configuration):
    """The daemon with all its processes, under keepalived's name."""
    host.run(["mkdir", "-p", "/run/bin"])
    host.run(["ln", "-sf", program("mainstayd"), "/run/bin/keepalived"])
    path = host.write("/run/keepalived.conf", configuration)
    daemon = wait_ready(host.start(["/run/bin/keepalived", "-n", "-l", "-D", "-f", path]), 40)
    wait_holds(host, timeout=40)
    wait_until(lambda: {"mainstayd-spare", "mainstayd-read"} <= set(host.process_names())
               and host.process_names().count("keepalived") == 6, 40, lambda: host.process_names())
    return daemon


def processes(host):
    """{pid: name} of the daemon's processes, the supervisor first, as the host sees them."""
    lines = [line.split(None, 2) for line in host.run(["ps", "-eo", "pid=,comm=,args="]).stdout.splitlines()]
    return {int(pid): comm for pid, comm, args in lines if args.split()[0].endswith("keepalived")}


def log_writer(host):
    """The pid of the process that writes the log file of the daemon."""
    lines = [line.split() for line in host.run(["ps", "-eo", "pid=,comm="]).stdout.splitlines()]
    (pid,) = [int(pid) for pid, comm in lines if comm == "mainstayd-log"]
    return pid


def pid_in(host, path):
    return int(host.read(path))


def has_another_pid(host, path, old):
    try:
        return pid_in(host, path) != old
    except (OSError, ValueError):  # it is being written anew
        return False


def wait_dump(host, path, ask):
    host.run(["rm", "-f", path])
    ask()
    wait_until(lambda: host.path(path).exists(), 20, f"{path} to be written")
    return host.read(path)


def test_no_process_dies_of_any_signal_that_a_whole_unit_can_get(lan):
    """`systemctl kill`, a terminal's keys, an exporter's guess. keepalived's children ignore all that they do not use; of
    ILL, BUS, FPE and SEGV they die, and of TERM and INT they resign, and the address is away until the next one has it."""
    (one,) = office(lan, "one")
    daemon = as_keepalived(one, ALL + fast())
    before, writer = processes(one), log_writer(one)
    supervisor, *others = before

    for number in EVERY:
        one.run(["kill", f"-{number}", *map(str, others), str(writer)])
    for number in TO_SUPERVISOR:
        one.run(["kill", f"-{number}", str(supervisor)])

    # What was sent before is dealt with when this is answered.
    assert "VRRP Instance: VI_1" in wait_dump(one, "/tmp/keepalived.stats", lambda: daemon.send(signal.SIGUSR2))
    assert processes(one) == before, daemon.output()
    assert log_writer(one) == writer
    assert one.holds(VIP)
    assert daemon.stop() == 0
    assert not one.holds(VIP)


def test_each_process_under_keepalived_s_name_hands_on_what_an_exporter_asks_it(lan):
    """gen2brain's exporter signals the first process whose name is keepalived; once the pids have wrapped, it is any."""
    (one,) = office(lan, "one")
    daemon = as_keepalived(one, ALL + fast())
    for pid, name in processes(one).items():
        if name == "mainstayd-read":  # between two readings nobody listens to it
            continue
        ask = lambda number, pid=pid: lambda: one.run(["kill", f"-{int(number)}", str(pid)])  # noqa: E731
        assert "VRRP Topology" in wait_dump(one, "/tmp/keepalived.data", ask(signal.SIGUSR1))
        assert "VRRP Instance: VI_1" in wait_dump(one, "/tmp/keepalived.stats", ask(signal.SIGUSR2))
        assert '"iname":"VI_1"' in wait_dump(one, "/tmp/keepalived.json", ask(signal.SIGRTMIN + 2))
    assert "died" not in daemon.output()
    assert "killing it" not in daemon.output()


def test_the_writer_of_a_log_file_is_not_taken_for_keepalived(lan):
    """It listens to nobody: who signals the processes that pidof, killall or pgrep -f find, would wait for it in vain."""
    (one,) = office(lan, "one")
    daemon = as_keepalived(one, ALL + fast())
    writer = log_writer(one)

    # Each process of the daemon has this command line, and systemd, ps and exporters show it.
    found = {tool: list(map(int, one.run(tool.split(), check=False).stdout.split()))
             for tool in ("pidof keepalived", "pgrep keepalived", "pgrep -f keepalived", "pgrep -f /run/keepalived.conf")}
    supervisor = pid_in(one, "/run/keepalived.pid")

    assert all(supervisor in pids and writer not in pids for pids in found.values()), (writer, found)
    assert one.run(["ps", "-o", "args=", str(writer)]).stdout.strip() == "mainstayd-log"
    assert daemon.stop() == 0


def test_the_writer_of_a_log_file_that_is_killed_is_started_again(lan):
    (one,) = office(lan, "one")
    daemon = as_keepalived(one, ALL + fast())
    before = log_writer(one)

    one.run(["kill", "-9", str(before)])
    wait_until(lambda: "mainstayd-log, which writes the log's file, has ended: it is started again" in daemon.output(), 10, "the line")

    assert log_writer(one) != before
    assert daemon.stop() == 0
    assert "Stopped" in daemon.output()


def test_the_vrrp_pid_file_names_whom_to_ask_for_a_reload_and_for_statistics(lan):
    """keepalived's VRRP child, asked to reload, takes what its parent has read last; here the file is read."""
    (one,) = office(lan, "one")
    daemon = as_keepalived(one, ALL + fast())
    ask = lambda number: one.run(["kill", f"-{int(number)}", str(pid_in(one, "/run/vrrp.pid"))])  # noqa: E731
    one.write("/run/keepalived.conf", ALL + fast(priority=120))

    ask(signal.SIGHUP)

    wait_until(lambda: "Reload complete" in daemon.output(), 20, daemon.output)
    assert "   Priority = 120\n" in wait_dump(one, "/tmp/keepalived.data", lambda: ask(signal.SIGUSR1))
    assert "Became master: 1\n" in wait_dump(one, "/tmp/keepalived.stats", lambda: ask(signal.SIGRTMAX - 1))
    assert "Became master: 0\n" in wait_dump(one, "/tmp/keepalived.stats", lambda: ask(signal.SIGUSR2))


def test_signals_without_end_do_not_make_a_role_an_offender(lan):
    (one,) = office(lan, "one")
    daemon = as_keepalived(one, ALL + fast())
    pid = pid_in(one, "/run/vrrp.pid")

    one.run(["/usr/bin/python3", "-c", f"import os\nfor i in range(20000): os.kill({pid}, {int(signal.SIGRTMIN + 2)})"])

    assert "VRRP Instance: VI_1" in wait_dump(one, "/tmp/keepalived.stats", lambda: daemon.send(signal.SIGUSR2))
    assert "killing it" not in daemon.output()
    assert pid_in(one, "/run/vrrp.pid") == pid


def test_a_script_gets_no_disposition_of_the_daemon(lan):
    """As under keepalived: nothing blocked, nothing ignored."""
    (one,) = office(lan, "one")
    one.write("/run/tell.sh", SCRIPT, 0o755)
    wait_ready(one.mainstayd("global_defs {\n script_user root\n}\n" + instance(more="notify /run/tell.sh")))
    wait_until(lambda: one.path("/run/told.MASTER").exists(), 20, "the script")

    masks = re.findall(r"(\w+):\s+(\w+)", one.read("/run/told.MASTER"))

    assert masks == [("ShdPnd", "0" * 16), ("SigBlk", "0" * 16), ("SigIgn", "0" * 16)]


def test_the_checkers_pid_file_names_whom_to_ask_for_the_data_of_the_servers(lan):
    (one,) = office(lan, "one")
    as_keepalived(one, ALL + fast())

    text = wait_dump(one, "/tmp/keepalived_check.data",
                     lambda: one.run(["kill", "-USR1", str(pid_in(one, "/run/checkers.pid"))]))

    assert "192.168.4.100" in text


def times(host, *names):
    return {name: host.path(f"/run/mainstay/{name}.pid").stat().st_mtime_ns for name in names}


def test_a_pid_file_is_as_old_as_its_process_and_a_reload_leaves_it_alone(lan):
    """Octavia takes a checkers' pid file that is older than the configuration for a daemon that has not restarted.

    keepalived 2.2.7, too, writes it when the child starts and not at a reload, and removes one of a child that it does
    not start.
    """
    (one,) = office(lan, "one")
    for name in ("vrrp", "lvs", "bfd"):
        one.write(f"/run/mainstay/{name}.pid", "4194000\n")
        one.run(["touch", "-d", "2020-01-01", f"/run/mainstay/{name}.pid"])
    daemon = wait_ready(one.mainstayd(instance() + SERVICE))
    wait_holds(one)
    assert not one.path("/run/mainstay/bfd.pid").exists()
    first = times(one, "mainstayd", "vrrp", "lvs")
    assert min(first.values()) > one.path("/run/keepalived.conf").stat().st_mtime_ns

    daemon.send(signal.SIGHUP)
    wait_until(lambda: "Reload complete" in daemon.output(), 20, daemon.output)
    assert times(one, "mainstayd", "vrrp", "lvs") == first

    for name, label in (("vrrp", "VRRP"), ("lvs", "Healthcheck")):
        old = pid_in(one, f"/run/mainstay/{name}.pid")
        one.run(["kill", "-9", str(old)])
        wait_until(lambda label=label: daemon.output().count(f"Starting {label} child process") == 2, 20, daemon.output)
        # The log's line comes first.
        wait_until(lambda name=name, old=old: has_another_pid(one, f"/run/mainstay/{name}.pid", old), 10, "a new pid file")
        assert times(one, name)[name] > first[name]
    assert times(one, "mainstayd")["mainstayd"] == first["mainstayd"]
