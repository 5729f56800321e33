"""The flight recorder of the load balancing process: what the running daemon decided about servers is replayed identically."""

import signal

import pytest

from support.lvs import listen
from support.paths import program
from support.vrrp import role_pid, signal_role
from support.wait import wait_until

SECRET = "s3cret-of-the-check"
CONFIGURATION = """
global_defs {
 enable_script_security
 script_user root
}
virtual_server 10.0.0.1 80 {
  delay_loop 1
  lb_algo rr
  lb_kind NAT
  protocol TCP
  quorum_down "/bin/true """ + SECRET + """"
""" + "".join(f"""
  real_server 127.1.0.{number} 80 {{
    weight 1
    notify_down "/bin/true {SECRET}"
    TCP_CHECK {{
      connect_timeout 1
      retry 0
      warmup 0
    }}
  }}""" for number in (1, 2)) + "\n}\n"


@pytest.fixture
def director(lan):
    host = lan.host("director")
    host.run(["ip", "link", "set", "lo", "up"])
    return host


def test_a_server_that_fails_and_a_process_that_dies_are_replayed_without_secrets(director):
    web = listen(director, "127.1.0.1:80", "127.1.0.2:80")
    director.mainstayd(CONFIGURATION)
    wait_until(lambda: "127.1.0.1" in str(director.ipvs()) and "127.1.0.2" in str(director.ipvs()), 30, lambda: str(director.ipvs()))
    web.stop()
    wait_until(lambda: "127.1.0.2" not in str(director.ipvs()), 30, lambda: str(director.ipvs()))
    before = role_pid(director, "mainstayd-lvs")
    signal_role(director, "mainstayd-lvs", signal.SIGKILL)
    wait_until(lambda: role_pid(director, "mainstayd-lvs") not in (None, before), 15)
    listen(director, "127.1.0.2:80")
    wait_until(lambda: "127.1.0.2" in str(director.ipvs()), 30, lambda: str(director.ipvs()))

    saved = director.run([program("mainstayctl"), "record", "save", "/run/servers.rec"], check=False)
    assert (saved.returncode, saved.stderr) == (0, "")
    assert SECRET.encode() not in director.path("/run/servers.rec").read_bytes()
    whole = director.run([program("mainstayctl"), "replay", "/run/servers.rec"], check=False, timeout=60)
    assert (whole.returncode, whole.stderr) == (0, ""), whole.stdout
    assert "virtual servers: identical to the recording: " in whole.stdout
    assert ", with 1 gaps" in whole.stdout
    assert "and the state of the process before" in whole.stdout
    one = director.run([program("mainstayctl"), "replay", "/run/servers.rec", "--server", "127.1.0.2"], check=False)
    assert "log: Removing service [127.1.0.2]:tcp:80 from VS [10.0.0.1]:tcp:80" in one.stdout
    assert "TCP_CHECK of [127.1.0.1]" not in one.stdout
    other = director.run([program("mainstayctl"), "replay", "/run/servers.rec", "--service", "10.0.0.9"], check=False)
    assert (other.returncode, other.stderr) == (2, "mainstayctl: the record has no virtual server 10.0.0.9\n")
