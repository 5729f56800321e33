"""mainstayctl against a running daemon."""

import json
import re

from support.paths import program
from support.vrrp import VIP, instance, office, wait_holds, wait_ready
from support.wait import wait_until


def ctl(host, *arguments, as_user=()):
    return host.run([*as_user, program("mainstayctl"), *arguments], check=False)


def status(host):
    answer = ctl(host, "status", "--json")
    return json.loads(answer.stdout) if answer.returncode == 0 else None


def test_status_shows_the_instances_and_exits_0(lan):
    (one,) = office(lan, "one")
    wait_ready(one.mainstayd(instance()))
    wait_holds(one)
    wait_until(lambda: (status(one) or {}).get("vrrp"), 10, "the status")

    shown = wait_until(lambda: status(one)["vrrp"]["instances"][0]["state"] == "MASTER" and status(one), 10, "MASTER")

    (instance_shown,) = shown["vrrp"]["instances"]
    assert instance_shown["name"] == "VI_1"
    assert instance_shown["virtual_router_id"] == 51
    assert instance_shown["interface"] == "eth0"
    assert instance_shown["addresses"] == [f"{VIP}/32"]
    assert shown["mail"]["enabled"] is False
    table = ctl(one, "status")
    assert table.returncode == 0
    row = next(line.split() for line in table.stdout.splitlines() if line.startswith("VI_1"))
    assert row[1] == "MASTER"
    assert f"{VIP}/32" in row


def test_two_masters_are_an_alarm_even_if_each_refuses_the_others_adverts(lan):
    one, two = office(lan, "one", "two")
    wait_ready(one.mainstayd(instance()))
    wait_holds(one)
    assert ctl(one, "status", "--check").returncode == 0
    # BACKUP: it hears three adverts before it takes over; with state MASTER it may have heard none.
    daemon = wait_ready(two.mainstayd(instance("BACKUP", 100).replace("1111", "2222")))
    wait_holds(two)

    said = "VI_1: two masters: 192.168.4.12 advertises, too (192.168.4.12 has another auth_pass)"
    check = wait_until(lambda: (done := ctl(one, "status", "--check")).returncode == 2 and done, 10, "a critical check")
    assert check.stdout.startswith(f"MAINSTAY CRITICAL - {said} | ")
    assert f"\n  {said}\n" in ctl(one, "status").stdout
    assert "(VI_1) is MASTER: no advertisement was accepted: 192.168.4.11 has another auth_pass" in daemon.output()

    daemon.stop()
    wait_until(lambda: ctl(one, "status", "--check").returncode == 0, 30, "the other one to be forgotten")


def test_a_daemon_whose_observer_is_not_there_yet_is_not_said_to_be_gone(lan):
    (one,) = office(lan, "one")
    wait_ready(one.mainstayd(instance()))
    one.path("/run/mainstay/control.sock").rename(one.path("/run/mainstay/away"))

    answer = ctl(one, "status")
    asked = one.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program("mainstayctl"), "reload"], check=False)

    assert answer.returncode == 3
    assert re.search(r"mainstayd \(process \d+\) runs, but its observer, which answers at /run/mainstay/control.sock, is being started",
                     answer.stderr), answer.stderr
    assert asked.stderr.startswith("mainstayctl: this needs root: "), asked.stderr


def test_status_says_that_the_daemon_does_not_run_and_exits_3(lan):
    (one,) = office(lan, "one")

    answer = ctl(one, "status")

    assert answer.returncode == 3
    assert "mainstayd is not running" in answer.stderr
    assert answer.stdout == ""


def test_status_is_for_root_the_service_account_and_its_group(lan):
    (one,) = office(lan, "one")
    wait_ready(one.mainstayd(instance()))
    wait_until(lambda: status(one), 10, "the status")
    gid = one.run(["id", "-g", "mainstay-obs"]).stdout.strip()
    uid = one.run(["id", "-u", "mainstay-obs"]).stdout.strip()
    nobody = ["setpriv", "--reuid=65534", "--regid=65534"]

    refused = ctl(one, "status", as_user=[*nobody, "--clear-groups"])
    member = ctl(one, "status", as_user=[*nobody, f"--groups={gid}"])
    service = ctl(one, "status", as_user=["setpriv", f"--reuid={uid}", "--regid=65534", "--clear-groups"])

    assert refused.returncode == 1
    assert "only root" in refused.stderr
    assert refused.stdout == ""
    assert member.returncode == 0
    assert service.returncode == 0


