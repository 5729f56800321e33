"""`mainstayctl why` in situations that are set up with real daemons, word by word. Those of VRRP:

 1 BACKUP because a higher priority is seen         8 priority lowered by a tracked file
 2 MASTER because the other one fell silent         9 priority lowered by a tracked process
 3 MASTER because it preempted a lower priority    10 FAULT because another member of the sync group is
 4 MASTER because the other one resigned           11 nopreempt stays BACKUP behind a lower priority
 5 FAULT because the own interface is down         12 BACKUP because an operator handed it over
 6 FAULT because a script without weight fails     13 BACKUP in maintenance
 7 FAULT because a tracked interface is down       14 MASTER because nobody else advertised
and priority lowered by a script (15). Those of virtual servers are in tests/lab/test_why_servers.py.
"""

import pytest

from support.paths import program
from support.vrrp import fast, office, partition, wait_holds, wait_ready, wait_released
from support.wait import wait_until
from support.why import reasons, wait_reason, wait_why

GLOBAL = "global_defs {\n enable_script_security\n script_user root\n}\n"
SCRIPT = "vrrp_script chk {\n script \"/usr/bin/test ! -e /run/broken\"\n interval 1\n fall 1\n rise 1\n%s}\n"
ONE, TWO = "192.168.4.11", "192.168.4.12"


def pair(lan, first="", second="", before="", priorities=(150, 100)):
    """Two directors, the first of which is MASTER; what the first one's instance has more, the second one's, and what is before."""
    one, two = office(lan, "one", "two")
    daemon = wait_ready(one.mainstayd(GLOBAL + before + fast(priority=priorities[0], more=first)))
    wait_holds(one)
    return one, two, daemon, wait_ready(two.mainstayd(fast(priority=priorities[1], more=second)))


def second_link(host):
    """eth1, whose other end is up."""
    host.run(["ip", "link", "add", "eth1", "type", "veth", "peer", "name", "eth1p"])
    for name in ("eth1", "eth1p"):
        host.run(["ip", "link", "set", name, "up"])


def test_backup_behind_a_higher_priority_master_after_silence_preemption_and_resignation(lan):
    one, two, daemon, _ = pair(lan)
    wait_why(one, "VI_1", "VI_1 is MASTER since NOW because no other router advertised")
    wait_why(two, "VI_1", f"VI_1 is BACKUP since NOW because {ONE} advertises priority 150, this router has 100")

    partition(lan, two)
    wait_why(two, "VI_1", f"VI_1 is MASTER since NOW because no advertisement of {ONE} (priority 150) arrived for T")
    partition(lan, two, cut=False)
    wait_why(two, "VI_1", f"VI_1 is BACKUP since NOW because {ONE} advertises priority 150, this router has 100",
             f"NOW: it came to BACKUP because {ONE} advertises priority 150, this router had 100")

    daemon.stop(timeout=15)
    wait_why(two, "VI_1", f"VI_1 is MASTER since NOW because {ONE} resigned (priority 0)")
    wait_ready(one.mainstayd(fast(priority=150), name="again.conf"))
    wait_why(one, "VI_1", f"VI_1 is MASTER since NOW because {TWO} advertised only priority 100, this router has 150: preempted")
    unknown = one.run([program("mainstayctl"), "why", "VI_2"], check=False)
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "nothing here is called VI_2; did you mean VI_1?" in unknown.stderr


def test_a_priority_that_a_script_a_file_and_a_process_lower(lan):
    one, two = office(lan, "one", "two")
    one.run(["cp", "/bin/sleep", "/run/worker"])
    worker = one.start(["/run/worker", "1000"])
    one.write("/run/load", "0\n")
    before = (SCRIPT % " weight -60\n" + "track_file load {\n file /run/load\n weight -2\n}\n"
              "vrrp_track_process work {\n process worker\n weight 30\n}\n")
    wait_ready(one.mainstayd(GLOBAL + before + fast(
        priority=120, more="track_script {\n chk\n }\n track_file {\n load\n }\n track_process {\n work\n }")))
    wait_holds(one)
    wait_ready(two.mainstayd(fast(priority=100)))
    wait_reason(one, "VI_1", "its priority is 150: base 120, +30 by track_process work (1 process)")

    one.write("/run/load", "10\n")
    wait_reason(one, "VI_1", "its priority is 130: base 120, -20 by track_file load (it holds 10), +30 by track_process work (1 process)")
    one.write("/run/load", "20\n")
    worker.stop()
    wait_why(one, "VI_1", f"VI_1 is BACKUP since NOW because {TWO} advertises priority 100, this router has 80: base 120, "
             "-40 by track_file load (it holds 20)")
    assert reasons(one, "load")[0] == "the file load holds 20"

    one.write("/run/load", "0\n")
    one.write("/run/broken", "")
    wait_why(one, "VI_1", f"VI_1 is BACKUP since NOW because {TWO} advertises priority 100, this router has 60: base 120, "
             "-60 by track_script chk (DOWN since NOW: exited with status 1)")


