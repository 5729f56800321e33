"""The live page of a real pair, in a browser: what it shows."""

import json
import signal
import time

import pytest
from support.browser import accessibility_faults
from support.lvs import virtual_server
from support.page import HOSTILE, TRACKED, TRACKS, errors, rows, vrrp
from support.vrrp import office, wait_ready
from support.wait import wait_until


def test_a_dying_server_and_a_failover_appear_without_reloading(pair, browse):
    one, two, _first, second, server = pair
    driver = browse(one)
    other = browse(two)
    wait_until(lambda: rows(driver, "#instances").get("VI_1") == "MASTER", 20, lambda: driver.page_source)
    wait_until(lambda: rows(driver, "#services").get("127.0.0.2:80") == "UP", 20, lambda: driver.page_source)
    wait_until(lambda: rows(other, "#instances").get("VI_1") == "BACKUP", 20, lambda: other.page_source)
    driver.execute_script("window.sameDocument = true;")

    server.stop(signal.SIGKILL)
    wait_until(lambda: rows(driver, "#services").get("127.0.0.2:80") == "DOWN", 20, lambda: driver.page_source)

    one.run(["ip", "link", "set", "eth0", "down"])
    down_at = time.monotonic()
    wait_until(lambda: rows(driver, "#instances").get("VI_1") == "FAULT", 20, lambda: driver.page_source)
    wait_until(lambda: rows(other, "#instances").get("VI_1") == "MASTER", 20, lambda: other.page_source)
    print(f"link down to MASTER on the other's page: {time.monotonic() - down_at:.2f} s")

    assert driver.execute_script("return window.sameDocument;")
    listed = driver.execute_script("return [...document.querySelectorAll('#events li')].map(one => one.textContent);")
    assert any("DOWN" in text and "127.0.0.2" in text for text in listed), listed
    assert any("FAULT" in text and "VI_1" in text for text in listed), listed
    assert second.alive()


def test_names_are_text_and_nothing_comes_from_elsewhere(pair, browse):
    driver = browse(pair[0])
    wait_until(lambda: HOSTILE in rows(driver, "#instances"), 20, lambda: driver.page_source)

    assert driver.title.endswith("mainstay")
    assert driver.find_elements("css selector", "main img") == []
    assert errors(driver) == []
    origins = driver.execute_script("return performance.getEntriesByType('resource').map(one => new URL(one.name).origin);")
    assert set(origins) == {driver.execute_script("return location.origin;")}


@pytest.mark.parametrize("look", [{}, {"dark": True}, {"width": 400}])
def test_the_page_is_accessible(pair, browse, look):
    driver = browse(pair[0], **look)
    wait_until(lambda: rows(driver, "#services").get("127.0.0.2:80") == "UP", 20, lambda: driver.page_source)

    assert accessibility_faults(driver) == []


def test_the_page_says_when_it_is_not_live(pair, browse):
    driver = browse(pair[0])
    live = lambda: driver.find_element("id", "live").text  # noqa: E731
    wait_until(lambda: live() == "live", 20, live)

    pair[2].stop()

    wait_until(lambda: live().startswith("not live"), 30, live)


def test_the_page_asks_again_for_events_that_it_was_refused(pair, browse):
    one = pair[0]
    events = ["curl", "-sN", "-H", "Accept: text/event-stream", "--unix-socket", "/run/mainstay/control.sock",
              "http://mainstay/api/v1/events"]
    streams = [one.start(events, name=f"stream{number}") for number in range(17)]
    wait_until(lambda: sum(not stream.alive() for stream in streams) == 1, 10, "16 streams, as many as are served at once")

    driver = browse(one)
    live = lambda: driver.find_element("id", "live").text  # noqa: E731
    wait_until(lambda: live() == "not live: the stream of events was interrupted, trying again", 20, live)
    for stream in streams:
        stream.stop()
    wait_until(lambda: live() == "live", 20, live)


def test_services_can_be_searched(pair, browse):
    driver = browse(pair[0])
    wait_until(lambda: rows(driver, "#services").get("127.0.0.2:80") == "UP", 20, lambda: driver.page_source)
    names = lambda: [one.get_attribute("data-name") for one in driver.find_elements("css selector", "#services details")]  # noqa: E731
    assert names() == ["[192.168.4.200]:tcp:80"]

    driver.find_element("id", "filter").send_keys("10.1")
    wait_until(lambda: names() == [], 10, names)
    assert driver.find_element("id", "shown").text == "0 of 1 shown"

    driver.find_element("id", "filter").clear()
    driver.find_element("id", "filter").send_keys("127.0.0.2")
    wait_until(lambda: names() == ["[192.168.4.200]:tcp:80"], 10, names)


