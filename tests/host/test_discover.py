"""mainstay-discover keeps a file of real servers equal to Consul and etcd; whatever these do, the last good servers stay."""

import base64
import json
import os
import pathlib
import re
import shutil
import signal

import pytest
from support.paths import program
from support.wait import wait_until

AGENT = pathlib.Path(__file__).resolve().parents[1] / "support" / "consul_server.py"
FILE, STATE = "/run/web.json", "/run/consul.json"
ETCD = "http://127.0.0.1:2379"


class Site:
    """One host with a registry on its loopback, and the follower."""

    def __init__(self, lan):
        lan.switch("office")
        self.host = lan.host("director", eth0=("office", "192.168.4.5/24"))
        self.agent = self.follower = None
        self.state = {"index": 10, "instances": []}

    def consul(self, *options, **state):
        self.say(**state)
        self.agent = self.host.start(["/usr/bin/python3", str(AGENT), "8500", STATE, *options], name="consul")
        wait_until(lambda: "ready" in self.agent.output(), 10, lambda: self.agent.output())

    def say(self, *instances, **state):
        """What Consul answers from now on; with instances, its index moves."""
        if instances:
            self.state = {"index": self.state["index"] + 1, "instances": [instance(one) for one in instances]}
        self.host.write(STATE + ".new", json.dumps({**self.state, **state}))
        os.replace(self.host.path(STATE + ".new"), self.host.path(STATE))

    def follow(self, *words):
        self.follower = self.host.start([program("mainstay-discover"), *words, "--file", FILE])
        return self.follower

    def servers(self):
        try:
            entries = json.loads(self.host.read(FILE))
        except OSError:
            return None
        return sorted(target for entry in entries for target in entry["targets"])

    def until(self, *wanted):
        wait_until(lambda: self.servers() == sorted(wanted), 30, lambda: f"{self.servers()}\n{self.follower.output()}")

    def until_said(self, text, times=1):
        wait_until(lambda: self.follower.output().count(text) >= times, 40, lambda: self.follower.output())

    def queries(self):
        return [line.split()[1] for line in self.agent.output().splitlines() if "/v1/health" in line]


def instance(place):
    address, port = place.split(":")
    return {"Node": {"Address": "192.168.4.99"}, "Service": {"Address": address, "Port": int(port), "Tags": ["blue"]},
            "Checks": [{"Status": "passing"}]}


@pytest.fixture(name="site")
def fixture_site(lan):
    return Site(lan)


def test_the_file_follows_consul_by_blocking_queries(site):
    site.consul()
    site.say("10.0.0.1:80", "10.0.0.2:80")
    site.follow("consul", "web", "--tag", "blue", "--wait", "5")
    site.until("10.0.0.1:80", "10.0.0.2:80")

    site.say("10.0.0.2:80", "10.0.0.3:8080")
    site.until("10.0.0.2:80", "10.0.0.3:8080")

    site.until_said("2 servers (1 more, 1 fewer)")
    wait_until(lambda: len(site.queries()) >= 3, 10, "the next query")
    assert site.queries()[:3] == ["/v1/health/service/web?stale=&tag=blue",
                                  "/v1/health/service/web?stale=&index=11&wait=5s&tag=blue",
                                  "/v1/health/service/web?stale=&index=12&wait=5s&tag=blue"]
    # An index that goes backwards, as after a restored cluster, begins anew.
    site.state["index"] = 3
    site.say("10.0.0.4:80")
    site.until("10.0.0.4:80")
    wait_until(lambda: site.queries()[-1].endswith("index=4&wait=5s&tag=blue"), 20, lambda: site.queries())
    assert site.follower.stop(signal.SIGTERM) == 0
    assert site.servers() == ["10.0.0.4:80"]


# Of half an answer each libcurl has words of its own.
BAD = {
    "down": ({"status": 500}, "Consul answers 500"),
    "half": ({"cut": True}, "with 70 bytes"),
    "truncated": ({"body": '[{"Node":'}, "the answer is no JSON, or ends early"),
    "no list": ({"body": "{}"}, "the answer is no list of instances"),
    "token": ({"token": "other"}, "Consul answers 403: the token is missing, has ended, or may not read this service"),
    "no leader": ({"leader": False, "contact": 700}, "Consul's server has had no leader for 700 ms: its answer may be old"),
    "stale": ({"contact": 60000}, "Consul's server has had no leader for 60000 ms: its answer may be old"),
    "markup": ({"body": json.dumps([{"Service": {"Address": "<b>", "Port": 80}, "Checks": []}])},
               "entry 1 has '?b?' as its address: names are not looked up here"),
}


