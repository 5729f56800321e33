"""A role that was taken over gains nothing: it is killed, its restarts back off, and VRRP goes on undisturbed.

tests/host/hostile_role.cpp stands in for the role; it does with the role's rights what its plan says.
"""

import re
import signal
import subprocess

import pytest
from support.lvs import virtual_server
from support.on_time import INTERVAL, OnTime
from support.paths import program
from support.processes import landlock_version
from support.vrrp import instance, office, wait_holds, wait_ready
from support.wait import wait_until

PROGRAMS = "/run/programs"
BFD = "bfd_instance nobody {\n neighbor_ip 192.168.4.250\n min_rx 500\n min_tx 500\n}\n"
TCP_SERVER = "real_server 127.0.0.2 81 {\n TCP_CHECK {\n }\n}\n"
OFFENCE = re.compile(r"process\(\d+\) .*: killing it \(offence \d+ of this role\)")


def master(more="", **words):
    """An instance that is MASTER soon, and advertises as OnTime expects it."""
    return instance(interval=INTERVAL, auth=False, more="version 3\n" + more, **words)


def program_of(role):
    """The program of a role, which is also what its process is called."""
    return "mainstayd-" + {"observer": "obs", "reader": "read", "watcher": "track"}.get(role, role)


def start(host, configuration):
    """mainstayd from programs of the host's own, so that one of them can be replaced."""
    host.run(["mkdir", "-p", PROGRAMS])
    for name in ("mainstayd", *map(program_of, ("vrrp", "lvs", "bfd", "observer", "reader", "watcher"))):
        host.run(["cp", program(name), f"{PROGRAMS}/{name}"])
    path = host.write("/run/keepalived.conf", configuration)
    return wait_ready(host.start([f"{PROGRAMS}/mainstayd", "-n", "-l", "-D", "-f", path]))


def kill_all(host, process, all_but):
    """Ends the processes of this name whose program is another file."""
    for line in host.run(["ps", "-eo", "pid=,comm="]).stdout.splitlines():
        pid, comm = line.split()[:2]
        if comm == process and host.run(["readlink", f"/proc/{pid}/exe"], check=False).stdout.strip() != all_but:
            host.run(["kill", "-9", pid], check=False)


def put_program(host, role, source):
    """Replaces a role's program; processes that run keep theirs."""
    path = f"{PROGRAMS}/{program_of(role)}"
    host.run(["cp", source, f"{path}.new"])
    host.run(["mv", f"{path}.new", path])


def end_old(host, role):
    """Ends the processes of this role that were started from another program than the present one."""
    kill_all(host, program_of(role), all_but=f"{PROGRAMS}/{program_of(role)}")


def take_place(host, role, *plan, poke=lambda: None):
    """From now on this role does what `plan` says: a line for each incarnation, the last one for all that follow.

    `poke` makes the supervisor start one, where a death does not.
    """
    host.write("/run/hostile.plan", "\n".join([f"role {program_of(role)}", *plan]) + "\n")
    put_program(host, role, program("hostile_role"))

    def taken():
        if acts(host):
            return True
        end_old(host, role)  # a spare of the old program comes first, and goes too
        poke()
        return False
    wait_until(taken, 30, f"the place of {role} to be taken", interval=0.2)


def give_back(host, role):
    """The honest program runs again."""
    put_program(host, role, program(program_of(role)))
    end_old(host, role)


def done(host):
    """What the hostile role did, and what the system said to it."""
    file = host.path("/run/hostile.log")
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def acts(host):
    return sum(line.startswith("does ") for line in done(host))


def offences(daemon):
    return [line for line in daemon.output().splitlines() if OFFENCE.search(line)]


def wait_offences(daemon, count, timeout=40):
    wait_until(lambda: len(offences(daemon)) >= count, timeout, lambda: f"{count} offences in\n{daemon.output()}")
    return offences(daemon)


KINDS_PER_HOST = 3  # with more, back-off takes longer than a test should


