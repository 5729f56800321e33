"""The verdicts of checks in the kernel's table; and check_data_path, whose checks take the way that clients' packets take."""

import json
import pathlib
import shutil
import signal
import subprocess

import pytest

from support.checks import Agent
from support.lvs import virtual_server
from support.paths import program
from support.traffic import hold_address, serve
from support.wait import stays, wait_until
from support.web import Web

DIGEST = "755f85c2723bb39381c7379a604160d8"  # printf 'good' | md5sum
FAST = "delay_loop 0.5\n retry 0\n warmup 0"


def checked(number, check, weight=1, options=""):
    return f"  real_server 127.1.0.{number} 80 {{\n    weight {weight}\n    {options}\n{check}  }}\n"


def http(url):
    return f"    HTTP_GET {{\n url {{\n {url}\n }}\n connect_ip 127.1.0.1\n connect_timeout 2\n {FAST}\n }}\n"


def misc(path, more=""):
    return f'    MISC_CHECK {{\n misc_path "{path}"\n misc_timeout 20\n {more}\n {FAST}\n }}\n'


def until_table(host, daemon, **weights):
    """s1=2: of the servers 127.1.0.NUMBER just these are in the table, with these weights."""
    wanted = {f"127.1.0.{name[1:]}:80": ("Masq", weight) for name, weight in weights.items()}
    wait_until(lambda: host.ipvs() == {"TCP 10.0.0.1:80 wrr": wanted}, 30,
               lambda: f"{wanted}, there is {host.ipvs()}\n{daemon.output()}")


def test_what_checks_find_and_the_weights_that_they_set_are_in_the_table(lan):
    # effect: virtual_server/real_server: AGENT_CHECK
    director = lan.host("director")
    web, agent = Web(director, "127.1.0.1:80"), Agent(director, 8081)
    web.answer("/status", 200, "any")
    web.answer("/digest", 200, "good")
    agent.says("up")
    for name, status in (("check", 0), ("dynamic", 52)):
        director.write(f"/run/{name}", f"#!/bin/sh\nexit $(cat /run/{name}.status)\n", 0o755)
        director.write(f"/run/{name}.status", str(status))
    daemon = director.mainstayd(virtual_server(
        "10.0.0.1 80", checked(1, http("path /status\n status_code 200")), checked(2, http(f"path /digest\n digest {DIGEST}")),
        checked(3, misc("/run/check")), checked(4, misc("/run/dynamic", "misc_dynamic")),
        checked(5, f"    AGENT_CHECK {{\n connect_ip 127.1.0.1\n connect_port 8081\n {FAST}\n }}\n", weight=60)), "-C")
    until_table(director, daemon, s1=1, s2=1, s3=1, s4=50, s5=60)
    for line in ("Remote Web server [127.1.0.1]:tcp:80 succeed on service", "Remote Web server [127.1.0.2]:tcp:80 succeed on service",
                 "by [/run/check] succeeded."):
        wait_until(lambda line=line: line in daemon.output(), 20, daemon.output)

    web.answer("/status", 503, "any")
    web.answer("/digest", 200, "evil")
    director.write("/run/check.status", "1")
    director.write("/run/dynamic.status", "12")
    agent.says("50%")
    until_table(director, daemon, s4=10, s5=30)
    wait_until(lambda: "(exited with status 1)" in daemon.output(), 10, daemon.output)

    web.answer("/status", 200, "any")
    web.answer("/digest", 200, "good")
    director.write("/run/check.status", "0")
    director.write("/run/dynamic.status", "0")
    agent.says("drain")
    until_table(director, daemon, s1=1, s2=1, s3=1, s4=1, s5=0)

    agent.says("75% down#out of memory")
    until_table(director, daemon, s1=1, s2=1, s3=1, s4=1)
    agent.says("ready")
    until_table(director, daemon, s1=1, s2=1, s3=1, s4=1, s5=60)


