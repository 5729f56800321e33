"""The processes: their names, what they may do, how they start, stop and are started anew."""

import re
import signal

from support.paths import program
from support.processes import capabilities, status
from support.vrrp import VIP, instance, office, role_pid, role_pids, signal_role, wait_holds, wait_ready
from support.wait import wait_until

NET_ADMIN, NET_RAW, SYS_NICE, NET_BIND = 12, 13, 23, 10
MAIL = "global_defs {\n router_id one\n notification_email {\n a@example.org\n }\n smtp_server 127.0.0.1\n}\n"


def test_each_process_is_named_by_its_role_and_has_only_its_rights(lan):
    (one,) = office(lan, "one")
    wait_ready(one.mainstayd(MAIL + instance()))
    wait_holds(one)
    wait_until(lambda: "mainstayd-obs" in one.process_names(), 10, "the observer")

    assert {"mainstayd", "mainstayd-vrrp", "mainstayd-obs"} <= set(one.process_names())
    vrrp, observer = role_pid(one, "mainstayd-vrrp"), role_pid(one, "mainstayd-obs")
    assert capabilities(one, vrrp) == {NET_ADMIN, NET_RAW, SYS_NICE}
    assert capabilities(one, observer) == set()
    for pid in (vrrp, observer):
        uids = status(one, pid)["Uid"].split()
        assert "0" not in uids, uids
        assert status(one, pid)["NoNewPrivs"] == "1"
        assert status(one, pid)["Groups"].strip() == ""


def test_who_only_watches_is_started_when_the_roles_have_their_configuration(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(instance()))
    wait_until(lambda: "Starting Observer child process" in daemon.output(), 10, "the observer")

    told = daemon.output()
    assert told.index("Starting VRRP child process") < told.index("Starting Observer child process")
    wait_until(lambda: "mainstayd-obs" in one.process_names(), 10, "the observer's process")


def test_openssl_is_in_those_processes_only_that_use_it(lan):
    (one,) = office(lan, "one")
    libraries = lambda pid: set(re.findall(r"libcrypto|libssl|libcurl|libpcre2|libnettle", one.read(f"/proc/{pid}/maps")))  # noqa: E731
    wait_ready(one.mainstayd(MAIL + instance()))
    wait_holds(one)
    wait_until(lambda: "mainstayd-obs" in one.process_names(), 10, "the observer")

    assert libraries(role_pid(one, "mainstayd-vrrp")) == {"libnettle"}  # for auth_type AH and HMAC
    assert {"libssl", "libcurl"} <= libraries(role_pid(one, "mainstayd-obs"))
    assert not libraries(int(one.read("/run/mainstay/mainstayd.pid"))) & {"libcrypto", "libssl", "libcurl"}


def test_pid_files_are_there_while_it_runs(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(instance()))
    wait_holds(one)

    assert int(one.read("/run/mainstay/mainstayd.pid")) > 1
    assert int(one.read("/run/mainstay/vrrp.pid")) == role_pid(one, "mainstayd-vrrp")
    assert daemon.stop() == 0
    assert not one.path("/run/mainstay/mainstayd.pid").exists()
    assert not one.path("/run/mainstay/vrrp.pid").exists()


def test_a_second_daemon_says_so_on_the_terminal_and_exits_3(lan):
    (one,) = office(lan, "one")
    wait_ready(one.mainstayd(instance()))
    wait_holds(one)

    second = one.mainstayd(instance(), name="other.conf")

    assert second.wait(10) == 3
    assert "daemon is already running" in second.output()
    for options in ([], ["-n"]):
        done = one.run([program("mainstayd"), *options, "-f", "/run/other.conf"], check=False)
        assert done.returncode == 3
        assert re.fullmatch(r"mainstayd: daemon is already running: /run/mainstay/mainstayd\.pid is locked by another "
                            r"process \(a further daemon needs .*\)\n", done.stderr), done.stderr
    assert one.holds(VIP)


