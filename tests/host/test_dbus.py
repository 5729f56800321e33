"""The D-Bus service org.keepalived.Vrrp1: names, paths, properties, methods and signals are keepalived's."""

import json
import re
import shutil
import signal

import pytest

from support.bus import ENVIRONMENT, NAME, ROOT, Bus
from support.capture import Capture
from support.paths import program
from support.vrrp import instance, office, signal_role, wait_holds, wait_ready
from support.wait import wait_until

pytestmark = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="there is no dbus-daemon here")

VI_1 = f"{ROOT}/Instance/eth0/51/IPv4"
VRRP = f"{ROOT}/Vrrp"
QUICK = dict(interval="0.1", auth=False, more="version 3\n")


def configuration(*instances, words=""):
    return f"global_defs {{\n enable_dbus\n {words}\n}}\n" + "".join(instances)


def two_instances():
    six = instance(name="VI_6", vrid=52, vip="fe80::52", **QUICK)
    return configuration(instance(**QUICK), six)


def host_with_bus(lan, more=""):
    (one,) = office(lan, "one")
    return one, Bus(one, more)


def test_objects_interfaces_and_properties_are_keepaliveds(lan):
    # effect: global_defs: enable_dbus
    one, bus = host_with_bus(lan)
    daemon = wait_ready(one.mainstayd(two_instances(), env=ENVIRONMENT))
    bus.wait_name()
    wait_holds(one)
    bus.wait_signal("/Instance/eth0/52/IPv6", "VrrpStatusChange", 2)

    ours = bus.tree()
    assert ours == {
        ROOT: [],
        f"{ROOT}/Instance": [],
        f"{ROOT}/Instance/eth0": [],
        f"{ROOT}/Instance/eth0/51": [],
        VI_1: ["org.keepalived.Vrrp1.Instance method SendGarp",
               "org.keepalived.Vrrp1.Instance property Name (s) read",
               "org.keepalived.Vrrp1.Instance property State (us) read",
               "org.keepalived.Vrrp1.Instance signal VrrpStatusChange status:u"],
        f"{ROOT}/Instance/eth0/52": [],
        f"{ROOT}/Instance/eth0/52/IPv6": ["org.keepalived.Vrrp1.Instance method SendGarp",
                                          "org.keepalived.Vrrp1.Instance property Name (s) read",
                                          "org.keepalived.Vrrp1.Instance property State (us) read",
                                          "org.keepalived.Vrrp1.Instance signal VrrpStatusChange status:u"],
        VRRP: ["org.keepalived.Vrrp1.Vrrp method PrintData",
               "org.keepalived.Vrrp1.Vrrp method PrintStats",
               "org.keepalived.Vrrp1.Vrrp method PrintStatsClear",
               "org.keepalived.Vrrp1.Vrrp method ReloadConfig",
               "org.keepalived.Vrrp1.Vrrp signal VrrpReloaded",
               "org.keepalived.Vrrp1.Vrrp signal VrrpStarted",
               "org.keepalived.Vrrp1.Vrrp signal VrrpStopped"],
    }
    properties = bus.properties(VI_1)
    assert properties == 'a{sv} 2 "Name" (s) "VI_1" "State" (us) 2 "Master"'
    assert "Unknown object" in bus.call(f"{ROOT}/Instance/eth0/99/IPv4", "org.freedesktop.DBus.Properties", "GetAll", "s",
                                        f"{NAME}.Instance").stderr
    assert daemon.stop() == 0

    # keepalived's own answers to the same questions, where its build has D-Bus.
    if "--enable-dbus" not in one.run(["keepalived", "--version"], check=False).stderr:
        pytest.skip("the keepalived here has no D-Bus to compare with")
    path = one.write("/run/keepalived.conf", two_instances())
    one.start(["keepalived", "-n", "-l", "-D", "-G", "-f", path], env=ENVIRONMENT)
    bus.wait_name()
    wait_until(lambda: bus.properties(VI_1) == properties, 15, lambda: f"the same properties: {bus.properties(VI_1)}")
    # It declares Name as s and sends (s); mainstay declares what it sends.
    theirs = {path: [text.replace("property Name s read", "property Name (s) read") for text in offers]
              for path, offers in bus.tree().items()}
    assert theirs == ours


