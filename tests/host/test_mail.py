"""Mails of a running daemon: their words and who gets them, that none is lost when the server or the observer fails, relays with
TLS, and `mainstayctl mail`, which shows what waits or failed, retries and drops it, and tests the relays."""

import email
import json
import signal

import pytest
from support.mail import CONFIGURATION, PORT, certificate_on, noted, serve_mail, spooled, subjects
from support.paths import program
from support.vrrp import VIP, fast, instance, office, signal_role, wait_holds, wait_ready
from support.wait import wait_until

# Retries come after 5 s, 10 s, 20 s: wide enough for two of them on a busy machine.
LATER = 60
MASTER = "[LVS_MASTER] VRRP Instance VI_1 - Entering MASTER state"
FIRST = "[LVS_MASTER] VRRP Instance VI_1 - Entering BACKUP state"
CREDENTIALS = "/etc/mainstay/mail.credentials"


def arrived_once(host):
    wait_until(lambda: MASTER in subjects(host), LATER, "the mail to arrive")
    wait_until(lambda: spooled(host) == [], 20, "the spool to become empty")
    assert subjects(host).count(MASTER) == 1


def test_a_transition_is_mailed_in_keepalived_s_words(lan):
    """docs/field-cases.md: 1303."""
    (one,) = office(lan, "one")
    serve_mail(one)
    wait_ready(one.mainstayd(CONFIGURATION))
    wait_holds(one)

    arrived_once(one)

    mail = next(m for m in noted(one) if MASTER in m["message"])
    assert mail["sender"] == "ha@example.org"
    assert mail["to"] == ["a@example.org", "b@example.org"]
    message = email.message_from_string(mail["message"])
    assert message.keys() == ["Date", "From", "Subject", "X-Mailer", "To", "Message-ID"]
    assert message["X-Mailer"] == "Keepalived"
    assert message["To"] == "a@example.org, b@example.org"
    assert message.get_payload().replace("\r\n", "\n") == (
        "=> VRRP Instance is now owning VRRP VIPs <=\nReason: no other router advertised\n\n")


def test_a_mail_waits_for_a_server_that_refuses_connections(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(CONFIGURATION))
    wait_holds(one)
    wait_until(lambda: spooled(one), 10, "the mail in the spool")
    wait_until(lambda: "queued, next attempt in" in daemon.output(), 10, "a first attempt")

    serve_mail(one)

    arrived_once(one)


def test_a_mail_that_is_put_off_with_451_arrives_later(lan):
    (one,) = office(lan, "one")
    serve_mail(one, "defer")
    wait_ready(one.mainstayd(CONFIGURATION))
    wait_until(lambda: noted(one, "deferred"), 20, "a 451")
    assert spooled(one)

    one.write("/run/mail.mode", "accept")

    arrived_once(one)


@pytest.mark.nightly
def test_a_server_that_hangs_delays_the_mail_and_nothing_else(lan):
    # effect: global_defs: smtp_connect_timeout
    (one,) = office(lan, "one")
    serve_mail(one, "hang")
    daemon = wait_ready(one.mainstayd(CONFIGURATION))
    wait_until(lambda: noted(one, "hung"), 20, "the server to hang")
    wait_holds(one)
    wait_until(lambda: "queued, next attempt in" in daemon.output(), 20, "the attempt to be given up")
    assert "silent for" not in daemon.output()
    assert spooled(one)

    one.write("/run/mail.mode", "accept")

    arrived_once(one)


@pytest.mark.nightly
def test_an_observer_that_is_killed_loses_no_mail(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(CONFIGURATION))
    wait_holds(one)
    wait_until(lambda: spooled(one), 10, "the mail in the spool")

    signal_role(one, "mainstayd-obs", signal.SIGKILL)
    serve_mail(one)

    arrived_once(one)
    assert one.holds(VIP)
    assert daemon.alive()