def test_a_start_with_too_few_descriptors_says_how_many_it_needs(lan):
    (one,) = office(lan, "one")
    few = one.run(["prlimit", "--nofile=40:40", program("mainstayd"), "-n", "-f", one.write("/run/ha.conf", instance())],
                  check=False)
    assert few.returncode == 1
    assert few.stderr == ("mainstayd: 40 open descriptors are allowed, and at least 128 are needed: raise LimitNOFILE= "
                          "in the unit, or ulimit -n; not started\n")


def test_a_start_in_the_background_ends_when_the_configuration_runs_or_is_refused(lan):
    (one,) = office(lan, "one")
    started = one.run([program("mainstayd"), "-f", one.write("/run/ha.conf", instance())])
    pid = int(one.read("/run/mainstay/mainstayd.pid"))
    assert started.stderr == "" and role_pid(one, "mainstayd-vrrp")
    one.run(["kill", str(pid)])
    wait_until(lambda: not one.path("/run/mainstay/mainstayd.pid").exists(), 10, "the end")

    one.write("/run/bad.conf", "vrrp_instance VI_1 {\n interface eth0\n virtual_router_id\n}\n")
    for options in ([], ["-n"]):
        refused = one.run([program("mainstayd"), *options, "-f", "/run/bad.conf"], check=False)
        assert refused.returncode == 2
        assert refused.stderr == ("mainstayd: /run/bad.conf is refused: not started; the log says why, and so does the option "
                                  "-t\n")


def test_under_the_name_keepalived_a_second_daemon_and_a_refused_file_exit_as_keepalived_s(lan):
    """Programs that start keepalived take another status for a failure (docs/compatibility.md)."""
    (one,) = office(lan, "one")
    one.run(["mkdir", "/run/bin"])
    one.run(["ln", "-s", program("mainstayd"), "/run/bin/keepalived"])
    path = one.write("/run/keepalived.conf", instance())
    assert one.run(["/run/bin/keepalived", "-f", path]).stderr == ""
    wait_holds(one)

    for options in ([], ["-n"]):
        assert one.run(["/run/bin/keepalived", *options, "-f", path], check=False).returncode == 0
    for missing in ("/run/none.conf", "/run/bin"):
        done = one.run(["/run/bin/keepalived", "-p", "/run/x.pid", "-r", "/run/y.pid", "-c", "/run/z.pid", "-f", missing], check=False)
        assert (done.returncode, done.stderr.startswith(f"keepalived: {missing}: ")) == (6, True), done.stderr
        assert not one.path("/run/x.pid").exists()
    assert one.holds(VIP)


def test_under_the_name_keepalived_it_has_keepalived_s_identity(lan):
    (one,) = office(lan, "one")
    one.run(["mkdir", "/run/bin"])
    one.run(["ln", "-s", program("mainstayd"), "/run/bin/keepalived"])
    path = one.write("/run/keepalived.conf", instance())

    daemon = wait_ready(one.start(["/run/bin/keepalived", "-n", "-l", "-f", path]))
    wait_holds(one)

    assert one.process_names().count("keepalived") >= 3
    assert one.path("/run/keepalived.pid").exists() and one.path("/run/vrrp.pid").exists()
    assert "Starting Keepalived v" in daemon.output()
    version = one.run(["/run/bin/keepalived", "--version"])
    assert version.stderr.startswith("Keepalived v2.4.3") and "--enable-json" in version.stderr
    assert one.run(["/run/bin/keepalived", "--signum=JSON"]).stdout == "36\n"


ROUTER = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


def router_of_neutron(lan):
    """(host, folder of the router's files): a daemon that is started as OpenStack's neutron starts keepalived."""
    (one,) = office(lan, "one")
    one.run(["mkdir", "-p", f"/run/ha/{ROUTER}", "/run/bin"])
    one.run(["ln", "-s", program("mainstayd"), "/run/bin/keepalived"])
    one.write(f"/run/ha/{ROUTER}/keepalived.conf", MAIL + instance())
    one.run(["/run/bin/keepalived", "-P", "-f", f"/run/ha/{ROUTER}/keepalived.conf", "-p",
             f"/run/ha/{ROUTER}.pid.keepalived", "-r", f"/run/ha/{ROUTER}.pid.keepalived-vrrp", "-D"])
    return one, f"/run/ha/{ROUTER}"


