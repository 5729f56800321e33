"""The commands of the guide and of README.md, run as a reader types them beside a pair of directors.

Each situation of support/guide.py is a state of the hosts, in which the blocks that name it (`sh in=fault on=lb2`) are
run in the order of the pages. Each line of a block of text behind them has to be shown; `…` stands for anything.
"""

import contextlib
import os
import pathlib
import re

import pytest

from support import guide
from support.hosts import Lan
from support.paths import program
from support.vrrp import wait_holds, wait_ready, wait_released
from support.wait import stays, wait_until

PROGRAMS = ("mainstayctl", "mainstayd", "mainstay-realserver")
PATH = ":".join([*{str(pathlib.Path(program(name)).parent) for name in PROGRAMS}, os.environ["PATH"]])
VIP = "192.0.2.10"
MINE = "/etc/mainstay/mainstay.conf"
FOLDER = "/run/guide"  # in which a reader types; it holds lb1.conf and lb2.conf
THERE = "/run/keepalived/"  # stands for /etc/keepalived/, which hosts of tests share with this machine
# Commands whose exit status is an answer, with those that are no failure; these hosts have no IPVS, which is a problem.
ANSWERS = [(r"^mainstayctl doctor", {0, 1}), (r"^mainstayctl status --check", {2}), (r"--dry-run$", {0, 1})]
# The same where something is wrong.
IN_TROUBLE = [(r"^mainstayctl reload( --dry-run)?$", {2}), (r"^mainstayctl config check", {2}), (r"^mainstayd -t", {5}),
              (r"^mainstayctl mail test", {1}), (r"^mainstay-realserver status", {0, 1})]
WEB = """
import http.server, socketserver
class Server(socketserver.ThreadingTCPServer):  # an HTTPServer would look its own name up first
    allow_reuse_address = True
class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
Server(("0.0.0.0", 80), Hello).serve_forever()
"""
SCRIPT = """vrrp_script answers {
    script "/usr/bin/test -e /run/good"
    interval 1
    weight -60
}
"""
SERVER = """    real_server 192.0.2.NUMBER 80 {
        TCP_CHECK {
            connect_timeout 1
            retry 0
        }
    }
"""
MAIL = """    notification_email {
        oncall@example.com
    }
    notification_email_from lb1@example.com
    smtp_server 192.0.2.25 25
    smtp_connect_timeout 1
    smtp_alert
"""


def configuration(name, priority, settings="", instance="", before=""):
    """The file of a director: as the recipes, with short times."""
    servers = "".join(SERVER.replace("NUMBER", str(number)) for number in (21, 22))
    return f"""global_defs {{
    router_id {name}
    vrrp_version 3
    enable_script_security
    script_user root
{settings}}}
{before}vrrp_instance web {{
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority {priority}
    advert_int 0.1
{instance}    virtual_ipaddress {{
        {VIP}/24
    }}
}}
virtual_server {VIP} 80 {{
    delay_loop 0.3
    lb_algo wlc
    lb_kind DR
    protocol TCP
{servers}}}
"""


class Site:
    """The hosts lb1, lb2, server and client, with a pair of directors that runs."""

    def __init__(self, folder):
        self.lan = Lan(folder)
        self.lan.switch("outside")
        self.lan.switch("inside")
        self.lb1 = self.lan.host("lb1", eth0=("outside", "192.0.2.2/24"), eth1=("inside", "10.0.0.2/24"))
        self.lb2 = self.lan.host("lb2", eth0=("outside", "192.0.2.3/24"), eth1=("inside", "10.0.0.3/24"))
        self.server = self.lan.host("server", eth0=("outside", "192.0.2.21/24", "192.0.2.22/24", "192.0.2.25/24"),
                                    eth1=("inside", "10.0.0.11/24"))
        self.client = self.lan.host("client", eth0=("outside", "192.0.2.100/24"))
        self.serve()
        first, second = configuration("lb1", 150), configuration("lb2", 100)
        for host in (self.lb1, self.lb2):
            host.write(f"{FOLDER}/lb1.conf", first)
            host.write(f"{FOLDER}/lb2.conf", second)
        self.server.write(f"{FOLDER}/empty", "")
        self.client.write(f"{FOLDER}/empty", "")
        for daemon in [self.start(self.lb1, first), self.start(self.lb2, second)]:
            wait_ready(daemon)

    def serve(self):
        self.web = self.server.start(["/usr/bin/python3", "-c", WEB], name="web")
        wait_until(lambda: self.server.run(["curl", "-sf", "http://192.0.2.21/"], check=False).returncode == 0, 10,
                   "the web server")

    def start(self, host, text):
        host.write(MINE, text)
        host.write(THERE + "keepalived.conf", text)
        host.write("/etc/mainstay/mainstay.toml", '[api]\nlisten = ["127.0.0.1:9112"]\n')
        return host.start([program("mainstayd"), "-n", "-l", "-D"])

    def ctl(self, host, *words):
        return host.run([program("mainstayctl"), *words], check=False).stdout

    def reload(self, host, text):
        host.write(MINE, text)
        host.run([program("mainstayctl"), "reload"])

    def settle(self):
        """Waits until lb1 is the master and all servers are up."""
        wait_holds(self.lb1, VIP)
        wait_released(self.lb2, VIP)
        for host in (self.lb1, self.lb2):
            wait_until(lambda host=host: self.ctl(host, "server", "show").count(": as configured, UP") == 2, 15,
                       lambda host=host: self.ctl(host, "server", "show"))
        self.wait_says(self.lb2, "web", "web is BACKUP")

    def wait_says(self, host, name, text):
        """Waits until `mainstayctl why NAME` says this."""
        wait_until(lambda: text in self.ctl(host, "why", name), 15, lambda: f"{text}: {self.ctl(host, 'why', name)}")


