"""The directors whose live page tests look at, and what they read off it."""

import pytest

from .lvs import listen, real_server, virtual_server
from .vrrp import VIP, instance, office, wait_holds, wait_ready

SERVICE = virtual_server("192.168.4.200 80", real_server("127.0.0.2 80", check="connect_timeout 1\n retry 0"))
HOSTILE = '<img/src=x/onerror=document.title=1>'
TRACKED = """
vrrp_script chk {
    script "/bin/false"
    interval 1
    weight -20
    rise 1
    fall 1
}
vrrp_track_process web {
    process no-such-program
    weight -5
}
track_file load {
    file /run/load
    weight 2
}
"""
TRACKS = """
    track_script {
        chk
    }
    track_interface {
        eth7 weight -30
    }
    track_process {
        web
    }
    track_file {
        load
    }
"""


def vrrp(state, priority, vip=VIP, vrid=51, name="VI_1", more=""):
    """An instance whose adverts are frequent enough for quick elections, and not too frequent for a host that runs browsers."""
    return instance(state, priority, vip, vrid, name, 0.5, "version 3\n" + more, auth=False)


@pytest.fixture
def pair(lan):
    """Two directors with an instance each, the first one MASTER with a server that can be reached."""
    one, two = office(lan, "one", "two")
    server = listen(one, "127.0.0.2:80")
    first = wait_ready(one.mainstayd(vrrp("MASTER", 150) + vrrp("BACKUP", 90, "192.168.4.201", 52, HOSTILE) + SERVICE))
    wait_holds(one)
    second = wait_ready(two.mainstayd(vrrp("BACKUP", 100)))
    return one, two, first, second, server


def rows(driver, table):
    """The first column of a table's rows, and their states."""
    return dict(driver.execute_script(
        "return [...document.querySelectorAll(arguments[0] + ' tr')]"
        ".map(row => [row.cells[0].firstChild.textContent, (row.querySelector('.badge') || {}).textContent]);", table))


def errors(driver):
    return [line["message"] for line in driver.get_log("browser") if line["level"] == "SEVERE"]