def runs_for_neutron(one, files):
    """neutron since release 23: both pid files lead to a process in whose command line the router's id stands."""
    found = []
    for file in (f"{files}.pid.keepalived", f"{files}.pid.keepalived-vrrp"):
        if not one.path(file).exists() or not (pid := one.read(file).strip()):
            return None
        if not one.path(f"/proc/{pid}/cmdline").exists() or ROUTER not in one.read(f"/proc/{pid}/cmdline"):
            return None
        found.append(int(pid))
    return found


def test_neutron_finds_its_router_s_daemon_by_the_command_lines_of_both_pid_files(lan):
    one, files = router_of_neutron(lan)
    wait_holds(one)
    supervisor, vrrp = wait_until(lambda: runs_for_neutron(one, files), 10, "both processes, as neutron counts them")
    line = one.read(f"/proc/{supervisor}/cmdline").split("\0")
    assert line == ["/run/bin/keepalived", "-P", "-f", f"{files}/keepalived.conf", "-p", f"{files}.pid.keepalived",
                    "-r", f"{files}.pid.keepalived-vrrp", "-D", ""]

    # The observer and the reader say it, too, whatever their names are.
    def lines():
        return [one.read(f"/proc/{pid}/cmdline").split("\0")
                for name in ("keepalived", "mainstayd") for pid in role_pids(one, name)]
    wait_until(lambda: len(lines()) == 4, 20, lambda: f"supervisor, reader, vrrp and observer among {lines()}, {one.process_names()}")
    assert lines() == [line] * 4

    one.write(f"{files}/keepalived.conf", "global_defs {\n process_names\n}\n" + MAIL + instance())
    one.run(["kill", "-HUP", str(supervisor)])
    wait_until(lambda: one.read(f"/proc/{vrrp}/comm").strip() == "keepalived_vrrp", 10, "the name of the configuration")
    assert runs_for_neutron(one, files) == [supervisor, vrrp]

    one.run(["kill", "-KILL", str(vrrp)])
    wait_until(lambda: (runs_for_neutron(one, files) or [0, vrrp])[1] != vrrp, 10, "another one that neutron counts")
    upgraded = one.run([program("mainstayctl"), "upgrade"], timeout=60)
    assert "were replaced" in upgraded.stdout
    wait_until(lambda: runs_for_neutron(one, files), 10, "both after an upgrade")

    one.run(["kill", str(supervisor)])
    wait_until(lambda: not one.path(f"/proc/{supervisor}").exists(), 30, "the end")
    assert not one.path(f"{files}.pid.keepalived").exists() and not one.holds(VIP)


def test_a_role_that_is_silent_is_killed_and_started_anew(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(instance()))
    wait_holds(one)
    old = signal_role(one, "mainstayd-vrrp", signal.SIGSTOP)

    wait_until(lambda: "has been silent for" in daemon.output(), 30, "the supervisor to notice")

    wait_until(lambda: role_pid(one, "mainstayd-vrrp") != old, 10, "another process")
    assert one.holds(VIP)


