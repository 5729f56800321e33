"""mainstayctl doctor beside a running daemon: what it finds with the peers, and when it stops saying so."""

import json

import pytest

from support.paths import program
from support.vrrp import VIP, fast, instance, office, wait_holds, wait_ready
from support.wait import wait_until


def findings(host, path="/run/keepalived.conf"):
    answer = host.run([program("mainstayctl"), "doctor", *(["-f", path] if path else []), "--json"], check=False)
    return [one["finding"] for one in json.loads(answer.stdout)["findings"]]


def wait_found(host, start):
    return wait_until(lambda: [one for one in findings(host) if one.startswith(start)], 20,
                      lambda: f"a finding {start!r} among {findings(host)}")


def test_another_advert_int_and_another_password_on_the_wire_are_found(lan):
    one, two = office(lan, "one", "two")
    wait_ready(one.mainstayd(instance(priority=150)))
    wait_holds(one)

    other = two.mainstayd(instance(priority=100, interval=2))
    (found,) = wait_found(one, "VI_1 and 192.168.4.12 have different advert_int")
    assert found.endswith(": 192.168.4.12 advertises every 2 s, this router every 1 s"), found
    other.stop()
    two.mainstayd(instance(priority=100).replace("1111", "2222"))

    wait_found(one, "VI_1 and 192.168.4.12 have different passwords")


def test_without_a_file_it_looks_at_that_of_the_running_daemon(lan):
    (one,) = office(lan, "one")
    no_file = "there is no configuration"
    daemon = wait_ready(one.mainstayd(instance()))
    # The startup is complete before the observer answers.
    wait_until(lambda: no_file not in findings(one, path=None), 20, "the daemon's own file to be looked at")
    daemon.stop(timeout=15)
    assert no_file in findings(one, path=None)
    assert "mainstayd is not running: no answer at /run/mainstay/control.sock" in findings(one, path=None)


@pytest.mark.nightly
def test_a_rival_master_is_found_while_it_is_there(lan):
    one, two = office(lan, "one", "two")
    wait_ready(one.mainstayd(fast(priority=150)))
    wait_holds(one)
    # The second one hears nobody, and so it is MASTER beside the first.
    two.run(["nft", "add table ip deaf; add chain ip deaf in { type filter hook prerouting priority -300; }; "
                    "add rule ip deaf in ip protocol vrrp drop"])
    rival = two.mainstayd(fast(priority=100))

    (found,) = wait_found(one, "VI_1: two masters: 192.168.4.12 advertises, too (")
    assert found.endswith("192.168.4.12 is MASTER, too, with priority 100: it does not receive our adverts, or refuses them)")
    assert "the firewall drops VRRP: nft table ip deaf chain in has a rule that drops VRRP" in findings(two)
    assert not [line for line in findings(one) if "in use by another host" in line]
    rival.stop()

    wait_until(lambda: not [line for line in findings(one) if "two masters" in line], 30, "the rival to be forgotten")


def test_an_address_that_another_host_has_too_is_found_with_who_has_it(lan):
    one, two = office(lan, "one", "two")
    wait_ready(one.mainstayd(fast()))
    wait_holds(one)
    wait_until(lambda: json.loads(one.run([program("mainstayctl"), "status", "--json"]).stdout)["vrrp"]["instances"][0]
               ["state"] == "MASTER", 10, "MASTER in the status")
    two.run(["ip", "addr", "add", f"{VIP}/32", "dev", "eth0"])
    (mac,) = [link["address"] for link in json.loads(two.run(["ip", "-json", "link", "show", "eth0"]).stdout)]

    assert f"address {VIP} on eth0 is used by this host and by another one: {mac}" in findings(one)

    two.run(["ip", "addr", "del", f"{VIP}/32", "dev", "eth0"])
    assert findings(one) == []


def test_keepalived_is_found_once_with_its_children_and_an_instance_in_fault_with_its_reason(lan):
    (one,) = office(lan, "one")
    keepalived = one.keepalived(instance(vrid=52, vip="192.168.4.201"), name="other.conf")
    wait_until(lambda: "VRRP child process" in keepalived.output() or "vrrp child process" in keepalived.output().lower(),
               10, keepalived.output)
    one.run(["ip", "link", "add", "spare0", "type", "bridge"])
    daemon = wait_ready(one.mainstayd(instance(more="track_interface {\n spare0\n }")))
    wait_until(lambda: "Entering FAULT STATE" in daemon.output(), 10, "FAULT")

    wait_found(one, "VI_1 is in FAULT: interface spare0 down")
    rivals = [line for line in findings(one) if "runs in this network namespace, too" in line]

    assert len(rivals) == 1
    assert rivals[0].startswith("keepalived (process ")
    status = json.loads(one.run([program("mainstayctl"), "status", "--json"]).stdout)
    assert status["vrrp"]["instances"][0]["master"] == ""


def test_mails_that_nobody_takes_are_found(lan):
    (one,) = office(lan, "one")
    mail = """global_defs {
    notification_email { ops@example.org }
    notification_email_from director@example.org
    smtp_server 127.0.0.1 2525
    smtp_alert
}
"""
    wait_ready(one.mainstayd(mail + fast()))
    wait_holds(one)

    (found,) = wait_found(one, "mails are not delivered")
    assert "queued" in found