def test_other_requests_are_answered_and_do_no_harm(lan):
    (one,) = office(lan, "one")
    wait_ready(one.mainstayd(instance()))
    wait_until(lambda: status(one), 10, "the status")

    def curl(*arguments):
        return one.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "10", "--unix-socket",
                        "/run/mainstay/control.sock", *arguments], check=False).stdout

    assert curl("http://x/healthz") == "200"
    assert curl("http://x/nothing") == "404"
    assert curl("-X", "DELETE", "http://x/status") == "405"
    assert curl("-H", "X: " + "x" * 20000, "http://x/status") == "431"
    assert status(one)


def test_a_large_status_comes_in_pieces_to_every_client(lan):
    (one,) = office(lan, "one")
    services = "".join(f"virtual_server 10.9.{n // 250}.{n % 250 + 1} 80 {{\nlb_algo rr\nlb_kind DR\nprotocol TCP\n"
                       "real_server 10.1.1.1 80 {\n}\n}\n" for n in range(500))
    wait_ready(one.mainstayd(instance() + services))
    wait_until(lambda: ((status(one) or {}).get("lvs") or {}).get("services"), 20, "the status")

    def curl(version):
        return one.run(["curl", "-si", version, "--max-time", "20", "--unix-socket", "/run/mainstay/control.sock",
                        "http://x/status"]).stdout

    chunked, old = curl("--http1.1").partition("\n\n"), curl("--http1.0").partition("\n\n")
    assert "Transfer-Encoding: chunked" in chunked[0] and "Transfer-Encoding" not in old[0]
    names = [service["name"] for service in status(one)["lvs"]["services"]]
    assert len(names) == 500
    for _, _, body in (chunked, old):
        assert [service["name"] for service in json.loads(body)["lvs"]["services"]] == names


def test_config_check_exits_as_a_linter(lan):
    (one,) = office(lan, "one")
    good = one.write("/run/good.conf", instance())
    bad = one.write("/run/bad.conf", instance(vrid=256))

    assert ctl(one, "config", "check", good).returncode == 0
    answer = ctl(one, "config", "check", good, bad)

    assert answer.returncode == 2
    assert "/run/bad.conf:" in answer.stdout


def test_doctor_names_what_is_in_the_way_and_how_to_repair_it(lan):
    (one,) = office(lan, "one")
    path = one.write("/run/keepalived.conf", instance() + instance(vrid=52, vip="192.168.4.201", name="VI_2",
                                                                    interface="eth9"))
    one.run(["ip", "link", "set", "eth0", "down"])

    answer = ctl(one, "doctor", "-f", path, "--json")

    findings = json.loads(answer.stdout)["findings"]
    assert answer.returncode == 1
    assert any(f["finding"] == "interface eth0 is down" and f["fix"] == "ip link set eth0 up" for f in findings)
    assert any("eth9" in f["finding"] for f in findings)


CROWD = """
import socket, sys
held = []
for number in range(1000):
    one = socket.socket(socket.AF_UNIX)
    one.connect("/run/mainstay/control.sock")
    try:
        one.send(b"GET /status HT" if number % 2 else b"")
    except OSError:
        pass  # it was closed already
    held.append(one)
print("open", flush=True)
sys.stdin.read()
"""


def test_a_thousand_connections_of_a_member_of_the_group_do_not_keep_root_out(lan):
    (one,) = office(lan, "one")
    wait_ready(one.mainstayd(instance()))
    wait_until(lambda: status(one), 10, "the status")
    gid = one.run(["id", "-g", "mainstay-obs"]).stdout.strip()

    crowd = one.start(["prlimit", "--nofile=2048:2048", "setpriv", "--reuid=65534", "--regid=65534", f"--groups={gid}",
                       "/usr/bin/python3", "-c", CROWD], name="crowd", pipe=True)
    assert crowd.popen.stdout.readline() == "open\n"

    answers = [status(one) for _ in range(20)]
    assert [answer["vrrp"]["instances"][0]["name"] for answer in answers] == ["VI_1"] * 20
    assert answers[-1]["api"]["connections_refused"] >= 900
    crowd.popen.stdin.close()
