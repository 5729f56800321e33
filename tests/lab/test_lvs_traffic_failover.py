"""A TCP connection goes on through another director when the first one's plug is pulled."""

import pytest

from support.traffic import HeldConnection, hold_address, serve
from support.wait import wait_until

VIP = "10.1.0.80"
CONFIG = """
global_defs {{
  lvs_sync_daemon eth0 inst VI_1
}}
vrrp_instance VI_1 {{
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority {priority}
  advert_int 0.3
  virtual_ipaddress {{
    10.1.0.80/24
  }}
}}
virtual_server 10.1.0.80 80 {{
  lb_algo rr
  lb_kind DR
  protocol TCP
  real_server 10.1.0.11 80 {{
    weight 1
  }}
  real_server 10.1.0.12 80 {{
    weight 1
  }}
}}
"""

@pytest.fixture
def net(lan):
    lan.switch("net")
    client = lan.host("client", eth0=("net", "10.1.0.100/24"))
    for number, name in ((11, "one"), (12, "two")):
        host = lan.host(name, eth0=("net", f"10.1.0.{number}/24"))
        hold_address(host, VIP)
        serve(host, name, f"tcp/{VIP}:80")
    directors = [lan.host(f"director{n}", eth0=("net", f"10.1.0.{n}/24")) for n in (5, 6)]
    for host in directors:  # what the master sends is taken for what it is
        host.sysctl(net__ipv4__vs__sync_threshold="0 3")
    return client, *directors


def known(director):
    """The connections that the director has, as lines."""
    return [line for line in director.run(["ipvsadm", "-Lnc"]).stdout.splitlines() if VIP in line]


def test_a_connection_survives_the_death_of_its_director(net):
    client, first, second = net
    first.mainstayd(CONFIG.format(priority=150))
    wait_until(lambda: first.holds(VIP), 20, "the first director to be master")
    second.mainstayd(CONFIG.format(priority=100))
    wait_until(lambda: len(second.ipvs()) == 1, 20, "the table of the second director")
    wait_until(lambda: "backup" in second.run(["ipvsadm", "-Ln", "--daemon"]).stdout, 20, "its sync daemon")
    wait_until(lambda: "master" in first.run(["ipvsadm", "-Ln", "--daemon"]).stdout, 20, "the master's")

    held = HeldConnection(client, VIP)
    assert held.server in ("one", "two")
    for number in range(5):
        assert held.say(f"before {number}") == f"before {number}"
    wait_until(lambda: any("ESTABLISHED" in line for line in known(second)), 20, lambda: str(known(second)))

    first.kill()
    wait_until(lambda: second.holds(VIP), 20, "the second director to be master")
    for number in range(5):
        assert held.say(f"after {number}") == f"after {number}"
    wait_until(lambda: "master" in second.run(["ipvsadm", "-Ln", "--daemon"]).stdout, 20, "its master's daemon")
