"""kernel/ipvs against the real table, judged by ipvsadm."""

import errno

import pytest

from support.kernel_probe import PROBE, probe, strace

SERVICES, SERVERS = 1000, 4


@pytest.fixture
def director(lan):
    host = lan.host("director")
    # In a namespace whose lo was never up the kernel refuses every destination.
    host.run(["ip", "link", "set", "lo", "up"])
    return host


def perform(host, *operations):
    """(failures, the summary) of these operations in one call."""
    *failures, summary = probe(host, "ipvs-perform", text_in="".join(f"{o}\n" for o in operations))
    assert summary["operations"] == len(operations)
    return failures, summary


def test_thousands_of_operations_take_few_system_calls(director):
    services = [f"10.{i // 250}.{i % 250}.1:80" for i in range(SERVICES)]
    lines = [line for s in services for line in (
        f"add-service tcp {s} scheduler=wrr",
        *(f"add tcp {s} to=172.16.{services.index(s) % 250}.{r + 1}:80 fwd=3 weight={r + 1}" for r in range(SERVERS)))]
    operations = len(lines)

    answers, calls = strace(director, "sendmsg,sendto,recvmsg", "ipvs-perform", text_in="\n".join(lines) + "\n")

    assert answers == [{"operations": operations, "forgiven": 0, "sendmsg": answers[0]["sendmsg"]}]
    assert operations == 5000
    assert answers[0]["sendmsg"] <= operations / 32
    looked_up = 2  # the family's number, and whether we may
    assert calls["sendmsg"] <= operations / 32 + looked_up
    assert "sendto" not in calls
    assert calls["recvmsg"] <= operations / 32 + looked_up * 2  # an answer to each would be a call for each
    table = director.ipvs()
    assert len(table) == SERVICES
    assert table["TCP 10.3.249.1:80 wrr"] == {f"172.16.249.{r + 1}:80": ("Route", r + 1) for r in range(SERVERS)}

    dump = probe(director, "ipvs-dump")
    assert len(dump) == operations
    assert {line["service"] for line in dump if "service" in line} == {f"TCP {s}" for s in services}
    gone = [line.split(" scheduler")[0].replace("add-service", "delete-service") for line in lines if "add-" in line]
    assert perform(director, *gone)[1]["forgiven"] == 0
    assert director.ipvs() == {}


def test_every_setting_reaches_the_kernel_and_comes_back(director):
    failures, _ = perform(
        director, "add-service tcp 10.0.0.1:443 scheduler=sh flags=25 timeout=300 netmask=4294967040",
        "add tcp 10.0.0.1:443 to=10.0.1.1:443 fwd=0 weight=2147483647 upper=1000 lower=10",
        "add-service udp [fd00::1]:53 scheduler=rr flags=5 timeout=60 netmask=64",
        "add udp [fd00::1]:53 to=[fd00::11]:5353 fwd=2 weight=0",
        "add-service fwm 5 scheduler=mh", "add fwm 5 to=10.0.1.2:0 fwd=3",
        "add-service fwm6 5 scheduler=wlc", "add fwm6 5 to=[fd00::12]:0 fwd=3")

    assert failures == []
    saved = director.run(["ipvsadm", "-Sn"]).stdout.splitlines()
    assert "-A -t 10.0.0.1:443 -s sh -p 300 -M 255.255.255.0 -b sh-fallback,sh-port" in saved
    assert "-a -t 10.0.0.1:443 -r 10.0.1.1:443 -m -w 2147483647" in saved
    limits = director.run(["ipvsadm", "-Ln", "--thresholds"]).stdout.split()
    at = limits.index("10.0.1.1:443")
    assert limits[at + 1:at + 3] == ["1000", "10"]
    assert "-A -u [fd00::1]:53 -s rr -p 60 -M 64 -o" in saved
    assert any(line.startswith("-a -u [fd00::1]:53 -r [fd00::11]:5353 -i -w 0") for line in saved)
    assert "-A -f 5 -s mh" in saved and "-A -f 5 -6 -s wlc" in saved
    dump = {line.get("service", line.get("to")): line for line in probe(director, "ipvs-dump")}
    service = dump["TCP 10.0.0.1:443"]
    assert (service["scheduler"], service["flags"], service["timeout"], service["netmask"]) == \
           ("sh", 25, 300, 0xffffff00)
    assert (dump["UDP [fd00::1]:53"]["netmask"], dump["UDP [fd00::1]:53"]["flags"]) == (64, 5)
    server = dump["10.0.1.1:443"]
    assert (server["forwarding"], server["weight"], server["upper"], server["lower"]) == (0, 2147483647, 1000, 10)
    assert dump["[fd00::11]:5353"]["forwarding"] == 2
    assert {"FWM 5", "FWM 5 IPv6"} <= set(dump)


