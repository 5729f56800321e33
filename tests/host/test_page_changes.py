"""The live page of a real pair, in a browser: what operators do there, and what it says of changes and problems."""

import json
import re
import signal

import pytest
from support.browser import accessibility_faults, click
from support.lvs import listen, virtual_server
from support.page import SERVICE, TRACKED, TRACKS, errors, rows, vrrp
from support.paths import TOP, program
from support.vrrp import VIP, office, wait_holds, wait_ready
from support.wait import wait_until


def operating(lan, *names):
    hosts = office(lan, *names)
    for host in hosts:
        host.write("/etc/mainstay/mainstay.toml", "[api]\noperate = true\n")
    return hosts


def press(driver, label):
    click(driver, f"button[aria-label='{label}']")


def dialog_of(driver):
    return lambda: driver.find_element("id", "dialog-text").text


def test_an_operator_drains_a_server_after_seeing_what_would_change(lan, browse):
    (one,) = operating(lan, "one")
    listen(one, "127.0.0.2:80")
    wait_ready(one.mainstayd(vrrp("MASTER", 150) + SERVICE))
    driver = browse(one)
    wait_until(lambda: rows(driver, "#services").get("127.0.0.2:80") == "UP", 20, lambda: driver.page_source)
    dialog = dialog_of(driver)

    click(driver, "button[aria-label^='Drain 127.0.0.2:80']")
    wait_until(lambda: "drain" in dialog().lower(), 20, dialog)
    assert rows(driver, "#services")["127.0.0.2:80"] == "UP"
    assert accessibility_faults(driver) == []
    driver.find_element("id", "dialog-confirm").click()

    wait_until(lambda: rows(driver, "#services").get("127.0.0.2:80") == "DRAINED", 20, lambda: driver.page_source)


def test_who_may_not_operate_sees_no_buttons(pair, browse):
    driver = browse(pair[0])
    wait_until(lambda: rows(driver, "#services").get("127.0.0.2:80") == "UP", 20, lambda: driver.page_source)

    assert driver.find_elements("css selector", ".actions") == []


@pytest.mark.nightly
def test_an_operator_hands_an_instance_over_and_lets_it_preempt_again(lan, browse):
    one, two = operating(lan, "one", "two")
    wait_ready(two.mainstayd(vrrp("BACKUP", 100)))
    wait_holds(two)
    wait_ready(one.mainstayd(vrrp("MASTER", 150)))
    wait_holds(one)
    driver = browse(one)
    dialog = dialog_of(driver)
    state = lambda: rows(driver, "#instances").get("VI_1")  # noqa: E731
    wait_until(lambda: state() == "MASTER", 20, lambda: driver.page_source)

    press(driver, "Fail over VI_1")
    wait_until(lambda: "VI_1 would be handed over" in dialog(), 20, dialog)
    assert one.holds(VIP)
    assert accessibility_faults(driver) == []
    driver.find_element("id", "dialog-confirm").click()

    wait_until(lambda: "192.168.4.12 took over" in dialog(), 20, dialog)
    wait_holds(two)
    wait_until(lambda: state() == "BACKUP", 20, lambda: driver.page_source)
    driver.find_element("css selector", "#dialog button:last-child").click()

    wait_until(lambda: driver.find_elements("css selector", "button[aria-label='Let preempt again: VI_1']"), 20, lambda: driver.page_source)
    press(driver, "Let preempt again: VI_1")
    wait_until(lambda: "VI_1 preempts as configured afterwards" in dialog(), 20, dialog)
    driver.find_element("id", "dialog-confirm").click()
    wait_holds(one)
    wait_until(lambda: state() == "MASTER", 20, lambda: driver.page_source)


def test_maintenance_is_started_with_a_reason_and_ended_from_the_page(lan, browse):
    one, two = operating(lan, "one", "two")
    wait_ready(two.mainstayd(vrrp("BACKUP", 100)))
    wait_holds(two)
    daemon = wait_ready(one.mainstayd(vrrp("MASTER", 150)))
    wait_holds(one)
    driver = browse(one)
    dialog = dialog_of(driver)
    notice = lambda: driver.find_element("id", "notice").text  # noqa: E731
    wait_until(lambda: rows(driver, "#instances").get("VI_1") == "MASTER", 20, lambda: driver.page_source)

    press(driver, "Start maintenance")
    wait_until(lambda: "VI_1 would be handed over" in dialog(), 20, dialog)
    driver.find_element("id", "dialog-reason").send_keys("new kernel")
    driver.find_element("id", "dialog-confirm").click()
    wait_until(lambda: "maintenance is on" in dialog(), 20, dialog)
    wait_holds(two)
    driver.find_element("css selector", "#dialog button:last-child").click()
    wait_until(lambda: "Maintenance: this director stays back (new kernel)" in notice(), 20, notice)
    assert "by API: uid 0" in daemon.output()

    press(driver, "End maintenance")
    wait_until(lambda: "VI_1 would have its configured priority 150" in dialog(), 20, dialog)
    driver.find_element("id", "dialog-confirm").click()
    wait_until(lambda: "maintenance is off" in dialog(), 20, dialog)
    wait_holds(one)
    wait_until(lambda: notice() == "", 20, notice)


def said(driver, name="VI_1"):
    """The texts below the state of an instance."""
    return driver.execute_script(
        "const row = [...document.querySelectorAll('#instances tr')].find(one => one.cells[0].firstChild.textContent === arguments[0]);"
        "return [...row.cells[1].querySelectorAll('.more')].map(one => one.textContent);", name)