def test_a_stop_ends_whatever_hangs_and_leaves_no_address_route_or_rule(lan):
    """Its bounds are literal in a unit test (stop_bounds): all of them are below the 5 s after which neutron kills."""
    (one,) = office(lan, "one")
    hangs = one.write("/run/hangs", "#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 600; done\n", 0o755)
    many = "\n".join(f"10.7.{n // 250}.{n % 250 + 1}" for n in range(1000))
    text = (f"global_defs {{\n router_id one\n script_user root\n notification_email {{\n a@example.org\n }}\n"
            f" smtp_server 192.168.4.77\n smtp_alert\n notify_fifo /run/fifo\n notify_fifo_script {hangs}\n"
            "}\n" +
            instance(vip=f"{VIP}\n{many}", more="virtual_routes {\n 10.8.0.0/16 via 192.168.4.1 dev eth0\n }\n"
                     f" virtual_rules {{\n from 10.9.0.0/16 table 7\n }}\n notify_stop {hangs}"))
    for role, number in (("mainstayd-obs", signal.SIGSTOP), ("mainstayd-vrrp", signal.SIGSTOP), (None, None)):
        daemon = wait_ready(one.mainstayd(text))
        wait_until(lambda: len(one.addresses("eth0")) > 1000 and "10.8.0.0/16" in one.run(["ip", "route"]).stdout, 30, "all")
        wait_until(lambda: "mainstayd-obs" in one.process_names(), 10, "the observer")
        if role:
            signal_role(one, role, number)

        assert daemon.stop(timeout=30) == 0, (role, daemon.output())

        assert {a for a in one.addresses("eth0") if not a.startswith("fe80")} == {"192.168.4.11/24"}, role
        assert "10.8.0.0/16" not in one.run(["ip", "route"]).stdout and "10.9." not in one.run(["ip", "rule"]).stdout


def test_a_stop_removes_what_a_hanging_process_set_last(lan):
    """The process hung when it had set the address and told nobody yet: its state block says BACKUP."""
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(instance(more="advert_int 20")))
    signal_role(one, "mainstayd-vrrp", signal.SIGSTOP)
    one.run(["ip", "address", "add", VIP, "dev", "eth0"])

    assert daemon.stop(timeout=30) == 0, daemon.output()

    assert "state of the previous process resumed" in daemon.output()
    assert not one.holds(VIP)


def test_the_service_manager_is_notified_and_the_watchdog_fed(lan):
    (one,) = office(lan, "one")
    listener = one.start(["/usr/bin/python3", "-u", "-c", "import socket\ns=socket.socket(socket.AF_UNIX,"
                          "socket.SOCK_DGRAM)\ns.bind('/run/notify')\nprint('bound')\n"
                          "while True: print(s.recv(4096).decode())"])
    wait_until(lambda: "bound" in listener.output(), 10, "the notify socket")

    daemon = wait_ready(one.mainstayd(instance(), env={"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "400000"}))

    wait_until(lambda: listener.output().count("WATCHDOG=1") >= 3, 10, "the watchdog")
    assert "READY=1" in listener.output()
    daemon.send(signal.SIGHUP)
    wait_until(lambda: "RELOADING=1" in listener.output(), 10, "the reload to be told")
    assert daemon.stop() == 0
    assert "STOPPING=1" in listener.output()


def test_without_n_it_goes_into_the_background(lan):
    (one,) = office(lan, "one")
    path = one.write("/run/keepalived.conf", instance())

    done = one.run([program("mainstayd"), "-f", path, "-G"])

    assert done.returncode == 0
    wait_holds(one)
    one.run(["kill", one.read("/run/mainstay/mainstayd.pid").strip()])
    wait_until(lambda: not one.path("/run/mainstay/mainstayd.pid").exists(), 10, "the daemon to stop")
    assert not one.holds(VIP)


def test_a_missing_configuration_is_6_and_a_hopeless_one_2(lan):
    (one,) = office(lan, "one")
    clash = one.write("/run/clash.conf", instance() + instance(name="VI_2"))

    missing = one.run([program("mainstayd"), "-n", "-l", "-G", "-f", "/run/nowhere.conf"], check=False)
    hopeless = one.run([program("mainstayd"), "-n", "-l", "-G", "-f", clash], check=False)

    assert missing.returncode == 6
    assert re.search(r"/run/nowhere\.conf", missing.stderr)
    assert hopeless.returncode == 2


def test_without_permission_it_says_so_and_exits_4(lan):
    (one,) = office(lan, "one")
    path = one.write("/run/keepalived.conf", instance())

    done = one.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program("mainstayd"), "-n", "-l", "-G",
                    "-f", path], check=False)

    assert done.returncode == 4
    assert "must be started as root" in done.stderr
