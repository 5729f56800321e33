"""Scripts that are tracked, by every setting of theirs; the account and the environment of every script, and those that others
may change. Which scripts are called for what: test_notifications.py."""

import pytest
from support.paths import COURSE, program
from support.vrrp import (VIP, fast, logged, office, priority_on_the_wire, reload, wait_holds, wait_ready,
                          wait_released)
from support.wait import stays, wait_until

COURSE_VIP = "192.168.17.146"
WEIGHT_VIP = "192.168.0.146"
TRACK = "track_script {\n chk\n }"


def script(command, options="", interval="0.2"):
    return f'vrrp_script chk {{\n script "{command}"\n interval {interval}\n {options}\n}}\n'


def check(host, name="/run/check"):
    """A script that exits as /run/status says."""
    host.write("/run/status", "0")
    host.write(name, "#!/bin/sh\nexit $(cat /run/status)\n", 0o755)
    return name


def haproxy(host):
    """Anything of that name will do for killall -0."""
    host.run(["cp", "/bin/sleep", "/run/haproxy"])
    host.run(["chmod", "755", "/run/haproxy"])
    return host.start(["/run/haproxy", "1000"], name="haproxy")


def test_without_a_weight_a_failing_script_is_a_fault_and_the_vip_moves(lan):
    one, two = office(lan, "one", "two")
    proxies = [haproxy(host) for host in (one, two)]
    master = wait_ready(one.mainstayd((COURSE / "haproxy-pair-noweight-master.conf").read_text(encoding="utf-8")))
    wait_ready(two.mainstayd((COURSE / "haproxy-pair-noweight-backup.conf").read_text(encoding="utf-8")))
    wait_holds(one, COURSE_VIP)

    proxies[0].stop()
    wait_holds(two, COURSE_VIP)
    wait_released(one, COURSE_VIP)
    assert "(VI_1) Entering FAULT STATE" in master.output()

    haproxy(one)
    wait_holds(one, COURSE_VIP)
    wait_released(two, COURSE_VIP)


@pytest.mark.nightly
def test_a_weight_that_is_too_small_keeps_the_vip(lan):
    lan.switch("office")
    one, two = (lan.host(name, ens18=("office", f"192.168.0.{11 + n}/24")) for n, name in enumerate(("one", "two")))
    proxies = [haproxy(host) for host in (one, two)]
    master = wait_ready(one.mainstayd((COURSE / "haproxy-pair-master.conf").read_text(encoding="utf-8")))
    wait_ready(two.mainstayd((COURSE / "haproxy-pair-backup.conf").read_text(encoding="utf-8")))
    wait_holds(one, WEIGHT_VIP)

    proxies[0].stop()
    wait_until(lambda: "(VI_1) Changing effective priority from 105 to 103" in master.output(), 15, "the new priority")

    assert stays(lambda: one.holds(WEIGHT_VIP) and not two.holds(WEIGHT_VIP), 5)


def test_weight_rise_and_fall_of_a_script_on_the_wire(lan):
    # effect: (root): vrrp_script
    # effect: vrrp_script: script interval weight rise fall
    # effect: vrrp_instance: track_script
    one, two = office(lan, "one", "two")
    daemon = wait_ready(one.mainstayd(script(check(one), "weight 20\nrise 3\nfall 2") + fast(priority=100, more=TRACK)))
    priority_on_the_wire(one, 120)
    logged(daemon, "VRRP_Script(chk) succeeded")

    one.write("/run/status", "7")
    logged(daemon, "Script `chk` now returning 7")
    logged(daemon, "VRRP_Script(chk) failed (exited with status 7)")
    logged(daemon, "(VI_1) Changing effective priority from 120 to 100")
    priority_on_the_wire(one, 100)
    wait_ready(two.mainstayd(fast(priority=110)))
    wait_holds(two)
    wait_released(one)

    one.write("/run/status", "0")
    logged(daemon, "Script `chk` now returning 0")
    priority_on_the_wire(one, 120)
    wait_holds(one)
    wait_released(two)


