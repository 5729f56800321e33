"""What web servers, health services and agents are asked, and what their answers mean: HTTP_GET, SSL_GET, and of mainstay's own
GRPC_CHECK and AGENT_CHECK, as a whole daemon runs them. The kernel needs no IPVS for it.

What checks of every kind have in common: test_checks.py.
"""

import re
import signal

import pytest

from support.checks import Agent, results, serve_health, servers, until_alive
from support.lvs import lvs_pid, virtual_server
from support.paths import program
from support.vrrp import logged
from support.wait import wait_until
from support.web import Web, make_certificate

RS = "[127.0.0.1]:tcp:80"
VS = "[10.0.0.1]:tcp:80"
SUCCESS = f"Remote Web server {RS} succeed on service."
FAST = "delay_loop 0.3\nretry 0\nwarmup 0\nconnect_timeout 1\n"
FAILURE = {"HTTP_GET": "HTTP_CHECK", "SSL_GET": "SSL_CHECK"}


def real_server(check, options="", address="127.0.0.1 80"):
    return f"  real_server {address} {{\n    weight 1\n    {options}\n{check}  }}\n"


def service(check, options=""):
    return virtual_server("10.0.0.1 80", real_server(check), options=options)


def http(options="", url="path /", kind="HTTP_GET", more_urls=()):
    urls = "".join(f"      url {{\n        {one}\n      }}\n" for one in (url, *more_urls))
    return f"    {kind} {{\n{urls}      warmup 0\n      delay_before_retry 1\n      {options}\n    }}\n"


def said(daemon, line, times=1):
    wait_until(lambda: daemon.output().count(line) >= times, 30, lambda: f"{line!r} in:\n{daemon.output()}")


def serve(host, kind, address="127.0.0.1:80"):
    tls = make_certificate(host, "web") if kind == "SSL_GET" else ()
    web = Web(host, address, f"/run/{kind}", tls=tls)
    web.answer("/", 200, "good")
    return web


@pytest.mark.nightly
@pytest.mark.parametrize("kind", ["HTTP_GET", "SSL_GET"])
def test_each_reason_has_keepalived_s_words(lan, kind):
    # effect: virtual_server/real_server/HTTP_GET/url: path digest status_code regex
    # effect: virtual_server/real_server/SSL_GET/url: path digest status_code regex
    # effect: virtual_server/real_server/HTTP_GET: url
    director = lan.host("director")
    web = serve(director, kind)
    web.answer("/page", 200, "good")
    url = ("path /page\n digest 755f85c2723bb39381c7379a604160d8\n status_code 200 204-206\n regex \"^go+d$\"\n"
           " regex_options caseless")
    daemon = director.mainstayd(service(http("log_all_failures\n retry 1\n delay_loop 0.5\n connect_timeout 2", url,
                                             kind)), "-C")
    said(daemon, SUCCESS)
    down = f"{FAILURE[kind]} on service {RS} failed after 1 retries."
    for count, (change, words) in enumerate([
            (lambda: web.answer("/page", 503, "good"), "HTTP status code error to server"),
            (lambda: web.answer("/page", 200, "evil"), "MD5 digest error to server"),
            (lambda: web.silent("/page"), "Connection failed server")], 1):
        change()
        said(daemon, f"{words} {RS}.")
        said(daemon, down, count)
        web.answer("/page", 206, "good")
        said(daemon, SUCCESS, count + 1)
        said(daemon, f"Regex match success to {RS} url(/page).", count)

    director.write("/run/keepalived.conf", service(http("log_all_failures\n delay_loop 0.5", "path /page\n regex b+",
                                                        kind)))
    daemon.send(signal.SIGHUP)
    said(daemon, f"Regex match failed server {RS}.")