@contextlib.contextmanager
def pair(site):
    yield


@contextlib.contextmanager
def unprepared(site):
    site.server.run([program("mainstay-realserver"), "down", VIP])
    site.server.run(["ip", "address", "flush", "dev", "lo", "to", VIP])
    site.server.run(["sysctl", "-qw", *(f"net.ipv4.conf.{name}.arp_{what}=0" for name in ("lo", "all")
                                        for what in ("ignore", "announce"))])
    yield


@contextlib.contextmanager
def firewall(site):
    """Afterwards the backup has to hear the master, and its checks have to pass."""
    try:
        yield
        assert stays(lambda: not site.lb2.holds(VIP), 1)
        assert "drops VRRP" not in site.ctl(site.lb2, "doctor")
        assert site.lb2.run(["curl", "-sf", "--max-time", "3", "http://192.0.2.21/"], check=False).returncode == 0
    finally:
        site.lb2.run(["nft", "flush", "ruleset"])


@contextlib.contextmanager
def two_masters(site):
    """The page's commands have to end it."""
    site.lb2.run(["nft", "add table ip filter; "
                         "add chain ip filter input { type filter hook input priority 0; policy drop; }; "
                         "add rule ip filter input iif lo accept; add rule ip filter input tcp sport 80 accept"])
    wait_holds(site.lb2, VIP)
    site.wait_says(site.lb2, "web", "web is MASTER")
    site.wait_says(site.lb1, "web", "192.0.2.3 is MASTER, too")
    try:
        yield
        wait_released(site.lb2, VIP)
    finally:
        site.lb2.run(["nft", "flush", "ruleset"])


@contextlib.contextmanager
def duplicate(site):
    site.server.run(["ip", "address", "add", f"{VIP}/32", "dev", "eth0"])
    try:
        yield
    finally:
        site.server.run(["ip", "address", "del", f"{VIP}/32", "dev", "eth0"])
        assert "used by this host and by another one" not in site.ctl(site.lb1, "doctor")


@contextlib.contextmanager
def fault(site):
    site.lb1.run(["ip", "link", "set", "eth0", "down"])
    site.wait_says(site.lb1, "web", "web is FAULT")
    try:
        yield
    finally:
        wait_until(lambda: "web is FAULT" not in site.ctl(site.lb1, "why", "web"), 10, "the end of FAULT")


@contextlib.contextmanager
def script(site):
    site.lb1.write("/run/good", "")
    tracked = "    track_script {\n        answers\n    }\n"
    site.reload(site.lb1, configuration("lb1", 150, instance=tracked, before=SCRIPT))
    site.lb1.run(["rm", "/run/good"])
    wait_holds(site.lb2, VIP)
    site.wait_says(site.lb1, "web", "web is BACKUP")
    site.wait_says(site.lb1, "answers", "failures")
    try:
        yield
    finally:
        site.reload(site.lb1, configuration("lb1", 150))


@contextlib.contextmanager
def announced(site):
    site.reload(site.lb1, configuration("lb1", 150, instance="    garp_master_refresh 1\n"))
    try:
        yield
    finally:
        site.reload(site.lb1, configuration("lb1", 150))


