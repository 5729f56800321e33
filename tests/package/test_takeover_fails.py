"""`mainstayctl takeover` and its way back where the other program does not start, or systemd would start one again. In order."""

import re

import pytest

from support.wait import wait_until

from .booted import CONFIG, HELD, addresses


@pytest.fixture(name="host", scope="module")
def fixture_host(booted, debs):
    wanted = [deb for deb in debs if re.match(r"mainstay(-realserver)?_", deb.name)]
    booted.root.put(*wanted)
    booted.run("dpkg", "-i", *(f"/root/{deb.name}" for deb in wanted))
    write(booted, "/etc/keepalived/keepalived.conf", CONFIG)
    booted.run("systemctl", "start", "keepalived")
    wait_until(lambda: addresses(booted) == HELD, 20, "keepalived's address")
    return booted


NOT_AT_BOOT = "mainstay.service runs, but is not enabled: nothing starts it at the next boot"


def write(booted, path, text):
    file = booted.root.path / path.lstrip("/")
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
    if ".service.d/" in path:
        booted.run("systemctl", "daemon-reload")


def states(booted):
    """Of mainstay and of keepalived. One that failed and shall be started again is "activating"."""
    return booted.show("ActiveState"), booted.show("ActiveState", "keepalived")


def nothing_is_left(booted):
    assert booted.run("find", "/run", "-name", "*takeover*").stdout == ""
    assert addresses(booted) == HELD


def test_a_mainstay_that_does_not_start_leaves_keepalived_alone(host):
    write(host, "/etc/default/mainstay", 'MAINSTAY_OPTIONS="--log-detial"\n')
    done = host.run("mainstayctl", "takeover", check=False)
    write(host, "/etc/default/mainstay", "")

    assert done.returncode == 2
    assert "mainstay did not start, keepalived goes on; `journalctl -u mainstay` says why" in done.stderr
    assert states(host) == ("inactive", "active")
    assert host.show("Restart") == "on-failure"
    nothing_is_left(host)


def test_a_configuration_without_keepalived_s_instance_starts_nothing(host):
    write(host, "/etc/mainstay/mainstay.conf", CONFIG.replace("VI_1", "VI_2"))
    done = host.run("mainstayctl", "takeover", check=False)
    (host.root.path / "etc/mainstay/mainstay.conf").unlink()

    assert done.returncode == 2
    assert "/etc/mainstay/mainstay.conf, which mainstay would run, has no instance VI_1" in done.stderr
    assert (states(host), host.show("NRestarts")) == (("inactive", "active"), "0")
    nothing_is_left(host)


def test_a_takeover_that_is_interrupted_ends_mainstay_with_what_it_added(host):
    """VI_1 never becomes MASTER beside keepalived, VI_2 does."""
    more = CONFIG.replace("VI_1", "VI_2").replace("51", "52").replace(".200", ".201")
    more += "static_routes {\n 10.77.0.0/24 via 192.168.4.99 dev eth0\n}\n"
    write(host, "/etc/mainstay/mainstay.conf", CONFIG.replace("advert_int", "track_interface {\n nowhere\n }\n advert_int") + more)
    done = host.run("sh", "-c", "mainstayctl takeover & for n in $(seq 150); do ip -4 addr show eth0 | grep -q 4.201 && break; "
                                "sleep 0.1; done; ip -4 addr show eth0; ip route; kill -TERM $!; wait $!", check=False)
    (host.root.path / "etc/mainstay/mainstay.conf").unlink()

    assert done.returncode == 2
    assert "192.168.4.201" in done.stdout and "10.77.0.0/24" in done.stdout
    assert done.stderr == "mainstayctl: the command was interrupted: mainstay was ended again, keepalived goes on\n"
    assert states(host) == ("inactive", "active")
    assert "10.77.0.0/24" not in host.run("ip", "route").stdout
    nothing_is_left(host)


def test_a_drop_in_that_prevails_is_named_before_anything_is_touched(host):
    file = "/etc/systemd/system/keepalived.service.d/~~~.conf"
    write(host, file, "[Service]\nRestart=always\n")
    done = host.run("mainstayctl", "takeover", check=False)
    (host.root.path / file.lstrip("/")).unlink()

    assert done.returncode == 2
    assert f"{file} has Restart=always" in done.stderr
    assert states(host) == ("inactive", "active")
    nothing_is_left(host)


def test_the_drop_in_of_systemctl_edit_starts_nobody_again(host):
    write(host, "/etc/systemd/system/keepalived.service.d/override.conf", "[Service]\nRestart=on-failure\n")
    host.run("mainstayctl", "takeover")
    assert states(host) == ("active", "inactive")
    nothing_is_left(host)


def test_a_keepalived_that_does_not_start_leaves_mainstay_alone(host):
    write(host, "/etc/systemd/system/mainstay.service.d/local.conf", "[Service]\nRestart=always\n")
    write(host, "/etc/keepalived/keepalived.conf", CONFIG.replace("interface", "interfac"))
    done = host.run("mainstayctl", "takeover", "--undo", check=False)
    write(host, "/etc/keepalived/keepalived.conf", CONFIG)

    assert done.returncode == 2
    assert "keepalived did not start, mainstay goes on; `journalctl -u keepalived.service` says why" in done.stderr
    assert states(host) == ("active", "inactive")
    nothing_is_left(host)


def test_the_way_back_starts_nobody_again_either(host):
    host.run("mainstayctl", "takeover", "--undo", "--unit", "keepalived")
    assert states(host) == ("inactive", "active")
    assert (host.show("Restart"), host.show("Restart", "keepalived")) == ("always", "on-failure")
    nothing_is_left(host)


def test_with_mainstay_in_keepalived_s_place_there_is_no_way_back(host, debs):
    deb = next(deb for deb in debs if deb.name.startswith("mainstay-keepalived-compat_"))
    host.root.put(deb)
    host.run("mainstayctl", "takeover")
    host.run("mainstayctl", "takeover", "--confirm")
    host.run("dpkg", "--remove", "keepalived")
    said = host.run("dpkg", "-i", f"/root/{deb.name}").stdout
    assert "at the next boot keepalived.service, which is mainstay, too, starts in its place" in said
    assert (host.show("UnitFileState"), host.show("UnitFileState", "keepalived")) == ("disabled", "enabled")
    assert NOT_AT_BOOT not in host.run("mainstayctl", "doctor", check=False).stdout

    done = host.run("mainstayctl", "takeover", "--undo", check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no keepalived to go back to: keepalived.service is mainstay itself" in done.stderr
    assert states(host) == ("active", "inactive")
    nothing_is_left(host)

    said = host.run("dpkg", "--remove", "mainstay-keepalived-compat").stdout
    assert "mainstay.service goes on, but nothing starts it at the next boot: systemctl enable mainstay" in said
    assert NOT_AT_BOOT in host.run("mainstayctl", "doctor", check=False).stdout
    host.run("systemctl", "enable", "mainstay")
    assert NOT_AT_BOOT not in host.run("mainstayctl", "doctor", check=False).stdout
