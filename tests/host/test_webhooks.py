"""Events of a running daemon at HTTPS and HTTP receivers: their form and order, and that none is lost when the receiver,
the observer or the whole daemon fails."""

import json
import signal
import time

import pytest
from support.lvs import listen
from support.paths import program
from support.vrrp import VIP, instance, office, signal_role, wait_holds, wait_ready
from support.wait import wait_until
from support.webhook import PORT, receive

HEADERS = "/etc/mainstay/webhook.headers"
CONFIGURATION = "global_defs {\n    router_id LVS_1\n}\n" + instance()
# Retries come after 5 s, 10 s, 20 s: wide enough for two of them on a busy machine.
LATER = 60


def certificate_on(host, name="localhost"):
    """An authority in /run/ca.pem, and a certificate of it in /run/both.pem, with its key."""
    host.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=authority",
              "-keyout", "/run/ca.key", "-out", "/run/ca.pem"])
    host.run(["openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", "/run/key.pem",
              "-out", "/run/request.pem"])
    host.write("/run/names", f"subjectAltName=DNS:{name}")
    host.run(["openssl", "x509", "-req", "-in", "/run/request.pem", "-CA", "/run/ca.pem", "-CAkey", "/run/ca.key",
              "-CAcreateserial", "-days", "2", "-extfile", "/run/names", "-out", "/run/cert.pem"])
    host.write("/run/both.pem", host.read("/run/cert.pem") + host.read("/run/key.pem"))
    return "/run/both.pem"


def requests(host, status=200):
    """Those that were answered with this status; all with None."""
    file = host.path("/run/requests")
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [one for one in map(json.loads, lines) if status is None or one["status"] == status]


def settings(host, scheme="http", name="hook", **more):
    lines = [f'{key} = {json.dumps(value)}' for key, value in more.items()]
    host.write("/etc/mainstay/mainstay.toml", "\n".join(
        ["[[webhook]]", f'name = "{name}"', f'url = "{scheme}://localhost:{PORT}/hook/t0ken"', *lines]) + "\n")


def spooled(host):
    folder = host.path("/var/spool/mainstay/webhooks")
    return sorted(f.name for f in folder.glob("*.posts")) if folder.exists() else []


def transitions(host):
    return [one["body"]["data"]["transition"] for one in requests(host)]


def status(host):
    return json.loads(host.run([program("mainstayctl"), "status", "--json"]).stdout)["webhooks"]["receivers"][0]


