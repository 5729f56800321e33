"""Where a director logs, and that its log says why: journald's fields, JSON lines, and the reason after keepalived's words."""

import json
import socket

import pytest
from support.paths import program
from support.vrrp import instance, office, wait_holds, wait_ready
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
