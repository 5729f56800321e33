"""mainstayctl against the real table and a running lvs process."""

import json

import pytest

from support.lvs import listen, real_server, virtual_server
from support.paths import program
from support.wait import wait_until

TABLE = """\
-A -t 10.0.0.20:80 -s rr
-a -t 10.0.0.20:80 -r 10.0.0.9:80 -m -w 65535
-a -t 10.0.0.20:80 -r 192.168.0.1:80 -m -w 2147483647
-a -t 10.0.0.20:80 -r 10.0.0.9:79 -m
-A -t 10.0.0.20:79 -s wlc
-A -t 9.0.0.20:90 -s lblcr
-A -t 100.0.0.20:90 -s nq
-A -t 200.0.0.20:90 -s sed
-A -u 10.0.0.3:53 -s rr -o
-a -u 10.0.0.3:53 -r 10.0.0.13:53 -g
-A -t 10.0.0.2:443 -s sh -b sh-port,sh-fallback -p 360 -M 255.255.255.0
-a -t 10.0.0.2:443 -r 192.168.100.111:443 -i -w 100
-A -t 10.0.0.34:0 -s sh -b flag-3 -p 30
-A -t 10.0.0.35:0 -s rr -b flag-1,flag-2 -p 30
-A -f 5 -s wlc -p
-a -f 5 -r 10.0.0.14 -g
-A -f 3 -6 -s mh -b mh-port
-A --sctp-service 10.0.0.9:99 -s lc
-A -t [2001:db8:1111:2222:3333:4444:5555:6666]:65535 -s rr -p 300 -M 64
-a -t [2001:db8:1111:2222:3333:4444:5555:6666]:65535 -r [2001:db8:1111:2222:3333:4444:5555:7777]:65535 -g
-a -t [2001:db8:1111:2222:3333:4444:5555:6666]:65535 -r [2001:db8::1]:65535 -g
"""


@pytest.fixture
def director(lan):
    host = lan.host("director")
    # In a namespace whose lo was never up the kernel refuses every destination.
    host.run(["ip", "link", "set", "lo", "up"])
    return host


@pytest.mark.parametrize("options", [[], ["--stats"]])
@pytest.mark.parametrize("table", ["", TABLE])
def test_ipvs_prints_to_the_byte_what_ipvsadm_prints(director, table, options):
    director.run(["ipvsadm", "--restore"], text_in=table)

    ours = director.run([program("mainstayctl"), "ipvs", *options])

    assert ours.stdout == director.run(["ipvsadm", "-Ln", *options]).stdout
    assert len(ours.stdout.splitlines()) == 3 + len(table.splitlines())


def test_status_shows_services_servers_and_why_a_check_failed(director):
    listen(director, "127.1.0.1:80")
    daemon = director.mainstayd(virtual_server("10.0.0.1 80", real_server("127.1.0.1 80"),
                                               real_server("127.1.0.2 80", check="connect_timeout 1\nretry 0")))

    def service():
        answer = director.run([program("mainstayctl"), "status", "--json"], check=False)
        lvs = json.loads(answer.stdout).get("lvs") if answer.returncode == 0 else None
        return lvs and lvs["services"] and lvs["services"][0]

    wait_until(lambda: (service() or {}).get("servers", [{}])[-1].get("alive") is False, 30,
               lambda: f"the second server to be down: {service()}\n{daemon.output()}")

    shown = service()
    assert shown["name"] == "[10.0.0.1]:tcp:80"
    assert [(s["name"], s["alive"], s["in_table"]) for s in shown["servers"]] == [
        ("[127.1.0.1]:tcp:80", True, True), ("[127.1.0.2]:tcp:80", False, False)]
    (check,) = shown["servers"][1]["checks"]
    assert check["type"] == "TCP_CHECK"
    assert "refused" in check["last_result"].lower()
    table = director.run([program("mainstayctl"), "status"]).stdout
    row = next(line for line in table.splitlines() if line.startswith("  [127.1.0.2]:tcp:80  "))
    assert "DOWN" in row and check["last_result"] in row


def test_doctor_finds_nothing_wrong_with_ipvs_here_and_names_what_nat_needs(director):
    path = director.write("/run/keepalived.conf", virtual_server("10.0.0.1 80", real_server("127.1.0.1 80")))
    director.sysctl(net__ipv4__ip_forward=0)

    answer = director.run([program("mainstayctl"), "doctor", "-f", path, "--json"], check=False)

    findings = [f["finding"] for f in json.loads(answer.stdout)["findings"]]
    assert answer.returncode == 1
    assert not any("IPVS" in f for f in findings), findings
    assert any("ip_forward is 0" in f for f in findings)
    director.sysctl(net__ipv4__ip_forward=1)
    repaired = director.run([program("mainstayctl"), "doctor", "-f", path, "--json"], check=False)
    assert not any("ip_forward" in f["finding"] for f in json.loads(repaired.stdout)["findings"])