def test_every_kind_of_message_that_a_role_may_not_send_ends_it(lan):
    # By their number on the wire, as the table of messages has them.
    listed = subprocess.run([program("hostile_role"), "--forbidden"], check=True, capture_output=True, text=True).stdout
    names = dict(line.split() for line in listed.splitlines())
    assert {"Commit", "RunScript", "Rests"} <= set(names.values()) and "Heartbeat" not in names.values()
    forbidden = list(names)
    groups = [forbidden[at:at + KINDS_PER_HOST] for at in range(0, len(forbidden), KINDS_PER_HOST)]
    lan.switch("office")
    hosts = [lan.host(f"h{n}", eth0=("office", f"192.168.4.{11 + n}/24")) for n in range(len(groups))]
    daemons = [start(host, BFD + master(vrid=51 + n, vip=f"192.168.4.{200 + n}")) for n, host in enumerate(hosts)]
    for host, group in zip(hosts, groups):
        take_place(host, "bfd", *(f"kind {number}" for number in group), "behave")

    for host, daemon, group in zip(hosts, daemons, groups):
        lines = wait_offences(daemon, len(group))
        for line, number in zip(lines, group):
            assert "BFD process" in line and f"sent a message {names[number]}, which it may not send" in line
        wait_until(lambda daemon=daemon: daemon.output().count("BFD child process(") == len(group) + 1, 20,
                   daemon.output)
    for n, host in enumerate(hosts):
        wait_holds(host, f"192.168.4.{200 + n}")
        assert daemons[n].alive()


@pytest.mark.nightly
@pytest.mark.parametrize("plan", ["garbage", "unknown"])
def test_a_message_that_cannot_be_read_ends_its_sender_and_the_adverts_stay_on_time(lan, plan):
    (one,) = office(lan, "one")
    daemon = start(one, BFD + master())
    wait_holds(one)
    with OnTime(one):
        take_place(one, "bfd", plan, plan, plan, "behave")
        lines = wait_offences(daemon, 3)
    assert all("sent what cannot be read" in line for line in lines)
    about = [line for line in daemon.output().splitlines() if "message from another process" in line]
    assert len(about) <= 2 * len(offences(daemon))


@pytest.mark.nightly
def test_the_observer_cannot_act_as_another_role(lan):
    (one,) = office(lan, "one")
    daemon = start(one, master())
    wait_holds(one)
    with OnTime(one):
        take_place(one, "observer", "kind 9", "kind 24", "kind 25", "behave")
        lines = wait_offences(daemon, 3)
    assert ["RunScript" in lines[0], "FifoLine" in lines[1], "Observations" in lines[2]] == [True] * 3
    assert daemon.stop(signal.SIGTERM) == 0


SCRIPTS = ("global_defs {\n enable_script_security\n script_user root\n vrrp_iptables\n vrrp_ipsets\n"
           " notify_fifo /run/fifo\n startup_script /run/startup\n}\n"
           'vrrp_script chk {\n script "/run/chk"\n interval 600\n}\n')


def with_scripts(host):
    """A configuration with scripts of the vrrp role's, of the lvs role's, and of the supervisor's own."""
    for name in ("chk", "tell", "misc", "startup"):
        host.write(f"/run/{name}", f'#!/bin/sh\necho {name} "$@" >>/run/ran\n', 0o755)
    server = 'real_server 127.0.0.2 81 {\n MISC_CHECK {\n misc_path "/run/misc"\n warmup 0\n }\n}\n'
    return (SCRIPTS + master(more='track_script {\n chk\n }\n notify "/run/tell"')
            + virtual_server("192.168.4.100 80", server))


def ran(host):
    return host.read("/run/ran").splitlines() if host.path("/run/ran").exists() else []


MISC = "misc_check/[127.0.0.2]:tcp:81\\sof\\s[192.168.4.100]:tcp:80/0"


