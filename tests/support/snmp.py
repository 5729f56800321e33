"""An SNMP master with AgentX on a host, what snmpwalk reads of it, and the traps that it sends."""

import re

from .wait import wait_until

KEEPALIVED = ".1.3.6.1.4.1.9586.100.5"
VRRP = ".1.3.6.1.2.1.68"
VRRPV3 = ".1.3.6.1.2.1.207"
SOCKET = "unix:/run/agentx"

SNMPD = f"""master agentx
dontLogTCPWrappersConnects yes
agentXSocket {SOCKET}
agentAddress udp:127.0.0.1:161
rwcommunity public 127.0.0.1
trap2sink 127.0.0.1:162 public
"""


class Master:
    def __init__(self, host):
        self.host = host
        host.write("/run/snmpd.conf", SNMPD)
        host.write("/run/snmptrapd.conf", "disableAuthorization yes\n")
        self.trapd = host.start(["snmptrapd", "-f", "-Lo", "-n", "-OnQet", "-C", "-c", "/run/snmptrapd.conf", "-m", "",
                                 "udp:127.0.0.1:162"])
        wait_until(lambda: "NET-SNMP version" in self.trapd.output(), 15, "snmptrapd to listen")
        self.snmpd = None
        self.start()

    def start(self):
        self.snmpd = self.host.start(["snmpd", "-f", "-Lo", "-C", "-c", "/run/snmpd.conf", "-m", "",
                                      "-I", "-smux,mteTrigger,mteTriggerConf"])
        wait_until(lambda: self.host.path("/run/agentx").exists() and "NET-SNMP version" in self.snmpd.output(), 15,
                   "snmpd to listen")

    def _ask(self, program, *arguments, form=("-OQ",)):
        return self.host.run([program, "-v2c", "-c", "public", "-On", "-Oe", *form, "-Ot", "-m", "", "127.0.0.1",
                              *arguments], check=False)

    def walk(self, root, typed=False):
        """{what follows the root: value}, in the order of the answer; empty while nobody serves the subtree. typed:
        "Gauge32: 5", not "5"."""
        found = {}
        for line in self._ask("snmpwalk", root, form=() if typed else ("-OQ",)).stdout.splitlines():
            oid, equals, value = line.partition(" = ")
            if equals and oid.startswith(root + ".") and not value.startswith("No "):
                found[oid[len(root) + 1:]] = value.strip()
        return found

    def get(self, oid):
        return self._ask("snmpget", oid).stdout.partition(" = ")[2].strip()

    def set(self, oid, kind, value):
        """None, or the reason why not."""
        answer = self._ask("snmpset", oid, kind, str(value))
        if answer.returncode == 0:
            return None
        return re.search(r"Reason: (\w+)", answer.stderr + answer.stdout)[1]

    def wait_for(self, oid, value, timeout=30):
        wait_until(lambda: self.get(oid) == value, timeout, lambda: f"{oid} = {value}; it is {self.get(oid)}")

    def traps(self):
        """(trap, {object: value}) without uptime, in the order of their arrival. Objects keep their full names."""
        found = []
        for line in self.trapd.output().splitlines():
            fields = [field.partition(" = ")[::2] for field in line.split("\t")]
            names = dict(fields)
            trap = names.pop(".1.3.6.1.6.3.1.1.4.1.0", "")
            if not trap:
                continue
            names.pop(".1.3.6.1.2.1.1.3.0", None)
            found.append((trap.replace("OID: ", "").strip(), {name: value.strip() for name, value in names.items()}))
        return found

    def wait_trap(self, trap, timeout=15):
        wait_until(lambda: trap in self.traps(), timeout, lambda: f"{trap}; received: {self.traps()}")
