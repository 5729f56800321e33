"""What OpenStack's Octavia does with keepalived in a load balancer: its own templates and its own reader of health.

Prints a line of JSON for each step: what Octavia would report. Arguments: the folder of its files, and keepalived's program.
"""

import os
import pathlib
import signal
import subprocess
import sys

from agent_steps import run, say, until
from octavia_lib.common import constants as lib_constants
from oslo_config import cfg
from octavia.common import config  # noqa: F401  (registers the options)
from octavia.common import constants, data_models
from octavia.amphorae.backends.agent.api_server import keepalivedlvs, util
from octavia.amphorae.backends.utils import keepalivedlvs_query
from octavia.common.jinja.lvs import jinja_cfg

NAMESPACE = constants.AMPHORA_NAMESPACE
LISTENERS = {f"7b9d0b4e-5b0c-4b7e-9c0b-0d6a1f9c2e1{n}": 8000 + n for n in (1, 2)}


def inside(*command):
    return subprocess.run(["ip", "netns", "exec", NAMESPACE, *command], check=True, text=True, capture_output=True).stdout


def listener(name, port):
    """One with two members, of which the first one is there."""
    vip = data_models.Vip(ip_address="192.0.2.1")
    balancer = data_models.LoadBalancer(id=name.replace("7b", "8b"), vip=vip, enabled=True)
    members = [data_models.Member(id=name.replace("7b", f"{n}b"), ip_address=f"198.51.100.{n}", protocol_port=port, weight=1,
                                  enabled=True) for n in (1, 2)]
    monitor = data_models.HealthMonitor(id=name.replace("7b", "6b"), type=constants.HEALTH_MONITOR_TCP, delay=1, timeout=1,
                                        fall_threshold=1, rise_threshold=1, enabled=True)
    pool = data_models.Pool(id=name.replace("7b", "5b"), protocol=constants.PROTOCOL_UDP, members=members, enabled=True,
                            lb_algorithm=constants.LB_ALGORITHM_ROUND_ROBIN, health_monitor=monitor)
    return data_models.Listener(id=name, protocol=lib_constants.PROTOCOL_UDP, protocol_port=port, default_pool=pool,
                                load_balancer=balancer, enabled=True)


def write_file(name, port):
    path = pathlib.Path(util.keepalived_lvs_cfg_path(name))
    path.write_text(jinja_cfg.LvsJinjaTemplater().build_config(listener(name, port)), encoding="utf-8")
    return path


def command(name, program):
    """That of its systemd unit."""
    pid, vrrp_pid, check_pid = util.keepalived_lvs_pids_path(name)
    unit = keepalivedlvs.SYSTEMD_TEMPLATE.render(
        keepalived_pid=pid, vrrp_pid=vrrp_pid, check_pid=check_pid, keepalived_cmd=program,
        keepalived_cfg=util.keepalived_lvs_cfg_path(name), amphora_nsname=NAMESPACE, amphora_netns="amphora-netns",
        administrative_log_facility=1)
    (line,) = [line for line in unit.splitlines() if line.startswith("ExecStart=")]
    return line.removeprefix("ExecStart=").split()


def start(name, program):
    subprocess.run(command(name, program), check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def stop(name):
    pid = int(util.get_keepalivedlvs_pid(name))
    os.kill(pid, signal.SIGTERM)
    until(lambda: not os.path.exists(f"/proc/{pid}"), "its end")


def states(name):
    if not all(os.path.exists(path) for path in util.keepalived_lvs_pids_path(name)[::2]):
        return []
    status = keepalivedlvs_query.get_lvs_listener_pool_status(name)["lvs"]
    return [status["status"], *(status["members"][member] for member in sorted(status["members"]))]


def main(folder, program):
    cfg.CONF.set_override("base_path", folder, group="haproxy_amphora")
    os.makedirs(util.keepalived_lvs_dir())
    subprocess.run(["ip", "netns", "add", NAMESPACE], check=True)
    inside("ip", "link", "set", "lo", "up")
    for address in ("192.0.2.1", "198.51.100.1", "198.51.100.2"):
        inside("ip", "addr", "add", f"{address}/32", "dev", "lo")
    servers = [subprocess.Popen(["ip", "netns", "exec", NAMESPACE, sys.executable, "-c",
                                 f"import socket\ns = socket.create_server(('198.51.100.1', {port}))\nwhile True: s.accept()"])
               for port in LISTENERS.values()]
    try:
        for name, port in LISTENERS.items():
            write_file(name, port)
            start(name, program)
        up = [constants.UP, constants.UP, constants.DOWN]
        until(lambda: all(states(name) == up for name in LISTENERS), "its members")
        say("started", states=[states(name) for name in LISTENERS], listeners=sorted(util.get_lvs_listeners()))
        first, second = LISTENERS
        write_file(first, LISTENERS[first])
        os.utime(util.keepalived_lvs_pids_path(first)[2], (0, 0))  # older than the file, whatever the clock's grain
        say("file replaced", states=[states(name) for name in LISTENERS])
        stop(first)
        say("first stopped", running=[util.is_lvs_listener_running(name) for name in LISTENERS], second=states(second))
        start(first, program)
        until(lambda: states(first) == up, "the first again")
        say("restarted", states=[states(name) for name in LISTENERS])
        counters = keepalivedlvs_query.get_lvs_listeners_stats()
        say("statistics", of=sorted(counters), statuses=[counters[name]["status"] for name in sorted(counters)])
        for name in LISTENERS:
            stop(name)
        say("stopped", left=[line for line in inside("cat", "/proc/net/ip_vs").splitlines() if line.startswith("UDP")])
    finally:
        for server in servers:
            server.kill()
            server.wait()
        subprocess.run(["ip", "netns", "del", NAMESPACE], check=True)


run(main, *sys.argv[1:])