def test_a_change_keeps_the_object(director):
    perform(director, "add-service tcp 10.0.0.1:80 scheduler=rr", "add tcp 10.0.0.1:80 to=10.0.1.1:80 fwd=3")

    failures, _ = perform(director, "set-service tcp 10.0.0.1:80 scheduler=wrr flags=1 timeout=50",
                          "set tcp 10.0.0.1:80 to=10.0.1.1:80 fwd=0 weight=7")

    assert failures == []
    assert director.ipvs() == {"TCP 10.0.0.1:80 wrr persistent": {"10.0.1.1:80": ("Masq", 7)}}
    assert "-s wrr -p 50\n" in director.run(["ipvsadm", "-Sn"]).stdout


def test_what_is_so_already_is_forgiven_and_counted(director):
    perform(director, "add-service tcp 10.0.0.1:80 scheduler=rr", "add tcp 10.0.0.1:80 to=10.0.1.1:80 fwd=3")

    failures, summary = perform(
        director, "add-service tcp 10.0.0.1:80 scheduler=rr", "add tcp 10.0.0.1:80 to=10.0.1.1:80 fwd=3",
        "delete tcp 10.0.0.1:80 to=10.0.1.9:80", "delete tcp 10.9.9.9:80 to=10.0.1.1:80",
        "delete-service tcp 10.9.9.9:80")

    assert failures == []
    assert summary["forgiven"] == 5
    assert director.ipvs() == {"TCP 10.0.0.1:80 rr": {"10.0.1.1:80": ("Route", 1)}}


def test_a_refused_operation_is_named_and_stops_no_other(director):
    failures, _ = perform(
        director, "add-service tcp 10.0.0.1:80 scheduler=rr", "add-service tcp 10.0.0.2:80 scheduler=nonsense",
        "set-service tcp 10.0.0.1:80 scheduler=nonsense", "set tcp 10.0.0.1:80 to=10.0.1.1:80",
        "add tcp 10.0.0.3:80 to=10.0.1.1:80", "set-service tcp 10.0.0.3:80 scheduler=rr",
        "add tcp 10.0.0.1:80 to=10.0.1.1:80 weight=-1", "add tcp 10.0.0.1:80 to=10.0.1.1:80 upper=5 lower=9",
        "add tcp 10.0.0.1:80 to=[fd00::1]:80 fwd=3", "add tcp 10.0.0.1:80 to=10.0.1.2:80 weight=4")

    assert [(f["failed"], errno.errorcode[f["errno"]]) for f in failures] == [
        (1, "ENOENT"), (2, "ENOENT"), (3, "ENOENT"), (4, "ESRCH"), (5, "ESRCH"), (6, "ERANGE"), (7, "ERANGE"),
        (8, "EINVAL")]
    assert "only tunnels" in failures[-1]["text"]
    assert director.ipvs() == {"TCP 10.0.0.1:80 rr": {"10.0.1.2:80": ("Masq", 4)}}


def test_a_flush_empties_the_table_and_an_absent_service_has_no_destinations(director):
    perform(director, "add-service tcp 10.0.0.1:80 scheduler=rr", "add tcp 10.0.0.1:80 to=10.0.1.1:80 fwd=3")

    assert probe(director, "ipvs-flush") == []

    assert director.ipvs() == {}
    assert probe(director, "ipvs-dump") == []


def test_without_the_capability_the_error_says_what_is_missing(director):
    done = director.run(["setpriv", "--bounding-set=-net_admin", "--inh-caps=-net_admin", PROBE, "ipvs-dump"],
                        check=False)

    assert done.returncode == 1
    assert "CAP_NET_ADMIN" in done.stdout


def test_a_sync_daemon_is_stopped_before_it_ever_ran(director):
    director.run(["ip", "link", "add", "sync0", "type", "dummy"])
    director.run(["ip", "addr", "add", "10.9.0.1/24", "dev", "sync0"])
    director.run(["ip", "link", "set", "sync0", "up"])

    assert probe(director, "ipvs-daemons", "sync0", "10") == [{"stopped": 20, "left": 0}]
    assert director.run(["ipvsadm", "-Ln", "--daemon"]).stdout == ""
