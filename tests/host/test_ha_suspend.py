"""ha_suspend: a backup leaves the servers alone. The checks run without IPVS too, so any kernel will do."""

import re
import signal

import pytest

from support.wait import stays, wait_until

# Counts connections by the address they come from, a line for each.
COUNTER = """
import socket
server = socket.create_server(("0.0.0.0", 80), backlog=64)
print("counting", flush=True)
while True:
    connection, who = server.accept()
    print(who[0], flush=True)
    connection.close()
"""
CONFIG = """
vrrp_instance VI_1 {{
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority {priority}
  advert_int 0.3
  virtual_ipaddress {{
    192.168.4.80/24
  }}
}}
virtual_server_group WEB {{
  192.168.4.78-81 80
}}
virtual_server group WEB {{
  ha_suspend
  delay_loop 0.2
  lb_algo rr
  lb_kind DR
  protocol TCP
  real_server 192.168.4.9 80 {{
    TCP_CHECK {{
      connect_timeout 1
      warmup 0
    }}
  }}
}}
"""
SERVICE = "service [192.168.4.9]:tcp:80 for VS [WEB]:0"


@pytest.mark.nightly
def test_the_checks_follow_the_address_of_the_service(lan):
    # effect: virtual_server: ha_suspend
    lan.switch("office")
    web = lan.host("web", eth0=("office", "192.168.4.9/24"))
    counter = web.start(["/usr/bin/python3", "-c", COUNTER], name="counter")
    wait_until(lambda: "counting" in counter.output(), 20, "the web server")
    one = lan.host("one", eth0=("office", "192.168.4.11/24"))
    two = lan.host("two", eth0=("office", "192.168.4.12/24"))

    def asked_by(address):
        return counter.output().split().count(address)

    first = one.mainstayd(CONFIG.format(priority=150))
    wait_until(lambda: one.holds("192.168.4.80"), 20, "the first director to be master")
    wait_until(lambda: asked_by("192.168.4.11") >= 2, 20, lambda: first.output()[-3000:])
    assert f"Deactivating healthchecker for {SERVICE}" in first.output()
    assert f"Activating healthchecker for {SERVICE}" in first.output()

    second = two.mainstayd(CONFIG.format(priority=100))
    wait_until(lambda: f"Deactivating healthchecker for {SERVICE}" in second.output(), 20, lambda: second.output())
    assert stays(lambda: asked_by("192.168.4.12") == 0, 2)

    one.run(["ip", "link", "set", "eth0", "down"])
    wait_until(lambda: asked_by("192.168.4.12") >= 2, 20, lambda: second.output()[-3000:])
    assert f"Activating healthchecker for {SERVICE}" in second.output()
    wait_until(lambda: f"Suspending healthchecker for {SERVICE}" in first.output(), 20, lambda: first.output()[-3000:])


def test_a_service_s_checks_are_reported_as_they_begin_and_rest(lan):
    # effect: virtual_server: ha_suspend
    host = lan.host("director")
    host.run(["ip", "addr", "add", "127.0.0.90/32", "dev", "lo"])
    text = ("virtual_server %s 80 {\nha_suspend\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n"
            "real_server 127.0.0.9 80 {\nTCP_CHECK {\nwarmup 0\n}\n}\n}\n")
    both = text % "10.0.0.80" + text % "127.0.0.90"
    daemon = host.mainstayd(both, "-C")

    def told():
        return re.findall(r"(\w+ing) healthchecker for service \[127.0.0.9\]:tcp:80 for VS \[(.*)\]:tcp:80$",
                          daemon.output(), re.M)

    def says(*wanted):
        wait_until(lambda: told() == list(wanted), 20, lambda: f"{wanted}\n{told()}\n{daemon.output()}")

    lines = [("Deactivating", "10.0.0.80"), ("Activating", "127.0.0.90")]
    says(*lines)
    host.run(["ip", "addr", "add", "10.0.0.80/32", "dev", "lo"])
    lines += [("Activating", "10.0.0.80")]
    says(*lines)
    host.run(["ip", "addr", "del", "127.0.0.90/32", "dev", "lo"])
    lines += [("Suspending", "127.0.0.90")]
    says(*lines)
    # A reload tells nothing of checks that go on, and of those that it brings.
    host.write("/run/keepalived.conf", both.replace("warmup 0", "warmup 1"))
    daemon.send(signal.SIGHUP)
    wait_until(lambda: re.findall(r"Reloading.*$", daemon.output(), re.M) == ["Reloading ...", "Reloading"], 20,
               lambda: daemon.output())
    assert told() == lines

    more = both + (text % "10.0.0.81").replace("ha_suspend", "") + text % "10.0.0.82"
    host.write("/run/keepalived.conf", more)
    daemon.send(signal.SIGHUP)
    says(*lines, ("Activating", "10.0.0.81"), ("Deactivating", "10.0.0.82"))