def test_a_check_whose_script_is_missing_is_left_out_and_with_alpha_its_server_until_a_reload_finds_it(lan):
    director = lan.host("director")
    daemon = director.mainstayd(virtual_server("10.0.0.1 80", checked(1, misc("/run/nowhere")),
                                               checked(2, misc("/run/late"), options="alpha")), "-C")
    wait_until(lambda: "/run/nowhere" in daemon.output(), 20, daemon.output)
    wait_until(lambda: "with alpha the server stays down" in daemon.output(), 20, daemon.output)

    # keepalived leaves such a check out when it reads the file, and says so; so the server stays, and so it is said here.
    until_table(director, daemon, s1=1)
    assert stays(lambda: list(director.ipvs().values()) == [{"127.1.0.1:80": ("Masq", 1)}], 2)

    # As with keepalived: the script is looked for when the file is read.
    director.write("/run/late", "#!/bin/sh\nexit 0\n", 0o755)
    daemon.send(signal.SIGHUP)
    until_table(director, daemon, s1=1, s2=1)
    assert daemon.output().count("/run/late is not run") <= 1, daemon.output()


KINDS = ("TCP_CHECK", "HTTP_GET", "SSL_GET", "SMTP_CHECK", "DNS_CHECK", "UDP_CHECK", "PING_CHECK")
LEFT_BY_KEEPALIVED = {f"10.8.{net}.{number}:80" for net in (1, 2) for number in (1, 2, 3, 4, 5)}


@pytest.mark.skipif(not shutil.which("keepalived"), reason="keepalived is not installed")
def test_servers_behind_a_route_that_refuses_leave_the_table_and_keepalived_s_only_some(lan):
    """Debian's keepalived 2.2.7: "socket connect error 22 - Invalid argument", then "TCP socket bind failed. Rescheduling." again
    and again. What it takes out are the servers with UDP_CHECK and PING_CHECK, and all that are behind an unreachable route."""
    servers = "".join(
        f"  real_server 10.8.{net}.{number} 80 {{\n    weight 1\n    {kind} {{\n"
        + ("url {\n path /\n status_code 200\n }\n" if kind.endswith("GET") else "") + f"connect_timeout 1\n {FAST}\n }}\n  }}\n"
        for net in (1, 2, 3) for number, kind in enumerate(KINDS, 1))
    ours, theirs = lan.host("ours"), lan.host("theirs")
    for host in (ours, theirs):
        for net, action in enumerate(("blackhole", "prohibit", "unreachable"), 1):
            host.run(["ip", "route", "add", action, f"10.8.{net}.0/24"])
    keepalived = theirs.keepalived(virtual_server("10.0.0.1 80", servers), "-C")
    daemon = ours.mainstayd(virtual_server("10.0.0.1 80", servers), "-C")

    def left(host):
        return set(host.ipvs().get("TCP 10.0.0.1:80 wrr", {"no such service": 1}))
    wait_until(lambda: left(ours) == set(), 30, lambda: f"{left(ours)}\n{daemon.output()}")
    wait_until(lambda: left(theirs) == LEFT_BY_KEEPALIVED, 30, lambda: f"{left(theirs)}\n{keepalived.output()}")
    assert stays(lambda: left(ours) == set() and left(theirs) == LEFT_BY_KEEPALIVED, 3)


# ---- check_data_path ----

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

    def accept_local():
        return director.run(["cat", "/proc/sys/net/ipv4/conf/all/accept_local"]).stdout

    daemon = director.mainstayd(service("10.1.0.81", "DR", "10.1.0."), "-C")
    wait_until(lambda: str(director.ipvs()).count("FWM") == 2, 60, "a service for each server")
    wait_until(lambda: accept_local() == "1\n", 60, "the setting, which follows the table")

    director.write("/run/keepalived.conf", service("10.1.0.81", "DR", "10.1.0.", ""))
    daemon.send(signal.SIGHUP)
    wait_until(lambda: "FWM" not in str(director.ipvs()), 60, "no service for checks")
    wait_until(lambda: accept_local() == "0\n", 60, "no setting, which follows the table")
    two.run(["ip", "addr", "del", "10.1.0.81/32", "dev", "lo"])
    assert stays(lambda: alive(director) == {DR: V4}, 3)  # what such a check cannot find

    director.write("/run/keepalived.conf", service("10.1.0.81", "DR", "10.1.0."))
    daemon.send(signal.SIGHUP)
    until_alive(director, {DR: V4[:1]})
    daemon.stop()
    assert director.run(["ipvsadm", "-Ln"]).stdout.count("\n") == 3  # its three lines of heading
    assert accept_local() == "0\n"
