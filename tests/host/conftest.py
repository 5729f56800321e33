"""What several files of host tests begin with."""

import pytest

from support.wait import wait_until


@pytest.fixture
def two(lan):
    """Two hosts on one switch, whose IPv6 addresses can be used."""
    lan.switch("office")
    hosts = (lan.host("one", eth0=("office", "192.168.4.11/24", "fd00:4::11/64")),
             lan.host("two", eth0=("office", "192.168.4.12/24", "fd00:4::12/64")))
    for host in hosts:
        wait_until(lambda host=host: "tentative" not in host.run(["ip", "-6", "addr"]).stdout, 10, "IPv6 addresses")
    return hosts
