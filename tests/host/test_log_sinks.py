"""Where a director logs, and that its log says why: journald's fields, JSON lines, and the reason after keepalived's words."""

import json
import signal
import socket

import pytest
from support.on_time import OnTime
from support.paths import program
from support.vrrp import fast, instance, office, wait_holds, wait_ready
from support.wait import wait_until


ONE = "192.168.4.11"  # host one of office()


@pytest.fixture(name="journal")
def make_journal():
    made = []

    def listen(host):
        heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = host.path("/run/journal")
        heard.bind(str(path))
        path.chmod(0o666)
        heard.setblocking(False)
        made.append(heard)
        return heard

    yield listen
    for heard in made:
        heard.close()


def entries(heard):
    """Every datagram that has arrived, as a dictionary."""
    found = []
    while True:
        try:
            datagram = heard.recv(65536).decode()
        except BlockingIOError:
            return found
        assert datagram.endswith("\n")
        found.append(dict(line.split("=", 1) for line in datagram.splitlines()))


def objects(daemon):
    """The complete lines of a daemon that logs JSON."""
    return [json.loads(line) for line in daemon.output().splitlines(keepends=True) if line.endswith("}\n")]


def event(found, **wanted):
    return next((one for one in found if wanted.items() <= one.items()), None)


def test_a_takeover_is_in_the_journal_with_its_fields_and_its_reason(lan, journal):
    one, two = office(lan, "one", "two")
    master = wait_ready(one.mainstayd(instance("MASTER", 150)))
    wait_holds(one)
    heard, found = journal(two), []

    def seen(**wanted):
        found.extend(entries(heard))
        return event(found, **wanted)

    two.mainstayd(instance("BACKUP", 100), "--log-journal=/run/journal")
    wait_until(lambda: seen(MAINSTAY_EVENT="BACKUP"), 15, "the start in the journal")
    assert master.stop(timeout=10) == 0
    wait_until(lambda: seen(MAINSTAY_EVENT="MASTER"), 15, "the takeover in the journal")

    taken = seen(MAINSTAY_EVENT="MASTER")
    reason = f"{ONE} resigned (priority 0)"
    assert taken["MESSAGE"] == f"(VI_1) is MASTER: {reason}"
    assert (taken["PRIORITY"], taken["SYSLOG_IDENTIFIER"], taken["SYSLOG_FACILITY"]) == ("5", "mainstayd-vrrp", "3")
    assert (taken["MAINSTAY_INSTANCE"], taken["MAINSTAY_REASON"], taken["MAINSTAY_PRIORITY"]) == ("VI_1", reason, "100")
    own = next(entry for entry in found if entry["MESSAGE"] == "(VI_1) Entering MASTER STATE")
    assert own["PRIORITY"] == "5"
    assert found.index(own) < found.index(taken)


def test_a_container_gets_json_lines_on_stdout(lan):
    one, two = office(lan, "one", "two")
    wait_ready(one.mainstayd(instance("MASTER", 150)))
    wait_holds(one)
    path = two.write("/run/keepalived.conf", instance("BACKUP", 100))
    daemon = two.start([program("mainstayd"), "-n", "-G", "--log-json", "-f", path])
    wait_until(lambda: event(objects(daemon), event="BACKUP", instance="VI_1"), 15, "the start as JSON")
    asked = [program("mainstayctl"), "status", "--json"]
    wait_until(lambda: f'"master":"{ONE}"' in two.run(asked, check=False).stdout.replace('": "', '":"'), 15, "an advert")
    one.kill()
    wait_until(lambda: event(objects(daemon), event="MASTER"), 15, "the takeover as JSON")

    taken = event(objects(daemon), event="MASTER")
    assert (taken["level"], taken["program"], taken["instance"], taken["priority"]) == ("notice", "mainstayd-vrrp", "VI_1", 100)
    assert taken["reason"].startswith("no advertisement of ")
    assert taken["message"] == f"(VI_1) is MASTER: {taken['reason']}"
    assert all(line.startswith("{") for line in daemon.output().splitlines())


def test_at_the_default_level_the_log_says_who_took_over_and_why(lan):
    one, two = office(lan, "one", "two")
    path = two.write("/run/keepalived.conf", instance("BACKUP", 100))
    backup = two.start([program("mainstayd"), "-n", "-l", "-G", "-f", path])
    wait_until(lambda: "(VI_1) is MASTER: no other router advertised" in backup.output(), 15, "the first takeover")
    wait_ready(one.mainstayd(instance("MASTER", 150)))
    wanted = f"(VI_1) is BACKUP: {ONE} advertises priority 150, this router had 100"
    wait_until(lambda: wanted in backup.output(), 15, "why it went back")


