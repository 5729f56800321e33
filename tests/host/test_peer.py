"""The other director's half: asked for by the daemon, shown beside its own on the page."""

import json

import pytest
from support.browser import accessibility_faults
from support.lvs import listen, real_server, virtual_server
from support.peer import follow, serve
from support.vrrp import instance, office, wait_holds, wait_ready
from support.wait import wait_until

SERVICE = virtual_server("192.168.4.200 80", real_server("127.0.0.2 80", check="connect_timeout 1\n retry 0"))


def peer_status(host):
    answer = host.run(["curl", "-s", "-w", "\n%{http_code}", "--unix-socket", "/run/mainstay/control.sock",
                       "http://x/api/v1/peer/status"], check=False).stdout
    body, _, code = answer.rpartition("\n")
    return code, json.loads(body) if body else {}


@pytest.fixture
def pair(lan):
    """Two directors that read each other's API. The first one is MASTER and reaches the server, which only it has."""
    one, two = office(lan, "one", "two")
    to_one, to_two = serve(one, "192.168.4.11"), serve(two, "192.168.4.12")
    follow(one, "192.168.4.12", *to_two)
    follow(two, "192.168.4.11", *to_one)
    listen(one, "127.0.0.2:80")
    first = wait_ready(one.mainstayd(instance("BACKUP", 150) + instance("BACKUP", 150, "192.168.4.201", 52, "VI_2") + SERVICE))
    wait_holds(one)
    second = wait_ready(two.mainstayd(instance("BACKUP", 100) + instance("BACKUP", 100, "192.168.4.202", 53, "VI_2") + SERVICE))
    wait_until(lambda: peer_status(one)[0] == "200", 20, lambda: peer_status(one))
    return one, two, first, second


def test_a_director_answers_for_its_peer_or_says_why_it_cannot(pair):
    one, two, _first, second = pair
    code, status = peer_status(one)
    assert code == "200" and {one["name"]: one["state"] for one in status["vrrp"]["instances"]}["VI_1"] == "BACKUP"
    assert status["vrrp"]["instances"][0]["base_priority"] == 100
    wait_until(lambda: peer_status(two)[1].get("vrrp", {}).get("instances", [{}])[0].get("state") == "MASTER", 20, lambda: peer_status(two))

    one.write("/run/api/peer.token", "mst_wrong\n", 0o600)
    wait_until(lambda: "refuses the token (status 401)" in peer_status(one)[1].get("error", ""), 20, lambda: peer_status(one))
    one.run(["chmod", "644", "/run/api/peer.token"])
    wait_until(lambda: "[api] peer_token: everybody may read it" in peer_status(one)[1].get("error", ""), 20, lambda: peer_status(one))
    assert peer_status(one)[0] == "502"

    second.stop()
    follow(one, "192.168.4.12", "mst_any", "no certificate\n")
    wait_until(lambda: "the peer https://192.168.4.12:9112 does not answer" in peer_status(one)[1].get("error", ""), 20,
               lambda: peer_status(one))


def test_without_a_peer_there_is_none(lan):
    (one,) = office(lan, "one")
    wait_ready(one.mainstayd(instance()))
    wait_until(lambda: peer_status(one) == ("200", {}), 20, lambda: peer_status(one))


@pytest.mark.nightly
def test_the_page_shows_the_pair_and_marks_where_it_disagrees(pair, browse):
    driver = browse(pair[0])
    rows = lambda table: driver.execute_script(  # noqa: E731
        "return [...document.querySelectorAll(arguments[0] + ' tr')].map(row => [...row.cells].map(one => one.innerText));", table)
    pair_of = lambda: {row[0]: row[1:] for row in rows("#pair-instances")}  # noqa: E731
    text = lambda: driver.find_element("id", "pair-text").text  # noqa: E731

    wait_until(lambda: pair_of().get("VI_1", [])[-1:] == ["agree"], 20, pair_of)
    shown = pair_of()
    assert shown["VI_1"][0].startswith("MASTER") and "priority 150" in shown["VI_1"][0]
    assert shown["VI_1"][1].startswith("BACKUP") and "priority 100" in shown["VI_1"][1]
    wait_until(lambda: "both are MASTER" in pair_of()["VI_2"][2], 20, pair_of)
    assert "configured differently: VRID" in shown["VI_2"][2] and "configured differently: addresses" in shown["VI_2"][2]
    wait_until(lambda: rows("#pair-servers") == [["[192.168.4.200]:tcp:80", "127.0.0.2:80", "UP", "DOWN"]], 20, lambda: rows("#pair-servers"))
    assert "1 of 2 instances disagree, 1 server in different states" in text()
    assert accessibility_faults(driver) == []


