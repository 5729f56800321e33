"""Clients of the API that mean harm, over TCP with TLS. Whatever they do, no advert is late and no address moves."""

import base64
import contextlib
import json
import pathlib
import re

import pytest

from support.api import PORT, SETTINGS, certificate, credential, serve
from support.paths import program
from support.vrrp import VIP, fast, office, wait_holds, wait_ready
from support.wait import wait_until

CLIENT = pathlib.Path(__file__).resolve().parents[1] / "support" / "hostile_client.py"
AT = "192.168.4.11"
# Real time, so that other work of this machine makes no advert late.
GLOBAL = "global_defs {\n vrrp_rt_priority 50\n}\n"
SERVICE = """virtual_server 192.168.4.220 80 {
 lb_algo rr
 lb_kind NAT
 protocol TCP
 real_server 127.0.0.1 9 {
 }
}
"""
HOSTILE = "<img/src=x/onerror=alert(1)>"
# OpenSSL 3.5 refuses days below 0, and those before 3.4 know no dates.
EXPIRED = " || ".join(f"openssl x509 -req -in /run/api/new.csr -signkey /run/api/new.key {ends} -out /run/api/new.crt"
                      for ends in ("-days -1", "-not_before 20200101000000Z -not_after 20200102000000Z"))


def lateness(host):
    """(adverts sent, those of them that left more than 100 ms late)."""
    shown = host.run([program("mainstayctl"), "metrics"]).stdout
    count = int(re.search(r"^mainstay_vrrp_advert_lateness_seconds_count (\d+)$", shown, re.M)[1])
    in_time = int(re.search(r'^mainstay_vrrp_advert_lateness_seconds_bucket{le="0.1"} (\d+)$', shown, re.M)[1])
    return count, count - in_time


def status(host):
    done = host.run([program("mainstayctl"), "status", "--json"], check=False)
    return json.loads(done.stdout) if done.returncode == 0 else None


class Scene:
    """A MASTER with the API and its backup, an attacker, and somebody who means well."""

    def __init__(self, lan, more=""):
        self.one, self.two, self.attacker, self.friend = office(lan, "one", "two", "attacker", "friend")
        self.reader, self.operator = serve(self.one)
        self.daemon = wait_ready(self.one.mainstayd(GLOBAL + fast(priority=150) + more + SERVICE))
        wait_holds(self.one)
        self.backup = wait_ready(self.two.mainstayd(GLOBAL + fast(priority=100)))
        wait_until(lambda: self.get(self.friend, "/livez")[0] == "200", 20, self.daemon.output)

    def curl(self, host, target, *arguments):
        answer = host.run(["curl", "-sk", "-w", "\n%{http_code}", "--path-as-is", "--max-time", "10", *arguments,
                           f"https://{AT}:{PORT}{target}"], check=False).stdout
        body, _, code = answer.rpartition("\n")
        return code, body

    def get(self, host, target, token=None):
        return self.curl(host, target, "-H", f"Authorization: Bearer {token or self.reader}")

    def raw(self, requests):
        """{name: answer} for {name: bytes}."""
        lines = "".join(json.dumps({"name": name, "bytes": base64.b64encode(data).decode()}) + "\n" for name, data in requests.items())
        done = self.attacker.run(["/usr/bin/python3", CLIENT, AT, PORT, "raw"], text_in=lines, timeout=120)
        return {answer["name"]: answer for answer in map(json.loads, done.stdout.splitlines())}

    @contextlib.contextmanager
    def on_time(self):
        """While this goes on, adverts are sent, none is late, and the backup stays one."""
        wait_until(lambda: self.one.run([program("mainstayctl"), "metrics"], check=False).returncode == 0, 10)
        sent, late = lateness(self.one)
        yield
        # Also what is sent afterwards: the state that is shown is a little old.
        wait_until(lambda: lateness(self.one)[0] >= sent + 20, 10, "adverts")
        assert lateness(self.one)[1] == late
        assert "Entering MASTER STATE" not in self.backup.output()
        assert self.one.holds(VIP) and self.daemon.alive()
        assert "died" not in self.daemon.output() and "terminated" not in self.daemon.output()


@pytest.fixture
def scene(lan):
    return Scene(lan)


