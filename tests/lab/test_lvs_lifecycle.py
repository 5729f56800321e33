"""A running director: servers leave and return, a reload writes the difference, drift is repaired, a crash is survived."""

import signal

import pytest

from support.lvs import Watch, listen, lvs_pid, real_server, virtual_server
from support.netlink import buffers
from support.paths import program
from support.wait import stays, wait_until

AUDIT_SECONDS = 10
FOREIGN = {"TCP 10.9.9.9:80 rr": {"127.9.0.1:80": ("Masq", 1)}}
GLOBAL = "global_defs {\n  router_id lab\n}\n"


@pytest.fixture
def director(lan):
    host = lan.host("director")
    host.run(["ipvsadm", "-A", "-t", "10.9.9.9:80", "-s", "rr"])
    host.run(["ipvsadm", "-a", "-t", "10.9.9.9:80", "-r", "127.9.0.1:80", "-m"])
    return host


def until_table(host, wanted, seconds=20.0):
    wait_until(lambda: host.ipvs() == {**FOREIGN, **wanted}, seconds, lambda: f"{wanted}, there is {host.ipvs()}")


def web(*servers):
    return {"TCP 10.0.0.1:80 wrr": {s: ("Masq", 1) for s in servers}}


TWO = GLOBAL + virtual_server("10.0.0.1 80", real_server("127.1.0.1 80", check="connect_timeout 1\nretry 2"),
                              real_server("127.1.0.2 80"), options="sorry_server 127.1.0.9 80")


def test_a_stopped_web_server_leaves_the_table_and_returns(director):
    one = listen(director, "127.1.0.1:80")
    two = listen(director, "127.1.0.2:80")
    daemon = director.mainstayd(TWO, "-C")
    until_table(director, web("127.1.0.1:80", "127.1.0.2:80"))
    wait_until(lambda: daemon.output().count(" success.") == 2, 20, lambda: daemon.output())

    one.stop()
    until_table(director, web("127.1.0.2:80"))
    for line in ("TCP_CHECK on service [127.1.0.1]:tcp:80 failed after 2 retries.",
                 "Removing service [127.1.0.1]:tcp:80 from VS [10.0.0.1]:tcp:80"):
        wait_until(lambda: line in daemon.output(), 10, daemon.output)

    two.stop()
    until_table(director, web("127.1.0.9:80"))
    wait_until(lambda: "Lost quorum 1-0=1 > 0 for VS [10.0.0.1]:tcp:80" in daemon.output(), 10, daemon.output)

    listen(director, "127.1.0.1:80")
    until_table(director, web("127.1.0.1:80"))
    wait_until(lambda: "Gained quorum 1+0=1 <= 1 for VS [10.0.0.1]:tcp:80" in daemon.output(), 10, daemon.output)

    assert daemon.stop() == 0
    until_table(director, {})


def many(services, servers, change=""):
    parts = [GLOBAL]
    for i in range(services):
        rs = "".join(f"  real_server 127.1.{i // 200}.{j + 1} 80 {{\n    weight {j + 1}\n  }}\n" for j in range(servers))
        if change and i == services - 1:
            rs = rs.replace("weight 1\n", f"{change}\n", 1)
        parts.append(f"virtual_server 10.0.{i // 200}.{i % 200 + 1} 80 {{\n  lb_algo wrr\n  lb_kind NAT\n"
                     f"  protocol TCP\n{rs}}}\n")
    return "".join(parts)


def reloaded(daemon, before):
    """Waits for the reload's end; the log line count tells it from an earlier one."""
    wait_until(lambda: daemon.output().count("Reload complete") > before, 30, lambda: daemon.output()[-3000:])


def test_a_reload_writes_exactly_the_difference(director):
    daemon = director.mainstayd(many(20, 4), "-C")
    wait_until(lambda: len(director.ipvs()) == 21, 30, lambda: str(director.ipvs()))

    watch = Watch(director, lvs_pid(daemon))
    daemon.send(signal.SIGHUP)
    reloaded(daemon, 0)
    assert watch.stop().writes() == 0

    director.write("/run/keepalived.conf", many(20, 4, change="weight 9"))
    watch = Watch(director, lvs_pid(daemon))
    daemon.send(signal.SIGHUP)
    reloaded(daemon, 1)
    wait_until(lambda: director.ipvs()["TCP 10.0.0.20:80 wrr"]["127.1.0.1:80"] == ("Masq", 9), 20)
    assert watch.stop().writes() == 1

    director.write("/run/keepalived.conf", many(19, 4))
    daemon.send(signal.SIGHUP)
    wait_until(lambda: len(director.ipvs()) == 20, 30, lambda: str(director.ipvs()))
    assert FOREIGN.items() <= director.ipvs().items()


