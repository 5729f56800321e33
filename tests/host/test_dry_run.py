"""`mainstayctl reload --dry-run`: the daemon tells what a reload would do, and the reload then does it."""

import json
import re
import signal

from support.paths import program
from support.vrrp import VIP, instance, office, started, wait_holds, wait_ready, wait_released
from support.wait import wait_until

OTHER = "192.168.4.201/24"


def dry_run(host, *options, as_user=()):
    return host.run([*as_user, program("mainstayctl"), "reload", "--dry-run", *options], check=False)


def test_a_file_that_is_unchanged_changes_nothing(lan):
    one, _ = started(lan, instance("MASTER", 150))

    answer = dry_run(one)

    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout == ("a reload would read /run/keepalived.conf\nno changes\n"
                             "unchanged: 1 instance, 0 services; IPVS table changes: 0\n")


def test_the_daemon_says_what_is_different_goes_on_unchanged_and_then_does_exactly_that(lan):
    one, daemon = started(lan, instance("MASTER", 150))
    one.write("/run/keepalived.conf", instance("MASTER", 140, vip=OTHER) + instance(
        "BACKUP", 90, vip="192.168.4.210", vrid=60, name="VI_2"))

    answer = dry_run(one)

    assert (answer.returncode, answer.stderr) == (1, "")
    assert "change instance VI_1\n         it keeps its state, timers and counters\n" in answer.stdout
    assert re.search(r"^         priority 150 -> 140 \(/run/keepalived\.conf:\d+\)$", answer.stdout, re.M)
    assert f"remove address {VIP}/32 on eth0\n" in answer.stdout
    assert f"add    address {OTHER} on eth0\n" in answer.stdout
    assert "add    instance VI_2\n         virtual_router_id 60 on eth0, priority 90" in answer.stdout
    assert one.holds(VIP) and not one.holds(OTHER)
    assert "Reload" not in daemon.output()

    daemon.send(signal.SIGHUP)
    wait_until(lambda: "Reload complete" in daemon.output(), 10, "the reload")
    wait_holds(one, OTHER)
    wait_released(one, VIP)
    assert daemon.output().count("(VI_1) Entering MASTER STATE") == 1
    assert dry_run(one).returncode == 0


def test_what_would_be_refused_is_reported_with_its_place(lan):
    one, daemon = started(lan, instance("MASTER", 150))
    clash = instance("MASTER", 150) + instance(name="VI_2", vip="192.168.4.223")
    one.write("/run/keepalived.conf", clash)

    answer, as_json = dry_run(one), dry_run(one, "--json")

    assert answer.returncode == 2
    assert "a reload of /run/keepalived.conf would be refused" in answer.stdout
    assert "/run/keepalived.conf:" in answer.stdout.splitlines()[1]
    told = json.loads(as_json.stdout)
    assert (as_json.returncode, told["refused"], told["file"]) == (2, True, "/run/keepalived.conf")
    assert any(entry["severity"] == "fatal" and entry["line"] > 0 for entry in told["diagnostics"])
    daemon.send(signal.SIGHUP)
    wait_until(lambda: "stays in use" in daemon.output(), 10, "the refusal")
    assert one.holds(VIP)


def test_the_options_that_the_daemon_was_started_with_count(lan):
    one, _ = started(lan, "@red " + "\n@red ".join(instance("MASTER", 150).splitlines()) + "\n", "-i", "red",
                     "--strict")

    assert dry_run(one).returncode == 0

    one.write("/run/keepalived.conf", instance("MASTER", 150) + "global_defs {\n    router_id LVS_1 enable_traps 5\n}\n")
    answer = dry_run(one)
    assert answer.returncode == 2
    assert "would be refused because --strict allows no warnings" in answer.stdout
    assert "enable_traps" in answer.stdout


def test_an_include_that_changed_is_seen(lan):
    one, _ = office(lan, "one", "two")
    one.write("/run/vi.conf", instance("MASTER", 150))
    wait_ready(one.mainstayd("include vi.conf\n"))
    wait_holds(one)
    assert dry_run(one).returncode == 0

    one.write("/run/vi.conf", instance("MASTER", 120))
    answer = dry_run(one, "--json")

    assert answer.returncode == 1
    (change,) = json.loads(answer.stdout)["changes"]
    assert (change["action"], change["kind"], change["name"]) == ("change", "instance", "VI_1")
    assert "priority 150 -> 120" in change["details"]