def test_every_change_of_state_start_reload_and_stop_is_a_signal(lan):
    # effect: global_defs: enable_dbus
    one, bus = host_with_bus(lan)
    daemon = wait_ready(one.mainstayd(two_instances(), env=ENVIRONMENT))
    here, other = "/Instance/eth0/51/IPv4", "/Instance/eth0/52/IPv6"
    bus.wait_signal(here, "VrrpStatusChange", 2)
    bus.wait_signal(other, "VrrpStatusChange", 2)
    assert bus.signals()[0] == ("/Vrrp", "VrrpStarted", None)
    assert (here, "VrrpStatusChange", 1) in bus.signals()

    one.run(["ip", "link", "set", "eth0", "down"])
    bus.wait_signal(here, "VrrpStatusChange", 3)
    assert bus.properties(VI_1) == 'a{sv} 2 "Name" (s) "VI_1" "State" (us) 3 "Fault"'

    one.write("/run/keepalived.conf", configuration(instance(**QUICK)))
    daemon.send(signal.SIGHUP)
    bus.wait_signal("/Vrrp", "VrrpReloaded")
    bus.wait_signal(other, "VrrpStatusChange", 3)  # it is in the file no more
    assert f"{ROOT}{other}" not in bus.tree()

    assert daemon.stop() == 0
    bus.wait_signal("/Vrrp", "VrrpStopped")
    assert bus.signals()[-2:] == [(here, "VrrpStatusChange", 98), ("/Vrrp", "VrrpStopped", None)]
    assert NAME not in bus.run("busctl", "list", "--no-legend").stdout


def test_methods_announce_addresses_reload_and_dump(lan):
    # effect: global_defs: enable_dbus
    one, bus = host_with_bus(lan)
    daemon = wait_ready(one.mainstayd(configuration(instance(**QUICK)), env=ENVIRONMENT))
    bus.wait_signal("/Instance/eth0/51/IPv4", "VrrpStatusChange", 2)

    with Capture(one, what="arp") as capture:
        # The five of the takeover are over, and the next five come 5 s later.
        before = len(capture.packets())
        assert bus.call(VI_1, f"{NAME}.Instance", "SendGarp").returncode == 0
        announced = capture.wait_for(before + 1)[before]
        assert announced.psrc == announced.pdst == "192.168.4.200"
    assert "Sending garps on VI_1 on DBus request" in daemon.output()

    assert bus.call(VRRP, f"{NAME}.Vrrp", "ReloadConfig").returncode == 0
    bus.wait_signal("/Vrrp", "VrrpReloaded")
    wait_until(lambda: "Reload complete" in daemon.output(), 10, "the reload")
    for method, line in (("PrintData", "Printing VRRP data on DBus request"),
                         ("PrintStats", "Printing VRRP stats on DBus request"),
                         ("PrintStatsClear", "Printing and clearing VRRP stats on DBus request")):
        assert bus.call(VRRP, f"{NAME}.Vrrp", method).returncode == 0
        wait_until(lambda wanted=line: wanted in daemon.output(), 10, line)


def test_everybody_may_read_and_only_root_may_act(lan):
    # effect: global_defs: enable_dbus
    one, bus = host_with_bus(lan)
    daemon = wait_ready(one.mainstayd(configuration(instance(**QUICK)), env=ENVIRONMENT))
    bus.wait_name()
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]

    read = bus.call(VI_1, "org.freedesktop.DBus.Properties", "Get", "ss", f"{NAME}.Instance", "Name", as_user=nobody)
    refused = [bus.call(VI_1, f"{NAME}.Instance", "SendGarp", as_user=nobody),
               bus.call(VRRP, f"{NAME}.Vrrp", "ReloadConfig", as_user=nobody)]

    assert read.stdout.strip() == 'v (s) "VI_1"'
    assert all(answer.returncode != 0 and "denied" in answer.stderr for answer in refused)
    assert "DBus request" not in daemon.output()
    assert "Reloading" not in daemon.output()


