"""Network namespaces and several daemons on one host: where each works and where its files are."""

import pathlib
import re
import signal

from support.paths import program
from support.vrrp import VIP, instance, office, wait_holds, wait_ready
from support.wait import wait_until

SERVICE = "virtual_server 192.168.4.99 80 {\n protocol TCP\n real_server 192.168.4.12 80 {\n TCP_CHECK {\n }\n }\n}\n"


def with_namespace(lan, name="blue", **options):
    """A host whose second interface is in a network namespace of its own, as `ip netns` makes it."""
    lan.switch("office")
    one = lan.host("one", eth0=("office", "192.168.4.11/24"), **options)
    one.run(["ip", "netns", "add", name])
    one.run(["ip", "link", "add", "eth9", "type", "veth", "peer", "name", "eth0", "netns", name])
    one.run(["ip", "link", "set", "eth9", "up"])
    inside = ["ip", "netns", "exec", name]
    one.run([*inside, "ip", "addr", "add", "192.168.4.31/24", "dev", "eth0"])
    one.run([*inside, "ip", "link", "set", "eth0", "up"])
    one.run([*inside, "ip", "link", "set", "lo", "up"])
    return one, inside


def held_inside(host, inside, address=VIP):
    return f" {address}/" in host.run([*inside, "ip", "-o", "addr"]).stdout


def test_the_roles_and_their_scripts_work_in_the_named_network_namespace(lan):
    # effect: (root): net_namespace
    one, inside = with_namespace(lan)
    script = one.write("/run/where.sh", "#!/bin/sh\nreadlink /proc/self/ns/net >/run/where.tmp\n"
                       "mv /run/where.tmp /run/where\n", mode=0o755)
    one.run([*inside, "ip", "link", "add", "eth5", "type", "veth", "peer", "name", "eth6"])
    for link in ("eth5", "eth6"):
        one.run([*inside, "ip", "link", "set", link, "up"])
    text = ("net_namespace blue\nglobal_defs {\n script_user root\n}\n" + SERVICE
            + instance(more=f"notify_master {script}\n track_interface {{\n eth5\n }}"))
    daemon = wait_ready(one.mainstayd(text))

    wait_until(lambda: held_inside(one, inside), 15, "the address in the namespace")
    assert not one.holds(VIP)
    there = one.run([*inside, "readlink", "/proc/self/ns/net"]).stdout.strip()
    here = one.run(["readlink", "/proc/self/ns/net"]).stdout.strip()
    wait_until(lambda: one.path("/run/where").exists(), 10, "the script")
    assert one.read("/run/where").strip() == there != here
    names = {name: one.run(["readlink", f"/proc/{int(one.read(f'/run/mainstay/blue/{name}.pid'))}/ns/net"]).stdout.strip()
             for name in ("mainstayd", "vrrp", "lvs")}
    assert names == {"mainstayd": here, "vrrp": there, "lvs": there}

    # A process that is started anew is there as well.
    old = int(one.read("/run/mainstay/blue/vrrp.pid"))
    one.run(["kill", "-9", str(old)])
    wait_until(lambda: int(one.read("/run/mainstay/blue/vrrp.pid") or old) != old, 10, "another process")
    assert held_inside(one, inside)
    status = one.run([program("mainstayctl"), "--socket", "/run/mainstay/blue/control.sock", "status"])
    assert "VI_1" in status.stdout
    doctor = one.run([program("mainstayctl"), "--socket", "/run/mainstay/blue/control.sock", "doctor"], check=False).stdout
    assert "interface eth0 does not" not in doctor and "eth5" not in doctor, doctor
    assert daemon.stop() == 0
    assert not held_inside(one, inside)