def test_a_log_that_nobody_reads_stops_no_role_and_is_delivered_when_somebody_does(lan):
    (one,) = office(lan, "one")
    path = one.write("/run/keepalived.conf", fast())
    # A full FIFO that is open, but not read, as that of a stopped pager.
    daemon = one.start(["sh", "-c", "mkfifo /run/log; exec 3<>/run/log; head -c 65536 /dev/zero >&3; "
                        f"exec {program('mainstayd')} -n -l -D -f {path} >/run/log 2>&1"], name="mainstayd")
    wait_holds(one)
    with OnTime(one) as adverts:
        for _ in range(3):
            so_far = len(adverts.capture.packets())
            daemon.send(signal.SIGHUP)
            adverts.capture.wait_for(so_far + 4)

    one.start(["sh", "-c", "exec cat </run/log >/run/lines"], name="cat")
    wait_until(lambda: one.path("/run/lines").exists() and "(VI_1) Entering MASTER STATE" in one.read("/run/lines")
               and "Startup complete" in one.read("/run/lines"), 15, "the lines that waited")
    assert "log lines were lost" not in one.read("/run/lines")
    assert daemon.stop() == 0


def logs_to_disk(one):
    path = one.write("/run/keepalived.conf", fast())
    return one.start(["sh", "-c", f"exec {program('mainstayd')} -n -l -D --log-json -G -f {path} >/run/disk/out 2>/run/disk/log"],
                     name="mainstayd")


def reloads_on_time(one, daemon):
    with OnTime(one) as adverts:
        for _ in range(3):
            so_far = len(adverts.capture.packets())
            daemon.send(signal.SIGHUP)
            adverts.capture.wait_for(so_far + 11)


def test_a_disk_that_hangs_stops_no_role_and_gets_the_lines_when_it_goes_on(lan, disk):
    (one,) = office(lan, "one")
    disk(one)
    daemon = logs_to_disk(one)
    wait_holds(one)
    one.run(["fsfreeze", "--freeze", "/run/disk"])

    reloads_on_time(one, daemon)
    one.run(["fsfreeze", "--unfreeze", "/run/disk"])

    wait_until(lambda: "Reload complete" in one.read("/run/disk/log") and "Reload complete" in one.read("/run/disk/out"), 15,
               lambda: one.read("/run/disk/log"))
    assert "log lines were lost" not in one.read("/run/disk/log")
    one.run(["fsfreeze", "--freeze", "/run/disk"])
    assert daemon.stop() == 0  # it does not wait for the disk
    one.run(["fsfreeze", "--unfreeze", "/run/disk"])
    wait_until(lambda: "Stopped mainstay" in one.read("/run/disk/log").splitlines()[-1], 15, lambda: one.read("/run/disk/log"))


def test_a_full_disk_stops_no_role_and_gets_the_lines_when_it_has_room(lan, disk):
    (one,) = office(lan, "one")
    disk(one)
    daemon = logs_to_disk(one)
    wait_holds(one)
    one.run(["sh", "-c", "cat /dev/zero >/run/disk/filler"], check=False)

    reloads_on_time(one, daemon)
    one.run(["rm", "/run/disk/filler"])

    wait_until(lambda: "Reload complete" in one.read("/run/disk/log"), 15, lambda: one.read("/run/disk/log"))
    assert "lost" not in one.read("/run/disk/log")
    assert daemon.stop() == 0


def test_lines_of_a_reading_wait_for_a_slow_logger_while_the_daemon_runs(lan, journal):
    (one,) = office(lan, "one")
    heard = journal(one)
    daemon = one.mainstayd(fast(more="".join(f"unknown_{n} 1\n" for n in range(400))), "--log-journal=/run/journal")
    wait_holds(one)  # nobody reads the socket
    wait_until(lambda: "Startup complete" in daemon.output(), 20, daemon.output)
    found = []

    def messages():
        found.extend(entry["MESSAGE"] for entry in entries(heard))
        return found

    wait_until(lambda: sum("'unknown_" in one for one in messages()) == 400, 30,
               lambda: f"{sum('unknown_' in one for one in messages())} of 400")
    assert not any("lines were lost" in message for message in messages())


# What OpenStack's neutron writes for a router, as its later releases do.
NEUTRON = """global_defs {
    notification_email_from neutron@openstack.local
    router_id neutron
}
vrrp_instance VR_1 {
    state BACKUP
    interface eth0
    virtual_router_id 1
    priority 50
    garp_master_delay 60
    nopreempt
    advert_int 2
    track_interface {
        eth0
    }
    virtual_ipaddress {
        169.254.0.1/24 dev eth0
    }
    virtual_ipaddress_excluded {
        10.0.0.1/24 dev qr-1 no_track
        fe80::f816:3eff:fe11:2233/64 dev qr-1 scope link no_track
        172.24.4.10/24 dev qg-1 no_track
        172.24.4.11/32 dev qg-1 no_track
        2001:db8::5/64 dev qg-1 no_track
        fe80::f816:3eff:fe11:2244/64 dev qg-1 scope link no_track
    }
    virtual_routes {
        0.0.0.0/0 via 172.24.4.1 dev qg-1 no_track protocol static
        ::/0 via fe80::1 dev qg-1 no_track protocol static
        10.5.0.0/24 via 10.0.0.7 no_track protocol static
        10.6.0.0/24 dev qg-1 scope link no_track protocol static
    }
}
"""
INFO = 6