def test_tracked_objects_are_shown_with_their_effect(lan, browse):
    (one,) = office(lan, "one")
    one.write("/run/load", "7\n")
    wait_ready(one.mainstayd(TRACKED + vrrp("MASTER", 150, more=TRACKS)))
    driver = browse(one)
    shown = lambda: driver.execute_script(  # noqa: E731
        "return [...document.querySelectorAll('#tracked tr')].map(row => [...row.cells].map(one => one.innerText.trim()));")
    wanted = {("chk", "script", "DOWN", "VI_1: −20"), ("eth7", "interface", "DOWN", "VI_1: −30"), ("web", "process", "DOWN", "VI_1: −5"),
              ("load", "file", "UP", "VI_1: +14"), ("eth0", "interface", "UP", "VI_1: FAULT when down")}
    wait_until(lambda: {tuple(row[:4]) for row in shown()} == wanted, 20, shown)
    assert sorted(row[4] for row in shown() if row[0] in ("load", "web")) == ["0 running", "holds 7"]
    priority = driver.execute_script("return document.querySelector('#instances tr').cells[3].innerText;")
    assert priority.startswith("109") and "150 configured, −41 by tracking" in priority
    assert driver.find_element("id", "notice").text.startswith("script chk fails: ")
    assert accessibility_faults(driver) == []


# No IPVS in a namespace of a test host, so no counters either: what the daemon would answer is given to the page.
RATES = """
const real = window.fetch;
const every = 10, count = 400, now = Math.floor(Date.now() / 1000);
const at = Array.from({ length: count }, (_, i) => now - (count - i) * every);
window.fetch = (target, ...rest) => {
  if (!String(target).startsWith('api/v1/history/rates')) return real(target, ...rest);
  window.askedRates = (window.askedRates || []).concat(String(target));
  const query = new URLSearchParams(String(target).split('?')[1]);
  const places = at.map((_, i) => i).filter((i) => at[i] > Number(query.get('after')));
  const list = (value) => places.map(value);
  const factor = query.get('service') ? 1 : 2;
  return Promise.resolve(new Response(JSON.stringify({ every_s: every, service: query.get('service') || null,
    services: ['[192.168.4.200]:tcp:80'], at_unix_s: list((i) => at[i]), connections_per_s: list((i) => i === 100 ? null : factor * 20),
    in_bytes_per_s: list((i) => factor * 1500 + i), out_bytes_per_s: list((i) => factor * 150000) })));
};
chooseService('');
"""


@pytest.mark.nightly
@pytest.mark.parametrize("look", [{}, {"dark": True}, {"width": 400}])
def test_rates_are_drawn_and_said(pair, browse, look):
    driver = browse(pair[0], **look)
    wait_until(lambda: rows(driver, "#services").get("127.0.0.2:80") == "UP", 20, lambda: driver.page_source)
    text = lambda: driver.find_element("id", "rates-text").text  # noqa: E731
    wait_until(lambda: text().startswith("There are no samples yet"), 20, text)

    driver.execute_script(RATES)

    wait_until(lambda: "Connections: 40/s now, 40/s on average, 40/s at most." in text(), 20, text)
    assert "Out: 300kB/s now, 300kB/s on average, 300kB/s at most." in text()
    assert len(driver.find_elements("css selector", ".graph canvas")) == 2
    inked = driver.execute_script(
        "return [...document.querySelectorAll('.graph canvas')].map(one => one.getContext('2d')"
        ".getImageData(0, 0, one.width, one.height).data.some(value => value));")
    assert inked == [True, True]
    widths = driver.execute_script("return [document.documentElement.scrollWidth, window.innerWidth];")
    assert widths[0] <= widths[1]
    driver.execute_script("document.getElementById('rates-numbers').open = true;")
    table = driver.execute_script("return [...document.querySelectorAll('#rates-rows tr')].map(row => row.cells[1].innerText);")
    assert len(table) in (3, 4) and set(table) == {"40/s"}
    assert accessibility_faults(driver) == []
    assert errors(driver) == []

    driver.execute_script(
        "const choice = document.getElementById('rates-service'); choice.value = '[192.168.4.200]:tcp:80';"
        "choice.dispatchEvent(new Event('change'));")
    wait_until(lambda: "Connections: 20/s now" in text(), 20, text)