@pytest.mark.parametrize("weight,good,bad", [("-30", 100, 70), ("30 reverse", 70, 100), ("-30 reverse", 100, 130)])
def test_the_sign_of_the_weight_and_reverse_say_when_it_counts(lan, weight, good, bad):
    # effect: vrrp_script: weight
    (one,) = office(lan, "one")
    wait_ready(one.mainstayd(script(check(one), f"weight {weight}") + fast(priority=100, more=TRACK)))
    priority_on_the_wire(one, good)
    one.write("/run/status", "1")
    priority_on_the_wire(one, bad)


def test_with_init_fail_a_script_is_bad_until_it_has_risen(lan):
    # effect: vrrp_script: init_fail rise
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(script(check(one), "init_fail\nrise 3\nweight -40", "0.5")
                                      + fast(priority=100, more=TRACK)))
    priority_on_the_wire(one, 60)
    priority_on_the_wire(one, 100)
    logged(daemon, "VRRP_Script(chk) succeeded")


def test_a_node_whose_script_failed_at_the_start_respects_the_master_with_nopreempt(lan):
    """docs/field-cases.md: 1652."""
    one, two = office(lan, "one", "two")
    one.write("/run/check", "#!/bin/sh\n[ -e /run/good ]\n", 0o755)
    peers = "unicast_src_ip 192.168.4.%d\nunicast_peer {\n 192.168.4.%d\n}\n"
    wait_ready(two.mainstayd(fast(priority=100, more=peers % (12, 11))))
    wait_holds(two)
    daemon = wait_ready(one.mainstayd(script("/run/check") + fast(priority=150, more=f"nopreempt\n{TRACK}\n{peers % (11, 12)}")))
    logged(daemon, "(VI_1) Entering FAULT STATE")

    one.write("/run/good", "")
    logged(daemon, "(VI_1) Entering BACKUP STATE")

    assert stays(lambda: two.holds(VIP) and not one.holds(VIP), 3)


def test_a_tracker_that_a_reload_adds_to_a_master_costs_it_nothing(lan):
    """docs/field-cases.md: 1941."""
    one, two = office(lan, "one", "two")
    one.write("/run/slow", "#!/bin/sh\nsleep 1\nexit 0\n", 0o755)
    daemon = wait_ready(one.mainstayd(fast(priority=150)))
    wait_holds(one)
    backup = wait_ready(two.mainstayd(fast(priority=100)))

    said = reload(one, daemon, script("/run/slow", interval=2) + fast(priority=150, more=TRACK))

    assert "STATE" not in said
    assert stays(lambda: one.holds(VIP) and not two.holds(VIP), 3)
    assert "Entering MASTER STATE" not in backup.output()


def test_a_script_that_takes_too_long_gets_term_then_kill_and_counts_as_failed(lan):
    # effect: vrrp_script: timeout
    (one,) = office(lan, "one")
    one.write("/run/slow", "#!/bin/sh\ntrap 'date +%s%N >/run/term' TERM\necho $$ >/run/pid\n"
              "while :; do sleep 0.1; done\n", 0o755)
    daemon = wait_ready(one.mainstayd(script("/run/slow", "timeout 0.5\nweight -40", "20")
                                      + fast(priority=100, more=TRACK)))
    logged(daemon, "VRRP_Script(chk) timed_out")
    priority_on_the_wire(one, 60)
    assert one.path("/run/term").exists()
    pid = one.read("/run/pid").strip()
    wait_until(lambda: one.run(["kill", "-0", pid], check=False).returncode != 0, 5, "it to be killed")


def test_a_script_that_runs_into_its_next_turn_is_skipped(lan):
    (one,) = office(lan, "one")
    one.write("/run/slow", "#!/bin/sh\nexec sleep 1.5\n", 0o755)
    daemon = wait_ready(one.mainstayd(script("/run/slow", "timeout 5\nweight 1", "0.5") + fast(more=TRACK)))
    logged(daemon, "Track script chk is already running, expect idle - skipping run")