def causes_of_the_guide():
    guide = (TOP / "docs/guide/monitoring.md").read_text(encoding="utf-8")
    table = guide.split("## Why an instance changed its state")[1].split("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)


def test_each_cause_of_the_last_change_is_shown_with_its_reason(pair, browse):
    driver = browse(pair[0])
    wait_until(lambda: rows(driver, "#instances").get("VI_1") == "MASTER", 20, lambda: driver.page_source)
    (reason,) = said(driver)
    assert reason.startswith("because ")
    asked = json.loads(pair[0].run([program("mainstayctl"), "status", "--json"]).stdout)["vrrp"]["instances"][0]
    assert reason == f"because {asked['reason']}" and asked["cause"] == "timeout"

    causes = causes_of_the_guide()
    assert len(causes) == 17
    shown = driver.execute_script("""
        clearTimeout(page.timer);
        const one = page.document.vrrp.instances[0];
        const shown = [];
        for (const cause of [...arguments[0], ""]) {
          Object.assign(one, { cause, reason: cause && `what ${cause} says` });
          show(page.document);
          const text = document.querySelector("#instances [data-cause]");
          shown.push([text.dataset.cause, text.textContent]);
        }
        Object.assign(one, { state: "FAULT", cause: "track", reason: "script chk fails", fault: "script chk fails" });
        show(page.document);
        shown.push([...document.querySelector("#instances tr").cells[1].querySelectorAll(".more")].map(one => one.textContent));
        return shown;""", causes)
    assert shown == [*([cause, f"because what {cause} says"] for cause in causes), ["", "the reason is not known"], ["script chk fails"]]


def test_the_problems_of_the_page_are_those_of_status(lan, browse):
    (one,) = office(lan, "one")
    daemon = wait_ready(one.mainstayd(TRACKED + vrrp("MASTER", 150, more=TRACKS) + SERVICE))
    one.write("/run/keepalived.conf", "vrrp_instance VI_1 {\n    stat MASTER\n")
    daemon.send(signal.SIGHUP)
    status = lambda: [p["text"] for p in json.loads(one.run([program("mainstayctl"), "status", "--json"]).stdout)["problems"]]  # noqa: E731
    wait_until(lambda: any("reload was refused" in text for text in status()), 20, status)
    driver = browse(one)
    notice = lambda: driver.find_element("id", "notice").text  # noqa: E731
    wait_until(lambda: notice() == " · ".join(status()), 20, lambda: f"{notice()}\n{status()}")

    texts = status()
    assert any(text.startswith("script chk fails") for text in texts), texts
    assert any("127.0.0.2" in text for text in texts), texts
    plain = one.run([program("mainstayctl"), "status"], check=False).stdout
    doctor = one.run([program("mainstayctl"), "doctor"], check=False).stdout
    for text in texts:
        assert text in plain, (text, plain)
    assert "the last reload was refused" in doctor


def test_what_the_last_reload_changed_is_shown_old_and_new_and_what_is_worse_first(lan, browse):
    (one,) = office(lan, "one")
    listen(one, "127.0.0.2:80")
    daemon = wait_ready(one.mainstayd(vrrp("MASTER", 150) + SERVICE))
    driver = browse(one)
    hidden = lambda: driver.execute_script("return document.getElementById('reload-section').hidden;")  # noqa: E731
    wait_until(lambda: rows(driver, "#instances").get("VI_1"), 20, lambda: driver.page_source)
    assert hidden()

    changed = vrrp("MASTER", 140) + virtual_server("192.168.4.200 80", "  real_server 127.0.0.2 80 {\n    weight 1\n  }\n")
    one.write("/run/keepalived.conf", changed)
    dry = one.run([program("mainstayctl"), "reload", "--dry-run"], check=False).stdout
    daemon.send(signal.SIGHUP)
    wait_until(lambda: not hidden(), 20, lambda: driver.page_source)
    lines = driver.execute_script("return [...document.querySelectorAll('#reload-changes li')].map(one => one.textContent);")
    worse = driver.execute_script("return [...document.querySelectorAll('#reload-changes li')].map(one => Boolean(one.querySelector('.bad')));")
    print(dry, lines)
    assert any("priority 150 -> 140" in line for line in lines), lines
    assert worse[0] and "worse" in lines[0] and worse == sorted(worse, reverse=True), lines
    logged = [line.split("Reload: ")[1] for line in daemon.output().splitlines() if "Reload: " in line]
    assert [line.replace("worse: ", "worse") for line in logged] == lines
    assert accessibility_faults(driver) == [] and errors(driver) == []


def test_events_are_said_plainly(pair, browse):
    driver = browse(pair[0])
    wait_until(lambda: rows(driver, "#instances").get("VI_1") == "MASTER", 20, lambda: driver.page_source)
    event = "return eventItem({ id: 1, at: '2026-11-20T08:37:46Z', kind: 'instance', name: 'VI_1', transition: arguments[0] }).textContent;"
    shown = {word: driver.execute_script(event, word) for word in ("MASTER", "MASTER_RX_LOWER_PRI", "BACKUP_PRIORITY")}
    assert shown["MASTER"] == "2026-11-20 08:37:46 UTCMASTERInstance VI_1"
    assert "MASTER, heard another MASTER with a lower priority" in shown["MASTER_RX_LOWER_PRI"]
    assert "BACKUP with a new priority" in shown["BACKUP_PRIORITY"]
    texts = driver.execute_script("return [...document.querySelectorAll('#events li')].map(one => one.textContent);")
    quorum = [text for text in texts if "quorum" in text]
    assert quorum and not any("<=" in text or "+0=" in text for text in quorum), texts
