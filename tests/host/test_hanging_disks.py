"""Disks that hang under the files of a director, its log apart (test_log_sinks): adverts and reloads go on."""

import signal

from support.on_time import OnTime
from support.paths import program
from support.vrrp import fast, logged, office, role_pid, signal_role, wait_holds, wait_ready
from support.wait import wait_until

OTHER = "192.168.5.200"
MAILS = """global_defs {
 notification_email {
  a@example.org
 }
 notification_email_from d@example.org
 smtp_server 127.0.0.1
 smtp_alert
}
"""


def freeze(host, at, hangs=True):
    host.run(["fsfreeze", "--freeze" if hangs else "--unfreeze", at])


def ctl(host, *words):
    return host.run([program("mainstayctl"), *words], check=False)


def adverts_go_on(host, until, what):
    """Until this is so, the adverts are on time."""
    with OnTime(host) as adverts:
        wait_until(until, 40, what)
        adverts.capture.wait_for(len(adverts.capture.packets()) + 4)


def test_a_dump_waits_for_its_disk_and_nobody_else_does(lan, disk):
    (one,) = office(lan, "one")
    disk(one)
    daemon = wait_ready(one.mainstayd(fast(), env={"TMPDIR": "/run/disk"}))
    wait_holds(one)
    freeze(one, "/run/disk")

    daemon.send(signal.SIGUSR1)
    daemon.send(signal.SIGUSR2)
    daemon.send(signal.SIGHUP)
    adverts_go_on(one, lambda: "Reload complete" in daemon.output(), daemon.output)
    assert ctl(one, "status").returncode == 0
    freeze(one, "/run/disk", False)

    wait_until(lambda: one.path("/run/disk/keepalived.data").exists() and one.path("/run/disk/keepalived.stats").exists(), 20,
               "the dumps")
    assert "VRRP Topology" in one.read("/run/disk/keepalived.data")
    assert daemon.stop() == 0


def test_a_spool_and_a_history_whose_disk_hangs_stop_the_observer_alone(lan, disk):
    (one,) = office(lan, "one")
    disk(one, "/var/spool")
    one.run(["sh", "-c", "ip link add other type veth peer name end && ip link set end up && "
             "ip addr add 192.168.5.11/24 dev other && ip link set other up"])
    daemon = wait_ready(one.mainstayd(MAILS + fast() + fast("VI_2", 52, OTHER, interface="other")))
    wait_holds(one)
    wait_holds(one, OTHER)
    freeze(one, "/var/spool")

    one.run(["ip", "link", "set", "other", "down"])  # an event
    adverts_go_on(one, lambda: "killing it" in daemon.output(), daemon.output)
    assert "Observer" in next(line for line in daemon.output().splitlines() if "killing it" in line)
    daemon.send(signal.SIGHUP)
    wait_until(lambda: daemon.output().count("Reload complete") == 1, 20, daemon.output)
    freeze(one, "/var/spool", False)

    wait_until(lambda: one.run([program("mainstayctl"), "status"], check=False).returncode == 0, 40, daemon.output)
    assert daemon.stop() == 0


def test_a_stop_does_not_wait_for_an_observer_whose_disk_hangs(lan, disk):
    (one,) = office(lan, "one")
    disk(one, "/var/spool")
    daemon = wait_ready(one.mainstayd(MAILS + fast()))
    wait_holds(one)
    freeze(one, "/var/spool")
    one.run(["ip", "link", "set", "eth0", "down"])  # an event
    logged(daemon, "Entering FAULT STATE")

    assert daemon.stop(timeout=20) == 0
    assert "Stopped mainstay" in daemon.output()


def test_files_of_the_supervisor_whose_disk_hangs_are_written_when_it_goes_on(lan, disk):
    (one,) = office(lan, "one")
    disk(one, "/var/lib/mainstay")
    disk(one)
    text = ("global_defs {\n reload_check_config /run/disk/check.log\n reload_file /run/disk/reload\n}\n" + fast())
    daemon = wait_ready(one.mainstayd(text, "-r", "/run/disk/vrrp.pid"))
    wait_holds(one)
    freeze(one, "/run/disk")
    freeze(one, "/var/lib/mainstay")

    # The marker of a reload, and the log of its check.
    daemon.send(signal.SIGHUP)
    adverts_go_on(one, lambda: "Reload complete" in daemon.output(), daemon.output)
    one.write("/run/keepalived.conf", text + "nonsense yes\n")
    daemon.send(signal.SIGHUP)
    logged(daemon, "New config failed validation")
    assert "/run/disk/check.log cannot be written" in daemon.output()
    # The pid file.
    signal_role(one, "mainstayd-vrrp", signal.SIGKILL)
    wait_until(lambda: daemon.output().count("Starting VRRP child process") == 2, 20, daemon.output)
    wait_holds(one)
    # Maintenance.
    warning = "It will not survive a restart of the daemon: /var/lib/mainstay/maintenance: its disk does not answer"
    assert warning in ctl(one, "maintenance", "on", "--reason", "new disk").stdout
    assert ": new disk" in ctl(one, "maintenance", "show").stdout
    assert "it would begin again" in ctl(one, "maintenance", "off").stdout
    assert warning in ctl(one, "maintenance", "on", "--reason", "newer disk").stdout
    freeze(one, "/var/lib/mainstay", False)
    freeze(one, "/run/disk", False)

    # Each in its order.
    wait_until(lambda: one.path("/var/lib/mainstay/maintenance").exists()
               and "newer disk" in one.read("/var/lib/mainstay/maintenance"), 20, "the order on the disk")
    wait_until(lambda: one.read("/run/disk/vrrp.pid") == f"{role_pid(one, 'mainstayd-vrrp')}\n", 20, "the pid")
    wait_until(lambda: not one.path("/run/disk/reload").exists(), 20, "the marker to go")
    assert daemon.stop() == 0