@pytest.mark.nightly
def test_lvs_gets_no_script_of_vrrp_and_writes_none_of_its_lines(lan):
    (one,) = office(lan, "one")
    one.run(["mkfifo", "-m", "600", "/run/fifo"])
    reader = one.start(["sh", "-c", "exec cat /run/fifo"], name="reader")
    daemon = start(one, with_scripts(one))
    wait_holds(one)
    wait_until(lambda: "tell INSTANCE VI_1 MASTER 150" in ran(one) and "misc" in ran(one), 20, lambda: ran(one))
    before = ran(one)
    with OnTime(one):
        take_place(one, "lvs", "script vrrp_script/chk -",
                   "script instance/VI_1/any instance/VI_1 INSTANCE VI_1 FAULT 150",
                   f"script {MISC} - --injected", 'fifo INSTANCE\\s"VI_1"\\sSTOP\\s150\\n', "behave")
        lines = wait_offences(daemon, 4)
    assert ["it belongs to another role" in line for line in lines] == [True, True, False, False]
    assert "never calls it with these arguments" in lines[2] and "FIFO line" in lines[3]
    assert set(ran(one)) == set(before)
    assert "STOP" not in reader.output()


@pytest.mark.nightly
def test_vrrp_chooses_neither_scripts_of_others_nor_arguments_nor_lines(lan):
    (one,) = office(lan, "one")
    one.run(["mkfifo", "-m", "600", "/run/fifo"])
    reader = one.start(["sh", "-c", "exec cat /run/fifo"], name="reader")
    daemon = start(one, with_scripts(one))
    wait_until(lambda: any("misc" in line for line in ran(one)), 20, lambda: ran(one))
    one.write("/run/evil", "#!/bin/sh\ntouch /run/owned\n", 0o755)
    take_place(one, "vrrp", "script firewall firewall rule add /run/evil INPUT -j DROP",
               'script instance/VI_1/any instance/VI_1 INSTANCE VI_1 $(touch\\s/run/owned) 150',
               "script startup_script -", 'fifo INSTANCE\\s"VI_1"\\sMASTER\\s1\\nVS\\sx\\sUP\\n',
               "script firewall firewall rule add iptables OUTPUT --modprobe=/run/evil -j DROP", "behave")
    lines = wait_offences(daemon, 5)
    assert ["it belongs to another role" in line for line in lines] == [False, False, True, False, False]
    assert not one.path("/run/owned").exists()
    assert "VS x" not in reader.output() and not any("touch" in line for line in ran(one))
    assert sum(line.startswith("startup") for line in ran(one)) == 1


def test_names_and_scripts_that_are_not_configured_are_refused_with_few_lines(lan):
    (one,) = office(lan, "one")
    one.run(["mkfifo", "-m", "600", "/run/fifo"])
    reader = one.start(["sh", "-c", "exec cat /run/fifo"], name="reader")
    daemon = start(one, with_scripts(one))
    wait_until(lambda: any("misc" in line for line in ran(one)), 20, lambda: ran(one))
    take_place(one, "vrrp", 'fifo INSTANCE\\s"VI_9"\\sMASTER\\s1\\n', "behave")
    wait_until(lambda: "not configured; not written" in daemon.output(), 20, daemon.output)
    assert "VI_9" not in reader.output()
    assert not offences(daemon)


@pytest.mark.nightly
def test_what_makes_no_sense_now_ends_a_role(lan):
    (one,) = office(lan, "one")
    daemon = start(one, BFD + master())
    wait_holds(one)
    with OnTime(one):
        take_place(one, "bfd", "kind 10", "kind 8", "empty", "behave")
        lines = wait_offences(daemon, 3)
    assert "Stopped, which is not expected now" in lines[0] and "Committed, which is not expected now" in lines[1]
    assert "it is empty" in lines[2]