def test_an_event_while_the_observer_is_away_is_mailed_by_the_next_one(lan):
    (one,) = office(lan, "one")
    serve_mail(one)
    wait_ready(one.mainstayd(CONFIGURATION))
    arrived_once(one)

    signal_role(one, "mainstayd-obs", signal.SIGSTOP)
    one.run(["ip", "link", "set", "eth0", "down"])
    wait_until(lambda: not one.holds(VIP), 10, "the VIP to go")
    signal_role(one, "mainstayd-obs", signal.SIGKILL)

    fault = "[LVS_MASTER] VRRP Instance VI_1 - Entering FAULT state"
    wait_until(lambda: fault in subjects(one), LATER, "the mail about the fault")
    wait_until(lambda: spooled(one) == [], 20, "the spool to become empty")
    assert subjects(one).count(fault) == 1
    assert subjects(one).count(MASTER) == 1


def mail_status(host):
    return json.loads(host.run([program("mainstayctl"), "status", "--json"]).stdout)["mail"]


@pytest.mark.nightly
def test_without_a_disk_addresses_come_first_mails_are_in_memory_and_go_to_the_disk_when_it_works(lan):
    (one,) = office(lan, "one")
    one.run(["mount", "-o", "remount,ro", "/var/spool"])
    daemon = wait_ready(one.mainstayd(CONFIGURATION))
    wait_holds(one)

    # That it is backup, and that it is master.
    wait_until(lambda: mail_status(one)["in_memory"] == 2, 20, lambda: f"{mail_status(one)}\n{daemon.output()}")
    assert "the mail spool folder cannot be created: mkdir /var/spool/mainstay: Read-only file system" in daemon.output()
    assert "The mail spool cannot be written (" in daemon.output()
    assert "the mail spool cannot be written (" in one.run([program("mainstayctl"), "status"]).stdout

    one.run(["mount", "-o", "remount,rw", "/var/spool"])
    wait_until(lambda: len(spooled(one)) == 2, 30, lambda: f"the mail in the spool\n{daemon.output()}")
    wait_until(lambda: "The mail spool can be written again: 2 mails" in daemon.output(), 10, lambda: daemon.output())
    assert mail_status(one)["in_memory"] == 0
    serve_mail(one)
    arrived_once(one)


def test_a_full_disk_delays_no_mail(lan):
    (one,) = office(lan, "one")
    one.run(["mount", "-t", "tmpfs", "-o", "size=4k", "tiny", "/var/spool"])
    one.run(["sh", "-c", "head -c 4096 /dev/zero > /var/spool/full"])
    serve_mail(one)
    daemon = wait_ready(one.mainstayd(CONFIGURATION))
    wait_holds(one)

    wait_until(lambda: MASTER in subjects(one), LATER, lambda: f"the mail to arrive\n{daemon.output()}")
    assert spooled(one) == []
    wait_until(lambda: "The mail spool cannot be written (" in daemon.output(), 10, lambda: daemon.output())
    assert "No space left on device" in daemon.output()


# ---- who is mailed about what ----

MAIL = f"notification_email {{\n a@example.org\n b@example.org\n }}\n smtp_server 127.0.0.1 {PORT}\n"
OWNING = "=> VRRP Instance is now owning VRRP VIPs <="
NOT_OWNING = "=> VRRP Instance is no longer owning VRRP VIPs <="


def told(host):
    """Subject and body of every mail so far, without the line with the reason."""
    mails = [email.message_from_string(mail["message"]) for mail in noted(host)]
    return [(mail["Subject"], mail.get_payload().partition("Reason: ")[0].strip()) for mail in mails]


def wait_told(host, *expected):
    wait_until(lambda: set(expected) <= set(told(host)), 30, lambda: f"{expected}\ngot {told(host)}")


def both(name, state, body):
    return (f"[LVS_1] VRRP Instance {name} - {state}", body)


