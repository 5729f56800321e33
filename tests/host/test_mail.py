"""Mails from a running daemon: their form, and that none is lost when the server or the observer fails."""

import email
import json
import signal

import pytest
from support.mail import CONFIGURATION, PORT, certificate_on, noted, serve_mail, spooled, subjects
from support.paths import program
from support.vrrp import VIP, office, signal_role, wait_holds, wait_ready
from support.wait import wait_until

# Retries come after 5 s, 10 s, 20 s: wide enough for two of them on a busy machine.
LATER = 60
MASTER = "[LVS_MASTER] VRRP Instance VI_1 - Entering MASTER state"


def arrived_once(host):
    wait_until(lambda: MASTER in subjects(host), LATER, "the mail to arrive")
    wait_until(lambda: spooled(host) == [], 20, "the spool to become empty")
    assert subjects(host).count(MASTER) == 1


def test_a_transition_is_mailed_in_keepalived_s_words(lan):
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
    assert message.get_payload().replace("\r\n", "\n") == "=> VRRP Instance is now owning VRRP VIPs <=\nReason: no other router advertised\n\n"


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


def test_what_a_stop_reports_is_mailed_or_kept_for_the_next_start(lan):
    (one,) = office(lan, "one")
    serve_mail(one)
    daemon = wait_ready(one.mainstayd(CONFIGURATION))
    arrived_once(one)

    assert daemon.stop() == 0

    stopping = "[LVS_MASTER] VRRP Instance VI_1 - Stopping"
    if stopping not in subjects(one):
        wait_ready(one.mainstayd(CONFIGURATION))
    wait_until(lambda: stopping in subjects(one), LATER, "the mail about the stop")
    assert subjects(one).count(stopping) == 1


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


# ---- relays of mainstay.toml, with TLS and a password ----

CREDENTIALS = "/etc/mainstay/mail.credentials"


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
