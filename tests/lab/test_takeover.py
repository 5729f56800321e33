"""`mainstayctl takeover` from a keepalived that balances: what stands in the IPVS table, and what its checks have found, stays."""

import json

from support.lvs import listen, real_server, virtual_server
from support.paths import program
from support.takeover import start_beside, start_keepalived, takeover
from support.wait import wait_until

# The table, whenever it is another one.
SEE = """
import subprocess
last = ""
while True:
    now = subprocess.run(["ipvsadm", "-Sn"], capture_output=True, text=True, check=True).stdout
    if now != last:
        print("|".join(line for line in now.splitlines()), flush=True)
    last = now
"""
DYNAMIC = """  real_server 127.1.0.1 80 {
    weight 1
    MISC_CHECK {
      misc_path /run/set-weight
      misc_dynamic
      warmup 0
    }
  }
"""
TEXT = ("global_defs {\n  script_user root\n}\n" +
        virtual_server("10.0.0.1 80", DYNAMIC,
                       real_server("127.1.0.2 80", "notify_down /run/report-down", "connect_timeout 1\nretry 0"),
                       options="quorum 2\nsorry_server 127.1.0.9 80") +
        virtual_server("10.0.0.2 80", real_server("127.1.0.3 80"), real_server("127.1.0.4 80")))
DYNAMIC_TABLE = {"TCP 10.0.0.1:80 wrr": {"127.1.0.1:80": ("Masq", 50)}}


def drained(weight):
    return {**DYNAMIC_TABLE, "TCP 10.0.0.2:80 wrr": {"127.1.0.3:80": ("Masq", weight), "127.1.0.4:80": ("Masq", 1)}}


def checks_of(host):
    services = json.loads(host.run([program("mainstayctl"), "lvs", "--json"]).stdout)["lvs"]["services"]
    return [check for service in services for server in service["servers"] for check in server["checks"]]


def test_weights_drained_servers_and_what_was_reported_stay_without_any_instance(lan):
    host = lan.host("director")
    for name, text in (("set-weight", "exit 52"), ("report-down", "echo down >> /run/down")):
        host.run(["chmod", "755", host.write(f"/run/{name}", f"#!/bin/sh\n{text}\n")])
    listen(host, "127.1.0.3:80", "127.1.0.4:80")
    keepalived = start_keepalived(host, TEXT)
    wait_until(lambda: host.ipvs() == drained(1), 30, lambda: str(host.ipvs()))
    wait_until(lambda: host.path("/run/down").exists(), 10, "keepalived to report the server that is down")
    host.run(["ipvsadm", "-e", "-t", "10.0.0.2:80", "-r", "127.1.0.3:80", "-m", "-w", "0"])
    seen = host.start(["/usr/bin/python3", "-c", SEE], name="table")
    wait_until(lambda: "10.0.0.2" in seen.output(), 10, "the table to be seen")

    daemon = start_beside(host, TEXT)
    done = takeover(host)

    assert (done.returncode, done.stderr) == (0, "")
    wait_until(lambda: not keepalived.alive(), 10, "keepalived to be gone")
    wait_until(lambda: checks_of(host) and all(check.get("last_run") for check in checks_of(host)), 30, lambda: str(checks_of(host)))
    assert host.ipvs() == drained(1)
    assert host.read("/run/down") == "down\n"
    for line in ("--takeover: 2 services found in the IPVS table; servers that are DOWN until a check finds them up: 1",
                 "--takeover: [127.1.0.3]:tcp:80 of VS [10.0.0.2]:tcp:80 has weight 0 there, and 1 from now on"):
        assert line in daemon.output()
    # The drain, which mainstay does not know of, ends. Else nothing changes, and nothing is missing in between.
    assert len(seen.output().splitlines()) == 2, seen.output()

    again = start_keepalived(host, TEXT)
    back = takeover(host, "--undo")
    assert (back.returncode, back.stderr) == (0, "")
    wait_until(lambda: not daemon.alive(), 10, "mainstayd to be gone")
    assert again.alive()
