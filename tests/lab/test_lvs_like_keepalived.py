"""The IPVS table and the addresses after the start are keepalived's, from the same file: the taught cases, and one
service for each thing that shows in `ipvsadm -Ln`."""

import re
import shutil
import signal

import pytest

from support.lvs import listen
from support.paths import COURSE
from support.wait import wait_until

COURSE_FILES = sorted(p.name for p in COURSE.glob("*.conf") if "virtual_server" in p.read_text(encoding="utf-8"))

pytestmark = pytest.mark.skipif(not shutil.which("keepalived"), reason="keepalived is not installed")


def shown(host):
    """`ipvsadm -Ln` and `ip -br addr`, without what a veth's number and MAC address make different."""
    host_table = host.run(["ipvsadm", "-Ln"]).stdout
    lines = host.run(["ip", "-br", "addr"]).stdout.splitlines()
    return host_table, sorted(re.sub(r"@if\d+", "", " ".join(line.split())) for line in lines)


def director(lan, name, interface, text):
    """A director with real web servers behind it, on a network of its own."""
    servers = re.findall(r"^\s*real_server\s+(\S+)\s+(\d+)", text, re.M)
    net = servers[0][0].rsplit(".", 1)[0]
    lan.switch(f"net-{name}")
    web = lan.host(f"web-{name}", eth0=(f"net-{name}", *sorted({f"{a}/24" for a, _ in servers})))
    listen(web, *(f"{a}:{p}" for a, p in servers))
    host = lan.host(name, **{interface: (f"net-{name}", f"{net}.5/24")})
    host.sysctl(net__ipv6__conf__all__disable_ipv6=1)
    return host


def test_the_taught_cases_give_the_same_tables_and_addresses(lan):
    directors = {}
    for number, name in enumerate(COURSE_FILES):
        text = (COURSE / name).read_text(encoding="utf-8")
        interface = re.search(r"^\s*interface\s+(\S+)", text, re.M).group(1)
        vip = re.search(r"virtual_ipaddress\s*\{\s*([\d.]+)", text).group(1)
        ours = director(lan, f"ours{number}", interface, text)
        theirs = director(lan, f"theirs{number}", interface, text)
        theirs.keepalived(text)
        ours.mainstayd(text)
        directors[name] = (ours, theirs, vip)

    assert directors
    for name, (ours, theirs, vip) in directors.items():
        for host in (ours, theirs):
            wait_until(lambda h=host, v=vip: h.holds(v), 30, f"the VIP on {host.name}: {name}")
            wait_until(lambda h=host: sum(map(len, h.ipvs().values())) == 2, 30, lambda h=host, n=name: f"{h.name}: {n}: {h.ipvs()}")
    assert {name: shown(ours) for name, (ours, _, _) in directors.items()} == {
        name: shown(theirs) for name, (_, theirs, _) in directors.items()}


SCHEDULERS = ["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq"]


def service(number, inside, server="real_server 127.1.0.1 80 { weight 1 }"):
    return f"virtual_server 10.1.0.{number} 80 {{\n  {inside}\n  {server}\n}}\n"