def test_a_changed_password_is_reported_without_being_shown(lan):
    def with_password(word):
        return instance("MASTER", 150, auth=False, more=f"authentication {{\n auth_type PASS\n auth_pass {word}\n }}")
    one, _ = started(lan, with_password("sesame1"))
    one.write("/run/keepalived.conf", with_password("sesame2"))

    answer, as_json = dry_run(one), dry_run(one, "--json")

    assert answer.returncode == 1
    assert "authentication auth_pass changed" in answer.stdout
    assert "sesame" not in answer.stdout + as_json.stdout


TERMINAL = ("import os, pty, sys\n"
            "sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))\n")


def test_at_a_terminal_a_reload_whose_errors_leave_something_out_wants_yes(lan):
    script = 'vrrp_script chk {\n script "/bin/true"\n interval 60\n}\n'
    tracked = script + instance("MASTER", 150, more="track_script {\n chk\n }")
    one, daemon = started(lan, tracked)
    one.write("/run/keepalived.conf", tracked.replace("track_script {", "track_scripts {"))
    reload = [program("mainstayctl"), "reload"]

    asked = one.run(["/usr/bin/python3", "-c", TERMINAL, *reload], check=False)

    assert asked.returncode == 2, asked.stdout
    said = asked.stdout.replace("\r\n", "\n")
    assert "worse: track_script chk removed" in said
    assert "1 error that the running configuration does not have:\n  /run/keepalived.conf:" in said
    assert said.endswith("fix them, or reload with --yes\n")
    assert "Reloading" not in daemon.output()
    assert one.run(["/usr/bin/python3", "-c", TERMINAL, *reload, "--yes"], check=False).returncode == 0
    wait_until(lambda: "Reload complete" in daemon.output(), 10, "the reload")
    assert re.search(r"1 error in /run/keepalived\.conf that the running configuration does not have, with which something is "
                     r"missing: change instance VI_1: .*track_script chk removed", daemon.output())

    one.write("/run/keepalived.conf", tracked)
    assert one.run(reload).returncode == 0
    one.write("/run/keepalived.conf", tracked.replace("track_script {", "track_scripts {"))
    assert one.run(reload, check=False).returncode == 0  # nobody to ask
    again = one.run(reload, check=False)
    assert "1 error that the running configuration has, too, and 1 warning: see mainstayctl config check" in again.stdout


def test_only_root_is_answered_and_without_a_daemon_nobody(lan):
    one, daemon = started(lan, instance("MASTER", 150))
    uid = one.run(["id", "-u", "mainstay-obs"]).stdout.strip()

    refused = dry_run(one, as_user=["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"])

    assert (refused.returncode, refused.stdout) == (4, "")
    assert daemon.stop() == 0
    gone = dry_run(one)
    assert (gone.returncode, gone.stdout) == (3, "")
    assert "mainstayd is not running" in gone.stderr
    assert not one.path("/run/mainstay/supervisor.sock").exists()


def test_a_socket_that_root_does_not_serve_is_not_believed(lan):
    (one,) = office(lan, "one")
    one.run(["mkdir", "-p", "/run/mainstay"])
    one.run(["chown", "65534", "/run/mainstay"])
    server = ("import socket\ns = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n"
              "s.bind('/run/mainstay/supervisor.sock')\ns.listen()\nprint('up', flush=True)\nwhile True: s.accept()\n")
    one.start(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/python3", "-c", server])
    wait_until(lambda: one.path("/run/mainstay/supervisor.sock").exists(), 10, "the socket")

    def answered():
        answer = dry_run(one)
        return answer if "no answer at" not in answer.stderr else None
    answer = wait_until(answered, 10, "somebody to listen")

    assert answer.returncode == 4
    assert "is not served by root" in answer.stderr


def test_the_status_says_which_files_the_daemon_was_started_with(lan):
    one, _ = started(lan, instance("MASTER", 150), "-i", "red")

    def shown():
        answer = one.run([program("mainstayctl"), "status", "--json"], check=False)
        return json.loads(answer.stdout)["configuration"] if answer.returncode == 0 else None
    told = wait_until(shown, 10, "the status")

    assert told == {"file": "/run/keepalived.conf", "config_id": "red", "settings": "/etc/mainstay/mainstay.toml",
                    "net_namespace": ""}
