"""The kernel's settings beside its table: synchronisation daemons that follow a VRRP instance, and timeouts."""

import re
import signal

import pytest

from support.lvs import child_pid, lvs_pid
from support.netlink import buffers
from support.wait import stays, wait_until

INSTANCE = """
vrrp_instance VI_1 {{
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority {priority}
  advert_int 0.3
  virtual_ipaddress {{
    192.168.4.80/24
  }}
}}
"""


def daemons(host):
    """{"master": "mcast=eth0, syncid=51, ..."} of those that run."""
    shown = host.run(["ipvsadm", "-Ln", "--daemon"]).stdout
    return dict(re.findall(r"^(master|backup) sync daemon \((.*)\)", shown, re.M))


def timeouts(host):
    return host.run(["ipvsadm", "-Ln", "--timeout"]).stdout.split(": ")[1].split()


def until_daemons(host, *states, seconds=20):
    wait_until(lambda: sorted(daemons(host)) == sorted(states), seconds,
               lambda: f"{host.name}: {states}, there is {daemons(host)}")


def reload(host, daemon, text):
    wait_until(lambda: "Startup complete" in daemon.output(), 20, lambda: daemon.output()[-3000:])
    before = daemon.output().count("Reload complete")
    host.write("/run/keepalived.conf", text)
    daemon.send(signal.SIGHUP)
    wait_until(lambda: daemon.output().count("Reload complete") > before, 20, lambda: daemon.output()[-3000:])


@pytest.fixture
def office(lan):
    lan.switch("office")
    return lan


def director(office, name, number):
    return office.host(name, eth0=("office", f"192.168.4.{number}/24"))


def vrrp_pid(daemon):
    return child_pid(daemon, "Starting VRRP child process")


def test_the_sync_daemon_is_the_master_s_on_the_master_whatever_dies(office):
    # effect: global_defs: lvs_sync_daemon
    one, two = director(office, "one", 11), director(office, "two", 12)
    settings = ("global_defs {\n  lvs_sync_daemon eth0 inst VI_1 maxlen 1200 port 9000 ttl 2 group 224.0.0.99\n}\n")
    first = one.mainstayd(settings + INSTANCE.format(priority=150))
    second = two.mainstayd(settings + INSTANCE.format(priority=100))
    until_daemons(one, "master")
    until_daemons(two, "backup")
    words = "syncid=51, maxlen={}, group=224.0.0.99, port=9000, ttl=2"
    assert daemons(one)["master"] == "mcast=eth0, " + words.format(1200)
    assert daemons(two)["backup"] == "mcast=eth0, " + words.format(1200)

    # A role that dies leaves the daemon as it is, and the next one finds it right.
    started = first.output().count("Started IPVS master sync daemon")
    for find in (lvs_pid, vrrp_pid):
        before = find(first)
        one.run(["kill", "-KILL", str(before)])
        wait_until(lambda: find(first) != before, 20, lambda: first.output()[-2000:])
        assert stays(lambda: sorted(daemons(one)) == ["master"], 2)
    assert first.output().count("Started IPVS master sync daemon") == started

    assert first.stop() == 0
    assert daemons(one) == {}
    until_daemons(two, "master")
    assert second.stop() == 0
    assert daemons(two) == {}


def test_the_old_keyword_of_an_instance_does_the_same(office):
    # effect: vrrp_instance: lvs_sync_daemon_interface
    one, two = director(office, "one", 11), director(office, "two", 12)
    text = INSTANCE.replace("advert_int", "lvs_sync_daemon_interface eth0\n  advert_int")
    daemon = one.mainstayd(text.format(priority=150))
    until_daemons(one, "master")
    two.mainstayd(text.format(priority=100))
    until_daemons(two, "backup")
    for host, state in ((one, "master"), (two, "backup")):
        assert daemons(host)[state].startswith("mcast=eth0, syncid=51, ")
    reload(one, daemon, INSTANCE.format(priority=150))
    until_daemons(one)


@pytest.mark.nightly
def test_without_an_instance_both_run_and_start_again_when_their_interface_returns(office):
    # effect: global_defs: lvs_netlink_monitor_rcv_bufs lvs_netlink_monitor_rcv_bufs_force
    one = director(office, "one", 11)
    one.run(["ip", "link", "add", "cable", "type", "dummy"])
    one.run(["ip", "link", "set", "cable", "up"])
    most = int(one.read("/proc/sys/net/core/rmem_max"))
    text = ("global_defs {\n  lvs_sync_daemon cable id 7\n"
            f"  lvs_netlink_monitor_rcv_bufs {3 * most}\n  lvs_netlink_monitor_rcv_bufs_force\n}}\n")
    daemon = one.mainstayd(text, "-C")
    until_daemons(one, "master", "backup")
    assert daemons(one)["master"].startswith("mcast=cable, syncid=7, ")
    assert 6 * most in buffers(one)

    one.run(["ip", "link", "del", "cable"])
    until_daemons(one)
    wait_until(lambda: "interface cable does not exist" in daemon.output(), 10, daemon.output)
    one.run(["ip", "link", "add", "cable", "type", "dummy"])
    wait_until(lambda: "interface cable has appeared" in daemon.output(), 10, lambda: daemon.output())
    one.run(["ip", "link", "set", "cable", "up"])
    until_daemons(one, "master", "backup", seconds=5)  # at once, not when it looks again

    one.run(["ipvsadm", "--stop-daemon", "backup"])
    until_daemons(one, "master", "backup")
    reload(one, daemon, text.replace("id 7", "id 8"))
    wait_until(lambda: "syncid=8" in daemons(one).get("backup", ""), 10, lambda: str(daemons(one)))
    assert daemon.stop() == 0
    assert daemons(one) == {}


def test_timeouts_are_set_and_put_back(office):
    # effect: global_defs: lvs_timeouts
    one = director(office, "one", 11)
    server = ("virtual_server 10.0.0.1 80 {\n  lb_algo rr\n  lb_kind NAT\n  protocol TCP\n"
              "  real_server 127.1.0.1 80 {\n    weight 1\n  }\n}\n")
    one.run(["ipvsadm", "--set", "900", "120", "300"])
    daemon = one.mainstayd("global_defs {\n  lvs_timeouts tcp 7200 udp 60\n}\n" + server, "-C")
    wait_until(lambda: timeouts(one) == ["7200", "120", "60"], 20, lambda: str(timeouts(one)))

    before = lvs_pid(daemon)
    one.run(["kill", "-KILL", str(before)])
    wait_until(lambda: lvs_pid(daemon) != before, 20, lambda: daemon.output()[-2000:])
    reload(one, daemon, "global_defs {\n  lvs_timeouts tcpfin 30\n  lvs_timeouts udp 60\n}\n" + server)
    wait_until(lambda: timeouts(one) == ["900", "30", "60"], 20, lambda: str(timeouts(one)))
    assert daemon.stop() == 0
    assert timeouts(one) == ["900", "120", "300"]