def test_a_script_that_dies_of_a_signal_has_failed(lan):
    (one,) = office(lan, "one")
    one.write("/run/dies", "#!/bin/sh\nkill -9 $$\n", 0o755)
    daemon = wait_ready(one.mainstayd(script("/run/dies", "weight -1") + fast(more=TRACK)))
    logged(daemon, "VRRP_Script(chk) failed (due to signal 9)")


def test_a_script_that_is_missing_is_named_and_the_instance_runs_without_it(lan):
    (one,) = office(lan, "one")

    daemon = wait_ready(one.mainstayd(script("/run/nowhere") + fast(more=TRACK)))

    wait_holds(one)
    assert "/run/nowhere" in daemon.output()


def test_a_redirection_tests_whether_its_user_can_read_the_file(lan):
    # effect: vrrp_script: script user
    (one,) = office(lan, "one")
    one.write("/run/flag", "", 0o644)
    daemon = wait_ready(one.mainstayd(script("</run/flag", "user nobody") + fast(more=TRACK)))
    wait_holds(one)
    one.path("/run/flag").chmod(0o600)
    logged(daemon, "(VI_1) entering FAULT state (script chk fails)")
    one.path("/run/flag").chmod(0o644)
    wait_holds(one)
    one.path("/run/flag").unlink()
    wait_until(lambda: not one.holds(VIP), 10, "the VIP to go")


def test_a_command_and_a_script_run_even_when_the_first_line_names_no_interpreter(lan):
    """docs/field-cases.md: 1091."""
    (one,) = office(lan, "one")
    one.write("/run/plain", "#/bin/sh\necho \"$0 $1\" >>/run/ran.$1\n", 0o755)
    wait_ready(one.mainstayd(script("/run/plain track", "weight 10") + fast(
        priority=100, more=TRACK + '\nnotify_backup "/run/plain backup"\nnotify_master "/bin/sh /run/plain master"')))
    priority_on_the_wire(one, 110)
    for word in ("track", "backup", "master"):
        wait_until(lambda w=word: one.path(f"/run/ran.{w}").exists() and f"/run/plain {w}\n" in one.read(f"/run/ran.{w}"), 10,
                   f"the script to run with {word}")


def accounts(host):
    """Users and groups of the host's own."""
    for name in ("passwd", "group"):
        host.write(f"/run/{name}", host.read(f"/etc/{name}")
                   + ("tester:x:1234:1234::/:/bin/sh\nkeepalived_script:x:1240:1240::/:/bin/sh\n" if name == "passwd"
                      else "tester:x:1234:\nkeepalived_script:x:1240:\nextra:x:1235:tester\nother:x:1236:\n"))
        host.run(["mount", "--bind", f"/run/{name}", f"/etc/{name}"])
    host.run(["mkdir", "-m", "777", "/run/out"])
    host.write("/run/who", '#!/bin/sh\necho "$0 $(id -un) $(id -gn) $(id -Gn | tr " " ,)" >/run/out/$1\n', 0o755)


def test_the_account_of_a_script_is_its_own_or_script_user_or_keepalived_script(lan):
    # effect: global_defs: script_user set_supplementary_groups
    # effect: vrrp_script: user
    (one,) = office(lan, "one")
    accounts(one)
    def run(settings, options, notify=""):
        text = f"global_defs {{\n {settings}\n}}\n" + script("/run/who script", options) + fast(
            more=TRACK + f'\nnotify_master "/run/who notify" {notify}')
        daemon = wait_ready(one.mainstayd(text))
        names = ("script", "notify")
        wait_until(lambda: all(one.path(f"/run/out/{n}").exists() and one.read(f"/run/out/{n}") for n in names), 10,
                   lambda: daemon.output())
        answers = [one.read(f"/run/out/{name}").split()[1:] for name in names]
        assert daemon.stop() == 0
        one.run(["sh", "-c", "rm -f /run/out/*"])
        return answers
    default = ["keepalived_script", "keepalived_script", "keepalived_script"]
    assert run("", "") == [default, default]
    tester = ["tester", "tester", "tester"]
    assert run("script_user tester", "") == [tester, tester]
    assert run("script_user tester", "user nobody") == [["nobody", "nogroup", "nogroup"], tester]
    assert run("script_user tester other", "", "tester :") == [["tester", "other", "other"],
                                                             ["tester", "tester", "tester,extra"]]
    assert run("script_user tester\n set_supplementary_groups", "") == [["tester", "tester", "tester,extra"]] * 2


