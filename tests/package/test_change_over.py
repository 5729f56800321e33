"""From keepalived's package to ours and back, on Debian with systemd as PID 1, while somebody asks for the address. In order."""

import re

import pytest

from support.takeover import FAILED_AT_KEEPALIVEDS_START
from support.wait import wait_until

from .booted import CONFIG, HELD, addresses
from .change_over import Client, Rpm


@pytest.fixture
def client(booted, tmp_path):
    client = Client(booted, tmp_path)
    try:
        yield client
    finally:
        booted.run("systemctl", "stop", "keepalived", "mainstay", check=False)
        client.close()
        booted.run("ip", "link", "set", "other", "up")


def installed_keepalived(booted):
    """Back from the package that apt has kept."""
    return booted.run("sh", "-c", "dpkg -i /var/cache/apt/archives/keepalived_*.deb")


def test_the_drop_in_takes_the_package_s_place_and_gives_it_back_without_losing_a_request(booted, debs, client):
    wanted = [deb for deb in debs if re.match(r"mainstay(-realserver|-keepalived-compat)?_", deb.name)]
    booted.root.put(*wanted)
    mainstay, drop_in = [f"/root/{deb.name}" for deb in wanted if "compat" not in deb.name], "/root/" + next(
        deb.name for deb in wanted if "compat" in deb.name)
    (booted.root.path / "etc/keepalived/keepalived.conf").write_text(CONFIG, encoding="utf-8")
    booted.run("dpkg", "-i", *mainstay)
    booted.run("systemctl", "enable", "--now", "keepalived")
    wait_until(lambda: addresses(booted) == HELD, 20, "keepalived's address")
    # apt shows this before it removes or unpacks anything.
    said = booted.run("dpkg-preconfigure", "--frontend=noninteractive", drop_in).stdout
    assert "mainstayctl takeover" in said

    client.ask()
    booted.run("mainstayctl", "takeover")
    assert "mainstay.service goes on" in booted.run("dpkg", "-i", drop_in).stdout
    assert client.lost("to the deb") == 0

    assert (booted.show("ActiveState"), booted.show("UnitFileState")) == ("active", "disabled")
    assert (booted.show("ActiveState", "keepalived"), booted.show("UnitFileState", "keepalived")) == ("inactive", "enabled")
    assert booted.run("keepalived", "--version").stderr.startswith("Keepalived v2.4.3")
    # No warning where nothing is stopped.
    assert "takeover" not in booted.run("dpkg-preconfigure", "--frontend=noninteractive", drop_in).stdout

    client.ask()
    booted.run("systemctl", "mask", "--runtime", "keepalived")
    booted.run("dpkg", "--remove", "mainstay-keepalived-compat")  # as apt does for a package that it conflicts with
    installed_keepalived(booted)
    booted.run("systemctl", "unmask", "--runtime", "keepalived")
    booted.run("mainstayctl", "takeover", "--undo")
    assert client.lost("back from the deb") <= FAILED_AT_KEEPALIVEDS_START

    assert (booted.show("ActiveState"), booted.show("ActiveState", "keepalived")) == ("inactive", "active")
    assert booted.show("UnitFileState", "keepalived") == "enabled"
    assert addresses(booted) == HELD

    # Without a takeover: stopped, and started under its name.
    stopped = booted.run("dpkg", "-i", drop_in).stdout
    assert "goes on" not in stopped
    assert booted.show("ActiveState", "keepalived") == "active"
    wait_until(lambda: addresses(booted) == HELD, 20, "mainstay's address")
    assert "keepalived.service stops now" in booted.run("dpkg", "--remove", "mainstay-keepalived-compat").stdout
    assert addresses(booted) == {"192.168.4.11/24"}
    installed_keepalived(booted)
    booted.run("systemctl", "disable", "--now", "keepalived")


def test_the_rpm_takes_over_before_keepalived_s_package_goes_and_gives_back_without_losing_a_request(booted, rpms, client, tmp_path):
    """In the order of `dnf swap`: the new package's %pre, files and %post, then the old one's %preun, files and %postun."""
    booted.run("dpkg", "--purge", "mainstay-keepalived-compat", "mainstay", "mainstay-realserver")
    rpm = Rpm(booted, tmp_path)
    mainstay, drop_in = [next(one for one in rpms if re.match(rf"mainstay{name}-0", one.name) and ".src." not in one.name)
                         for name in ("", "-keepalived-compat")]
    (booted.root.path / "etc/keepalived/keepalived.conf").write_text(CONFIG, encoding="utf-8")
    rpm.run("-i", "--force", rpm.keepalived)
    booted.run("systemctl", "enable", "--now", "keepalived")
    wait_until(lambda: addresses(booted) == HELD, 20, "keepalived's address")

    client.ask()
    assert "keepalived was ended" in rpm.run("-i", "--force", mainstay, drop_in)
    rpm.run("-e", "keepalived")
    assert client.lost("to the rpm") == 0
    assert (booted.show("ActiveState"), booted.show("UnitFileState")) == ("active", "disabled")
    assert (booted.show("ActiveState", "keepalived"), booted.show("UnitFileState", "keepalived")) == ("inactive", "enabled")

    client.ask()
    rpm.run("-i", "--force", rpm.keepalived)
    booted.run("systemctl", "--no-reload", "disable", "--now", "keepalived")  # %systemd_preun, which is empty on this system
    rpm.run("-e", "mainstay-keepalived-compat")
    booted.run("systemctl", "daemon-reload")
    booted.run("mainstayctl", "takeover", "--undo")
    assert client.lost("back from the rpm") <= FAILED_AT_KEEPALIVEDS_START
    assert (booted.show("ActiveState"), booted.show("ActiveState", "keepalived")) == ("inactive", "active")
    assert addresses(booted) == HELD
    rpm.run("-e", "mainstay", "keepalived")
    assert addresses(booted) == {"192.168.4.11/24"}
    booted.run("dpkg", "--purge", "keepalived")
    installed_keepalived(booted)
    booted.run("systemctl", "disable", "--now", "keepalived")
