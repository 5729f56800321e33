"""`mainstayctl upgrade`: the daemon becomes another program, and nobody on the network notices."""

import json
import shlex
import re
import signal

from support.capture import Capture
from support.paths import program
from support.vrrp import VIP, instance, office, role_pid, signal_role, wait_holds, wait_ready, wait_released
from support.wait import wait_until

ROLES = ("mainstayd-vrrp", "mainstayd-obs")


def upgrade(host, *options):
    return host.run([program("mainstayctl"), "upgrade", *options], check=False, timeout=60)


def counters(host):
    status = json.loads(host.run([program("mainstayctl"), "status", "--json"]).stdout)
    return status["vrrp"]["instances"][0]["counters"]


def main_pid(host):
    return int(host.read("/run/mainstay/mainstayd.pid"))


def pair(lan, interval, first="mainstay", version=3):
    settings = f"global_defs {{\n vrrp_version {version}\n}}\n"
    one, two = office(lan, "one", "two")
    watcher = two.mainstayd if first == "mainstay" else two.keepalived
    daemon = wait_ready(one.mainstayd(settings + instance("MASTER", 150, interval=interval, auth=version == 2)))
    wait_holds(one)
    peer = watcher(settings + instance("BACKUP", 100, interval=interval, auth=version == 2))
    wait_until(lambda: "Entering BACKUP STATE" in peer.output(), 20, peer.output)
    wait_until(lambda: "mainstayd-obs" in one.process_names(), 10, "the observer")
    return one, two, daemon, peer


def wait_event(host, reason):
    """That the history has it, as the newest event of the instance."""
    events = lambda: host.run([program("mainstayctl"), "events", "--instance", "VI_1"], check=False).stdout  # noqa: E731
    wait_until(lambda: re.search(rf"  instance VI_1  MASTER  priority 150  {reason} of the process before\n$", events()), 20, events)


def test_an_upgrade_replaces_every_process_but_the_peer_sees_one_master_all_along(lan):
    one, two, daemon, peer = pair(lan, 0.1)
    supervisor, before = main_pid(one), {role: role_pid(one, role) for role in ROLES}
    wait_until(lambda: counters(one)["advert_sent"] > 20, 10, "some adverts")
    sent = counters(one)["advert_sent"]
    entered = daemon.output().count("Entering MASTER STATE")

    with Capture(two) as capture:
        done = upgrade(one)
        seen = len(capture.packets())
        capture.wait_for(seen + 5)
        sources = {p["IP"].src for p in capture.packets()}

    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"upgraded from \S+ to \S+: 2 roles were replaced\n", done.stdout)
    assert sources == {"192.168.4.11"}
    assert peer.output().count("Entering MASTER STATE") == 0
    assert one.holds(VIP) and not two.holds(VIP)
    assert main_pid(one) == supervisor and daemon.alive()
    assert all(role_pid(one, role) != before[role] for role in ROLES)
    assert daemon.output().count("Entering MASTER STATE") == entered
    wait_until(lambda: counters(one)["advert_sent"] > sent, 10, "counters that go on")
    wait_event(one, r"the daemon was upgraded from version \S+: this router stayed MASTER, \S+ s after the last advertisement")

    # It is an ordinary daemon afterwards: it reloads, is upgraded again, survives a crash, and stops.
    one.write("/run/keepalived.conf", one.read("/run/keepalived.conf").replace(VIP, "192.168.4.201"))
    daemon.send(signal.SIGHUP)
    wait_holds(one, "192.168.4.201")
    assert upgrade(one).returncode == 0
    old = signal_role(one, "mainstayd-vrrp", signal.SIGKILL)
    wait_until(lambda: role_pid(one, "mainstayd-vrrp") != old, 10, "another vrrp process")
    wait_event(one, r"the VRRP process died and was restarted: this router stayed MASTER, \S+ s after the last advertisement")
    assert peer.output().count("Entering MASTER STATE") == 0
    assert daemon.stop() == 0
    wait_released(one, "192.168.4.201")


def test_keepalived_as_the_peer_does_not_notice_an_upgrade_either(lan):
    one, two, daemon, peer = pair(lan, 1, "keepalived", version=2)

    assert upgrade(one).returncode == 0

    wait_until(lambda: "upgrade complete" in daemon.output(), 10, "the end")
    assert one.holds(VIP) and not two.holds(VIP)
    assert "Entering MASTER STATE" not in peer.output()