def test_scripts_run_by_their_resolved_path_unless_use_symlink_paths(lan):
    # effect: global_defs: use_symlink_paths
    (one,) = office(lan, "one")
    one.write("/run/real", '#!/bin/sh\necho "$0" >/run/name\n', 0o755)
    one.run(["ln", "-s", "/run/real", "/run/link"])
    for settings, name in (("", "/run/real"), ("use_symlink_paths", "/run/link")):
        daemon = wait_ready(one.mainstayd(f"global_defs {{\n {settings}\n}}\n" + script("/run/link") + fast(more=TRACK)))
        wait_until(lambda name=name: one.path("/run/name").exists() and one.read("/run/name") == f"{name}\n", 10,
                   f"it to run as {name}")
        assert daemon.stop() == 0


def test_a_process_that_a_script_leaves_behind_becomes_the_daemons_and_is_reaped(lan):
    (one,) = office(lan, "one")
    one.write("/run/leave", "#!/bin/sh\nsetsid sh -c 'echo $$ >/run/left.new; mv /run/left.new /run/left; exec sleep 1000' &\n",
              0o755)
    wait_ready(one.mainstayd(fast(more='notify_master "/run/leave"')))
    wait_until(lambda: one.path("/run/left").exists(), 10, "the process")
    pid, daemon = one.read("/run/left").strip(), one.read("/run/mainstay/mainstayd.pid").strip()

    def parent():
        return one.run(["awk", "/^PPid:/ {print $2}", f"/proc/{pid}/status"], check=False).stdout.strip()

    wait_until(lambda: parent() == daemon, 10, "the daemon to be its parent")  # so `mainstayctl doctor` can tell whose it is
    one.run(["kill", pid])
    wait_until(lambda: parent() == "", 10, "its end")


def test_what_others_may_change_is_reported_and_with_enable_script_security_not_run(lan):
    # effect: global_defs: enable_script_security
    (one,) = office(lan, "one")
    one.run(["mkdir", "-p", "/run/open"])
    one.path("/run/open").chmod(0o777)
    one.write("/run/open/check", "#!/bin/sh\ntouch /run/ran\n", 0o755)
    text = "global_defs {\n script_user root\n %s\n}\n" + script("/run/open/check") + fast(
        more=TRACK + '\nnotify_master "/run/open/check"')
    daemon = wait_ready(one.mainstayd(text % ""))
    wait_until(lambda: one.path("/run/ran").exists(), 10, "the script to run")
    assert "Unsafe permissions found for script '/run/open/check'" in daemon.output()
    assert ("SECURITY VIOLATION - scripts are being executed but script_security not enabled."
            " There are insecure scripts.") in daemon.output()
    assert daemon.stop() == 0

    one.run(["rm", "/run/ran"])
    daemon = wait_ready(one.mainstayd(text % "enable_script_security"))
    wait_holds(one)  # without its script the instance runs as if it had none
    assert stays(lambda: not one.path("/run/ran").exists(), 1)
    assert "Unsafe permissions found for script '/run/open/check' - disabling" in daemon.output()
    assert "SECURITY VIOLATION" not in daemon.output()
    assert daemon.stop() == 0

    one.path("/run/open").chmod(0o755)
    daemon = wait_ready(one.mainstayd(text % "enable_script_security"))
    wait_until(lambda: one.path("/run/ran").exists(), 10, "the script to run")
    assert "Unsafe permissions" not in daemon.output()
    assert daemon.stop() == 0

    daemon = wait_ready(one.mainstayd(fast()))  # without a script there is nothing to be said of them
    wait_holds(one)
    assert "SECURITY VIOLATION" not in daemon.output()


