"""ldirectord beside mainstay: two programs write one IPVS table, each its own services, and neither removes the other's."""

import shutil
import signal

import pytest

from support.lvs import listen, virtual_server, real_server
from support.vrrp import wait_ready
from support.wait import stays, wait_until

pytestmark = pytest.mark.skipif(not shutil.which("ldirectord"), reason="ldirectord is not installed")

OURS = "TCP 192.168.4.200:80"
THEIRS = "TCP 192.168.4.210:80"
LDIRECTORD = """checktimeout=3
checkinterval=1
autoreload=yes
quiescent=no
logfile="/tmp/ldirectord.log"
virtual=192.168.4.210:80
        real=192.168.5.1:80 masq
        real=192.168.5.2:80 masq
        scheduler=rr
        protocol=tcp
        checktype=connect
"""


def services(host):
    return {name: sorted(servers) for name, servers in host.ipvs().items()}


@pytest.mark.parametrize("program", ["mainstayd", "keepalived"])
def test_each_keeps_its_own_services_and_leaves_the_other_s_alone(lan, program):
    lan.switch("office")
    director = lan.host("director", eth0=("office", "192.168.4.11/24", "192.168.5.11/24"))
    web = lan.host("web", eth0=("office", "192.168.5.1/24", "192.168.5.2/24"))
    listen(web, "192.168.5.1:80", "192.168.5.2:80")
    text = virtual_server("192.168.4.200 80", real_server("192.168.5.1 80"), real_server("192.168.5.2 80"))

    def start():
        return wait_ready(getattr(director, program)(text))

    def wait_both(names, words):
        wait_until(lambda: len(director.ipvs()) == names and all(len(s) == 2 for s in director.ipvs().values()), 30,
                   lambda: f"{words}: {director.ipvs()}")

    daemon = start()
    director.write("/run/ldirectord.cf", LDIRECTORD)
    theirs = director.start(["ldirectord", "-d", "/run/ldirectord.cf", "start"], name="ldirectord")
    wait_both(2, "both tables")
    both = services(director)

    daemon.send(signal.SIGHUP)
    director.write("/run/ldirectord.cf", LDIRECTORD + "# read again\n")
    assert stays(lambda: services(director) == both, 3), services(director)

    daemon.stop()
    wait_both(1, "the daemon's service to go, and only that")
    assert THEIRS.split()[1] in str(director.ipvs())
    daemon = start()
    wait_both(2, "the daemon's service to come back")
    assert services(director) == both

    theirs.stop()
    wait_both(1, "ldirectord's service to go, and only that")
    assert OURS.split()[1] in str(director.ipvs())