@pytest.mark.nightly
def test_the_observer_gets_no_file_written_and_nothing_done_that_nobody_asked_for(lan):
    (one,) = office(lan, "one")
    daemon = start(one, master())
    wait_holds(one)
    with OnTime(one):
        take_place(one, "observer", "dump", "kind 5", "ask 5 VI_1 DBus", "ask 0 - root\\nfrom\\snowhere", "behave")
        lines = wait_offences(daemon, 4)
    assert ["DumpText" in lines[0], "DumpRequested" in lines[1], "ControlRequest" in lines[2], "ControlRequest" in lines[3]] == [True] * 4
    assert "from nowhere" not in daemon.output() and "Reload" not in daemon.output()
    assert not list(one.path("/tmp").glob("keepalived*"))


def test_a_flood_ends_its_sender_and_keeps_nobody_waiting(lan):
    (one,) = office(lan, "one")
    daemon = start(one, BFD + master())
    wait_holds(one)
    with OnTime(one):
        take_place(one, "bfd", "flood 6", "flood-script vrrp_script/chk", "behave")
        wait_offences(daemon, 2)
    assert len(daemon.output().splitlines()) < 100


@pytest.mark.nightly
def test_a_flood_of_requests_for_scripts_is_bounded(lan):
    (one,) = office(lan, "one")
    one.run(["mkfifo", "-m", "600", "/run/fifo"])
    daemon = start(one, with_scripts(one))
    wait_holds(one)
    with OnTime(one):
        take_place(one, "lvs", "flood-script misc_check/nowhere", "behave")
        lines = wait_offences(daemon, 1)
        wait_until(lambda: "VRRP_Script(chk) succeeded" in daemon.output(), 20, daemon.output)
    assert "exceeded its message rate" in lines[0]
    assert len(daemon.output().splitlines()) < 250


def test_a_flood_on_the_line_to_the_vrrp_role_does_not_delay_its_adverts(lan):
    (one,) = office(lan, "one")
    daemon = start(one, BFD + master())
    wait_holds(one)
    with OnTime(one):
        take_place(one, "bfd", "flood-lines", "behave")
        wait_until(lambda: "the BFD process sends more than 500 messages a second" in daemon.output(), 20,
                   daemon.output)
    assert len(daemon.output().splitlines()) < 50


def test_a_role_that_refuses_what_ran_before_does_not_stop_the_daemon(lan):
    (one,) = office(lan, "one")
    daemon = start(one, BFD + master())
    wait_holds(one)
    with OnTime(one):
        take_place(one, "bfd", "refuse at once", "behave")
        wait_offences(daemon, 1)
    assert daemon.alive()


def works(host):
    """The observer answers, and knows what the vrrp role tells."""
    return "VI_1" in host.run([program("mainstayctl"), "status"], check=False).stdout


def test_a_role_can_neither_resize_its_memory_nor_bring_down_those_who_read_it(lan):
    (one,) = office(lan, "one")
    daemon = start(one, BFD + master())
    wait_holds(one)
    wait_until(lambda: works(one), 20, daemon.output)
    with OnTime(one):
        take_place(one, "bfd", "forge")
        wait_until(lambda: "ring map: it worked" in done(one), 10, lambda: done(one))
        wait_until(lambda: works(one), 10, daemon.output)
    for what in ("block shrink", "block grow", "block seal", "ring shrink", "ring grow", "ring seal"):
        assert f"{what}: Operation not permitted" in done(one)
    assert daemon.output().count("died: Respawning") == 1, "only the process whose place was taken"


def test_the_lies_of_a_vrrp_role_bring_down_nobody(lan):
    (one,) = office(lan, "one")
    daemon = start(one, master())
    wait_holds(one)
    wait_until(lambda: works(one), 20, daemon.output)
    take_place(one, "vrrp", "forge")
    wait_until(lambda: "ring map: it worked" in done(one), 10, lambda: done(one))
    give_back(one, "vrrp")  # it makes nothing of what it finds, and runs
    wait_until(lambda: works(one), 30, daemon.output)
    wait_holds(one)
    assert "Observer child process(" not in daemon.output(), "it died of what it read"


