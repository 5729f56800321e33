"""The metrics of a running daemon, over its socket and by mainstayctl."""

import re
import shutil
import signal
import socket
import subprocess

import pytest

from support.paths import program
from support.vrrp import instance, office, wait_holds, wait_ready
from support.wait import wait_until

SECONDS = 30


def metrics(host, *arguments):
    """{'mainstay_up': '1', ...}, or None while the daemon does not answer."""
    answer = host.run([program("mainstayctl"), "metrics", *arguments], check=False)
    if answer.returncode != 0:
        return None
    return dict(line.rsplit(" ", 1) for line in answer.stdout.splitlines() if not line.startswith("#"))


def value(host, name, *arguments):
    return (metrics(host, *arguments) or {}).get(name)


def test_a_master_shows_its_state_its_adverts_and_its_reloads(lan):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(instance("MASTER", 150)))
    wait_holds(one)
    labels = 'name="VI_1",interface="eth0",vrid="51",family="inet"'

    wait_until(lambda: value(one, f'mainstay_vrrp_state{{{labels},state="MASTER"}}') == "1", SECONDS, "MASTER")
    wait_until(lambda: value(one, "mainstay_up") == "1", SECONDS, "all processes")
    wait_until(lambda: int(value(one, "mainstay_vrrp_advert_lateness_seconds_count") or 0) >= 2, SECONDS, "adverts")
    shown = metrics(one)
    assert shown[f'mainstay_vrrp_state{{{labels},state="BACKUP"}}'] == "0"
    assert shown[f"mainstay_vrrp_priority{{{labels}}}"] == "150"
    assert shown['mainstay_reloads_total{result="done"}'] == "0"
    assert int(shown[f"mainstay_vrrp_adverts_sent_total{{{labels}}}"]) >= 2
    assert any(re.fullmatch(r'mainstay_build_info\{version="[^"]+"\}', name) for name in shown)

    daemon.send(signal.SIGHUP)
    wait_until(lambda: value(one, 'mainstay_reloads_total{result="done"}') == "1", SECONDS, "the reload")
    one.write("/run/keepalived.conf", instance("MASTER", 150) + "vrrp_instance VI_2 {\n")
    daemon.send(signal.SIGHUP)
    wait_until(lambda: value(one, 'mainstay_reloads_total{result="refused"}') == "1", SECONDS, "the refusal")
    assert value(one, "mainstay_reload_last_successful") == "0"


def test_the_socket_answers_in_both_formats_and_refuses_what_it_does_not_know(lan):
    (one,) = office(lan, "one")
    wait_ready(one.mainstayd(instance()))
    wait_until(lambda: metrics(one), SECONDS, "the metrics")

    def curl(target, *arguments):
        return one.run(["curl", "-s", "-w", "%{http_code} %{content_type}", "--max-time", "10", "--unix-socket",
                        "/run/mainstay/control.sock", *arguments, f"http://x{target}"], check=False).stdout

    assert curl("/metrics").endswith("200 text/plain; version=0.0.4; charset=utf-8")
    openmetrics = curl("/metrics?format=openmetrics")
    assert openmetrics.endswith("# EOF\n200 application/openmetrics-text; version=1.0.0; charset=utf-8")
    refused = curl("/metrics?scope=x")
    assert refused.startswith('{"error":"unknown scope \\"x\\"; known: services, servers"')
    assert refused.endswith("\n400 application/json")
    assert "keepalived_vrrp_state{iname=" in curl("/metrics?compat=mehdy")


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed (package prometheus)")
def test_promtool_has_nothing_against_what_a_daemon_says(lan):
    (one,) = office(lan, "one")
    wait_ready(one.mainstayd(instance("MASTER", 150)))
    wait_until(lambda: value(one, "mainstay_up") == "1", SECONDS, "all processes")
    text = one.run([program("mainstayctl"), "metrics", "--scope", "servers"]).stdout

    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=SECONDS,
                          check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_log_lines_that_nobody_took_are_counted_for_each_process_and_are_a_problem(lan):
    (one,) = office(lan, "one")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(one.path("/run/journal")))
        one.path("/run/journal").chmod(0o666)
        daemon = wait_ready(one.mainstayd(instance("MASTER", 150), "--log-journal=/run/journal"))
        wait_holds(one)
        for process in ("supervisor", "vrrp"):
            name = f'mainstay_log_lines_lost_total{{process="{process}"}}'
            wait_until(lambda name=name: value(one, name) == "0", SECONDS, name)
        heard.settimeout(0.5)  # no line waits any more when nothing comes for so long
        with pytest.raises(TimeoutError):
            while heard.recv(65536):
                pass
    assert value(one, 'mainstay_problems{kind="log_lines_lost",severity="warning"}') == "0"

    daemon.send(signal.SIGHUP)

    for process in ("supervisor", "vrrp"):
        name = f'mainstay_log_lines_lost_total{{process="{process}"}}'
        wait_until(lambda name=name: int(value(one, name) or 0) > 0, SECONDS, name)
    assert "of the supervisor process were lost, the last at " in one.run([program("mainstayctl"), "status"]).stdout
