"""Pairs of directors: the configurations that the VRRP tests share."""

import json
import signal
import time

from .capture import Capture
from .paths import program
from .wait import wait_until

VIP = "192.168.4.200"


def instance(state="MASTER", priority=150, vip=VIP, vrid=51, name="VI_1", interval=1, more="", interface="eth0",
             auth=True):
    """One vrrp_instance as the course writes it."""
    password = "authentication {\n auth_type PASS\n auth_pass 1111\n }" if auth else ""
    return f"""vrrp_instance {name} {{
    state {state}
    interface {interface}
    virtual_router_id {vrid}
    priority {priority}
    advert_int {interval}
    {password}
    virtual_ipaddress {{
        {vip}
    }}
    {more}
}}
"""


def office(lan, *names):
    """Hosts 192.168.4.11, .12, ... on one switch."""
    lan.switch("office")
    return [lan.host(name, eth0=("office", f"192.168.4.{11 + number}/24")) for number, name in enumerate(names)]


def wait_ready(daemon, timeout=20):
    wait_until(lambda: "Startup complete" in daemon.output(), timeout, lambda: f"startup:\n{daemon.output()}")
    if daemon.name.startswith("mainstayd"):
        wait_answers(daemon)
    return daemon


def wait_answers(daemon, timeout=5):
    """Until mainstayctl can ask it: the observer is ready some time after the rest. Some tests see to it that it never is."""
    end = time.monotonic() + timeout
    while time.monotonic() < end and not any(daemon.host.path("/run/mainstay").rglob("control.sock")):
        time.sleep(0.01)


def wait_holds(host, address=VIP, timeout=15):
    wait_until(lambda: host.holds(address), timeout, f"{host.name} to hold {address}")


def started(lan, text, *options):
    """(host, daemon): a director by itself that holds its address."""
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(text, *options))
    wait_holds(one)
    return one, daemon


def wait_released(host, address=VIP, timeout=15):
    wait_until(lambda: not host.holds(address), timeout, f"{host.name} to release {address}")


def role_pid(host, role):
    """Pid of a role as this namespace sees it: found among the host's processes by its name."""
    def look():
        for line in host.run(["ps", "-eo", "pid=,comm="]).stdout.splitlines():
            pid, name = line.split(None, 1)
            if name.strip() == role:
                return int(pid)
        return None
    return wait_until(look, 10, f"a process {role} on {host.name}")


def role_pids(host, beginning="mainstayd"):
    """The pids of the host's processes whose names begin so, as the host sees them."""
    lines = (line.split(None, 1) for line in host.run(["ps", "-eo", "pid=,comm="]).stdout.splitlines())
    return [pid for pid, name in lines if name.startswith(beginning)]


def signal_role(host, role, number):
    """Sends a signal to a role by its pid on the host."""
    pid = role_pid(host, role)
    host.run(["kill", f"-{int(number)}", str(pid)])
    return pid


def partition(lan, host, cut=True, switch="office"):
    """Lets a host's cable carry nothing, or everything again; the carrier stays."""
    switch = lan.switches[switch]
    ports = [p["ifname"] for p in json.loads(switch.run(["ip", "-json", "link"]).stdout)
             if p["ifname"].startswith(f"{host.name}.")]
    for port in ports:
        switch.run(["bridge", "link", "set", "dev", port, "state", "0" if cut else "3"])


def fast(name="VI_1", vrid=51, vip=VIP, priority=150, more="", interface="eth0"):
    """One instance of version 3 with an advert each 100 ms and no password."""
    return instance("BACKUP", priority, vip, vrid, name, "0.1", "version 3\n" + more, interface, auth=False)


def vrrp_status(host):
    """What the daemon says of its instances and counters."""
    return json.loads(host.run([program("mainstayctl"), "status", "--json"]).stdout)["vrrp"]


def sync_group(*names):
    return "vrrp_sync_group G {\n group {\n " + "\n ".join(names) + "\n }\n}\n"


def logged(daemon, text, timeout=10):
    """Waits until a daemon's log holds this."""
    wait_until(lambda: text in daemon.output(), timeout, lambda: f"{text!r} in\n{daemon.output()}")


def priority_on_the_wire(host, value, vrid=51, timeout=10):
    """Waits for an advert of this priority."""
    with Capture(host, what="vrrp") as capture:
        capture.wait_for(timeout=timeout, which=lambda p: p.haslayer("VRRPv3") and p["VRRPv3"].vrid == vrid
                         and p["VRRPv3"].priority == value)


def vrids_on_the_wire(host, wanted):
    """Waits until each of these {address: vrid} has been advertised with its own."""
    with Capture(host, what="vrrp") as capture:
        for address, vrid in wanted.items():
            capture.wait_for(timeout=10, which=lambda p, a=address, v=vrid: p.haslayer("VRRPv3")
                             and p["VRRPv3"].vrid == v and a in p["VRRPv3"].addrlist)


def reload(host, daemon, text, name="keepalived.conf"):
    """Writes the new text, sends SIGHUP and waits for the outcome; returns what was logged since."""
    before = len(daemon.output())
    host.write(f"/run/{name}", text)
    daemon.send(signal.SIGHUP)

    def over():
        said = daemon.output()[before:]
        return said if "Reload complete" in said or "stays in use" in said else None
    return wait_until(over, 20, "the reload to end")
