"""A kernel without IPVS: VRRP and the health checks run all the same, and one line says what is missing."""

import os

import pytest

from support.lvs import real_server, virtual_server
from support.wait import stays, wait_until

CONFIGURATION = """
vrrp_instance VI_1 {
  state MASTER
  interface eth0
  virtual_router_id 51
  priority 150
  virtual_ipaddress {
    192.168.4.100
  }
}
""" + virtual_server("192.168.4.100 80", real_server("127.0.0.2 81"))


@pytest.mark.skipif(os.path.isdir("/proc/sys/net/ipv4/vs") or os.path.isdir("/lib/modules/" + os.uname().release),
                    reason="this kernel has IPVS, or may load it")
def test_vrrp_and_checks_run_without_ipvs(lan):
    lan.switch("office")
    director = lan.host("director", eth0=("office", "192.168.4.5/24"))

    daemon = director.mainstayd(CONFIGURATION)

    wait_until(lambda: director.holds("192.168.4.100"), 20, lambda: daemon.output())
    wait_until(lambda: "TCP_CHECK on service [127.0.0.2]:tcp:81 failed." in daemon.output(), 20,
               lambda: daemon.output())
    missing = "IPVS cannot be programmed: IPVS: the kernel has no IPVS: load its module with `modprobe ip_vs`"
    assert stays(lambda: daemon.output().count(missing) == 1 and director.holds("192.168.4.100"), 2)
    assert daemon.stop() == 0
    assert not director.holds("192.168.4.100")
