"""active_active: the table that follows from the configuration alone, when it may change, and the settings of the kernel that it needs."""

import pytest

from support.directors import tables, until_announced
from support.lvs import lvs_pid, real_server
from support.paths import program
from support.traffic import serve
from support.wait import wait_until

SYSCTLS = {"sloppy_tcp": "1", "sloppy_sctp": "1", "schedule_icmp": "1", "expire_nodest_conn": "1", "conn_reuse_mode": "1",
           "backup_only": "0"}


def sysctls(host):
    return {name: host.run(["cat", f"/proc/sys/net/ipv4/vs/{name}"]).stdout.strip() for name in SYSCTLS}


@pytest.fixture
def director(lan):
    host = lan.host("director")
    host.run(["ip", "link", "set", "lo", "up"])
    return host


def local(servers, options="active_active", announce=""):
    return (f"virtual_server 10.50.0.1 80 {{\n  delay_loop 1\n  lb_kind DR\n  protocol TCP\n  {options}\n  {announce}\n"
            + "".join(real_server(f"127.1.0.{number} 80") for number in servers) + "}\n")


@pytest.mark.nightly
def test_the_table_has_a_canonical_order_and_the_kernel_the_settings_that_taking_over_needs(director):
    # effect: virtual_server: active_active
    before = sysctls(director)
    assert before != SYSCTLS
    listener = director.start(["/usr/bin/python3", "-m", "http.server", "80", "--bind", "127.1.0.12"], name="web")
    daemon = director.mainstayd(local((13, 11, 12)), "-C")
    wait_until(lambda: sysctls(director) == SYSCTLS, 20, lambda: f"{sysctls(director)}\n{daemon.output()}")

    def rows():
        return [line.split()[1:6] for line in director.run(["ipvsadm", "-Ln", "--nosort"]).stdout.splitlines() if "->" in line and ":80" in line]
    wait_until(lambda: [(row[0], row[2]) for row in rows()] == [("127.1.0.13:80", "0"), ("127.1.0.12:80", "1"), ("127.1.0.11:80", "0")], 30,
               lambda: f"{rows()}\n{daemon.output()}")
    assert "mh (mh-fallback,mh-port)" in director.run(["ipvsadm", "-Ln"]).stdout
    (digest, as_wanted), = tables(director).values()
    assert as_wanted and len(digest) == 16
    wait_until(lambda: f"mh table {digest}, as the configuration demands" in daemon.output(), 10, daemon.output)
    assert f"active_active, mh table {digest}" in director.run([program("mainstayctl"), "status"]).stdout

    # Which of its servers are up is no part of it.
    listener.stop()
    wait_until(lambda: all(row[2] == "0" for row in rows()), 30, lambda: f"{rows()}")
    assert tables(director) == {"[10.50.0.1]:tcp:80": (digest, True)}

    # Changed by somebody, and by a process of mainstay that died.
    director.sysctl(net__ipv4__vs__sloppy_tcp=0)
    wait_until(lambda: sysctls(director) == SYSCTLS, 30, lambda: f"{sysctls(director)}")
    wait_until(lambda: "net.ipv4.vs.sloppy_tcp was changed by another program; repaired" in daemon.output(), 10,
               daemon.output)
    old = lvs_pid(daemon)
    director.run(["kill", "-9", str(old)])
    wait_until(lambda: lvs_pid(daemon) != old and tables(director), 30, daemon.output)
    daemon.stop()
    assert sysctls(director) == before


def test_a_change_of_servers_moves_nothing_that_stands_until_maintenance_puts_the_table_in_order(director):
    daemon = director.mainstayd(local((11, 13, 14)), "-C")
    wait_until(lambda: tables(director), 20, daemon.output)
    director.write("/run/keepalived.conf", local((11, 12, 14)))
    director.run([program("mainstayctl"), "reload"])

    def order():
        return [line.split()[1] for line in director.run(["ipvsadm", "-Ln", "--nosort"]).stdout.splitlines() if "-> 127" in line]
    wait_until(lambda: order() == [f"127.1.0.{n}:80" for n in (12, 14, 13, 11)], 20, lambda: f"{order()}\n{daemon.output()}")
    wait_until(lambda: [one[1] for one in tables(director).values()] == [False], 10, lambda: f"{tables(director)}")
    assert "put in order once no address of it is announced" in director.run([program("mainstayctl"), "status"]).stdout

    director.run([program("mainstayctl"), "maintenance", "on"])
    director.run([program("mainstayctl"), "maintenance", "off"])
    wait_until(lambda: order() == [f"127.1.0.{n}:80" for n in (14, 12, 11)], 20, lambda: f"{order()}\n{daemon.output()}")
    wait_until(lambda: [one[1] for one in tables(director).values()] == [True], 10, lambda: f"{tables(director)}")


def test_an_announced_service_is_put_in_order_while_its_address_is_withdrawn(director):
    web = serve(director, "web", *(f"tcp/127.1.0.{number}:80" for number in (11, 12, 13)))
    announce = "announce {\n    lifetime 3\n    drain_time 0\n  }"
    daemon = director.mainstayd(local((11, 13), announce=announce), "-C")
    until_announced(daemon, director, ["10.50.0.1"])
    director.write("/run/keepalived.conf", local((11, 12, 13), announce=announce))
    director.run([program("mainstayctl"), "reload"])
    wait_until(lambda: [one[1] for one in tables(director).values()] == [False], 20, lambda: f"{tables(director)}\n{daemon.output()}")
    until_announced(daemon, director, ["10.50.0.1"])

    web.stop()
    until_announced(daemon, director, [])
    wait_until(lambda: [one[1] for one in tables(director).values()] == [True], 20, lambda: f"{tables(director)}\n{daemon.output()}")
    serve(director, "web", *(f"tcp/127.1.0.{number}:80" for number in (11, 12, 13)))
    until_announced(daemon, director, ["10.50.0.1"])