@pytest.mark.nightly
def test_what_consul_answers_wrongly_changes_nothing(site):
    site.consul()
    site.say("10.0.0.1:80")
    site.follow("consul", "web", "--wait", "1")
    site.until("10.0.0.1:80")
    for number, (name, (state, said)) in enumerate(BAD.items()):
        site.say(**state)
        site.until_said(said)
        assert site.servers() == ["10.0.0.1:80"], name
        assert site.follower.output().count(said) == 1, name

        site.say()
        site.until_said("it answers again", number + 1)
    site.agent.stop(signal.SIGKILL)
    site.until_said("Failed to connect")
    assert site.servers() == ["10.0.0.1:80"]
    site.consul()
    site.say("10.0.0.9:80")
    site.until("10.0.0.9:80")


def test_an_instance_without_servers_left_is_an_answer_and_mainstay_holds_it(site):
    """An empty list is written as it is: whether it counts is decided where the rules are."""
    site.consul()
    site.say("10.0.0.1:80")
    site.follow("consul", "web", "--wait", "1")
    site.until("10.0.0.1:80")
    daemon = site.host.mainstayd("virtual_server 10.0.0.1 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\n"
                                 f"real_server_file {FILE} {{\ndebounce 0\n}}\n}}\n")
    wait_until(lambda: "10.0.0.1" in shown(site.host), 20, lambda: daemon.output())

    site.state = {"index": 40, "instances": []}
    site.say()

    site.until()
    wait_until(lambda: "held" in daemon.output(), 20, lambda: daemon.output())
    asked = len(site.queries())
    wait_until(lambda: len(site.queries()) >= asked + 2, 20, "the same answer once more")
    assert "10.0.0.1" in shown(site.host)
    site.say("10.0.0.1:80", "10.0.0.2:80")
    wait_until(lambda: "10.0.0.2" in shown(site.host), 20, lambda: daemon.output())


def shown(host):
    status = host.run([program("mainstayctl"), "status", "--json"], check=False).stdout
    return " ".join(s["name"] for service in json.loads(status)["lvs"]["services"] for s in service["servers"]) if status else ""


def test_a_token_comes_from_a_file_that_only_its_group_reads_and_goes_out_encrypted(site):
    site.host.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "/run/key", "-out", "/run/cert", "-days", "2",
                   "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"])
    site.host.write("/run/token", "secret-1\nmore\n", 0o644)
    site.consul("/run/cert", "/run/key", token="secret-1")
    site.say("10.0.0.1:80", token="secret-1")
    words = ["consul", "web", "--token-file", "/run/token", "--ca-file", "/run/cert", "--url", "https://localhost:8500", "--once"]

    open_file = site.follow(*words)
    wait_until(lambda: not open_file.alive(), 20, "the end")
    assert open_file.wait() == 1
    assert "/run/token may be read by everybody: chmod o-r it" in open_file.output()

    site.host.run(["chmod", "640", "/run/token"])
    good = site.follow(*words)
    wait_until(lambda: not good.alive(), 20, "the end")
    assert (good.wait(), good.output()) == (0, "mainstay-discover: 1 server (1 more, 0 fewer)\n")
    assert site.servers() == ["10.0.0.1:80"]

    refused = site.host.run([program("mainstay-discover"), "consul", "web", "--file", FILE, "--token-file", "/run/token",
                             "--url", "http://192.0.2.1:8500"], check=False)
    assert refused.returncode == 2
    assert refused.stderr == ("mainstay-discover: --url http://192.0.2.1:8500: a secret is not sent without TLS, except to this "
                              "host: write https://\n")


needs_etcd = pytest.mark.skipif(shutil.which("etcd") is None, reason="no etcd: Debian has it, CentOS has not")


