"""What OpenStack's l3-agent does with the keepalived of its routers: neutron's own code, run in a host of the tests.

Prints a line of JSON for each step: what neutron sees. Arguments: how many routers, and the folder of their files.
"""

import pathlib
import signal
import subprocess
import sys
import threading
import time

from agent_steps import has_ended, run, say, until
from neutron.agent.l3 import keepalived_state_change
from neutron.agent.linux import external_process, keepalived
from neutron import privileged
from neutron.common import config
from neutron.conf.agent import common as agent_options
from neutron.conf.agent.l3 import config as l3_options
from oslo_config import cfg


def options():
    config.register_common_config_options()
    for register in (agent_options.register_external_process_opts, agent_options.register_process_monitor_opts,
                     agent_options.register_root_helper):
        register(cfg.CONF)
    l3_options.register_l3_agent_config_opts(l3_options.OPTS, cfg.CONF)
    cfg.CONF([], project="neutron", default_config_files=[])
    cfg.CONF.set_override("check_child_processes_interval", 0, "AGENT")
    cfg.CONF.set_override("root_helper", "", "AGENT")
    privileged.default.set_client_mode(False)


class Router:
    def __init__(self, number, folder, monitor):
        self.number = number
        self.id = f"7b9d0b4e-5b0c-4b7e-9c0b-0d6a1f9c2e{number:02}"
        self.namespace = f"qrouter-{self.id}"
        self.port = f"ha-{number:02}"
        self.vip = f"169.254.0.{number}"
        self.folder = folder
        self.monitor = monitor
        self.manager = self.new_manager()

    def new_manager(self, gateway="10.0.0.5/24"):
        """As a restarted agent makes it."""
        instance = keepalived.KeepalivedInstance("BACKUP", self.port, self.number, ["169.254.192.0/18"], nopreempt=True,
                                                 priority=50, advert_int=1, mcast_src_ip=f"169.254.192.{self.number}")
        instance.track_interfaces.append(self.port)
        instance.add_vip(f"{self.vip}/24", self.port, None)
        instance.add_vip(gateway, "qg", None)
        instance.add_vip("fe80::f816:3eff:fe00:1/64", "qg", "link")
        instance.virtual_routes.gateway_routes.append(keepalived.KeepalivedVirtualRoute("0.0.0.0/0", "10.0.0.1", "qg"))
        instance.virtual_routes.extra_routes.append(keepalived.KeepalivedVirtualRoute("192.0.2.0/24", "10.0.0.9"))
        file = keepalived.KeepalivedConf()
        file.add_instance(instance)
        return keepalived.KeepalivedManager(self.id, file, self.monitor, self.folder, namespace=self.namespace)

    def inside(self, *command):
        return subprocess.run(["ip", "netns", "exec", self.namespace, *command], check=True, text=True,
                              capture_output=True).stdout

    def make_namespace(self):
        subprocess.run(["ip", "netns", "add", self.namespace], check=True)
        for port, address in ((self.port, f"169.254.192.{self.number}/18"), ("qg", None)):
            self.inside("ip", "link", "add", port, "type", "veth", "peer", "name", f"{port}-peer")
            for end in (port, f"{port}-peer"):
                self.inside("ip", "link", "set", end, "up")
            if address:
                self.inside("ip", "addr", "add", address, "dev", port)
        self.inside("ip", "link", "set", "lo", "up")

    def holds(self, address):
        return f" {address}/" in self.inside("ip", "-o", "addr")

    def pids(self):
        process = self.manager.get_process()
        name = process.get_pid_file_name()
        return process.pid, int(pathlib.Path(f"{name}-vrrp").read_text(encoding="ascii"))


class StateChanges(keepalived_state_change.MonitorDaemon):
    """neutron's monitor of a router, which tells the agent who has the router's address; here it only keeps that."""

    def __init__(self, router):
        folder = pathlib.Path(router.folder) / router.id
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(str(folder / "monitor.pid"), router.id, None, None, router.namespace, str(folder), router.port,
                         f"{router.vip}/24")
        self.told = []
        threading.Thread(target=self.run, daemon=True).start()
        until(lambda: self.told and self.event_started.is_set(), "the monitor")

    def notify_agent(self, state):
        self.told.append(state)


def main(number, folder):
    options()
    monitor = external_process.ProcessMonitor(cfg.CONF, "router")
    routers = [Router(n, folder, monitor) for n in range(1, number + 1)]
    for router in routers:
        router.make_namespace()
    changes = [StateChanges(router) for router in routers[:3]]
    for router in routers:
        router.manager.spawn()
    until(lambda: all(router.holds("10.0.0.5") for router in routers), "the addresses of all")
    say("spawned", alive=[router.manager.check_processes() for router in routers],
        routes=[line.strip() for line in routers[0].inside("ip", "route").splitlines() if "via" in line],
        pids=[router.pids() for router in routers])

    for router in routers:
        router.manager = router.new_manager(gateway="10.0.0.6/24")
    say("agent restarted", alive=[router.manager.check_processes() for router in routers])
    before = [router.pids() for router in routers]
    for router in routers:
        router.manager.spawn()  # alive: a reload
    until(lambda: all(router.holds("10.0.0.6") and not router.holds("10.0.0.5") for router in routers), "the reload")
    say("reloaded", same=[router.pids() for router in routers] == before,
        held=[router.holds(router.vip) for router in routers])

    first, second = routers[:2]
    daemon, vrrp = first.pids()
    subprocess.run(["kill", "-9", str(daemon)], check=True)
    # The monitor would kill a VRRP process that has just ended by itself, and fail.
    until(lambda: has_ended(daemon) and has_ended(vrrp), "the end of both")
    monitor._check_child_processes()  # neutron's own look at all of them: it starts what it finds dead
    until(first.manager.check_processes, "the daemon that the monitor starts")
    until(lambda: first.holds("10.0.0.6"), "its addresses")
    old = second.pids()[1]
    subprocess.run(["kill", "-9", str(old)], check=True)
    until(lambda: second.pids()[1] != old and second.manager.check_processes(), "another VRRP process")
    say("killed", alive=[router.manager.check_processes() for router in routers],
        held=[router.holds("10.0.0.6") for router in routers])

    seconds, left = [], []
    for router in routers:
        began = time.monotonic()
        router.manager.disable()  # SIGTERM, and after 5 s SIGKILL
        seconds.append(time.monotonic() - began)
        left.append(router.holds(router.vip))
    until(lambda: all(one.told[-1] == "backup" for one in changes), "the states after the stop")
    say("stopped", in_time=all(took < 5 for took in seconds), left=left, states=[one.told for one in changes])
    for one in changes:
        one.event_stop.set()

    again = routers[0]
    again.manager.spawn()
    until(lambda: again.holds("10.0.0.6"), "the addresses")
    for _ in range(3):  # newer releases remove the files and do not wait for the end of the one before
        process = again.manager.get_process()
        process.disable(sig=str(int(signal.SIGTERM)))
        for name in (process.get_pid_file_name(), f"{process.get_pid_file_name()}-vrrp"):
            again.manager._safe_remove_pid_file(name)
        again.manager.spawn()
        until(again.manager.check_processes, "the next daemon")
    until(lambda: again.holds("10.0.0.6"), "the addresses of the next one")
    say("started at once", alive=again.manager.check_processes())
    again.manager.disable()


run(main, int(sys.argv[1]), sys.argv[2])
