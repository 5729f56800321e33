"""Real servers that a file lists: they follow it however it is written, and stay while it cannot be read."""

import json
import os
import re
import resource
import signal
import time

import pytest

from support.paths import program
from support.wait import stays, wait_until

FOLDER = "/run/servers"
FILE = f"{FOLDER}/web.json"


def service(block="", port="", path=FILE, at="10.0.0.1 80"):
    return (f"virtual_server {at} {{\nlb_algo wrr\nlb_kind NAT\nprotocol TCP\ndelay_loop 1\n"
            f"real_server_file {path} {port} {{\n{block}\n}}\n}}\n")


def entries(*targets, **labels):
    return [{"targets": [t if ":" in t else f"{t}:80" for t in targets], "labels": labels}]


def status(host):
    ran = host.run([program("mainstayctl"), "status", "--json"], check=False)
    return (json.loads(ran.stdout) if ran.returncode == 0 else {}).get("lvs") or {}


def servers(host, service_number=0):
    services = status(host).get("services") or []
    if len(services) <= service_number:
        return {}
    return {re.search(r"\[(.*)\]:\w+:(\d+)", s["name"]).expand(r"\1:\2"): s["weight"]
            for s in services[service_number]["servers"]}


def source(host):
    return (status(host).get("discovered") or [{}])[0]


class Director:
    def __init__(self, lan):
        lan.switch("office")
        self.host = lan.host("director", eth0=("office", "192.168.4.5/24"))
        self.daemon = None

    def start(self, configuration, *options):
        self.daemon = self.host.mainstayd(configuration, *options)
        return self.daemon

    def replace(self, content, path=FILE):
        """As it should be done: written beside it and renamed."""
        self.host.write(path + ".new", content if isinstance(content, str) else json.dumps(content))
        os.replace(self.host.path(path + ".new"), self.host.path(path))

    def until(self, wanted):
        wanted = wanted if isinstance(wanted, dict) else {f"{w}:80": 1 for w in wanted}
        wait_until(lambda: servers(self.host) == wanted, 30,
                   lambda: f"{wanted}: {servers(self.host)}\n{self.daemon.output()}")

    def until_logged(self, text, times=1):
        wait_until(lambda: self.daemon.output().count(text) >= times, 30, lambda: f"{text}:\n{self.daemon.output()}")

    def reload(self, configuration):
        before = self.daemon.output().count("Reload complete")
        self.host.write("/run/keepalived.conf", configuration)
        self.daemon.send(signal.SIGHUP)
        self.until_logged("Reload complete", before + 1)


@pytest.fixture
def director(lan):
    return Director(lan)


def test_the_servers_of_a_file_are_those_of_the_service_soon_after_it_was_replaced(director):
    # effect: virtual_server: real_server_file
    # effect: virtual_server/real_server: debounce
    director.replace(entries("127.1.0.1", "127.1.0.2", "127.1.0.3"))
    director.start(service("debounce 0.2"))
    director.until(["127.1.0.1", "127.1.0.2", "127.1.0.3"])

    before = time.monotonic()
    director.replace(entries("127.1.0.1", "127.1.0.2", "127.1.0.3", "127.1.0.4"))
    director.until_logged("4 servers, 3 before")
    assert time.monotonic() - before >= 0.2
    director.until([f"127.1.0.{n}" for n in range(1, 5)])

    # Written in place; half of it does no harm.
    with open(director.host.path(FILE), "w", encoding="utf-8") as file:
        file.write(json.dumps(entries("127.1.0.1", "127.1.0.2", "127.1.0.3"))[:-5])
    director.until_logged("it ends early, in line 1")
    director.until([f"127.1.0.{n}" for n in range(1, 5)])
    director.host.write(FILE, json.dumps(entries("127.1.0.1", "127.1.0.2", "127.1.0.3")))
    director.until(["127.1.0.1", "127.1.0.2", "127.1.0.3"])
    assert "read again after 1 failure" in director.daemon.output()
    assert "service [127.1.0.4]:tcp:80 no longer exist" in director.daemon.output()


