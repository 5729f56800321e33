"""`mainstayctl why` in situations of virtual servers that are set up with real daemons and a real table, word by word:

 1 down: connection refused      6 the service lost its quorum
 2 down: no answer in time       7 its sorry server is in use
 3 down: HTTP status             8 drained by an operator
 4 down: digest                  9 alpha: not checked yet
 5 down: script                 10 up again
"""

import socket

import pytest

from support.checks import serve_silence
from support.lvs import listen
from support.paths import program
from support.wait import wait_until
from support.web import Web
from support.why import reasons, wait_reason, wait_why

DIGEST = "755f85c2723bb39381c7379a604160d8"  # printf 'good' | md5sum
SERVICE = "[10.0.0.1]:tcp:80"
EVIL = "4034a346ccee15292d823416f7510a2f"


def server(address, check, options=""):
    return f"  real_server {address} 80 {{\n    weight 1\n    {options}\n    {check}\n  }}\n"


def service(*servers, more=""):
    return ("global_defs {\n enable_script_security\n script_user root\n}\nvirtual_server 10.0.0.1 80 {\n  delay_loop 1\n"
            f"  lb_algo rr\n  lb_kind NAT\n  protocol TCP\n  {more}\n" + "".join(servers) + "}\n")


TCP = "TCP_CHECK {\n connect_timeout 1\n retry 0\n warmup 0\n }"
MISC = "MISC_CHECK {\n misc_path \"/run/check\"\n warmup 0\n }"


def http(url):
    return f"HTTP_GET {{\n url {{\n {url}\n }}\n connect_timeout 1\n retry 0\n warmup 0\n }}"


@pytest.fixture
def director(lan):
    host = lan.host("director")
    host.run(["ip", "link", "set", "lo", "up"])
    return host


def test_a_server_is_down_for_what_its_check_saw(director):
    serve_silence(director, "127.1.0.2:80")
    for number in (3, 4):
        Web(director, f"127.1.0.{number}:80", f"/run/web{number}").answer("/", 200 if number == 4 else 503, "evil")
    director.write("/run/check", "#!/bin/sh\nexit 3\n", 0o755)
    director.mainstayd(service(server("127.1.0.1", TCP), server("127.1.0.2", http("path /")),
                               server("127.1.0.3", http("path /\n status_code 200")),
                               server("127.1.0.4", http(f"path /\n digest {DIGEST}")),
                               server("127.1.0.5", MISC)), "-C")

    def wait_down(number, text):
        wait_why(director, f"127.1.0.{number}:80", f"[127.1.0.{number}]:tcp:80 is out of the table since NOW because {text}", timeout=40)
    wait_down(1, "TCP_CHECK 127.1.0.1:80 failed: connection refused (N failures in a row, last T ago, took T)")
    wait_down(2, "HTTP_GET 127.1.0.2:80 failed: timed out after 1 s: connected, but no answer (N failures in a row, last T ago, took T)")
    wait_down(3, "HTTP_GET 127.1.0.3:80 failed: HTTP status code 503 (N failures in a row, last T ago, took T)")
    wait_down(4, f"HTTP_GET 127.1.0.4:80 failed: MD5 digest {EVIL} of 4 bytes (N failures in a row, last T ago, took T)")
    wait_down(5, "MISC_CHECK /run/check for 127.1.0.5:80 failed: exited with status 3 (N failures in a row, last T ago, took T)")


def test_a_service_without_quorum_and_its_sorry_server(director):
    first = listen(director, "127.1.0.1:80")
    director.mainstayd(service(server("127.1.0.1", TCP), server("127.1.0.2", TCP), more="quorum 2\n  sorry_server 127.1.0.9 80"), "-C")
    wait_why(director, "10.0.0.1", f"{SERVICE} has lost its quorum since NOW because 1 of its 2 servers is up with a total weight of 1, "
             "and its quorum is 2", "its sorry server [127.1.0.9]:tcp:80 is in the table instead of them", timeout=40)
    wait_why(director, "127.1.0.1", f"[127.1.0.1]:tcp:80 is out of the table because {SERVICE} has lost its quorum and serves from its "
             "sorry server [127.1.0.9]:tcp:80")
    listen(director, "127.1.0.2:80")
    wait_why(director, "10.0.0.1", f"{SERVICE} has its quorum since NOW because 2 of its 2 servers are up with a total weight of 2, and "
             "its quorum is 2", timeout=40)
    wait_why(director, "127.1.0.2", "[127.1.0.2]:tcp:80 is in the table with weight 1 since NOW because its health checks pass")
    assert first.alive()


def test_a_drained_server_names_who_drained_it(director):
    listen(director, "127.1.0.1:80")
    director.mainstayd(service(server("127.1.0.1", TCP)), "-C")
    wait_why(director, "127.1.0.1", "[127.1.0.1]:tcp:80 is in the table with weight 1 since NOW because its health checks pass",
             "TCP_CHECK 127.1.0.1:80 passes: connected (last T ago, took T)", timeout=40)
    director.run([program("mainstayctl"), "server", "drain", "127.1.0.1"])
    wait_until(lambda: "gets no new connections (weight 0) since NOW because" in reasons(director, "127.1.0.1")[0], 20,
               lambda: str(reasons(director, "127.1.0.1")))
    assert "drained it" in reasons(director, "127.1.0.1")[0]


def test_a_server_with_alpha_waits_for_its_first_check(director):
    slow = "TCP_CHECK {\n connect_timeout 1\n retry 0\n warmup 120\n }"
    director.mainstayd(service(server("127.1.0.1", slow, "alpha"), more="alpha"), "-C")
    wait_why(director, "127.1.0.1", "[127.1.0.1]:tcp:80 is out of the table since NOW because TCP_CHECK 127.1.0.1:80 has not run yet and "
             "counts as failed", timeout=40)
    wait_reason(director, "10.0.0.1", f"{SERVICE} has no quorum because 0 of its 1 servers are up with a total weight of 0, "
                "and its quorum is 1")


def ask_three_times():
    for _ in range(3):
        with socket.socket() as one, pytest.raises(TimeoutError):
            one.settimeout(0.3)
            one.connect(("10.1.0.80", 80))


def test_a_server_that_answers_its_check_and_no_client_is_a_problem(lan):
    lan.switch("net")
    client = lan.host("client", eth0=("net", "10.1.0.100/24"))
    director = lan.host("director", eth0=("net", "10.1.0.5/24", "10.1.0.80/32"))
    listen(lan.host("server", eth0=("net", "10.1.0.11/24")), "10.1.0.11:80")  # it does not have the virtual address
    director.mainstayd("virtual_server 10.1.0.80 80 {\n delay_loop 1\n lb_algo rr\n lb_kind DR\n protocol TCP\n"
                       + server("10.1.0.11", TCP) + "}\n", "-C")
    problem = ("3 of 3 connections of 10.1.0.80:80 to server 10.1.0.11:80 do not finish: the server's answer does not reach the clients")

    def said(*command):
        return director.run([program("mainstayctl"), *command], check=False).stdout
    wait_until(lambda: "10.1.0.11:80" in str(director.ipvs()), 40, lambda: said("status"))
    assert problem not in said("status")

    client.call(ask_three_times)

    wait_until(lambda: problem in said("status"), 40, lambda: said("status"))
    assert f"WARNING - {problem} | " in said("status", "--check")
    assert f"{problem}\n" in said("doctor") and "run mainstay-realserver status 10.1.0.80 on the server" in said("doctor")
    assert 'mainstay_problems{kind="clients_unanswered",severity="warning"} 1' in said("metrics")