def test_every_transition_of_an_instance_and_a_group_has_its_words(lan):
    # effect: global_defs: router_id notification_email notification_email_from smtp_server smtp_helo_name smtp_alert
    # effect: (root): global_defs
    # effect: vrrp_instance: smtp_alert
    # effect: vrrp_sync_group: smtp_alert
    (one,) = office(lan, "one")
    serve_mail(one)
    head = (f"global_defs {{\n router_id LVS_1\n smtp_helo_name helo.example.org\n"
            f" notification_email_from ha@example.org\n {MAIL}}}\n"
            "vrrp_sync_group G {\n group {\n  VI_1\n }\n smtp_alert\n}\n")
    first = fast(more="smtp_alert")
    daemon = wait_ready(one.mainstayd(head + first + fast("VI_2", 52, "192.168.4.201", more="smtp_alert\nnotify_deleted")))
    wait_holds(one)
    group = [(f"[LVS_1] VRRP Group G - Entering {state} state",
              f"=> All VRRP group instances are now in {state} state <=") for state in ("MASTER", "FAULT")]
    wait_told(one, both("VI_1", "Entering BACKUP state", NOT_OWNING), both("VI_1", "Entering MASTER state", OWNING),
              group[0])

    one.write("/run/keepalived.conf", head + first)
    daemon.send(signal.SIGHUP)
    wait_told(one, both("VI_2", "Deleted", "=> VRRP Deleted at reload <="))

    one.run(["ip", "link", "set", "eth0", "down"])
    wait_told(one, both("VI_1", "Entering FAULT state", NOT_OWNING), group[1])

    daemon.stop()
    if both("VI_1", "Stopping", "=> VRRP Instance stopping <=") not in told(one):
        wait_ready(one.mainstayd(head + first))
    wait_told(one, both("VI_1", "Stopping", "=> VRRP Instance stopping <="))
    assert subjects(one).count("[LVS_1] VRRP Instance VI_1 - Stopping") == 1  # by that process or the next one
    mail = noted(one)[0]
    assert mail["helo"] == "helo.example.org"
    assert mail["sender"] == "ha@example.org"
    assert mail["to"] == ["a@example.org", "b@example.org"]


def test_the_nearest_switch_decides_who_is_mailed_about(lan):
    # effect: global_defs: smtp_alert smtp_alert_vrrp
    # effect: vrrp_instance: smtp_alert
    # effect: vrrp_sync_group: smtp_alert
    (one,) = office(lan, "one")
    serve_mail(one)
    text = f"global_defs {{\n router_id LVS_1\n smtp_alert off\n smtp_alert_vrrp on\n {MAIL}}}\n"
    text += "vrrp_sync_group G {\n group {\n  VI_3\n }\n smtp_alert off\n}\n"
    daemon = wait_ready(one.mainstayd(text + fast() + fast("VI_2", 52, "192.168.4.201", more="smtp_alert off")
                                      + fast("VI_3", 53, "192.168.4.202")))
    wait_told(one, both("VI_1", "Entering MASTER state", OWNING), both("VI_3", "Entering MASTER state", OWNING))
    assert not [subject for subject in subjects(one) if "VI_2" in subject or "Group" in subject]
    # keepalived's default sender
    name = one.run(["hostname"]).stdout.strip()
    assert noted(one)[0]["sender"] == f"root@{name}"
    assert daemon.stop() == 0

    daemon = wait_ready(one.mainstayd(f"global_defs {{\n router_id LVS_2\n smtp_alert on\n {MAIL}}}\n" + fast()))
    wait_until(lambda: "[LVS_2] VRRP Instance VI_1 - Entering MASTER state" in subjects(one), 30, "a mail by smtp_alert")