def test_who_only_reads_the_memory_of_others_cannot_write_it(lan):
    (one,) = office(lan, "one")
    daemon = start(one, master())
    wait_holds(one)
    with OnTime(one):
        take_place(one, "observer", "forge-others")
        wait_until(lambda: "other 11 reopen" in "".join(done(one)), 10, lambda: done(one))
    answers = [line for line in done(one) if line.startswith("other ")]
    assert len(answers) == 3 * 5 and not [line for line in answers if "it worked" in line], answers


@pytest.mark.parametrize("role", ["bfd", "lvs", "observer"])
def test_a_role_can_neither_signal_nor_trace_another_nor_read_what_is_roots(lan, role):
    """The program makes these calls without the role's list of system calls: accounts and capabilities alone stop it."""
    (one,) = office(lan, "one")
    daemon = start(one, BFD + master() + virtual_server("192.168.4.100 80", TCP_SERVER))
    wait_holds(one)
    others = {"mainstayd", "mainstayd-vrrp", "mainstayd-spare", program_of("lvs")} - {program_of(role)}
    wait_until(lambda: others <= set(one.process_names()), 20, lambda: str(one.process_names()))
    with OnTime(one):
        take_place(one, role, "reach", "behave")
        wait_until(lambda: any(line.startswith("root:") for line in done(one)), 30, lambda: f"the last try: {done(one)}")
    tried = [line for line in done(one) if not line.startswith("does ")]

    assert not [line for line in tried if line.endswith("it worked")]
    for other in others:
        assert f"{other} signal: Operation not permitted" in tried
        assert f"{other} trace: Operation not permitted" in tried
    assert "/etc/shadow: Permission denied" in tried
    assert daemon.alive()


@pytest.mark.parametrize("role,descriptors,gigabytes", [("lvs", 8192, 2), ("observer", 1024, 4)])
def test_a_role_takes_neither_all_descriptors_nor_all_memory(lan, role, descriptors, gigabytes):
    (one,) = office(lan, "one")
    daemon = start(one, master() + virtual_server("192.168.4.100 80", TCP_SERVER))
    wait_holds(one)
    with OnTime(one):
        take_place(one, role, "exhaust", "behave")
        wait_until(lambda: any(line.startswith("raise descriptors:") for line in done(one)), 20, lambda: done(one))
    tried = dict(line.split(": ", 1) for line in done(one) if not line.startswith("does "))

    opened, why = tried["descriptors"].split(", then ")
    assert int(opened) < descriptors and why == "Too many open files"
    mapped, why = tried["gigabytes"].split(", then ")
    assert int(mapped) < gigabytes + 3 and why == "Cannot allocate memory"
    assert tried["raise memory"] == tried["raise descriptors"] == "Operation not permitted"
    assert daemon.alive()


DENIED = "Permission denied"


@pytest.mark.skipif(not landlock_version(), reason="the kernel has no Landlock")
@pytest.mark.parametrize("role,reads", [("bfd", set()), ("vrrp", set()), ("lvs", {"TCP"}),
                                        ("watcher", {"read /run", "read /proc", "read a public file"}),
                                        ("observer", {"read /run", "read a public file", "write a public file", "TCP"})])
def test_a_role_opens_no_path_but_those_of_its_table(lan, role, reads):
    """Its account alone would let it do all of this."""
    (one,) = office(lan, "one")
    one.write("/run/public", "", 0o666)
    one.write("/run/file", "0")
    daemon = start(one, BFD + "track_file f {\n file /run/file\n weight 1\n}\n" + master(more="track_file {\n f\n }")
                   + virtual_server("192.168.4.100 80", TCP_SERVER))
    wait_holds(one)
    take_place(one, role, "early reach-paths" if role == "watcher" else "reach-paths", "behave")
    wait_until(lambda: any(line.startswith("TCP:") for line in done(one)), 20, lambda: done(one))
    tried = dict(line.split(": ", 1) for line in done(one) if not line.startswith("does "))

    assert tried.pop("Landlock") == "it worked"
    if landlock_version() < 4:
        reads = reads | {"TCP"}
    assert {what for what, answer in tried.items() if answer == "it worked"} == reads
    assert {answer for what, answer in tried.items() if what not in reads} == {DENIED}
    assert daemon.alive()