def syslog_of(host, command, until):
    """[(severity, text)] of what a daemon says to /dev/log until somebody says `until`."""
    heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    host.path("/dev/log").unlink(missing_ok=True)
    heard.bind(str(host.path("/dev/log")))
    host.path("/dev/log").chmod(0o666)
    heard.settimeout(20)
    daemon, said = host.start(command), []
    while not said or until not in said[-1][1]:
        number, text = heard.recv(65536).decode().removeprefix("<").split(">", 1)
        said.append((int(number) % 8, text.split("]: ", 1)[-1].strip()))
    assert daemon.stop() == 0
    heard.close()
    return said


def test_what_neutron_writes_is_neither_error_nor_warning_as_in_keepalived(lan):
    """Hundreds of routers are started and reloaded on one host: a log of errors that are none hides those that are."""
    for name in ("office", "inner", "outer"):
        lan.switch(name)
    one = lan.host("one", private_dev=True, **{"eth0": ("office", "169.254.192.5/18"), "qr-1": ("inner", "10.0.0.254/24"),
                                               "qg-1": ("outer", "172.24.4.254/24")})
    path = one.write("/run/router/keepalived.conf", NEUTRON)

    theirs = syslog_of(one, ["keepalived", "-n", "-P", "-D", "-f", path], "Entering BACKUP STATE")
    ours = syslog_of(one, [program("mainstayd"), "-n", "-P", "-D", "-f", path], "Entering BACKUP STATE")

    for text in ("Cannot specify scope for IPv6 addresses (fe80::f816:3eff:fe11:2233/64) - ignoring scope",
                 "Cannot specify scope for IPv6 addresses (fe80::f816:3eff:fe11:2244/64) - ignoring scope",
                 "(VR_1) Ignoring track_interface eth0 since own interface"):
        assert [level for level, said in theirs if said.endswith(text)] == [INFO], theirs
    about_file = [(level, said.removeprefix(path)) for level, said in ours if "MS0" in said]
    assert about_file == [
        (INFO, ":14:9: note MS0413: (VR_1) eth0 is its own interface, which is always tracked; the line is ignored"),
        (INFO, ":21:47: note MS0206: scope is for IPv4 addresses only; the word is ignored"),
        (INFO, ":25:47: note MS0206: scope is for IPv4 addresses only; the word is ignored")]
    assert [said for level, said in ours if level < INFO] == ["(VR_1) Entering BACKUP STATE (init)"]

    # The same exit codes, too: what keepalived mentions makes it 5.
    tests = [one.run([daemon, "-t", "-f", path], check=False) for daemon in ("keepalived", program("mainstayd"))]
    assert [test.returncode for test in tests] == [5, 5]
    assert "0 errors, 0 warnings, 3 notes; the configuration runs" in tests[1].stderr


@pytest.mark.nightly
def test_a_slow_logger_gets_every_line_of_a_start_of_5000_services_and_of_a_reload(lan, journal):
    (one,) = office(lan, "one")
    heard = journal(one)
    service = "virtual_server 10.{}.{}.1 80 {{\n  lb_algo wrr\n  lb_kind NAT\n  protocol TCP\n  real_server 10.9.9.9 80 {{\n    weight 1\n  }}\n}}\n"
    text = fast() + "".join(service.format(at // 250, at % 250) for at in range(5000))
    daemon = one.mainstayd(text, "--log-journal=/run/journal")
    wait_ready(daemon)  # on stderr, while nobody reads the socket
    wait_holds(one)
    found = []

    def messages():
        found.extend(entry["MESSAGE"] for entry in entries(heard))
        return found

    wait_until(lambda: sum("Gained quorum" in one or "quorum up" in one for one in messages()) >= 5000, 60, lambda: str(messages()[-5:]))
    one.write("/run/keepalived.conf", text.replace("weight 1", "weight 2", 3))
    daemon.send(signal.SIGHUP)
    wait_until(lambda: any(message.startswith("Reload: ") for message in messages()), 60, lambda: str(messages()[-5:]))
    said = [line.split(": ", 1)[1] for line in daemon.output().splitlines()]
    wait_until(lambda: set(said) <= set(messages()), 30, lambda: str(set(said) - set(messages())))
    assert not any("lines were lost" in message for message in messages())
    print(f"{len(messages())} lines, {sum(map(len, messages()))} bytes")
