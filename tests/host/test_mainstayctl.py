"""mainstayctl on a running director: the history of events, the check for monitoring, the parts of the status, another host over
ssh, and wrong words. Commands with a file of their own: test_status.py, test_why.py, test_mail.py and others."""

import json
import signal

from support.lvs import real_server, virtual_server
from support.paths import program
from support.vrrp import fast, office, role_pid, wait_holds, wait_ready
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


def ctl(host, *arguments, before=()):
    return host.run([*before, program("mainstayctl"), *arguments], check=False)


def events(host, *arguments):
    shown = ctl(host, "events", "--json", *arguments)
    return [json.loads(line) for line in shown.stdout.splitlines()] if shown.returncode == 0 else []


def test_the_history_of_events_reaches_back_over_a_restart_and_a_killed_observer(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(fast() + SERVICE))
    wait_holds(one)
    wait_until(lambda: {("instance", "MASTER"), ("service", "DOWN")} <= {(e["kind"], e["transition"]) for e in events(one)}, 20,
               lambda: f"the instance to be MASTER, and the service, whose server is down, to be DOWN: {events(one)}")
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
    assert ctl(one, "events", "--since", "1 hour ago").stderr.startswith("mainstayctl: the oldest event that is known is of ")
    assert ctl(one, "events", "--since", "1 hour ago").stderr.endswith(": what happened before is not known\n")
    assert ctl(one, "events", "--since", "now").stderr == ""
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
    # a variable that a script forgot to set is not "all"
    for words in (["server", "drain"], ["server", "show"], ["status"], ["events", "--service"], ["api", "credential"]):
        empty = ctl(one, *words, "")
        assert empty.returncode == 2 and ": it is empty\n" in empty.stderr, words
    assert "--udp requires SERVICE" in ctl(one, "why", "VI_1", "--udp").stderr
    assert "SERVICE excludes --json" in ctl(one, "why", "10.0.0.2:4000", "10.0.0.1:80", "--json").stderr
    assert ctl(one, "events", "--help").returncode == 0


def test_the_nearest_command_is_named_also_below_a_command(lan):
    one = lan.host("one")
    for words, said in ((["stauts"], "stauts; did you mean status?"), (["mail", "que"], "mail que; did you mean mail queue?"),
                        (["server", "--dry-run", "drian"], "server drian; did you mean server drain?"),
                        (["--socket", "/x", "mial", "queue"], "mial; did you mean mail?")):
        mistyped = ctl(one, *words)
        assert (mistyped.returncode, mistyped.stderr) == (2, f"mainstayctl: there is no command {said}\n")
    unlike = ctl(one, "mail", "zzzzzzzz")
    assert unlike.returncode == 2 and "mainstayctl mail --help lists them" in unlike.stderr


def test_a_command_for_another_host_goes_to_ssh_and_arrives_as_it_was(lan):
    (one,) = office(lan, "one")
    wait_ready(one.mainstayd(fast()))
    wait_holds(one)
    wait_until(lambda: ctl(one, "status").returncode == 0, 20, "the observer to answer")
    # Stands for ssh and the login shell of the other host, which is this one.
    one.write("/run/bin/ssh", f"""#!/bin/sh
printf '%s\\n' "$@" >/run/ssh.arguments
[ "$1" = -- ] || exit 255
PATH="{str(program("mainstayctl")).rsplit("/", 1)[0]}:$PATH"
export PATH
exec sh -c "$3"
""", 0o755)
    with_ssh = ["env", "PATH=/run/bin:/usr/bin:/bin"]

    def remote(*words, code):
        ran = ctl(one, *words, before=with_ssh)
        assert ran.returncode == code, (words, ran.returncode, ran.stdout, ran.stderr)
        return ran.stdout + ran.stderr

    shown = remote("--host", "root@lb2", "status", "VI_1", code=0)

    assert "VI_1" in shown and "MASTER" in shown
    assert one.read("/run/ssh.arguments").splitlines() == ["--", "root@lb2", "mainstayctl status VI_1"]
    asked = "it's \"$HOME\" `id`; exit 7"
    assert asked in remote("--host", "lb2", "why", asked, code=1)
    assert "no mail that waits" in remote("--host", "lb2", "mail", "drop", "gone", code=2)
    one.write("/run/ssh.arguments", "")
    for host in ("-oProxyCommand=touch /run/owned", "a b", "$(id)"):
        assert "--host takes USER@HOST or HOST" in remote(f"--host={host}", "status", code=2)
    assert one.read("/run/ssh.arguments") == ""
