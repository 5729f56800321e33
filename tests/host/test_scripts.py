"""Tracked scripts and notify scripts: what they change, and what they are told."""

import signal

import pytest
from support.paths import COURSE
from support.vrrp import instance, office, wait_holds, wait_ready, wait_released
from support.wait import stays, wait_until

COURSE_VIP = "192.168.17.146"
WEIGHT_VIP = "192.168.0.146"


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


def script(body, options=""):
    return f'''vrrp_script chk {{
    script "{body}"
    interval 1
    {options}
}}
'''


@pytest.mark.parametrize("body,options,why", [
    ("/run/hangs", "timeout 1", "timed_out"),
    ("/run/fails", "", "exited with status 3"),
    ("/run/fails", "fall 2", "exited with status 3"),
])
def test_a_script_that_hangs_or_fails_takes_its_weight_away(lan, body, options, why):
    one, two = office(lan, "one", "two")
    for host in (one, two):
        host.write("/run/hangs", "#!/bin/sh\n[ -e /run/bad ] && sleep 1000\nexit 0\n", 0o755)
        host.write("/run/fails", "#!/bin/sh\n[ -e /run/bad ] && exit 3\nexit 0\n", 0o755)
    track = "track_script {\n chk weight -60\n }"
    text = script(body, options)
    master = wait_ready(one.mainstayd(text + instance("MASTER", 150, more=track)))
    wait_ready(two.mainstayd(text + instance("BACKUP", 100, more=track)))
    wait_holds(one)

    one.write("/run/bad", "")

    wait_holds(two, timeout=20)
    wait_released(one)
    wait_until(lambda: "Changing effective priority from 150 to 90" in master.output(), 10, "the log line")
    assert why in master.output()


def test_a_script_that_is_missing_is_named_and_the_instance_runs_without_it(lan):
    (one,) = office(lan, "one")

    daemon = wait_ready(one.mainstayd(script("/run/nowhere") + instance(more="track_script {\n chk\n }")))

    wait_holds(one)
    assert "/run/nowhere" in daemon.output()


@pytest.mark.nightly
def test_notify_scripts_learn_in_order_who_and_what(lan):
    one, two = office(lan, "one", "two")
    one.write("/run/tell", '#!/bin/sh\necho "$@" >>/run/told\n', 0o755)
    notify = "\n".join(['notify "/run/tell any"', 'notify_master "/run/tell master"', 'notify_backup "/run/tell backup"',
                        'notify_fault "/run/tell fault"', 'notify_stop "/run/tell stop"'])
    daemon = wait_ready(one.mainstayd(instance("BACKUP", 150, more=notify)))
    wait_ready(two.mainstayd(instance("BACKUP", 100)))
    wait_holds(one)

    one.run(["ip", "link", "set", "eth0", "down"])
    wait_until(lambda: "FAULT" in one.read("/run/told"), 10, "the fault to be told")
    one.run(["ip", "link", "set", "eth0", "up"])
    wait_holds(one)
    assert daemon.stop() == 0

    assert one.read("/run/told").splitlines() == [
        "backup", "any INSTANCE VI_1 BACKUP 150",
        "master", "any INSTANCE VI_1 MASTER 150",
        "fault", "any INSTANCE VI_1 FAULT 150",
        "backup", "any INSTANCE VI_1 BACKUP 150",
        "master", "any INSTANCE VI_1 MASTER 150",
        "stop", "any INSTANCE VI_1 STOP 150"]


def test_a_script_runs_as_its_user(lan):
    (one,) = office(lan, "one")
    one.run(["mkdir", "-m", "777", "/run/out"])
    one.write("/run/whoami", "#!/bin/sh\nid -un >/run/out/user\n", 0o755)

    wait_ready(one.mainstayd('vrrp_script chk {\n script "/run/whoami"\n interval 1\n user nobody\n}\n'
                             + instance(more="track_script {\n chk\n }")))

    wait_until(lambda: one.path("/run/out/user").exists() and one.read("/run/out/user").strip(), 10, "the script to run")
    assert one.read("/run/out/user").strip() == "nobody"


def test_an_instance_that_a_reload_removes_is_reported_by_the_script_it_had(lan):
    (one,) = office(lan, "one")
    one.write("/run/tell", '#!/bin/sh\necho "$@" >>/run/told\n', 0o755)
    first, second = instance(), instance(vip="192.168.4.210", vrid=60, name="VI_2", more='notify "/run/tell"')
    daemon = wait_ready(one.mainstayd(first + second))
    wait_holds(one, "192.168.4.210")

    one.write("/run/keepalived.conf", first)
    daemon.send(signal.SIGHUP)

    # keepalived: a removed instance is told as FAULT unless notify_deleted is set.
    wait_until(lambda: "INSTANCE VI_2 FAULT 150" in one.read("/run/told"), 10, "the script of VI_2")