def test_a_script_that_others_got_the_right_to_change_is_not_run_any_more(lan):
    (one,) = office(lan, "one")
    one.write("/run/check", "#!/bin/sh\necho . >>/run/ran\n", 0o755)
    text = "global_defs {\n script_user root\n %s\n}\n" + script("/run/check") + fast(more=TRACK)
    daemon = wait_ready(one.mainstayd(text % "enable_script_security"))
    wait_until(lambda: one.path("/run/ran").exists(), 10, "the script to run")

    one.path("/run/check").chmod(0o777)
    logged(daemon, "script /run/check of vrrp_script/chk is not run: accounts other than root may modify it (enable_script_security)")
    one.run(["rm", "-f", "/run/ran"])
    assert stays(lambda: not one.path("/run/ran").exists(), 1)
    wait_until(lambda: not one.holds(VIP), 10, "the instance to count its script as failed")
    assert daemon.output().count("of vrrp_script/chk is not run") == 1
    one.path("/run/check").chmod(0o755)
    wait_holds(one)
    assert daemon.stop() == 0

    daemon = wait_ready(one.mainstayd(text % ""))
    wait_holds(one)
    one.path("/run/check").chmod(0o777)
    logged(daemon, "script /run/check of vrrp_script/chk became unsafe: accounts other than root may modify it")
    assert stays(lambda: one.holds(VIP), 1)
    assert daemon.output().count("became unsafe") == 1


def test_scripts_see_of_the_environment_only_what_they_need(lan):
    (one,) = office(lan, "one")
    one.write("/run/env", '#!/bin/sh\nenv >"/run/env.$1"\n', 0o755)
    fifo = 'global_defs {\n script_user root\n notify_fifo /run/fifo\n notify_fifo_script "/run/env fifo"\n}\n'
    wait_ready(one.mainstayd(fifo + script("/run/env track") + fast(more=TRACK + '\nnotify_master "/run/env notify"'),
                             env={"TZ": "UTC", "LC_TIME": "C", "PASSWORD": "secret", "NOTIFY_SOCKET": "/run/none"}))
    for name in ("track", "notify", "fifo"):
        wait_until(lambda name=name: "PATH=" in (one.read(f"/run/env.{name}") if one.path(f"/run/env.{name}").exists() else ""),
                   10, f"the {name} script")
        names = {line.split("=")[0] for line in one.read(f"/run/env.{name}").splitlines() if "=" in line}
        assert {"PATH", "TZ", "LC_TIME"} <= names
        # PWD is the shell's.
        assert not {n for n in names if not n.startswith("LC_")} - {"PATH", "HOME", "TZ", "LANG", "LANGUAGE", "PWD"}, names


TOKENS = {"HCLOUD_TOKEN": "hidden-value", "AWS_KEY": "hidden-value", "LD_DEBUG": "", "BASH_ENV": "/nowhere"}
PASS = '[scripts]\npass_environment = ["HCLOUD_TOKEN", "AWS_*", "LD_*"]\n'


def environment(host, name):
    """The names that the script of this name saw the last time it ran."""
    file = host.path(f"/run/env.{name}")
    return {line.split("=")[0] for line in file.read_text().splitlines() if "=" in line} if file.exists() else set()