def request(target, *fields, method="GET", body=b"", token=""):
    head = [f"{method} {target} HTTP/1.1", "Host: lb1", f"Authorization: Bearer {token}", *fields]
    return "\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body


def test_oversized_and_malformed_requests_are_refused_at_once(scene):
    def ask(target="/api/v1/status", *fields, **more):
        return request(target, *fields, token=scene.operator, **more)

    large = 40_000
    cases = {
        "header": (431, ask("/api/v1/status", "X: " + "x" * large)),
        "many fields": (431, ask("/api/v1/status", *(f"X{n}: y" for n in range(5000)))),
        "target": (414, ask("/" + "x" * 4000)),
        "huge target": (414, ask("/" + "x" * large)),
        "body": (413, ask("/api/v1/servers/drain", "Content-Type: application/json", f"Content-Length: {large}", method="POST",
                          body=b"x" * large)),
        "body that is only announced": (413, ask("/api/v1/servers/drain", "Content-Type: application/json",
                                                 "Content-Length: 99999999999", method="POST")),
        "deep json": (400, ask("/api/v1/servers/drain", "Content-Type: application/json", "Content-Length: 12000", method="POST",
                               body=b"[" * 12000)),
        "no json": (400, ask("/api/v1/servers/drain", "Content-Type: application/json", "Content-Length: 4", method="POST",
                             body=b"\xff\xfe{}")),
        "words": (400, b"hello there\r\n\r\n"),
        "zeros": (400, bytes(64) + b"\r\n\r\n"),
        "version": (400, request("/livez").replace(b"HTTP/1.1", b"HTTP/9.9")),
        "zero in the target": (400, ask("/api/v1/status\0")),
        "negative length": (400, ask("/livez", "Content-Length: -1")),
        "two lengths": (400, ask("/livez", "Content-Length: 1", "Content-Length: 2", body=b"xy")),
        "length and chunks": (400, ask("/api/v1/servers/drain", "Content-Type: application/json", "Content-Length: 5",
                                       "Transfer-Encoding: chunked", method="POST", body=b"0\r\n\r\n")),
        "chunk": (400, ask("/api/v1/servers/drain", "Transfer-Encoding: chunked", method="POST", body=b"zz\r\n")),
        "two hosts": (400, ask("/livez", "Host: other")),
        "no host": (400, b"GET /livez HTTP/1.1\r\n\r\n"),
        "method": (405, ask("/api/v1/status", method="TRACE")),
        "GET with a body": (400, ask("/api/v1/status", "Content-Length: 2", body=b"{}")),
    }
    with scene.on_time():
        answers = scene.raw({name: data for name, (_, data) in cases.items()})
        assert {name: answer["status"] for name, answer in answers.items()} == {name: code for name, (code, _) in cases.items()}
        assert max(answer["seconds"] for answer in answers.values()) < 4, answers
        for answer in answers.values():
            assert set(json.loads(answer["body"])) == {"error", "hint"}
    assert status(scene.one)["lvs"]["overrides"] == []


def test_tricks_with_paths_show_no_file_and_markup_stays_text(lan):
    scene = Scene(lan, fast(HOSTILE, 52, "192.168.4.201"))
    tricks = ["/../../etc/passwd", "/page/../../../etc/passwd", "/page/%2e%2e/%2e%2e/etc/passwd", "/page/..%2f..%2fetc%2fpasswd",
              "//etc/passwd", "/page//etc/passwd", "/page/%00", "/page/..\\..\\etc\\passwd", "/api/v1/../../etc/shadow", "/%", "/%zz",
              "/page/%c0%ae%c0%ae/etc/passwd", "/page/", "/page/.", "/api/v1/servers/../status", "/ready/vrrp/../../etc/passwd"]
    with scene.on_time():
        answers = scene.raw({trick: request(trick, token=scene.reader) for trick in tricks})
        for trick, answer in answers.items():
            assert answer["status"] in (400, 404, 405, 503), answer
            assert "root:" not in answer["body"], answer
            assert len(answer["body"]) < 500, answer

        asked = scene.raw({"why": request("/api/v1/why?name=%3Cscript%3Ealert(1)%3C/script%3E", token=scene.reader),
                           "status": request("/api/v1/status/vrrp", token=scene.reader),
                           "metrics": request("/metrics?scope=%3Cscript%3E", token=scene.reader)})
        for answer in asked.values():
            assert "Content-Type: application/json\r\n" in answer["head"]
            assert "X-Content-Type-Options: nosniff\r\n" in answer["head"]
            assert "default-src 'self'" in answer["head"]
        assert HOSTILE in [one["name"] for one in json.loads(asked["status"]["body"])["instances"]]
    assert f'name="{HOSTILE}"' in scene.get(scene.friend, "/metrics")[1]


