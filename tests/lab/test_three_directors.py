"""docs/three-directors.md as a reader follows it: each block on the hosts that it names, in the page's order."""

import os
import pathlib
import re

import pytest

from support.frr import Frr
from support.paths import TOP, program
from support.processes import kill_all
from support.wait import wait_until

PAGE = TOP / "docs" / "three-directors.md"
EXAMPLES = TOP / "etc" / "examples" / "routing"
BLOCK = re.compile(r"<!-- on (?P<role>\w+)(?:, file (?P<file>\S+)(?: from (?P<source>\S+))?)?(?P<running>, running)?(?:, shows (?P<shows>[^>]*?))? -->\n"
                   r"(?:```\w*\n(?P<text>.*?)```|\n    )", re.DOTALL)
PATH = f"{pathlib.Path(program('mainstayctl')).parent}:{os.environ['PATH']}"
FOLDER = "/run"  # of a host's own, in which the page's files are
WEB = """
import http.server
class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "6")
        self.end_headers()
        self.wfile.write(b"hello\\n")
http.server.ThreadingHTTPServer(("0.0.0.0", 80), Hello).serve_forever()
"""


def blocks():
    return [match.groupdict() for match in BLOCK.finditer(PAGE.read_text(encoding="utf-8"))]


def text_for(block, number):
    """A block's text, or that of the example which it names, for the host of this number."""
    text = block["text"] or (EXAMPLES / block["source"]).read_text(encoding="utf-8")
    return re.sub(r"router-id 10\.1\.0\.1\b", f"router-id 10.1.0.{number}", text) if block["role"] == "director" else text


def carry_out(host, number, block):
    if block["file"]:
        host.write(FOLDER + block["file"], text_for(block, number))
        return
    for command in block["text"].strip().replace(" /etc/", f" {FOLDER}/etc/").splitlines():
        def done(command=command):
            return host.run(["sh", "-c", command], check=False, env={"PATH": PATH})
        if block["shows"]:
            wait_until(lambda: block["shows"] in done().stdout, 60, lambda: f"{command} on {host.name} to show {block['shows']!r}, it shows {done()}")
        else:
            ran = done()
            assert ran.returncode == 0, f"{command} on {host.name}: {ran.stdout}{ran.stderr}"


@pytest.mark.nightly
def test_a_reader_of_the_page_has_three_directors(lan):
    lan.switch("office")
    lan.switch("core")
    hosts = {"client": {0: lan.host("client", eth0=("office", "10.2.0.100/24"))},
             "router": {0: lan.host("router", eth0=("office", "10.2.0.254/24"), eth1=("core", "10.1.0.254/24", "fd00:1::fe/64"))},
             "director": {n: lan.host(f"director{n}", eth0=("core", f"10.1.0.{n}/24", f"fd00:1::{n}/64")) for n in (1, 2, 3)},
             "server": {n: lan.host(f"server{n}", eth0=("core", f"10.1.0.{n}/24")) for n in (11, 12, 13)}}
    for group in hosts.values():
        for host in group.values():
            host.run(["ip", "link", "set", "lo", "up"])
    hosts["client"][0].run(["ip", "route", "add", "default", "via", "10.2.0.254"])
    for host in hosts["server"].values():
        host.start(["/usr/bin/python3", "-c", WEB], name="web")

    steps = blocks()
    assert len(steps) == 13, [block["role"] for block in steps]
    before = [block for block in steps if not block["running"]]
    for block in before:
        for number, host in hosts[block["role"]].items():
            carry_out(host, number, block)

    for role in ("router", "director"):
        for host in hosts[role].values():
            frr = Frr(host)
            for daemon in ("bfdd", "bgpd"):
                frr.start(daemon, host.read(f"{FOLDER}/etc/frr/frr.conf"))
    daemons = [host.mainstayd(host.read(f"{FOLDER}/etc/keepalived/keepalived.conf"), "-C") for host in hosts["director"].values()]
    router = hosts["router"][0]

    def ways():
        return sorted(re.findall(r"via (\S+)", router.run(["ip", "route", "show", "10.50.0.1"]).stdout))
    wait_until(lambda: ways() == ["10.1.0.1", "10.1.0.2", "10.1.0.3"], 60, lambda: f"three ways, there are {ways()}\n{daemons[0].output()}")
    for block in steps:
        if not block["running"]:
            continue
        chosen = hosts[block["role"]].items() if block["shows"] else list(hosts[block["role"]].items())[:1]
        for number, host in chosen:
            carry_out(host, number, block)
        if block["text"].strip().endswith("maintenance on"):
            wait_until(lambda: ways() == ["10.1.0.2", "10.1.0.3"], 30, lambda: f"{ways()}")
    wait_until(lambda: ways() == ["10.1.0.1", "10.1.0.2", "10.1.0.3"], 60, lambda: f"{ways()}")

    kill_all([daemons[0].pid])
    hosts["director"][1].kill()
    wait_until(lambda: ways() == ["10.1.0.2", "10.1.0.3"], 30, lambda: f"{ways()}")
    assert hosts["client"][0].run(["curl", "-sS", "--max-time", "5", "http://10.50.0.1/"]).stdout == "hello\n"
