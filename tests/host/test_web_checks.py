"""HTTP_GET, SSL_GET and TCP_CHECK as a whole daemon runs them: what arrives at the server, and what the log says.

The kernel needs no IPVS for it."""

import re
import signal

import pytest

from support.lvs import lvs_pid, virtual_server
from support.paths import program
from support.wait import wait_until
from support.web import Web, make_certificate

RS = "[127.0.0.1]:tcp:80"
VS = "[10.0.0.1]:tcp:80"


def service(check, options=""):
    return virtual_server("10.0.0.1 80", f"  real_server 127.0.0.1 80 {{\n    weight 1\n{check}  }}\n", options=options)


def http(options="", url="path /", kind="HTTP_GET", more_urls=()):
    urls = "".join(f"      url {{\n        {one}\n      }}\n" for one in (url, *more_urls))
    return f"    {kind} {{\n{urls}      warmup 0\n      delay_before_retry 1\n      {options}\n    }}\n"


def check_of(kind, options):
    if kind == "TCP_CHECK":
        return f"    TCP_CHECK {{\n      warmup 0\n      {options}\n    }}\n"
    return http(options, kind=kind)


def said(daemon, line, times=1):
    wait_until(lambda: daemon.output().count(line) >= times, 30, lambda: f"{line!r} in:\n{daemon.output()}")


def server(host, kind, address="127.0.0.1:80"):
    tls = make_certificate(host, "web") if kind == "SSL_GET" else ()
    web = Web(host, address, tls=tls)
    web.answer("/", 200, "good")
    return web


def status(host):
    return host.run([program("mainstayctl"), "status", "--json"], check=False).stdout


SUCCESS = {"TCP_CHECK": f"TCP connection to {RS} success.",
           "HTTP_GET": f"Remote Web server {RS} succeed on service.",
           "SSL_GET": f"Remote Web server {RS} succeed on service."}