def test_urls_are_tested_one_per_interval_and_with_fast_recovery_at_once(lan):
    """docs/field-cases.md: 1301."""
    # effect: virtual_server/real_server/HTTP_GET: url fast_recovery
    # effect: virtual_server/real_server/SSL_GET: url fast_recovery
    director = lan.host("director")
    checked = {"HTTP_GET": "127.0.0.1", "SSL_GET": "127.0.0.2"}
    webs = [serve(director, kind, f"{address}:80") for kind, address in checked.items()]
    for web in webs:
        for path in ("/a", "/b", "/c"):
            web.answer(path, 200)
    director.mainstayd(virtual_server("10.0.0.1 80", *(
        real_server(http("delay_loop 2\n fast_recovery", "path /a", kind, ("path /b", "path /c")), address=f"{address} 80")
        for kind, address in checked.items())), "-C")
    for web in webs:
        notes = web.wait_asked(4)
        assert [note["request"].split()[1] for note in notes[:4]] == ["/a", "/b", "/c", "/a"]
        assert notes[2]["at"] - notes[0]["at"] < 1.5
        assert notes[3]["at"] - notes[2]["at"] > 1


def test_the_nearest_virtualhost_is_the_host_and_with_enable_sni_the_name(lan):
    # effect: virtual_server/real_server/HTTP_GET: virtualhost http_protocol
    # effect: virtual_server/real_server/SSL_GET: virtualhost http_protocol enable_sni sni_name
    # effect: virtual_server/real_server/HTTP_GET/url: virtualhost
    # effect: virtual_server/real_server/SSL_GET/url: virtualhost
    # effect: virtual_server/real_server: virtualhost
    # effect: virtual_server: virtualhost
    director = lan.host("director")
    webs = {kind: serve(director, kind, f"0.0.0.0:{port}") for kind, port in (("HTTP_GET", 80), ("SSL_GET", 81))}

    def checked(kind, port):
        """A server for each place of the word, each with those of the places around it; the first service has none."""
        def check(number, checker="", url="", own=""):
            options = "delay_loop 1\n http_protocol 1.1\n" + ("enable_sni\n" if kind == "SSL_GET" else "") + checker
            return real_server(http(options, "path /\n" + url, kind), own, f"127.0.{port}.{number} {port}")
        own, checker, url = (f"virtualhost {name}.example\n" for name in ("server", "checker", "url"))
        return check(1), [check(2), check(3, own=own), check(4, checker, own=own), check(5, checker, url, own)]

    (plain, more), (plain_tls, more_tls) = checked("HTTP_GET", 80), checked("SSL_GET", 81)
    named = checked("SSL_GET", 81)[0].replace("127.0.81.1", "127.0.81.6").replace("enable_sni", "enable_sni\nsni_name sni.example")
    director.mainstayd(virtual_server("10.0.0.2 80", plain, plain_tls, named)
                       + virtual_server("10.0.0.1 80", *more, *more_tls, options="virtualhost service.example"), "-C")
    wanted = ["service.example", "server.example", "checker.example", "url.example"]

    def asked(kind):
        return {re.search("Host: (.*?)\r", note["request"])[1]: note for note in webs[kind].noted() if "request" in note}
    for kind, hosts in (("HTTP_GET", ["127.0.80.1:80", *wanted]), ("SSL_GET", ["127.0.81.1:81", "127.0.81.6:81", *wanted])):
        wait_until(lambda k=kind, h=hosts: sorted(asked(k)) == sorted(h), 20, lambda k=kind: str(asked(k)))
        for host, note in asked(kind).items():
            assert note["request"] == f"GET / HTTP/1.1\r\nUser-Agent: KeepAliveClient\r\nConnection: close\r\nHost: {host}\r\n\r\n"
    assert {host: note["name"] for host, note in asked("SSL_GET").items()} == {
        "127.0.81.1:81": None, "127.0.81.6:81": "sni.example", **{host: host for host in wanted}}