def test_weights_ports_and_labels_of_a_file(director):
    # effect: virtual_server/real_server: labels_keep labels_drop
    director.replace([
        {"targets": ["127.1.0.1:8080"], "labels": {"weight": "7", "zone": "a"}},
        {"targets": ["127.1.0.2:8081"], "labels": {"zone": "b"}},
        {"targets": ["127.1.0.3:8082"], "labels": {"zone": "c"}},
        {"targets": ["127.1.0.4:8083"], "labels": {"zone": "a", "stage": "test"}}])
    director.start(service("weight 3\nlabels_keep zone a b\nlabels_drop stage test"))
    director.until({"127.1.0.1:8080": 7, "127.1.0.2:8081": 3})
    director.reload(service("weight 3\nlabels_keep zone a", port="9090"))
    director.until({"127.1.0.1:9090": 7, "127.1.0.4:9090": 3})


@pytest.mark.parametrize("spoil,said", [
    ("truncated", "it ends early"),
    ("emptied", "it is empty: a file without servers is []"),
    ("deleted", "No such file or directory"),
    ("folder", "it is no regular file"),
    ("host name", "entry 1 has the target 'web-1:80', which is not an address"),
    ("twice", "entries 1 and 1 both have 127.1.0.1:80"),
    ("family", "entry 1 has the target '[fd00::1]:80', which is IPv6"),
    ("too large", "is larger than 8388608 bytes"),
])
def test_a_file_that_cannot_be_used_takes_no_server_away_and_is_reported_once(director, spoil, said):
    good = entries("127.1.0.1", "127.1.0.2")
    director.replace(good)
    director.start(service("debounce 0.1"))
    director.until(["127.1.0.1", "127.1.0.2"])
    file = director.host.path(FILE)
    if spoil == "deleted":
        file.unlink()
    elif spoil == "folder":
        file.unlink()
        file.mkdir()
    else:
        director.replace({"truncated": json.dumps(good)[:-4], "emptied": "", "host name": entries("web-1:80"),
                          "twice": entries("127.1.0.1", "127.1.0.1"), "family": entries("[fd00::1]:80"),
                          "too large": " " * (8 * 1024 * 1024 + 1)}[spoil])
    director.until_logged(said)
    director.until_logged("The 2 known servers are kept")
    wait_until(lambda: said in source(director.host).get("problem", ""), 20, lambda: status(director.host))
    director.until(["127.1.0.1", "127.1.0.2"])
    assert stays(lambda: director.daemon.output().count(said) == 1, 2)

    if spoil == "folder":
        file.rmdir()
    director.replace(entries("127.1.0.1", "127.1.0.2", "127.1.0.3"))
    director.until(["127.1.0.1", "127.1.0.2", "127.1.0.3"])
    assert source(director.host)["problem"] == ""
    assert source(director.host)["errors"] >= 1


def test_a_file_whose_folder_is_made_later_and_made_again_is_found(director):
    director.start(service("debounce 0.1"))
    director.until_logged("It has no servers until reading it succeeds")
    director.replace(entries("127.1.0.1", "127.1.0.2"))
    director.until(["127.1.0.1", "127.1.0.2"])
    director.host.run(["rm", "-rf", FOLDER])
    director.until_logged("The 2 known servers are kept")
    director.replace(entries("127.1.0.1", "127.1.0.2", "127.1.0.3"))
    director.until(["127.1.0.1", "127.1.0.2", "127.1.0.3"])