FAILURE = {"TCP_CHECK": "TCP_CHECK", "HTTP_GET": "HTTP_CHECK", "SSL_GET": "SSL_CHECK"}
KINDS = ["TCP_CHECK", "HTTP_GET", "SSL_GET"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_check_goes_where_and_from_where_it_is_told(lan, kind):
    # effect: virtual_server/real_server/TCP_CHECK: connect_ip connect_port bindto bind_port bind_if fwmark
    # effect: virtual_server/real_server/HTTP_GET: connect_ip connect_port bindto bind_port bind_if fwmark
    # effect: virtual_server/real_server/SSL_GET: connect_ip connect_port bindto bind_port bind_if fwmark
    lan.switch("office")
    director = lan.host("director", eth0=("office", "192.168.4.5/24", "192.168.4.6/24"))
    other = lan.host("other", eth0=("office", "192.168.4.9/24"))
    web = server(other, kind, "192.168.4.9:8080")
    director.run(["nft", "add table ip t; add chain ip t out { type filter hook output priority 0; }; "
                         "add rule ip t out meta mark 77 ip daddr 192.168.4.9 tcp dport 8080 counter"])
    where = ("connect_ip 192.168.4.9\n connect_port 8080\n bindto 192.168.4.6\n bind_port 4321\n"
             " bind_if eth0\n fwmark 77")
    daemon = director.mainstayd(service(check_of(kind, where)), "-C")
    said(daemon, SUCCESS[kind])
    note = web.wait_asked(1)[0]
    assert (note["peer"], note["port"]) == ("192.168.4.6", 4321)
    counted = director.run(["nft", "list", "table", "ip", "t"]).stdout
    assert int(re.search(r"packets (\d+)", counted).group(1)) >= 3, counted

    elsewhere = where.replace("bind_if eth0", "bind_if lo\n connect_timeout 0.5")
    director.write("/run/keepalived.conf", service(check_of(kind, elsewhere)))
    daemon.send(signal.SIGHUP)
    said(daemon, f"{FAILURE[kind]} on service {RS} failed after 1 retries.")


@pytest.mark.parametrize("kind", KINDS)
def test_a_check_is_repeated_tolerated_and_reported_as_configured(lan, kind):
    # effect: virtual_server/real_server/TCP_CHECK: retry delay_before_retry delay_loop warmup log_all_failures
    # effect: virtual_server/real_server/HTTP_GET: retry delay_before_retry delay_loop warmup log_all_failures
    # effect: virtual_server/real_server/SSL_GET: retry delay_before_retry delay_loop warmup log_all_failures
    # effect: virtual_server/real_server: TCP_CHECK HTTP_GET SSL_GET
    # effect: global_defs: checker_log_all_failures
    director = lan.host("director")
    web = server(director, kind)
    options = "delay_loop 0.5\n retry 2\n delay_before_retry 0.2\n"
    alone = options + "log_all_failures"
    daemon = director.mainstayd(service(check_of(kind, alone)), "-C")
    said(daemon, SUCCESS[kind])
    web.wait_asked(5)
    times = [note["at"] for note in web.noted()]
    assert times[4] - times[1] == pytest.approx(1.5, abs=0.45)

    web.process.stop(signal.SIGKILL)
    said(daemon, f"{FAILURE[kind]} on service {RS} failed after 2 retries.")
    tried = {"TCP_CHECK": f"TCP connection to {RS} failed."}.get(kind, f"Error connecting server {RS}.")
    assert daemon.output().count(tried) == 3
    said(daemon, f"Removing service {RS} from VS {VS}")

    server(director, kind)
    said(daemon, SUCCESS[kind], 2)
    said(daemon, f"Adding service {RS} to VS {VS}")


@pytest.mark.parametrize("kind", KINDS)
def test_alpha_begins_down_and_the_first_success_brings_the_server_up(lan, kind):
    # effect: virtual_server/real_server/TCP_CHECK: alpha connect_timeout
    # effect: virtual_server/real_server/HTTP_GET: alpha connect_timeout
    # effect: virtual_server/real_server/SSL_GET: alpha connect_timeout
    lan.switch("office")
    director = lan.host("director", eth0=("office", "10.9.9.1/24"))
    # A neighbour that nobody is: no answer and no error.
    director.run(["ip", "neigh", "add", "10.9.9.9", "lladdr", "02:00:00:00:00:09", "dev", "eth0"])
    slow = "alpha\n connect_ip 10.9.9.9\n connect_timeout 0.3\n delay_loop 0.5"
    daemon = director.mainstayd(service(check_of(kind, slow)), "-C")
    said(daemon, f"{FAILURE[kind]} on service {RS} failed.")
    assert f"Adding service {RS} to VS {VS}" not in daemon.output()
    wait_until(lambda: "timed out after 0.3 s" in status(director), 20, lambda: status(director))

    director.write("/run/keepalived.conf", service(check_of(kind, "alpha\n delay_loop 0.5")))
    server(director, kind)
    daemon.send(signal.SIGHUP)
    said(daemon, f"Adding service {RS} to VS {VS}")


def test_the_old_name_of_retry_acts_and_is_reported(lan):
    # effect: virtual_server/real_server/HTTP_GET: nb_get_retry
    # effect: virtual_server/real_server/SSL_GET: nb_get_retry
    director = lan.host("director")
    for kind, name in (("HTTP_GET", "HTTP_CHECK"), ("SSL_GET", "SSL_CHECK")):
        web = server(director, kind)
        options = "nb_get_retry 3\n delay_loop 0.3\n delay_before_retry 0.1"
        text = service(check_of(kind, options)).replace("delay_before_retry 1\n", "")
        daemon = director.mainstayd(text, "-C")
        said(daemon, SUCCESS[kind])
        assert "nb_get_retry" in daemon.output()
        web.process.stop(signal.SIGKILL)
        said(daemon, f"{name} on service {RS} failed after 3 retries.")
        assert daemon.stop() == 0


@pytest.mark.nightly
@pytest.mark.parametrize("kind", ["HTTP_GET", "SSL_GET"])
def test_each_reason_has_keepalived_s_words(lan, kind):
    # effect: virtual_server/real_server/HTTP_GET/url: path digest status_code regex
    # effect: virtual_server/real_server/SSL_GET/url: path digest status_code regex
    # effect: virtual_server/real_server/HTTP_GET: url
    director = lan.host("director")
    web = server(director, kind)
    web.answer("/page", 200, "good")
    url = ("path /page\n digest 755f85c2723bb39381c7379a604160d8\n status_code 200 204-206\n regex \"^go+d$\"\n"
           " regex_options caseless")
    daemon = director.mainstayd(service(http("log_all_failures\n retry 1\n delay_loop 0.5\n connect_timeout 2", url,
                                             kind)), "-C")
    said(daemon, SUCCESS[kind])
    down = f"{FAILURE[kind]} on service {RS} failed after 1 retries."
    for count, (change, words) in enumerate([
            (lambda: web.answer("/page", 503, "good"), "HTTP status code error to server"),
            (lambda: web.answer("/page", 200, "evil"), "MD5 digest error to server"),
            (lambda: web.silent("/page"), "Connection failed server")], 1):
        change()
        said(daemon, f"{words} {RS}.")
        said(daemon, down, count)
        web.answer("/page", 206, "good")
        said(daemon, SUCCESS[kind], count + 1)
        said(daemon, f"Regex match success to {RS} url(/page).", count)

    director.write("/run/keepalived.conf", service(http("log_all_failures\n delay_loop 0.5", "path /page\n regex b+",
                                                        kind)))
    daemon.send(signal.SIGHUP)
    said(daemon, f"Regex match failed server {RS}.")


def test_urls_are_tested_one_per_interval_and_with_fast_recovery_at_once(lan):
    # effect: virtual_server/real_server/HTTP_GET: url fast_recovery
    # effect: virtual_server/real_server/SSL_GET: url fast_recovery
    for kind in ("HTTP_GET", "SSL_GET"):
        director = lan.host(f"director-{kind[0]}")
        web = server(director, kind)
        for path in ("/a", "/b", "/c"):
            web.answer(path, 200)
        daemon = director.mainstayd(service(http("delay_loop 2\n fast_recovery", "path /a", kind,
                                                 ("path /b", "path /c"))), "-C")
        notes = web.wait_asked(4)
        assert [note["request"].split()[1] for note in notes[:4]] == ["/a", "/b", "/c", "/a"]
        assert notes[2]["at"] - notes[0]["at"] < 1.5
        assert notes[3]["at"] - notes[2]["at"] > 1
        assert daemon.stop() == 0


@pytest.mark.parametrize("kind", ["HTTP_GET", "SSL_GET"])
def test_the_nearest_virtualhost_is_the_host_and_with_enable_sni_the_name(lan, kind):
    # effect: virtual_server/real_server/HTTP_GET: virtualhost http_protocol
    # effect: virtual_server/real_server/SSL_GET: virtualhost http_protocol enable_sni sni_name
    # effect: virtual_server/real_server/HTTP_GET/url: virtualhost
    # effect: virtual_server/real_server/SSL_GET/url: virtualhost
    # effect: virtual_server/real_server: virtualhost
    # effect: virtual_server: virtualhost
    director = lan.host("director")
    web = server(director, kind)
    sni = kind == "SSL_GET"
    hosts = {"none": "127.0.0.1:80", "service": "service.example", "server": "server.example",
             "checker": "checker.example", "url": "url.example"}
    daemon = None
    for level, wanted in hosts.items():
        options = "delay_loop 0.2\n http_protocol 1.1\n" + ("enable_sni\n" if sni else "")
        options += "virtualhost checker.example\n" if level in ("checker", "url") else ""
        text = service(http(options, "path /" + ("\n virtualhost url.example" if level == "url" else ""), kind),
                       "virtualhost service.example" if level != "none" else "")
        if level in ("server", "checker", "url"):
            text = text.replace("    weight 1\n", "    weight 1\n    virtualhost server.example\n")
        if daemon is None:
            daemon = director.mainstayd(text, "-C")
        else:
            director.write("/run/keepalived.conf", text)
            daemon.send(signal.SIGHUP)
        head = f"GET / HTTP/1.1\r\nUser-Agent: KeepAliveClient\r\nConnection: close\r\nHost: {wanted}\r\n\r\n"
        asked = wait_until(lambda h=head: [note for note in web.noted() if note["request"] == h], 20,
                           lambda h=head: f"{h} in {web.noted()[-1:]}")
        assert asked[0].get("name") == (wanted if sni and level != "none" else None)


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
    said(daemon, SUCCESS["SSL_GET"])
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
    director = lan.host("director")
    web = Web(director, "127.0.0.1:80", tls=make_certificate(director, "shop", days=5))
    web.answer("/", 200)
    daemon = director.mainstayd(service(http("delay_loop 0.3\n cert_expiry_warning 14", kind="SSL_GET")), "-C")
    said(daemon, f"The certificate of service {RS} of VS {VS} (shop) ends on ")
    web.wait_asked(6)
    assert daemon.output().count("The certificate of service") == 1
    assert re.search(r"ends on \d{4}-\d\d-\d\d, in [45] days: renew it", daemon.output())
    wait_until(lambda: "its certificate ends on" in status(director), 20, lambda: status(director))
