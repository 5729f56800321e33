"""keepalived_check.data is keepalived's, line for line: groups, services, servers, each kind of check."""

import re
import shutil
import signal

import pytest

from support import dumps
from support.paths import DATA
from support.vrrp import wait_ready
from support.wait import wait_until

TEXT = (DATA / "dumps" / "checkers.conf").read_text(encoding="utf-8")
SERVERS = [f"10.2.0.{number}/32" for number in range(1, 10)]


def director(lan, name):
    """Its servers are addresses of its own, where nothing listens: checks end at once."""
    lan.switch(f"net-{name}")
    host = lan.host(name, eth0=(f"net-{name}", "10.1.0.1/24"))
    for address in SERVERS:
        host.run(["ip", "addr", "add", address, "dev", "eth0"])
    for address in ("fd00:2::7/128", "fd00:2::8/128"):
        host.run(["ip", "-6", "addr", "add", address, "dev", "eth0", "nodad"])
    host.write("/run/tf", "3\n")
    host.run(["hostname", "localhost"])  # one that keepalived can look up: mails say HELO with it
    return host


@pytest.mark.skipif(not shutil.which("keepalived"), reason="keepalived is not here")
def test_a_dump_of_the_checkers_is_line_for_line_like_keepaliveds(lan):
    theirs, ours = (director(lan, name) for name in ("theirs", "ours"))

    dumps.assert_alike((theirs, theirs.keepalived(TEXT)), (ours, wait_ready(ours.mainstayd(TEXT))), signal.SIGUSR1,
                       "keepalived_check.data")


def test_every_service_is_in_the_dump_with_its_state_and_no_secret(lan):
    services = "".join(f"virtual_server 10.1.{number // 250}.{number % 250 + 1} 80 {{\n protocol TCP\n"
                       f" real_server 10.2.0.1 80 {{\n weight {number}\n }}\n}}\n" for number in range(600))
    host = director(lan, "one")
    daemon = wait_ready(host.mainstayd("SSL {\n password hidden\n}\n" + services))
    wait_until(lambda: len(host.ipvs()) == 600, 30, lambda: len(host.ipvs()))

    text = dumps.dumped(host, daemon, signal.SIGUSR1, ["keepalived_check.data"])["keepalived_check.data"]

    assert re.findall(r"WEIGHT = (\d+) EFF", text) == [str(number) for number in range(600)]
    assert text.count("   RS set = 1\n") == 600
    assert "hidden" not in text
