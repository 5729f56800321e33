"""A thousand servers that answer their checks byte by byte, without end: their checks end, those of others are on time."""

import json
import re

from support.checks import start_server
from support.lvs import lvs_pid, virtual_server
from support.paths import program
from support.wait import wait_until
from support.web import Web

SERVERS = 1000
# A byte for everybody each half second: of a header that does not end, or, at every other quarter of the addresses, of a body.
DRIP = """
import resource, socket
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
listener = socket.create_server(("0.0.0.0", 8000), backlog=2048)
listener.settimeout(0.5)
print("listening", flush=True)
held = []
while True:
    try:
        connection = listener.accept()[0]
        connection.setblocking(False)
        head = b"HTTP/1.0 200 OK\\r\\nX: "
        connection.send(head + b"x\\r\\n\\r\\n" if int(connection.getsockname()[0].split(".")[2]) % 2 else head)
        held.append(connection)
    except OSError:
        for one in list(held):
            try:
                one.send(b"a")
            except OSError:
                one.close()
                held.remove(one)
"""


def check(address, more):
    return f"real_server {address} {{\n HTTP_GET {{\n url {{\n path /\n status_code 200\n }}\n warmup 0\n retry 0\n {more}\n }}\n}}\n"


def resident_megabytes(host, pid):
    return int(re.search(r"VmRSS:\s+(\d+) kB", host.run(["cat", f"/proc/{pid}/status"]).stdout)[1]) / 1024


def test_a_thousand_servers_that_drip_delay_no_check_of_others_and_take_bounded_memory(lan):
    director = lan.host("director")
    start_server(director, DRIP, name="drip")
    web = Web(director, "127.0.0.1:80")
    web.answer("/", 200)
    dripping = [check(f"127.1.{n // 250}.{n % 250 + 1} 8000", "connect_timeout 1\n delay_loop 30") for n in range(SERVERS)]
    daemon = director.mainstayd(virtual_server("10.0.0.1 80", check("127.0.0.1 80", "connect_timeout 2\n delay_loop 1"))
                                + virtual_server("10.0.0.2 80", *dripping), "-C")
    pid = lvs_pid(daemon)

    def has_run():
        ran = director.run([program("mainstayctl"), "status", "--json"], check=False)
        services = json.loads(ran.stdout)["lvs"]["services"] if ran.returncode == 0 else []
        return sum(one["checks"][0]["has_run"] for service in services for one in service["servers"])

    # A check has at most 12 times connect_timeout.
    wait_until(lambda: has_run() == SERVERS + 1, 30, lambda: f"each check to end: {has_run()}")
    web.wait_asked(8)

    times = [note["at"] for note in web.noted()]
    assert max(later - earlier for earlier, later in zip(times, times[1:])) < 2, times
    assert resident_megabytes(director, pid) < 100
    assert lvs_pid(daemon) == pid
