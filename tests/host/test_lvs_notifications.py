"""The scripts, FIFO lines, mails and log lines of servers and services that change. No IPVS is needed for it."""

import email
import json
import re
import signal

from support.lvs import listen
from support.mail import PORT, noted, serve_mail
from support.paths import program
from support.vrrp import wait_ready
from support.wait import stays, wait_until

RS, VS = "[127.0.0.2]:tcp:80", "[10.0.0.1]:tcp:80"
GLOBAL = f"""global_defs {{
 router_id LVS_1
 notification_email {{
  a@example.org
 }}
 smtp_server 127.0.0.1 {PORT}
 lvs_notify_fifo /run/lvs.fifo
 lvs_notify_fifo_script "/run/reader"
 rs_init_notifies
 %s
}}
"""
WEB = """virtual_server 10.0.0.1 80 {
 delay_loop 1
 lb_algo rr
 lb_kind NAT
 protocol TCP
 smtp_alert
 omega
 quorum_up "/run/note quorum up"
 quorum_down "/run/note quorum down"
 %s
 real_server 127.0.0.2 80 {
  notify_up "/run/note server up"
  notify_down "/run/note server down"
  TCP_CHECK {
   retry 1
   delay_before_retry 0.2
   warmup 0
  }
 }
}
"""


def director(lan):
    host = lan.host("director")
    host.write("/run/note", '#!/bin/sh\necho "$#: $*" >>/run/noted\n', 0o755)
    host.write("/run/reader", '#!/bin/sh\nexec cat "$1" >>/run/lines\n', 0o755)
    host.write("/run/noted", "", 0o666)
    host.write("/run/lines", "", 0o666)
    serve_mail(host)
    return host


def wait_text(host, path, expected, daemon):
    wait_until(lambda: host.read(path) == expected, 30,
               lambda: f"{expected}\nin {path}, got\n{host.read(path)}\n{daemon.output()}")


def mails(host):
    got = [email.message_from_string(mail["message"]) for mail in noted(host)]
    return [(mail["Subject"], mail.get_payload().strip()) for mail in got]


def test_scripts_fifo_lines_and_mails_of_a_server_and_its_service(lan):
    # effect: virtual_server: quorum_up quorum_down smtp_alert omega
    # effect: virtual_server/real_server: notify_up notify_down smtp_alert TCP_CHECK
    # effect: global_defs: lvs_notify_fifo lvs_notify_fifo_script rs_init_notifies smtp_server notification_email
    host = director(lan)
    web = listen(host, "127.0.0.2:80")
    daemon = wait_ready(host.mainstayd(GLOBAL % "" + WEB % "", "-C"))
    lines = f"RS {RS} {VS} UP\nVS {VS} UP\n"
    wait_text(host, "/run/lines", lines, daemon)
    wait_until(lambda: f"TCP connection to {RS} success." in daemon.output(), 20, daemon.output)
    assert f"Activating healthchecker for service {RS} for VS {VS}" in daemon.output()
    assert f"Gained quorum 1+0=1 <= 1 for VS {VS}" in daemon.output()

    web.stop()
    lines += f"RS {RS} {VS} DOWN\nVS {VS} DOWN\n"
    wait_text(host, "/run/lines", lines, daemon)
    listen(host, "127.0.0.2:80")
    lines += f"RS {RS} {VS} UP\nVS {VS} UP\n"
    wait_text(host, "/run/lines", lines, daemon)
    # Nothing is added to what is configured.
    notes = ["2: server up", "2: quorum up", "2: server down", "2: quorum down", "2: server up", "2: quorum up"]
    wait_until(lambda: sorted(host.read("/run/noted").splitlines()) == sorted(notes), 20, lambda: host.read("/run/noted"))

    assert daemon.stop() == 0
    wait_text(host, "/run/lines", lines + f"RS {RS} {VS} DOWN\nVS {VS} DOWN\n", daemon)
    assert sorted(host.read("/run/noted").splitlines()) == sorted([*notes, "2: server down", "2: quorum down"])
    said = daemon.output()
    for line in (f"TCP_CHECK on service {RS} failed after 1 retries.", f"Removing service {RS} from VS {VS}",
                 f"Lost quorum 1-0=1 > 0 for VS {VS}", f"Adding service {RS} to VS {VS}",
                 f"Shutting down service {RS} from VS {VS}"):
        assert line in said

    weight = "quorum{}: the servers that are up have weight {}, 1 is needed"
    expected = [(f"[LVS_1] {subject}", f"=> {body} <=\r\nReason: {reason}") for subject, body, reason in (
        (f"Virtualserver {VS} - UP", "Starting with quorum up 1+0=1 <= 1", "Starting with " + weight.format(" up", 1)),
        (f"Realserver {RS} of virtual server {VS} - DOWN", "TCP CHECK failed on service", "connection refused"),
        (f"Virtualserver {VS} - DOWN", "Lost quorum 1+0=1 <= 0", "Lost " + weight.format("", 0)),
        (f"Realserver {RS} of virtual server {VS} - UP", "TCP CHECK succeed on service", "TCP_CHECK passes: connected"),
        (f"Virtualserver {VS} - UP", "Gained quorum 1+0=1 <= 1", "Gained " + weight.format("", 1)))]
    assert mails(host)[:5] == expected