def test_the_ssl_block_s_files_are_root_s_and_outlive_a_restart_of_the_role(lan):
    # effect: (root): SSL
    # effect: SSL: ca certificate key password
    director = lan.host("director")
    certificate, key = make_certificate(director, "checker", password="opensesame")
    director.path("/run/tls").chmod(0o700)
    own = make_certificate(director, "web", folder="/run/own")
    web = Web(director, "127.0.0.1:80", tls=(*own, certificate))
    web.answer("/", 200)
    block = f"SSL {{\n ca {certificate}\n certificate {certificate}\n key {key}\n password opensesame\n}}\n"
    daemon = director.mainstayd(block + service(http("delay_loop 0.3", kind="SSL_GET")), "-C")
    said(daemon, SUCCESS)
    assert web.wait_asked(1)[0]["client"] == "checker"
    pid = lvs_pid(daemon)
    director.run(["kill", "-KILL", str(pid)])
    wait_until(lambda: lvs_pid(daemon) != pid, 30, lambda: daemon.output())
    asked = len(web.noted())
    assert web.wait_asked(asked + 4)[-1]["client"] == "checker"

    make_certificate(director, "checker", password="another")  # the password is not its any more
    daemon.send(signal.SIGHUP)
    said(daemon, "checks over TLS cannot be run: SSL: key: ")
    said(daemon, "SSL_GET on service [127.0.0.1]:tcp:80 could not be run: SSL: key: ")
    assert f"Removing service {RS}" not in daemon.output()
    director.write("/run/keepalived.conf", "SSL {\n key /run/tls/nowhere\n}\n" + service(http(kind="SSL_GET")))
    daemon.send(signal.SIGHUP)
    said(daemon, "SSL: key: /run/tls/nowhere: No such file or directory")


def test_a_certificate_that_ends_soon_is_reported_once(lan):
    # effect: virtual_server/real_server/SSL_GET: cert_expiry_warning
    # effect: virtual_server/real_server/GRPC_CHECK: cert_expiry_warning tls
    director = lan.host("director")
    web = Web(director, "127.0.0.1:80", tls=make_certificate(director, "shop", days=5))
    web.answer("/", 200)
    health = serve_health(director, 8443, *make_certificate(director, "health", days=5))

    def text(more):
        return virtual_server("10.0.0.1 80", real_server(http(f"delay_loop 0.3\n{more}", kind="SSL_GET")), real_server(
            f"GRPC_CHECK {{\n{FAST}tls\n{more}}}\n", address="127.0.0.2 8443"))
    daemon = director.mainstayd(text(""), "-C")
    until_alive(director, daemon, {1: True, 2: True})
    assert "The certificate of service" not in daemon.output()

    director.write("/run/keepalived.conf", text("cert_expiry_warning 14\n"))
    daemon.send(signal.SIGHUP)
    said(daemon, f"The certificate of service {RS} of VS {VS} (shop) ends on ")
    said(daemon, f"The certificate of service [127.0.0.2]:tcp:8443 of VS {VS} (health) ends on ")
    assert len(re.findall(r"ends on \d{4}-\d\d-\d\d, in [45] days: renew it", daemon.output())) == 2
    web_asked, health_asked = len(web.noted()), health.output().count("from ")
    web.wait_asked(web_asked + 4)
    wait_until(lambda: health.output().count("from ") > health_asked + 3, 20, health.output)
    assert daemon.output().count("The certificate of service") == 2
    wait_until(lambda: ["its certificate ends on " in result for result in results(director).values()] == [True, True], 20,
               lambda: results(director))
    assert results(director)[2].startswith("SERVING; its certificate ends on ")


def test_a_udp_service_may_be_checked_by_http_at_another_port(lan):
    """docs/field-cases.md: 765."""
    director = lan.host("director")
    web = Web(director, "127.0.0.1:10000")
    web.answer("/", 200, "hello")
    check = http("connect_timeout 2\n retry 0\n connect_port 10000",
                 "path /\n status_code 200")
    text = virtual_server("10.0.0.1 80", real_server(check, address="127.0.0.1 9999"), options="ops")
    daemon = director.mainstayd(text.replace("protocol TCP", "protocol UDP"), "-C")
    logged(daemon, "succeed on service", 15)
    until_alive(director, daemon, {1: True}, 15)

    web.answer("/", 404)
    until_alive(director, daemon, {1: False}, 15)


AGENT_RS = "[10.0.1.1]:tcp:80"


def agent_service(lines):
    return virtual_server("10.0.0.1 80", f"real_server 10.0.1.1 80 {{\nweight 40\nAGENT_CHECK {{\n{FAST}{lines}\n}}\n}}\n")


def until(host, daemon, alive, weight, result):
    """Waits until the server of agent_service is like this."""
    def look():
        now = servers(host).get(1, {})
        return ((now.get("alive"), now.get("weight")) == (alive, weight)
                and [one["last_result"] for one in now["checks"]] == [result])
    wait_until(look, 30, lambda: f"{alive} {weight} {result!r}, there is {servers(host)}\n{daemon.output()}")