def test_a_link_that_is_turned_to_another_folder_is_followed(director):
    # As Kubernetes replaces the files of a ConfigMap.
    director.replace(entries("127.1.0.1", "127.1.0.2"), f"{FOLDER}/one/web.json")
    director.replace(entries("127.1.0.1", "127.1.0.2", "127.1.0.3"), f"{FOLDER}/two/web.json")
    director.host.run(["ln", "-s", "one", f"{FOLDER}/current"])
    director.host.run(["ln", "-s", "current/web.json", FILE])
    director.start(service("debounce 0.1"))
    director.until(["127.1.0.1", "127.1.0.2"])
    director.host.run(["ln", "-s", "two", f"{FOLDER}/next"])
    director.host.run(["mv", "-T", f"{FOLDER}/next", f"{FOLDER}/current"])
    director.until(["127.1.0.1", "127.1.0.2", "127.1.0.3"])


def test_an_answer_that_removes_too_many_servers_or_all_is_held_and_shown(director):
    # effect: virtual_server/real_server: max_removal min_servers hold_time hold_empty
    four = [f"127.1.0.{n}" for n in range(1, 5)]
    director.replace(entries(*four))
    director.start(service("debounce 0.1"))
    director.until(four)
    director.replace(entries("127.1.0.1"))
    director.until_logged("an answer of 1 server is held for 600 s: it removes 3 of 4 servers, more than max_removal "
                          "(50 %). The 4 known servers are kept")
    wait_until(lambda: source(director.host).get("held_servers") == 1, 20, lambda: status(director.host))
    assert source(director.host)["servers"] == 4
    shown = director.host.run([program("mainstayctl"), "status"]).stdout
    assert re.search(rf"{FILE} +4 +\d+ \w+ +answer of 1 server held for \d+ \w+: it removes 3 of 4 servers", shown), shown
    check = director.host.run([program("mainstayctl"), "status", "--check"], check=False)
    assert f"an answer of {FILE} is held: it removes 3 of 4 servers" in check.stdout, check.stdout
    metrics = director.host.run([program("mainstayctl"), "metrics"]).stdout
    assert f'mainstay_discovery_held{{source="{FILE}"}} 1' in metrics
    assert f'mainstay_discovery_servers{{source="{FILE}"}} 4' in metrics
    assert re.search(rf'mainstay_discovery_age_seconds{{source="{FILE}"}} \d', metrics)

    director.replace("[]")
    director.until_logged("an answer of 0 servers is held for ever: it is empty")
    director.until(four)

    # The operator lets it through: all servers go, and later the two that are too few.
    director.reload(service("debounce 0.1\nhold_empty 1"))
    director.until([])
    director.replace(entries(*four))
    director.until(four)
    director.reload(service("debounce 0.1\nmax_removal 100\nmin_servers 3"))
    director.replace(entries("127.1.0.1", "127.1.0.2"))
    director.until_logged("it has fewer than min_servers (3)")
    director.until(four)
    director.reload(service("debounce 0.1\nmax_removal 100"))
    director.until(["127.1.0.1", "127.1.0.2"])
    director.reload(service("debounce 0.1\nmax_removal 0\nhold_time 1"))
    director.replace(entries("127.1.0.1"))
    director.until_logged("held for 1 s: it removes 1 of 2 servers, more than max_removal (0 %)")
    director.until(["127.1.0.1"])


def test_a_restart_a_new_process_and_a_reload_begin_with_the_last_good_servers(director):
    director.replace(entries("127.1.0.1", "127.1.0.2", weight="9"))
    daemon = director.start(service("debounce 0.1"))
    director.until({"127.1.0.1:80": 9, "127.1.0.2:80": 9})
    director.host.path(FILE).unlink()
    director.until_logged("The 2 known servers are kept")
    wait_until(lambda: director.host.path("/var/lib/mainstay/discovered").exists(), 20, lambda: daemon.output())

    pid = int(re.findall(r"Starting Healthcheck child process, pid=(\d+)", daemon.output())[-1])
    director.host.run(["kill", f"-{int(signal.SIGKILL)}", str(pid)])
    director.until_logged("Starting Healthcheck child process", 2)
    director.until({"127.1.0.1:80": 9, "127.1.0.2:80": 9})
    director.reload(service("debounce 0.1\nweight 4"))
    director.until({"127.1.0.1:80": 9, "127.1.0.2:80": 9})

    assert daemon.stop() == 0
    assert oct(director.host.path("/var/lib/mainstay/discovered").stat().st_mode)[-3:] == "600"
    director.start(service("debounce 0.1"))
    director.until({"127.1.0.1:80": 9, "127.1.0.2:80": 9})
    assert source(director.host)["last_good_unix_us"] > 0
    director.replace(entries("127.1.0.3"))  # compared with what was known before
    director.until_logged("it removes 2 of 2 servers")
    director.until({"127.1.0.1:80": 9, "127.1.0.2:80": 9})


