"""The Ansible role and playbooks of packaging/ansible, against a pair of directors.

Installing the package is left out: a network namespace has no package manager of its own. tests/package shows that.
"""

import pathlib
import shutil

import pytest

from support.ansible_run import Ansible, director
from support.paths import program
from support.vrrp import VIP, fast, office, wait_holds, wait_released

pytestmark = pytest.mark.skipif(shutil.which("ansible-playbook") is None, reason="there is no ansible-playbook")

PATH = "/etc/keepalived/keepalived.conf"
NEW = "192.168.4.210"
TEMPLATE = fast(priority="{{ priority }}", vip="{{ vip }}")


def pair(lan, tmp_path, install=lambda host: program("mainstayd"), **variables):
    """Two directors, and the control node that manages them. The second one is MASTER of nothing at first."""
    one, two = office(lan, "one", "two")
    daemons = [director(host, fast(priority=priority), install(host)) for host, priority in ((two, 100), (one, 150))]
    wait_holds(one)
    wait_released(two)
    template = tmp_path / "pair.conf.j2"
    template.write_text(TEMPLATE, encoding="utf-8")
    ansible = Ansible(tmp_path, {one: "priority=150", two: "priority=100"}, vip=VIP,
                      mainstay_config_template=template, **variables)
    return one, two, daemons[1], daemons[0], ansible


def reloads(daemon):
    return daemon.output().count("Reload complete")


@pytest.mark.nightly
def test_a_change_is_reloaded_on_one_director_after_the_other_and_a_second_run_changes_nothing(lan, tmp_path):
    one, two, first, second, ansible = pair(lan, tmp_path)

    done = ansible.play("site.yml", "-e", f"vip={NEW}")

    assert done.returncode == 0
    wait_holds(one, NEW)
    assert not one.holds(VIP) and not two.holds(NEW)
    assert f"{NEW}" in two.read(PATH) and two.path(PATH).stat().st_mode & 0o777 == 0o640
    assert (reloads(first), reloads(second)) == (1, 1)
    assert first.alive() and second.alive()
    # The second director's file was written when all was over at the first.
    assert done.output.rindex(": [one]") < done.output.index(": [two]")

    again = ansible.play("site.yml", "-e", f"vip={NEW}")

    assert again.returncode == 0
    assert again.changed() == {"one": 0, "two": 0}
    assert (reloads(first), reloads(second)) == (1, 1)


def test_an_invalid_file_is_refused_and_the_next_director_is_not_touched(lan, tmp_path):
    one, two, first, second, ansible = pair(lan, tmp_path)
    before = one.read(PATH)

    strict = ansible.play("site.yml", "-e", "priority=300")
    lenient = ansible.play("site.yml", "-e", "priority=300 mainstay_accept_warnings=true")
    # A file that only the running daemon refuses: the validation here accepts everything.
    late = ansible.play("site.yml", "-e", "priority=300 vip=nowhere mainstay_daemon=/bin/true")

    for done in (strict, lenient):
        assert "failed to validate" in done.output and "priority must be 1 to 255" in done.output
    assert "Compare the file with what runs: " in late.output and "would be refused" in late.output
    for done in (strict, lenient, late):
        assert done.returncode != 0 and done.recap["one"]["failed"] == 1 and "two" not in done.recap
    assert (one.read(PATH), two.read(PATH)) == (before, before.replace("150", "100"))
    assert (reloads(first), reloads(second)) == (0, 0) and one.holds(VIP)


def test_a_drain_moves_the_address_to_the_peer_which_is_not_drained_as_well(lan, tmp_path):
    one, two, first, second, ansible = pair(lan, tmp_path)

    assert ansible.play("drain.yml", "--limit", "one").changed() == {"one": 1}
    assert two.holds(VIP) and not one.holds(VIP)
    assert "drained by Ansible" in one.run([program("mainstayctl"), "maintenance", "show"]).stdout
    assert ansible.play("drain.yml", "--limit", "one").changed() == {"one": 0}

    other = ansible.play("drain.yml", "--limit", "two")
    assert other.returncode != 0 and "one is in maintenance; fix:" in other.output
    assert two.holds(VIP)
    both = ansible.play("drain.yml")
    assert both.returncode != 0 and "fix: name one with --limit" in both.output

    assert ansible.play("drain.yml", "--limit", "one", "-e", "mainstay_drained=false").changed() == {"one": 1}
    wait_holds(one)
    wait_released(two)

    # Nobody is there to take over: the director takes part again.
    second.stop()
    alone = ansible.play("drain.yml", "--limit", "one", "-e", '{"mainstay_peers": []}')
    assert alone.returncode != 0 and "nobody took over" in alone.output
    assert one.run([program("mainstayctl"), "maintenance", "show"]).stdout == "maintenance is off\n"
    wait_holds(one)
    assert first.alive()


def own_program(host):
    """A copy of the daemon and its roles on the host, which a test replaces as a package's upgrade does."""
    folder = pathlib.Path(program("mainstayd")).parent
    host.run(["mkdir", "/tmp/sbin"])
    host.run(["cp", "-t", "/tmp/sbin", *(path for path in folder.glob("mainstayd*") if path.is_file())])
    return "/tmp/sbin/mainstayd"


def replace(host, path, command):
    """Puts another file in the program's place, with its name, as dpkg does."""
    host.run(["sh", "-c", f"{command} {path}.new && chmod 755 {path}.new && mv {path}.new {path}"])


@pytest.mark.nightly
def test_an_upgrade_goes_from_one_director_to_the_next_and_stops_at_the_first_that_fails(lan, tmp_path):
    one, two, first, second, ansible = pair(lan, tmp_path, own_program)
    for host in (one, two):
        replace(host, "/tmp/sbin/mainstayd", "cp /tmp/sbin/mainstayd")

    done = ansible.play("upgrade.yml")

    assert done.returncode == 0
    assert done.output.rindex(": [one]") < done.output.index(": [two]")
    for host, daemon in ((one, first), (two, second)):
        assert daemon.output().count("upgrade complete") == 1, daemon.output()
    assert one.holds(VIP) and not two.holds(VIP)

    for host in (one, two):
        replace(host, "/tmp/sbin/mainstayd", "printf '#!/bin/sh\\nexit 3\\n' >")
    failed = ansible.play("upgrade.yml", "-e", "mainstay_upgrade_drain=true")

    assert failed.returncode != 0 and "upgrade refused, nothing was changed" in failed.output
    assert list(failed.recap) == ["one"]
    # The first one stays drained with its old program; the second one has the address.
    assert two.holds(VIP) and not one.holds(VIP)
    assert "upgrade refused" in first.output() and "upgrade refused" not in second.output()
    assert first.alive() and second.alive()