def test_a_fault_of_the_interface_of_a_tracked_interface_and_of_a_script(lan):
    (one,) = office(lan, "one")
    second_link(one)
    wait_ready(one.mainstayd(GLOBAL + SCRIPT % "" + fast(more="track_interface {\n eth1\n }\n track_script {\n chk\n }")))
    wait_holds(one)

    one.run(["ip", "link", "set", "eth0", "down"])
    wait_why(one, "VI_1", "VI_1 is FAULT since NOW because interface eth0 down")
    assert reasons(one, "eth0")[:2] == ["eth0 is DOWN: its link is down", "VI_1 is FAULT since NOW because of it"]
    one.run(["ip", "link", "set", "eth0", "up"])
    wait_holds(one)

    one.run(["ip", "link", "set", "eth1", "down"])
    wait_why(one, "VI_1", "VI_1 is FAULT since NOW because interface eth1 down")
    assert reasons(one, "eth1")[:2] == ["eth1 is DOWN: its link is down", "VI_1 is FAULT since NOW because of it"]
    one.run(["ip", "link", "set", "eth1", "up"])
    wait_holds(one)

    one.write("/run/broken", "")
    wait_why(one, "VI_1", "VI_1 is FAULT since NOW because script chk fails", "track_script chk is DOWN since NOW: exited with status 1")
    wait_why(one, "chk", "chk is DOWN since NOW because it exited with status 1")


def test_what_a_failed_script_wrote_to_stderr_is_in_the_log_and_in_why(lan):
    (one,) = office(lan, "one")
    one.write("/run/chk", "#!/bin/sh\necho connecting >&2\necho 'no such host: db' >/dev/stderr\ntest ! -e /run/broken\n", 0o755)
    one.write("/run/notify", "#!/bin/sh\nexec 1>/dev/null\n(sleep 1; echo late >&2; echo $? >/run/lived) &\necho cannot mail >&2\nexit 3\n",
              0o755)
    daemon = wait_ready(one.mainstayd(
        "global_defs {\n script_user nobody\n enable_script_security\n}\nvrrp_script chk {\n script /run/chk\n interval 1\n}\n" +
        fast(more="track_script {\n chk\n }\n notify_master \"/run/notify\" root")))
    wait_holds(one)
    wait_until(lambda: "script instance/VI_1/master failed (exit status 3); its last lines on stderr: cannot mail\n"
               in daemon.output(), 10, daemon.output)
    wait_until(lambda: one.path("/run/lived").exists() and one.read("/run/lived") == "0\n", 10,
               "what the notify script left running to live")
    assert "no such host" not in daemon.output()

    one.write("/run/broken", "")
    why = "exited with status 1: connecting | no such host: db"
    wait_why(one, "chk", f"chk is DOWN since NOW because it {why}")
    wait_reason(one, "VI_1", f"track_script chk is DOWN since NOW: {why}")
    assert daemon.output().count("failed (exit status 1); its last lines on stderr: connecting | no such host: db\n") == 1


def test_a_sync_group_pulls_its_members_along(lan):
    (one,) = office(lan, "one")
    second_link(one)
    wait_ready(one.mainstayd("vrrp_sync_group G {\n group {\n VI_1\n VI_2\n }\n}\n" + fast()
                             + fast("VI_2", 52, "192.168.4.201", more="track_interface {\n eth1\n }")))
    wait_holds(one)
    wait_why(one, "G", "G is MASTER since NOW because all 2 of its instances are MASTER")

    one.run(["ip", "link", "set", "eth1", "down"])

    wait_why(one, "VI_1", "VI_1 is FAULT since NOW because sync group G", "VI_2 of sync group G is FAULT since NOW: interface eth1 down")
    wait_why(one, "G", "G is FAULT since NOW because 1 of its 2 instances is FAULT: VI_2",
             "VI_2 is FAULT since NOW because interface eth1 down")


def test_nopreempt_stays_backup_behind_a_lower_priority(lan):
    one, two = office(lan, "one", "two")
    wait_ready(two.mainstayd(fast(priority=100)))
    wait_holds(two)
    wait_ready(one.mainstayd(fast(priority=150, more="nopreempt")))
    wait_why(one, "VI_1", f"VI_1 is BACKUP since NOW because {TWO} is MASTER with priority 100, and this router, which has 150, "
             "does not preempt it (nopreempt, or preempt_delay has not passed)")


@pytest.mark.parametrize("command", ["failover", "maintenance"])
def test_what_an_operator_did_is_said_with_who(lan, command):
    one, two, _, _ = pair(lan)
    by = {"failover": ["failover", "VI_1"], "maintenance": ["maintenance", "on", "--reason", "new kernel"]}[command]
    done = one.run([program("mainstayctl"), *by], check=False)
    assert done.returncode == 0, (done.stdout, done.stderr)
    wait_holds(two)
    wait_released(one)
    wait_why(two, "VI_1", f"VI_1 is MASTER since NOW because {ONE} resigned (priority 0)")
    if command == "failover":
        wait_why(one, "VI_1", f"VI_1 is BACKUP since NOW because {TWO} is MASTER with priority 100, and this router, which has 150, "
                 "does not preempt it (an operator handed it over)",
                 "an operator handed it over: until it is MASTER again it respects every other master, as with nopreempt",
                 "NOW: it came to BACKUP because an operator handed it over")
    else:
        wait_why(one, "VI_1", f"VI_1 is BACKUP since NOW because {TWO} advertises priority 100, this router has 1")
        assert any("began maintenance of this director (new kernel): its instances have priority 1 and are MASTER only if no "
                   "other router is heard" in one_reason for one_reason in reasons(one, "VI_1"))
        assert not any(one_reason.startswith("an operator handed it over") for one_reason in reasons(one, "VI_1"))
