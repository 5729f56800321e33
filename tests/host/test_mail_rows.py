"""Who gets a mail about which transition, by every switch there is, and what each of them says."""

import email
import signal

from support.mail import PORT, noted, serve_mail, subjects
from support.vrrp import fast, office, wait_holds, wait_ready
from support.wait import wait_until

MAIL = f"notification_email {{\n a@example.org\n b@example.org\n }}\n smtp_server 127.0.0.1 {PORT}\n"
OWNING = "=> VRRP Instance is now owning VRRP VIPs <="
NOT_OWNING = "=> VRRP Instance is no longer owning VRRP VIPs <="


def told(host):
    """Subject and body of every mail so far, without the line with the reason, which test_mail.py looks at."""
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
