"""mainstayctl why, events, status --check and what survives a restart, with a real pair."""

import json
import signal

from support.lvs import real_server, virtual_server
from support.paths import program
from support.vrrp import fast, office, partition, role_pid, wait_holds, wait_ready
from support.wait import wait_until

SCRIPT = "vrrp_script chk {\n script \"/usr/bin/test ! -e /run/broken\"\n interval 1\n fall 1\n weight -60\n}\n"
SERVICE = """virtual_server 192.168.4.220 80 {
 lb_algo rr
 lb_kind NAT
 protocol TCP
 delay_loop 1
 real_server 127.0.0.1 9 {
  TCP_CHECK {
   connect_timeout 1
   retry 0
  }
 }
}
"""


def ctl(host, *arguments):
    return host.run([program("mainstayctl"), *arguments], check=False)


def first_reason(host, name):
    answer = ctl(host, "why", name, "--json")
    return json.loads(answer.stdout)["reasons"][0] if answer.returncode == 0 else ""


def wait_why(host, name, *parts):
    wait_until(lambda: all(part in first_reason(host, name) for part in parts), 20,
               lambda: f"{parts} in the reason: {ctl(host, 'why', name)}")


def events(host, *arguments):
    shown = ctl(host, "events", "--json", *arguments)
    return [json.loads(line) for line in shown.stdout.splitlines()] if shown.returncode == 0 else []


def test_why_names_the_packets_the_scripts_and_the_checks_that_made_a_state(lan):
    one, two = office(lan, "one", "two")
    wait_ready(one.mainstayd("global_defs {\n enable_script_security\n script_user root\n}\n" + SCRIPT + SERVICE
                             + fast(priority=150, more="track_script {\n chk\n }")))
    wait_holds(one)
    wait_ready(two.mainstayd(fast(priority=100)))
    wait_why(two, "VI_1", "VI_1 is BACKUP since", "192.168.4.11 advertises priority 150, this router has 100")

    one.write("/run/broken", "")
    wait_why(one, "VI_1", "VI_1 is BACKUP since", "192.168.4.12 advertises priority 100, this router has 90: base 150, "
             "-60 by track_script chk (DOWN since", "exited with status 1")
    wait_why(two, "VI_1", "VI_1 is MASTER since", "192.168.4.11 advertised only priority 90, this router has 100")
    wait_why(one, "127.0.0.1:9", "[127.0.0.1]:tcp:9 is out of the table since", "TCP_CHECK 127.0.0.1:9 failed: ")

    partition(lan, two)
    wait_why(one, "VI_1", "VI_1 is MASTER since", "no advertisement of 192.168.4.12 (priority 100) arrived for ")
    unknown = ctl(one, "why", "VI_2")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "nothing here is called VI_2; did you mean VI_1?" in unknown.stderr
    assert ctl(one, "why", "192.168.4.220").stdout.startswith("[192.168.4.220]:tcp:80 has lost its quorum")


def test_the_history_of_events_reaches_back_over_a_restart_and_a_killed_observer(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(fast() + SERVICE))
    wait_holds(one)
    wait_until(lambda: any(e["transition"] == "MASTER" for e in events(one)), 10, "the event")
    before = events(one)

    one.run(["kill", "-9", str(role_pid(one, "mainstayd-obs"))])
    wait_until(lambda: events(one) == before, 20, lambda: f"{before}, not {events(one)}")
    daemon.send(signal.SIGTERM)
    daemon.wait(20)
    wait_ready(one.mainstayd(fast() + SERVICE, name="again.conf"))
    wait_until(lambda: len([e for e in events(one) if e["transition"] == "MASTER"]) == 2, 15, "two takeovers")

    ids = [event["id"] for event in events(one)]
    assert events(one)[:len(before)] == before
    assert ids == sorted(set(ids))
    assert {e["kind"] for e in events(one, "--instance", "VI_*")} == {"instance"}
    assert {e["kind"] for e in events(one, "--service", "192.168.4.220:80")} <= {"server", "service"}
    assert events(one, "--since", "1 hour ago") == events(one)
    assert ctl(one, "events", "--since", "soon").returncode == 2
    assert "instance VI_1  MASTER" in ctl(one, "events").stdout


def test_events_are_followed(lan):
    (one,) = office(lan, "one")
    wait_ready(one.mainstayd(SCRIPT.replace("weight -60", "weight 0") + "global_defs {\n script_user root\n}\n"
                             + fast(more="track_script {\n chk\n }")))
    wait_holds(one)
    follower = one.start([program("mainstayctl"), "events", "--follow"])
    wait_until(lambda: "MASTER" in follower.output(), 10, "the first events")

    one.write("/run/broken", "")

    wait_until(lambda: "instance VI_1  FAULT" in follower.output(), 15, lambda: follower.output())
    follower.stop()


def test_the_check_for_monitoring_exits_as_plugins_do(lan):
    (one,) = office(lan, "one")
    gone = ctl(one, "status", "--check")
    assert (gone.returncode, gone.stdout[:19]) == (2, "MAINSTAY CRITICAL -")
    wait_ready(one.mainstayd(fast()))
    wait_holds(one)
    wait_until(lambda: ctl(one, "status", "--check").returncode == 0, 10, lambda: str(ctl(one, "status", "--check")))

    one.run(["ip", "link", "set", "eth0", "down"])

    wait_until(lambda: ctl(one, "status", "--check").returncode == 2, 10, lambda: str(ctl(one, "status", "--check")))
    assert "VI_1 is in FAULT: interface eth0 down" in ctl(one, "status", "--check", "VI_1").stdout
    assert ctl(one, "status", "--check", "VI_2").returncode == 3
    assert ctl(one, "status", "--check", "--chek").returncode == 3
    mistyped = ctl(one, "stauts")
    assert (mistyped.returncode, mistyped.stderr) == (2, "mainstayctl: there is no command stauts; did you mean status?\n")


def test_each_part_of_the_status_has_a_command_of_its_own(lan):
    (one,) = office(lan, "one")
    wait_ready(one.mainstayd(fast() + virtual_server("10.0.0.2 80", real_server("127.1.0.9 80"))))
    wait_holds(one)
    vrrp, lvs = ctl(one, "vrrp"), ctl(one, "lvs")
    assert vrrp.returncode == lvs.returncode == 0
    assert ("VI_1 " in vrrp.stdout, "10.0.0.2" in vrrp.stdout) == (True, False)
    assert ("VI_1 " in lvs.stdout, "[10.0.0.2]:tcp:80" in lvs.stdout) == (False, True)
    assert [part for part in ("vrrp", "lvs", "mail") if part in json.loads(ctl(one, "vrrp", "--json").stdout)] == ["vrrp"]
    assert [part for part in ("vrrp", "lvs", "mail") if part in json.loads(ctl(one, "lvs", "--json", "10.0.0.2").stdout)] == ["lvs"]
    assert ctl(one, "vrrp", "10.0.0.2").returncode == 1


def test_wrong_arguments_are_said_with_the_command_that_helps(lan):
    one = lan.host("one")
    wrong = ctl(one, "server", "drain", "10.0.0.1:80", "10.0.0.11:80")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr == ("mainstayctl server drain: The following argument was not expected: 10.0.0.11:80\n"
                            "a server of one service is named SERVICE/SERVER, as in 10.0.0.1:80/10.0.0.11:80\n"
                            "`mainstayctl server drain --help` lists what it takes\n")
    assert ctl(one, "events", "--line", "5").returncode == 2
    assert ctl(one, "events", "--help").returncode == 0