class Etcd:
    """The real one, from Debian."""

    def __init__(self, host):
        self.host = host
        self.daemon = None
        self.start()

    def start(self, *login):
        """With the login, where etcd wants one of its clients."""
        self.daemon = self.host.start(["etcd", "--data-dir", "/run/etcd", "--listen-client-urls", ETCD, "--advertise-client-urls",
                                       ETCD, "--listen-peer-urls", "http://127.0.0.1:2380"])
        wait_until(lambda: self.ctl(*login, "get", "nothing", check=False).returncode == 0, 60, lambda: self.daemon.output())

    def ctl(self, *words, check=True):
        return self.host.run(["etcdctl", "--endpoints", ETCD, *words], check=check, env={"ETCDCTL_API": "3"})


@needs_etcd
def test_the_file_follows_a_prefix_of_etcd(site):
    etcd = Etcd(site.host)
    etcd.ctl("put", "/web/a", "10.0.0.1:80")
    etcd.ctl("put", "/web/b", '{"Addr": "10.0.0.2:80", "weight": 3}')
    etcd.ctl("put", "/wec", "10.0.0.9:80")
    site.follow("etcd", "/web/", "--wait", "5")
    site.until("10.0.0.1:80", "10.0.0.2:80")
    assert '"weight": "3"' in site.host.read(FILE)

    etcd.ctl("put", "/web/c", "10.0.0.3:80")
    site.until("10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80")
    etcd.ctl("del", "/web/a")
    site.until("10.0.0.2:80", "10.0.0.3:80")

    # One value that is none refuses the whole answer.
    etcd.ctl("put", "/web/d", "not an address")
    site.until_said("entry 3 has 'not an address' as its address")
    assert site.servers() == ["10.0.0.2:80", "10.0.0.3:80"]
    etcd.ctl("put", "/web/d", "10.0.0.4:80")
    site.until("10.0.0.2:80", "10.0.0.3:80", "10.0.0.4:80")

    # It goes away and comes back, its history compacted meanwhile.
    etcd.daemon.stop(signal.SIGKILL)
    site.until_said("the file stays as it is", 2)
    etcd.start()
    etcd.ctl("del", "/web/d")
    revision = re.search(r'"revision":(\d+)', etcd.ctl("endpoint", "status", "-w", "json").stdout).group(1)
    etcd.ctl("compact", revision)
    site.until("10.0.0.2:80", "10.0.0.3:80")


def test_a_watch_of_compacted_history_reads_everything_again(site):
    """What a watch sees that begins behind the compaction: a stand-in, for the real one is too quick to be caught there."""
    record = [base64.b64encode(value.encode()).decode() for value in ("10.0.0.1:80", "10.0.0.2:80")]
    site.host.write("/run/stand_in.py", f"""
import http.server, json
ranges = []
class Store(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/v3/kv/range":
            ranges.append(1)
            value = {record!r}[min(len(ranges) - 1, 1)]
            body = json.dumps({{"header": {{"revision": "5"}}, "kvs": [{{"key": "eA==", "value": value}}]}})
        else:
            body = json.dumps({{"result": {{"canceled": True, "compact_revision": "9"}}}}) + "\\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())
    def log_message(self, *a): pass
store = http.server.ThreadingHTTPServer(("127.0.0.1", 2379), Store)
print("ready", flush=True)
store.serve_forever()
""")
    stand_in = site.host.start(["/usr/bin/python3", "/run/stand_in.py"], name="stand_in")
    wait_until(lambda: "ready" in stand_in.output(), 10, "the stand-in")

    site.follow("etcd", "x")

    site.until("10.0.0.2:80")
    assert "attempts go on" not in site.follower.output()


@needs_etcd
def test_etcd_asks_for_a_name_and_a_password_and_a_token_that_ends_is_made_anew(site):
    etcd = Etcd(site.host)
    etcd.ctl("put", "/web/a", "10.0.0.1:80")
    etcd.ctl("user", "add", "root:pass word")
    etcd.ctl("user", "grant-role", "root", "root")
    etcd.ctl("auth", "enable")
    site.host.write("/run/user", "root:wrong\n", 0o640)
    site.follow("etcd", "/web/", "--user-file", "/run/user", "--wait", "2")
    site.until_said("etcd refuses the name or the password")
    assert site.servers() is None

    site.host.write("/run/user", "root:pass word\n", 0o640)
    site.until("10.0.0.1:80")
    etcd.daemon.stop(signal.SIGKILL)  # it forgets its tokens
    login = ["--user", "root:pass word"]
    etcd.start(*login)
    etcd.ctl(*login, "put", "/web/b", "10.0.0.2:80")
    site.until("10.0.0.1:80", "10.0.0.2:80")
