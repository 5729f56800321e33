"""The API of a running daemon: at the control socket and over TCP."""

import json

from support.api import certificate, credential
from support.paths import program
from support.vrrp import instance, office, wait_holds, wait_ready
from support.wait import wait_until

DIRECTOR = """
[vrrp_instance.VI_1]
interface = "eth0"
virtual_router_id = 51
state = "MASTER"
virtual_ipaddress = ["192.168.4.200"]

[[virtual_server]]
on = "192.168.4.201 80"
lb_algo = "rr"
lb_kind = "DR"
protocol = "TCP"

[[virtual_server.real_server]]
on = "192.168.4.21 80"

[[virtual_server.real_server]]
on = "192.168.4.22 80"
"""
SETTINGS = """
[api]
listen = ["127.0.0.1:9112"]
credentials = "/run/api/credentials"
tls_certificate = "/run/api/api.crt"
tls_key = "/run/api/api.key"
operate = true
"""


def curl(host, *arguments):
    answer = host.run(["curl", "-sk", "-w", "\n%{http_code}", "--max-time", "10", *arguments], check=False).stdout
    body, _, code = answer.rpartition("\n")
    return code, body


def control(host, path, *arguments):
    return curl(host, "--unix-socket", "/run/mainstay/control.sock", f"http://x{path}", *arguments)


def test_the_control_socket_serves_health_state_and_events(lan):
    (one,) = office(lan, "one")
    wait_ready(one.mainstayd(instance()))
    wait_holds(one)
    wait_until(lambda: control(one, "/ready/vrrp/VI_1")[0] == "200", 10, "MASTER")

    assert one.run(["stat", "-c", "%a", "/run/mainstay/control.sock"]).stdout.strip() == "660"
    assert control(one, "/readyz")[0] == "200"
    assert json.loads(control(one, "/api/v1/status/vrrp")[1])["instances"][0]["state"] == "MASTER"
    events = json.loads(control(one, "/api/v1/events")[1])
    assert [event["transition"] for event in events][-1] == "MASTER"
    refused = control(one, "/api/v1/servers/drain", "-H", "Content-Type: application/json", "-d", '{"servers":"*"}')
    assert refused[0] == "403"
    follower = one.start(["curl", "-sN", "--unix-socket", "/run/mainstay/control.sock", "-H", "Accept: text/event-stream",
                          "http://x/api/v1/events"])
    wait_until(lambda: json.loads(control(one, "/status")[1])["api"]["requests"] >= 6, 10, "the follower")
    one.run(["ip", "link", "set", "eth0", "down"])

    assert wait_until(lambda: "FAULT" in follower.output(), 10, "the event FAULT")


def test_tcp_is_for_credentials_over_tls_and_changes_need_the_role_operate(lan):
    (one,) = office(lan, "one")
    reader, read_line = credential(one, "prom")
    operator, operate_line = credential(one, "--role", "operate", "ana")
    one.write("/run/api/credentials", read_line + operate_line, 0o600)
    certificate(one)
    wait_ready(one.mainstayd(DIRECTOR + SETTINGS, name="director.toml"))

    def status(token):
        return curl(one, "https://127.0.0.1:9112/api/v1/status", "-H", f"Authorization: Bearer {token}")

    def drain(token, *more):
        return curl(one, "https://127.0.0.1:9112/api/v1/servers/drain", "-H", f"Authorization: Bearer {token}",
                    "-H", "Content-Type: application/json", "-d", '{"servers":"192.168.4.21"}', *more)

    wait_until(lambda: status(reader)[0] == "200", 15, "the API over TLS")
    assert json.loads(status(reader)[1])["api"]["listeners"] == [
        {"at": "127.0.0.1:9112", "open": True, "tls": True, "problem": ""}]
    assert status("wrong")[0] == "401"
    assert curl(one, "https://127.0.0.1:9112/livez")[0] == "200"
    plain = curl(one, "http://127.0.0.1:9112/livez")
    assert plain[0] == "400" and "ask for https:// instead of http://" in str(plain[1]), plain
    assert drain(reader)[0] == "403"
    assert drain(operator, "-H", "Origin: https://evil.example")[0] == "403"
    code, body = drain(operator)
    assert code == "200", body
    held = wait_until(lambda: json.loads(status(reader)[1])["lvs"]["overrides"], 10, "the override")
    assert [one_held["is"] for one_held in held] == ["drained"]
    assert held[0]["by"].startswith("API: ana from 127.0.0.1")

    # Who is taken out of the file is out within seconds, without a reload; a new certificate is served.
    before = fingerprint(one)
    one.write("/run/api/credentials", operate_line, 0o600)
    certificate(one)
    wait_until(lambda: status(reader)[0] == "401", 20, "the end of the credential")
    assert status(operator)[0] == "200"
    assert fingerprint(one) != before


def test_files_that_a_link_leads_to_are_followed(lan):
    (one,) = office(lan, "one")
    tokens = {}
    for version in ("2", "1"):
        one.run(["mkdir", f"/run/{version}"])
        lead(one, version)
        certificate(one)
        tokens[version], line = credential(one, f"prom{version}")
        one.write("/run/api/credentials", line, 0o600)
    wait_ready(one.mainstayd(DIRECTOR + SETTINGS, name="director.toml"))

    def status(version):
        return curl(one, "https://127.0.0.1:9112/api/v1/status", "-H", f"Authorization: Bearer {tokens[version]}")[0]

    wait_until(lambda: (status("1"), status("2")) == ("200", "401"), 15, "the first credentials")
    before = fingerprint(one)

    lead(one, "2")
    one.run(["rm", "-r", "/run/1"])

    wait_until(lambda: (status("1"), status("2")) == ("401", "200"), 20, "the second credentials")
    assert fingerprint(one) != before


def lead(host, version):
    """Lets the folder of the API's files be this one."""
    host.run(["ln", "-s", version, "/run/new"])
    host.run(["mv", "-T", "/run/new", "/run/api"])


def fingerprint(host):
    shown = host.run(["sh", "-c", "openssl s_client -connect 127.0.0.1:9112 </dev/null 2>/dev/null | openssl x509 -noout "
                      "-fingerprint -sha256"], check=False)
    return shown.stdout


def test_listeners_follow_a_reload_and_an_open_one_is_refused_without_credentials(lan):
    (one,) = office(lan, "one")
    daemon = one.mainstayd(DIRECTOR + '[api]\nlisten = ["0.0.0.0:9112"]\n', name="director.toml")
    wait_ready(daemon)
    wait_until(lambda: "credentials are needed at an address that is not loopback" in daemon.output(), 15, "the refusal")
    assert curl(one, "http://127.0.0.1:9112/livez")[0] == "000"
    one.write("/run/director.toml", DIRECTOR + '[api]\nlisten = ["127.0.0.1:9112"]\n')

    one.run([program("mainstayctl"), "reload"])

    wait_until(lambda: curl(one, "http://127.0.0.1:9112/status")[0] == "200", 15, "the API")
    assert curl(one, "http://127.0.0.1:9112/status", "-H", "Host: evil.example")[0] == "403"
