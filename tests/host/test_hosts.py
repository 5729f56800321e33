"""The hosts that the other tests stand on are what they claim to be."""

import os
import signal

from support.wait import wait_until


def pair(lan):
    lan.switch("office")
    return (lan.host("one", eth0=("office", "192.168.4.11/24")),
            lan.host("two", eth0=("office", "192.168.4.12/24", "fd00:4::12/64")))


def test_two_hosts_on_one_switch_reach_each_other(lan):
    one, _ = pair(lan)

    assert one.run(["ping", "-c", "1", "-W", "5", "192.168.4.12"], check=False).returncode == 0


def test_a_host_sees_its_own_processes_and_files_only(lan):
    one, two = pair(lan)
    one.start(["sleep", "600"])
    one.write("/run/only-here", "x")

    assert one.run(["killall", "-0", "sleep"], check=False).returncode == 0
    assert "only-here" in os.listdir(one.path("/run"))
    assert "only-here" not in os.listdir(two.path("/run"))
    assert one.run(["hostname"]).stdout.strip() == "one"
    assert two.run(["cat", "/proc/sys/kernel/hostname"]).stdout.strip() == "two"
    assert two.run(["ls", "/sys/class/net"]).stdout.split() == ["eth0", "lo"]


def test_a_killed_host_is_gone_at_once_and_comes_back_empty(lan):
    one, two = pair(lan)
    program = one.start(["sleep", "600"])
    pid = program.pid

    one.kill()

    assert not os.path.exists(f"/proc/{pid}")
    one.boot()
    assert one.addresses("eth0") >= {"192.168.4.11/24"}
    wait_until(lambda: two.run(["ping", "-c", "1", "-W", "1", "192.168.4.11"], check=False).returncode == 0,
               10, "the host to answer again")


def test_a_program_is_signalled_by_its_own_pid(lan):
    one, _ = pair(lan)
    program = one.start(["bash", "-c", "trap 'echo stopped; exit 3' TERM; echo up; while :; do sleep 0.1; done"])
    wait_until(lambda: "up" in program.output(), 10, "the program to start")

    assert program.stop(signal.SIGTERM) == 3
    assert "stopped" in program.output()
