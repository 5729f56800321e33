"""Real servers that a file lists, in the kernel's table: the service alone changes, and a removed server drains."""

import json
import os
import time

import pytest

from support.lvs import Watch, lvs_pid, virtual_server
from support.wait import stays, wait_until

FILE = "/run/servers/web.json"


def replace(host, *last):
    host.write(FILE + ".new", json.dumps([{"targets": [f"127.1.0.{n}:80" for n in last]}]))
    os.replace(host.path(FILE + ".new"), host.path(FILE))


def test_the_table_follows_the_file(lan):
    host = lan.host("director")
    host.run(["ip", "link", "set", "lo", "up"])
    replace(host, 1, 2, 3)
    daemon = host.mainstayd(virtual_server("10.0.0.1 80", f"real_server_file {FILE} {{\ndebounce 0.5\n}}\n"), "-C")

    def table():
        found = host.ipvs()
        return {server: weight for servers in found.values() for server, (_, weight) in servers.items()}

    def until(*last):
        wait_until(lambda: table() == {f"127.1.0.{n}:80": 1 for n in last}, 30, lambda: f"{table()}\n{daemon.output()}",
                   interval=0.01)

    until(1, 2, 3)
    took = []
    for last in ((1, 2, 3, 4), (1, 2, 3), (1, 2, 3, 5)):
        before = time.monotonic()
        replace(host, *last)
        until(*last)
        took.append(time.monotonic() - before)
    print("after the debounce of 0.5 s:", [f"{1000 * (one - 0.5):.0f} ms" for one in took])
    assert min(took) >= 0.5 and max(took) < 10, took

    replace(host, 9)  # three of four would go
    wait_until(lambda: "it removes 4 of 4 servers" in daemon.output(), 20, lambda: daemon.output())
    assert stays(lambda: len(table()) == 4, 1)


@pytest.mark.parametrize("files", [False, True])
def test_a_change_among_a_thousand_services_touches_only_its_own(lan, files):
    """With fixed servers, and with a file for each service."""
    host = lan.host("director")
    host.run(["ip", "link", "set", "lo", "up"])
    replace(host, 1, 2, 3)

    def server_of(n):
        if not files:
            return f"real_server 127.2.0.{n % 250 + 1} 80 {{\n}}\n"
        host.write(f"/run/servers/{n}.json", json.dumps([{"targets": [f"127.2.0.{n % 250 + 1}:80"]}]))
        return f"real_server_file /run/servers/{n}.json {{\n}}\n"

    others = "".join(virtual_server(f"10.1.{n // 250}.{n % 250 + 1} 80", server_of(n)) for n in range(1000))
    daemon = host.mainstayd(virtual_server("10.0.0.1 80", f"real_server_file {FILE} {{\ndebounce 0.1\n}}\n") + others, "-C")

    def last():
        shown = host.run(["ipvsadm", "-Ln", "-t", "10.0.0.1:80"], check=False).stdout
        return sorted(int(line.split()[1].split(":")[0].rsplit(".", 1)[1]) for line in shown.splitlines() if line.strip().startswith("-> 127."))

    def complete():
        return last() == [1, 2, 3] and sum(bool(servers) for servers in host.ipvs().values()) == 1001

    wait_until(complete, 180, lambda: f"{last()} {len(host.ipvs())}\n{daemon.output()[-2000:]}")

    def change(*numbers):
        before = time.monotonic()
        replace(host, *numbers)
        wait_until(lambda: last() == list(numbers), 30, lambda: f"{numbers}: {last()}\n{daemon.output()[-2000:]}", interval=0.005)
        return time.monotonic() - before

    took = [change(1, 2, 3, 4), change(1, 2, 4), change(1, 2, 4, 5)]
    print(f"after the debounce of 0.1 s, at 1,001 services{', each with a file' if files else ''}:", [f"{1000 * (one - 0.1):.0f} ms" for one in took])
    watch = Watch(host, lvs_pid(daemon))
    change(1, 2, 4, 5, 6)
    assert watch.stop().writes() == 1