def test_no_email_faults_leaves_faults_out_and_the_rest_in(lan):
    # effect: global_defs: no_email_faults
    (one,) = office(lan, "one")
    serve_mail(one)
    wait_ready(one.mainstayd(f"global_defs {{\n router_id LVS_1\n smtp_alert\n no_email_faults\n {MAIL}}}\n"
                             "vrrp_sync_group G {\n group {\n  VI_1\n }\n}\n" + fast()))
    wait_holds(one)
    wait_told(one, both("VI_1", "Entering MASTER state", OWNING))
    one.run(["ip", "link", "set", "eth0", "down"])
    wait_until(lambda: not one.holds("192.168.4.200"), 10, "the VIP to go")
    one.run(["ip", "link", "set", "eth0", "up"])
    wait_until(lambda: told(one).count(both("VI_1", "Entering BACKUP state", NOT_OWNING)) == 2, 30, "the second BACKUP")
    assert not [subject for subject in subjects(one) if "FAULT" in subject]


def test_the_same_state_is_not_mailed_twice(lan):
    (one,) = office(lan, "one")
    serve_mail(one)
    text = f"global_defs {{\n router_id LVS_1\n smtp_alert\n no_email_faults\n {MAIL}}}\n"
    one.write("/run/drain", "1\n")
    text += "track_file drain {\n file /run/drain\n weight 0\n}\n"
    wait_ready(one.mainstayd(text + fast(more="track_file {\n drain\n }")))
    for value in ("0", "1", "0"):  # FAULT is not mailed, so that BACKUP is followed by BACKUP
        one.write("/run/drain", value)
    wait_holds(one)
    wait_told(one, both("VI_1", "Entering MASTER state", OWNING))
    states = [subject.rsplit(" - ", 1)[1] for subject in subjects(one)]
    assert all(a != b for a, b in zip(states, states[1:])), states


# ---- relays of mainstay.toml, with TLS and a password ----

def relays_on(host, relays, mode=0o600):
    host.write(CREDENTIALS, "bob\nsecret\n", mode)
    host.write("/etc/mainstay/mainstay.toml", f"""[mail]
relays = {json.dumps(relays)}
tls_ca = "/run/ca.pem"
credentials = "{CREDENTIALS}"
""")


@pytest.mark.parametrize("scheme,tls", [("starttls", "starttls"), ("smtps", "implicit")])
def test_a_mail_goes_through_a_relay_with_tls_and_a_password(lan, scheme, tls):
    (one,) = office(lan, "one")
    serve_mail(one, tls=(tls, certificate_on(one), "bob", "secret"))
    # The first relay is not there: the second one gets the mail at once.
    relays_on(one, ["smtps://127.0.0.1:1", f"{scheme}://127.0.0.1:{PORT}"])

    daemon = wait_ready(one.mainstayd(CONFIGURATION))

    wait_holds(one)
    arrived_once(one)
    assert [login["right"] for login in noted(one, "login")] == [True] * len(noted(one))
    assert all(mail["tls"] for mail in noted(one))
    assert "secret" not in daemon.output()


def test_a_relay_whose_certificate_is_wrong_gets_neither_mail_nor_password(lan):
    (one,) = office(lan, "one")
    serve_mail(one, tls=("starttls", certificate_on(one), "bob", "secret"))
    one.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=other",
             "-keyout", "/run/other.pem", "-out", "/run/ca.pem"])
    relays_on(one, [f"starttls://127.0.0.1:{PORT}"])

    daemon = wait_ready(one.mainstayd(CONFIGURATION))
    wait_holds(one)

    wait_until(lambda: "certificate" in daemon.output() and "queued, next attempt in" in daemon.output(), LATER, daemon.output)

    assert noted(one) == []
    assert noted(one, "login") == []
    assert spooled(one)


def test_credentials_that_others_may_read_are_not_used(lan):
    (one,) = office(lan, "one")
    serve_mail(one, tls=("starttls", certificate_on(one), "bob", "secret"))
    relays_on(one, [f"starttls://127.0.0.1:{PORT}"], 0o644)

    daemon = wait_ready(one.mainstayd(CONFIGURATION))

    wait_until(lambda: f"{CREDENTIALS} may be read by others than its owner: chmod 600 {CREDENTIALS}" in daemon.output(), 20,
               daemon.output)
    assert noted(one, "login") == []