def test_a_reload_that_removes_a_server_reports_it_as_down_and_one_that_removes_a_service_its_quorum_too(lan):
    # effect: virtual_server: smtp_alert
    host = director(lan)
    listen(host, "127.0.0.2:80", "127.0.0.3:80")
    both = WEB % "real_server 127.0.0.3 80 {\n }\n"
    daemon = wait_ready(host.mainstayd(GLOBAL % "" + both, "-C"))
    host.write("/run/keepalived.conf", GLOBAL % "" + WEB % "")
    daemon.send(signal.SIGHUP)
    wait_until(lambda: f"Removing service [127.0.0.3]:tcp:80 from VS {VS}" in daemon.output(), 20, daemon.output)
    assert "service [127.0.0.3]:tcp:80 no longer exist" in daemon.output()
    wait_until(lambda: (f"[LVS_1] Realserver [127.0.0.3]:tcp:80 of virtual server {VS} - DOWN",
                        "=> Removing <=") in mails(host), 20, lambda: str(mails(host)))
    assert daemon.output().count("Gained quorum") == 1

    host.write("/run/keepalived.conf", GLOBAL % "" + (WEB % "").replace("10.0.0.1", "10.0.0.2"))
    daemon.send(signal.SIGHUP)
    wait_until(lambda: f"Removing Virtual Server {VS}" in daemon.output(), 20, daemon.output)
    wait_until(lambda: "Gained quorum 1+0=1 <= 1 for VS [10.0.0.2]:tcp:80" in daemon.output(), 20, daemon.output)
    wait_until(lambda: {"2: quorum down", "2: server down"} <= set(host.read("/run/noted").splitlines()), 20,
               lambda: host.read("/run/noted"))


def test_a_service_that_leaves_a_shared_group_runs_its_own_scripts_not_those_of_the_next_one(lan):
    host = director(lan)
    listen(host, "127.0.0.2:80")
    group = "virtual_server_group g {\n 10.0.0.1 80\n}\n"
    first = (WEB % "").replace("virtual_server 10.0.0.1 80", "virtual_server group g")
    second = first.replace("protocol TCP", "protocol UDP").replace("note ", "note second ")
    daemon = wait_ready(host.mainstayd(GLOBAL % "" + group + first + second, "-C"))
    wait_until(lambda: host.read("/run/noted").count("quorum up") == 2, 20, daemon.output)
    host.write("/run/noted", "", 0o666)
    host.write("/run/keepalived.conf", GLOBAL % "" + group + second)
    daemon.send(signal.SIGHUP)
    wait_until(lambda: sorted(host.read("/run/noted").splitlines()) == ["2: quorum down", "2: server down"], 20,
               lambda: host.read("/run/noted") + daemon.output())


def test_a_reload_that_changes_one_service_changes_its_scripts_and_goes_on_with_its_checks(lan):
    host = director(lan)
    web = listen(host, "127.0.0.2:80")
    other = (WEB % "").replace("10.0.0.1", "10.0.0.2").replace("note quorum", "note other")
    daemon = wait_ready(host.mainstayd(GLOBAL % "" + WEB % "" + other, "-C"))
    wait_until(lambda: daemon.output().count(f"TCP connection to {RS} success.") == 2, 20, daemon.output)
    changed = (WEB % "").replace("note quorum down", "note quorum lost").replace('notify_down "/run/note server down"',
                                                                                "weight 3")
    host.write("/run/keepalived.conf", GLOBAL % "" + changed + other)
    daemon.send(signal.SIGHUP)
    wait_until(lambda: f"Changing weight from 1 to 3 for active service {RS} of VS {VS}" in daemon.output(), 20,
               daemon.output)

    web.stop()
    told = ["2: other down", "2: other up", "2: quorum lost", "2: quorum up", "2: server down", *["2: server up"] * 2]
    wait_until(lambda: sorted(host.read("/run/noted").splitlines()) == told, 20,
               lambda: host.read("/run/noted") + daemon.output())
    assert daemon.output().count("Activating healthchecker") == 2


def server(host, *words, code=0):
    ran = host.run([program("mainstayctl"), "server", *words], check=False)
    assert ran.returncode == code, (words, ran.stdout, ran.stderr)
    return ran.stdout + ran.stderr