def test_as_process_1_it_reaps_the_orphans_of_others_and_stops_in_order(lan):
    """A container whose only program is mainstayd. Its pid file may name a supervisor that ended and that nobody has reaped."""
    one, two = office(lan, "one", "two")
    two.mainstayd(instance("BACKUP", 100))
    one.write("/run/leaves", "#!/bin/sh\n(setsid sh -c 'sleep 1; echo orphan >/run/left' &)\nexit 0\n", 0o755)
    path = one.write("/run/keepalived.conf", "global_defs {\n script_user root\n}\n"
                     + instance("MASTER", 150, more="notify_master /run/leaves"))
    first = one.start(["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", program("mainstayd"), "-n", "-l", "-D",
                       "-f", path], name="unshare")
    wait_until(lambda: "Startup complete" in first.output(), 20, "the start")
    wait_holds(one)
    daemon = next(line.split()[0] for line in one.run(["ps", "-eo", "pid=,args="]).stdout.splitlines()
                  if "/mainstayd " in line and "unshare" not in line)
    wait_until(lambda: one.path("/run/left").exists(), 20, "the orphan to end")
    wait_until(lambda: not any(state.startswith("Z") for state in one.run(["ps", "-eo", "stat="]).stdout.split()), 10,
               "nobody to be left unreaped")

    one.run(["kill", "-TERM", daemon])

    wait_holds(two)
    wait_until(lambda: "Stopped mainstay" in first.output(), 20, "the end")
    assert not one.holds(VIP)


def test_the_command_line_s_namespace_beats_the_configuration_s(lan):
    # effect: (root): net_namespace
    one, inside = with_namespace(lan, "green")
    daemon = wait_ready(one.mainstayd("net_namespace elsewhere\n" + instance(), "-s", "green"))

    wait_until(lambda: held_inside(one, inside), 15, "the address in the namespace")
    assert "there is no network namespace" not in daemon.output()
    one.write("/run/elsewhere.conf", "net_namespace elsewhere\n" + instance())
    tested = one.run([program("mainstayd"), "-t", "-f", "/run/elsewhere.conf", "-s", "green"])
    assert ": 0 errors, 0 warnings, 0 notes" in tested.stdout + tested.stderr
    assert daemon.stop() == 0


def test_a_namespace_that_is_not_there_is_reported_and_stops_the_start(lan):
    (one,) = office(lan, "one")

    daemon = one.mainstayd("net_namespace nowhere\n" + instance())

    assert daemon.wait(10) == 1
    assert "/run/netns/nowhere" in daemon.output()


def test_the_test_of_a_configuration_looks_for_interfaces_in_its_namespace(lan):
    one, inside = with_namespace(lan)
    one.run([*inside, "ip", "link", "add", "blue0", "type", "bridge"])
    text = instance(more="track_interface {\n blue0\n }")
    named = one.write("/run/named.conf", "net_namespace blue\n" + text)
    plain = one.write("/run/plain.conf", text)

    def told(*options):
        return one.run([program("mainstayd"), "-t", *options], check=False).stderr.count("there is no interface blue0")

    assert told("-f", plain) == 1
    assert told("-f", named) == told("-s", "blue", "-f", plain) == 0
    checked = one.run([program("mainstayctl"), "config", "check", named], check=False)
    assert checked.stderr.count("there is no interface blue0") == 0


def test_a_reload_that_would_move_the_daemon_is_refused(lan):
    # effect: (root): net_namespace instance net_namespace_ipvs
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(instance()))
    wait_holds(one)

    for line, what in [("net_namespace blue", "network namespace"), ("instance red", "instance name"),
                       ("net_namespace_ipvs blue", "IPVS network namespace"),
                       ("global_defs {\n nftables other\n }", "nftables table name"),
                       ("global_defs {\n tmp_config_directory /run\n }", "tmp_config_directory"),
                       ("global_defs {\n disable_local_igmp\n }", "disable_local_igmp")]:
        one.write("/run/keepalived.conf", line + "\n" + instance(priority=120))
        daemon.send(signal.SIGHUP)
        wait_until(lambda w=what: f"Cannot change {w} at a reload - please restart" in daemon.output(), 10, what)
    assert one.holds(VIP) and "Reload complete" not in daemon.output()