def test_the_daemon_answers_for_rates(pair):
    answer = pair[0].run(["curl", "-s", "--unix-socket", "/run/mainstay/control.sock", "http://x/api/v1/history/rates"]).stdout
    assert json.loads(answer)["services"] == [] and json.loads(answer)["every_s"] == 10


@pytest.mark.nightly
def test_announced_addresses_and_sources_of_servers_are_shown_when_there_are_some(pair, browse):
    one, _two, first, _second, _server = pair
    driver = browse(one)
    wait_until(lambda: rows(driver, "#services"), 20, lambda: driver.page_source)
    hidden = "return ['announced', 'sources'].map(id => document.getElementById(id + '-section').hidden);"
    assert driver.execute_script(hidden) == [True, True]

    one.write("/run/servers.json", json.dumps([{"targets": ["127.0.0.2:80"]}]))
    one.write("/run/keepalived.conf", one.read("/run/keepalived.conf")
              + virtual_server("192.168.4.202 80", "real_server_file /run/servers.json {\n debounce 0.1\n}\n"))
    first.send(signal.SIGHUP)
    wait_until(lambda: rows(driver, "#sources") == {"/run/servers.json": "UP"}, 20, lambda: driver.page_source)
    one.write("/run/servers.json", "[]")
    wait_until(lambda: rows(driver, "#sources") == {"/run/servers.json": "HELD"}, 20, lambda: driver.page_source)
    one.path("/run/servers.json").unlink()
    wait_until(lambda: rows(driver, "#sources") == {"/run/servers.json": "FAILING"}, 20, lambda: driver.page_source)
    assert driver.execute_script(hidden) == [True, False]

    # This kernel may have no interface to announce on: the page is given what another director's status says.
    driver.execute_script("""
        const one = (address, state, reason) => ({ address, state, reason, interface: "ms-vip", drain_interface: "ms-drain",
            since_unix_us: page.document.now_unix_us - 61e6 });
        page.document.lvs.announced = [one("192.0.2.1", "announced", ""), one("192.0.2.2", "draining", ""),
            one("2001:db8::3", "withdrawn", "its quorum is lost")];
        show(page.document);""")
    cells = driver.execute_script("return [...document.querySelectorAll('#announced tr')].map(row => [...row.cells]"
                                  ".map(cell => cell.innerText.replace(/\\s+/g, ' ')));")
    assert cells == [["192.0.2.1", "ANNOUNCED", "1 min", "ms-vip"], ["192.0.2.2", "DRAINING", "1 min", "ms-drain"],
                     ["2001:db8::3", "WITHDRAWN its quorum is lost", "1 min", "–"]]
    assert driver.execute_script(hidden) == [False, False]
    assert accessibility_faults(driver) == [] and errors(driver) == []


def test_a_weight_outside_the_table_a_last_failure_and_an_empty_graph_are_said_as_what_they_are(pair, browse):
    driver = browse(pair[0])
    wait_until(lambda: rows(driver, "#services").get("127.0.0.2:80") == "UP", 20, lambda: driver.page_source)
    # A namespace of a test host has no IPVS.
    weight = driver.execute_script("return [...document.querySelector('#services tbody tr').cells[3].childNodes].map(one => one.textContent);")
    assert weight == ["1", "not in the table"]
    about = driver.find_element("id", "about").text
    assert about.startswith("mainstay ") and ", generation 1; state of " in about and about.endswith(" UTC")

    labels = "return rates.plots.map(plot => plot.axes[1]._values);"
    wait_until(lambda: len(driver.execute_script(labels)) == 2, 20, lambda: driver.page_source)
    assert driver.execute_script(labels) == [["0", "1"], ["0B", "1B"]]

    # The clock was set back, nobody knows, a minute.
    assert driver.execute_script("return [age(5e6, 6e6), age(5e6, 0), age(65e6, 5e6)];") == ["–", "–", "1 min"]
    last = "return scriptResult({ runs: arguments[0], failures: 1, last_status: arguments[1], last_failure: arguments[2] });"
    assert driver.execute_script(last, 12, 0, "exited with status 1") == ["succeeded", "12 runs, 1 failed; last failure: exited with status 1"]
    assert driver.execute_script(last, 1, 1, "exited with status 1") == ["exited with status 1", "1 run, 1 failed"]
    assert driver.execute_script(last, 1, 0, "") == ["succeeded", "1 run, 1 failed"]