def test_a_peer_of_another_version_is_named_and_one_that_cannot_be_compared_breaks_nothing(pair, browse):
    driver = browse(pair[0])
    text = lambda: driver.find_element("id", "pair-text").text  # noqa: E731
    wait_until(lambda: text() != "", 20, text)
    assert "The peer runs" not in text()
    shown = driver.execute_script("""
        clearTimeout(page.timer);
        clearTimeout(peer.timer);
        const whole = structuredClone(peer.document), shown = [];
        for (const theirs of [{ ...whole, version: "0.0.9" }, { ...whole, version: undefined },
                              { host: "two", version: "0.0.9", vrrp: { instances: [{ name: "VI_1", state: "BACKUP" }] } }]) {
          peer.document = theirs;
          show(page.document);
          shown.push([document.getElementById("pair-text").textContent, document.getElementById("pair-problem").textContent]);
        }
        return shown;""")
    assert shown[0][0].endswith(" The peer runs mainstay 0.0.9.") and shown[0][1] == ""
    assert shown[1][0].endswith(" The peer runs mainstay of an unknown version.")
    assert shown[2] == ["", "The peer's state cannot be compared: it may be of another version. Its own page shows it."]
    assert driver.find_elements("css selector", "#instances tr")


def test_neither_master_and_what_only_one_has_are_disagreements(pair, browse):
    driver = browse(pair[0])
    wait_until(lambda: driver.execute_script("return typeof comparedInstances === 'function';"), 20, lambda: driver.page_source)
    problems = driver.execute_script("""
        const one = (name, state, more) => ({ name, state, virtual_router_id: 51, family: 'inet', version: 2, addresses: ['a', 'b'], ...more });
        const side = (...instances) => ({ vrrp: { instances }, lvs: null });
        return comparedInstances(
            side(one('A', 'MASTER'), one('B', 'FAULT'), one('C', 'MASTER'), one('D', 'MASTER', { addresses: ['b', 'a'] })),
            side(one('A', 'MASTER'), one('B', 'BACKUP', { virtual_router_id: 52 }), one('D', 'BACKUP'), one('E', 'BACKUP')))
          .map(found => [found.name, found.problems]);""")
    assert problems == [["A", ["both are MASTER"]], ["B", ["neither is MASTER", "configured differently: VRID"]],
                        ["C", ["the peer does not have it"]], ["D", []], ["E", ["only the peer has it"]]]
    servers = driver.execute_script("""
        const server = (name, alive) => ({ name, address: name, alive, note: '', kept_by_min_alive: false });
        const side = (...services) => ({ lvs: { services } });
        const service = (name, ...servers) => ({ name, servers, quorum_up: true, sorry_in_use: false });
        return differentServers(
            side(service('S', server('1', true), server('2', true), server('3', false)), service('T')),
            side(service('S', server('1', true), server('2', false), server('4', true)), service('U')));""")
    assert servers == [{"service": "S", "server": "2", "ours": "UP", "theirs": "DOWN"}, {"service": "S", "server": "3", "ours": "DOWN", "theirs": "–"},
                       {"service": "S", "server": "4", "ours": "–", "theirs": "UP"}, {"service": "T", "server": "", "ours": "UP", "theirs": "–"},
                       {"service": "U", "server": "", "ours": "–", "theirs": "UP"}]
