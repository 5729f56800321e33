"""Checks that look further than a connection: their verdicts in the kernel's table."""

import signal

import pytest

from support.lvs import virtual_server
from support.wait import stays, wait_until

# Answers what the file /run/answer says.
WEB = """
import http.server, pathlib
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status, body = pathlib.Path("/run/answer").read_text().split(" ", 1)
        self.send_response(int(status))
        self.end_headers()
        self.wfile.write(body.encode())
    def log_message(self, *_):
        pass
server = http.server.ThreadingHTTPServer(("127.1.0.1", 80), Handler)
print("listening", flush=True)
server.serve_forever()
"""
# printf 'good' | md5sum
DIGEST = "755f85c2723bb39381c7379a604160d8"


def checked(check):
    return f"  real_server 127.1.0.1 80 {{\n    weight 1\n{check}  }}\n"


@pytest.fixture
def director(lan):
    host = lan.host("director")
    host.write("/run/answer", "200 good")
    web = host.start(["/usr/bin/python3", "-c", WEB], name="web")
    wait_until(lambda: "listening" in web.output(), 20, lambda: web.output())
    return host


def table(weight=None):
    servers = {} if weight is None else {"127.1.0.1:80": ("Masq", weight)}
    return {"TCP 10.0.0.1:80 wrr": servers}


def until_table(host, wanted):
    wait_until(lambda: host.ipvs() == wanted, 30, lambda: f"{wanted}, there is {host.ipvs()}")


@pytest.mark.parametrize("url,good,bad", [
    ("path /\n status_code 200", "200 any", "503 any"),
    (f"path /\n digest {DIGEST}", "200 good", "200 evil"),
])
def test_http_get_takes_a_server_out_for_what_it_answers(director, url, good, bad):
    director.write("/run/answer", good)
    check = f"    HTTP_GET {{\n url {{\n {url}\n }}\n connect_timeout 2\n retry 1\n delay_before_retry 1\n warmup 0\n }}\n"
    daemon = director.mainstayd(virtual_server("10.0.0.1 80", checked(check)), "-C")
    until_table(director, table(1))
    wait_until(lambda: "succeed on service" in daemon.output(), 20, lambda: daemon.output())

    director.write("/run/answer", bad)
    until_table(director, table())

    director.write("/run/answer", good)
    until_table(director, table(1))


def test_misc_check_follows_its_script(director):
    director.write("/run/check", "#!/bin/sh\nexit $(cat /run/status)\n", 0o755)
    director.write("/run/status", "0")
    check = '    MISC_CHECK {\n misc_path "/run/check"\n warmup 0\n }\n'
    daemon = director.mainstayd(virtual_server("10.0.0.1 80", checked(check)), "-C")
    until_table(director, table(1))
    wait_until(lambda: "by [/run/check] succeeded." in daemon.output(), 20, lambda: daemon.output())

    director.write("/run/status", "1")
    until_table(director, table())
    wait_until(lambda: "(exited with status 1)" in daemon.output(), 10, daemon.output)

    director.write("/run/status", "0")
    until_table(director, table(1))


def test_misc_dynamic_sets_the_weight(director):
    director.write("/run/check", "#!/bin/sh\nexit $(cat /run/status)\n", 0o755)
    director.write("/run/status", "52")
    check = '    MISC_CHECK {\n misc_path "/run/check"\n misc_dynamic\n warmup 0\n }\n'
    director.mainstayd(virtual_server("10.0.0.1 80", checked(check)), "-C")
    until_table(director, table(50))

    director.write("/run/status", "12")
    until_table(director, table(10))

    director.write("/run/status", "0")
    until_table(director, table(1))


def test_a_script_that_is_missing_is_named_and_its_check_left_out(director):
    check = '    MISC_CHECK {\n misc_path "/run/nowhere"\n warmup 0\n }\n'
    daemon = director.mainstayd(virtual_server("10.0.0.1 80", checked(check)), "-C")
    wait_until(lambda: "/run/nowhere" in daemon.output(), 20, lambda: daemon.output())

    # keepalived leaves such a check out when it reads the file, and says so; so the server stays, and so it is said here.
    until_table(director, table(1))
    assert stays(lambda: director.ipvs() == table(1), 2)


def test_an_alpha_check_whose_script_is_missing_keeps_its_server_out_until_a_reload_finds_it(director):
    check = '    alpha\n    MISC_CHECK {\n misc_path "/run/late"\n warmup 0\n }\n'
    daemon = director.mainstayd(virtual_server("10.0.0.1 80", checked(check)), "-C")
    wait_until(lambda: "with alpha the server stays down" in daemon.output(), 20, lambda: daemon.output())

    until_table(director, table())
    assert stays(lambda: director.ipvs() == table(), 2)

    # As with keepalived: the script is looked for when the file is read.
    director.write("/run/late", "#!/bin/sh\nexit 0\n", 0o755)
    daemon.send(signal.SIGHUP)
    until_table(director, table(1))
    assert daemon.output().count("/run/late is not run") <= 1, daemon.output()


AGENT = """
import pathlib, socket
listener = socket.create_server(("127.1.0.1", 8081))
print("listening", flush=True)
while True:
    connection, _ = listener.accept()
    connection.sendall(pathlib.Path("/run/answer").read_bytes())
    connection.close()
"""


def test_the_weight_follows_what_an_agent_says(director):
    # effect: virtual_server/real_server: AGENT_CHECK
    director.write("/run/answer", "up\n")
    agent = director.start(["/usr/bin/python3", "-c", AGENT], name="agent")
    wait_until(lambda: "listening" in agent.output(), 20, lambda: agent.output())
    check = "    AGENT_CHECK {\n connect_port 8081\n retry 0\n warmup 0\n }\n"
    text = virtual_server("10.0.0.1 80", checked(check).replace("weight 1", "weight 60"))
    director.mainstayd(text, "-C")
    until_table(director, table(60))

    director.write("/run/answer", "50%\n")
    until_table(director, table(30))

    director.write("/run/answer", "drain\n")
    until_table(director, table(0))

    director.write("/run/answer", "75% down#out of memory\n")
    until_table(director, table())

    director.write("/run/answer", "ready\n")
    until_table(director, table(60))