def test_each_event_is_a_cloud_event_over_tls_with_the_headers_of_the_file(lan):
    (one,) = office(lan, "one")
    receive(one, certificate=certificate_on(one))
    one.write(HEADERS, "# for the receiver\nAuthorization: Bearer s3cret\nX-Team: lb\n", 0o600)
    settings(one, "https", body="cloudevents", tls_ca="/run/ca.pem", headers=HEADERS)

    daemon = wait_ready(one.mainstayd(CONFIGURATION))
    wait_holds(one)
    wait_until(lambda: transitions(one) == ["BACKUP", "MASTER"], LATER, daemon.output)

    got = requests(one)[1]
    assert got["path"] == "/hook/t0ken"
    assert got["headers"]["Authorization"] == "Bearer s3cret"
    assert got["headers"]["X-Team"] == "lb"
    assert got["headers"]["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    event = got["body"]
    assert got["headers"]["Idempotency-Key"] == f'"{event["id"]}"'
    assert event["specversion"] == "1.0"
    assert event["source"].startswith("//") and event["source"].endswith("/mainstay/vrrp")
    assert event["type"] == "mainstay.instance.master"
    assert event["subject"] == "VI_1"
    assert event["data"]["router_id"] == "LVS_1"
    assert event["data"]["detail"] == "VRRP Instance is now owning VRRP VIPs"
    wait_until(lambda: spooled(one) == [], 20, "the spool to become empty")
    assert status(one) == {"name": "hook", "queued": 0, "sent": 2, "failed": 0, "retries": 0, "dropped": 0, "last_problem": ""}
    assert "Webhook hook: 0 queued, 2 sent, 0 failed" in one.run([program("mainstayctl"), "status"]).stdout
    assert 'mainstay_webhook_sent_total{webhook="hook"} 2' in one.run([program("mainstayctl"), "metrics"]).stdout
    for secret in ("s3cret", "t0ken"):
        assert secret not in daemon.output()
        assert secret not in one.run([program("mainstayctl"), "status", "--json"]).stdout


def test_alerts_fire_and_are_resolved_under_the_same_fingerprint_also_over_a_restart(lan):
    (one,) = office(lan, "one")
    receive(one)
    settings(one)
    daemon = wait_ready(one.mainstayd(CONFIGURATION))
    wait_holds(one)
    one.run(["ip", "link", "set", "eth0", "down"])
    wait_until(lambda: len(requests(one)) == 2, LATER, daemon.output)
    assert daemon.stop() == 0
    one.run(["ip", "link", "set", "eth0", "up"])
    wait_until(lambda: one.has_carrier("eth0"), LATER, "the link")
    daemon = wait_ready(one.mainstayd(CONFIGURATION))
    wait_holds(one)

    def alerts():
        return [(alert["labels"]["alertname"], alert["status"]) for one_ in requests(one) for alert in one_["body"]["alerts"]]

    wanted = [("MainstayMaster", "firing"), ("MainstayFault", "firing"), ("MainstayMaster", "resolved"),
              ("MainstayFault", "resolved"), ("MainstayMaster", "firing")]
    wait_until(lambda: alerts() == wanted, LATER, lambda: f"{alerts()}\n{daemon.output()}")
    bodies = [got["body"] for got in requests(one)]
    assert {body["version"] for body in bodies} == {"4"}
    assert {body["receiver"] for body in bodies} == {"hook"}
    fired = bodies[1]["alerts"][0]
    resolved = next(alert for body in bodies for alert in body["alerts"]
                    if alert["labels"]["alertname"] == "MainstayFault" and alert["status"] == "resolved")
    assert fired["fingerprint"] == resolved["fingerprint"]
    assert fired["labels"] == resolved["labels"]
    assert fired["startsAt"] == resolved["startsAt"] < resolved["endsAt"]
    assert fired["endsAt"] == "0001-01-01T00:00:00Z"
    assert fired["labels"]["name"] == "VI_1"
    assert bodies[1]["status"] == "firing"


SERVICE = """virtual_server 10.0.0.1 80 {{
 delay_loop 1
 protocol TCP
 quorum 2
{}}}
"""
WEB = """ real_server 127.0.0.{} 80 {{
  TCP_CHECK {{
   retry 1
   delay_before_retry 0.2
   warmup 0
  }}
 }}
"""


@pytest.mark.nightly
def test_the_alert_of_a_server_is_resolved_when_it_returns_or_is_removed_while_it_is_down(lan):
    one = lan.host("director")
    receive(one)
    settings(one, events=["server"])
    web = listen(one, "127.0.0.2:80", "127.0.0.3:80")
    both = SERVICE.format(WEB.format(2) + WEB.format(3))
    daemon = wait_ready(one.mainstayd(both))
    states = lambda: [(got["body"]["alerts"][0]["labels"]["name"], got["body"]["status"]) for got in requests(one)]
    shown = [program("mainstayctl"), "events"]
    web.stop(signal.SIGKILL)
    fired = [("[127.0.0.2]:tcp:80", "firing"), ("[127.0.0.3]:tcp:80", "firing")]
    wait_until(lambda: sorted(states()) == fired, LATER, lambda: f"{states()}\n{daemon.output()}")

    listen(one, "127.0.0.2:80")
    wait_until(lambda: states()[2:] == [("[127.0.0.2]:tcp:80", "resolved")], LATER, lambda: f"{states()}\n{daemon.output()}")
    one.write("/run/keepalived.conf", SERVICE.format(WEB.format(2)))
    one.run([program("mainstayctl"), "reload"])

    wait_until(lambda: states()[3:] == [("[127.0.0.3]:tcp:80", "resolved")], LATER, lambda: f"{states()}\n{daemon.output()}")
    last = requests(one)[3]["body"]["alerts"][0]
    assert last["annotations"]["description"] == "It is not configured any more"
    assert last["fingerprint"] in {got["body"]["alerts"][0]["fingerprint"] for got in requests(one)[:2]}
    assert "DELETED" not in one.run(shown).stdout


@pytest.mark.nightly
def test_errors_of_the_receiver_delay_events_and_keep_their_order_and_ids(lan):
    (one,) = office(lan, "one")
    receive(one, "500")
    settings(one, body="cloudevents")
    daemon = wait_ready(one.mainstayd(CONFIGURATION))
    wait_holds(one)
    wait_until(lambda: len(requests(one, None)) >= 2, LATER, daemon.output)  # one of them again
    assert {got["body"]["data"]["transition"] for got in requests(one, None)} == {"BACKUP"}
    assert "Webhook hook: delivery of event vrrp." in daemon.output()
    assert "failed (HTTP status 500); " in daemon.output()
    check = one.run([program("mainstayctl"), "status", "--check"], check=False)
    assert (check.returncode, "events are not posted to webhook hook (" in check.stdout) == (1, True)

    one.write("/run/hook.mode", "200")

    wait_until(lambda: transitions(one) == ["BACKUP", "MASTER"], LATER, daemon.output)
    ids = [got["headers"]["Idempotency-Key"] for got in requests(one, None)]
    assert ids[:-1] == [ids[0]] * (len(ids) - 1) and ids[-1] != ids[0]
    assert all(got["body"] == requests(one, None)[0]["body"] for got in requests(one, None)[:-1])


def test_a_daemon_that_is_killed_loses_no_event(lan):
    (one,) = office(lan, "one")
    settings(one, body="cloudevents")
    daemon = wait_ready(one.mainstayd(CONFIGURATION))
    wait_holds(one)
    wait_until(lambda: spooled(one) and status(one)["queued"] == 2, 20, daemon.output)
    one.run(["ip", "link", "set", "eth0", "down"])
    wait_until(lambda: status(one)["queued"] == 3, 20, daemon.output)

    signal_role(one, "mainstayd-obs", signal.SIGKILL)
    wait_until(lambda: "queued" in one.run([program("mainstayctl"), "status"], check=False).stdout and status(one)["queued"] == 3,
               20, daemon.output)
    daemon.stop(signal.SIGKILL)
    receive(one)
    again = wait_ready(one.mainstayd(CONFIGURATION))

    wait_until(lambda: transitions(one)[:3] == ["BACKUP", "MASTER", "FAULT"], LATER, lambda: f"{transitions(one)}\n{again.output()}")
    ids = [got["body"]["id"] for got in requests(one)]
    assert len(set(ids)) == len(ids)


def test_a_receiver_whose_certificate_is_wrong_gets_nothing(lan):
    (one,) = office(lan, "one")
    receive(one, certificate=certificate_on(one, "elsewhere"))
    settings(one, "https", body="cloudevents", tls_ca="/run/ca.pem")
    daemon = wait_ready(one.mainstayd(CONFIGURATION))
    wait_holds(one)

    wait_until(lambda: "failed (SSL: " in daemon.output() or "certificate" in daemon.output(), LATER, daemon.output)
    assert requests(one, None) == []
    assert spooled(one)
    assert "check url, tls_ca and headers of this [[webhook]]" in one.run([program("mainstayctl"), "doctor"], check=False).stdout


def test_headers_that_others_may_read_are_not_used_and_the_repaired_file_is_read_by_a_reload(lan):
    (one,) = office(lan, "one")
    receive(one)
    one.write(HEADERS, "Authorization: Bearer s3cret\n", 0o644)
    settings(one, body="cloudevents", headers=HEADERS)
    daemon = wait_ready(one.mainstayd(CONFIGURATION))
    wait_holds(one)
    wait_until(lambda: status(one)["queued"] == 2, 20, daemon.output)
    assert (f"[[webhook]] hook: {HEADERS} may be read by others than its owner: chmod 600 {HEADERS}; its events are queued until "
            "this is repaired and read by a reload") in daemon.output()
    assert requests(one, None) == []

    one.path(HEADERS).chmod(0o600)
    one.run([program("mainstayctl"), "reload"])

    wait_until(lambda: transitions(one) == ["BACKUP", "MASTER"], LATER, daemon.output)
    assert requests(one)[0]["headers"]["Authorization"] == "Bearer s3cret"
    assert one.holds(VIP)


def test_a_receiver_that_hangs_delays_its_events_and_nothing_else(lan):
    (one,) = office(lan, "one")
    receive(one, "hang")
    settings(one, body="cloudevents")
    daemon = wait_ready(one.mainstayd(CONFIGURATION))
    wait_holds(one)
    wait_until(lambda: status(one)["queued"] == 2, 20, daemon.output)
    begun = time.monotonic()
    status(one)
    assert time.monotonic() - begun < 5
    assert "silent for" not in daemon.output()
    one.write("/run/hook.mode", "200")
    wait_until(lambda: transitions(one) == ["BACKUP", "MASTER"], LATER, daemon.output)


@pytest.mark.parametrize("events,wanted", [(["group"], []), (["instance"], ["BACKUP", "MASTER"])])
def test_only_the_objects_that_are_named_are_posted(lan, events, wanted):
    (one,) = office(lan, "one")
    receive(one)
    settings(one, body="cloudevents", events=events)
    daemon = wait_ready(one.mainstayd(CONFIGURATION))
    wait_holds(one)
    shown = [program("mainstayctl"), "events"]
    wait_until(lambda: one.run(shown).stdout.count("VI_1") == 2, 20, daemon.output)
    wait_until(lambda: transitions(one) == wanted, LATER, daemon.output)
    assert status(one)["queued"] == 0


def test_a_full_disk_delays_no_event(lan):
    (one,) = office(lan, "one")
    one.run(["mount", "-t", "tmpfs", "-o", "size=4k", "tiny", "/var/spool"])
    one.run(["sh", "-c", "head -c 4096 /dev/zero > /var/spool/full"])
    receive(one)
    settings(one, body="cloudevents")
    daemon = wait_ready(one.mainstayd(CONFIGURATION))
    wait_holds(one)

    wait_until(lambda: transitions(one) == ["BACKUP", "MASTER"], LATER, daemon.output)
    wait_until(lambda: "The webhook spool cannot be written (" in daemon.output(), 20, daemon.output)


def test_an_operator_sees_retries_and_drops_what_waits_and_tests_the_webhook(lan):
    (one,) = office(lan, "one")
    receive(one, "503")
    settings(one, body="cloudevents")
    daemon = wait_ready(one.mainstayd(CONFIGURATION))
    wait_holds(one)

    def ctl(*words, code=0):
        done = one.run([program("mainstayctl"), "webhook", *words], check=False, timeout=60)
        assert done.returncode == code, (done.stdout, done.stderr)
        return done.stdout + done.stderr

    wait_until(lambda: "hook: 2 queued" in ctl("queue"), LATER, daemon.output)
    wait_until(lambda: "    last error: HTTP status 503\n" in ctl("queue"), LATER, daemon.output)
    waiting = json.loads(ctl("queue", "--json"))["waiting"]
    assert [event["object"] for event in waiting] == ["instance VI_1", "instance VI_1"]
    assert "webhook hook: HTTP status 503 (not accepted" in ctl("test", code=1).replace("< ", "")
    assert "there is no webhook hok" in ctl("test", "--to", "hok", code=2)
    assert "no event that waits or has failed has the id hook/x" in ctl("drop", "hook/x", code=2)
    wait_until(lambda: "dropped" in ctl("drop", waiting[1]["id"]), LATER, daemon.output)

    one.write("/run/hook.mode", "200")
    ctl("retry")
    wait_until(lambda: transitions(one) == ["BACKUP"], 20, daemon.output)
    assert "delivered: 1 of 1 webhooks accepted it\n" in ctl("test", "--to", "hook")
    assert requests(one)[-1]["body"]["type"] == "mainstay.test"
    assert "hook: 0 queued, 1 sent, 0 failed, 0 dropped\n" in ctl("queue")
    assert "webhook drop by uid 0" in daemon.output()


def test_an_event_that_the_receiver_rejected_is_shown_and_sent_again(lan):
    (one,) = office(lan, "one")
    receive(one, "400 MASTER")
    settings(one, body="cloudevents")
    daemon = wait_ready(one.mainstayd(CONFIGURATION))
    wait_holds(one)

    def ctl(*words):
        return one.run([program("mainstayctl"), "webhook", *words], timeout=60).stdout

    wait_until(lambda: "hook: 0 queued, 1 sent, 1 failed, 0 dropped\n" in ctl("queue"), LATER, daemon.output)
    assert ctl("queue").endswith("  failed\n    about instance VI_1\n    not delivered: HTTP status 400\n")
    (failed,) = json.loads(ctl("queue", "--json"))["failed"]
    one.write("/run/hook.mode", "200")
    assert ctl("retry", failed["id"]) == f"{failed['id']}: is tried again\n"
    wait_until(lambda: "hook: 0 queued, 2 sent, 1 failed, 0 dropped\n" in ctl("queue"), 20, daemon.output)
    assert json.loads(ctl("queue", "--json"))["failed"] == []
    assert [one_request["body"]["id"] for one_request in requests(one, None)].count(failed["id"].removeprefix("hook/")) == 2