@pytest.mark.nightly
def test_credentials_that_are_missing_wrong_or_expired_and_a_guesser_who_is_slowed_and_logged(scene):
    expired, line = credential(scene.one, "--days", "1", "old")
    made = scene.one.run([program("mainstayctl"), "api", "credential", "--password", "ana"], text_in="correct horse\n").stdout
    scene.one.write("/run/api/credentials", scene.one.read("/run/api/credentials") + re.sub(r"until=\S+", "until=2020-01-01", line)
                    + made, 0o600)
    right = ("-u", "ana:correct horse")
    wait_until(lambda: scene.curl(scene.friend, "/api/v1/status", *right)[0] == "200", 20, scene.daemon.output)

    with scene.on_time():
        code, body = scene.curl(scene.friend, "/api/v1/status")
        assert (code, json.loads(body)["error"]) == ("401", "credentials are needed")
        code, body = scene.get(scene.friend, "/api/v1/status", expired)
        assert (code, json.loads(body)["error"]) == ("401", "the credentials are wrong, or have ended")
        for odd in ("Bearer", "Bearer  ", "Basic !!!", "Basic " + base64.b64encode(b"nocolon").decode(), "Digest a=b",
                    "Bearer " + "x" * 3000):
            assert scene.curl(scene.friend, "/api/v1/status", "-H", f"Authorization: {odd}")[0] == "401", odd

        codes = []
        while codes.count("401") < 5:  # the fifth wait is one of 4 s
            codes.append(scene.curl(scene.attacker, "/api/v1/status", "-u", f"ana:guess{len(codes)}")[0])
            assert len(codes) < 1000 and set(codes) <= {"401", "429"}, codes
        assert codes.count("429") >= 3, codes
        # Who guessed waits, even with the right password; nobody else does, and no token.
        code, body = scene.curl(scene.attacker, "/api/v1/status", *right)
        assert (code, json.loads(body)["error"]) == ("429", "too many wrong credentials")
        assert scene.get(scene.attacker, "/api/v1/status")[0] == "200"
        assert "wrong credentials for the API from 192.168.4.13 (" in scene.daemon.output()
        assert "log-ins to the API are delayed after wrong credentials (1 so far)" in scene.daemon.output()
        wait_until(lambda: scene.curl(scene.friend, "/api/v1/status", *right)[0] == "200", 60, "the wait of the friend to end")


def test_a_page_of_another_site_changes_nothing(scene):
    servers = b'{"servers": "*"}'
    json_body = ("Content-Type: application/json", f"Content-Length: {len(servers)}")
    cases = {
        "origin": (403, (*json_body, "Origin: https://evil.example")),
        "null origin": (403, (*json_body, "Origin: null")),
        "cross-site": (403, (*json_body, "Sec-Fetch-Site: cross-site")),
        "same-site": (403, (*json_body, "Sec-Fetch-Site: same-site")),
        "form": (415, ("Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(servers)}")),
        "plain": (415, ("Content-Type: text/plain", f"Content-Length: {len(servers)}")),
    }
    with scene.on_time():
        answers = scene.raw({name: request("/api/v1/servers/disable", *fields, method="POST", body=servers, token=scene.operator)
                             for name, (_, fields) in cases.items()})
        assert {name: answer["status"] for name, answer in answers.items()} == {name: code for name, (code, _) in cases.items()}
        got = scene.raw({"GET": request("/api/v1/servers/disable?servers=*", token=scene.operator)})["GET"]
        assert got["status"] == 405
        assert not any("Access-Control-Allow-Origin" in answer["head"] for answer in answers.values())
    assert status(scene.one)["lvs"]["overrides"] == []
    # The same from this host's own page is done.
    own = scene.raw({"own": request("/api/v1/servers/disable", *json_body, "Origin: https://lb1", method="POST", body=servers,
                                    token=scene.operator)})["own"]
    assert own["status"] == 200, own