# ---- mainstayctl mail ----


def ctl(host, *words, code=0, as_user=()):
    ran = host.run([*as_user, program("mainstayctl"), *words], check=False)
    assert ran.returncode == code, (words, ran.returncode, ran.stdout, ran.stderr)
    return ran.stdout if code == 0 else ran.stdout + ran.stderr


def queue(host):
    return json.loads(ctl(host, "mail", "queue", "--json"))


def waiting(host, subject=MASTER):
    return next((mail for mail in queue(host)["waiting"] if mail["subject"] == subject), None)


def answering(host, daemon):
    """The daemon, once its observer answers at the control socket, too."""
    wait_ready(daemon)
    wait_until(lambda: host.run([program("mainstayctl"), "status"], check=False).returncode == 0, 20, daemon.output)
    return daemon


def started(lan):
    (one,) = office(lan, "one")
    daemon = answering(one, one.mainstayd(CONFIGURATION))
    wait_holds(one)
    return one, daemon


def test_the_queue_shows_what_waits_and_a_retry_sends_it_now(lan):
    one, daemon = started(lan)
    # The first mail of those that wait is tried, the others wait for it.
    wait_until(lambda: (waiting(one, FIRST) or {}).get("tries", 0) >= 2, 60, lambda: f"two tries\n{daemon.output()}")

    mail = waiting(one, FIRST)
    assert mail["to"] == ["a@example.org", "b@example.org"]
    assert "connect to 127.0.0.1 port 2525" in mail["answer"]
    assert 0 <= mail["next_try_s"] <= 20
    shown = ctl(one, "mail", "queue")
    assert f"{mail['id']}  " in shown and f"    {FIRST}\n    to a@example.org, b@example.org\n" in shown

    serve_mail(one)
    said = ctl(one, "mail", "retry", mail["id"])

    assert said.startswith(f'{mail["id"]}: is tried now: "{FIRST}" to a@example.org, b@example.org')
    wait_until(lambda: FIRST in subjects(one), 4, "the mail to arrive at once")  # the next try was due later
    wait_until(lambda: "0 mails wait, 0 have failed" in ctl(one, "mail", "queue"), 60, lambda: ctl(one, "mail", "queue"))
    assert "mail retry by uid 0, pid " in daemon.output()


def test_failed_mails_are_shown_retried_and_dropped(lan):
    (one,) = office(lan, "one")
    serve_mail(one, "refuse")
    daemon = answering(one, one.mainstayd(CONFIGURATION))
    wait_until(lambda: any(mail["subject"] == MASTER for mail in queue(one)["failed"]), 60, daemon.output)
    (mail,) = [mail for mail in queue(one)["failed"] if mail["subject"] == MASTER]
    assert "550 refused" in mail["answer"]
    assert f"    {MASTER}\n    to a@example.org, b@example.org\n    last answer: 550 refused" in ctl(one, "mail", "queue")

    one.write("/run/mail.mode", "accept")
    ctl(one, "mail", "retry", mail["id"])
    wait_until(lambda: MASTER in subjects(one), 10, daemon.output)

    left = [mail["id"] for mail in queue(one)["failed"]]  # that the instance is BACKUP
    assert left
    assert "no mail that waits or has failed has the id gone" in ctl(one, "mail", "drop", left[0], "gone", code=2)
    dropped = ctl(one, "mail", "drop", "--all")
    assert dropped.startswith(f'{left[0]}: dropped: "[LVS_MASTER] VRRP Instance VI_1')
    assert queue(one)["failed"] == []
    assert ctl(one, "mail", "drop", "--all") == "no mail waits or has failed\n"
    assert "mail drop by uid 0, pid " in daemon.output()


def test_waiting_mails_are_dropped_for_good(lan):
    one, daemon = started(lan)
    wait_until(lambda: waiting(one), 20, "a mail")

    wait_until(lambda: "being delivered" not in ctl(one, "mail", "drop", "--all"), 20, daemon.output)

    assert spooled(one) == []
    assert queue(one)["waiting"] == []
    assert "name the mails to drop" in ctl(one, "mail", "drop", code=2)