@contextlib.contextmanager
def down(site):
    site.server.run(["nft", "add table ip deaf; add chain ip deaf in { type filter hook input priority 0; }; "
                            "add rule ip deaf in ip daddr 192.0.2.21 tcp dport 80 drop"])
    site.wait_says(site.lb1, "192.0.2.21", "failed: timed out")
    try:
        yield
    finally:
        site.server.run(["nft", "flush", "ruleset"])


@contextlib.contextmanager
def all_down(site):
    site.web.stop()
    site.wait_says(site.lb1, f"{VIP}:80", "has lost its quorum")
    try:
        yield
    finally:
        site.serve()


@contextlib.contextmanager
def refused(site):
    site.lb1.write(MINE, configuration("lb1", 150).replace("interface eth0", "interfce eth0"))
    try:
        yield
    finally:
        site.reload(site.lb1, configuration("lb1", 150))


@contextlib.contextmanager
def broken(site):
    site.lb1.write(MINE, configuration("lb1", 150).replace("    virtual_router_id 51\n", ""))
    try:
        yield
    finally:
        site.reload(site.lb1, configuration("lb1", 150))


@contextlib.contextmanager
def mail(site):
    site.reload(site.lb1, configuration("lb1", 150, settings=MAIL))
    site.lb1.run([program("mainstayctl"), "failover", "web"])
    site.lb1.run([program("mainstayctl"), "failover", "--back", "web"])
    wait_until(lambda: "last answer" in site.ctl(site.lb1, "mail", "queue"), 10,
               lambda: site.ctl(site.lb1, "mail", "queue"))
    try:
        yield
    finally:
        site.reload(site.lb1, configuration("lb1", 150))


STATES = {function.__name__: function
          for function in (pair, unprepared, firewall, two_masters, duplicate, fault, script, announced, down, all_down,
                           refused, broken, mail)}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    made = Site(tmp_path_factory.mktemp("guide"))
    try:
        yield made
    finally:
        for name, text in made.lan.logs():
            print(f"---- {name} ----\n{text[-5000:]}")
        made.lan.close()


def plain(line):
    """A line without what differs each time: times, durations, counts, MAC addresses, and how many blanks there are."""
    for pattern, instead in ((r"\d{4}-\d\d-\d\d", "DATE"), (r"(\w\w:){5}\w\w", "MAC"),
                             (r"\d\d:\d\d:\d\d", "TIME"),
                             (r"seen \d+ times?", "seen N times"), (r"\d+ (failures|queued|s|ms|us)\b", r"N \1"),
                             (r"\.conf:\d+:\d+:", ".conf:LINE:"), (r"\s+", " ")):
        line = re.sub(pattern, instead, line)
    return line.strip()


def shows(output, wanted):
    """The lines of `wanted` that no line of the output is like."""
    have = [plain(line) for line in output.splitlines()]
    patterns = {line: re.escape(plain(line)).replace("…", ".*") for line in wanted.splitlines()}
    return [line for line, pattern in patterns.items() if not any(re.fullmatch(pattern, one) for one in have)]


def status_allowed(command, situation):
    known = ANSWERS + (IN_TROUBLE if situation != "pair" else [])
    return next((allowed for words, allowed in reversed(known) if re.search(words, command)), {0})


def carry_out(site, block, situation):
    """Runs the commands of a block and returns what they showed."""
    host, output = getattr(site, block.word("on", "lb1")), ""
    for command in block.commands():
        if guide.why_not_run(command):
            continue
        command = guide.without_sudo(command).replace("/etc/keepalived/", THERE)
        done = host.run(["sh", "-c", f"cd {FOLDER} && {command}"], check=False, env={"PATH": PATH})
        output += (done.stdout + done.stderr).replace(THERE, "/etc/keepalived/")
        assert done.returncode in status_allowed(command, situation), \
            f"{block.name}: {command} on {host.name} exits with {done.returncode}:\n{done.stdout}{done.stderr}"
    return output


@pytest.mark.parametrize("situation", guide.SITUATIONS)
def test_the_commands_do_what_the_guide_says(site, situation):
    site.settle()
    with STATES[situation](site):
        for block, shown in guide.steps(guide.blocks()):
            if block.word("in", "pair") != situation:
                continue
            if situation == "pair":
                site.settle()  # a block before may have handed the instance over
            output = carry_out(site, block, situation)
            missing = shows(output, shown.text) if shown else []
            assert not missing, f"{block.name} does not show {missing}, it shows:\n{output}"


def test_each_situation_is_one_that_the_guide_has():
    assert list(STATES) == guide.SITUATIONS
    assert {block.word("in", "pair") for block, _ in guide.steps(guide.blocks())} == set(guide.SITUATIONS)