def test_scripts_of_each_kind_get_what_pass_environment_names_after_a_reload_and_an_upgrade(lan):
    (one,) = office(lan, "one")
    one.write("/run/env", '#!/bin/sh\nenv >"/run/env.$1.new"\nmv "/run/env.$1.new" "/run/env.$1"\n'
              'if [ "$1" = fifo ]; then exec cat "$2"; fi\n', 0o755)
    check = 'MISC_CHECK {\nmisc_path "/run/env misc"\ndelay_loop 1\nwarmup 0\n}'
    text = ('global_defs {\n script_user root\n notify_fifo /run/fifo\n notify_fifo_script "/run/env fifo"\n}\n'
            + script("/run/env track") + fast(more=TRACK + '\nnotify "/run/env notify"')
            + f"virtual_server 10.0.0.1 80 {{\nreal_server 10.0.1.1 80 {{\n{check}\n}}\n}}\n")
    daemon = wait_ready(one.mainstayd(text, env=TOKENS))
    kinds = ("track", "notify", "fifo", "misc")
    for kind in kinds:
        wait_until(lambda kind=kind: "PATH" in environment(one, kind), 20, f"the {kind} script")
        assert not environment(one, kind) & set(TOKENS)

    one.write("/etc/mainstay/mainstay.toml", PASS)
    reload(one, daemon, text)

    assert "scripts.pass_environment cannot have 'LD_?': it decides what a script runs or loads" in daemon.output()
    for kind in ("track", "fifo", "misc"):
        wait_until(lambda kind=kind: environment(one, kind) & set(TOKENS) == {"HCLOUD_TOKEN", "AWS_KEY"}, 20,
                   f"the {kind} script to get them")
    one.run([program("mainstayctl"), "upgrade"], timeout=60)
    for kind in kinds:
        one.run(["rm", "-f", f"/run/env.{kind}"])
    for kind in ("track", "misc"):
        wait_until(lambda kind=kind: environment(one, kind) & set(TOKENS) == {"HCLOUD_TOKEN", "AWS_KEY"}, 20,
                   f"the {kind} script of the new program")
    one.run(["ip", "link", "set", "eth0", "down"])
    wait_until(lambda: environment(one, "notify") & set(TOKENS) == {"HCLOUD_TOKEN", "AWS_KEY"}, 20, "the notify script")
    assert "hidden-value" not in daemon.output()


def test_the_first_script_that_fails_and_doctor_name_what_scripts_do_not_get(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd("global_defs {\n script_user root\n}\n" + script("/run/nothing.sh")
                                      + fast(more=TRACK), name="other.conf"))
    daemon.stop()
    one.write("/run/fails", "#!/bin/sh\nexit 1\n", 0o755)
    daemon = wait_ready(one.mainstayd("global_defs {\n script_user root\n}\n" + script("/run/fails") + fast(more=TRACK),
                                      env=TOKENS))
    said = "Scripts do not get these variables of the daemon: "
    wait_until(lambda: said in daemon.output(), 20, "the first failure")
    line = next(line for line in daemon.output().splitlines() if said in line)
    assert "HCLOUD_TOKEN" in line or " more; " in line
    assert "AWS_KEY" in line and "LD_DEBUG" not in line and "BASH_ENV" not in line
    assert stays(lambda: daemon.output().count(said) == 1, 1)

    answer = one.run([program("mainstayctl"), "doctor", "--json"], check=False).stdout
    assert "scripts do not get these variables of the daemon's environment: " in answer
    assert "AWS_KEY" in answer
    assert "hidden-value" not in daemon.output() + answer


def test_keepalived_gives_its_scripts_all_of_its_environment_and_none_of_its_own(lan):
    """What 2.2.7 does, as its users know it; mainstay gives what pass_environment names."""
    (one,) = office(lan, "one")
    one.write("/run/env", '#!/bin/sh\n[ "$1" = fifo ] || readlink /proc/self/fd/2 >"/run/err.$1"\n'
              'tr "\\0" "\\n" </proc/$$/environ >"/run/env.$1.new"\nmv "/run/env.$1.new" "/run/env.$1"\n', 0o755)
    text = ('global_defs {\n script_user root\n vrrp_notify_fifo /run/fifo\n vrrp_notify_fifo_script "/run/env fifo"\n}\n'
            + script("/run/env track", interval="1") + fast(more=TRACK + '\nnotify "/run/env notify"'))
    path = one.write("/run/keepalived.conf", text)
    one.start(["keepalived", "-P", "-n", "-l", "-D", "-G", "-f", path], env={**TOKENS, "IFS": "x"})
    for kind in ("track", "notify", "fifo"):
        wait_until(lambda kind=kind: "PATH" in environment(one, kind), 30, f"the {kind} script")
        assert set(TOKENS) <= environment(one, kind)
        assert not {name for name in environment(one, kind) if name.startswith(("KEEPALIVED", "VRRP"))}
    assert one.read("/run/err.track") == one.read("/run/err.notify") == "/dev/null\n"