def test_what_others_change_is_put_right_and_what_is_theirs_stays(director):
    daemon = director.mainstayd(many(3, 2), "-C")
    wait_until(lambda: len(director.ipvs()) == 4, 30, lambda: str(director.ipvs()))
    wanted = director.ipvs()

    director.run(["ipvsadm", "-D", "-t", "10.0.0.1:80"])
    director.run(["ipvsadm", "-d", "-t", "10.0.0.2:80", "-r", "127.1.0.1:80"])
    director.run(["ipvsadm", "-a", "-t", "10.0.0.2:80", "-r", "127.9.9.9:80", "-m"])
    director.run(["ipvsadm", "-e", "-t", "10.0.0.3:80", "-r", "127.1.0.2:80", "-m", "-w", "77"])
    director.run(["ipvsadm", "-A", "-t", "10.9.9.8:80", "-s", "rr"])

    wanted["TCP 10.9.9.8:80 rr"] = {}
    wait_until(lambda: director.ipvs() == wanted, 3 * AUDIT_SECONDS, lambda: str(director.ipvs()))
    assert daemon.output().count("IPVS was changed by another program; repaired: ") == 6


def test_a_crashed_lvs_process_is_followed_by_one_that_touches_nothing(director):
    one = listen(director, "127.1.0.1:80")
    daemon = director.mainstayd(TWO, "-C")
    until_table(director, web("127.1.0.1:80"))  # the second fails its first check
    first = lvs_pid(daemon)
    # Its state is written within moments of the change; only what was written survives.
    assert stays(lambda: director.ipvs() == {**FOREIGN, **web("127.1.0.1:80")}, 2)

    director.run(["kill", "-KILL", str(first)])
    wait_until(lambda: lvs_pid(daemon) != first, 20, lambda: daemon.output())
    watch = Watch(director, lvs_pid(daemon))

    assert stays(lambda: director.ipvs() == {**FOREIGN, **web("127.1.0.1:80")}, 4)
    assert watch.stop().writes() == 0
    assert daemon.output().count("Gained quorum") == 1
    one.stop()
    until_table(director, web("127.1.0.9:80"))


def test_a_thousand_services_take_few_calls(director):
    path = director.write("/run/keepalived.conf", many(1000, 4))
    # With a filter strace stops the programs at sendmsg alone: at each call, the load takes three times as long.
    daemon = director.start(["strace", "-f", "--seccomp-bpf", "-yy", "-v", "-s", "0", "-e", "trace=sendmsg", "-o", "/run/calls",
                             program("mainstayd"), "-n", "-l", "-G", "-C", "-f", path], name="mainstayd")
    wait_until(lambda: "5000 changes" in daemon.output(), 120, lambda: daemon.output()[-3000:])

    calls = [line for line in director.read("/run/calls").splitlines() if "GENERIC" in line]
    writes = [line for line in calls if "NLM_F_REQUEST|NLM_F_ACK," in line or "NLM_F_REQUEST," in line]
    assert len(director.ipvs()) == 1001
    assert 0 < len(writes) <= 5000 / 32
    assert len(daemon.output().splitlines()) < 1000 + 100  # at most a line per service


def test_the_buffer_of_the_netlink_socket_is_as_big_as_it_is_said_to_be(director):
    # effect: global_defs: lvs_netlink_cmd_rcv_bufs lvs_netlink_cmd_rcv_bufs_force
    most = int(director.read("/proc/sys/net/core/rmem_max"))
    listen(director, "127.1.0.1:80")
    settings = f"lvs_netlink_cmd_rcv_bufs {3 * most}\n  lvs_netlink_cmd_rcv_bufs_force\n"
    text = TWO.replace("router_id lab\n", f"router_id lab\n  {settings}")
    director.mainstayd(text, "-C")
    until_table(director, web("127.1.0.1:80"))

    assert 6 * most in buffers(director)