def test_a_program_that_cannot_load_what_runs_is_refused_and_everything_stays(lan):
    one, _, daemon, peer = pair(lan, 0.1)
    before = {role: role_pid(one, role) for role in ROLES}
    # The real program, given a state block of a format that it does not know.
    garbage = one.write("/run/garbage", "MSTATE99" * 4096)
    spoilt = one.write("/run/spoilt", f"#!/bin/bash\nfor fd in {{16..40}}; do\n"
                       "  if [[ $(readlink /proc/self/fd/$fd) == *vrrp-state* ]]; then eval \"exec $fd<>"
                       f"{garbage}\"; fi\ndone\nexec {shlex.quote(program('mainstayd'))} \"$@\"\n", mode=0o755)
    silent = one.write("/run/silent", "#!/bin/bash\nexit 3\n", mode=0o755)

    unreadable, mute, missing = upgrade(one, spoilt), upgrade(one, silent), upgrade(one, "/run/nothing-there")

    assert [r.returncode for r in (unreadable, mute, missing)] == [2, 2, 2]
    assert "state of mainstayd-vrrp" in unreadable.stderr and "upgrade refused, nothing was changed" in unreadable.stderr
    assert "did not confirm that it can continue (exit status 3)" in mute.stderr
    assert "/run/nothing-there" in missing.stderr and "No such file" in missing.stderr
    assert {role: role_pid(one, role) for role in ROLES} == before
    assert "Entering MASTER STATE" not in peer.output() and one.holds(VIP)
    assert daemon.output().count("upgrade refused") == 3
    check = one.run([program("mainstayctl"), "status", "--check"], check=False)
    assert check.returncode == 1 and " was refused: " in check.stdout and "/run/nothing-there" in check.stdout, check.stdout
    assert upgrade(one).returncode == 0
    wait_until(lambda: one.run([program("mainstayctl"), "status", "--check"], check=False).returncode == 0, 20, "no problem")


def test_a_script_that_runs_during_the_upgrade_is_waited_for_by_the_new_program(lan):
    (one,) = office(lan, "one")
    script = one.write("/run/slow.sh", "#!/bin/bash\necho begin >>/run/ran\nread -t 60 <>/run/go\necho end >>/run/ran\n",
                       mode=0o755)
    one.run(["mkfifo", "/run/go"])
    settings = "global_defs {\n script_user root\n}\n"
    daemon = wait_ready(one.mainstayd(settings + instance(more=f"notify_master {script}")))
    wait_until(lambda: one.path("/run/ran").exists(), 20, "the script to run")

    assert upgrade(one).returncode == 0
    assert daemon.alive()
    one.write("/run/go.txt", "\n")
    one.run(["bash", "-c", "echo >/run/go"])

    wait_until(lambda: one.read("/run/ran") == "begin\nend\n", 10, "the script to end")
    wait_until(lambda: not any("defunct" in line for line in one.run(["ps", "-eo", "args="]).stdout.splitlines()), 10,
               "nobody to be left unreaped")


def test_only_root_may_upgrade(lan):
    one, _, daemon, _ = pair(lan, 1)

    done = one.run(["setpriv", "--reuid=65534", "--clear-groups", program("mainstayctl"), "upgrade"], check=False)

    assert done.returncode == 4
    assert "upgrade" not in daemon.output()


# Executes a program as a supervisor does in an upgrade: all signals blocked, and the number of a descriptor in the environment.
HANDING_OVER = """import fcntl, os, signal, sys
file = os.open(sys.argv[1], os.O_RDWR)
fcntl.flock(file, fcntl.LOCK_EX)
os.set_inheritable(file, True)
os.environ["MAINSTAY_HAND_OVER"] = str(file)
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
os.execv(sys.argv[2], sys.argv[2:])
"""


def test_a_program_to_which_nothing_readable_was_handed_starts_anew_in_the_same_process(lan):
    (one,) = office(lan, "one")
    path, file = one.write("/run/keepalived.conf", instance()), one.write("/run/handed", "nothing that can be read")

    daemon = one.start(["/usr/bin/python3", "-c", HANDING_OVER, file, program("mainstayd"), "-l", "-D", "-f", path])
    wait_holds(one)

    assert "the state of the previous program cannot be read" in daemon.output()
    # The lines to the roles of the program before are among what is closed: a role resigns then.
    assert one.run(["flock", "--nonblock", file, "true"], check=False).returncode == 0
    assert daemon.stop() == 0  # the process did not go to the background, and hears signals
    wait_released(one)