@pytest.mark.parametrize("content", [b"", b"\xff" * 100, b"\x04\x00\x00\x00\xff\xff\xff\xff"])
def test_known_servers_that_cannot_be_read_are_reported_and_the_daemon_runs(director, content):
    director.replace(entries("127.1.0.1"))
    director.host.path("/var/lib/mainstay/discovered").write_bytes(content)
    director.start(service())
    director.until(["127.1.0.1"])
    director.until_logged("the last known real servers are lost")


def test_two_services_with_one_file_follow_it_and_the_other_services_are_left_alone(director):
    director.replace(entries("127.1.0.1", "127.1.0.2"))
    fixed = "virtual_server 10.0.0.3 80 {\nlb_kind NAT\nprotocol TCP\nreal_server 127.2.0.1 80 {\n}\n}\n"
    director.start(service("debounce 0.1") + service("debounce 0.1", at="10.0.0.2 80") + fixed)
    director.until(["127.1.0.1", "127.1.0.2"])
    director.replace(entries("127.1.0.1", "127.1.0.2", "127.1.0.3"))
    for number in (0, 1):
        wait_until(lambda n=number: len(servers(director.host, n)) == 3, 20, lambda: director.daemon.output())
    assert list(servers(director.host, 2)) == ["127.2.0.1:80"]
    assert source(director.host)["services"] == ["[10.0.0.1]:tcp:80", "[10.0.0.2]:tcp:80"]


def test_ten_thousand_servers_come_and_half_of_them_go(director):
    many = [f"127.1.{n // 250}.{n % 250 + 1}" for n in range(10_000)]
    director.replace(entries(*many))
    director.start(service("debounce 0.1"))
    wait_until(lambda: source(director.host).get("servers") == 10_000, 60, lambda: director.daemon.output()[-3000:])
    wait_until(lambda: len(servers(director.host)) == 10_000, 60, lambda: director.daemon.output()[-3000:])
    director.replace(entries(*many[:5_000]))
    wait_until(lambda: len(servers(director.host)) == 5_000, 60, lambda: director.daemon.output()[-3000:])
    director.replace(entries(*many, "127.9.0.1"))
    director.until_logged("10001 are too many for one file")
    assert len(servers(director.host)) == 5_000


def test_more_files_than_descriptors_are_at_first_allowed_are_all_followed_from_the_start(director):
    """And more than a socket between two processes holds. systemd's soft limit is 1024."""
    count = 1100
    for number in range(count):
        director.replace(entries(f"127.1.{number // 250}.{number % 250 + 1}"), f"{FOLDER}/{number}.json")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    try:
        director.start("".join(service(path=f"{FOLDER}/{n}.json", at=f"10.0.{n // 250}.{n % 250 + 1} 80")
                               for n in range(count)))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    wait_until(lambda: sum(bool(s["servers"]) for s in status(director.host).get("services") or []) == count, 60,
               lambda: str(sum(bool(s["servers"]) for s in status(director.host).get("services") or [])))
    assert "was lost" not in director.daemon.output()
    director.reload(director.host.read("/run/keepalived.conf").replace("lb_algo wrr", "lb_algo rr"))
    assert "was lost" not in director.daemon.output()
    assert sum(bool(s["servers"]) for s in status(director.host)["services"]) == count