def test_an_override_of_a_server_is_notified_logged_shown_and_reset(lan):
    host = director(lan)
    listen(host, "127.0.0.2:80")
    daemon = wait_ready(host.mainstayd(GLOBAL % "" + WEB % "", "-C"))
    wait_until(lambda: f"TCP connection to {RS} success." in daemon.output(), 20, daemon.output)

    assert "no server matches 127.0.0.9; known servers:" in server(host, "drain", "127.0.0.9", code=2)
    assert f"would log: Lost quorum 1-0=1 > 0 for VS {VS}" in server(host, "disable", "127.0.0.2", "--dry-run", code=1)
    assert "as configured, UP, weight 1" in server(host, "show")
    server(host, "disable", "10.0.0.1:80/127.0.0.2:80")
    wait_until(lambda: host.read("/run/lines").endswith(f"RS {RS} {VS} DOWN\nVS {VS} DOWN\n"), 20, daemon.output)
    said = re.compile(rf"server disable 10\.0\.0\.1:80/127\.0\.0\.2:80 by uid 0.*, pid \d+: {re.escape(RS)} of VS ")
    wait_until(lambda: said.search(daemon.output()), 20, daemon.output)
    checked = daemon.output().count(f"TCP connection to {RS} success.")
    assert stays(lambda: daemon.output().count(f"TCP connection to {RS} success.") == checked, 3)
    assert "disabled by uid 0" in host.run([program("mainstayctl"), "status"]).stdout

    assert "(was: disabled, DOWN, weight 1)" in server(host, "enable", "*")
    wait_until(lambda: host.read("/run/lines").endswith(f"RS {RS} {VS} UP\nVS {VS} UP\n"), 20, daemon.output)


def test_with_no_checker_emails_only_the_change_of_the_server_is_mailed(lan):
    # effect: global_defs: no_checker_emails
    host = director(lan)
    one, two = listen(host, "127.0.0.2:80"), listen(host, "127.0.0.2:81")
    second = "  TCP_CHECK {\n   connect_port 81\n   retry 1\n   delay_before_retry 0.2\n   warmup 0\n  }\n  TCP_CHECK {"
    text = (GLOBAL % "no_checker_emails" + WEB % "").replace("  TCP_CHECK {", second, 1)
    daemon = wait_ready(host.mainstayd(text, "-C"))
    wait_until(lambda: daemon.output().count(f"TCP connection to {RS} success.") == 2, 20, daemon.output)
    one.stop()
    wait_until(lambda: daemon.output().count(f"TCP_CHECK on service {RS} failed after 1 retries.") == 1, 20, daemon.output)
    two.stop()
    wait_until(lambda: daemon.output().count(f"TCP_CHECK on service {RS} failed after 1 retries.") == 2, 20, daemon.output)

    listen(host, "127.0.0.2:80", "127.0.0.2:81")
    up = f"[LVS_1] Realserver {RS} of virtual server {VS} - UP"
    wait_until(lambda: up in [subject for subject, _ in mails(host)], 20, lambda: str(mails(host)))
    assert [subject.rsplit(" ", 1)[1] for subject, _ in mails(host) if "Realserver" in subject] == ["DOWN", "UP"]


def test_of_a_mass_failure_every_event_is_kept_and_every_line_written(lan):
    """More servers fail and return at once than the event ring and a FIFO take."""
    services, servers = 60, 100
    host = lan.host("director")
    host.run(["mkfifo", "/run/fifo"])
    host.write("/run/file", "0\n")
    host.start(["sh", "-c", "exec cat </run/fifo >/run/lines"], name="reader")
    config = "global_defs {\n lvs_notify_fifo /run/fifo\n}\ntrack_file f {\n file /run/file\n}\n"
    for service in range(services):
        config += f"virtual_server 10.1.{service}.1 80 {{\n protocol TCP\n"
        for server in range(1, servers + 1):
            config += f" real_server 10.2.{service}.{server} 80 {{\n  FILE_CHECK {{\n   track_file f\n   weight 0\n  }}\n }}\n"
        config += "}\n"
    daemon = wait_ready(host.mainstayd(config))

    def written(word):
        return len(set(re.findall(rf"^RS \S+ \S+ {word}$", host.read("/run/lines"), re.MULTILINE)))

    for number, word in ("1", "DOWN"), ("0", "UP"):
        host.write("/run/file", number + "\n")
        wait_until(lambda word=word: written(word) == services * servers, 60, lambda word=word: f"{written(word)}")
    status = json.loads(host.run([program("mainstayctl"), "status", "--json"]).stdout)
    assert status["observer"]["events_lost"] == 0
    assert "were overwritten" not in daemon.output()