def test_two_instances_run_side_by_side_with_files_of_their_own(lan):
    # effect: (root): instance use_pid_dir
    (one,) = office(lan, "one")
    first = wait_ready(one.mainstayd("instance red\n" + instance(), name="red.conf"))
    second = wait_ready(one.mainstayd("instance blue\n" + instance(vip="192.168.4.201", vrid=52), name="blue.conf"))
    wait_holds(one)
    wait_holds(one, "192.168.4.201")

    pids = {name: int(one.read(f"/run/mainstay/{name}/mainstayd.pid")) for name in ("red", "blue")}
    assert len(set(pids.values())) == 2
    for name in ("red", "blue"):
        shown = one.run([program("mainstayctl"), "--socket", f"/run/mainstay/{name}/control.sock", "status"]).stdout
        assert f"{51 if name == 'red' else 52}" in shown
    assert "daemon is already running" in wait_ended(one.mainstayd("instance red\n" + instance(), name="again.conf"), 3)
    assert first.stop() == 0 and second.stop() == 0


def wait_ended(process, status):
    assert process.wait(10) == status
    return process.output()


def router(host, number):
    """A daemon as OpenStack's agent starts one for each router: its pid files alone tell it from the others."""
    files = f"/run/ha_confs/7b9d0b4e-5b0c-4b7e-9c0b-0d6a1f9c2e1{number}"
    host.run(["mkdir", "-p", "/run/ha_confs"])
    text = instance(vip=f"192.168.4.20{number}", vrid=50 + number)
    daemon = host.mainstayd(text, "-P", "-p", f"{files}.pid.keepalived", "-r", f"{files}.pid.keepalived-vrrp",
                            name=f"router{number}.conf")
    return daemon, f"{files}.pid.keepalived"


def mainstayctl(host, *words):
    done = host.run([program("mainstayctl"), *words], check=False)
    return done.returncode, done.stdout + done.stderr


def answers(host, pid_file):
    return mainstayctl(host, "--pid-file", pid_file, "status")[0] == 0


def test_daemons_that_differ_in_their_pid_files_only_have_files_of_their_own(lan):
    (one,) = office(lan, "one")
    daemons, files = zip(*[router(one, n) for n in (1, 2, 3)])
    for n, file in enumerate(files, start=1):
        wait_holds(one, f"192.168.4.20{n}")
        wait_until(lambda f=file: answers(one, f), 15, file)

    code, listed = mainstayctl(one, "daemons")
    assert code == 0
    assert re.findall(r"^7b9d0b4e-5b0c-4b7e-9c0b-0d6a1f9c2e1(\d)\.pid\.keepal-[0-9a-f]{8} +\d+  \S+mainstayd -n -l -D "
                      r"-f /run/router(\d)\.conf -P ", listed, re.M) == [("1", "1"), ("2", "2"), ("3", "3")]
    code, said = mainstayctl(one, "status")
    assert code == 2 and "several daemons run on this host: name one with --instance NAME or --pid-file FILE" in said
    assert mainstayctl(one, "status", "--check")[0] == 3
    assert "192.168.4.202" in mainstayctl(one, "--pid-file", files[1], "status")[1]
    assert mainstayctl(one, "--instance", "7b9d0b4e-5b0c-4b7e-9c0b-0d6a1f9c2e13", "status")[0] == 0

    assert mainstayctl(one, "--pid-file", files[0], "maintenance", "on")[0] == 1  # there is nobody to hand over to
    assert "maintenance is on" in mainstayctl(one, "--pid-file", files[0], "maintenance", "show")[1]
    assert "maintenance is off" in mainstayctl(one, "--pid-file", files[1], "maintenance", "show")[1]

    assert daemons[2].stop() == 0
    assert answers(one, files[0]) and answers(one, files[1])
    assert len(one.run(["ls", "/run/mainstay"]).stdout.split()) == 2
    assert mainstayctl(one, "--pid-file", files[2], "status")[0] == 3
    assert daemons[1].stop() == 0
    assert mainstayctl(one, "status")[0] == 0  # the only one that is left