def test_a_text_of_a_dump_is_neither_read_nor_written_by_root(lan):
    (one,) = office(lan, "one")
    daemon = start(one, master())
    wait_holds(one)
    with OnTime(one):
        take_place(one, "observer", "dump-when-asked", "behave")
        daemon.send(signal.SIGUSR2)
        lines = wait_offences(daemon, 1)
    assert "sent a message DumpText, which is not expected now" in lines[0]
    wait_until(lambda: "a dump was not finished: the observer went away" in daemon.output(), 20, daemon.output)
    assert not list(one.path("/tmp").glob("keepalived.stats*"))


def test_the_descriptor_of_a_dump_file_is_good_for_writing_that_file_alone(lan):
    (one,) = office(lan, "one")
    daemon = start(one, master())
    wait_holds(one)
    one.write("/tmp/keepalived.stats", "the dump before\n")
    with OnTime(one):
        take_place(one, "observer", "abuse-dump", "behave")
        daemon.send(signal.SIGUSR2)
        lines = wait_offences(daemon, 1)
    assert "sent what it may not on the line of a dump" in lines[0]
    tried = dict(line.split(": ", 1) for line in done(one) if ": " in line)
    assert tried.pop("write it") == "it worked"
    assert len(tried) == 7 and "it worked" not in tried.values(), tried
    assert tried["write without end"] == "File too large"
    assert [file.read_text() for file in one.path("/tmp").glob("keepalived.stats*")] == ["the dump before\n"]


def test_a_reader_that_sends_what_it_may_not_changes_nothing(lan):
    (one,) = office(lan, "one")
    daemon = start(one, master())
    wait_holds(one)
    with OnTime(one):
        take_place(one, "reader", "read kind 9", "read garbage", "read flood 12",
                   poke=lambda: daemon.send(signal.SIGHUP))
        for words in ("sent a message RunScript, which it may not send", "sent what cannot be read",
                      "sent a snapshot that cannot be read"):
            wait_until(lambda words=words: f"the reader {words}" in daemon.output(), 20, daemon.output)
            daemon.send(signal.SIGHUP)
    assert daemon.output().count("the running configuration stays in use") >= 3
    assert "Reload complete" not in daemon.output()
    give_back(one, "reader")

    def reloaded():
        daemon.send(signal.SIGHUP)
        return "Reload complete" in daemon.output()
    wait_until(reloaded, 20, daemon.output, interval=0.5)


@pytest.mark.nightly
def test_a_watcher_that_sends_what_it_may_not_is_started_less_and_less_often(lan):
    (one,) = office(lan, "one")
    one.write("/run/file", "0")
    daemon = start(one, "track_file f {\n file /run/file\n weight 1\n}\n" + master(more="track_file {\n f\n }"))
    wait_holds(one)
    with OnTime(one):
        take_place(one, "watcher", "early kind 9", "early garbage", "early flood 6", "behave")
        wait_until(lambda: "(offence 3)" in daemon.output(), 40, daemon.output)
    lines = [line for line in daemon.output().splitlines() if "the watcher process(" in line]
    for line, words in zip(lines[:3], ("RunScript, which it may not send", "cannot be read", "exceeded its message rate"), strict=True):
        assert words in line
    assert len(daemon.output().splitlines()) < 50


def test_a_spare_acts_for_nobody(lan):
    (one,) = office(lan, "one")
    daemon = start(one, master())
    wait_holds(one)
    with OnTime(one):
        put_program(one, "vrrp", program("hostile_role"))
        one.write("/run/hostile.plan", "role mainstayd-vrrp\nearly kind 9\n")
        # The spare that waits now is the honest program's; without it a new one comes.
        kill_all(one, "mainstayd-spare", all_but="")
        daemon.send(signal.SIGHUP)
        lines = wait_offences(daemon, 1)
    assert "sent a message RunScript, which it may not send" in lines[0]