EVERYTHING = "".join(
    [service(i + 1, f"protocol TCP\n  lb_kind NAT\n  lb_algo {s}") for i, s in enumerate(SCHEDULERS)]) + "".join(
    service(20 + i, *parts) for i, parts in enumerate([
        ("protocol TCP\n lb_algo rr\n lb_kind NAT", "real_server 127.1.0.1 8080 { weight 3 }"),
        ("protocol TCP\n lb_algo rr\n lb_kind DR", "real_server 127.1.0.1 8080 { weight 1 }"),
        ("protocol TCP\n lb_algo rr\n lb_kind TUN", "real_server 127.1.0.1 80 { weight 1 }"),
        ("protocol UDP\n lb_algo rr\n lb_kind NAT",),
        ("protocol TCP\n lb_algo rr\n lb_kind NAT\n persistence_timeout",),
        ("protocol TCP\n lb_algo rr\n lb_kind NAT\n persistence_timeout 50\n persistence_granularity 255.255.255.0",),
        ("protocol TCP",),
        ("protocol TCP\n lb_algo rr\n lb_kind NAT", "real_server 127.1.0.1 80 { weight 0 }"),
        ("protocol TCP\n lb_algo rr\n lb_kind NAT",
         "real_server 127.1.0.1 80 { weight 2 }\n real_server 127.1.0.2 80 { weight 1 }"),
        # down from the start: quorum lost, with and without a sorry server, inhibited, replaced by it
        ("protocol TCP\n lb_algo rr\n lb_kind NAT\n alpha",
         "real_server 127.1.0.1 80 { weight 1\n TCP_CHECK { connect_timeout 1\n warmup 200 } }"),
        ("protocol TCP\n lb_algo rr\n lb_kind NAT\n alpha\n sorry_server 127.1.0.9 80",
         "real_server 127.1.0.1 80 { weight 1\n TCP_CHECK { connect_timeout 1\n warmup 200 } }"),
        ("protocol TCP\n lb_algo rr\n lb_kind NAT\n alpha\n sorry_server 127.1.0.9 8080\n quorum 2",
         "real_server 127.1.0.1 80 { weight 1\n inhibit_on_failure\n"
         " TCP_CHECK { connect_timeout 1\n warmup 200 } }\n real_server 127.1.0.2 80 { weight 1 }"),
        ("protocol TCP\n lb_algo rr\n lb_kind NAT\n sorry_server 127.1.0.9 80\n sorry_server_inhibit",),
    ])) + """
virtual_server fe80:1::1 80 {
  lb_algo rr
  lb_kind NAT
  protocol TCP
  real_server fd00::11 80 { weight 1 }
}
virtual_server fwmark 5 {
  lb_algo rr
  lb_kind DR
  real_server 127.1.0.1 80 { weight 1 }
}
virtual_server 10.1.0.99 0 {
  lb_algo rr
  lb_kind DR
  protocol TCP
  persistence_timeout 60
  real_server 127.1.0.1 0 { weight 1 }
}
"""


def test_everything_that_the_table_shows_is_the_same(lan):
    ours, theirs = lan.host("ours"), lan.host("theirs")
    theirs.keepalived(EVERYTHING, "-C")
    daemon = ours.mainstayd(EVERYTHING, "-C")

    wanted = EVERYTHING.count("virtual_server ")
    for host in (ours, theirs):
        wait_until(lambda h=host: len(h.ipvs()) >= wanted, 30, lambda h=host: f"{h.name}: {h.ipvs()}")
    if shown(ours)[0] != shown(theirs)[0]:
        print(daemon.output())
    assert shown(ours)[0] == shown(theirs)[0]


REFUSED = """
virtual_server 10.1.0.1 80 {
  lb_algo %s
  lb_kind NAT
  protocol TCP
  real_server 127.1.0.1 80 { weight 1 }
}
virtual_server 10.1.0.2 53 {
  lb_algo twos
  lb_kind NAT
  protocol UDP
  real_server 127.1.0.1 53 { weight 1 }
}
virtual_server fwmark 5 {
  lb_algo twos
  lb_kind NAT
  real_server 127.1.0.1 80 { weight 1 }
}
virtual_server fd00::1 80 {
  lb_algo twos
  lb_kind NAT
  protocol TCP
  real_server fd00::9 80 { weight 1 }
}
"""


def test_a_service_that_the_kernel_refuses_is_reported_in_keepalived_s_line(lan):
    """keepalived goes on to its servers, which it cannot add either; these lines nobody needs."""
    def told(daemon):
        return sorted(re.findall(r"IPVS cmd IP_VS_SO_SET_(?:ADD|EDIT)\(.*", daemon.output()))

    ours, theirs = lan.host("ours"), lan.host("theirs")
    daemons = [(theirs, theirs.keepalived(REFUSED % "rr", "-C")), (ours, ours.mainstayd(REFUSED % "rr", "-C"))]
    added = ["IPVS cmd IP_VS_SO_SET_ADD(1154) error: Scheduler or persistence engine not found(2) " + place
             for place in ("(10.1.0.2:udp:53)", "(Fwm 5)", "(fd00::1:tcp:80)")]
    for host, daemon in daemons:
        wait_until(lambda d=daemon: told(d) == added and "Startup complete" in d.output(), 30,
                   lambda d=daemon: d.output())
        assert "Reloading" not in daemon.output()
        host.write("/run/keepalived.conf", REFUSED % "twos")
        daemon.send(signal.SIGHUP)
    changed = ("IPVS cmd IP_VS_SO_SET_EDIT(1155) error: Scheduler or persistence engine not found(2) "
               "(10.1.0.1:tcp:80)")
    for _, daemon in daemons:
        wait_until(lambda d=daemon: told(d) == [*added, changed] and "Reload complete" in d.output(), 30,
                   lambda d=daemon: d.output())
        assert len(re.findall(r"Reloading \.\.\.$", daemon.output(), re.M)) == 1
        assert len(re.findall(r"Reloading$", daemon.output(), re.M)) == 1
