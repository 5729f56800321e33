"""Real servers that a file lists, in the kernel's table: the service alone changes, and a removed server drains."""

import json
import os
import time

from support.lvs import virtual_server
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