def test_only_root_changes_mails_and_whoever_may_read_sees_them(lan):
    one, daemon = started(lan)
    wait_until(lambda: waiting(one), 20, "a mail")
    gid = one.run(["id", "-g", "mainstay-obs"]).stdout.strip()
    member = ["setpriv", "--reuid=65534", "--regid=65534", f"--groups={gid}"]
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]

    assert MASTER in ctl(one, "mail", "queue", as_user=member)
    for words in (["retry"], ["drop", "--all"], ["test"]):
        assert "this caller may read only: ask as root" in ctl(one, "mail", *words, as_user=member, code=4)
    assert "only root" in ctl(one, "mail", "queue", as_user=nobody, code=4)
    assert "only root" in ctl(one, "mail", "drop", "--all", as_user=nobody, code=4)
    assert waiting(one)
    assert "mail drop by" not in daemon.output()


def test_a_test_mail_shows_the_dialogue_with_the_relay(lan):
    (one,) = office(lan, "one")
    serve_mail(one)
    daemon = answering(one, one.mainstayd(CONFIGURATION))

    shown = ctl(one, "mail", "test", "--to", "c@example.org")

    lines = shown.splitlines()
    assert lines[0] == f"* relay 1 of 1: 127.0.0.1 port {PORT} (not encrypted), at most 2 s for each step"
    assert any(line.startswith("< 220 mail.test") for line in lines)
    assert "> MAIL FROM:<ha@example.org>" in shown
    assert "> RCPT TO:<c@example.org>" in lines
    assert any(line.startswith("> (the message, ") for line in lines)
    assert lines[-1] == f"delivered: 127.0.0.1 port {PORT} (not encrypted) accepted it for c@example.org"
    (mail,) = [mail for mail in noted(one) if mail["to"] == ["c@example.org"]]
    assert "Subject: [LVS_MASTER] Test mail of " in mail["message"]
    assert "mail test by uid 0, pid " in daemon.output()

    one.write("/run/mail.mode", "refuse")
    shown = ctl(one, "mail", "test", code=1)
    assert "not delivered: 127.0.0.1 port 2525 (not encrypted) refused it for a@example.org, b@example.org (550 refused" in shown
    one.write("/run/mail.mode", "hang")
    shown = ctl(one, "mail", "test", code=1)
    assert "not delivered: no relay could be reached" in shown
    assert queue(one)["failed"] == [] or all("Test mail" not in mail["subject"] for mail in queue(one)["failed"])


def test_a_test_mail_through_tls_shows_no_password(lan):
    (one,) = office(lan, "one")
    serve_mail(one, tls=("starttls", certificate_on(one), "bob", "secret"))
    relays_on(one, ["smtps://127.0.0.1:1", f"starttls://127.0.0.1:{PORT}"])
    daemon = answering(one, one.mainstayd(CONFIGURATION))

    shown = ctl(one, "mail", "test")

    assert "* relay 1 of 2: 127.0.0.1 port 1 (TLS)" in shown
    assert f"* relay 2 of 2: 127.0.0.1 port {PORT} (STARTTLS)" in shown
    assert "> STARTTLS" in shown and "TLSv1." in shown
    assert "> AUTH " in shown and "***" in shown
    for secret in ("secret", "c2VjcmV0", "AGJvYgBzZWNyZXQ="):
        assert secret not in shown + daemon.output()
    assert noted(one, "login")[-1]["right"]


def test_without_a_relay_a_test_is_refused(lan):
    (one,) = office(lan, "one")
    answering(one, one.mainstayd(instance()))

    assert "no relay is configured" in ctl(one, "mail", "test", code=2)
    assert "mails are not sent: relay or recipients are not configured" in ctl(one, "mail", "queue")
    assert "no mail can be sent" in ctl(one, "mail", "retry", code=2)
