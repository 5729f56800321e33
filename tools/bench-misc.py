#!/usr/bin/python3
"""Whether vrrp_scripts stay on time while thousands of MISC_CHECKs run. Needs root; works on any Linux.

    tools/bench misc [--checks 2000] [--seconds 20] [--most 50]

One director checks so many real servers by a script once a second, and has a vrrp_script with an interval of one
second that notes when it runs. Lateness is the spacing of two of its runs, less the second. Told are also the checks
that ran. The exit code is 0 when the 99th percentile of the lateness is below --most milliseconds and every check ran
nearly once a second.
"""
import argparse
import os
import pathlib
import signal
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / "tools/bench.d"))
sys.path.insert(0, str(TOP / "tests"))

from figures import Figures  # noqa: E402
from lan import percentile  # noqa: E402
from support.hosts import Lan  # noqa: E402
from support.paths import program  # noqa: E402
from support.wait import wait_until  # noqa: E402

SCRIPTS = 20   # vrrp_scripts that are measured
SERVERS = 100  # to a service
ENOUGH = 0.9   # of the checks that are due


def text(checks):
    parts = ["global_defs {\n  script_user root\n  enable_script_security\n}\n"]
    for number in range(SCRIPTS):
        parts.append(f'vrrp_script on_time_{number} {{\n  script "/run/note {number}"\n  interval 1\n  timeout 20\n}}\n')
    parts.append("vrrp_instance VI_1 {\n  state BACKUP\n  interface eth0\n  virtual_router_id 51\n  priority 100\n"
                 "  virtual_ipaddress {\n    192.168.4.99\n  }\n  track_script {\n" +
                 "".join(f"    on_time_{number}\n" for number in range(SCRIPTS)) + "  }\n}\n")
    for first in range(0, checks, SERVERS):
        service = first // SERVERS
        parts.append(f"virtual_server 10.1.{service}.1 80 {{\n  delay_loop 1\n  lb_algo rr\n  lb_kind NAT\n  protocol TCP\n")
        for server in range(first, min(first + SERVERS, checks)):
            parts.append(f"  real_server 10.2.{service}.{server - first + 1} 80 {{\n    MISC_CHECK {{\n"
                         f"      misc_path \"/run/check\"\n      misc_timeout 10\n    }}\n  }}\n")
        parts.append("}\n")
    return "".join(parts)


def runs(host):
    """{script: seconds at which it ran}, and how many checks ran."""
    noted = {}
    for line in host.read("/run/noted").splitlines():
        number, at = line.split()
        noted.setdefault(number, []).append(float(at))
    return noted, len(host.read("/run/checked"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checks", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--most", type=float, default=50)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mainstay-bench-") as folder:
        lan = Lan(folder)
        try:
            lan.switch("office")
            host = lan.host("one", eth0=("office", "192.168.4.11/24"))
            host.write("/run/note", '#!/bin/bash\nprintf "%s %s\\n" "$1" "$EPOCHREALTIME" >>/run/noted\n', 0o755)
            host.write("/run/check", "#!/bin/sh\nprintf . >>/run/checked\n", 0o755)
            for file in ("noted", "checked"):
                host.write(f"/run/{file}", "", 0o666)
            path = host.write("/run/director.conf", text(options.checks))
            daemon = host.start([program("mainstayd"), "-n", "-l", "-G", "-f", path])
            wait_until(lambda: runs(host)[1] >= options.checks, 120, lambda: f"the checks: {daemon.output()[-2000:]}")
            host.write("/run/noted", "", 0o666)
            host.write("/run/checked", "", 0o666)
            begun = time.time()
            time.sleep(options.seconds)
            noted, checked = runs(host)
            took = time.time() - begun
            os.kill(daemon.pid, signal.SIGTERM)
            daemon.wait(60)
        finally:
            lan.close()
    late = [(after - before - 1) * 1000 for at in noted.values() for before, after in zip(at, at[1:])]
    rate = checked / took / options.checks
    print(f"{options.checks} MISC_CHECKs: {checked / took:.0f} a second; {len(noted)} vrrp_scripts, {len(late)} spacings: "
          f"late by p50 / p99 / most {percentile(late, 0.5):.1f} / {percentile(late, 0.99):.1f} / {max(late):.1f} ms")
    figures = Figures()
    figures.judge(rate >= ENOUGH, f"{100 * rate:.0f} % of the checks that were due ran")
    figures.line(f"{options.checks:,} MISC_CHECKs a second: 99th percentile of how late a vrrp_script is", "ms",
                 [percentile(late, 0.99)], most=options.most)
    return figures.end()


if __name__ == "__main__":
    sys.exit(main())
