"""What `mainstayctl config pair` says of two files is what two directors do with them."""

import re

import pytest
from support.paths import program
from support.vrrp import office, wait_ready
from support.wait import stays, wait_until

BOTH = "both become MASTER"
BACKUP_LATEST = 3.61 + 2  # seconds: the master-down interval of the lower priority, and some


def instance(priority, *words, vip="192.168.4.200", vrid=51):
    lines = [f"state {'MASTER' if priority > 100 else 'BACKUP'}", "interface eth0", f"virtual_router_id {vrid}",
             f"priority {priority}", f"virtual_ipaddress {{\n{vip}\n}}", *words]
    return "vrrp_instance VI_1 {\n" + "\n".join(lines) + "\n}\n"


def password(word, kind="PASS"):
    return f"authentication {{\nauth_type {kind}\nauth_pass {word}\n}}"


def unicast(own, peer):
    return f"unicast_src_ip 192.168.4.{own}\nunicast_peer {{\n192.168.4.{peer}\n}}"


SIX = {"vip": "fe80::1:51"}
ROWS = {
    "alike": (instance(150), instance(100)),
    "virtual_router_id": (instance(150), instance(100, vrid=52)),
    "version": (instance(150), instance(100, "version 3")),
    "interval": (instance(150), instance(100, "advert_int 2")),
    "interval of version 3": (instance(150, "version 3"), instance(100, "version 3", "advert_int 2")),
    "password": (instance(150, password("one")), instance(100, password("two"))),
    "no password": (instance(150, password("one")), instance(100)),
    "password of version 3": (instance(150, "version 3", password("one")), instance(100, "version 3", password("two"))),
    "AH": (instance(150, password("one", "AH")), instance(100, password("one"))),
    "password of AH": (instance(150, password("one", "AH")), instance(100, password("two", "AH"))),
    "password of IPv6": (instance(150, "version 2", password("one"), **SIX),
                         instance(100, "version 2", password("two"), **SIX)),
    "no password of IPv6": (instance(150, "version 2", password("one"), **SIX), instance(100, "version 2", **SIX)),
    "unicast in one": (instance(150, unicast(11, 12)), instance(100)),
    "unicast in the other": (instance(150), instance(100, unicast(12, 11))),
    "virtual address": (instance(150), instance(100, vip="192.168.4.201")),
    "use_vmac": (instance(150, "use_vmac"), instance(100)),
    "use_vmac in the other": (instance(150), instance(100, "use_vmac")),
    "vmac_xmit_base in the higher": (instance(150, "use_vmac\nvmac_xmit_base"), instance(100, "use_vmac")),
    "vmac_xmit_base in the lower": (instance(150, "use_vmac"), instance(100, "use_vmac\nvmac_xmit_base")),
    "vmac_xmit_base of IPv6 in the lower": (instance(150, "use_vmac", **SIX),
                                            instance(100, "use_vmac\nvmac_xmit_base", **SIX)),
    "vmac_xmit_base and another MAC": (instance(150, "use_vmac vrrp.51 02:00:00:00:00:99"),
                                       instance(100, "use_vmac\nvmac_xmit_base")),
}


@pytest.mark.nightly
@pytest.mark.parametrize("row", ROWS)
def test_both_become_master_where_that_is_said_and_nowhere_else(lan, row):
    one, two = office(lan, "one", "two")
    first, second = ROWS[row]
    one.write("/run/A", first)
    one.write("/run/B", second)
    said = one.run([program("mainstayctl"), "config", "pair", "/run/A", "/run/B"], check=False).stdout
    assert "cannot run" not in said

    master = wait_ready(one.mainstayd(first))
    wait_until(lambda: "Entering MASTER STATE" in master.output(), 20, lambda: master.output())
    backup = wait_ready(two.mainstayd(second))
    both = lambda: "Entering MASTER STATE" in backup.output()
    if BOTH in said:
        wait_until(both, 20, lambda: said + backup.output())
        assert stays(lambda: len(re.findall("Entering BACKUP STATE", master.output())) <= 1, 1.5), master.output()
    else:
        assert stays(lambda: not both(), BACKUP_LATEST), said + backup.output()