@pytest.mark.nightly
def test_slow_requests_and_a_thousand_idle_connections_end_and_others_are_served(scene):
    sources = [f"192.168.4.{n}" for n in range(100, 150)]
    for address in sources:
        scene.attacker.run(["ip", "address", "add", f"{address}/24", "dev", "eth0"])
    with scene.on_time():
        done = scene.attacker.run(["/usr/bin/python3", CLIENT, AT, PORT, "drip", "16"], timeout=60)
        lasted = json.loads(done.stdout)["seconds"]
        assert len(lasted) == 16 and max(lasted) < 9, lasted

        one_source = scene.attacker.start(["/usr/bin/python3", CLIENT, AT, PORT, "idle", "1000", "192.168.4.13"], name="idle", pipe=True)
        assert one_source.popen.stdout.readline() == "open\n"
        assert scene.get(scene.friend, "/api/v1/status")[0] == "200"
        assert status(scene.one)["api"]["connections_refused"] >= 900
        one_source.popen.stdin.close()

        many = scene.attacker.start(["/usr/bin/python3", CLIENT, AT, PORT, "idle", "1000", *sources], name="idle", pipe=True)
        assert many.popen.stdout.readline() == "open\n"
        # The control socket is not theirs, and those that say nothing are closed after 5 s.
        assert status(scene.one)["vrrp"]["instances"][0]["state"] == "MASTER"
        wait_until(lambda: scene.get(scene.friend, "/api/v1/status")[0] == "200", 15, "the friend to be served")
        many.popen.stdin.close()
    assert re.search(r"more than 16 connections to 0.0.0.0:9112 from 192.168.4.13: one is closed", scene.daemon.output())


@pytest.mark.nightly
def test_tls_files_that_are_missing_broken_or_expired(lan):
    one, friend = office(lan, "one", "friend")
    token, line = credential(one, "reader")
    one.write("/run/api/credentials", line, 0o600)
    one.write("/etc/mainstay/mainstay.toml", SETTINGS)
    daemon = wait_ready(one.mainstayd(fast()))
    wait_holds(one)
    wait_until(lambda: one.run([program("mainstayctl"), "metrics"], check=False).returncode == 0, 10)
    sent, late = lateness(one)

    def code():
        return friend.run(["curl", "-sk", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "10",
                           "-H", f"Authorization: Bearer {token}", f"https://{AT}:{PORT}/api/v1/status"], check=False).stdout

    def listener():
        return status(one)["api"]["listeners"][0]

    wait_until(lambda: "[api] listen 0.0.0.0:9112: not served: /run/api/api.crt: " in daemon.output(), 20, daemon.output)
    assert code() == "000" and listener()["open"] is False

    certificate(one)
    wait_until(lambda: code() == "200", 20, lambda: str(listener()))
    assert listener()["problem"] == ""

    # What is broken does not replace what is served.
    one.write("/run/api/api.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    wait_until(lambda: "tls_certificate" in listener()["problem"], 20, lambda: str(listener()))
    assert code() == "200"

    one.run(["sh", "-c", "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=lb1 -keyout /run/api/new.key "
             f"-out /run/api/new.csr && ({EXPIRED}) && "
             "chmod 600 /run/api/new.key && mv /run/api/new.key /run/api/api.key && mv /run/api/new.crt /run/api/api.crt"])
    wait_until(lambda: listener()["problem"] == "the certificate has ended", 20, lambda: str(listener()))
    assert "[api] listen 0.0.0.0:9112: the certificate has ended" in daemon.output()
    strict = friend.run(["sh", "-c", f"openssl s_client -connect {AT}:{PORT} </dev/null 2>&1"], check=False).stdout
    assert "certificate has expired" in strict

    certificate(one)
    wait_until(lambda: listener()["problem"] == "", 20, lambda: str(listener()))
    assert code() == "200" and one.holds(VIP)
    wait_until(lambda: lateness(one)[0] >= sent + 20, 10, "adverts")
    assert lateness(one)[1] == late
