"""mainstayctl mail, and --host: what waits, what failed, what operators do with it, and a test of the relays."""

import json

from support.mail import CONFIGURATION, PORT, certificate_on, noted, serve_mail, spooled, subjects
from support.paths import program
from support.vrrp import instance, office, wait_holds, wait_ready
from support.wait import wait_until

MASTER = "[LVS_MASTER] VRRP Instance VI_1 - Entering MASTER state"
FIRST = "[LVS_MASTER] VRRP Instance VI_1 - Entering BACKUP state"
CREDENTIALS = "/etc/mainstay/mail.credentials"


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
    assert f"mail retry by uid 0, pid " in daemon.output()


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
    one.write(CREDENTIALS, "bob\nsecret\n", 0o600)
    one.write("/etc/mainstay/mainstay.toml", f"""[mail]
relays = ["smtps://127.0.0.1:1", "starttls://127.0.0.1:{PORT}"]
tls_ca = "/run/ca.pem"
credentials = "{CREDENTIALS}"
""")
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


def test_a_command_for_another_host_goes_to_ssh_and_arrives_as_it_was(lan):
    one, _daemon = started(lan)
    # Stands for ssh and the login shell of the other host, which is this one.
    one.write("/run/bin/ssh", f"""#!/bin/sh
printf '%s\\n' "$@" >/run/ssh.arguments
[ "$1" = -- ] || exit 255
PATH={str(program("mainstayctl")).rsplit("/", 1)[0]}:$PATH
export PATH
exec sh -c "$3"
""", 0o755)
    with_ssh = ["env", "PATH=/run/bin:/usr/bin:/bin"]

    shown = ctl(one, "--host", "root@lb2", "status", "VI_1", as_user=with_ssh)

    assert "VI_1" in shown and "MASTER" in shown
    assert one.read("/run/ssh.arguments").splitlines() == ["--", "root@lb2", "mainstayctl 'status' 'VI_1'"]
    asked = "it's \"$HOME\" `id`; exit 7"
    assert asked in ctl(one, "--host", "lb2", "why", asked, as_user=with_ssh, code=1)
    assert "no mail that waits" in ctl(one, "--host", "lb2", "mail", "drop", "gone", as_user=with_ssh, code=2)
    one.write("/run/ssh.arguments", "")
    for host in ("-oProxyCommand=touch /run/owned", "a b", "$(id)"):
        assert "--host takes USER@HOST or HOST" in ctl(one, f"--host={host}", "status", as_user=with_ssh, code=2)
    assert one.read("/run/ssh.arguments") == ""


def test_the_nearest_command_is_named_also_below_a_command(lan):
    (one,) = office(lan, "one")

    assert ctl(one, "mail", "que", code=2) == "mainstayctl: there is no command mail que; did you mean mail queue?\n"
    assert ctl(one, "server", "--dry-run", "drian", code=2) == \
        "mainstayctl: there is no command server drian; did you mean server drain?\n"
    assert ctl(one, "--socket", "/x", "mial", "queue", code=2) == \
        "mainstayctl: there is no command mial; did you mean mail?\n"
    assert "mainstayctl mail --help lists them" in ctl(one, "mail", "zzzzzzzz", code=2)