def test_a_daemon_that_is_started_while_the_one_before_still_ends_keeps_its_files(lan):
    (one,) = office(lan, "one")
    first, pid_file = router(one, 1)
    wait_until(lambda: answers(one, pid_file), 15, "the first")
    wait_holds(one, "192.168.4.201")
    for _ in range(3):  # OpenStack's agent: the signal, the file away, the next one
        first.send(signal.SIGTERM)
        one.path(pid_file).unlink()
        second, _ = router(one, 1)
        assert first.wait(15) == 0
        wait_until(lambda: answers(one, pid_file), 15, "the next one")
        fields = pathlib.Path(f"/proc/{second.pid}/status").read_text(encoding="ascii")
        assert one.read(pid_file).strip() == re.search(r"^NSpid:.*\t(\d+)$", fields, re.M)[1]
        first = second
    wait_holds(one, "192.168.4.201")
    assert first.stop() == 0
    assert not one.path(pid_file).exists()


def test_a_daemon_does_not_take_the_folder_of_another_one_of_the_same_name(lan):
    (one,) = office(lan, "one")
    first = wait_ready(one.mainstayd(instance()))
    one.run(["mkdir", "/run/bin"])
    one.run(["ln", "-s", program("mainstayd"), "/run/bin/keepalived"])
    path = one.write("/run/other.conf", instance(vip="192.168.4.201", vrid=52))

    second = one.start(["/run/bin/keepalived", "-n", "-l", "-G", "-f", path])

    said = wait_ended(second, 0)  # under keepalived's name
    assert re.search(r"daemon is already running: process \d+ listens at /run/mainstay/supervisor\.sock \(a further daemon "
                     r"needs a pid file or a name of its own: -p FILE, or instance NAME outside of all blocks\)", said), said
    assert mainstayctl(one, "status")[0] == 0
    assert not one.path("/run/keepalived.pid").exists()
    assert first.stop() == 0


def test_under_keepalived_s_name_the_pid_files_are_where_keepalived_has_them(lan):
    # effect: (root): use_pid_dir instance
    (one,) = office(lan, "one")
    one.run(["mkdir", "/run/bin"])
    one.run(["ln", "-s", program("mainstayd"), "/run/bin/keepalived"])

    def files(text):
        path = one.write("/run/keepalived.conf", text + instance())
        daemon = wait_ready(one.start(["/run/bin/keepalived", "-n", "-l", "-G", "-f", path]))
        found = one.run(["sh", "-c", "cd /run && ls *.pid keepalived/*.pid 2>/dev/null"], check=False).stdout.split()
        assert daemon.stop() == 0
        return {f for f in found if not f.endswith("observer.pid") and "observer" not in f}

    assert files("") == {"keepalived.pid", "vrrp.pid"}
    assert files("use_pid_dir\n") == {"keepalived/keepalived.pid", "keepalived/vrrp.pid"}
    assert files("instance red\n") == {"keepalived/keepalived_red.pid", "keepalived/vrrp_red.pid"}


def test_syslog_idents_carry_namespace_and_instance(lan):
    # effect: (root): instance
    one, _ = with_namespace(lan, private_dev=True)
    listener = one.start(["/usr/bin/python3", "-u", "-c",
                          "import socket,os\ns=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM)\ns.bind('/run/devlog')\n"
                          "os.chmod('/run/devlog',0o666)\nprint('bound')\nwhile True: print(s.recv(8192).decode())"])
    wait_until(lambda: "bound" in listener.output(), 10, "the log socket")
    one.run(["ln", "-s", "/run/devlog", "/dev/log"])

    wait_ready(one.mainstayd("net_namespace blue\ninstance red\n" + instance()))

    for line in (r"mainstayd-vrrp_blue_red\[\d+\]", r" mainstayd_blue_red\[\d+\]: Startup complete"):
        wait_until(lambda line=line: re.search(line, listener.output()), 20, listener.output)
