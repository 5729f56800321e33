"""The live page of a real pair with a real IPVS table, in a browser: what happens appears, and a click changes the table."""

import json
import signal

import pytest

from support.browser import click
from support.lvs import listen, real_server, virtual_server
from support.paths import program
from support.vrrp import fast, wait_holds, wait_ready
from support.wait import wait_until

CHECK = "connect_timeout 1\n      retry 0"
WEB = virtual_server("10.0.0.1 80", real_server("127.1.0.1 80", check=CHECK), real_server("127.1.0.2 80", check=CHECK))
# Remembers when each row's state came to be shown, by the calendar clock: {"VI_1": {"MASTER": 1700000000123}}.
REMEMBER = """
window.shownAt = {};
const look = () => {
  for (const row of document.querySelectorAll('#instances tr, #services tr')) {
    const badge = row.querySelector('.badge');
    if (!badge) continue;
    const name = row.cells[0].firstChild.textContent;
    window.shownAt[name] = window.shownAt[name] || {};
    window.shownAt[name][badge.textContent] = window.shownAt[name][badge.textContent] || Date.now();
  }
};
look();
new MutationObserver(look).observe(document.body, { childList: true, subtree: true, characterData: true });
"""


@pytest.fixture
def pair(lan):
    """(one, two, the servers of one): one is MASTER and has an IPVS service; operators may change things."""
    lan.switch("office")
    one, two = (lan.host(name, eth0=("office", f"192.168.4.{11 + n}/24")) for n, name in enumerate(("one", "two")))
    for host in (one, two):
        host.run(["ip", "link", "set", "lo", "up"])
        host.write("/etc/mainstay/mainstay.toml", "[api]\noperate = true\n")
    servers = [listen(one, f"127.1.0.{n}:80") for n in (1, 2)]
    wait_ready(two.mainstayd(fast(priority=100)), 60)
    wait_ready(one.mainstayd(fast(priority=150) + WEB), 60)
    wait_holds(one)
    return one, two, servers


def shown_at(driver, name, state):
    return wait_until(lambda: driver.execute_script("return (window.shownAt[arguments[0]] || {})[arguments[1]];", name, state), 60,
                      lambda: f"{name} {state}: {driver.execute_script('return JSON.stringify(window.shownAt);')}")


def happened_at(host, words):
    """When the last event with all these words happened, in milliseconds since 1970."""
    events = host.run([program("mainstayctl"), "events", "--json"]).stdout.splitlines()
    return max(json.loads(one)["at_unix_us"] for one in events if all(word in one for word in words)) / 1000


def weights(host):
    """The kernel's weight of each server."""
    words = [line.split() for line in host.run(["ipvsadm", "-Sn"]).stdout.splitlines() if line.startswith("-a")]
    return {line[line.index("-r") + 1]: int(line[line.index("-w") + 1]) for line in words}


@pytest.mark.nightly
def test_what_happens_appears_and_a_drain_by_click_changes_the_kernels_table(pair, browse):
    one, two, servers = pair
    driver = browse(one)
    driver.execute_script(REMEMBER)
    shown_at(driver, "VI_1", "MASTER")
    shown_at(driver, "127.1.0.1:80", "UP")
    wait_until(lambda: weights(one) == {"127.1.0.1:80": 1, "127.1.0.2:80": 1}, 20, lambda: weights(one))

    servers[1].stop(signal.SIGKILL)
    seen = shown_at(driver, "127.1.0.2:80", "DOWN")
    print(f"page: a server's death was shown {seen - happened_at(one, ['127.1.0.2', 'DOWN']):.0f} ms after it was found")
    wait_until(lambda: weights(one) == {"127.1.0.1:80": 1}, 20, lambda: weights(one))

    click(driver, "button[aria-label^='Drain 127.1.0.1:80']")
    dialog = lambda: driver.find_element("id", "dialog-text").text  # noqa: E731
    wait_until(lambda: "drain" in dialog().lower(), 60, dialog)
    assert weights(one) == {"127.1.0.1:80": 1}
    driver.find_element("id", "dialog-confirm").click()
    wait_until(lambda: weights(one) == {"127.1.0.1:80": 0}, 60, lambda: weights(one))
    shown_at(driver, "127.1.0.1:80", "DRAINED")

    one.run(["ip", "link", "set", "eth0", "down"])
    seen = shown_at(driver, "VI_1", "FAULT")
    print(f"page: a failover was shown {seen - happened_at(one, ['VI_1', 'FAULT']):.0f} ms after it")
    wait_holds(two)
