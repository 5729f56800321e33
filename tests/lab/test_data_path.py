"""check_data_path: checks that reach a server by the tunnel or the MAC address that clients' packets take, on a backup and
on the router that has the service's address, and find what checks of the server's own address cannot find."""

import json
import pathlib
import signal
import subprocess

import pytest

from support.paths import program
from support.traffic import hold_address, serve
from support.wait import stays, wait_until

SERVERS = {"one": 11, "two": 12}


def service(address, kind, net, options="check_data_path"):
    servers = "".join(f"  real_server {net}{number} 80 {{\n    weight 1\n    TCP_CHECK {{\n      connect_timeout 1\n      retry 0\n"
                      f"      delay_loop 1\n      warmup 0\n    }}\n  }}\n" for number in SERVERS.values())
    return (f"virtual_server {address} 80 {{\n  delay_loop 1\n  lb_algo rr\n  lb_kind {kind}\n  protocol TCP\n"
            f"  {options}\n{servers}}}\n")


@pytest.fixture(name="net")
def fixture_net(lan):
    modprobe = pathlib.Path("/proc/sys/kernel/modprobe").read_text(encoding="ascii").strip()
    subprocess.run([modprobe, "ipip"], check=True)
    lan.switch("net")
    director = lan.host("director", eth0=("net", "10.1.0.5/24", "fd00:1::5/64"))
    for name, number in SERVERS.items():
        web = lan.host(name, eth0=("net", f"10.1.0.{number}/24", f"fd00:1::{number}/64"))
        web.run(["ip", "link", "set", "tunl0", "up"])
        for device in ("all", "tunl0"):
            web.sysctl(**{f"net__ipv4__conf__{device}__rp_filter": 0})
        for address in ("10.1.0.81/32", "10.1.0.82/32"):
            hold_address(web, address)
        web.run(["ip", "addr", "add", "fd00:1::83/128", "dev", "lo", "nodad"])
        serve(web, name, "tcp/0.0.0.0:80", "tcp/fd00:1::83:80", f"tcp/fd00:1::{number}:80")
    return director, lan.hosts["one"], lan.hosts["two"]


def alive(director):
    """{service: its servers that are alive}"""
    asked = director.run([program("mainstayctl"), "status", "--json"], check=False)
    lvs = json.loads(asked.stdout).get("lvs") if asked.returncode == 0 else None
    return {service["name"]: [server["name"] for server in service["servers"] if server["alive"]]
            for service in (lvs or {}).get("services", [])}


def until_alive(director, wanted):
    wait_until(lambda: alive(director) == wanted, 60, lambda: json.dumps(alive(director)))


DR, TUN, SIX = "[10.1.0.81]:tcp:80", "[10.1.0.82]:tcp:80", "[fd00:1::83]:tcp:80"
V4, V6 = ["[10.1.0.11]:tcp:80", "[10.1.0.12]:tcp:80"], ["[fd00:1::11]:tcp:80", "[fd00:1::12]:tcp:80"]


@pytest.mark.nightly
def test_a_server_without_the_services_address_is_found_on_a_backup_and_on_a_master(net):
    # effect: virtual_server: check_data_path
    director, _, two = net
    daemon = director.mainstayd(service("10.1.0.81", "DR", "10.1.0.") + service("10.1.0.82", "TUN", "10.1.0.")
                                + service("fd00:1::83", "DR", "fd00:1::"), "-C")
    everything = {DR: V4, TUN: V4, SIX: V6}
    wait_until(lambda: daemon.output().count("success.") == 6, 60, "each server to be checked")
    assert stays(lambda: alive(director) == everything, 5), json.dumps(alive(director)) + daemon.output()

    for address in ("10.1.0.81/32", "10.1.0.82/32", "fd00:1::83/128"):  # now it is the master
        director.run(["ip", "addr", "add", address, "dev", "eth0", *(["nodad"] if ":" in address else [])])
    assert stays(lambda: alive(director) == everything, 5), json.dumps(alive(director)) + daemon.output()

    two.run(["ip", "addr", "del", "10.1.0.81/32", "dev", "lo"])  # it still serves at its own address
    until_alive(director, {DR: V4[:1], TUN: V4, SIX: V6})
    two.run(["ip", "link", "set", "tunl0", "down"])  # nobody opens its packets
    until_alive(director, {DR: V4[:1], TUN: V4[:1], SIX: V6})
    two.run(["ip", "addr", "del", "fd00:1::83/128", "dev", "lo"])
    until_alive(director, {DR: V4[:1], TUN: V4[:1], SIX: V6[:1]})

    two.run(["ip", "link", "set", "tunl0", "up"])
    two.run(["ip", "addr", "add", "fd00:1::83/128", "dev", "lo", "nodad"])
    hold_address(two, "10.1.0.81/32")
    until_alive(director, everything)


def test_the_keyword_leaves_no_service_and_no_setting_behind(net):
    director, _, two = net
    local = "/proc/sys/net/ipv4/conf/all/accept_local"
    daemon = director.mainstayd(service("10.1.0.81", "DR", "10.1.0."), "-C")
    wait_until(lambda: director.run(["ipvsadm", "-Ln"]).stdout.count("FWM") == 2, 60, "a service for each server")
    assert director.run(["cat", local]).stdout == "1\n"

    director.write("/run/keepalived.conf", service("10.1.0.81", "DR", "10.1.0.", ""))
    daemon.send(signal.SIGHUP)
    wait_until(lambda: "FWM" not in director.run(["ipvsadm", "-Ln"]).stdout, 60, "no service for checks")
    assert director.run(["cat", local]).stdout == "0\n"
    two.run(["ip", "addr", "del", "10.1.0.81/32", "dev", "lo"])
    assert stays(lambda: alive(director) == {DR: V4}, 3)  # what such a check cannot find

    director.write("/run/keepalived.conf", service("10.1.0.81", "DR", "10.1.0."))
    daemon.send(signal.SIGHUP)
    until_alive(director, {DR: V4[:1]})
    daemon.stop()
    assert director.run(["ipvsadm", "-Ln"]).stdout.count("\n") == 3  # its three lines of heading
    assert director.run(["cat", local]).stdout == "0\n"
