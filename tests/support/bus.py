"""A system bus of a host's own, and what dbus-monitor and busctl say about it."""

import re
import xml.etree.ElementTree as xml

from .paths import TOP
from .wait import wait_until

NAME = "org.keepalived.Vrrp1"
ROOT = "/org/keepalived/Vrrp1"
ENVIRONMENT = {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/run/bus"}

# The rules that every distribution's system bus begins with, and then the policy that the packages install.
CONFIGURATION = f"""<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=/run/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
  </policy>
  <include>{TOP}/data/dbus/org.keepalived.Vrrp1.mainstay.conf</include>
  MORE
</busconfig>
"""


class Bus:
    """A dbus-daemon on the host, with a dbus-monitor that hears every signal of org.keepalived."""

    def __init__(self, host, more=""):
        self.host = host
        host.write("/run/bus.conf", CONFIGURATION.replace("MORE", more))
        self.daemon = self.monitor = None
        self.start()

    def start(self):
        self.host.run(["rm", "-f", "/run/bus"])
        self.daemon = self.host.start(["dbus-daemon", "--nofork", "--config-file=/run/bus.conf"])
        wait_until(lambda: self.host.path("/run/bus").exists(), 10, "the bus")
        self.monitor = self.host.start(["dbus-monitor", "--address", "unix:path=/run/bus",
                                        "type=signal,path_namespace=/org/keepalived"])
        wait_until(lambda: "NameLost" in self.monitor.output(), 10, "dbus-monitor to listen")

    def signals(self):
        """(path below the root, signal, argument or None), as they came."""
        found = []
        for line in self.monitor.output().splitlines():
            head = re.match(rf"signal .* path={ROOT}(\S*); interface=(\S+); member=(\S+)", line)
            if head:
                assert head[2] == NAME + (".Vrrp" if head[1].endswith("/Vrrp") else ".Instance"), line
                found.append((head[1], head[3], None))
            elif found and (number := re.match(r"\s+uint32 (\d+)", line)) and found[-1][2] is None:
                found[-1] = (*found[-1][:2], int(number[1]))
        return found

    def wait_signal(self, path, signal, argument=None, timeout=15):
        wait_until(lambda: (path, signal, argument) in self.signals(), timeout,
                   lambda: f"{signal} {argument} of {path}; heard: {self.signals()}")

    def wait_name(self, name=NAME, timeout=15):
        wait_until(lambda: name in self.run("busctl", "list", "--no-legend").stdout, timeout, f"{name} on the bus")

    def run(self, *command, as_user=()):
        return self.host.run([*as_user, *command], check=False, env=ENVIRONMENT)

    def call(self, path, interface, method, *arguments, name=NAME, as_user=()):
        return self.run("busctl", "call", name, path, interface, method, *arguments, as_user=as_user)

    def properties(self, path, name=NAME):
        return self.call(path, "org.freedesktop.DBus.Properties", "GetAll", "s", f"{NAME}.Instance",
                         name=name).stdout.strip()

    def tree(self, path=ROOT, name=NAME):
        """Every path at or below `path` with what its own interfaces offer, as sorted texts."""
        said = self.run("gdbus", "introspect", "--system", "--dest", name, "--object-path", path, "--xml").stdout
        node = xml.fromstring(said[said.index("<node"):])
        offers = []
        for interface in node.findall("interface"):
            if not interface.get("name").startswith("org.keepalived"):
                continue
            for member in interface:
                arguments = [f"{a.get('name')}:{a.get('type')}" for a in member.findall("arg")]
                words = [interface.get("name"), member.tag, member.get("name"), member.get("type"), member.get("access")]
                offers.append(" ".join([word for word in words if word] + arguments))
        found = {path: sorted(offers)}
        for child in node.findall("node"):
            found.update(self.tree(f"{path}/{child.get('name')}", name))
        return found