def test_the_service_may_have_another_name_and_instances_no_interface(lan):
    # effect: global_defs: dbus_service_name dbus_no_interface_name
    one, bus = host_with_bus(lan, more='<policy user="mainstay-obs"><allow own="org.example.Ha"/></policy>'
                                       '<policy user="root"><allow send_destination="org.example.Ha"/></policy>')
    unicast = """vrrp_instance VI_U {
    state MASTER
    virtual_router_id 61
    priority 150
    unicast_src_ip 192.168.4.11
    unicast_peer {
        192.168.4.12
    }
    virtual_ipaddress {
        192.168.4.201 dev eth0
    }
}
"""
    words = "dbus_service_name org.example.Ha\n dbus_no_interface_name no-link"
    wait_ready(one.mainstayd(configuration(unicast, words=words), env=ENVIRONMENT))
    bus.wait_name("org.example.Ha")

    assert bus.properties(f"{ROOT}/Instance/no_link/61/IPv4", "org.example.Ha").startswith('a{sv} 2 "Name" (s) "VI_U"')
    assert NAME not in bus.run("busctl", "list", "--no-legend").stdout


def test_a_bus_that_goes_away_costs_nothing_and_is_joined_again(lan):
    # effect: global_defs: enable_dbus
    one, bus = host_with_bus(lan)
    daemon = wait_ready(one.mainstayd(configuration(instance(**QUICK)), env=ENVIRONMENT))
    bus.wait_name()
    wait_holds(one)

    bus.daemon.stop(signal.SIGKILL)
    wait_until(lambda: "the D-Bus system bus is gone" in daemon.output(), 10, "the log to say so")
    bus.start()
    bus.wait_name(timeout=30)

    assert bus.properties(VI_1) == 'a{sv} 2 "Name" (s) "VI_1" "State" (us) 2 "Master"'
    assert daemon.output().count("the D-Bus system bus") == 1


def test_a_bus_that_does_not_read_holds_nobody_up_and_hears_everything_later(lan):
    # effect: global_defs: enable_dbus
    one, bus = host_with_bus(lan)
    one.run(["ip", "link", "add", "other", "type", "veth", "peer", "name", "end"])
    one.run(["ip", "link", "set", "end", "up"])
    one.run(["ip", "link", "set", "other", "up"])
    one.run(["ip", "addr", "add", "192.168.5.11/24", "dev", "other"])
    two = instance(name="VI_2", vrid=52, vip="192.168.5.201", interface="other", auth=False)
    daemon = wait_ready(one.mainstayd(configuration(instance(**QUICK), two), env=ENVIRONMENT))
    bus.wait_name()
    bus.wait_signal("/Instance/other/52/IPv4", "VrrpStatusChange", 2)

    bus.daemon.send(signal.SIGSTOP)
    one.run(["ip", "link", "set", "other", "down"])
    wait_until(lambda: "(VI_2) Entering FAULT STATE" in daemon.output(), 10, "the change")
    assert said_by_status(one, "VI_2")["state"] == "FAULT"
    bus.daemon.send(signal.SIGCONT)
    bus.wait_signal("/Instance/other/52/IPv4", "VrrpStatusChange", 3)

    # An observer that starts meanwhile serves its clients, too.
    bus.daemon.send(signal.SIGSTOP)
    signal_role(one, "mainstayd-obs", signal.SIGKILL)
    wait_until(lambda: said_by_status(one, "VI_1"), 8, "an answer of the new observer")
    assert one.holds("192.168.4.200")
    bus.daemon.send(signal.SIGCONT)
    wait_until(lambda: '"Master"' in bus.properties(VI_1), 30, "the name on the bus")
    assert not re.search(r"process\(\d+\) has been silent", daemon.output())


def said_by_status(host, name):
    """The instance in `mainstayctl status`; None while nobody answers."""
    done = host.run([program("mainstayctl"), "status", "--json"], check=False, timeout=20)
    instances = json.loads(done.stdout)["vrrp"]["instances"] if done.returncode == 0 else []
    return next((each for each in instances if each["name"] == name), None)