@pytest.fixture
def director(lan):
    lan.switch("office")
    host = lan.host("director", eth0=("office", "192.168.4.5/24", "192.168.4.6/24"))
    host.web = lan.host("web", eth0=("office", "192.168.4.20/24"))
    return host


def test_an_agent_says_how_its_server_is_and_how_much_it_takes(director):
    # effect: virtual_server/real_server: AGENT_CHECK
    # effect: virtual_server/real_server/AGENT_CHECK: connect_ip connect_port send delay_loop retry
    agent = Agent(director.web, 8081)
    agent.does("#hear\nc.sendall(b'up 50%\\n')")
    there = "connect_ip 192.168.4.20\nconnect_port 8081\nsend \"web1 state\\n\""
    daemon = director.mainstayd(agent_service(there), "-C")
    until(director, daemon, True, 20, "the agent says 50%")
    assert r"b'web1 state\n'" in agent.process.output()
    assert f"Agent check of {AGENT_RS} success." in daemon.output()
    assert f"Changing weight from 40 to 20 for active service {AGENT_RS} of VS {VS}" in daemon.output()

    agent.says("drain")
    until(director, daemon, True, 0, "the agent says drain")
    agent.says("down#the disk is full")
    until(director, daemon, False, 40, "the agent says down#the disk is full")
    assert f"AGENT_CHECK on service {AGENT_RS} failed." in daemon.output()
    assert f"Removing service {AGENT_RS} from VS {VS}" in daemon.output()
    agent.says("ready")
    until(director, daemon, True, 40, "the agent says up")
    assert f"Adding service {AGENT_RS} to VS {VS}" in daemon.output()

    # What was read can be written.
    again = director.run([program("mainstayctl"), "config", "print", "/run/keepalived.conf"]).stdout
    assert "AGENT_CHECK {" in again and "send " in again


def test_a_new_lvs_process_keeps_the_weight_that_an_agent_asked_for(director):
    agent = Agent(director.web, 8081)
    agent.says("25%")
    text = agent_service("connect_ip 192.168.4.20\nconnect_port 8081")
    daemon = director.mainstayd(text, "-C")
    until(director, daemon, True, 10, "the agent says 25%")
    # From now on it is not asked soon after a start.
    director.write("/run/keepalived.conf", text.replace("warmup 0", "warmup 360000"))
    daemon.send(signal.SIGHUP)
    wait_until(lambda: "Reload complete" in daemon.output(), 20, lambda: daemon.output())
    pid = lvs_pid(daemon)
    director.run(["kill", "-KILL", str(pid)])
    wait_until(lambda: lvs_pid(daemon) != pid, 30, lambda: daemon.output())
    until(director, daemon, True, 10, "the agent says 25%")


@pytest.mark.nightly
def test_an_agent_that_misbehaves_is_a_failed_check_with_a_reason(director):
    # effect: virtual_server/real_server/AGENT_CHECK: connect_timeout
    agent = Agent(director.web, 8081)
    where = "connect_ip 192.168.4.20\nconnect_port 8081"
    daemon = director.mainstayd(agent_service(where), "-C")
    until(director, daemon, True, 40, "the agent says up")
    for script, result in (
            ("while True: c.sendall(b'up ' * 1000)", "the agent's line is longer than 1024 bytes"),
            ("while True: c.sendall(b'u'); time.sleep(0.5)", "timed out after 12 s"),
            ("time.sleep(15)", "timed out after 1 s"),
            ("pass", "the agent closed the connection without an answer"),
            (r"c.sendall(b'\x00\xffelf\x7f\n')", "the agent's answer is not understood: '??elf?'"),
            ("c.sendall(b'HTTP/1.0 200 OK\\r\\n\\r\\n')",
             "the agent's answer is not understood: 'HTTP/1.0 200 OK'")):
        agent.does(script)
        until(director, daemon, False, 40, result)
        agent.says("up")
        until(director, daemon, True, 40, "the agent says up")
    agent.process.stop(signal.SIGKILL)
    until(director, daemon, False, 40, "connection refused")
